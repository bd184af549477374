"""Modules of torch as targets of the command: what is printed, the report, and what is unusable."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oracle.problems.limits import Limits
from oracle.problems.problem import Problem
from oracle.tests import torch_modules_of_users
from oracle.tests.selection import needs
from properties.implementations.calls import Returned
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import FORKS, Settings
from properties.session.options import module_in_words
from properties.tests.runs import run
from properties.worker.targets import Unusable
from reference.layers import rnn_layer

pytestmark = pytest.mark.slow

MODULES = Path(torch_modules_of_users.__file__)
FEW = ("-k", "shapes", "--hypothesis-profile=quick")


def test_a_class_is_judged_as_what_it_stands_for(tmp_path: Path) -> None:
    """Takes seconds: a run of the command."""
    report = tmp_path / "report.json"
    done = run(f"{MODULES}:BatchFirst", *FEW, "--report", str(report), program="rnn-crosscheck")
    assert done.status == 0, done.output
    said = "understood: BatchFirst as torch.nn.LSTM: weights by fit, gates i f g o, batch first, no lengths"
    assert said in done.output
    assert "at most 1 layer (its constructor has no argument for it)" in done.output
    (judged,) = json.loads(report.read_text())["implementations"]
    assert [*judged["functions"]] == ["lstm_layer", "lstm_layer_backward"]
    assert judged["understood"]["gates"] == "ifgo"
    assert judged["understood"]["limits"]["layers"] == "its constructor has no argument for it"


def test_what_was_understood_is_said_in_one_line() -> None:
    facts: dict[str, Any] = {
        "module": "Mine",
        "like": "torch.nn.LSTM",
        "weights": "--gates",
        "gates": "fgoi",
        "joined": "xh",
        "fits": "xh:ifgo",
        "time": "second",
        "learned_states": ["h0"],
        "lengths": ["padding", "counts sorted"],
        "not_judged": {"mask": "TypeError: no"},
        "plain": ["weight_hh_l0"],
        "device": "cuda",
        "dtypes": ["float32"],
        "other_modes": ["every call"],
        "limits": {"layers": "no argument", "dtypes": "TypeError"},
    }
    limits = Limits(layers=1, lengths=False, dtypes=("float32",))
    assert module_in_words(facts, limits) == (
        "Mine as torch.nn.LSTM: weights by --gates, gates f g o i, although xh:ifgo fits, one weight on x, "
        "h, batch first, a mask of the padding, lengths, sorted alone, mask is not judged (TypeError: no), "
        "weight_hh_l0 judged without parametrisation, learned initial states (h0) 0 if no states are "
        "passed, on cuda, different numbers in every call, at most 1 layer (no argument), float32 only "
        "(TypeError)"
    )


def test_an_unusable_module_says_why_whatever_is_selected() -> None:
    """Takes seconds: a run of the command, in which torch is imported for the target."""
    done = run(f"{MODULES}:NeedsMore", "-k", "lstm_layer and shapes", program="rnn-crosscheck")
    assert done.status == 1, done.output
    assert "not judged" in done.output
    assert "its constructor needs cell_size" in done.output


def test_the_options_of_a_module_reach_its_constructor_and_the_line_that_repeats_a_failure() -> None:
    """Takes seconds: a run of the command."""
    options = ("--like", "torch.nn.LSTM", "--with", "cell_size=3", "--gates", "fgoi")
    done = run(f"{MODULES}:NeedsMore", "-k", "trajectory", *options, program="rnn-crosscheck")
    assert done.status == 1
    assert "NeedsMore as torch.nn.LSTM: weights by --gates, gates f g o i, although ifgo fits" in done.output
    assert "looks like      the gates are in the order ifgo, not fgoi as --gates states" in done.output
    assert f"rnn-crosscheck {' '.join(options)} {MODULES}:NeedsMore" in " ".join(done.output.split())


@pytest.mark.skipif(not FORKS, reason="workers are forked only on Linux, where that is safe")
def test_a_module_and_torch_are_imported_once_for_all_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Takes seconds: torch is imported."""
    monkeypatch.setattr("properties.implementations.implementation.SLOW_IMPORT", 0)
    file = tmp_path / "mine.py"
    file.write_text(
        f"import torch\nopen({str(tmp_path / 'imports')!r}, 'a').write('x')\nclass Mine(torch.nn.RNN): pass\n"
    )
    with Implementation(f"{file}:Mine") as judged:
        problem = Problem.rnn_layer(n_x=2, n_a=3, m=4, T_x=5)
        for _ in range(2):
            assert isinstance(judged.call("rnn_layer", problem.arguments("rnn_layer")), Returned)
            judged.end_process()
    assert (tmp_path / "imports").read_text() == "x"


def test_a_file_of_modules_says_how_to_name_one() -> None:
    said = "py has the modules StackedGates, .*: name one, as in TARGET:StackedGates"
    with Implementation(str(MODULES)) as file, pytest.raises(Unusable, match=said):
        file.load()


@pytest.mark.parametrize(
    ("target", "module", "why"),
    [
        ("NeedsMore", {}, "cannot be judged: its constructor needs cell_size, .*: --with cell_size=…"),
        ("FEW", {"like": "torch.nn.LSTM"}, "FEW is int, expected a torch.nn.Module, or what makes one"),
    ],
)
def test_what_cannot_be_judged_is_unusable(
    tmp_path: Path, target: str, module: dict[str, str], why: str
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MODULES.read_text() + "\nFEW = 3\n")
    with (
        Implementation(f"{file}:{target}", Settings(module=module)) as judged,
        pytest.raises(Unusable, match=why),
    ):
        judged.load()


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("class Net:\n    pass", "Net has none of .*it is no torch.nn.Module.*--like torch.nn.LSTM"),
        ("def Net(n, k):\n    pass", "Net has none of .*it is no torch.nn.Module.*--like torch.nn.LSTM"),
        ("Net = 3", "Net has none of .*, see docs/adapters.md$"),
    ],
)
def test_what_is_no_module_says_how_to_have_modules_judged(tmp_path: Path, source: str, hint: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(source)
    with Implementation(f"{file}:Net") as judged, pytest.raises(Unusable, match=hint):
        judged.load()


def test_what_like_understood_is_known_of_a_target_that_uses_it(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    lines = [
        "import torch",
        "from oracle.modules.understanding import like",
        "*functions, SUPPORTS = like(torch.nn.LSTM, 'torch.nn.LSTM')",
    ]
    file.write_text("\n".join([*lines, "lstm_layer, lstm_layer_backward = functions"]))
    with Implementation(
        str(file), Settings(directory=Path(torch_modules_of_users.__file__).parents[2])
    ) as judged:
        assert judged.load().understood["gates"] == "ifgo"


def test_a_factory_is_called_in_its_own_process(tmp_path: Path) -> None:
    file = tmp_path / "factory.py"
    file.write_text("import torch\n\ndef make(n, k):\n    return torch.nn.RNNCell(n, k)\n")
    with Implementation(f"{file}:make", Settings(module={"like": "torch.nn.RNNCell"})) as judged:
        assert [*judged.load().functions] == ["rnn_layer", "rnn_layer_backward"]
        problem = Problem.rnn_layer(n_x=2, n_a=3, m=4, T_x=5)
        assert isinstance(judged.call("rnn_layer", problem.arguments("rnn_layer")), Returned)


def test_wrong_options_are_refused() -> None:
    """Takes seconds: runs of the command."""
    for options, why in (
        (("--like", "torch.nn.GRU"), "torch.nn.GRU is none of torch.nn.LSTM"),
        (("--with", "cell_size"), "--with cell_size: expected NAME=VALUE"),
        (("--gates", "abc"), "--gates abc is no order of gates"),
    ):
        done = run(f"{MODULES}:BatchFirst", *options, program="rnn-crosscheck")
        assert (done.status, why in done.output) == (4, True), done.output


def test_a_trained_module_is_judged_with_its_weights(tmp_path: Path) -> None:
    """Takes seconds: a run of the command."""
    done = run(f"{MODULES}:model.decoder", *FEW, program="rnn-crosscheck", directory=tmp_path)
    assert done.status == 0, done.output
    (weights,) = (tmp_path / ".hypothesis" / "weights").iterdir()
    problem = f'Problem.lstm_layer(weights=".hypothesis/weights/{weights.name}", m=2, T_x=3)'
    again = run(
        f"{MODULES}:model.decoder", "--reproduce", problem, *FEW, program="rnn-crosscheck", directory=tmp_path
    )
    assert again.status == 0, again.output


@needs("keras", "keras")
def test_a_layer_of_keras_is_called_on_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes seconds: Keras is imported."""
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    with Implementation("keras.layers:SimpleRNN", Settings(import_time_limit=120)) as judged:
        assert judged.load().understood["weights"] == "Keras's names"
        problem = Problem.rnn_layer(n_x=2, n_a=3, m=4, T_x=5, dtype="float32")
        arguments: Any = problem.arguments("rnn_layer")
        answer = judged.call("rnn_layer", arguments)
    assert isinstance(answer, Returned)
    for ours, right in zip(answer.value, rnn_layer(*arguments), strict=True):
        assert np.allclose(ours, right, atol=1e-5)


OF_ANOTHER_SHAPE = """
import torch
class Squeezed(torch.nn.LSTM):
    def forward(self, x, hx=None):
        output, last = super().forward(x, hx)
        return output.squeeze(1) if torch.is_tensor(output) else output, last
class Exits(torch.nn.LSTM):
    def forward(self, x, hx=None):
        raise SystemExit(3)
class Dies(torch.nn.LSTM):
    def forward(self, x, hx=None):
        import os
        os._exit(3)
"""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Squeezed", "form it returned shapes [("),
        ("Exits", "mine.py:Exits cannot be judged: a trial call raised SystemExit: 3 (mine.py:9 in forward)"),
        ("Dies", "mine.py:Dies exited with status 3 while it was loaded"),
    ],
)
def test_no_error_of_ours_and_no_trial_call_is_taken_for_another(
    tmp_path: Path, name: str, message: str
) -> None:
    """Takes seconds: a run of the command."""
    (tmp_path / "mine.py").write_text(OF_ANOTHER_SHAPE)
    problem = repr(Problem.lstm_layer(n_x=1, n_a=2, m=1, T_x=2))
    law = ("-k", "shapes and lstm_layer and not backward", "--reproduce", problem)
    done = run(f"mine.py:{name}", *law, program="rnn-crosscheck", directory=tmp_path)
    assert done.status == 1
    assert message in " ".join(done.output.split())
