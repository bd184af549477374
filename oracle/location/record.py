"""What was seen of a function that is asked: its answers, and what they say together."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from oracle.inputs import Inputs
from oracle.location.how.candidate import Candidate
from oracle.location.how.cases import Case, Likeness
from oracle.location.how.likeness import is_like
from oracle.location.where.equation import CACHED, Equation, count_wrong, is_carried_on, record_of
from oracle.location.where.equations import equations
from oracle.location.where.shown import Shown
from oracle.problem import DType

GIVEN = ("xt", "a_prev", "c_prev")
MARGIN = 100
"""Of how many bounds what is said to be otherwise in another precision is."""


@dataclass(frozen=True)
class Seen:
    """One answer: what was `asked`, and what is `shown` of it, for a layer with what that was given.

    `wrong` is how many elements are so, of each equation in the order of computing. Equations take most of
    the memory: some are `kept`, others are computed anew where they are looked at.
    """

    asked: Inputs
    shown: Shown
    wrong: Mapping[str, int]
    kept: Mapping[str, Equation]

    @classmethod
    def of(cls, asked: Inputs, shown: Shown) -> "Seen":
        """With all equations."""
        every = _by_name(shown)
        return cls(asked, shown, {name: count_wrong([each]) for name, each in every.items()}, every)

    @property
    def every(self) -> Mapping[str, Equation]:
        """All equations."""
        return self.kept if len(self.kept) == len(self.wrong) else _by_name(self.shown)

    def keeping(self, names: Collection[str]) -> "Seen":
        """The same with those equations alone."""
        wanted = {*names} & {*self.wrong}
        every = self.kept if wanted <= {*self.kept} else self.every
        return replace(self, kept={name: each for name, each in every.items() if name in wanted})

    def __getitem__(self, name: str) -> Equation:
        """One equation, which has to be there."""
        return self.kept[name] if name in self.kept else self.every[name]

    def __contains__(self, name: str) -> bool:
        return name in self.wrong


class Record:
    """All answers that were seen, which are in some `dtypes`, the first of them the one that tells most."""

    def __init__(self, dtypes: Sequence[DType]) -> None:
        self.dtypes = dtypes
        self.seen: list[Seen] = []
        self._names: set[str] = set()
        self._is_settled = False

    def add(self, seen: Seen) -> Seen:
        """Take in an answer, with the equations that are looked at; until that is settled, what was wrong.

        And its record, which will be looked at, too.
        """
        if not self._is_settled:
            wrong = {name for name, count in seen.wrong.items() if count}
            self._names |= wrong | {*map(record_of, wrong)}
        self.seen.append(seen.keeping(self._names))
        return self.seen[-1]

    @property
    def answers(self) -> Iterator[Mapping[str, Equation]]:
        """All equations of each answer."""
        return (seen.every for seen in self.seen)

    def look_at(self, names: Collection[str]) -> None:
        """Keep these equations of each answer, those that are asked for later too, and no others."""
        self._names, self._is_settled = {*names}, True
        self.seen = [seen.keeping(names) for seen in self.seen]

    def wrong(self, *, least: float = 0) -> list[str]:
        """The equations that do not hold, in the order of computing; records alone come last.

        Not those with fewer wrong elements than the `least` part of the one that has most.
        """
        counts: Counter[str] = Counter()
        for seen in self.seen:
            counts.update(seen.wrong)
        most = max(counts.values(), default=0)
        wrong = [name for name, count in counts.items() if count > least * most]
        return sorted(wrong, key=lambda name: name.startswith(CACHED))

    @property
    def narrower(self) -> DType | None:
        """The one precision in which anything is wrong, if that is not the first."""
        wrong = {seen.asked.dtype.name for seen in self.seen if any(seen.wrong.values())}
        return next((each for each in self.dtypes[1:] if wrong == {each}), None)

    def examples(self, most: int) -> list[Inputs]:
        """Some of the problems in the answers to which an equation does not hold."""
        return [seen.asked for seen in self.seen if any(seen.wrong.values())][:most]

    def is_like_padding(self, name: str) -> bool:
        """Whether all steps that are wrong return 0 and carry the state on, as far as that is not 0."""
        skipped = []
        for seen in self.seen:
            if seen.wrong.get(name):
                told = seen[name].wrong.any(axis=0) & seen.shown.before("a").any(axis=0)
                skipped.append(np.broadcast_to(seen.shown.carried, told.shape)[told])
        every = np.concatenate([np.zeros(0, bool), *skipped])
        return bool(every.size) and bool(every.all())

    def leaves_out(self, name: str) -> bool:
        """Whether all of every step that was given something wrong is that of the step before."""
        return name in GIVEN and all(
            seen.shown.repeats(np.flatnonzero(seen[name].wrong.any(axis=(0, 1))))
            for seen in self.seen
            if seen.wrong.get(name)
        )

    def is_carried(self, name: str) -> bool:
        """Whether later steps are given all wrong states that are returned, as far as caches show it."""
        every = [is_carried_on(seen[name]) for seen in self.seen if seen.wrong.get(name)]
        return any(each is not None for each in every) and False not in every

    def part_known_later(self, name: str) -> float:
        """Of which part of the elements at other steps than the first an equation tells something."""
        every = [seen[name].right.error[:, :, 1:] for seen in self.seen if name in seen]
        known = [np.isfinite(error).ravel() for error in every]
        return float(np.concatenate(known).mean()) if any(each.size for each in known) else 0.0

    def equation(self, name: str) -> Equation:
        """An equation as it was seen first."""
        return next(seen[name] for seen in self.seen if name in seen)

    def cases(self, name: str) -> list[Case]:
        """Wrong elements, in float64 if there are any such."""
        every = self._every_case(name)
        return [case for case in every if case.dtype == self.dtypes[0]] or every

    def _every_case(self, name: str) -> list[Case]:
        return [
            Case(seen[name], seen[name].wrong & np.isfinite(seen[name].right.value))
            for seen in self.seen
            if seen.wrong.get(name)
        ]

    def is_only_so_in(self, names: Sequence[str], like: Likeness) -> str:
        """The precision in which alone wrong elements are like something; nothing where all are."""
        others = [case for name in names for case in self._every_case(name) if case.dtype == "float32"]
        first = self.dtypes[0]
        is_other = first != "float32" and others and not is_like(others, like, MARGIN)
        return first if is_other else ""

    def is_wrong_in(self, names: Sequence[str], dtype: DType) -> bool:
        """Whether any of some equations does not hold in a precision."""
        return any(seen.wrong.get(name) and seen.asked.dtype == dtype for seen in self.seen for name in names)

    def is_always_given_by(self, names: Sequence[str], form: Candidate, dtype: DType | None = None) -> bool:
        """Whether a form gives all that is shown in a precision, by default of the cases, wrong or right."""
        of_cases = {dtype} if dtype else {case.dtype for name in names for case in self.cases(name)}
        every = [seen[name] for seen in self.seen for name in names if name in seen]
        known = [Case(each, np.isfinite(each.right.error) & np.isfinite(each.right.value)) for each in every]
        cases = [case for case in known if case.dtype in of_cases]
        with np.errstate(all="ignore"):
            return all(
                ((np.abs(case.shown - of) <= case.allowed) | (np.isnan(case.shown) & np.isnan(of))).all()
                for case in cases
                for of in [case.of(form)]
            )


def _by_name(shown: Shown) -> dict[str, Equation]:
    return {each.name: each for each in equations(shown)}
