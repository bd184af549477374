"""The states, predictions and gradients agree with torch, the formulas and the exact value."""

from properties.strategies.fixed_problems import FAR_SIZES
from properties.trials.law import ALL_FORWARDS, ALL_FUNCTIONS, law
from properties.trials.single_steps import compare_step_by_step
from properties.trials.trial import Trial
from reference.contract import BACKWARDS, LAYERS, LAYERS_BACKWARD, SEQUENCE_BACKWARDS, SEQUENCE_FORWARDS


@law(
    "spec",
    functions=(*SEQUENCE_FORWARDS, *LAYERS, *SEQUENCE_BACKWARDS, *LAYERS_BACKWARD),
    complete=True,
    far=[name for name in FAR_SIZES if name != "longest"],
)
def test_trajectory(trial: Trial) -> None:
    """The answer to the whole sequence is right, within a bound that grows from step to step."""
    trial.counts.is_meaningful = trial.compare_with_torch()


@law("spec", functions=(*ALL_FORWARDS, *BACKWARDS), complete=True, needs=("initial_state",))
def test_each_step(trial: Trial) -> None:
    """Each step is right, given the function's own states before it, or its own gradients after it."""
    compare_step_by_step(trial)


@law("spec", functions=ALL_FUNCTIONS, largest=8)  # exact values take long; dev draws none larger
def test_exact_value(trial: Trial) -> None:
    """On small problems, every output is within the bound of the exact value."""
    trial.compare_with_exact_value()
