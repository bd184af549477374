"""Whether a law does not hold by a function of a helper module, as the softmax of a course."""

from properties.trials.trial import Trial

TRIED = (("softmax",), ("sigmoid",), ("sigmoid", "softmax"))
"""The functions for which right ones are at hand, the fewest first."""


def helpers_to_blame(trial: Trial) -> list[str]:
    """The functions of helper modules, `"rnn_utils.softmax"`, by which alone the law does not hold.

    With right ones in their place it holds of the problem. None where it does not even so, or there are no
    helpers.
    """
    for names in TRIED if trial.implementation.helpers else ():
        helped = trial.implementation.with_right_helpers(*names)
        replaced = helped.load().replaced
        if len(replaced) >= len(names) and trial.holds_of(helped):
            return [*replaced]
    return []
