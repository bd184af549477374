"""One layer of a program in a setting, seen as the forward of its kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from oracle.diagnosis.behaviour import Behaviour, Program, alike, specification
from oracle.inputs import Inputs, LayerInputs
from oracle.location.layers.memory import CLEARLY, After, Memory, near
from oracle.location.layers.setting import Setting
from oracle.location.when.experiments import cut
from oracle.location.where.equation import CACHED, RETURNED
from oracle.location.where.shown import Shown
from oracle.propagation import evaluate
from oracle.rounding import Bounded
from reference.contract import CONTRACTS, Array

BEYOND = 2
"""Steps after the end of a sequence."""


@dataclass(frozen=True)
class Posed:
    """A problem of layers, and what in it is `given` to the layer that is looked at.

    At the `times (1, m, T_x)` that takes its steps. `below` is the answer of the layers below by themselves.
    """

    asked: LayerInputs
    given: Inputs
    times: Array
    below: Behaviour | None = None


@dataclass(frozen=True)
class Above(Inputs):
    """What a layer above others is given: its features are hidden states, and not the network's `n_x`."""

    n_x: int = 0

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes by symbol, those of the network."""
        return {**super().sizes, "n_x": self.n_x}


@dataclass(frozen=True)
class InSetting:
    """What a layer shows of a forward: hidden states over time, and of an LSTM memory states."""

    layer: str
    program: Program
    setting: Setting
    _last: dict[Any, Behaviour] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def function(self) -> str:
        """The forward of its kind."""
        return f"{CONTRACTS[self.layer].kind}_forward"

    def expected(self, inputs: Inputs) -> Shown | None:
        """What the specification shows, with all that may be found to be wrong."""
        posed = InSetting(self.layer, specification(self.layer), self.setting)._posed(inputs)
        if not posed or not all(posed.given.x.shape[1:]):
            return None
        right, ended = evaluate(posed.given), np.full(posed.given.x.shape[1], True)
        return _with_right_states(posed.given, right["a"].value, right, ended)

    def shown(self, inputs: Inputs) -> Shown | None:
        """What the program shows, of all samples that end with their last step here."""
        if not all(inputs.x.shape[1:]):
            return None
        posed = self._posed(inputs)
        states = self._states(posed) if posed else None
        if not posed or not states:
            return None
        given, (a, last) = posed.given, states
        m = a.shape[1]
        ended = np.arange(m) < m - self.setting.others_go_on
        right = evaluate(given)
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
        of_returned = {f"{RETURNED}a": 2 * right["a"].error}
        return replace(shown, slack={**shown.slack, **(untold | of_returned if is_right else {})})

    def _as_far_as_told(self, inputs: Inputs) -> Inputs:
        """One step of it above two directions: of fewer steps the backward one there makes other inputs."""
        is_told = not self.setting.above or self.setting.directions == 1
        return inputs if is_told else cut(inputs, "T_x", 1)

    def _after(self, inputs: Inputs) -> After:
        """The states after so many steps."""

        def after(steps: int) -> tuple[Array, Array] | None:
            posed = self._posed(cut(inputs, "T_x", steps))
            states = self._states(posed) if posed else None
            return (states[0][:, :, -1], states[1]["c"]) if states else None

        return after

    def _posed(self, inputs: Inputs) -> Posed | None:
        """The problem of layers in which these are the layer's inputs, or those of the first one below."""
        setting = self.setting
        if inputs.kind == "lstm":
            inputs = _with_memory_state(self._as_far_as_told(inputs))
        (n_x, m, T_x), n_a, D = inputs.x.shape, len(inputs.a0), setting.directions
        places = D * (1 + setting.above)
        rng = np.random.default_rng(7)

        def drawn(*shape: int) -> Array:
            return rng.standard_normal(shape).astype(inputs.x.dtype)

        parameters = [
            _drawn(inputs, n_x if k < D else D * n_a, setting.projected, drawn) for k in range(places)
        ]
        own = parameters[setting.place] = _fitted(inputs, parameters[setting.place])
        a0, c0 = drawn(places, n_a, m), drawn(places, len(inputs.c0), m)
        a0[setting.place], c0[setting.place] = inputs.a0, inputs.c0
        beyond = drawn(n_x, m, BEYOND)  # the same, whatever T_x is, as all that is drawn
        x = beyond[:, :, (np.arange(T_x + BEYOND * bool(setting.ended)) - T_x) % BEYOND]
        lengths = np.full(m, T_x) if setting.ended else None
        if lengths is not None:
            lengths[m - setting.others_go_on :] += BEYOND
        activation = setting.activation
        inputs = replace(inputs, activation=activation)
        asked = LayerInputs(
            inputs.kind, x, a0, c0, parameters, inputs.dtype, D, lengths, activation=activation
        )
        t = np.broadcast_to(np.arange(T_x), (1, m, T_x))
        times = asked.ends[:, None] - 1 - t if setting.direction == "backward" else t
        np.put_along_axis(x, times, inputs.x, axis=2)
        others = _of_others(asked, setting, T_x)
        if setting.last and setting.ended and setting.direction != "backward" and not setting.above:
            others |= _gone_on(replace(inputs, parameters={**inputs.parameters, **own}), x[:, :, T_x:])
        given = replace(inputs, parameters={**inputs.parameters, **own, **others})
        if not setting.above:
            return Posed(asked, given, times)
        of_below = [self._answer_of(asked, layers) for layers in range(setting.above, 0, -1)]
        given_to: list[Array] = []
        for answer in of_below:
            a = answer.outputs.get(".0")
            if not isinstance(a, np.ndarray) or a.shape != (D * n_a, *x.shape[1:]):
                return None
            given_to.append(np.take_along_axis(a, times, axis=2).astype(inputs.dtype))
        own_x, *others_x = given_to
        if others_x:
            given = replace(
                given, parameters={**given.parameters, "the input of the layer below": others_x[0]}
            )
        fields = {
            name: getattr(given, name) for name in ("kind", "a0", "c0", "parameters", "dtype", "activation")
        }
        return Posed(asked, Above(x=own_x, n_x=n_x, **fields), times, of_below[0])

    def _answer_of(self, asked: LayerInputs, layers: int) -> Behaviour:
        """The answer of so many of the lowest layers, which is kept while the inputs are the same.

        All else that they are given hangs on the shapes alone.
        """
        key = layers, asked.x.tobytes(), asked.x.shape, asked.a0.shape, asked.x.dtype.name
        if key not in self._last:
            for other in [other for other in self._last if other[1:] != key[1:]]:
                del self._last[other]
            self._last[key] = self.program(_lowest(asked, layers))
        return self._last[key]

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
    slack[f"{RETURNED}a"] = np.where(ended[:, None], 2 * right["a"].error, np.inf)
    inside = {f"{name}_next": states for name, states in computed.items()}
    return Shown(given, {**computed, "a": a}, {**before, **inside}, slack)


def _with_memory_state(inputs: Inputs) -> Inputs:
    """With one to begin with that is not 0, as large as the hidden state is."""
    if inputs.c0.any():
        return inputs
    size = np.abs(inputs.a0[np.isfinite(inputs.a0)]).max(initial=0) or 1.0
    c0 = np.random.default_rng(8).standard_normal(inputs.c0.shape) * size
    return replace(inputs, c0=c0.astype(inputs.a0.dtype))


def _lowest(asked: LayerInputs, layers: int) -> LayerInputs:
    """The same of so many of the lowest layers."""
    places = slice(layers * asked.directions)
    a0, c0 = asked.a0[places], asked.c0[places]
    return replace(asked, parameters=asked.parameters[places], a0=a0, c0=c0)


def _of_others(asked: LayerInputs, setting: Setting, T_x: int) -> dict[str, Array]:
    """What is given to the other direction, and to the layer below: initial states as at every step."""
    place, D = setting.place, asked.directions
    found: dict[str, Array] = {}
    where = (
        {"of the other direction": place + (-1 if setting.direction == "backward" else 1)} if D == 2 else {}
    )
    where |= {"of the layer below": place - D} if setting.above else {}
    for words, other in where.items():
        states = {"a0": asked.a0[other], "c0": asked.c0[other]}
        over_time = {name: np.repeat(array[:, :, None], T_x, axis=2) for name, array in states.items()}
        every = {**asked.parameters[other], **over_time}
        found |= {f"{name} {words}": array for name, array in every.items()}
    return found


def _gone_on(given: Inputs, beyond: Array) -> dict[str, Array]:
    """The states that a sequence would end with had it gone on to the end of x, as at every step."""
    names = ("a",) if given.kind == "rnn" else ("a", "c")
    longer = evaluate(replace(given, x=np.concatenate([given.x, beyond], axis=2)))
    found = {f"{name}_next of the last step of x": longer[name].value[:, :, -1] for name in names}
    if given.kind == "lstm":
        right = evaluate(given)
        a, c = (right[name].value[:, :, -1] for name in names)
        for t in range(beyond.shape[2]):
            c = evaluate(replace(given, x=beyond[:, :, t : t + 1], a0=a, c0=c))["c"].value[:, :, 0]
        found["c_next of the last step of x, made with the last a_next of the sequence"] = c
    return {name: np.repeat(array[:, :, None], given.x.shape[2], axis=2) for name, array in found.items()}


def _drawn(inputs: Inputs, n_in: int, projected: bool, drawn: Callable[..., Array]) -> Mapping[str, Array]:
    """Parameters of a step with so many features."""
    n_a = len(inputs.a0)
    columns = {"Wax": n_in, "Waa": n_a, "ba": 1}
    if inputs.kind == "lstm":
        columns = {f"{part}{gate}": n for gate in "fico" for part, n in (("W", n_a + n_in), ("b", 1))}
    if projected:
        columns["Wp"] = n_a
    return {name: drawn(n_a, n) / np.sqrt(max(n, 1), dtype=inputs.x.dtype) for name, n in columns.items()}


def _fitted(inputs: Inputs, like: Mapping[str, Array]) -> Mapping[str, Array]:
    """The parameters that are given, with the columns for the input repeated for as many features."""
    fitted = {}
    for name, other in like.items():
        array, n = inputs.parameters.get(name, other), other.shape[1]
        kept = len(inputs.a0) if name[0] == "W" and inputs.kind == "lstm" else 0
        rest = array[:, kept:] if array.shape[1] > kept else other[:, kept:]
        repeated = rest[:, np.arange(n - kept) % max(rest.shape[1], 1)]
        fitted[name] = np.concatenate([array[:, :kept], repeated], axis=1)
    return fitted
