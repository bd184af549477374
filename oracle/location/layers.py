"""Observes one direction of a layer in a network as a forward pass."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from oracle.diagnosis.behaviour import Behaviour, Program
from oracle.diagnosis.questions import problem
from oracle.inputs import Inputs, LayerInputs
from oracle.limits import Limits
from oracle.location.equations import equations, evaluate
from oracle.location.memory import infer_memory
from oracle.location.observations import Observation, compared, wide_parameters
from oracle.problem import LayerProblem
from reference.contract import Array


@dataclass(frozen=True)
class Setting:
    """The kind of network in which one layer is observed.

    Attributes
    ----------
    above
        The number of layers below the observed layer.
    directions
        The number of directions of each layer.
    backward
        Whether the backward direction is observed.
    ended
        Whether some sequences end before T_x.
    projected
        `"as many"` if the projection has n_a units, `"fewer"` if it has fewer; empty without a projection.
    activation
        The activation of an RNN, `"tanh"` or `"relu"`.
    """

    above: int = 0
    directions: int = 1
    backward: bool = False
    ended: bool = False
    projected: str = ""
    activation: str = "tanh"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the properties of the setting, for `Where.setting`."""
        every = {
            "backward": self.backward,
            "beside a backward direction": self.directions == 2 and not self.backward,
            "above": self.above == 1,
            "above two others": self.above == 2,
            "ended": self.ended,
            f"projected, {self.projected}": self.projected,
            "relu": self.activation == "relu",
        }
        return tuple(name for name, is_so in every.items() if is_so)


def settings(counterexample: LayerProblem, limits: Limits) -> Iterator[Setting]:
    """The settings of the layers of a counterexample, and simpler settings; the simplest first."""
    projected = (
        "" if not counterexample.n_p else "as many" if counterexample.n_p == counterexample.n_a else "fewer"
    )
    has_two, has_more = counterexample.directions == 2, counterexample.layers > 1
    ends = counterexample.lengths != "absent" and limits.lengths
    activation = counterexample.activation
    plain = Setting()
    yield plain
    if activation != "tanh":
        yield replace(plain, activation=activation)
    if projected:
        yield replace(plain, projected="as many")
        yield replace(plain, projected="fewer")
    if has_two:
        yield Setting(directions=2, activation=activation)
        yield Setting(directions=2, backward=True, activation=activation)
    if has_more:
        yield Setting(above=1, activation=activation)
    if ends:
        yield Setting(ended=True, activation=activation)
        if has_two:
            yield Setting(directions=2, backward=True, ended=True, activation=activation)
    if has_more and has_two:
        yield Setting(above=1, directions=2, backward=True, activation=activation)
    if counterexample.layers > 2:
        yield Setting(above=2, activation=activation)


def layer_inputs(function: str, setting: Setting, *, n_a: int, **fields: Any) -> Inputs:
    """Draw the inputs of the observed layer as those of a forward pass without a head; `a0` is `(n_h, m)`."""
    n_p = {"as many": n_a, "fewer": max(n_a - 1, 1)}.get(setting.projected, 0)
    projected = {"n_p": n_p} if n_p and function == "lstm_layer" else {}
    given = problem(function, n_a=n_a, **projected, **fields).inputs(function)
    assert isinstance(given, LayerInputs)
    arrays = given.x, given.a0[0], given.c0[0], given.parameters[0]
    return Inputs(given.kind, *arrays, given.dtype, activation=setting.activation)


def network_around(function: str, setting: Setting, given: Inputs, most: Array | None = None) -> LayerInputs:
    """The network in which the observed layer gets the given inputs.

    If there are layers below, `given.x` is the input of the network. If sequences end before T_x, their
    lengths are `min(most, T_x)`, or random without `most`.
    """
    m, T_x = given.x.shape[1:]
    network = _random_network(function, setting, _sizes(given), given.dtype.name)
    index, n_h = _index(setting), len(given.a0)
    parameters, drawn = [*network.parameters], network.parameters[index]
    own = dict(given.parameters)
    for name in own if setting.above else ():  # the layer below has another number of units
        if name[0] == "W" and name not in ("Waa", "Wp"):
            of_a = own[name][:, : n_h if name != "Wax" else 0]
            own[name] = np.concatenate([of_a, drawn[name][:, of_a.shape[1] :]], axis=1)
    parameters[index] = own
    a0, c0 = network.a0.copy(), network.c0.copy()
    a0[index], c0[index] = given.a0, given.c0
    lengths = None
    if setting.ended:
        lengths = np.random.default_rng(3).integers(1, T_x + 1, m)
        lengths[:1] = max(T_x - 1, 1)
        lengths[1:2] = T_x
        lengths = lengths if most is None else np.minimum(most, T_x)
    network = replace(network, x=given.x, a0=a0, c0=c0, parameters=parameters, lengths=lengths)
    is_reversed = setting.backward and not setting.above
    return replace(network, x=_reversed_in_time(given.x, network)) if is_reversed else network


def _sizes(given: Inputs) -> tuple[tuple[str, int], ...]:
    """The sizes of a layer with these inputs, by symbol."""
    n_h, n_a = len(given.a0), len(given.a0 if given.kind == "rnn" else given.c0)
    projected = (("n_p", n_h),) if "Wp" in given.parameters else ()
    return ("n_x", len(given.x)), ("n_a", n_a), *projected, *zip(("m", "T_x"), given.x.shape[1:], strict=True)


@lru_cache(maxsize=64)
def _random_network(
    function: str, setting: Setting, sizes: tuple[tuple[str, int], ...], dtype: str
) -> LayerInputs:
    """A random network with the layers and directions of a setting; the same for the same arguments."""
    own = {"activation": setting.activation} if function == "rnn_layer" else {}
    stacking = {"layers": setting.above + 1, "directions": setting.directions}
    drawn = problem(function, **dict(sizes), seed=3, dtype=dtype, **own, **stacking)
    inputs = drawn.inputs(function)
    assert isinstance(inputs, LayerInputs)
    return inputs


def _index(setting: Setting) -> int:
    return setting.above * setting.directions + setting.backward


def _reversed_in_time(steps: Array, network: LayerInputs) -> Array:
    """The steps in the order of the backward direction; a second call restores the order of time."""
    return np.take_along_axis(steps, np.broadcast_to(network.backward[None], steps.shape), axis=2)


def returned(shown: Behaviour, network: LayerInputs) -> dict[str, Array] | None:
    """The returned arrays in float64 by name; `None` if the call raised or returned other shapes."""
    n_h, m, T_x = network.a0.shape[1], *network.x.shape[1:]
    shapes = {"a": (network.directions * n_h, m, T_x), "a_last": network.a0.shape, "c_last": network.c0.shape}
    found = {}
    for k, (name, shape) in enumerate(shapes.items()):
        if name == "c_last" and network.kind == "rnn":
            continue
        array = shown.outputs.get(f".{k}")
        if not isinstance(array, np.ndarray) or array.shape != shape:
            return None
        found[name] = array.astype(np.float64)
    return found


SHORTER_SEQUENCES = 3
"""The largest number of calls with shorter sequences, to see the memory states at their ends."""


def observed_layer(function: str, setting: Setting, given: Inputs, program: Program) -> Observation | None:
    """Observe one layer; `None` if a call raises or returns other shapes.

    A layer returns only its last memory state. The other memory states are inferred (see `infer_memory`). If
    an inferred memory state does not give the returned hidden state, the layer is called with a sequence that
    ends at this step, so that the layer returns the memory state.
    """
    network = network_around(function, setting, given)
    D, n_h = setting.directions, len(given.a0)
    x = network.x
    if setting.above:
        lower = setting.above * D
        beneath = replace(
            network, parameters=network.parameters[:lower], a0=network.a0[:lower], c0=network.c0[:lower]
        )
        below = returned(program(beneath), beneath)
        if below is None:
            return None
        x = below["a"]
    found = returned(program(network), network)
    if found is None:
        return None
    A = found["a"][setting.backward * n_h :][:n_h]
    if setting.backward:
        A, x = _reversed_in_time(A, network), _reversed_in_time(x, network)
    index = _index(setting)
    nodes = equations(given.kind, True, "Wp" in given.parameters, given.activation, False)
    known = wide_parameters(network.parameters[index])
    known |= {"x": x, "a0": network.a0[index][:, :, None], "c0": network.c0[index][:, :, None]}
    known = {name: array.astype(np.float64) for name, array in known.items()}
    known |= {"xt": known["x"], "a of steps": A}
    known["a_prev"] = evaluate(nodes, known, "a_prev", {})
    n_a = n_h if given.kind == "rnn" else len(given.c0)
    sizes = {"n_x": len(given.x), "n_a": n_a, "m": x.shape[1], "T_x": x.shape[2]}
    if setting.above:
        del sizes["n_x"]  # n_x is not the size of the observed layer's input
    observation = Observation(given, sizes, nodes, known, {})
    if given.kind == "rnn":
        observation.checks["a_next"] = compared(observation, "a_next", A, network.within[None])
        return observation
    is_shown = np.arange(x.shape[2]) == network.ends[:, None] - 1
    memory = np.where(is_shown, found["c_last"][index][:, :, None], 0)
    for _ in range(SHORTER_SEQUENCES):
        infer_memory(observation, A, memory, is_shown, network.within)
        check = observation.checks["c_next"]
        hidden = (check.wrong & ~check.visible).any(axis=(0, 1))
        if not hidden.any() or setting.above:
            break
        step = int(np.argmax(hidden))
        cut = network_around(function, setting, replace(given, x=given.x[:, :, : step + 1]), network.lengths)
        shorter = returned(program(cut), cut)
        if shorter is None:
            break
        goes_on = network.ends > step
        memory[:, goes_on, step] = shorter["c_last"][index][:, goes_on]
        is_shown = is_shown | (goes_on[:, None] & (np.arange(x.shape[2]) == step))
    else:
        infer_memory(observation, A, memory, is_shown, network.within)
    return observation
