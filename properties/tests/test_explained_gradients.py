"""A mistake of a backward pass that is not in the catalogue is described by what it does."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oracle.explanations.claims import Claim, mistake
from oracle.explanations.misreadings import Misreading
from oracle.problems.drawing import Regime
from oracle.problems.problem import Problem
from properties.explanations.claim_search import search
from properties.explanations.prediction import is_predicted
from properties.explanations.program import Program
from properties.implementations.answers import Answers
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import Settings
from properties.laws import all_laws
from properties.trials.trial import Trial, ViolationError

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples"
DC = "    dc = dc_next + da_next * ot * (1 - h**2)\n"
BIAS = "np.sum(dz, axis=1, keepdims=True)\n    return gradients"


CLIP = "for name in {}: np.clip(gradients[name], {}, out=gradients[name])"
PARAMETERS = ("dWaa", "dWax", "dba")


@pytest.mark.parametrize(
    ("names", "bounds", "expected"),
    [
        (PARAMETERS, "-5, 5", "parameters_clipped_at_5"),
        (PARAMETERS[:2], "-1, 1", "weights_clipped_at_1"),
        ((*PARAMETERS, "dx", "da0"), "5, -5", "clip_exchanged_5"),
    ],
)
def test_a_clip_is_named_with_the_gradients_that_it_clips(
    tmp_path: Path, names: Sequence[str], bounds: str, expected: str
) -> None:
    (tmp_path / "textbook.py").write_text((EXAMPLES / "textbook.py").read_text())
    source = (EXAMPLES / "textbook_backward.py").read_text()
    returned = 'return {"dx": dx, "da0": da_prev, **total}'
    assert returned in source
    clipped = f"gradients = {returned[7:]}\n    {CLIP.format(names, bounds)}\n    return gradients"
    (tmp_path / "mine.py").write_text(source.replace(returned, clipped))
    problem = Problem.rnn(n_x=2, n_a=3, n_y=1, m=4, T_x=6, regime="wild")
    with Implementation("mine.py", Settings(directory=tmp_path)) as target:
        first, *_ = search(Program(target, "rnn_backward"), problem, locating=False)
        assert first == mistake(expected)


@pytest.mark.parametrize(
    ("old", "new", "function", "expected"),
    [
        (DC, f"{DC}    dc_next += 1\n", "lstm_cell_backward", Claim.of("writes", arguments=["dc_next"])),
        (DC, f"{DC}    dc = dc + np.random.rand()\n", "lstm_cell_backward", Claim.of("two answers")),
        (
            "np.zeros((x.shape[0], m, T_x))",
            "BUFFERS.setdefault(x.shape, np.zeros(x.shape))",
            "lstm_backward",
            Claim.of("overwrites", arrays=["dx"]),
        ),
        (
            "zeros((x.shape[0], m, T_x)",
            "zeros(x.shape, 'f'",
            "lstm_backward",
            Claim.of("digits", digits=7, outputs=["dx"]),
        ),
        (
            BIAS,
            BIAS.replace("sum", "mean"),
            "lstm_cell_backward",
            Claim.of(
                "traces", outputs=[(name, "") for name in ("dbf", "dbi", "dbc", "dbo")], right=["samples"]
            ),
        ),
    ],
)
def test_what_a_wrong_backward_pass_does_is_found(
    tmp_path: Path, old: str, new: str, function: str, expected: Claim
) -> None:
    (tmp_path / "textbook.py").write_text((EXAMPLES / "textbook.py").read_text())
    source = (EXAMPLES / "textbook_backward.py").read_text()
    assert old in source
    (tmp_path / "mine.py").write_text(source.replace(old, new) + "\n\nBUFFERS = {}\n")
    problem = Problem.lstm(n_x=2, n_a=3, n_y=1, m=2, T_x=3, regime="unit")
    with Implementation("mine.py", Settings(directory=tmp_path)) as target:
        assert search(Program(target, function), problem, locating=False) == [expected]


TWO_MISTAKES = """
from reference import rnn_backward as right
def rnn_backward(da, caches):
    gradients = right(da, caches)
    if da.shape[2] > 1 or abs(da).max(initial=0) > 100:
        gradients["da0"] = 2 * gradients["da0"]
    return gradients
"""


def test_no_case_is_told_that_the_shown_problem_refutes(tmp_path: Path) -> None:
    """On ordinary problems, one step is right; on the shown one of one step, a large gradient is wrong."""
    (tmp_path / "mine.py").write_text(TWO_MISTAKES)
    wrong = [("da0", "")]
    large = Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=1, regime="wild")
    assert abs(large.inputs("rnn_backward").arguments("rnn_backward")[0]).max() > 100
    with Implementation("mine.py", Settings(directory=tmp_path)) as target:
        program = Program(target, "rnn_backward")
        ordinary = search(program, replace(large, T_x=2, regime="unit"))
        assert ordinary == [Claim.of("traces", outputs=wrong, right=["steps"])]
        assert search(program, large) == [Claim.of("traces", outputs=wrong)]


MORE_IN_SEVERAL_STEPS = """
from reference import rnn_backward as right
def rnn_backward(da, caches):
    gradients = right(da, caches)
    names = ["da0", "dWaa"] if da.shape[2] > 1 else ["da0"]
    return {**gradients, **{name: 2 * gradients[name] for name in names}}
"""


@pytest.mark.parametrize(
    ("T_x", "regime", "here"),
    [(1, "unit", {"here": [("da0", "")]}), (2, "unit", {}), (1, "nonfinite", {})],
)
def test_fewer_wrong_outputs_of_the_shown_problem_are_told(
    tmp_path: Path, T_x: int, regime: Regime, here: Any
) -> None:
    (tmp_path / "mine.py").write_text(MORE_IN_SEVERAL_STEPS)
    problem = Problem.rnn(n_x=2, n_a=3, n_y=1, m=2, T_x=T_x, regime=regime)
    with Implementation("mine.py", Settings(directory=tmp_path)) as target:
        found = search(Program(target, "rnn_backward"), problem)
    outputs = [("da0", ""), ("dWaa", "")]
    assert found == [Claim.of("traces", outputs=outputs, right=[], **here)]
    on_ordinary, *rest = found[0].lines
    assert on_ordinary == "wrong on ordinary problems: da0, dWaa"
    assert rest == ["in this problem: da0"] * len(here)


IN_A_LAYER = """
from reference import layers
right = layers.{name}
layers.{name} = lambda {parameters}: right({arguments})
{function} = layers.{function}
"""


@pytest.mark.parametrize(
    ("name", "parameters", "arguments", "expected"),
    [
        (
            "rnn_steps_backward",
            "da, slope, p",
            "da, 0 * slope + 1, p",
            Misreading("dz", "slope", "1").claim("rnn_layer_backward"),
        ),
        (
            "lstm_steps_backward",
            "da, dc, gates, c_next, c_prev, p",
            "da, dc, gates, c_prev, c_prev, p",
            Misreading("h", "c_next", "c_prev").claim("lstm_layer_backward"),
        ),
    ],
)
def test_a_mistake_in_the_backward_pass_of_a_layer_is_named(
    tmp_path: Path, name: str, parameters: str, arguments: str, expected: Claim
) -> None:
    function = f"{name.partition('_')[0]}_layer_backward"
    source = IN_A_LAYER.format(name=name, parameters=parameters, arguments=arguments, function=function)
    (tmp_path / "mine.py").write_text(source)
    sizes: Any = {"n_x": 2, "n_a": 3, "m": 2, "T_x": 3, "layers": 2, "directions": 2, "lengths": "random"}
    problem = getattr(Problem, function.removesuffix("_backward"))(**sizes)
    with Implementation("mine.py", Settings(directory=tmp_path)) as target:
        assert search(Program(target, function), problem) == [expected]


FORGET = 'gradients["da_prev"], gradients["dc_prev"]'


def test_the_gate_of_another_step_is_named_in_every_failure_and_predicts_it(tmp_path: Path) -> None:
    (tmp_path / "textbook.py").write_text((EXAMPLES / "textbook.py").read_text())
    source = (EXAMPLES / "textbook_backward.py").read_text()
    assert FORGET in source
    earlier = 'gradients["dc_prev"] / steps[t][4] * steps[max(t - 1, 0)][4]'
    (tmp_path / "mine.py").write_text(source.replace(FORGET, f'gradients["da_prev"], {earlier}'))
    claim = Claim.of("misreading", network="lstm", equation="dc_prev", operand="ft", later=-1)
    (exact_value,) = (law for law in all_laws() if law.name == "exact value")
    with Implementation("mine.py", Settings(directory=tmp_path)) as target:
        for seed in range(3):
            problem = Problem.lstm(n_x=1, n_a=1 + seed, n_y=1, m=2, T_x=3, regime="unit", seed=seed)
            trial = Trial(exact_value, Answers.to_one(target, "lstm_backward", problem), 0)
            with pytest.raises(ViolationError) as raised:
                trial.law.check(trial)
            assert is_predicted(raised.value, claim)
            assert search(Program(target, "lstm_backward"), problem) == [claim]
