"""Whether a law does not hold by a function of a helper module, as the softmax of a course."""

from properties.answered.answers import Answers
from properties.answered.implementation import Implementation
from properties.judged.patience import NotJudgedError
from properties.judged.tally import Tally
from properties.judged.trial import Trial, ViolationError
from properties.posed.question import Question

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
        if len(replaced) >= len(names) and _holds(trial, helped):
            return [*replaced]
    return []


def _holds(trial: Trial, implementation: Implementation) -> bool:
    answers = Answers(implementation, Question(trial.contract.name, [trial.problem]))
    try:
        trial.check(Trial(trial.law, trial.grade, trial.check, answers, 0, Tally()))
    except (ViolationError, NotJudgedError):
        return False
    return True
