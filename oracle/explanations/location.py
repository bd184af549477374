"""Where, when and how a function is wrong: a change of its equations, which predicts whole answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from oracle.explanations.changes import Condition, Replacement, for_gate
from oracle.explanations.claims import Claim
from oracle.explanations.quantities import quantities_of
from oracle.explanations.steps import RESULTS, Place
from oracle.faults.fault import Fault
from oracle.network.equations import Equation
from oracle.witnesses.verdict import Facts
from reference.contract import CONTRACTS, Array


@dataclass(frozen=True)
class Location:
    """Where, when and how a function is wrong.

    `targets` are the results with the same mistake, the first of which is the first wrong result of a step.
    `conditions` are met by all wrong and almost no right elements, and `None` if they are unknown. `how`
    replaces a quantity in the equation of the first target; `None` if this is unknown. If `returned`, the
    other results are computed from the right value. In layers, the result is wrong in the `setting`, a key of
    `SCOPES`. `shown` are the results that the program shows; it is empty if the location does not give whole
    answers. `besides` are then the other wrong results, to which the conditions and `how` need not apply. The
    first target follows from the arguments that are `cached`, which are wrong.
    """

    targets: Sequence[str]
    conditions: Sequence[Condition] | None = None
    how: Replacement | None = None
    returned: bool = False
    setting: str = ""
    shown: Sequence[str] = ()
    besides: Sequence[str] = ()
    cached: Sequence[str] = ()

    @classmethod
    def of(cls, facts: Facts) -> "Location":
        """The location of a claim with these facts."""
        how, when = facts["how"], facts["when"]
        conditions = None if when is None else [Condition(**each) for each in when]
        rest = facts["returned"], facts["setting"], facts["shown"]
        return cls(facts["where"], conditions, Replacement(**how) if how else None, *rest)

    def claim(self, kind: str) -> Claim:
        """The location as a claim about a network of this kind of cell."""
        when = None if self.conditions is None else [*map(asdict, self.conditions)]
        how = self.how and {name: value for name, value in asdict(self.how).items() if value}
        where = {"where": [*self.targets], "network": kind, "setting": self.setting}
        others = {"shown": [*self.shown], "besides": [*self.besides], "cached": [*self.cached]}
        return Claim.of("location", **where, returned=self.returned, when=when, how=how, **others)

    def fault(self, function: str) -> Fault:
        """The function with this change alone. Raises `ValueError` if `how` or the conditions are unknown."""
        if self.how is None or self.conditions is None:
            raise ValueError("the location says not how, or not when")
        kind, first = CONTRACTS[function].kind, self.targets[0]
        changes: dict[str, Equation] = {}
        for target in self.targets:
            changes[target] = partial(self._changed, kind, target, for_gate(self.how, first, target))
            after = {"c_next": "a_next", "a_next": "yt_pred"}.get(target)
            if self.returned and after:
                changes[after] = partial(self._from_right, kind, target, after)
        return Fault("", "", "", {function: changes})

    def _changed(self, kind: Any, target: str, replacement: Replacement, v: Any) -> Array:
        right = np.asarray(v.right[target](v))
        if not SCOPES[self.setting](v):
            return right
        place = self._place(kind, target, v)
        value = replacement.result(place, target)
        if value is None:
            return right
        met = [each.holds(place, target) for each in self.conditions or ()]
        return np.where(np.logical_and.reduce(met), value, right) if met else value

    def _from_right(self, kind: Any, target: str, after: str, v: Any) -> Array:
        place = self._place(kind, after, v)
        return place.changed(after, {target: self._place(kind, target, v).look(target)})

    def _place(self, kind: Any, target: str, v: Any) -> Place:
        """The known quantities in the step of a `Fault`."""
        projected = "Wp" in getattr(v, "p", {})
        graph = quantities_of(kind, activation=getattr(v, "activation", "tanh"), projected=projected)
        names = [name for name in RESULTS[: RESULTS.index(target)] if name in self.shown]
        known = {name: getattr(v, name) for name in (*graph.arguments, *names) if hasattr(v, name)}
        if "T_x" in vars(v):
            vars(v).setdefault("history", {})[id(v.x), v.t] = known
        sizes = {name: getattr(v, name) for name in ("n_x", "n_a", "n_y", "m", "T_x") if hasattr(v, name)}
        if hasattr(v, "inputs"):  # of layers: the size of the input of the network
            sizes["n_x"] = len(v.inputs["x"])

        def over_time(name: str) -> Array:
            if name == "xt":
                return np.asarray(v.x)
            steps = [graph.value(name, v.history[id(v.x), t]) for t in range(v.t + 1)]
            return np.stack(steps, axis=2)

        bits = 8 * np.asarray(known["xt"]).dtype.itemsize
        return Place(graph, known, sizes, bits, [getattr(v, "t", 0)], over_time)


SCOPES: Mapping[str, Callable[[Any], bool]] = {
    "": lambda v: True,
    "backward": lambda v: v.direction == 1,
    "forward of two": lambda v: v.D == 2 and v.direction == 0,
    "of two": lambda v: v.D == 2,
    "above": lambda v: v.layer > 0,
    "forward of two above": lambda v: v.layer > 0 and v.D == 2 and v.direction == 0,
    "of two above": lambda v: v.layer > 0 and v.D == 2,
    "backward above": lambda v: v.layer > 0 and v.direction == 1,
    "tanh": lambda v: v.activation == "tanh",
    "relu": lambda v: v.activation == "relu",
    "projected": lambda v: "Wp" in v.p,
    "projected to n_a": lambda v: "Wp" in v.p and v.n_h == v.n_a,
}
"""Whether a change is made in a direction of a layer, by the name of the setting."""
