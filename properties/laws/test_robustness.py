"""What holds of an implementation that is fit for any input."""

from collections.abc import Callable, Mapping

import numpy as np

from properties.answered.implementation import Arrangement, Returned
from properties.judged.law import law
from properties.judged.trial import Trial
from properties.worker.ours import REFERENCE
from reference.contract import Array


@law("robust", regimes=("huge",))
def test_extreme_magnitudes(trial: Trial) -> None:
    """Logits and pre-activations of up to ±1e4 overflow nothing."""
    _agree(trial)


@law("robust", regimes=("ternary", "unit", "wild"), dtypes=("float32", "float16"))
def test_lower_precision(trial: Trial) -> None:
    """float32 and float16 inputs are answered to their precision."""
    _agree(trial)


@law("robust", regimes=("ternary", "unit"), empty=True)
def test_empty(trial: Trial) -> None:
    """No features, no samples or no steps give empty answers, or answers without what is not there."""
    _agree(trial)


@law("robust", regimes=("ternary", "unit", "wild"))
def test_memory_layouts(trial: Trial) -> None:
    """Fortran-ordered, strided, read-only and byte-swapped arrays are answered as any others."""
    rng = np.random.default_rng(trial.problem.seed)
    arrangement = ARRANGEMENTS[rng.integers(len(ARRANGEMENTS))]
    arranged = trial.answer_to(trial.inputs, arrangement).outputs
    trial.agree_with_itself(arranged, trial.answer.outputs, trial.bounds, asked="in C order")


@law("robust", regimes=("nonfinite",))
def test_nonfinite(trial: Trial) -> None:
    """NaN and infinity go where the formulas send them, and to no other sample."""
    _agree(trial)


@law("robust", regimes=("ternary",))
def test_refuses_bad_shapes(trial: Trial) -> None:
    """An argument of a wrong shape is refused; of other implementations than ours it is only reported."""
    rng = np.random.default_rng(trial.problem.seed)
    *arrays, parameters = trial.inputs.arguments(trial.contract.name)
    given = {**dict(zip(trial.contract.arguments, arrays, strict=True)), **parameters}
    name = sorted(given)[rng.integers(len(given))]
    change = sorted(_MISSHAPES)[rng.integers(len(_MISSHAPES))]
    given[name] = _MISSHAPES[change](given[name])

    arguments = [given.pop(argument) for argument in trial.contract.arguments]
    if isinstance(trial.call([*arguments, given]), Returned):
        trial.note(f"accepts {name} {change}")
        trial.require(trial.implementation.target != REFERENCE, element=name, wrong=f"accepted {change}")


ARRANGEMENTS: tuple[Arrangement, ...] = ("fortran", "strided", "read-only", "swapped")

_MISSHAPES: Mapping[str, Callable[[Array], Array]] = {
    "without its last axis": lambda array: array[..., 0],
    "with one row more": lambda array: np.concatenate([array, array[:1]]),
}


def _agree(trial: Trial) -> None:
    trial.agree_with_torch()
    trial.agree_with_torch_step_by_step()
