"""Objects of Python as targets: what is sent, what is refused, and what is judged."""

import importlib
import linecache
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import reference
from oracle.modules.understanding import like
from properties.implementations.calls import Raised, Returned
from properties.implementations.implementation import Implementation
from properties.session.api import judge, laws
from properties.session.objects import Request
from properties.worker.own_modules import OBJECTS
from properties.worker.targets import Unusable

pytestmark = pytest.mark.slow

QUICK = "--hypothesis-profile=quick"
FACTOR = np.float64(2)

Send = Callable[..., Implementation]


def rnn_forward(x: Any, a0: Any, parameters: Any) -> Any:
    return FACTOR * x


def rnn_cell_forward(xt: Any, a_prev: Any, parameters: Any) -> Any:
    return reference.rnn_cell_forward(xt, a_prev, parameters)


class Layer(torch.nn.LSTM):
    """A class that only this module has."""


@pytest.fixture
def send(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Send:
    """Makes the implementation of objects, in a process that has only what was sent to it."""

    def sent(*objects: Any) -> Implementation:
        request = Request.of(objects)
        file = tmp_path / "objects.pickle"
        file.write_bytes(request.pickled)
        monkeypatch.setenv(OBJECTS, str(file))
        return Implementation(request.target)

    return sent


def called(implementation: Implementation, function: str = "rnn_forward") -> Any:
    with implementation:
        outcome = implementation.call(function, [np.ones(1), np.ones(1), {}])
    return outcome.value.item() if isinstance(outcome, Returned) else outcome


def test_a_function_brings_the_globals_that_it_uses(send: Send) -> None:
    """The process cannot import this module, which is a part of no package on its path."""
    assert called(send(rnn_forward)) == 2


def module_of_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> ModuleType:
    (folder / "held.py").write_text(text)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "held", raising=False)
    return importlib.import_module("held")


def test_what_is_held_is_judged_and_not_what_its_file_has_become(
    send: Send, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = module_of_a_file(tmp_path, monkeypatch, "def rnn_forward(x, a0, parameters): return 3 * x")
    (tmp_path / "held.py").write_text("def rnn_forward(x, a0, parameters): return 4 * x")
    assert called(send(held.rnn_forward)) == 3
    assert called(send(held)) == 3
    assert called(send(vars(held))) == 3


def test_other_modules_are_imported_from_where_the_caller_imports_them(
    send: Send, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "helper_of_held.py").write_text("factor = 5")
    text = "import helper_of_held\ndef rnn_forward(x, a0, parameters): return helper_of_held.factor * x"
    assert called(send(module_of_a_file(tmp_path, monkeypatch, text).rnn_forward)) == 5


def in_a_cell(source: str) -> dict[str, Any]:
    """The namespace of a cell, whose source no file has."""
    linecache.cache["<cell>"] = (len(source), None, source.splitlines(True), "<cell>")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, "<cell>", "exec"), namespace)
    return namespace


def test_an_error_in_a_cell_has_its_line(send: Send) -> None:
    cell = in_a_cell("def rnn_forward(x, a0, parameters):\n    def inner(): raise OSError\n    inner()")
    outcome = called(send(cell))
    assert isinstance(outcome, Raised)
    assert outcome.where == "<cell>:2 in inner"


def test_a_placeholder_in_a_cell_is_found(send: Send) -> None:
    cell = in_a_cell("def rnn_forward(x, a0, parameters):\n    a = None\n    return a")
    with send(cell["rnn_forward"]) as implementation:
        found = implementation.load().unfinished
    assert found == {"rnn_forward": "'a = None' (<cell>:2 in rnn_forward)"}


def test_limits_come_along(send: Send, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'SUPPORTS = {"layers": 1}\ndef lstm_layer(x, h0, c0, parameters): ...'
    held = module_of_a_file(tmp_path, monkeypatch, text)
    for objects in ([held], [held.lstm_layer], [in_a_cell(text)["lstm_layer"], {"layers": 1}]):
        with send(*objects) as implementation:
            assert implementation.limits.layers == 1


def test_what_cannot_be_sent_is_named() -> None:
    with open(__file__, "a") as log:

        def helper() -> None:
            print(log)

        def rnn_forward(x: Any, a0: Any, parameters: Any) -> Any:
            return helper, rnn_forward

        with pytest.raises(ValueError, match=r"^log \(TextIOWrapper\) cannot be sent to the process that is"):
            judge(rnn_forward)


def test_what_the_process_cannot_import_is_named(
    send: Send, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone.py").write_text("def help(): ...")
    text = "from gone import help\ndef rnn_forward(x, a0, parameters): return help()"
    held = module_of_a_file(tmp_path, monkeypatch, text)
    (tmp_path / "gone.py").unlink()
    with send(held.rnn_forward) as implementation, pytest.raises(Unusable, match="No module named 'gone'"):
        implementation.load()


@pytest.mark.parametrize(
    ("words", "error", "why"),
    [
        ([], TypeError, "judge and laws take a target"),
        ([{}], ValueError, "none of the functions rnn_cell_forward, .* is among these objects"),
        (
            [rnn_forward, Layer],
            ValueError,
            "^Layer is none of the functions rnn_cell_forward, .*; judge it alone",
        ),
        ([rnn_forward, "-k", 3], TypeError, "^an option is a text, not 3"),
        ([rnn_forward, "--python=python3"], ValueError, "leave out --python"),
    ],
)
def test_a_wrong_call_is_refused(words: list[Any], error: type[Exception], why: str) -> None:
    with pytest.raises(error, match=why):
        Request.of(words)


def test_names_of_targets() -> None:
    assert Request.of([Path("a.py"), "-m", "spec"]) == Request("a.py", ("-m", "spec"))
    for objects, name in (
        ([in_a_cell("def rnn_forward(x, a0, parameters): ...")], "__main__"),
        ([torch.nn.LSTM], "torch.nn.modules.rnn:LSTM"),
        ([torch.nn.LSTM(3, 5)], "torch.nn.modules.rnn:LSTM"),
        ([rnn_forward, "-m", "spec"], __name__),
        ([type("Odd", (), {"__name__": 5})()], f"{__name__}:object"),
        ([in_a_cell("make = lambda n_x, n_a: ...")["make"]], "__main__:object"),
    ):
        assert Request.of(objects).target == name


def test_functions_are_judged_and_those_that_are_not_given_are_not_missed(forked: None) -> None:
    judged = judge(rnn_cell_forward, rnn_forward, "-k", "test_shapes", QUICK)
    assert judged.functions == ["rnn_cell_forward", "rnn_forward"]
    assert judged.verdict_on("rnn_cell_forward") == "conforms"
    assert not judged.holds
    (failure,) = judged.failures()
    assert "  reproduce  judge(…, '-k', 'rnn_forward', '--reproduce', 'Problem.rnn(" in failure.message


def test_modules_of_torch_and_what_like_makes_of_them_are_understood(send: Send) -> None:
    for objects in ([Layer], [Layer(3, 5)], like(Layer, torch.nn.LSTM)):
        with send(*objects) as implementation:
            loaded = implementation.load()
        assert loaded.functions.keys() == {"lstm_layer", "lstm_layer_backward"}
        assert loaded.understood["module"] == "Layer"
        assert bool(loaded.network) == (isinstance(objects[0], Layer))


def test_the_laws_of_a_class_are_test_cases(forked: None) -> None:
    case, _ = laws(Layer, "-k", "test_shapes", QUICK).args[1]  # type: ignore[attr-defined]
    assert case.id == "shapes of lstm_layer"
    case.values[0]()
