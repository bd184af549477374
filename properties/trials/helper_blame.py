"""Finds out whether a law fails only because of a function of a helper module, such as a course's softmax."""

from properties.trials.trial import Trial

REPLACED = (("softmax",), ("sigmoid",), ("sigmoid", "softmax"))
"""The sets of functions to replace by right ones, the smallest first."""


def helpers_to_blame(trial: Trial) -> list[str]:
    """The functions of helper modules, such as `"rnn_utils.softmax"`, that alone make the law fail.

    With right functions in their place the law holds on the problem. Empty if there are none.
    """
    for names in REPLACED if trial.implementation.settings.helpers else ():
        helped = trial.implementation.with_right_helpers(*names)
        replaced = helped.load().replaced
        if len(replaced) >= len(names) and trial.holds_of(helped):
            return [*replaced]
    return []
