"""The explanation of a failure, and what earlier explanations of the same implementation have found."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from oracle.diagnosis.findings import Finding
from oracle.location.facts import Location
from oracle.problem import Problem
from properties.implementations.implementation import Implementation


@dataclass(frozen=True)
class Explanation:
    """The findings on a failure, the best first: mistakes of the catalogue, or a location, or what is wrong.

    `inherited` says whether only the cell, or for gradients the forward pass, is wrong. `shows_alone` says
    whether the answer to the problem is wrong in a new process, too.
    """

    findings: Sequence[Finding] = ()
    inherited: bool = False
    shows_alone: bool = True

    @property
    def names_a_mistake(self) -> bool:
        """Whether a finding names the mistake, and not only its place."""
        return any(each.is_mistake for each in self.findings)

    @property
    def is_only_nearly(self) -> bool:
        """Whether nothing is known but that the error is hardly more than rounding."""
        return [each.kind for each in self.findings] == ["nearly"]


@dataclass(frozen=True)
class Earlier:
    """What earlier explanations of one implementation have found.

    `named` has the explanations that name a mistake, by function and by whether extreme problems were
    compared. `locations` has the location of each counterexample, by function and dtypes. Without these two,
    judging takes a fifth longer.
    """

    named: defaultdict[tuple[str, bool], list[Explanation]] = field(default_factory=lambda: defaultdict(list))
    locations: defaultdict[tuple[str, Sequence[str]], dict[Problem, Location | None]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    @classmethod
    def of(cls, implementation: Implementation) -> "Earlier":
        """What has been found of an implementation."""
        return _EARLIER.setdefault(implementation, cls())


_EARLIER: WeakKeyDictionary[Implementation, Earlier] = WeakKeyDictionary()
