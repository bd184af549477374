"""Observes one direction of the top layer of a network as if it were a forward pass of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from oracle.diagnosis.behaviour import Behaviour, Program
from oracle.diagnosis.problems import problem
from oracle.location.equations import apply, equations, evaluate, states_before
from oracle.location.observations import Observation, check_equation, known_arrays
from oracle.problems.inputs import LayerInputs
from oracle.problems.limits import Limits
from oracle.problems.problem import LayerProblem
from reference.contract import Array


@dataclass(frozen=True)
class Setting:
    """A kind of network, whose top layer is observed, in the backward direction if `backward`.

    If `ended`, some sequences end before T_x. `projected` is `"as many"` if the projection has n_a units,
    `"fewer"` if it has fewer, and empty without a projection. An RNN has the `activation` "tanh" or "relu".
    """

    layers: int = 1
    directions: int = 1
    backward: bool = False
    ended: bool = False
    projected: str = ""
    activation: str = "tanh"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the properties of the setting, for `Where.setting`."""
        properties = {
            "backward": self.backward,
            "beside a backward direction": self.directions == 2 and not self.backward,
            "above": self.layers == 2,
            "above two others": self.layers == 3,
            "ended": self.ended,
            f"projected, {self.projected}": self.projected,
            "relu": self.activation == "relu",
        }
        return tuple(name for name, has_property in properties.items() if has_property)

    def inputs(self, function: str, *, n_a: int, **fields: Any) -> LayerInputs:
        """Draw a network of this kind."""
        options: dict[str, Any] = {"layers": self.layers, "directions": self.directions}
        if self.ended:
            options["lengths"] = "random"
        if function == "rnn_layer":
            options["activation"] = self.activation
        elif self.projected:
            options["n_p"] = n_a if self.projected == "as many" else max(n_a - 1, 1)
        network = problem(function, n_a=n_a, **options, **fields).inputs(function)
        assert isinstance(network, LayerInputs)
        return network


def settings(counterexample: LayerProblem, limits: Limits) -> Sequence[Setting]:
    """The settings that the layers of a counterexample have, and simpler settings, the simplest first."""
    own = Setting(activation=counterexample.activation)
    has_two, has_more = counterexample.directions == 2, counterexample.layers > 1
    ends = counterexample.lengths != "absent" and limits.lengths
    every = [
        (True, Setting()),
        (True, own),
        (counterexample.n_p, Setting(projected="as many")),
        (counterexample.n_p, Setting(projected="fewer")),
        (has_two, replace(own, directions=2)),
        (has_two, replace(own, directions=2, backward=True)),
        (has_more, replace(own, layers=2)),
        (ends, replace(own, ended=True)),
        (ends and has_two, replace(own, directions=2, backward=True, ended=True)),
        (has_more and has_two, replace(own, layers=2, directions=2, backward=True)),
        (counterexample.layers > 2, replace(own, layers=3)),
    ]
    return [*dict.fromkeys(setting for is_included, setting in every if is_included)]


def returned_arrays(shown: Behaviour, network: LayerInputs) -> dict[str, Array] | None:
    """The returned arrays in float64, by name; `None` if the call raised or returned other shapes."""
    n_h, m, T_x = network.a0.shape[1], *network.x.shape[1:]
    shapes = {"a": (network.directions * n_h, m, T_x), "a_last": network.a0.shape}
    if network.kind == "lstm":
        shapes["c_last"] = network.c0.shape
    found = {}
    for k, (name, shape) in enumerate(shapes.items()):
        array = shown.outputs.get(f".{k}")
        if not isinstance(array, np.ndarray) or array.shape != shape:
            return None
        found[name] = array.astype(np.float64)
    return found


SHORTER_SEQUENCES = 3
"""The largest number of calls with shorter sequences. Each returns the memory state at one more step."""


def observe_layer(setting: Setting, network: LayerInputs, program: Program) -> Observation | None:
    """Observe one direction of the top layer.

    `None` if a call raises or returns other shapes, or if the lower layers return other states when they are
    called without the top layer, so that the input of the top layer is unknown.

    A layer returns only its last memory state. The other memory states are inferred (see `_infer_memory`). If
    an inferred memory state does not give the returned hidden state, the layer is called with sequences that
    end at this step, so that it returns this memory state.
    """
    D, n_h = network.directions, network.a0.shape[1]
    lower = len(network.parameters) - D
    index, x = lower + setting.backward, network.x
    found = returned_arrays(program(network), network)
    if found is None:
        return None
    if lower:
        a0, c0 = network.a0[:lower], network.c0[:lower]
        beneath = replace(network, parameters=network.parameters[:lower], a0=a0, c0=c0)
        below = returned_arrays(program(beneath), beneath)
        if below is None or not _is_stacked_on(below, found):
            return None
        x = below["a"]
    A = found["a"][setting.backward * n_h :][:n_h]
    if setting.backward:
        A, x = _reversed_in_time(A, network), _reversed_in_time(x, network)
    nodes = equations(network.kind, True, "Wp" in network.parameters[index], network.activation, False)
    known = known_arrays(network.parameters[index], x, network.a0[index], network.c0[index])
    known |= {"xt": known["x"], "a of steps": A}
    known["a_prev"] = evaluate(nodes, known, "a_prev", {})
    # In the layers above the first, n_x is not the size of the input.
    names = ("n_a", "m", "T_x") if lower else ("n_x", "n_a", "m", "T_x")
    observation = Observation(network, {name: network.sizes[name] for name in names}, nodes, known, {})
    if network.kind == "rnn":
        observation.checks["a_next"] = check_equation(observation, "a_next", A, network.within[None])
        return observation
    is_shown = np.arange(x.shape[2]) == network.ends[:, None] - 1
    memory = np.where(is_shown, found["c_last"][index][:, :, None], 0)
    for _ in range(SHORTER_SEQUENCES):
        _infer_memory(observation, A, memory, is_shown, network.within)
        check = observation.checks["c_next"]
        hidden = (check.wrong & ~check.visible).any(axis=(0, 1))
        if not hidden.any() or lower:
            break
        step = int(np.argmax(hidden))
        lengths = None if network.lengths is None else np.minimum(network.lengths, step + 1)
        cut = replace(network, x=network.x[:, :, : step + 1], lengths=lengths)
        shorter = returned_arrays(program(cut), cut)
        if shorter is None:
            break
        goes_on = network.ends > step
        memory[:, goes_on, step] = shorter["c_last"][index][:, goes_on]
        is_shown = is_shown | (goes_on[:, None] & (np.arange(x.shape[2]) == step))
    else:
        _infer_memory(observation, A, memory, is_shown, network.within)
    return observation


def _is_stacked_on(below: dict[str, Array], found: dict[str, Array]) -> bool:
    """Whether the lower layers return the same last states without the top layer (`below`) and with it."""
    return all(
        np.allclose(found[name][: len(states)], states, rtol=1e-3, atol=1e-6, equal_nan=True)
        for name, states in below.items()
        if name != "a"
    )


def _reversed_in_time(steps: Array, network: LayerInputs) -> Array:
    """The steps in the order of the backward direction."""
    return np.take_along_axis(steps, np.broadcast_to(network.reversed_steps[None], steps.shape), axis=2)


@np.errstate(all="ignore")
def _infer_memory(observation: Observation, A: Array, memory: Array, is_shown: Array, within: Array) -> None:
    """Infer the memory states of an observation, and check c_next and a_next.

    `A (n_h, m, T_x)` are the returned hidden states. `memory (n_a, m, T_x)` has the returned memory states
    where `is_shown (m, T_x)` is true; elsewhere, the memory state is computed by a right step. `within
    (m, T_x)` is true before the ends of sequences. After a wrong hidden state, no check is decided up to the
    next returned memory state.
    """
    known, nodes = observation.known, observation.nodes
    n_a, m, T_x = memory.shape
    for name in ("c_prev", "c_next"):
        known.pop(name, None)
    observation.memo.clear()
    ft, it, cct = (evaluate(nodes, known, name, observation.memo) for name in ("ft", "it", "cct"))
    c_prev, c_next = np.empty_like(memory), np.empty_like(memory)
    c = known["c0"][:, :, 0]
    for t in range(T_x):
        c_prev[:, :, t] = c
        right = ft[:, :, t] * c + it[:, :, t] * cct[:, :, t]
        c = c_next[:, :, t] = np.where(is_shown[:, t], memory[:, :, t], right)
    known |= {"c_prev": c_prev, "c_next": c_next}
    slack = 1.0 + np.arange(T_x)
    observation.checks.clear()
    first = check_equation(observation, "a_next", A, within, slack)
    # While a_next is right, an inferred memory state may be wrong by `doubt`, and the next one by `more`.
    slope = evaluate(nodes, known, "ot", observation.memo) * (1 - np.tanh(c_next) ** 2)
    allowed = first.allowed.max(axis=0) if "Wp" in known else first.allowed
    doubt = np.where(is_shown, 0, 2 * allowed / slope)
    more = ft * states_before(doubt, np.zeros((1, 1, 1)))
    more_of_a = apply(np.abs(known["Wp"]), slope * more) if "Wp" in known else slope * more
    not_right = first.wrong & ~is_shown
    off = not_right & ~(np.abs(A - first.right) <= more_of_a)
    if "Wp" in known:
        not_right, off = (np.broadcast_to(each.any(axis=0), memory.shape) for each in (not_right, off))
    # From a step with an unclear memory state to the next returned memory state, nothing is known.
    unclear = not_right | (doubt > 1e-4 * np.abs(c_next))
    last_off = np.maximum.accumulate(np.where(unclear, np.arange(T_x), -1), axis=2)
    last_shown = np.maximum.accumulate(np.where(is_shown, np.arange(T_x), -1), axis=1)
    before = np.concatenate([np.zeros((n_a, m, 1), bool), (last_off > last_shown)[:, :, :-1]], axis=2)
    decided = within & ~before
    check = check_equation(observation, "c_next", c_next, decided, slack)
    allowed, visible = check.allowed + more, check.decided & is_shown
    is_clear = ~(np.abs(check.shown - check.right) <= 2 * allowed)  # true for NaN
    wrong = (check.wrong & visible & is_clear) | (off & check.decided)
    observation.checks["c_next"] = replace(check, allowed=allowed, wrong=wrong, visible=visible)
    hidden = decided if len(A) == n_a and "Wp" not in known else decided.all(axis=0)[None]
    observation.checks["a_next"] = check_equation(observation, "a_next", A, within & hidden, slack)
