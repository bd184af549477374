"""A cache of replies on which laws have held: a law is not checked again on equal replies.

Many targets of a class are the same program, and their replies are equal to the last bit. Whether a law holds
on a problem depends only on the replies. A law that makes other calls than the plain one of the problem is
checked again. Without this cache, a class of 40 takes half as long again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from properties.implementations.answers import ask_all
from properties.trials.retries import may_be_called
from properties.trials.trial import Trial
from properties.worker.own_modules import REFERENCE

MOST_ENTRIES = 2**18
"""The number of entries of the full cache, which take some 80 MB."""


@dataclass(frozen=True, slots=True)
class Held:
    """The counts of a trial in which the law held."""

    ratio: float
    not_meaningful: int
    notes: Sequence[str]

    def repeat(self, trial: Trial) -> None:
        """Count the same in a trial with an equal reply."""
        trial.measure(self.ratio)
        trial.tally.not_meaningful += self.not_meaningful
        for note in self.notes:
            trial.note(note)


_HELD: dict[Any, Held] = {}
"""The trials in which laws held, by the law, the problem and the digest of the reply to the problem."""


def known(trials: Sequence[Trial]) -> Mapping[Trial, Held]:
    """The trials of one function whose replies equal those of a trial in which the law held.

    The function is called on the problems of the other trials, too, because their laws need the replies.
    """
    called = [each for each in trials if may_be_called(each.implementation, each.contract.name, each.problem)]
    ask_all([(trial.answers, trial.number) for trial in called])
    return {trial: held for trial in called if (held := _HELD.get(_key(trial)))}


def keep(trial: Trial, not_meaningful: int) -> None:
    """Store that the law held on the reply of a trial."""
    if trial.answers.digest(trial.number) and trial.is_plain:
        if len(_HELD) >= MOST_ENTRIES:
            _HELD.clear()
        _HELD[_key(trial)] = Held(trial.worst_ratio, not_meaningful, tuple(trial.notes))


def _key(trial: Trial) -> Any:
    implementation = trial.implementation  # some laws are stricter on our reference
    name, is_ours = trial.contract.name, implementation.target == REFERENCE
    digest = trial.answers.digest(trial.number)
    return trial.law.check, name, trial.problem, implementation.limits, is_ours, digest
