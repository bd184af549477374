"""A process may be killed, interrupted or closed; the next call starts another process."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from properties.implementations import process_start
from properties.implementations.calls import Died
from properties.implementations.implementation import Implementation
from properties.implementations.process import Process
from properties.implementations.process_end import descendants, end_with_descendants
from properties.implementations.process_start import FORKS, Settings
from properties.tests.test_implementation import Implement, returned


@pytest.mark.skipif(not FORKS, reason="a fork is not safe here")
def test_a_worker_is_forked_and_no_interpreter_started(
    implement: Implement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_start, "popen", None)  # which starts an interpreter
    implementation = implement("def rnn_forward(x, a0, p): return x")
    assert returned(implementation.call("rnn_forward", [1, 0, 0])).value == 1


def test_no_bytecode_is_written_beside_a_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes half a second: it starts an interpreter, because the environment changes."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "")
    (tmp_path / "helper.py").write_text("def answer(): return 1")
    (tmp_path / "target.py").write_text("import helper\ndef rnn_forward(x, a0, p): return helper.answer()")
    with Implementation("target.py", Settings(directory=tmp_path)) as implementation:
        assert returned(implementation.call("rnn_forward", [0, 0, 0])).value == 1
    assert not [*tmp_path.rglob("*.pyc")]


def test_a_worker_that_was_killed_loses_one_call(implement: Implement) -> None:
    implementation = implement("import os\ndef rnn_forward(x, a0, p): return os.getpid()")
    first = returned(implementation.call("rnn_forward", [0, 0, 0])).value
    os.kill(first, signal.SIGKILL)
    assert implementation.call("rnn_forward", [0, 0, 0]) == Died("was killed by SIGKILL")
    assert returned(implementation.call("rnn_forward", [0, 0, 0])).value != first


def test_a_target_that_becomes_unusable_is_a_death(implement: Implement, tmp_path: Path) -> None:
    source = "import os\ndef rnn_forward(x, a0, p): os._exit(x)"
    implementation = implement(source)
    assert implementation.call("rnn_forward", [1, 0, 0]) == Died("exited with status 1")
    implement("1 / 0")
    outcome = implementation.call("rnn_forward", [0, 0, 0])
    why = "target.py cannot be imported: ZeroDivisionError: division by zero (target.py:1)"
    assert outcome == Died(f"cannot be loaded again: {why}")
    tmp_path.joinpath("target.py").unlink()
    gone = implementation.call("rnn_forward", [0, 0, 0])
    assert isinstance(gone, Died)
    assert gone.reason.startswith("cannot be loaded again: no file 'target.py'")
    implement(source)
    assert implementation.call("rnn_forward", [2, 0, 0]) == Died("exited with status 2")


def test_an_interrupt_ends_the_worker_and_the_next_call_is_in_step(implement: Implement) -> None:
    """The target interrupts the judge during the call, and does not answer."""
    implementation = implement(
        """
        import os, signal, time
        def rnn_forward(x, a0, p):
            if x:
                os.kill(x, signal.SIGUSR1)
                time.sleep(600)
            return x
        """,
        time_limit=600,
    )
    assert returned(implementation.call("rnn_forward", [0, 0, 0])).value == 0

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            implementation.call("rnn_forward", [os.getpid(), 0, 0])
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert returned(implementation.call("rnn_forward", [0, 0, 0])).value == 0


def test_closing_twice_does_no_harm_and_a_call_starts_anew(implement: Implement) -> None:
    implementation = implement("def rnn_forward(x, a0, p): return x")
    implementation.close()
    assert returned(implementation.call("rnn_forward", [1, 0, 0])).value == 1
    implementation.close()
    implementation.close()
    assert returned(implementation.call("rnn_forward", [2, 0, 0])).value == 2


def test_one_slow_answer_is_no_sign_of_a_compiler_and_several_are(
    implement: Implement, arguments: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    implementation = implement("def rnn_cell_forward(xt, a_prev, parameters): return a_prev")
    assert implementation.may_compile
    assert implementation.is_slow
    told, ask, seconds = [], Process.ask, 0.0

    def timed(process: Process, *given: Any, **how: Any) -> Any:
        answers = ask(process, *given, **how)
        process.seconds = [seconds]
        return answers

    monkeypatch.setattr(Process, "ask", timed)
    for seconds in (0.0, 1.0, 1.0, 1.0):  # noqa: B007 - which `timed` reads
        implementation.call("rnn_cell_forward", arguments)
        told.append((implementation.may_compile, implementation.is_slow))
    assert told == [(False, False), (True, False), (True, False), (True, True)]


@pytest.mark.skipif(not FORKS, reason="workers are forked only on Linux, where that is safe")
def test_workers_are_forked_by_one_process_that_has_the_imports(implement: Implement) -> None:
    implementation = implement("import os\ndef rnn_forward(x, a0, p): return os.getppid()")
    parents = []
    for _ in range(2):
        parents.append(returned(implementation.call("rnn_forward", [0, 0, 0])).value)
        implementation.close()
    assert parents[0] == parents[1] != os.getpid()


SLOW = """
import os
open({file!r}, "a").write("x")
{more}
def rnn_forward(x, a0, p):
    if x: os._exit(x)
    return os.getpid()
"""


PATCHED_FORK = """
import sys
frame = sys._getframe()
while "posix" not in frame.f_globals:
    frame = frame.f_back
frame.f_globals["posix"].fork = os.getppid
"""


@pytest.mark.skipif(not FORKS, reason="workers are forked only on Linux, where that is safe")
@pytest.mark.parametrize(
    ("more", "imports"),
    [
        ("", 1),
        ("import numpy, sys; os.setsid = os.chdir = os.dup2 = numpy.random.seed = sys.stderr.close()", 1),
        ("import threading, time; threading.Thread(target=time.sleep, args=(60,), daemon=True).start()", 4),
        ("os.fork = os.getppid", 1),
        (PATCHED_FORK, 5),  # the judge would kill this process if it believed the worker
        ("import socket; socket.socket.send = None", 5),
    ],
)
def test_a_target_whose_import_is_slow_is_imported_once_if_a_fork_is_safe(
    implement: Implement, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, imports: int
) -> None:
    monkeypatch.setattr("properties.implementations.implementation.SLOW_IMPORT", 0)
    implementation = implement(SLOW.format(file=str(tmp_path / "imports"), more=more))
    pids = []
    for _ in range(3):
        pids.append(returned(implementation.call("rnn_forward", [0, 0, 0])).value)
        assert implementation.call("rnn_forward", [3, 0, 0]) == Died("exited with status 3")
    implementation.end_process()
    pids.append(returned(implementation.call("rnn_forward", [0, 0, 0])).value)
    assert len({*pids}) == 4
    assert len(tmp_path.joinpath("imports").read_text()) == imports


def test_nothing_of_the_judge_is_imported_but_what_a_worker_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Uses a new fork server, since one that forked for a module of torch keeps torch."""
    monkeypatch.setattr(process_start, "_server", [])
    body = "[name for name in ('torch', 'oracle', 'hypothesis') if name in sys.modules]"
    (tmp_path / "target.py").write_text(f"import sys\ndef rnn_forward(*given): return {body}\n")
    with Implementation("target.py", Settings(directory=tmp_path)) as implementation:
        assert returned(implementation.call("rnn_forward", [0, 0, {}])).value == []


def test_a_process_that_does_not_lead_a_group_yet_is_killed() -> None:
    """Such a process exists if an interrupt comes directly after a fork."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with process:
        end_with_descendants(process)
        assert process.returncode == -signal.SIGKILL
    end_with_descendants(process)  # a second call does nothing


def test_the_descendants_of_a_process_are_found() -> None:
    """Also those of its child. Of a process that has ended, or of one that never was, there are none."""
    sleeps = "import time; print(flush=True); time.sleep(600)"
    starts = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {sleeps!r}])"
    command = [
        sys.executable,
        "-c",
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {starts!r}])",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            child, grandchild = descendants(process.pid)
            assert [child] == descendants(process.pid, recursive=False)
            assert [grandchild] == descendants(child)
        finally:
            end_with_descendants(process)
    assert descendants(process.pid) == descendants(child) == []
