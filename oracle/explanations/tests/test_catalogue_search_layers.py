"""Tests of the diagnosis of layers: every mistake is named first; right layers have no findings."""

import random
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pytest

import reference
from oracle.explanations.behaviour import Behaviour, Program, mistaken_program, specification
from oracle.explanations.catalogue_search import diagnose
from oracle.explanations.claims import mistake
from oracle.explanations.problems import Scope, distinguishing_inputs, has_more_options
from oracle.faults import FAULTS, Fault, common_mistakes, mistakes_in
from oracle.problems.inputs import Inputs, LayerInputs
from oracle.problems.problem import LayerProblem, Problem
from oracle.tests.answers import NEARLY, program, side_effect, with_everything, wrong_outputs
from oracle.tests.selection import chosen
from reference.contract import LAYERS

IN_LARGE_NUMBERS = ("tanh_overflows", "tanh_squared_overflows", "sigmoid_overflows", "z_clipped", "c_clipped")
BETWEEN_CALLS = ("states_left_behind",)


def drawn(function: str, rng: random.Random, regimes: Sequence[str]) -> LayerProblem:
    """A random small problem of layers."""
    n_a = rng.randint(1, 3)
    own: dict[str, Any] = {"n_p": rng.choice([0, n_a, rng.randint(1, 3)])}
    if function == "rnn_layer":
        own = {"activation": rng.choice(["tanh", "relu"])}
    made = Problem.of(
        function,
        **{name: rng.randint(1, 4) for name in ("n_x", "m", "T_x")},
        n_a=n_a,
        layers=rng.randint(1, 3),
        directions=rng.randint(1, 2),
        lengths=rng.choice(["absent", "equal", "random", "with 1", "with T_x"]),
        regime=rng.choice(regimes),
        seed=rng.randint(0, 10**6),
        **own,
    )
    assert isinstance(made, LayerProblem)
    return made


def counterexample(function: str, fault: Fault, seed: int) -> LayerInputs:
    """A small problem on which a mistake shows; any problem if it shows only from call to call."""
    rng = random.Random(f"{function} {fault.name} {seed}")
    regimes = ["huge"] if fault.name in IN_LARGE_NUMBERS else ["ternary", "unit", "wild"]
    for _ in range(1000):
        inputs = drawn(function, rng, regimes).inputs(function)
        shown = mistaken_program(function, fault)(inputs)
        if fault.name in BETWEEN_CALLS or not shown.is_like(specification(function)(inputs)):
            return inputs
    raise AssertionError(f"{fault.name} does not show")


def named(function: str, fault: Fault, seed: int) -> str:
    inputs = counterexample(function, fault, seed)
    extreme = fault.name in IN_LARGE_NUMBERS
    found = diagnose(function, mistaken_program(function, fault), inputs, Scope(extreme=extreme))
    return found[0].words if found else ""


@pytest.mark.parametrize("function", LAYERS)
def test_every_mistake_is_named_first(function: str) -> None:
    """Takes seconds: for each mistake it searches a counterexample, and compares it with all mistakes."""
    others = {
        fault.name: sentence
        for fault in chosen(mistakes_in(function), lambda fault: fault.group)
        if (sentence := named(function, fault, 0)) != fault.sentence
    }
    assert not others


@pytest.mark.parametrize("function", LAYERS)
def test_every_two_mistakes_have_different_answers(function: str) -> None:
    """Takes seconds: a sixth of the mistakes answer every problem."""
    asked = distinguishing_inputs(function, with_everything(function).inputs(function), Scope(extreme=True))
    first, second, *rest = asked

    def shown(ask: Program) -> list[Behaviour]:
        return [ask(first, then=second), ask(second), *map(ask, rest)]

    some = chosen(mistakes_in(function), lambda fault: fault.group)
    behaviours = {fault.name: shown(mistaken_program(function, fault)) for fault in some}
    behaviours["the specification"] = shown(specification(function))
    for one, other in combinations(behaviours, 2):
        pairs = zip(behaviours[one], behaviours[other], strict=True)
        assert not all(ours.is_like(theirs) for ours, theirs in pairs), (one, other)


@pytest.mark.parametrize("function", LAYERS)
def test_a_right_layer_has_no_findings(function: str) -> None:
    ask = program(function, reference)
    few = Problem.of(function, n_x=1, n_a=2, m=1, T_x=2, regime="ternary").inputs(function)
    for inputs in (with_everything(function).inputs(function), few):
        assert diagnose(function, ask, inputs, Scope(extreme=True)) == []
        assert side_effect(function, ask, inputs) == []
        assert wrong_outputs(function, ask, inputs) == NEARLY


def unlisted(function: str, **changes: Callable[..., Any]) -> Program:
    return mistaken_program(function, Fault("unlisted", "none", "it is unlisted", {function: changes}))


@pytest.mark.parametrize("function", LAYERS)
def test_two_unlisted_changes_have_no_name(function: str) -> None:
    inputs = with_everything(function).inputs(function)
    ask = unlisted(function, a_out=lambda v: 1.01 * v.a_next[: v.n_h], top=lambda v: v.padded + 1e-3)
    assert diagnose(function, ask, inputs) == []
    known = wrong_outputs(function, ask, inputs)
    assert known.startswith("wrong outputs: a (first at step 0), a_last (first in layer 0, forward)")


def test_wrong_outputs_name_the_first_wrong_step_or_layer() -> None:
    inputs = Problem.of("rnn_layer", n_x=2, n_a=3, m=2, T_x=3, layers=2, directions=2).inputs("rnn_layer")

    def known(**changes: Callable[..., Any]) -> str:
        return wrong_outputs("rnn_layer", unlisted("rnn_layer", **changes), inputs)

    last_step = known(top=lambda v: v.padded + (np.arange(3) == 2))
    assert last_step.startswith("wrong outputs: a (first at step 2)")
    first = "wrong outputs: a_last (first in layer 1, forward)"
    assert known(a_end=lambda v: v.a[:, :, -1] + (v.k == 2)).startswith(first)
    shape = "wrong outputs: a (of another shape)"
    assert known(top=lambda v: v.padded[:-1]).startswith(shape)


@pytest.mark.parametrize(
    ("function", "one", "two"),
    [
        ("rnn_layer", "last_states_direction_major", "initial_states_direction_major"),
        ("rnn_layer", "directions_exchanged_in_a", "lengths_ignored_backward"),
        ("lstm_layer", "a0_ignored", "c0_ignored"),
        ("lstm_layer", "backward_ends_at_the_last_step", "padding_not_zeroed"),
        ("lstm_layer", "biases_missing_above", "last_states_of_the_top_alone"),
    ],
)
def test_two_mistakes_at_once_are_both_named(function: str, one: str, two: str) -> None:
    pair = next(
        first + second
        for first, second in combinations(common_mistakes(function), 2)
        if {first.name, second.name} == {one, two}
    )
    inputs = with_everything(function).inputs(function)
    assert diagnose(function, mistaken_program(function, pair), inputs)[0] == mistake(*pair.names)


REFUSED: Mapping[str, Callable[[LayerInputs], bool]] = {
    "several layers": lambda inputs: len(inputs.parameters) > inputs.directions,
    "two directions": lambda inputs: inputs.directions == 2,
    "lengths": lambda inputs: inputs.lengths is not None,
    "relu": lambda inputs: inputs.activation == "relu",
}


@pytest.mark.parametrize("refused", REFUSED)
@pytest.mark.parametrize("name", ["a0_ignored", "every_bias_missing", "last_states_one_early"])
def test_a_mistake_is_named_although_some_problems_are_refused(name: str, refused: str) -> None:
    ask = mistaken_program("rnn_layer", FAULTS[name])

    def refusing(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        assert isinstance(inputs, LayerInputs)
        return Behaviour.of_error() if REFUSED[refused](inputs) else ask(inputs, then)

    inputs = Problem.of("rnn_layer", n_x=1, n_a=2, m=1, T_x=2).inputs("rnn_layer")
    assert diagnose("rnn_layer", refusing, inputs)[0] == mistake(name)


def test_a_problem_has_more_options_than_the_counterexample() -> None:
    sizes = {"n_x": 2, "n_a": 3, "m": 2, "T_x": 2}
    plain = Problem.of("lstm_layer", **sizes).inputs("lstm_layer")
    options = {"layers": 2, "directions": 2, "lengths": "random", "n_p": 2}
    for name, value in options.items():
        with_it = Problem.of("lstm_layer", **sizes, **{name: value}).inputs("lstm_layer")
        assert has_more_options(with_it, plain)
        assert not has_more_options(with_it, with_it)
        assert not has_more_options(plain, with_it)
        assert not has_more_options(with_it, with_everything("lstm_layer").inputs("lstm_layer"))


def test_a_refused_option_of_the_counterexample_is_not_left_out() -> None:
    def refusing(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        assert isinstance(inputs, LayerInputs)
        is_relu = inputs.activation == "relu"
        return Behaviour.of_error() if is_relu else specification("rnn_layer")(inputs, then)

    inputs = Problem.of("rnn_layer", n_x=1, n_a=2, m=1, T_x=2, activation="relu").inputs("rnn_layer")
    assert diagnose("rnn_layer", refusing, inputs) == []


@pytest.mark.parametrize("function", LAYERS)
def test_mistakes_of_the_catalogue_list_their_first_wrong_step_or_layer(function: str) -> None:
    inputs = with_everything(function).inputs(function)

    def known(name: str) -> str:
        return wrong_outputs(function, mistaken_program(function, FAULTS[name]), inputs)

    assert known("last_states_exchanged") == "wrong outputs: a_last (first in layer 0, forward)" + (
        ", c_last (first in layer 0, forward)" if function == "lstm_layer" else ""
    )
    above = known("states_above_ignored")
    assert above.startswith("wrong outputs: a (first at step 0), a_last (first in layer 1, forward)")
