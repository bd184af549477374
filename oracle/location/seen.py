"""One answer as it is kept while a function is asked: what was shown, and which equations it wrongs."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from oracle.inputs import Inputs
from oracle.location.where.equation import Equation, count_wrong
from oracle.location.where.equations import equations
from oracle.location.where.shown import Shown


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


def _by_name(shown: Shown) -> dict[str, Equation]:
    return {each.name: each for each in equations(shown)}
