"""The problem of layers in which one of them is given what a forward is given."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import reference
from oracle.diagnosis.behaviour import Behaviour, Program
from oracle.inputs import Inputs, LayerInputs
from oracle.location.layers.setting import Setting
from oracle.location.when.experiments import cut
from reference.contract import Array

BEYOND = 2
"""Steps after the end of a sequence."""


_OF_BELOW = "the input of the layer below"


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
class LayersBelow:
    """What the lowest layers of a program answer by themselves, kept while the inputs are the same."""

    program: Program
    _kept: dict[Any, Behaviour] = field(default_factory=dict, init=False, repr=False, compare=False)

    def answer(self, asked: LayerInputs, layers: int) -> Behaviour:
        """That of so many; all else that they are given hangs on the shapes alone."""
        key = layers, asked.x.tobytes(), asked.x.shape, asked.a0.shape, asked.x.dtype.name
        if key not in self._kept:
            for other in [other for other in self._kept if other[1:] != key[1:]]:
                del self._kept[other]
            self._kept[key] = self.program(_lowest(asked, layers))
        return self._kept[key]


def pose(inputs: Inputs, setting: Setting, below: LayersBelow) -> Posed | None:
    """The problem of layers in which these are the inputs of the one in a setting, or of the first below.

    `None` where the layers below answer nothing of the form of the contract.
    """
    if inputs.kind == "lstm":
        inputs = _with_memory_state(_as_far_as_told(inputs, setting))
    inputs = replace(inputs, activation=setting.activation)
    asked, times = _network(inputs, setting)
    others = _of_others(asked, setting, inputs.x.shape[2])
    own = asked.parameters[setting.place]
    given = replace(inputs, parameters={**inputs.parameters, **own, **others})
    return _above(asked, given, times, setting, below) if setting.above else Posed(asked, given, times)


def with_states_beyond(posed: Posed, setting: Setting) -> Inputs:
    """What is given, with the states that a sequence which ends before x does would have after more steps."""
    given = posed.given
    if not (setting.last and setting.ended) or setting.direction == "backward" or setting.above:
        return given
    beyond = _gone_on(_one_layer(posed.asked, setting.place), given.x.shape[2])
    return replace(given, parameters={**given.parameters, **beyond})


def _network(inputs: Inputs, setting: Setting) -> tuple[LayerInputs, Array]:
    """Layers that are drawn but for what one of them is given, and the times at which it takes its steps."""
    (n_x, m, T_x), n_a, D = inputs.x.shape, len(inputs.a0), setting.directions
    places = D * (1 + setting.above)
    rng = np.random.default_rng(7)

    def drawn(*shape: int) -> Array:
        return rng.standard_normal(shape).astype(inputs.x.dtype)

    parameters = [_drawn(inputs, n_x if k < D else D * n_a, setting.projected, drawn) for k in range(places)]
    parameters[setting.place] = _fitted(inputs, parameters[setting.place])
    a0, c0 = drawn(places, n_a, m), drawn(places, len(inputs.c0), m)
    a0[setting.place], c0[setting.place] = inputs.a0, inputs.c0
    beyond = drawn(n_x, m, BEYOND)  # the same, whatever T_x is, as all that is drawn
    x = beyond[:, :, (np.arange(T_x + BEYOND * bool(setting.ended)) - T_x) % BEYOND]
    lengths = np.full(m, T_x) if setting.ended else None
    if lengths is not None:
        lengths[m - setting.others_go_on :] += BEYOND
    asked = LayerInputs(
        inputs.kind, x, a0, c0, parameters, inputs.dtype, D, lengths, activation=setting.activation
    )
    t = np.broadcast_to(np.arange(T_x), (1, m, T_x))
    times = asked.ends[:, None] - 1 - t if setting.direction == "backward" else t
    np.put_along_axis(x, times, inputs.x, axis=2)
    return asked, times


def _above(
    asked: LayerInputs, given: Inputs, times: Array, setting: Setting, below: LayersBelow
) -> Posed | None:
    """The same of a layer above others, whose input is what these answer."""
    n_h = asked.directions * asked.a0.shape[1]
    answers = [below.answer(asked, layers) for layers in range(setting.above, 0, -1)]
    given_to: list[Array] = []
    for answer in answers:
        a = answer.outputs.get(".0")
        if not isinstance(a, np.ndarray) or a.shape != (n_h, *asked.x.shape[1:]):
            return None
        given_to.append(np.take_along_axis(a, times, axis=2).astype(given.dtype))
    if len(asked.x) == n_h:
        given_to.append(np.take_along_axis(asked.x, times, axis=2))
    x, *others = given_to
    of_below = {_OF_BELOW: others[0], f"xt + {_OF_BELOW}": x + others[0]} if others else {}
    parameters = {**given.parameters, **of_below, **_of_directions(x, setting)}
    own = Above(
        given.kind,
        x,
        given.a0,
        given.c0,
        parameters,
        given.dtype,
        activation=given.activation,
        n_x=len(asked.x),
    )
    return Posed(asked, own, times, answers[0])


def _of_directions(x: Array, setting: Setting) -> dict[str, Array]:
    """What may be taken for the hidden states of two directions below."""
    if setting.directions == 1:
        return {}
    forward, backward = np.split(x, 2)
    own = backward if setting.direction == "backward" else forward
    return {
        "the hidden states of its own direction below, twice,": np.concatenate([own, own]),
        "the hidden states of the directions below, exchanged,": np.concatenate([backward, forward]),
    }


def _as_far_as_told(inputs: Inputs, setting: Setting) -> Inputs:
    """One step of it above two directions: of fewer steps the backward one there makes other inputs."""
    is_told = not setting.above or setting.directions == 1
    return inputs if is_told else cut(inputs, "T_x", 1)


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


def _one_layer(asked: LayerInputs, place: int) -> LayerInputs:
    """One of them, by itself and without lengths, in float64."""
    x, a0, c0 = (array.astype(np.float64) for array in (asked.x, asked.a0[[place]], asked.c0[[place]]))
    own = {name: array.astype(np.float64) for name, array in asked.parameters[place].items()}
    return replace(asked, x=x, a0=a0, c0=c0, parameters=[own], dtype=x.dtype, directions=1, lengths=None)


def _gone_on(given: LayerInputs, T_x: int) -> dict[str, Array]:
    """The states of one layer had it gone on beyond T_x by a step, or to the end; as at every step."""
    found: dict[str, Array] = {}
    for end, where in ((T_x + 1, "one step beyond the end"), (given.x.shape[2], "the last step of x")):
        found |= {said.format(where): array for said, array in _ended_after(given, T_x, end)}
    return {name: np.repeat(array[:, :, None], T_x, axis=2) for name, array in found.items()}


def _ended_after(given: LayerInputs, T_x: int, end: int) -> Iterator[tuple[str, Array]]:
    """The states after more steps than T_x, and the memory state if the hidden state is kept from there."""
    for name, array in _last_states(given, slice(end)).items():
        yield f"{name}_next of {{}}", array[0]
    if given.kind == "lstm":
        a, c = _last_states(given, slice(T_x)).values()
        for t in range(T_x, end):
            c = _last_states(replace(given, a0=a, c0=c), slice(t, t + 1))["c"]
        yield "c_next of {}, made with the last a_next of the sequence", c[0]


def _last_states(given: LayerInputs, steps: slice) -> dict[str, Array]:
    """What a right layer ends with after some steps."""
    layer = f"{given.kind}_layer"
    _, *last = getattr(reference, layer)(*replace(given, x=given.x[:, :, steps]).arguments(layer))
    return dict(zip("ac", last, strict=False))


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
