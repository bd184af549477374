"""One layer of a program in a setting, seen as the forward of its kind."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from oracle.diagnosis.behaviour import Program, alike, specification
from oracle.inputs import Inputs
from oracle.location.layers.memory import CLEARLY, After, Memory, near
from oracle.location.layers.posed import LayersBelow, Posed, pose, with_states_beyond
from oracle.location.layers.setting import Setting
from oracle.location.when.experiments import cut
from oracle.location.where.equation import CACHED, RETURNED
from oracle.location.where.shown import Shown
from oracle.propagation import evaluate
from oracle.rounding import Bounded
from reference.contract import CONTRACTS, Array


@dataclass(frozen=True)
class InSetting:
    """What a layer shows of a forward: hidden states over time, and of an LSTM memory states."""

    layer: str
    program: Program
    setting: Setting
    _below: LayersBelow = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_below", LayersBelow(self.program))

    @property
    def function(self) -> str:
        """The forward of its kind."""
        return f"{CONTRACTS[self.layer].kind}_forward"

    def expected(self, inputs: Inputs) -> Shown | None:
        """What the specification shows, with all that may be found to be wrong."""
        posed = pose(inputs, self.setting, LayersBelow(specification(self.layer)))
        if not posed or not all(posed.given.x.shape[1:]):
            return None
        given = with_states_beyond(posed, self.setting)
        right, ended = evaluate(given), np.full(given.x.shape[1], True)
        return _with_right_states(given, right["a"].value, right, ended)

    def shown(self, inputs: Inputs) -> Shown | None:
        """What the program shows, of all samples that end with their last step here."""
        if not all(inputs.x.shape[1:]):
            return None
        posed = self._pose(inputs)
        states = self._states(posed) if posed else None
        if not posed or not states:
            return None
        given, (a, last) = with_states_beyond(posed, self.setting), states
        m = a.shape[1]
        ended = np.arange(m) < m - self.setting.others_go_on
        right = evaluate(given)
        a, skipped = _carried(given, a, last, ended)
        if self.setting.last:
            a[:, ended, -1] = last["a"][:, ended]
        elif _is_apart(given, a, last, right, ended):
            return _with_right_states(given, a, right, ended)
        # Where all are right it is also right that they are returned.
        is_right = not self.setting.last and bool(near(a, right["a"])[:, ended].all())
        cached = {"a_next": right["a"].value} if is_right else {}
        if given.kind == "rnn":
            shown = Shown(given, {"a": a}, cached, {"a_next": np.zeros_like(a)})
        else:
            memory = Memory(given, a, last["c"], ended, self._after(inputs))
            if self.setting.last:
                memory.as_returned()
            shown = Shown(given, {"a": a, "c": memory.c}, cached, memory.slack)
        for slack in shown.slack.values():
            slack[:, ~ended] = np.inf
        untold = {f"{CACHED}a_next": np.full(a.shape, np.inf)}  # which is no record of the program's
        of_returned = {f"{RETURNED}a": _of_ended(right["a"].error, ended)}
        every = {**shown.slack, **(untold | of_returned if is_right else {})}
        return replace(shown, slack=every, carried=skipped)

    def _pose(self, inputs: Inputs) -> Posed | None:
        return pose(inputs, self.setting, self._below)

    def _after(self, inputs: Inputs) -> After:
        """The states after so many steps."""

        def after(steps: int) -> tuple[Array, Array] | None:
            posed = self._pose(cut(inputs, "T_x", steps))
            states = self._states(posed) if posed else None
            if not posed or not states:
                return None
            (a, last), ended = states, np.full(posed.given.x.shape[1], True)
            a, _ = _carried(posed.given, a, last, ended)
            return a[:, :, -1], last["c"]

        return after

    def _states(self, posed: Posed) -> tuple[Array, dict[str, Array]] | None:
        """The layer's hidden states over time, and its last states.

        `None` where they have another shape, or the layers below do not end as they do by themselves.
        """
        asked, setting = posed.asked, self.setting
        D, (places, n_a, m) = asked.directions, asked.a0.shape
        outputs = self.program(asked).outputs
        names = [name[0] for name in CONTRACTS[self.layer].outputs]
        shapes = [(D * n_a, *asked.x.shape[1:]), *[(places, n_a, m)] * len(names[1:])]
        arrays = [
            array
            for i, shape in enumerate(shapes)
            if isinstance(array := outputs.get(f".{i}"), np.ndarray) and array.shape == shape
        ]
        if len(arrays) < len(names):
            return None
        a, *last = arrays
        for i, states in enumerate(last, 1):
            if posed.below and not alike(states[: D * setting.above], posed.below.outputs.get(f".{i}", "")):
                return None
        rows = a[n_a * (setting.direction == "backward") :][:n_a]
        own = {name: states[setting.place] for name, states in zip(names[1:], last, strict=True)}
        return np.take_along_axis(rows, posed.times, axis=2), own


def _is_apart(
    given: Inputs, a: Array, last: Mapping[str, Array], right: Mapping[str, Bounded], ended: Array
) -> bool:
    """Whether what follows a wrong hidden state is right: the next one, if any, and the last states."""
    off, error = np.abs(a - right["a"].value), right["a"].error
    wrong = np.asarray((off > CLEARLY * error).any(axis=0))
    fine = np.asarray(near(a, right["a"]).all(axis=0))
    right_again = wrong[:, :-1] & fine[:, 1:]
    if right_again.any():  # though it does not follow from the wrong one, as all may where gates are shut
        c = right["c"].value if given.kind == "lstm" else given.c0[:, :, None] + np.zeros(a.shape[2])
        of_own = evaluate(given.steps(a, c))["a"]
        follows = near(a, Bounded(of_own.value.reshape(a.shape), of_own.error.reshape(a.shape))).all(axis=0)
        right_again &= ~np.asarray(follows)[:, 1:]
    ends_right = [near(states, right[name][:, :, -1]).all(axis=0) for name, states in last.items()]
    apart = np.logical_and.reduce([right_again.any(axis=1) | wrong[:, -1], *ends_right])
    return bool(apart[ended].any())


def _carried(given: Inputs, a: Array, last: Mapping[str, Array], ended: Array) -> tuple[Array, Array]:
    """With the state before where a step returns nothing but 0, as one that is taken for padding, and where.

    So it is where all that follows from the states before is right, the last states of what has `ended` too.
    A step may also return 0 because that is right: whether it is one or the other is tried for all of them.
    """
    empty = np.asarray(~a.any(axis=0))
    for right_ones in (False, True) if empty.any() else ():
        if carried := _carried_if(right_ones, given, a, last, ended):
            return carried
    return a, np.zeros_like(empty)


def _carried_if(
    right_ones: bool, given: Inputs, a: Array, last: Mapping[str, Array], ended: Array
) -> tuple[Array, Array] | None:
    """The same where those that are rightly 0 are taken for padding, too, or not; `None` if that fits not."""
    carried, skipped = a.copy(), np.asarray(~a.any(axis=0))
    before = {"a": given.a0, "c": given.c0}
    for t in range(a.shape[2]):
        step = replace(given, x=given.x[:, :, t : t + 1], a0=before["a"], c0=before["c"])
        own = {name: each[:, :, 0] for name, each in evaluate(step).items() if name in before}
        skipped[:, t] &= own["a"].value.any(axis=0) | right_ones
        if not np.all(near(a[:, :, t], own["a"]) | skipped[:, t]):
            return None
        now = {name: each.value for name, each in own.items()} | {"a": a[:, :, t]}
        before |= {name: np.where(skipped[:, t], before[name], array) for name, array in now.items()}
        carried[:, :, t] = before["a"]
    fits = all(near(last[name], Bounded(before[name], own[name].error))[:, ended].all() for name in last)
    return (carried, skipped) if fits else None


def _of_ended(error: Array, ended: Array) -> Array:
    """How far states may be off that are returned, of samples that have ended; of others nothing is known."""
    return np.where(ended[:, None], 2 * error, np.inf)


def _with_right_states(given: Inputs, a: Array, right: Mapping[str, Bounded], ended: Array) -> Shown:
    """Other hidden states are returned than the steps have computed, which are the right ones."""
    names = ["a"] if given.kind == "rnn" else ["a", "c"]
    computed = {name: right[name].value for name in names}
    first = {"a": given.a0, "c": given.c0}
    before = {
        f"{name}_prev": np.concatenate([first[name][:, :, None], states[:, :, :-1]], axis=2)
        for name, states in computed.items()
    }
    slack = {f"{name}_next": 2 * right[name].error for name in names}
    slack[f"{RETURNED}a"] = _of_ended(right["a"].error, ended)
    inside = {f"{name}_next": states for name, states in computed.items()}
    return Shown(given, {**computed, "a": a}, {**before, **inside}, slack)
