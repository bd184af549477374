"""Tests of the catalogue: every mistake differs from all others, in its functions, and in every call."""

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
import pytest

import oracle.faults
import reference
from oracle.faults import COMMON, ERRORS, FAULTS, Fault, common_mistakes, mistakes_in, remedy
from oracle.faults.catalogue import COMMON_IN_LAYERS, arrays, backward, cell, layers, lengths, states
from oracle.faults.catalogue.remedies import REMEDIES
from oracle.problems.problem import Problem
from oracle.tests.answers import RAISED, alike, behaviour, behaviours, showing
from oracle.tests.selection import chosen
from reference.contract import BACKWARDS, CONTRACTS, FUNCTIONS, LAYERS, LAYERS_BACKWARD

EVERY = (*FUNCTIONS, *LAYERS)
GROUPS = (
    "weights biases activations update state head precision shapes batch caches purity "
    "layers directions lengths projection backward"
)

NOT_ON_THE_FIRST = {
    "tanh_overflows": 2,
    "tanh_squared_overflows": 2,
    "sigmoid_overflows": 2,
    "one_maximum": 2,
    "maximum_of_all_steps": 2,
    "softmax_overflows": 2,
    "z_clipped": 2,
    "squeezed": 3,
}
"""The number of problems after which a mistake has shown in each of its functions, if more than one."""

EDGES: Sequence[Mapping[str, Any]] = (
    {"n_x": 0, "n_a": 2, "n_y": 3, "m": 2, "T_x": 2},
    {"n_x": 2, "n_a": 2, "n_y": 3, "m": 0, "T_x": 2},
    {"n_x": 2, "n_a": 2, "n_y": 3, "m": 2, "T_x": 0},
    {"n_x": 1, "n_a": 1, "n_y": 1, "m": 1, "T_x": 1, "dtype": "float16"},
    {"n_x": 3, "n_a": 2, "n_y": 2, "m": 2, "T_x": 3, "dtype": "float32", "regime": "wild"},
    {"n_x": 2, "n_a": 3, "n_y": 2, "m": 2, "T_x": 2, "regime": "nonfinite"},
)


def some(function: str) -> list[Fault]:
    """The sixth of the mistakes of a function that this run tests."""
    return chosen(mistakes_in(function), lambda fault: fault.group)


def test_at_least_sixty_entries_in_every_group() -> None:
    assert len(FAULTS) >= 60
    assert {fault.group for fault in FAULTS.values()} == set(GROUPS.split())


def test_names_and_sentences() -> None:
    assert all(name == fault.name and name.isidentifier() for name, fault in FAULTS.items())
    assert all(getattr(oracle.faults, name) is fault for name, fault in FAULTS.items())
    sentences = [(sentence, f) for f in EVERY for sentence in (fault.sentence for fault in mistakes_in(f))]
    assert len(sentences) == len(set(sentences))
    assert all(fault.sentence[-1] != "." and "\n" not in fault.sentence for fault in FAULTS.values())
    modules = (arrays, backward, cell, layers, lengths, states)
    assert len(FAULTS) == sum(len(module.MISTAKES) for module in modules)


@pytest.mark.parametrize("function", EVERY)
def test_every_entry_shows(function: str) -> None:
    """Takes a second: each mistake answers five problems twice."""
    is_layer = CONTRACTS[function].is_layer
    right = behaviours(function, "reference")
    for fault in some(function):
        shown = [not same for same in map(alike, behaviours(function, fault.name), right)]
        assert True in shown, f"{fault.name} is not seen in {function}"
        assert any(seen[0] != repr(RAISED) for seen in behaviours(function, fault.name)), (
            f"{fault.name} only raises"
        )
        late = not is_layer and shown.index(True) >= NOT_ON_THE_FIRST.get(fault.name, 1)
        assert not late, f"{fault.name} is seen late"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_two_entries_have_different_answers(function: str) -> None:
    """Takes seconds: a sixth of the mistakes answer five problems twice, and are compared in pairs."""
    for one, other in combinations(some(function), 2):
        same = all(map(alike, behaviours(function, one.name), behaviours(function, other.name)))
        assert not same, f"{one.name} and {other.name} are one mistake"


@pytest.mark.parametrize("function", EVERY)
def test_functions_without_the_mistake_are_right(function: str) -> None:
    problem = showing(function)[0]
    right = behaviour(reference, function, problem)
    for fault in chosen(FAULTS.values(), lambda fault: fault.group):
        if function not in fault.functions:
            ours = behaviour(fault, function, problem)
            assert all(np.array_equal(a, b) for a, b in zip(ours, right, strict=True)), fault.name


@pytest.mark.parametrize("function", EVERY)
def test_a_mistake_repeats_its_answer(function: str) -> None:
    for fault in some(function):
        again = behaviour(fault, function, showing(function)[0])
        assert alike(behaviours(function, fault.name)[0], again), fault.name


@pytest.mark.parametrize("fields", EDGES, ids=str)
@pytest.mark.parametrize("function", EVERY)
def test_edges_end_in_an_answer_or_an_error(function: str, fields: Mapping[str, Any]) -> None:
    if CONTRACTS[function].is_cell and fields["T_x"] == 0:
        fields = {**fields, "T_x": 1}
    if CONTRACTS[function].is_layer:
        fields = {**fields, "layers": 2, "directions": 2, "lengths": "random" if fields["T_x"] else "absent"}
    problem = Problem.of(function, **fields)
    for fault in some(function):
        assert behaviour(fault, function, problem)


def test_common_mistakes_are_in_the_catalogue() -> None:
    assert FAULTS.keys() >= COMMON | COMMON_IN_LAYERS
    common = common_mistakes("rnn_layer") + common_mistakes("lstm_layer")
    assert {fault.name for fault in common} == COMMON_IN_LAYERS


def test_a_backward_pass_over_time_is_paired_without_the_mistakes_of_its_cell() -> None:
    for function in (*BACKWARDS, *LAYERS_BACKWARD):
        contract = CONTRACTS[function]
        of_cell = {each.name for each in mistakes_in(f"{contract.kind}_cell_backward")}
        common = {each.name for each in common_mistakes(function)}
        assert common == of_cell if contract.is_cell else not common & of_cell


def test_imports_no_torch() -> None:
    code = "import sys, oracle.faults; sys.exit('torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode
        == 0
    )


def test_each_remedy_is_one_line_for_a_mistake() -> None:
    assert REMEDIES.keys() <= FAULTS.keys() | ERRORS.keys()
    for name, line in REMEDIES.items():
        assert line.isprintable()
        assert not line.endswith(".")
        assert remedy(name) == line
    assert remedy("unheard_of") == ""


BACKWARD = {name: fault for name, fault in FAULTS.items() if fault.group == "backward"}


def test_every_mistake_of_a_backward_pass_has_a_remedy() -> None:
    assert [name for name in BACKWARD if not remedy(name)] == []
    for name in ("nothing_carried", "da_not_carried", "da_alone_not_carried"):
        assert 'after the call write da_prevt = gradients["da_prev"]' in remedy(name)


def evaluated(code: CodeType, v: Any) -> Any:
    """The value of the code of a remedy."""
    return eval(code, {"np": np}, vars(v))


@pytest.mark.parametrize("function", BACKWARDS)
def test_equations_of_a_remedy_mend_the_mistake(function: str) -> None:
    """The assignments of a remedy, put into the program that makes the mistake, give right gradients."""
    [*arguments] = showing(function)[0].arguments(function)
    right = getattr(reference, function)(*arguments)
    mended = 0
    for name, fault in BACKWARD.items():
        assignments = re.fullmatch(r"\w+ = [^;]*(; \w+ = [^;]*)*", remedy(name))
        if function not in fault.functions or not assignments or "gradients" in remedy(name):
            continue
        equations = {}
        for assignment in remedy(name).split("; "):
            quantity, text = assignment.split(" = ")
            code = compile(text.replace("d[", "back["), text, "eval")
            equations["back" if quantity == "d" else quantity] = partial(evaluated, code)
        ours = getattr(fault | equations, function)(*arguments)
        for key, array in right.items():
            np.testing.assert_allclose(ours[key], array, rtol=1e-9, atol=1e-12, err_msg=name)
        mended += 1
    assert mended >= 5
