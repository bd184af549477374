"""A location as data: where, when and how a function is wrong. `sentences` renders it."""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Relation = Literal["=", "≠", "≥", "≤", ">", "<"]


@dataclass(frozen=True)
class Feature:
    """A number for each element of an answer, such as its place or its magnitude.

    `kind` names the computation (see `oracle.location.features`), `name` the array, axis or size that it
    uses, and `by` is the modulus of a residue.
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

    `also` are the other gates that are wrong by the same mistake. For layers, `setting` is the kind of
    network in which the equation does not hold. `stage` is `"network"` where the mistake is outside of the
    steps, and `"calls"` where an answer depends on earlier calls.
    """

    equation: str
    kind: str = ""
    also: tuple[str, ...] = ()
    setting: tuple[str, ...] = ()
    stage: Literal["step", "network", "calls"] = "step"


@dataclass(frozen=True)
class When:
    """The conditions that wrong elements meet and right ones do not, all of them at once.

    Without conditions all elements are wrong; with `has_unchanged` except many to which the form gives the
    right value.
    """

    conditions: tuple[Condition, ...] = ()
    has_unchanged: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Form:
    """What replaces a node of the equation: `function(map(source)) + share * other`.

    Empty fields change nothing; without a `source` the node itself is the source. `by` is the parameter of
    the map, `number` that of the function. In a whole network the form is a `mistake`, the name of an entry
    of the catalogue; with the source `a` or `c` only this state is wrong.
    """

    node: str
    source: str = ""
    map: str = ""
    by: int = 0
    function: str = ""
    number: float = 0.0
    other: str = ""
    share: float = 0.0
    mistake: str = ""


@dataclass(frozen=True)
class Location:
    """Where, when and how a function is wrong; `when` and `how` are `None` where they are not known.

    If it is not `alone`, the function is wrong only after other calls.
    """

    where: Where
    when: When | None = None
    how: Form | None = None
    alone: bool = True

    def under(self, condition: Condition) -> "Location":
        """The location with one more condition, before the others."""
        conditions = self.when.conditions if self.when else ()
        return replace(self, when=When((condition, *conditions)))

    def data(self) -> dict[str, Any]:
        """The location as JSON has it, without empty fields."""
        given = {name: part for name, part in vars(self).items() if name != "alone"}
        plain = {name: part and asdict(part, dict_factory=_told) for name, part in given.items()}
        return json.loads(json.dumps(plain))  # type: ignore[no-any-return]


def _told(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in fields if value or name in ("conditions", "value")}
