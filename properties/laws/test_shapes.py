"""The outputs have the shapes of the contract, and hold real floating-point numbers."""

from properties.trials.law import EVERY, law
from properties.trials.trial import Trial


@law("spec", functions=EVERY)
def test_shapes(trial: Trial) -> None:
    """Every output has the shape that its contract gives it, and a floating dtype."""
    for name, array in trial.answer.outputs.items():
        trial.require(
            array.dtype.kind == "f", element=name, dtype=str(array.dtype), expected="a floating dtype"
        )
