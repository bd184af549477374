"""A location as data: where, when and how a function is wrong. `sentences` renders it."""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Relation = Literal["=", "≠", "≥", "≤", ">", "<"]


@dataclass(frozen=True)
class Feature:
    """A number for each element of an answer, such as the index of its step or its magnitude.

    `name` is the array, the axis or the size from which the number is computed. `by` is the length of a
    block, or the modulus of a residue. The `kind` says which number it is:

    - `size`: the size `name`; `equal`: 1 if two sizes are equal, else 0; `bits`: the width of the dtype;
    - `index`: the element's index along the axis `name`; `index from end`: 0 for the last index, 1 for the
      index before the last, and so on;
    - `residue`: a size or an index modulo `by`;
    - `in last block`: 1 if the element is in the incomplete block that is left when the axis is cut into
      blocks of `by`, else 0;
    - `value`, `magnitude`: the element of the array `name`, and its magnitude;
    - `largest`, `largest of all`: the largest magnitude in the array `name`, of the sample or of all samples;
    - `change`: the largest change of the state `name` since the step before;
    - `input repeats`: 1 if the input of the step equals that of the step before, else 0.
    """

    kind: str
    name: str = ""
    by: int = 0


@dataclass(frozen=True)
class Condition:
    """A comparison of a feature with a number."""

    feature: Feature
    relation: Relation
    value: float


@dataclass(frozen=True)
class Where:
    """The first equation that does not hold, named by the node on its left side.

    `also` has the other gates with the same mistake. For layers, `setting` has the names of the properties of
    the networks in which the equation does not hold (`Setting.names` in `layer_observations`). `stage` is
    `"network"` for a mistake outside the steps, and `"calls"` if the answers depend on earlier calls.
    """

    equation: str
    kind: str = ""
    also: tuple[str, ...] = ()
    setting: tuple[str, ...] = ()
    stage: Literal["step", "network", "calls"] = "step"


@dataclass(frozen=True)
class When:
    """The conditions that exactly the wrong elements meet. Without conditions, all elements are wrong.

    `has_unchanged` says that the replacement gives the right value for many elements. These are not wrong.
    """

    conditions: tuple[Condition, ...] = ()
    has_unchanged: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Replacement:
    """What replaces a node in an equation: `function(map(source)) + share * other`.

    An empty field leaves out its part of the formula; without a `source`, the node itself is the source. `by`
    is the parameter of the map, and `number` the parameter of the function. For a mistake outside the steps,
    `mistake` is the name of an entry of the catalogue; `source` is `a` or `c` if only this state is wrong.
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
    """Where, when and how a function is wrong; `when` and `how` are `None` if unknown."""

    where: Where
    when: When | None = None
    how: Replacement | None = None

    def with_condition(self, condition: Condition) -> "Location":
        """The location with one more condition, before the other conditions."""
        conditions = self.when.conditions if self.when else ()
        return replace(self, when=When((condition, *conditions)))

    def data(self) -> dict[str, Any]:
        """The location as data for JSON, without empty fields."""
        plain = {
            name: part and asdict(part, dict_factory=_without_empty) for name, part in vars(self).items()
        }
        return json.loads(json.dumps(plain))  # type: ignore[no-any-return]


def _without_empty(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in fields if value or name in ("conditions", "value")}
