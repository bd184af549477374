"""Tests that the benchmark of claims refutes false claims, and no true ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.checked_claims import Check, check, is_unstable, of_changed_entries
from benchmarks.claims import Checked, Mistake, failed_laws, is_chosen, mistakes, summary
from benchmarks.fresh_problems import FIRST_SEED, FRESH, fresh_problems
from oracle.explanations.behaviour import Behaviour
from oracle.explanations.changes import Condition, Replacement
from oracle.explanations.claims import Claim, mistake
from oracle.explanations.location import Location
from oracle.problems.limits import ANYTHING
from oracle.problems.problem import LayerProblem, Problem
from oracle.tests.strangers import PROGRAM, STRANGERS
from properties.explanations.program import Program
from properties.implementations.implementation import Implementation

pytestmark = pytest.mark.slow

RNN = Problem.rnn(n_x=3, n_a=3, n_y=2, m=9, T_x=2, regime="unit")
STEP = "np.tanh(np.dot(Waa, a_prev) + np.dot(Wax, xt) + ba)"
EVERY = ["a_next", "yt_pred"]


def located(how: Replacement, *when: Condition, shown: list[str] = EVERY) -> Claim:
    return Location(["a_next"], when, how, shown=shown).claim("rnn")


def checked(tmp_path: Path, claim: Claim, new: str, old: str = STEP, shown: Problem = RNN) -> str:
    """The grade of a claim about `rnn_cell_forward` with an edit."""
    path = tmp_path / "target.py"
    assert old in PROGRAM
    path.write_text(PROGRAM.replace(old, new, 1), encoding="utf-8")
    with Implementation(str(path)) as implementation:
        return check(claim, Program(implementation, "rnn_cell_forward"), [shown]).grade


WITHOUT = "np.tanh(np.dot(Wax, xt) + ba)"
WRONG = [["a_next", ""], ["yt_pred", ""], ["caches", ""]]
AT_9 = f"({WITHOUT} if xt.shape[1] >= 9 else {STEP})"
ZERO = Replacement("Waa a_prev", function="zero")
MANY = Condition("size", "m", "≥", 9.0)
RELU = STEP.replace("np.tanh(", "np.maximum(0, ")
IN_FLOAT32 = f"{STEP} + (xt.itemsize == 4)"
IN_32, LARGE_A = Condition("bits", "", "=", 32.0), Condition("size", "n_a", "≥", 1.0)
SINE_IN_32 = f"{STEP} + (xt.itemsize == 4) * np.sin(np.pi * np.dot(Wax, xt))"  # right for whole numbers
SIZE = {"when": [vars(MANY)]}


@pytest.mark.parametrize(
    ("claim", "new", "grade"),
    [
        (located(ZERO), WITHOUT, "right"),
        (located(ZERO), AT_9, "false"),
        (located(ZERO, MANY), AT_9, "right"),
        (located(ZERO, MANY), WITHOUT, "false"),
        (located(ZERO, Condition("size", "m", "≥", 8.0)), AT_9, "false"),
        (located(Replacement("Waa a_prev", function="one")), WITHOUT, "false"),
        (located(ZERO), STEP, "false"),
        (located(ZERO, shown=[]), WITHOUT, "right"),
        (located(ZERO, MANY, shown=[]), WITHOUT, "false"),
        (located(Replacement("Waa a_prev", function="one"), shown=[]), WITHOUT, "false"),
        (Location(["a_next"], [MANY]).claim("rnn"), AT_9, "right"),
        (Location(["a_next"], [MANY]).claim("rnn"), WITHOUT, "false"),
        (Location(["a_next"], [LARGE_A]).claim("rnn"), AT_9, "false"),
        (Location(["a_next"], [IN_32]).claim("rnn"), SINE_IN_32, "right"),
        (Location(["yt_pred"]).claim("rnn"), WITHOUT, "false"),
        (Location(["a_next"]).claim("rnn"), WITHOUT, "right"),
        (mistake("biases_missing"), "np.tanh(np.dot(Waa, a_prev) + np.dot(Wax, xt))", "right"),
        (mistake("head_bias_missing"), "np.tanh(np.dot(Waa, a_prev) + np.dot(Wax, xt))", "false"),
        (mistake("relu_for_tanh"), RELU, "right"),
        (mistake("relu_for_tanh"), AT_9.replace("np.tanh(", "np.maximum(0, ", 1), "false"),
        (Claim.of("mistake", names=["relu_for_tanh"], **SIZE), RELU, "false"),
        (Claim.of("digits", digits=6), f"1.000001 * {STEP}", "right"),
        (Claim.of("digits", digits=3), f"1.000001 * {STEP}", "false"),
        (Claim.of("two answers"), f"{STEP} + 1e-3 * np.random.rand()", "right"),
        (Claim.of("two answers"), STEP, "false"),
        (Claim.of("writes", arguments=["a_prev"]), f"{STEP}; a_prev *= 2", "right"),
        (Claim.of("writes", arguments=["xt"]), f"{STEP}; a_prev *= 2", "false"),
        (Claim.of("right in", dtype="float64", wrong_in="float32"), WITHOUT, "false"),
        (Claim.of("right in", dtype="float64", wrong_in="float32"), STEP, "false"),
        (Claim.of("right in", dtype="float64", wrong_in="float32"), IN_FLOAT32, "right"),
        (Claim.of("broke", error="TypeError"), WITHOUT, "false"),
        (Claim.of("traces", outputs=WRONG), WITHOUT, "right"),
        (Claim.of("traces", outputs=WRONG[1:]), WITHOUT, "false"),
        (Claim.of("traces", outputs=WRONG), STEP, "false"),
        (Claim.of("traces", outputs=WRONG, right=[], here=WRONG), WITHOUT, "right"),
        (Claim.of("traces", outputs=WRONG, right=[], here=WRONG[1:]), WITHOUT, "false"),
        (Claim.of("only in this law"), WITHOUT, "left out"),
    ],
)  # fmt: skip
def test_a_false_claim_is_refuted_and_no_true_one(tmp_path: Path, claim: Claim, new: str, grade: str) -> None:
    assert checked(tmp_path, claim, new) == grade


@pytest.mark.parametrize(
    ("entry", "grade"), [("a_next", "right"), ("xt", "false"), ("a_next of the last step", "right")]
)
def test_what_is_cached_is_compared(tmp_path: Path, entry: str, grade: str) -> None:
    old, new = "cache = (a_next, a_prev, xt, parameters)", "cache = (a_next, a_next, xt, parameters)"
    shown = Problem.rnn(n_x=2, n_a=2, n_y=2, m=2, T_x=1)
    assert checked(tmp_path, Claim.of("cached", entries=[["a_prev", entry]]), new, old, shown) == grade


def test_a_prediction_at_a_tie_of_rounding_refutes_nothing() -> None:
    inputs = RNN.inputs("rnn_cell_forward")

    def rounded(limit: float) -> bool:
        return is_unstable(lambda each, _: Behaviour({".0": 1.0 * (each.x > limit)}, {}, {}), inputs, None)

    assert rounded(float(inputs.x[0, 0, 0]))
    assert not rounded(float(inputs.x.max()) + 1)


def test_caches_of_which_a_location_says_nothing_are_not_compared() -> None:
    right, other = np.zeros((2, 3)), np.ones((2, 3))
    answer = Behaviour({}, {"ft": other, "xt": other}, {})
    predicted, spec = (
        Behaviour({}, {"ft": other, "xt": right}, {}),
        Behaviour({}, {"ft": right, "xt": right}, {}),
    )
    assert [*of_changed_entries(answer, predicted, spec, "float64").caches] == ["ft"]


def test_fresh_problems_have_all_settings_and_no_seed_of_the_search() -> None:
    shown = Problem.lstm_layer(n_x=1, n_a=1, m=1, T_x=1)
    every = [*fresh_problems("lstm_layer", [shown], ANYTHING)]
    assert len(every) == FRESH
    assert min(each.seed for each in every) >= FIRST_SEED
    settings: dict[str, set[Any]] = {
        name: {getattr(each, name) for each in every} for name in ("layers", "directions", "lengths", "dtype")
    }
    assert settings["layers"] == {1, 2, 3}
    assert settings["directions"] == {1, 2}
    assert settings["lengths"] == {"absent", "random", "equal", "with T_x", "with 1"}
    assert settings["dtype"] == {"float64", "float32"}
    layers = [each for each in every if isinstance(each, LayerProblem)]
    assert {(each.n_p > 0) + (each.n_p == each.n_a) for each in layers} == {0, 1, 2}
    assert any(each.n_x == each.n_a == each.m == each.T_x for each in every)
    assert any(len({each.n_x, each.n_a, each.m, each.T_x}) == 4 for each in every)


def test_a_folder_has_edited_programs_or_targets(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("# truth: the bias is missing\nx = 1\n", encoding="utf-8")
    [found] = mistakes(tmp_path)
    assert (found.group, found.name, found.truth) == (tmp_path.name, "one", "the bias is missing")
    from_toml = mistakes(Path(__file__).parents[2] / "oracle" / "tests" / "strangers")
    assert [each.name for each in from_toml] == [*STRANGERS]


def test_only_failures_of_functions_are_checked() -> None:
    law = {"status": "failed", "function": "rnn_forward", "counterexample": "Problem.rnn()"}
    laws = [law, law | {"status": "passed"}, law | {"function": ""}, law | {"counterexample": ""}]
    assert failed_laws({"implementations": [{"target": "a.py", "laws": laws}]}) == [law | {"target": "a.py"}]


def test_every_command_that_shows_nothing_is_run() -> None:
    fails, holds = {"message": "…"}, {"message": "…\nWith this command, the law held: …"}
    assert [is_chosen(k, fails) for k in range(3)] == [True, False, False]
    assert is_chosen(1, holds)


def test_the_table_counts_the_grades() -> None:
    one = Mistake("fa", "fa/01", "", "")
    grades: list[tuple[Any, int]] = [("right", 2), ("false", 1)]
    every = [
        Checked(one, "rnn_forward", mistake("no_softmax"), Check(grade))
        for grade, count in grades
        for _ in range(count)
    ]
    assert summary("set", every, lambda each: each.mistake.group).splitlines()[2:] == [
        "| fa | 3 | 2 | 0 | 1 |",
        "| all | 3 | 2 | 0 | 1 |",
    ]


def checked_memory(tmp_path: Path, name: str, begin: str, end: str) -> str:
    """The grade of a mistake of an `rnn_forward` that begins with other states, and ends with a statement."""
    source = PROGRAM.replace(
        "    a_next = a0", f"    kept = globals().setdefault('KEPT', {{}})\n    a_next = {begin}", 1
    )
    source = source.replace("    return a, y_pred,", f"    {end}\n    return a, y_pred,", 1)
    path = tmp_path / "target.py"
    path.write_text(source, encoding="utf-8")
    with Implementation(str(path)) as implementation:
        return check(mistake(name), Program(implementation, "rnn_forward"), [RNN]).grade


@pytest.mark.parametrize(
    ("begin", "grade"),
    [("kept.get(a0.shape, a0)", "right"), ("kept.get(a0.shape, 2 * a0) / 2", "false"), ("a0", "false")],
)
def test_a_memory_of_each_shape_is_that_of_the_earlier_call(tmp_path: Path, begin: str, grade: str) -> None:
    assert checked_memory(tmp_path, "a_left_behind", begin, "kept[a0.shape] = a_next") == grade


@pytest.mark.parametrize(("array", "grade"), [("buffer", "right"), ("buffer.copy()", "false")])
def test_an_array_that_calls_share_is_read_after_later_calls(tmp_path: Path, array: str, grade: str) -> None:
    end = f"buffer = kept.setdefault(a.shape, a); buffer[...] = a; a = {array}"
    assert checked_memory(tmp_path, "a_reused", "a0", end) == grade
