"""A location as data: where, when and how a function is wrong. `sentences` renders it."""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Relation = Literal["=", "≠", "≥", "≤", ">", "<"]


@dataclass(frozen=True)
class Feature:
    """A number for each element of an answer, such as its place or its magnitude.

    `kind` names the computation (see `oracle.location.features`), and `name` its array, axis or size; `by` is
    the modulus of a residue.
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

    `also` has the other gates with the same mistake. For layers, `setting` is the kind of network in which
    the equation does not hold. `stage` is `"network"` for a mistake outside of the steps, and `"calls"` for
    answers that depend on earlier calls.
    """

    equation: str
    kind: str = ""
    also: tuple[str, ...] = ()
    setting: tuple[str, ...] = ()
    stage: Literal["step", "network", "calls"] = "step"


@dataclass(frozen=True)
class When:
    """The conditions that all wrong elements meet and no right element meets.

    Without conditions all elements are wrong. With `has_unchanged`, many elements are right because the form
    gives the right value.
    """

    conditions: tuple[Condition, ...] = ()
    has_unchanged: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Form:
    """The replacement of a node in an equation: `function(map(source)) + share * other`.

    Empty fields change nothing; without a `source` the node itself is the source. `by` is the parameter of
    the map, `number` the parameter of the function. In a whole network, the form is a `mistake`, the name of
    an entry of the catalogue; with the source `a` or `c`, only this state is wrong.
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
    """Where, when and how a function is wrong; `when` and `how` are `None` if they are not known.

    `alone` is false if the function is wrong only after other calls.
    """

    where: Where
    when: When | None = None
    how: Form | None = None
    alone: bool = True

    def under(self, condition: Condition) -> "Location":
        """The location with one more condition, which becomes the first."""
        conditions = self.when.conditions if self.when else ()
        return replace(self, when=When((condition, *conditions)))

    def data(self) -> dict[str, Any]:
        """The location as data for JSON, without empty fields."""
        given = {name: part for name, part in vars(self).items() if name != "alone"}
        plain = {name: part and asdict(part, dict_factory=_without_empty) for name, part in given.items()}
        return json.loads(json.dumps(plain))  # type: ignore[no-any-return]


def _without_empty(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in fields if value or name in ("conditions", "value")}
