"""Backward passes are judged where a target has them, and said apart from its forward passes."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import reference
from oracle.faults import FAULTS, Fault
from oracle.problems.limits import Limits
from oracle.problems.problem import Problem
from oracle.witnesses import own_steps
from oracle.witnesses.verdict import Comparison
from properties.explanations.failure import Failure
from properties.implementations.answer import Answer, MalformedError
from properties.implementations.calls import Reply, Request, Returned
from properties.laws import all_laws
from properties.reports.judgement import Judgement
from properties.reports.results import LawResult
from properties.reports.snippet import snippet
from properties.tests.one_law import InProcess, catch, new_turn
from properties.tests.runs import run
from properties.trials.trial import ViolationError
from reference import lstm_cell_backward
from reference.contract import BACKWARDS, CONTRACTS, LAYERS_BACKWARD, SEQUENCE_BACKWARDS

TEXTBOOK = (Path(__file__).parents[2] / "examples" / "textbook.py").read_text()
BACKWARD = (Path(__file__).parents[2] / "examples" / "textbook_backward.py").read_text()
WHOLE = TEXTBOOK + BACKWARD.partition('"rnn_forward"]\n')[2]


def result(function: str, status: str = "passed", **given: object) -> LawResult:
    fields = {"implementation": "a.py", "law": "each step", "grade": "spec", "seconds": 0.0, **given}
    return LawResult(function=function, status=status, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("forward", "backward", "words"),
    [
        ("passed", "passed", "conforms"),
        ("passed", "failed", "forward conforms, backward differs"),
        ("failed", "passed", "forward differs, backward conforms"),
        ("passed", "", "conforms"),
        ("", "failed", "differs"),
    ],
)
def test_a_verdict_says_forward_and_backward_apart(forward: str, backward: str, words: str) -> None:
    given = {"rnn_forward": forward, "rnn_backward": backward}
    results = [result(name, status) for name, status in given.items() if status]
    assert Judgement("a.py", results).verdict_in_words == words
    noted = result("", notes={"a.py:2 imports reference of rnn-crosscheck: with the reference's own code": 1})
    assert Judgement("a.py", [*results, noted]).verdict_in_words == f"{words}, with the reference's own code"


def test_a_backward_pass_that_is_unfinished_changes_no_verdict_on_the_forwards() -> None:
    starter = result("rnn_backward", "skipped", unfinished=True)
    judgement = Judgement("a.py", [result("rnn_forward"), starter])
    assert (judgement.verdict, judgement.backward) == ("conforms", "unfinished")
    assert judgement.overall == "conforms"


def test_a_target_with_a_wrong_backward_pass_is_not_counted_as_right() -> None:
    judgement = Judgement("a.py", [result("rnn_forward"), result("rnn_backward", "failed")])
    assert (judgement.verdict, judgement.overall) == ("conforms", "differs")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (None, "returned None, expected a dict with dxt, da_prev, dc_prev, dWf"),
        ({"dbf": np.zeros(3)}, r"dbf has shape \(3,\), expected \(n_a, 1\) = \(3, 1\)"),
        ({"dWf": ...}, r"returned a dict without 'dWf', expected dxt, da_prev, dc_prev, dWf, dWi"),
        ({"dba": 1}, ""),
    ],
)
def test_gradients_are_read_by_name(changed: dict[str, object] | None, words: str) -> None:
    problem = Problem.lstm(n_x=2, n_a=3, n_y=1, m=2, T_x=1)
    inputs = problem.inputs("lstm_cell_backward")
    value = None
    if changed is not None:
        value = {**lstm_cell_backward(*inputs.arguments("lstm_cell_backward")), **changed}
        value = {name: array for name, array in value.items() if array is not ...}
    answer = Answer(CONTRACTS["lstm_cell_backward"], Returned(value, [], False), inputs.sizes)
    if not words:
        assert answer.outputs["dWf"].shape == (3, 5, 1)
        return
    with pytest.raises(MalformedError, match=words):
        _ = answer.outputs


@pytest.mark.parametrize("function", BACKWARDS)
def test_limits_leave_nothing_of_backward_passes(function: str) -> None:
    limits = Limits.parse({"gradients": False})
    concerned = [law for law in all_laws() if function in law.functions]
    assert {law.domain.excluded_by(function, limits) for law in concerned} == {"no gradients"}
    assert limits.words == ["no gradients"]


def test_the_message_shows_the_last_step_that_is_wrong_and_the_exact_value() -> None:
    fault = FAULTS["nothing_carried"]
    law = next(law for law in all_laws() if law.name == "trajectory")
    caught = catch(law, InProcess(fault), "lstm_backward", 0, shrink=True)
    assert caught
    message = Failure(caught.violation).message
    assert "dx[feature 0, sample 0, step 0]" in message
    assert (
        "looks like      nothing is carried through time (as the exercise's first edition expected)"
        in message
    )
    assert "T_x=2" in message


def test_of_several_steps_the_last_one_is_shown() -> None:
    inputs = Problem.rnn(n_x=2, n_a=3, n_y=1, m=2, T_x=4).inputs("rnn_backward")
    right, wrong = np.zeros((2, 2, 4)), np.zeros((2, 2, 4))
    wrong[1, 0, [0, 2]] = 1
    compared = Comparison(
        inputs, "dx", "dx", wrong, right, np.full_like(right, 1e-9), witness_name="formulas"
    )
    assert compared.explain()["element"] == {"name": "dx", "row": "feature 1", "sample": 0, "step": 2}


def test_each_step_tells_what_the_step_after_gave() -> None:
    law = next(law for law in all_laws() if law.name == "each step")
    caught = catch(law, InProcess(FAULTS["da_not_carried"]), "rnn_backward", 0)
    assert caught
    message = Failure(caught.violation).message
    assert ", from its own dx of the step after, where that is right" in message
    assert "dx[pre-activation, unit " in message
    assert "] of the problem with an input for each pre-activation\n" in message
    assert "\n  input " not in message  # it has other sizes than the element


def clipped_rows(dx: Any) -> Any:
    return np.where(np.abs(dx) > 0.01, 0.0, dx)


@pytest.mark.parametrize("T_x", [1, 3])
@pytest.mark.parametrize("function", SEQUENCE_BACKWARDS)
@pytest.mark.parametrize("change", [np.zeros_like, np.negative, clipped_rows, lambda dx: dx[:, ::-1]])
def test_right_gradients_are_not_blamed_for_a_wrong_dx(
    function: str, change: Callable[[Any], Any], T_x: int
) -> None:
    """The law takes no wrong gradient for exact, and shows the gradients first from which others follow."""
    kind = function.partition("_")[0]
    problem: Problem = getattr(Problem, kind)(n_x=2, n_a=3, n_y=1, m=2, T_x=T_x, regime="unit")
    given: Any = problem.inputs(function)
    shown = given.showing_each_step(0)
    ours = getattr(reference, function)(*shown.arguments(function))
    wrong = change(ours["dx"])
    bounds = own_steps.evaluate(shown, wrong)
    for name, bounded in bounds.items():
        right = ours["da0"][:, :, None] if name == "da0" else ours.get(name)
        if name != "dx" and right is not None:
            assert np.all(np.abs(right.reshape(bounded.shape) - bounded.value) <= 2 * bounded.error), name
    assert np.any(np.abs(wrong - bounds["dx"].value) > 2 * bounds["dx"].error)
    assert next(iter(bounds)) == "dx"


def test_a_wrong_gradient_of_a_saturated_gate_is_shown_before_what_follows_from_it() -> None:
    """The gates are 0 or 1, so that one step alone does not show the gradient with respect to c."""
    problem = Problem.lstm(n_x=2, n_a=3, n_y=1, m=2, T_x=4, regime="huge")
    inputs: Any = problem.inputs("lstm_backward")
    shown = inputs.showing_each_step(0)
    ours = reference.lstm_backward(*shown.arguments("lstm_backward"))
    bounds = own_steps.evaluate(shown, ours["dx"] + 1)
    for gate in "fico":
        off = np.abs(ours[f"dW{gate}"][:, :, None] - bounds[f"dW{gate}"].value)
        assert np.all((off <= 2 * bounds[f"dW{gate}"].error) | np.isinf(bounds[f"dW{gate}"].error))


@pytest.mark.parametrize("gate", range(4))
def test_a_gradient_that_is_wrong_by_less_than_its_bound_blames_no_right_one(gate: int) -> None:
    """The gates are 0 or 1 up to 1e-54, so that gradients of 1e-54 have bounds of 1e-16."""
    for seed in range(3):
        problem = Problem.lstm(n_x=2, n_a=3, n_y=1, m=2, T_x=2, regime="huge", seed=seed)
        inputs: Any = problem.inputs("lstm_backward")
        shown = inputs.showing_each_step(0)
        ours = reference.lstm_backward(*shown.arguments("lstm_backward"))
        wrong = ours["dx"].copy()
        wrong[3 * gate : 3 * gate + 3] = 0
        bounds = own_steps.evaluate(shown, wrong)
        for name in ("dWf", "dWi", "dWc", "dWo"):
            off = np.abs(ours[name][:, :, None] - bounds[name].value)
            assert np.all((off <= 2 * bounds[name].error) | np.isinf(bounds[name].error)), (seed, name)


def test_a_file_with_forwards_and_backwards_is_judged_in_one_run(tmp_path: Path) -> None:
    """A cell's mistake is inherited by its sequence, and the starter beside it changes nothing: two runs."""
    wrong = WHOLE.replace('"dc_prev": dc * ft}', '"dc_prev": dc * it}')
    starter = wrong.replace("    dz = (1 - a_next**2) * da_next\n", "    dz = None\n")
    assert wrong != WHOLE
    assert starter != wrong
    (tmp_path / "rnn.py").write_text(starter)
    selected = ["-k", "each and step or provided", "--report", "report.json"]
    done = run("rnn.py", *selected, program="rnn-crosscheck", directory=tmp_path)
    [judged] = json.loads((tmp_path / "report.json").read_text())["implementations"]
    assert (judged["verdict"], judged["backward"]) == ("conforms", "differs"), done.output
    verdicts = {name: judged["functions"][name]["verdict"] for name in BACKWARDS}
    assert verdicts["rnn_cell_backward"] == "unfinished"
    assert verdicts["lstm_cell_backward"] == verdicts["lstm_backward"] == "differs"
    assert judged["functions"]["lstm_backward"]["inherited"]
    assert "forward conforms, backward differs" in done.output
    assert "where: dc_prev = dc * ft does not hold" in done.output
    assert "how: it in place of ft" in done.output


@pytest.mark.parametrize("function", [*BACKWARDS, *LAYERS_BACKWARD])
def test_a_page_has_the_code_of_a_failure(function: str) -> None:
    contract = CONTRACTS[function]
    sizes = {"n_x": 1, "n_a": 2, "m": 2, "T_x": 1, **({} if contract.is_layer else {"n_y": 1})}
    problem: Problem = getattr(Problem, contract.problem_kind)(**sizes)
    known = {function: getattr(reference, function)}
    exec(snippet(problem, function, "trajectory"), known)
    assert "gradients" in known


@pytest.mark.parametrize("function", SEQUENCE_BACKWARDS)
def test_the_code_of_a_step_shows_the_numbers_of_the_law(function: str) -> None:
    problem: Problem = getattr(Problem, function.partition("_")[0])(n_x=1, n_a=2, n_y=1, m=2, T_x=3, seed=7)
    shown: list[Any] = []

    def recorded(*given: Any) -> Any:
        shown.extend(given)
        return getattr(reference, function)(*given)

    exec(snippet(problem, function, "each step"), {function: recorded})
    target = Recorder(next(fault for fault in FAULTS.values() if function in fault.functions))
    with suppress(ViolationError):
        new_turn("each step", function, target, problem=problem).run()
    np.testing.assert_equal(shown, target.calls[-1])


class Recorder(InProcess):
    """A target that remembers the arguments of its calls."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.calls: list[Any] = []

    def reply_each(self, requests: Sequence[Request], *, time_limit: float | None = None) -> list[Reply]:
        self.calls += [each.arguments for each in requests]
        return super().reply_each(requests)


def test_the_reference_is_asked_for_gradients_in_lower_precision() -> None:
    law = next(law for law in all_laws() if law.name == "lower precision")
    assert law.concerns(
        "rnn_backward", replace(Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=2), dtype="float32")
    )
