"""How far the answer of a module is from that of the reference, and which reading of its weights fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

import numpy as np

from oracle.modules.adapter import Adapter
from oracle.modules.forms import WrongAnswer
from oracle.modules.interface import Interface, Sizes, UnusableModule, numbered
from oracle.modules.roles import Reading, gates_of, joined_order
from reference.contract import Array
from reference.layers import lstm_layer, rnn_layer

FITS, DIFFERS = 1e-5, 1e-3
"""How far the answer may be off for a reading that fits, and how far it must be off for all others."""


def question(
    interface: Interface,
    sizes: Sizes,
    *,
    dtype: str = "float64",
    samples: int = 3,
    steps: int = 4,
    with_states: bool = True,
    lengths: Optional[Sequence[int]] = None,  # noqa: UP045
) -> tuple[Array, list[Array], list[dict[str, Array]], dict[str, Any]]:
    """The input, initial states, parameters and options of a layer of these sizes: normal numbers."""
    rng = np.random.default_rng(0)

    def drawn(*shape: int) -> Array:
        return (0.5 * rng.standard_normal(shape)).astype(dtype)

    places = len(sizes.places)
    states = [
        drawn(places, size, samples) for size in (sizes.n_h, sizes.n_a)[: 1 + (interface.kind == "lstm")]
    ]
    parameters = [
        {name: drawn(*array.shape) for name, array in p.items()} for p in numbered(interface.kind, sizes)
    ]
    options: dict[str, Any] = {"directions": sizes.directions}
    options.update({"activation": sizes.activation} if interface.kind == "rnn" else {})
    options.update({} if lengths is None else {"lengths": np.array(lengths)})
    x = drawn(sizes.n_x, samples, steps)
    return x, [each if with_states else 0 * each for each in states], parameters, options


def off_by(adapter: Adapter, interface: Interface, sizes: Sizes, **how: Any) -> float:
    """How far the answer to a question is from that of the reference at most.

    Raises what the module raises, and `WrongAnswer` where the shapes are not those of a layer.
    """
    x, states, parameters, options = question(interface, sizes, with_states=adapter.takes_states, **how)
    answer = adapter.run(x, states, parameters, options)
    layer: Callable[..., Any] = lstm_layer if interface.kind == "lstm" else rnn_layer
    right = layer(x, *states, parameters, options)
    shown = [(ours, theirs) for ours, theirs in zip(answer, right) if ours is not None]
    if any(ours.shape != theirs.shape for ours, theirs in shown):
        raise WrongAnswer(f"it returned arrays of shapes {', '.join(str(ours.shape) for ours, _ in shown)}")
    worst = max(float(np.abs(ours - theirs).max(initial=0)) for ours, theirs in shown)
    return worst if np.isfinite(worst) else np.inf


def carries_on(adapter: Adapter, interface: Interface, sizes: Sizes, **how: Any) -> bool:
    """Whether the first step of a sample has an effect on its later ones, as it has if that axis is time."""
    x, states, parameters, options = question(interface, sizes, with_states=adapter.takes_states, **how)
    changed = x.copy()
    changed[:, 0, 0] += 1
    before, after = (adapter.run(each, states, parameters, options)[0] for each in (x, changed))
    return not np.array_equal(before[:, 0, 1:], after[:, 0, 1:])


def only_fit(readings: Sequence[Reading], errors: Mapping[int, float], interface: Interface) -> int:
    """The number of the only reading that fits. Raises `UnusableModule` where none does, or several do."""
    ranked = sorted(errors, key=errors.__getitem__)
    nearest = readings[ranked[0]]
    if errors[ranked[0]] > FITS:
        network = "an LSTM" if interface.kind == "lstm" else "an RNN"
        raise UnusableModule(
            f"none of {len(readings)} readings of its weights gives {network}; the nearest, "
            f"{_stated(nearest)}, is {errors[ranked[0]]:.1g} off: say how it stacks them by --gates",
            stage=2,
        )
    if len(ranked) > 1 and errors[ranked[1]] <= DIFFERS:
        both = " and ".join(_stated(readings[each]) for each in ranked[:2])
        raise UnusableModule(f"two readings of its weights fit, {both}: say which by --gates", stage=2)
    return ranked[0]


def _stated(reading: Reading) -> str:
    """What `--gates` says of a reading."""
    return ":".join(filter(None, (joined_order(reading).replace(", ", ""), gates_of(reading))))
