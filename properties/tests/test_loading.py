from collections.abc import Callable
from pathlib import Path

import pytest

from properties.implementations import process
from properties.implementations.calls import Raised, Returned
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import Settings
from properties.worker.targets import TargetMissing, Unusable

Implement = Callable[..., Implementation]


def value(outcome: object) -> object:
    """The value that a call returned."""
    assert isinstance(outcome, Returned), outcome
    return outcome.value


@pytest.mark.parametrize(
    ("source", "contract"),
    [
        ("def rnn_forward(inputs, state, params): ...", None),
        ("def rnn_forward(x, a0, parameters, verbose=False): ...", None),
        ("def rnn_forward(*args, **options): ...", None),
        ("rnn_forward = max", None),
        ("from functools import partial\ndef f(a, x, a0, p): ...\nrnn_forward = partial(f, 1)", None),
        ("def rnn_forward(x, a0): ...", "rnn_forward(x, a0)"),
        ("def rnn_forward(X, Y, a0, p, size=27): ...", "rnn_forward(X, Y, a0, p, size=27)"),
        ("def rnn_forward(x, a0, p, *, T_x): ...", "rnn_forward(x, a0, p, *, T_x)"),
        ("rnn_forward = None", "rnn_forward of type NoneType"),
    ],
)
def test_a_function_that_cannot_take_the_call_is_another_contract(
    implement: Implement, source: str, contract: str | None
) -> None:
    assert implement(source).load().functions == {"rnn_forward": contract}


NAMESAKES = "def rnn_layer_backward(dh, cache): ...\ndef lstm_layer(x, W): ...\n"


def test_helpers_with_the_name_of_a_layer_or_a_backward_pass_are_not_judged(implement: Implement) -> None:
    loaded = implement(f"def rnn_forward(x, a0, parameters): ...\n{NAMESAKES}1 / 0").load()
    assert loaded.functions == {"rnn_forward": None}
    assert [*loaded.notes] == [
        "not judged, because of other parameters: lstm_layer(x, W), rnn_layer_backward(dh, cache)",
        "skipped line 4: ZeroDivisionError: division by zero",
    ]


def test_if_a_target_has_nothing_else_its_parameters_are_wrong(implement: Implement) -> None:
    loaded = implement(NAMESAKES).load()
    signatures = {"lstm_layer": "lstm_layer(x, W)", "rnn_layer_backward": "rnn_layer_backward(dh, cache)"}
    assert (loaded.functions, [*loaded.notes]) == (signatures, [])


METHODS = """
class Net:
    scale = 1
    def rnn_forward(self, x, a0, parameters): return self.scale * x
class Space:
    def rnn_forward(x, a0, parameters): return x
    def lstm_forward(X, Y, x, a0, parameters): ...
class Sized(Net):
    def __init__(self, scale): self.scale = scale
class Package:
    net = Sized(3)
"""


@pytest.mark.parametrize(("attribute", "expected"), [("Net", 1), ("Space", 1), ("Package.net", 3)])
def test_objects_and_classes_hold_functions(implement: Implement, attribute: str, expected: int) -> None:
    implementation = implement(METHODS, f"target.py:{attribute}")
    assert implementation.load().functions["rnn_forward"] is None
    assert value(implementation.call("rnn_forward", [1, 0, 0])) == expected


def test_a_class_that_cannot_be_made_without_arguments_shows_its_signature(implement: Implement) -> None:
    assert implement(METHODS, "target.py:Sized").load().functions == {
        "rnn_forward": "rnn_forward(self, x, a0, parameters)"
    }


def test_files_and_modules_of_a_package_find_each_other(implement: Implement, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    package.joinpath("__init__.py").touch()
    package.joinpath("cells.py").write_text("def step(x): raise ValueError(x)")
    implementation = implement(
        "from .cells import step\ndef rnn_forward(x, a0, p): step(x)", "package/rnn.py"
    )
    raised = Raised("ValueError", "3", "cells.py:1 in step")
    assert implementation.call("rnn_forward", [3, 0, 0]) == raised
    with Implementation("package.rnn", Settings(directory=tmp_path)) as implementation:
        assert implementation.call("rnn_forward", [3, 0, 0]) == raised


@pytest.mark.parametrize("package", ["reference", "code", "numpy"])
def test_a_package_may_be_called_as_another_is(implement: Implement, tmp_path: Path, package: str) -> None:
    (tmp_path / package / "inner").mkdir(parents=True)
    (tmp_path / package / "__init__.py").write_text("FOUR = 4")
    (tmp_path / package / "inner" / "__init__.py").write_text("raise RuntimeError")
    (tmp_path / package / "inner" / "rnn.py").write_text("three = 3")
    implementation = implement(
        "from .. import FOUR\nfrom .rnn import three\ndef rnn_forward(x, a0, p): return FOUR, three",
        f"{package}/inner/target.py",
    )
    assert value(implementation.call("rnn_forward", [0, 0, 0])) == (4, 3)


def test_what_is_unusable_is_imported_once(implement: Implement, tmp_path: Path) -> None:
    implementation = implement("open('imports', 'a').write('one\\n')")
    for _ in range(2):
        with pytest.raises(Unusable):
            implementation.load()
    assert tmp_path.joinpath("imports").read_text() == "one\n"


def test_a_file_may_import_its_neighbours_whatever_they_are_called(
    implement: Implement, tmp_path: Path
) -> None:
    tmp_path.joinpath("reference.py").write_text("three = 3")
    implementation = implement("""
        from reference import three
        main = __name__ == "__main__"
        def rnn_forward(x, a0, p): return main, three
    """)
    assert value(implementation.call("rnn_forward", [0, 0, 0])) == (False, 3)


ON_THE_PATH = f"import sys; sys.path.append({str(Path(__file__).parents[2])!r})\n"
ANY = "def rnn_forward(x, a0, p): return x\n"


@pytest.mark.parametrize(
    ("source", "helper", "note"),
    [
        ("from reference import rnn_forward\n", "", "target.py:2 imports reference"),
        ("import oracle.witnesses.exact\n", "", "target.py:2 imports oracle"),
        (f"{ANY}def f():\n    import reference.rnn as mine\n", "", "target.py:4 imports reference"),
        ("import helper\n", "\n\nfrom reference.rnn import *\n", "helper.py:3 imports reference"),
        ("import helper\n", "import reference_values, oracles", ""),
        ("# import reference\n", "", ""),
    ],
)
def test_a_target_that_imports_the_reference_is_told_so(
    implement: Implement, tmp_path: Path, source: str, helper: str, note: str
) -> None:
    for name in ("reference_values", "oracles"):
        tmp_path.joinpath(f"{name}.py").write_text("")
    tmp_path.joinpath("helper.py").write_text(helper)
    facts = implement(ON_THE_PATH + source + ANY).load()
    assert [*facts.notes] == ([f"{note} of rnn-crosscheck: with the reference's own code"] if note else [])


def test_a_reference_of_the_target_is_its_own(implement: Implement, tmp_path: Path) -> None:
    tmp_path.joinpath("reference.py").write_text("")
    assert not implement(f"{ON_THE_PATH}import reference\n{ANY}").load().notes


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("targt.py", "no file 'targt.py' in '{}'; did you mean 'target.py'?"),
        ("target.py:Nett", "'{}/target.py' has no attribute 'Nett'; did you mean 'Net'?"),
        ("target.py:Net.rnn", "'{}/target.py' has no attribute 'Net.rnn'"),
        ("targt", "no module 'targt', neither in '{}' nor installed; did you mean 'target'?"),
        ("no.such.module", "no module 'no', neither in '{}' nor installed"),
        ("os.no", "no module 'os.no', neither in '{}' nor installed"),
        ("target:Nett", "'target' has no attribute 'Nett'; did you mean 'Net'?"),
    ],
)
def test_what_does_not_exist_is_missing(
    implement: Implement, tmp_path: Path, target: str, message: str
) -> None:
    implement("class Net: ...")
    with Implementation(target, Settings(directory=tmp_path)) as implementation:
        with pytest.raises(TargetMissing) as caught:
            implementation.load()
        assert str(caught.value) == message.format(tmp_path)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "def gru_forward(x, a0, parameters): ...",
            "target.py has none of the functions rnn_cell_forward, rnn_forward, lstm_cell_forward, "
            "lstm_forward, of layers or of backward passes; only simple RNNs and LSTMs are judged; "
            "code in another form needs an adapter, see docs/adapters.md",
        ),
        (
            "def rnn_forward_1(x, a0, p): ...\ndef lstm_forward_1(x, a0, p): ...",
            "mean rnn_forward by 'rnn_forward_1', lstm_forward by 'lstm_forward_1'",
        ),
        ("class A:\n def lstm_forward(self): ...", "; its class A has some: judge TARGET:A"),
        ("def f(:", "target.py cannot be imported: SyntaxError: invalid syntax (target.py, line 1)"),
        ("\nimport no_such_module", "No module named 'no_such_module' (target.py:2)"),
        (
            "def f(): 1 / 0\nf()",
            "target.py cannot be imported: ZeroDivisionError: division by zero (target.py:1 in f)",
        ),
        ("raise SystemExit(3)", "target.py cannot be imported: SystemExit: 3 (target.py:1)"),
        ("import os; os._exit(3)", "target.py exited with status 3 while it was loaded"),
        (
            "while True: pass",
            "cannot be imported: KeyboardInterrupt: did not end within --import-time-limit (target.py:1)",
        ),
        (
            "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
            "did not answer within 1 s while it was loaded (target.py:3); --import-time-limit allows more",
        ),
    ],
)
def test_what_cannot_be_imported_is_unusable(
    implement: Implement, monkeypatch: pytest.MonkeyPatch, source: str, message: str
) -> None:
    """Takes the time limit or more if the import hangs."""
    if "SIG_IGN" in source:
        monkeypatch.setattr(process, "_INTERRUPT_SECONDS", 0.05)
    implementation = implement(source, import_time_limit=1 if "while True" in source else 60)
    for _ in range(2):
        with pytest.raises(Unusable) as caught:
            implementation.load()
        assert message in str(caught.value)
