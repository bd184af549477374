"""Tests that one operand of the chain rule that a program takes for another is found and told."""

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from oracle.explanations.behaviour import mistaken_program, program_of, specification
from oracle.explanations.claims import Claim
from oracle.explanations.formulas import backward_formula
from oracle.explanations.misreadings import Misreading, _misreadings, misread
from oracle.explanations.problems import opening_problems
from oracle.faults.backward_equations import CELL, SPECIFICATION, run
from oracle.faults.fault import Fault
from oracle.problems.limits import ANYTHING, Limits
from reference.contract import BACKWARDS, CONTRACTS, LAYERS_BACKWARD, Array

FUNCTIONS = [*BACKWARDS, *LAYERS_BACKWARD]
INPUTS = {function: opening_problems(function)[0].inputs(function) for function in FUNCTIONS}
MISREADINGS = {function: [*_misreadings(function, inputs)] for function, inputs in INPUTS.items()}


def claim_of(function: str, changes: Any) -> Claim | None:
    """The misreading of a function with changed equations."""
    program = mistaken_program(function, Fault("", "", "", {function: changes}))
    return misread(function, program, INPUTS[function], ANYTHING)


@pytest.mark.parametrize(
    ("function", "changes", "lines"),
    [
        (
            "lstm_cell_backward",
            {"dzi": lambda v: v.dc * v.cct * v.slope_o},
            ["where: the expression it * (1 - it) is wrong", "how: ot in place of it"],
        ),
        (
            "lstm_cell_backward",
            {"dzo": lambda v: v.dc_next * v.h * v.slope_o},
            [
                "where: dzo = da_next * tanh(c_next) * ot * (1 - ot) does not hold",
                "how: dc_next in place of da_next",
            ],
        ),
        (
            "lstm_cell_backward",
            {"dWc": lambda v: v.dzo @ v.concat.T},
            ["where: dWc = dzc [a_prev; xt].T does not hold", "how: dzo in place of dzc"],
        ),
        (
            "lstm_cell_backward",
            {"back": lambda v: v.Wf.T @ v.dzf + v.Wi.T @ v.dzi + v.Wo.T @ v.dzc + v.Wc.T @ v.dzo},
            [
                "where: [da_prev; dxt] = Wf.T dzf + Wi.T dzi + Wc.T dzc + Wo.T dzo does not hold",
                "how: Wc and Wo are exchanged",
            ],
        ),
        (
            "lstm_backward",
            {"dc_prev": lambda v: v.dc * v.arrays["ft"][:, max(v.t - 1, 0)]},
            ["where: dc_prev = dc * ft does not hold", "how: ft of step t - 1 in place of ft"],
        ),
        (
            "rnn_backward",
            {"dWaa": lambda v: v.right["dWaa"](v) * (v.t > 0)},
            ["where: dWaa = dz a_prev.T does not hold", "how: without the part of the first step"],
        ),
        (
            "lstm_layer_backward",
            {"dc": lambda v: v.dc_next + v.da_next * v.it * v.slope},
            [
                "where: the expression da_next * ot * (1 - tanh(c_next) ** 2) is wrong",
                "how: it in place of ot",
            ],
        ),
        (
            "rnn_layer_backward",
            {"dWax": lambda v: v.da_next @ v.xt.T},
            ["where: dWax = dz xt.T does not hold", "how: da_next in place of dz"],
        ),
        (
            "rnn_cell_backward",
            {"dz": lambda v: v.da_next},
            ["where: the expression 1 - a_next ** 2 is wrong", "how: 1 in its place"],
        ),
        (
            "rnn_layer_backward",  # the slope of relu is left out, too
            {"dz": lambda v: v.da_next},
            ["where: dz = da_next * (1 - a_next ** 2) does not hold", "how: 1 in place of 1 - a_next ** 2"],
        ),
        (
            "lstm_layer_backward",
            {"slope_c": lambda v: np.zeros_like(v.cct)},
            ["where: the expression 1 - cct ** 2 is wrong", "how: 0 in its place"],
        ),
        (
            "lstm_cell_backward",
            {"dc": lambda v: v.through_h},
            [
                "where: dc = dc_next + da_next * ot * (1 - tanh(c_next) ** 2) does not hold",
                "how: 0 in place of dc_next",
            ],
        ),
        (
            "lstm_backward",
            {"dc_prev": lambda v: v.dc},
            ["where: dc_prev = dc * ft does not hold", "how: 1 in place of ft"],
        ),
        (
            "lstm_backward",
            {"slope": lambda v: 1 - v.cct**2},
            ["where: the expression 1 - tanh(c_next) ** 2 is wrong", "how: cct in place of tanh(c_next)"],
        ),
    ],
)
def test_a_misreading_is_found_and_told(function: str, changes: Any, lines: list[str]) -> None:
    claim = claim_of(function, changes)
    assert claim
    assert claim.lines == lines


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"dzf": lambda v: v.dc * v.c_prev * np.sin(v.ft)},
        {"dzf": lambda v: v.dc * v.c_next * v.slope_f, "dzi": lambda v: v.dc * v.c_next * v.slope_i},
        {"dzf": lambda v: v.dc * (v.c_prev if v.m == 7 else v.c_next) * v.slope_f},
    ],
)
def test_nothing_is_told_of_a_right_program_nor_of_another_mistake(changes: Any) -> None:
    assert claim_of("lstm_cell_backward", changes) is None


def test_a_target_is_called_within_its_limits() -> None:
    function, dtypes = "rnn_cell_backward", set[np.dtype[Any]]()

    def with_a_next(da_next: Array, cache: Any) -> Any:
        dtypes.add(da_next.dtype)
        change = {"dWaa": lambda v: v.dz @ v.a_next.T}
        return Fault("", "", "", {function: change}).rnn_cell_backward(da_next, cache)

    limits = Limits(dtypes=("float32",))
    program = program_of(SimpleNamespace(rnn_cell_backward=with_a_next), function, limits)
    claim = misread(function, program, limits.fitted(opening_problems(function)[0]).inputs(function), limits)
    assert claim == Misreading("dWaa", "a_prev", "a_next").claim(function)
    assert dtypes == {np.dtype("float32")}


def test_nothing_is_told_of_a_program_that_raises() -> None:
    def rnn_cell_backward(*_: Any) -> Any:
        raise ValueError("no gradients")

    program = program_of(SimpleNamespace(rnn_cell_backward=rnn_cell_backward), "rnn_cell_backward", ANYTHING)
    assert misread("rnn_cell_backward", program, INPUTS["rnn_cell_backward"], ANYTHING) is None


@pytest.mark.parametrize("function", FUNCTIONS)
def test_two_misreadings_never_have_the_same_words(function: str) -> None:
    claims = [each.claim(function) for each in MISREADINGS[function]]
    assert len({each.words for each in claims}) == len(claims)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_misreading_is_that_of_its_claim(function: str) -> None:
    for each in MISREADINGS[function]:
        assert Misreading.of(each.claim(function).facts) == each


@pytest.mark.parametrize("function", FUNCTIONS)
def test_misreadings_change_numbers_and_not_shapes(function: str) -> None:
    right = specification(function)(INPUTS[function]).outputs
    for each in MISREADINGS[function][::7]:
        ours = mistaken_program(function, each.fault(function))(INPUTS[function]).outputs
        assert [*map(np.shape, ours.values())] == [*map(np.shape, right.values())]


def evaluated(formula: str, v: Any) -> Array:
    """The value of a formula as messages write it."""
    if found := re.fullmatch(r"the rows of (\w+) in \[da_prev; dxt\]", formula):
        return np.asarray(v.back[: v.n_a] if found[1] == "a_prev" else v.back[v.n_a :])
    if formula == "[a_prev; xt]":
        return np.asarray(v.concat)
    text = re.sub(r"the sum of (\w+) over the samples", r"\1.sum(axis=1, keepdims=True)", formula)
    text = text.replace("[a_prev; xt]", "concat").replace(".T dz", ".T @ dz")
    text = re.sub(r"(dz\w?) (\w+\.T)", r"\1 @ \2", text)
    return np.asarray(eval(text, {"tanh": np.tanh}, vars(v)))


@pytest.mark.parametrize("function", ["rnn_cell_backward", "lstm_cell_backward"])
def test_every_formula_is_its_equation(function: str) -> None:
    contract = CONTRACTS[function]
    right = SPECIFICATION[contract.kind]
    v = SimpleNamespace(memory={}, right=right)
    run(contract, right, v, *INPUTS[function].arguments(function))
    for name in CELL[contract.kind]:
        formula = backward_formula(contract.kind, name)
        assert np.allclose(evaluated(formula, v), getattr(v, name)), name
