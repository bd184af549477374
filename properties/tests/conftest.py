"""What the tests of the isolation share, and those of the command."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent, indent
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from oracle.tests.selection import pytest_collection_modifyitems
from properties.implementations import process
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import Settings, WorkerProcess, start_worker

__all__ = ["pytest_collection_modifyitems"]

if TYPE_CHECKING:
    from properties.tests.runs import Installation


@pytest.fixture(scope="session", autouse=True)
def _plain_terminal() -> Iterator[None]:
    """Whatever the terminal is in which the tests run, what they print has 80 columns and no colours."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("COLUMNS", "80")
        for name in ("CI", "FORCE_COLOR", "NO_COLOR", "PY_COLORS", "TTY_COMPATIBLE"):
            environment.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> "Installation":
    """The wheel, installed."""
    from properties.tests.runs import installed  # this file is read by `pytest properties`, too

    return installed(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the runs of `judge` and `laws` be forks of a process that has imported PyTorch."""
    from properties.session import api
    from properties.tests.runs import in_clone

    def ran(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
        done = in_clone().run(*command[3:], directory=Path.cwd(), **environment)
        return done.returncode, done.stdout

    monkeypatch.setattr(api, "_output", ran)


@pytest.fixture
def implement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Implementation]]:
    """An implementation of a source text; when the test is over, nothing of its process may be left."""
    started: list[WorkerProcess] = []

    def recorded(*arguments: Any) -> WorkerProcess:
        started.append(start_worker(*arguments))
        return started[-1]

    monkeypatch.setattr(process, "start_worker", recorded)
    with Implementation("reference") as first:
        first.load()  # after which there is a warm process, if any
    descriptors = len(os.listdir("/dev/fd"))
    with ExitStack() as opened:

        def make(source: str, name: str = "target.py", **options: Any) -> Implementation:
            path = tmp_path / name.partition(":")[0]
            path.write_text(dedent(source))
            return opened.enter_context(Implementation(name, Settings(directory=tmp_path, **options)))

        yield make
    # A file of an earlier test may be closed meanwhile, and Dask may open sockets in its thread.
    if not any(thread.name == "IO loop" for thread in threading.enumerate()):
        assert len(os.listdir("/dev/fd")) <= descriptors, "a file descriptor is left open"
    for each in started:
        assert _ends(each.pid), "a process is left behind"


def _ends(pid: int) -> bool:
    """Whether a process ends; the system takes seconds to wait for one whose parent was killed."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


@pytest.fixture
def misbehave(implement: Callable[..., Implementation]) -> Callable[..., Implementation]:
    """An implementation whose `rnn_forward` has this body, and whose `lstm_forward` returns its `x`."""

    def make(body: str, before: str = "", **options: Any) -> Implementation:
        function = f"def rnn_forward(x, a0, parameters):\n{indent(dedent(body).strip(), '    ')}\n"
        source = f"{before}\n{function}\ndef lstm_forward(x, a0, parameters): return x\n"
        return implement(source, **options)

    return make


@pytest.fixture
def arguments() -> list[Any]:
    """The arguments of `rnn_cell_forward`."""
    rng = np.random.default_rng(0)
    n_x, n_a, n_y, m = 3, 4, 2, 5
    shapes = {"Wax": (n_a, n_x), "Waa": (n_a, n_a), "Wya": (n_y, n_a), "ba": (n_a, 1), "by": (n_y, 1)}
    parameters = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    return [rng.standard_normal((n_x, m)), rng.standard_normal((n_a, m)), parameters]
