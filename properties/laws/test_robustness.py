"""Laws on extreme, empty and unusual inputs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, get_args

import numpy as np

from properties.implementations.calls import Raised, Returned
from properties.strategies.domain import Domain
from properties.trials.law import ALL_FORWARDS, ALL_FUNCTIONS, law
from properties.trials.single_steps import compare_step_by_step
from properties.trials.trial import Trial
from properties.worker.arguments import Arrangement
from properties.worker.own_modules import REFERENCE
from reference.contract import BACKWARDS, LAYERS, LAYERS_BACKWARD, SEQUENCE_FORWARDS, Array


@law("robust", functions=ALL_FUNCTIONS, needs=("memory_layouts",))
def test_memory_layouts(trial: Trial) -> None:
    """Arrays in Fortran order, strided, reversed, read-only or in the other byte order give the same answer.

    A target may refuse negative strides, as torch does.
    """
    arrangement = ARRANGEMENTS[trial.problem.seed % len(ARRANGEMENTS)]
    arguments = trial.inputs.arguments(trial.contract.name)
    usual = trial.answer.outputs  # called first, since an error in this call is not due to the layout
    if arrangement == "reversed" and isinstance(trial.call(arguments, arrangement=arrangement), Raised):
        trial.note("refuses arrays of negative strides")
        return
    arranged = trial.answer_to(trial.inputs, arrangement=arrangement).outputs
    trial.compare_calls(arranged, usual, variation="in C order")


@law("robust", regimes=("ternary",))
def test_whole_numbers(trial: Trial) -> None:
    """An input in a dtype of integers, int64, gives the same answer. A target may refuse it, as torch does.

    One-hot columns often have such a dtype. The specification says nothing of integers, so an output that is
    truncated because it has the dtype of x is only noted, with all outputs that may be computed from it.
    """
    inputs = trial.inputs
    x, *rest = inputs.arguments(trial.contract.name)
    usual = trial.answer.outputs  # called first, since an error in this call is not due to the dtype
    arguments = [x.astype(np.int64), *rest]
    reply = trial.call(arguments)
    # An error that does not come again is not due to the dtype, but to earlier calls.
    if isinstance(reply, Raised) and isinstance(trial.call(arguments), Raised):
        trial.note("refuses an input of integers")
        return
    if not np.array_equal(x, arguments[0]):
        return  # x is not whole, since many features are halved (see `oracle.problems.drawing`)
    outputs = trial.read(trial.require_returned(reply), inputs).outputs
    of_integers = (name for name, array in outputs.items() if array.dtype.kind != "f")
    if any(not np.array_equal(usual[name], np.trunc(usual[name])) for name in of_integers):
        trial.note("truncates results to integers if x is of integers")
        return
    trial.compare_calls(outputs, usual, variation=f"with x in {trial.problem.dtype}, not int64")


@law("robust", functions=ALL_FUNCTIONS, needs=("bad_shapes",))
def test_refuses_bad_shapes(trial: Trial) -> None:
    """An argument of a wrong shape is refused. If a target accepts it, this is noted."""
    rng = np.random.default_rng(trial.problem.seed)
    arguments = trial.inputs.arguments(trial.contract.name)
    names = [*trial.contract.arguments, *trial.contract.last_arguments]
    arrays = sorted(_arrays_in(arguments, names), key=itemgetter(0))
    name, holder, key = arrays[rng.integers(len(arrays))]
    change = sorted(_MISSHAPES)[rng.integers(len(_MISSHAPES))]
    holder[key] = _MISSHAPES[change](holder[key])
    if isinstance(trial.call(arguments), Returned):
        trial.note(f"accepts an argument {change}")
        trial.require(trial.implementation.target != REFERENCE, element=name, wrong=f"accepted {change}")


@law("robust", functions=ALL_FUNCTIONS, regimes=("huge",))
def test_extreme_magnitudes(trial: Trial) -> None:
    """Logits and pre-activations of up to ±1e4 cause no overflow."""
    _compare(trial)


@law(
    "robust",
    functions=ALL_FUNCTIONS,
    far=("aligned", "broad"),  # some libraries have special code for these sizes, only in float32
    regimes=("ternary", "unit", "wild", "counting"),
    dtypes=("float32", "float16"),
)
def test_lower_precision(trial: Trial) -> None:
    """Answers to inputs in float32 or float16 are right to the precision of that dtype."""
    _compare(trial)


@law("robust", functions=ALL_FUNCTIONS, regimes=("ternary", "unit"), empty="n_x")
def test_no_features(trial: Trial) -> None:
    """If n_x is 0, the other arguments determine the answer."""
    trial.compare_with_torch()


@law("robust", functions=ALL_FUNCTIONS, regimes=("ternary", "unit"), empty="m")
def test_no_samples(trial: Trial) -> None:
    """An empty batch gives empty answers."""
    trial.compare_with_torch()


@law(
    "robust",
    functions=(*SEQUENCE_FORWARDS, *LAYERS, *LAYERS_BACKWARD),
    regimes=("ternary", "unit"),
    empty="T_x",
)
def test_no_steps(trial: Trial) -> None:
    """A sequence of no steps gives empty answers, and leaves the states, or their gradients, unchanged."""
    trial.compare_with_torch()


@law(
    "robust",
    functions=ALL_FORWARDS,
    regimes=("subnormal",),
    dtypes=("float64", "float32"),
    largest=5,
    needs=("subnormals",),
)
def test_subnormals(trial: Trial) -> None:
    """Numbers below the smallest normal number are not flushed to zero."""
    trial.compare_with_exact_value(gradual=True)


@law("robust", functions=ALL_FUNCTIONS, regimes=("nonfinite",), projections=("none", "smaller"))
def test_nonfinite(trial: Trial) -> None:
    """NaN and infinity occur in the answer exactly where the formulas put them; relu may give 0 for NaN."""
    _compare(trial)


def _arrays_in(holder: Any, names: Iterable[Any]) -> Iterator[tuple[str, Any, Any]]:
    """The name of each array in a container of arguments, the innermost container, and the key in it."""
    keys = holder if isinstance(holder, dict) else range(len(holder))
    for key, name in zip(keys, names, strict=True):
        value = holder[key]
        if isinstance(value, np.ndarray):
            yield str(name), holder, key
        elif isinstance(value, dict):
            yield from _arrays_in(value, value)
        elif isinstance(value, list):
            yield from _arrays_in(value, range(len(value)))


ARRANGEMENTS: Sequence[Arrangement] = get_args(Arrangement)[1:]
"""The memory layouts other than C order. The seed of a problem selects one."""

_MISSHAPES: Mapping[str, Callable[[Array], Array]] = {
    "without its last axis": lambda array: array[..., 0],
    "with one entry more along its first axis": lambda array: np.concatenate([array, array[:1]]),
}


_WITHOUT_STEPS: Mapping[str, Sequence[str]] = {
    "huge": (*LAYERS, *LAYERS_BACKWARD),
    "nonfinite": (*LAYERS, *BACKWARDS, *LAYERS_BACKWARD),
}
"""The functions whose single steps are not compared in a regime: layers may be chaotic.

In any other regime, these are the backward passes of layers, whose steps no caller sees.
"""


def _compare(trial: Trial) -> None:
    """Compare the whole sequence with torch's, and each step, if the law *each step* judges the function.

    Single steps are not compared in a layer that may be chaotic, or a backward pass with NaN and infinity.
    """
    trial.compare_with_torch()
    function, limits = trial.contract.name, trial.implementation.limits
    has_steps = function not in _WITHOUT_STEPS.get(trial.problem.regime, LAYERS_BACKWARD)
    if has_steps and not Domain(needs=("initial_state",)).excluded_by(function, limits):
        compare_step_by_step(trial)
