"""What is known of a mistake, as data: everything else in this package computes or renders these."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Relation = Literal["=", "≠", "≥", "≤", ">", "<"]


@dataclass(frozen=True)
class Feature:
    """A number that every element of an answer has.

    `kind` says how it is computed (see `oracle.location.features`), from the array, axis or size `name`; `by`
    is the modulus of a residue.
    """

    kind: str
    name: str = ""
    by: int = 0


@dataclass(frozen=True)
class Condition:
    """A feature, compared with a number."""

    feature: Feature
    relation: Relation
    value: float


@dataclass(frozen=True)
class Where:
    """The first equation that does not hold, named by its left side.

    `also` are the other gates that are wrong by the same mistake. Of layers `setting` says in which kind of
    network the equation was looked at; `stage` is `"network"` where an argument or the stacking is wrong, and
    no equation of a step.
    """

    equation: str
    kind: str = ""
    also: tuple[str, ...] = ()
    setting: tuple[str, ...] = ()
    stage: Literal["step", "network", "calls"] = "step"


@dataclass(frozen=True)
class When:
    """The conditions that wrong elements meet and right ones do not, all of them; none is "always".

    Elements for which the form makes no difference may be right, too.
    """

    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Form:
    """What stands in the place of a node of the equation: `function(map(source))`, plus `share * other`.

    Empty fields change nothing: without a `source` the node itself is the source. `by` and `number` are the
    parameters of the map and of the function.
    """

    node: str
    source: str = ""
    map: str = ""
    by: int = 0
    function: str = ""
    number: float = 0.0
    other: str = ""
    share: float = 0.0


@dataclass(frozen=True)
class Location:
    """Where, when and how a program is wrong. `when` and `how` are `None` where they are not known.

    A location that is not `alone` shows after other calls only.
    """

    where: Where
    when: When | None = None
    how: Form | None = None
    alone: bool = True

    def under(self, condition: Condition) -> "Location":
        """The same, which is so under one condition more, that comes first."""
        conditions = self.when.conditions if self.when else ()
        return replace(self, when=When((condition, *conditions)))

    def data(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return {
            "where": _plain(asdict(self.where)),
            "when": _plain(asdict(self.when)) if self.when else None,
            "how": _plain(asdict(self.how)) if self.how else None,
        }


ALWAYS_SAID = ("conditions", "value")


def _plain(value: Any) -> Any:
    """Tuples as lists, and without the fields that say nothing."""
    if isinstance(value, Mapping):
        kept = {name: each for name, each in value.items() if each or name in ALWAYS_SAID}
        return {name: _plain(each) for name, each in kept.items()}
    return [_plain(each) for each in value] if isinstance(value, (tuple, list)) else value
