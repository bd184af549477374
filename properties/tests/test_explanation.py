"""What a failure says of its cause: a known mistake, or what else is known, or that the cell is to blame."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import properties.explanations.claim_search
from oracle.faults import FAULTS, Fault
from oracle.network.equations import Equations
from oracle.problems.problem import Problem
from oracle.tests.strangers import STRANGERS
from oracle.witnesses.verdict import Comparison
from properties.explanations.explanation import explain
from properties.explanations.failure import Failure
from properties.implementations.answers import Answers
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import Settings
from properties.laws import all_laws
from properties.questions.question import Question
from properties.tests.one_law import InProcess, first_catch, new_turn, violation_facts
from properties.tests.runs import run
from properties.trials.trial import Trial, ViolationError
from reference.arrays import sigmoid, softmax
from reference.contract import Array

pytestmark = pytest.mark.slow

RNN = ("rnn_cell_forward", "rnn_forward")
LSTM = ("lstm_cell_forward", "lstm_forward")
CHANCE = np.random.default_rng(0)


def scaled(p: dict[str, Array]) -> dict[str, Array]:
    return {name: 1.01 * array if name.startswith("W") else array for name, array in p.items()}


def normalised(W: Array, u: Array, b: Array) -> Array:
    z = W @ u
    return np.asarray((z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + 1e-5) + b)


OUTSIDERS: dict[str, tuple[tuple[str, ...], Equations]] = {
    "weights scaled by 1.01": (RNN + LSTM, {"parameters": scaled}),
    "softmax at temperature 2": (RNN + LSTM, {"softmax": lambda z: softmax(z / 2)}),
    "predictions smoothed": (RNN + LSTM, {"softmax": lambda z: 0.9 * softmax(z) + 0.1 / len(z)}),
    "softsign for tanh": (RNN + LSTM, {"tanh": lambda z: z / (1 + np.abs(z))}),
    "layers normalised": (RNN + LSTM, {"affine": normalised}),
    "leaky integration": (RNN, {"a_next": lambda v: 0.5 * v.a_prev + 0.5 * v.tanh(v.z)}),
    "gates too steep": (LSTM, {"sigmoid": lambda z: sigmoid(1.5 * z)}),
    "candidate rotated": (LSTM, {"cct": lambda v: np.roll(v.tanh(v.zc), 1, axis=0)}),
    "c decays": (LSTM, {"c_next": lambda v: 0.99 * (v.ft * v.c_prev + v.it * v.cct)}),
    "highway to a": (LSTM, {"a_next": lambda v: v.ot * v.tanh(v.c_next) + (1 - v.ot) * v.a_prev}),
    "two steps in one": (("rnn_forward", "lstm_forward"), {"xt": lambda v: v.x[:, :, v.t // 2]}),
    "c forgotten at every third step": (
        ("lstm_forward",),
        {"c_prev": lambda v: v.c_next if v.t % 3 else 0 * v.c_next},
    ),
}
"""Mistakes that are not in the catalogue: the functions in which they are made, and the changed equations."""


def outsider(name: str, function: str) -> Fault:
    return Fault(name, "none", name, {function: OUTSIDERS[name][1]})


@pytest.mark.parametrize(
    ("name", "function"),
    [(name, function) for name, (made_in, _) in OUTSIDERS.items() for function in made_in],
)
def test_a_mistake_outside_the_catalogue_is_caught_and_given_no_name(name: str, function: str) -> None:
    """Takes a second: it is compared with all mistakes, and with all pairs."""
    caught = first_catch(outsider(name, function), function, 0)
    assert caught
    found = explain(caught.violation, locating=False).claims
    assert [each.kind for each in found if each.is_mistake] in ([], ["digits"])


@pytest.mark.parametrize(
    ("name", "function", "known"),
    [
        (
            "candidate rotated",
            "lstm_forward",
            "does not hold; when: wherever it changes a value; how: cct of the unit before",
        ),
        ("two steps in one", "rnn_forward", "where: a_next follows from the cached xt, which is wrong"),
        (
            "c decays",
            "lstm_cell_forward",
            "does not hold; when: wherever it changes a value; how: 0.99 times c_next",
        ),
        (
            "softmax at temperature 2",
            "rnn_forward",
            "where: yt_pred = softmax(Wya a_next + by) does not hold",
        ),
    ],
)
def test_a_mistake_without_a_name_is_located(name: str, function: str, known: str) -> None:
    """Takes a second: it looks for the place of a mistake."""
    caught = first_catch(outsider(name, function), function, 0)
    assert caught
    failure = Failure(caught.violation)
    assert known in failure.claims[0].words
    assert all(line in failure.message for line in failure.claims[0].lines)


def remembered(v: Any) -> Any:
    shapes = v.Waa.shape + v.Wax.shape
    return v.affine(v.memory.setdefault(shapes, np.hstack([v.Waa, v.Wax])), v.concat, v.ba)


def written(v: Any) -> Any:
    v.arguments[1][...] = v.a_next
    return (v.a_next, v.a_prev, v.xt, v.parameters)


HIDDEN = "where: a_next = tanh(Waa a_prev + Wax xt + ba) does not hold"

MANNERS: dict[str, tuple[Equations, *tuple[str, ...]]] = {
    "noise": (
        {"a_next": lambda v: v.tanh(v.z) + CHANCE.uniform(-0.1, 0.1, v.z.shape)},
        "two calls with equal arguments give different answers",
    ),
    "a state written back": ({"cache": written}, "it writes to a_prev"),
    "float32 between": (
        {"a_next": lambda v: np.tanh(v.z.astype("float32")).astype("float64")},
        "right to 7 digits only (7 decimals below 1), as if a part were in float32, or an epsilon added",
        HIDDEN,
    ),
    "weights remembered": (
        {"z": remembered},
        "as the first call of a process it is right: the answer depends on earlier calls, or on chance",
    ),
}
"""Mistakes in how a cell answers, whatever it computes, and what is said of them."""


@pytest.mark.parametrize("name", MANNERS)
def test_the_way_it_answers_is_named_where_that_is_wrong(name: str) -> None:
    changes, *sentences = MANNERS[name]
    caught = first_catch(Fault(name, "none", "", {"rnn_cell_forward": changes}), "rnn_cell_forward", 0)
    assert caught
    assert [each.words for each in Failure(caught.violation).claims] == sentences
    message = Failure(caught.violation).message
    assert ("fails only after other calls" in message) == (name == "weights remembered")


def test_a_wrong_equation_does_not_explain_a_written_argument() -> None:
    def doubled(v: Any) -> Any:
        v.parameters["Wf"] *= 2
        return v.arguments

    changes = {
        "arguments": doubled,
        "parameters": lambda p: {**p, "Wf": p["Wf"] / 2},
        "cct": lambda v: v.zc / (1 + np.abs(v.zc)),
    }
    target = InProcess(Fault("two", "none", "", {"lstm_cell_forward": changes}))
    of_law = {}
    for law in ("exact value", "inputs untouched"):
        turn = new_turn(law, "lstm_cell_forward", target)
        assert not turn.holds_on_drawn_problems()
        with pytest.raises(ViolationError) as raised:
            turn.raise_failure()
        of_law[law] = [each.words for each in Failure(raised.value).claims]
    assert of_law["exact value"][0].startswith("where: cct = tanh")
    assert of_law["inputs untouched"] == ["it writes to parameters['Wf']"]


def test_torch_is_no_witness_of_a_sequence_without_steps() -> None:
    function = "rnn_layer_backward"
    turn = new_turn("no steps", function, InProcess(FAULTS["da_last_ignored"]))
    facts = violation_facts(turn)
    assert facts["exact"]
    assert "torch" not in facts


def test_what_is_wrong_in_float16_alone_is_told_from_what_needs_other_calls() -> None:
    dense = {"z": lambda v: v.affine(np.hstack([v.Waa, v.Wax]), v.concat, v.ba) + (v.xt.dtype == "float16")}
    fault = Fault("dense", "none", "", {"rnn_cell_forward": dense})
    caught = first_catch(fault, "rnn_cell_forward", 0)
    assert caught
    right = "on this problem it is right in float64, and not in float16"
    assert [each.words for each in Failure(caught.violation).claims] == [HIDDEN, right]


UNHEARD_OF = """
from reference import rnn_cell_forward as right
calls = 0

def rnn_cell_forward(xt, a_prev, parameters):
    global calls
    calls += 1
    a, y, cache = right(xt, a_prev, parameters)
    {does}
    return a, y, cache
"""


@pytest.mark.parametrize(
    ("does", "said"),
    [
        (
            "a = a + (calls == 1)",
            "asked again it is right: the answer depends on earlier calls, or on chance",
        ),
        ("y = 10**400", "yt_pred is an int, expected an array of shape (n_y, m)"),
        ("a_prev[...] = a; cache = (a + 1, *cache[1:])", "unknown mistake"),
        ("a = a + (xt.dtype.kind == 'i')", "the law: An input in a dtype of integers, int64, gives the same"),
    ],
)
def test_odd_answers_are_explained_as_far_as_they_can(tmp_path: Path, does: str, said: str) -> None:
    """Takes a second: a whole run that explains a failure."""
    (tmp_path / "odd.py").write_text(UNHEARD_OF.format(does=does))
    laws = "rnn_cell and (each_step or cache_entries or whole_numbers)"
    output = run("--implementation", "odd.py", "-q", "-k", laws, directory=tmp_path, seed=None).output
    assert said in output
    assert "the harness broke" not in output


def test_a_function_that_errs_in_one_call_of_twenty_makes_one_mistake(tmp_path: Path) -> None:
    """Takes seconds: a whole run that explains some failures."""
    (tmp_path / "odd.py").write_text(UNHEARD_OF.format(does="a = a + (calls % 20 == 7)"))
    laws = "rnn_cell and (each_step or cache_entries or exact_value or samples)"
    output = run("--implementation", "odd.py", "-q", "-k", laws, directory=tmp_path, seed=0).output
    _, _, mistakes = output.partition("mistakes, by number:")
    assert "1. two calls with equal arguments give different answers" in mistakes
    assert "2. " not in mistakes


def test_that_explaining_it_broke_is_said_and_the_failure_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(properties.explanations.claim_search, "diagnose", lambda *_, **__: 1 / 0)
    caught = first_catch(outsider("c decays", "lstm_cell_forward"), "lstm_cell_forward", 0)
    assert caught
    assert (
        "the search for the mistake failed, please report it: ZeroDivision"
        in Failure(caught.violation).message
    )


def test_that_finding_out_how_far_it_is_off_broke_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Comparison, "explain", lambda _: 1 / 0)
    caught = first_catch(outsider("c decays", "lstm_cell_forward"), "lstm_cell_forward", 0)
    assert caught
    assert "the harness broke, please report it" in Failure(caught.violation).message


def test_what_hangs_on_earlier_calls_is_not_said_to_go_away_with_less(tmp_path: Path) -> None:
    """Takes seconds: it looks for the place of a mistake."""
    stranger = STRANGERS["e/F2 fused [Waa Wax] kept and only Waa compared"]
    (tmp_path / "kept.py").write_text(stranger.source)
    problem = Problem.parse(stranger.problem)
    before = next(
        other
        for seed in range(100)
        if (other := replace(problem, seed=seed)).inputs(stranger.function).parameters["Waa"]
        == problem.inputs(stranger.function).parameters["Waa"]
    )
    (law,) = (each for each in all_laws() if each.name == "each step")
    with Implementation("kept.py", Settings(directory=tmp_path)) as target:
        target.call(stranger.function, before.arguments(stranger.function))
        answers = Answers(target, Question(stranger.function, [problem]))
        with pytest.raises(ViolationError) as caught:
            law.check(Trial(law, answers, 0))
        assert "depends on earlier calls" in Failure(caught.value).message
