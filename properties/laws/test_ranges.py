"""Laws on the shapes of outputs, and on the ranges of a softmax, a tanh and a gate."""

import numpy as np

from oracle.network.equations import CELLS
from oracle.witnesses.rounding import SIGMOID, TANH, Arithmetic
from properties.trials.law import ALL_FUNCTIONS, law
from properties.trials.trial import Trial
from reference.contract import CONTRACTS, FUNCTIONS, Array, kind_in


@law("spec", functions=ALL_FUNCTIONS)
def test_shapes(trial: Trial) -> None:
    """Every output has the shape in the function's contract, and a floating dtype."""
    for name, array in trial.answer.outputs.items():  # reading the outputs checks their shapes
        dtype = array.dtype
        trial.require(dtype.kind == "f", element=name, dtype=str(dtype), expected="a floating dtype")


@law("spec", needs=("head",))
def test_softmax_columns(trial: Trial) -> None:
    """Every column of the predictions lies in [0, 1] and sums to 1, within the bound."""
    y = trial.answer.outputs["y"].astype(np.float64)
    bound = trial.bounds["y"].error.sum(axis=0)
    sums = y.sum(axis=0)
    off = np.abs(sums - 1)
    trial.require(
        np.all(off <= bound),
        column=_worst(off - bound),
        sums_to=repr(float(sums.flat[np.argmax(off - bound)])) if off.size else "",
        expected=f"1, within {bound.max(initial=0):.2g}",
    )
    _require_range(trial, "y", y, 0)


@law("spec", functions=[f for f in FUNCTIONS if "a_prev" not in CELLS[kind_in(f)]["a_next"].quantities])
def test_hidden_state_range(trial: Trial) -> None:
    """The hidden state lies in [-1, 1]: it is a tanh, or a gate times a tanh."""
    _require_range(trial, "a", trial.answer.outputs["a"], -1)


@law("spec", functions=[f for f in FUNCTIONS if CONTRACTS[f].network.gates], needs=("caches",))
def test_gate_ranges(trial: Trial) -> None:
    """The cached gates lie in [0, 1], and the candidate in [-1, 1]."""
    cell = CELLS[trial.contract.kind]
    for gate in trial.contract.network.gates.values():
        low = 0 if cell[gate].operation == "sigmoid" else -1
        _require_range(trial, gate, trial.answer.caches[gate], low)


@law("spec", functions=[f for f in FUNCTIONS if CONTRACTS[f].network.has_memory])
def test_memory_growth(trial: Trial) -> None:
    """One step adds at most 1 to the magnitude of the memory state."""
    answer = trial.answer
    if answer.hides_memory:
        c = np.abs(answer.outputs["c"].astype(np.float64))
        before = np.full(c.shape, trial.problem.T_x - 1.0)  # the memory state starts from 0
    else:
        c = np.abs(answer.memory.astype(np.float64))
        before = np.abs(trial.steps[0].c0).reshape(c.shape)
    slack = (SIGMOID + TANH + 4) * Arithmetic(trial.inputs.dtype).u * (1 + before)
    excess = c - before - 1
    trial.require(
        np.all(excess <= slack),
        element=f"c{_worst(excess - slack)}",
        grows_by=repr(float(excess.max(initial=0) + 1)),
    )


def _require_range(trial: Trial, name: str, values: Array, low: int) -> None:
    """Require that values lie between `low` and 1, up to rounding."""
    values = values.astype(np.float64)
    slack = TANH * Arithmetic(trial.inputs.dtype).u
    outside = np.maximum(low - values, values - 1)
    trial.require(
        np.all(outside <= slack),
        element=f"{name}{_worst(outside)}",
        implementation=repr(float(values.flat[np.argmax(outside)])) if values.size else "",
        expected=f"in [{low}, 1]",
    )


def _worst(excess: Array) -> str:
    """The index of the largest entry, such as `"[0, 2]"`; empty for an empty array."""
    return str([int(i) for i in np.unravel_index(np.argmax(excess), excess.shape)]) if excess.size else ""
