"""The catalogue of mistakes: right where unchanged, and each wrong in its own way."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oracle.faults
import reference
from oracle.faults import COMMON, FAULTS, Fault, catalogue, concerning
from oracle.faults.equations import TRANSFORMS
from oracle.problem import Inputs, Problem, siblings
from oracle.rounding import evaluate
from oracle.tests.draws import problems
from reference.contract import CONTRACTS, Array

RIGHT = Fault("right", "none", "nothing is changed", {function: {} for function in CONTRACTS})
RANDOM = {"noise", "dropout"}
GROUPS = "weights biases activations update state head precision shapes batch caches purity"

SHOWING: Sequence[Mapping[str, Any]] = (
    {"n_x": 3, "n_a": 4, "n_y": 2, "m": 5, "T_x": 6},
    {"n_x": 3, "n_a": 4, "n_y": 4, "m": 4, "T_x": 4, "regime": "huge", "seed": 542},
    {"n_x": 1, "n_a": 2, "n_y": 1, "m": 1, "T_x": 1},
    {"n_x": 4, "n_a": 4, "n_y": 2, "m": 2, "T_x": 3, "regime": "wild"},
    {"n_x": 2, "n_a": 3, "n_y": 3, "m": 3, "T_x": 2},
)
"""The problems on which every mistake shows and no two look alike."""

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
"""How many of the problems it takes to see a mistake in each of its functions, where one is not enough."""

SWALLOWED = {
    *((f"{gate}_bias_missing", "biases_missing") for gate in ("update", "forget", "candidate", "output")),
    ("forget_bias_plus_one", "biases_missing"),
    ("head_bias_missing", "softmax_over_samples"),  # which by, the same for all samples, does not move
    ("relu_for_tanh", "candidate_relu"),
    ("relu_for_tanh", "tanh_on_c_left_out"),  # relu leaves a c alone that only grows from zero
    ("sigmoid_for_tanh", "candidate_sigmoid"),
    ("a0_ignored", "c0_is_a0"),
    ("c0_is_a0", "c_reset_every_step"),
    ("c0_is_a0", "c_is_a"),
    ("c_reset_every_step", "c_view_cached"),
    ("c_is_a", "c_view_cached"),
    ("c_view_cached", "caches_empty"),
    ("c_view_cached", "last_cache_alone"),
}
"""The pairs of common mistakes of which one leaves nothing to be seen of the other, in lstm_forward."""

EDGES: Sequence[Mapping[str, Any]] = (
    {"n_x": 0, "n_a": 2, "n_y": 3, "m": 2, "T_x": 2},
    {"n_x": 2, "n_a": 2, "n_y": 3, "m": 0, "T_x": 2},
    {"n_x": 2, "n_a": 2, "n_y": 3, "m": 2, "T_x": 0},
    {"n_x": 1, "n_a": 1, "n_y": 1, "m": 1, "T_x": 1, "dtype": "float16"},
    {"n_x": 3, "n_a": 2, "n_y": 2, "m": 2, "T_x": 3, "dtype": "float32", "regime": "wild"},
    {"n_x": 2, "n_a": 3, "n_y": 2, "m": 2, "T_x": 2, "regime": "nonfinite"},
)


RAISED = "raised"


def leaves(value: Any, above: tuple[int, ...] = ()) -> Iterator[Array | str]:
    """The arrays in nested containers in order, and words for all else."""
    if isinstance(value, np.ndarray):
        yield value.astype(np.float64)
    elif id(value) in above:
        yield "a container of this one"
    elif isinstance(value, (tuple, list, dict)):
        yield f"{len(value)} parts"
        for part in value.items() if isinstance(value, dict) else value:
            yield from leaves(part, (*above, id(value)))
    else:
        yield repr(value)


def call(implementation: Any, function: str, arguments: Sequence[Any]) -> Any:
    try:
        return getattr(implementation, function)(*arguments)
    except (ValueError, IndexError):
        return RAISED


def behaviour(implementation: Any, function: str, problem: Problem) -> list[Array | str]:
    """Two answers, the arguments after them, and the first answer once more after the second."""
    implementation = (
        replace(implementation, memory={}) if isinstance(implementation, Fault) else implementation
    )
    first, second = (deepcopy(each.arguments(function)) for each in siblings(problem, 2))
    answer = call(implementation, function, first)
    seen = [*leaves(answer), *leaves(first)]
    again = call(implementation, function, second)
    return [*seen, *leaves(again), *leaves(second), *leaves(answer)]


def alike(ours: Sequence[Array | str], theirs: Sequence[Array | str]) -> bool:
    """The same to within the rounding of a few steps."""
    return len(ours) == len(theirs) and all(
        a == b
        if isinstance(a, str) or isinstance(b, str)
        else a.shape == b.shape and np.allclose(a, b, rtol=1e-11, atol=1e-14, equal_nan=True)
        for a, b in zip(ours, theirs, strict=True)
    )


def showing(function: str) -> list[Problem]:
    return [Problem(CONTRACTS[function].kind, **fields) for fields in SHOWING]


@cache
def behaviours(function: str, name: str) -> list[list[Array | str]]:
    implementation = reference if name == "reference" else FAULTS[name]
    return [behaviour(implementation, function, problem) for problem in showing(function)]


@settings(max_examples=100)
@given(problems(), st.data())
def test_unchanged_equations_are_the_specification(problem: Problem, data: st.DataObject) -> None:
    function = data.draw(st.sampled_from([f for f, c in CONTRACTS.items() if c.kind == problem.kind]))
    if CONTRACTS[function].is_cell:
        problem = replace(problem, T_x=max(problem.T_x, 1))
    inputs = problem.inputs(function)
    answer, arguments = unpacked(function, RIGHT, inputs)
    theirs, _ = unpacked(function, reference, inputs)
    assert answer.keys() == theirs.keys()
    assert all(answer[name].shape == theirs[name].shape for name in answer)
    assert all(answer[name].dtype == theirs[name].dtype for name in answer)
    for after, before in zip(leaves(arguments), leaves(inputs.arguments(function)), strict=True):
        np.testing.assert_array_equal(after, before)

    a, c = answer["a"], answer.get("c", np.zeros((0, *answer["a"].shape[1:])))
    steps = inputs.steps(a, c)
    for name, bounded in evaluate(steps).items():
        ours = answer[name].reshape(bounded.value.shape).astype(np.float64)
        with np.errstate(invalid="ignore"):
            close = np.abs(ours - bounded.value) <= 2 * bounded.error
        assert np.all(close | (ours == bounded.value) | (np.isnan(ours) & np.isnan(bounded.value))), name
    cached = {"a_next": a, "c_next": c, "a_prev": steps.a0, "c_prev": steps.c0, "xt": inputs.x, "x": inputs.x}
    for name in answer.keys() & cached.keys():
        np.testing.assert_array_equal(answer[name], cached[name].reshape(answer[name].shape))


def unpacked(function: str, implementation: Any, inputs: Inputs) -> tuple[dict[str, Array], list[Any]]:
    """All that a call returns as arrays over time by name, and its arguments after it."""
    contract = CONTRACTS[function]
    arguments = deepcopy(inputs.arguments(function))
    *outputs, caches = getattr(implementation, function)(*arguments)
    cells, x = ([caches], None) if contract.is_cell else caches
    outputs = [out[:, :, None] for out in outputs] if contract.is_cell else outputs
    assert isinstance(cells, list)
    assert all(isinstance(cell, tuple) and len(cell) == len(contract.cache) + 1 for cell in cells)
    for cell in cells:
        assert alike(*([*leaves(dict(sorted(each.items())))] for each in (cell[-1], arguments[-1])))
    entries = {name: [cell[i] for cell in cells] for i, name in enumerate(contract.cache)}
    over_time = {name: np.stack(steps, axis=2) for name, steps in entries.items() if steps}
    empty = {name: outputs[0][:, :, :0] for name in entries if not over_time and name != "xt"}
    named = dict(zip((name[0] for name in contract.outputs), outputs, strict=True))
    return {**named, **over_time, **empty, **({} if x is None else {"x": x})}, arguments


def test_at_least_sixty_entries_in_every_group() -> None:
    assert len(FAULTS) >= 60
    assert {fault.group for fault in FAULTS.values()} == set(GROUPS.split())


def test_names_and_sentences() -> None:
    assert all(name == fault.name and name.isidentifier() for name, fault in FAULTS.items())
    assert all(getattr(oracle.faults, name) is fault for name, fault in FAULTS.items())
    sentences = [(sentence, f) for f in CONTRACTS for sentence in (fault.sentence for fault in concerning(f))]
    assert len(sentences) == len(set(sentences))
    assert all(fault.sentence[-1] != "." and "\n" not in fault.sentence for fault in FAULTS.values())
    with pytest.raises(AttributeError, match="no entry 'gates_upside_down'"):
        getattr(oracle.faults, "gates_upside_down")  # noqa: B009 - a constant name would not be looked up
    with pytest.raises(ValueError, match="two entries 'no_tanh'"):
        catalogue.by_name(*FAULTS.values(), Fault("no_tanh", "activations", "tanh is left out once more", {}))


@pytest.mark.parametrize("function", CONTRACTS)
def test_every_entry_shows(function: str) -> None:
    right = behaviours(function, "reference")
    for fault in concerning(function):
        shown = [not same for same in map(alike, behaviours(function, fault.name), right)]
        assert True in shown, f"{fault.name} is not seen in {function}"
        assert any(seen[0] != repr(RAISED) for seen in behaviours(function, fault.name)), (
            f"{fault.name} only raises"
        )
        assert shown.index(True) < NOT_ON_THE_FIRST.get(fault.name, 1), f"{fault.name} is seen late"


@pytest.mark.parametrize("function", CONTRACTS)
def test_no_two_entries_are_alike(function: str) -> None:
    for one, other in combinations(concerning(function), 2):
        same = all(map(alike, behaviours(function, one.name), behaviours(function, other.name)))
        assert not same, f"{one.name} and {other.name} are one mistake"


@pytest.mark.parametrize("function", CONTRACTS)
def test_what_an_entry_does_not_concern_is_right(function: str) -> None:
    problem = showing(function)[0]
    right = behaviour(reference, function, problem)
    for fault in FAULTS.values():
        if function not in fault.functions:
            ours = behaviour(fault, function, problem)
            assert all(np.array_equal(a, b) for a, b in zip(ours, right, strict=True)), fault.name


@pytest.mark.parametrize("function", CONTRACTS)
def test_same_mistake_every_time(function: str) -> None:
    for fault in concerning(function):
        again = behaviour(fault, function, showing(function)[0])
        assert alike(behaviours(function, fault.name)[0], again) == (fault.name not in RANDOM), fault.name


@pytest.mark.parametrize("fields", EDGES, ids=str)
@pytest.mark.parametrize("function", CONTRACTS)
def test_edges_end_in_an_answer_or_an_error(function: str, fields: Mapping[str, Any]) -> None:
    if CONTRACTS[function].is_cell and fields["T_x"] == 0:
        fields = {**fields, "T_x": 1}
    problem = Problem(CONTRACTS[function].kind, **fields)
    for fault in concerning(function):
        assert behaviour(fault, function, problem)


def test_common_mistakes_are_in_the_catalogue() -> None:
    assert FAULTS.keys() >= COMMON


@pytest.mark.parametrize("function", CONTRACTS)
def test_two_common_mistakes_at_once(function: str) -> None:
    # Where the other mistake keeps logits small, one maximum for all does no harm.
    common = [fault for fault in concerning(function) if fault.name in COMMON - {"one_maximum"}]
    problems = showing(function)[:2]
    swallowed = set()
    for one, two in combinations(common, 2):
        replaced = (one.changes[function].keys() & two.changes[function].keys()) - TRANSFORMS.keys()
        if replaced:
            with pytest.raises(ValueError, match=f"both replace the same equation: {min(replaced)}"):
                one + two
            continue
        both = [behaviour(one + two, function, problem) for problem in problems]
        for alone in (one.name, two.name):
            if all(map(alike, both, behaviours(function, alone))):
                swallowed.add((one.name, two.name))
    assert swallowed <= SWALLOWED
    assert swallowed == SWALLOWED or function != "lstm_forward"


def test_a_sum_makes_the_first_mistake_first() -> None:
    exchanged, missing = FAULTS["update_and_forget_gates_exchanged"], FAULTS["update_bias_missing"]
    problem = showing("lstm_forward")[0]
    _, _, parameters = problem.arguments("lstm_forward")
    moved = {"Wi": parameters["Wf"], "Wf": parameters["Wi"], "bi": parameters["bf"], "bf": parameters["bi"]}
    for both, zero in ((exchanged + missing, "bi"), (missing + exchanged, "bf")):
        x, a0, _ = problem.arguments("lstm_forward")
        ours = both.lstm_forward(x, a0, parameters)[:3]
        theirs = reference.lstm_forward(x, a0, {**parameters, **moved, zero: 0 * parameters["bf"]})[:3]
        assert alike([*leaves(ours)], [*leaves(theirs)])


def test_a_sum_says_both_and_concerns_both() -> None:
    both = FAULTS["output_gate_left_out"] + FAULTS["a0_ignored"]
    assert both.sentence == "the output gate is left out, and a0 is ignored"
    assert both.functions == ("rnn_forward", "lstm_cell_forward", "lstm_forward")
    assert both.group == "activations and state"
    cell, alone = (
        behaviour(f, "lstm_cell_forward", showing("lstm_cell_forward")[0])
        for f in (both, FAULTS["output_gate_left_out"])
    )
    assert alike(cell, alone)


def test_imports_no_torch() -> None:
    code = "import sys, oracle.faults; sys.exit('torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode
        == 0
    )
