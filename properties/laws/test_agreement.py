"""The states, predictions and gradients agree with torch and the exact value."""

from properties.trials.law import EVERY, EVERY_FORWARD, FORWARDS, SEQUENCES_BACKWARD, law
from properties.trials.single_steps import agree_step_by_step
from properties.trials.trial import Trial
from reference.contract import BACKWARDS, LAYERS, LAYERS_BACKWARD


@law("spec", functions=(*FORWARDS, *LAYERS, *SEQUENCES_BACKWARD, *LAYERS_BACKWARD), complete=True)
def test_trajectory(trial: Trial) -> None:
    """The whole sequence agrees with torch's, within a bound that is propagated from step to step."""
    if not trial.agree_with_torch():
        trial.tally.not_meaningful += 1


@law("spec", functions=(*EVERY_FORWARD, *BACKWARDS), complete=True, needs=("initial_state",))
def test_each_step(trial: Trial) -> None:
    """Each step agrees with torch's, from the state that the function itself returned."""
    agree_step_by_step(trial)


@law("spec", functions=EVERY, largest=8)  # as in dev, where other laws use the same problems
def test_exact_value(trial: Trial) -> None:
    """On small problems, every output is within the bound of the exact value."""
    trial.agree_with_the_exact_value()
