"""Compares the answer of a module with that of the reference, and finds the reading that fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oracle.modules.adapter import Adapter
from oracle.modules.forms import WrongAnswer
from oracle.modules.interface import Interface, Sizes, UnusableModule, numbered
from oracle.modules.roles import Reading, order_of
from reference.contract import Array
from reference.layers import lstm_layer, rnn_layer

FITS, DIFFERS = 1e-5, 1e-3
"""The largest error of a reading that fits, and the error that all other readings must exceed."""


def question(
    interface: Interface,
    sizes: Sizes,
    *,
    dtype: str = "float64",
    samples: int = 3,
    steps: int = 4,
    **options: Any,
) -> tuple[Array, list[Array], list[dict[str, Array]], dict[str, Any]]:
    """The input, initial states, parameters and options of a call, drawn from a normal distribution."""
    rng = np.random.default_rng(0)

    def drawn(*shape: int) -> Array:
        return (0.5 * rng.standard_normal(shape)).astype(dtype)

    states = [drawn(sizes.places, size, samples) for size in (sizes.n_h, sizes.n_a)]
    if interface.kind == "rnn":
        states, options = states[:1], {"activation": sizes.activation, **options}
    of_each = numbered(interface.kind, sizes)
    parameters = [{name: drawn(*array.shape) for name, array in p.items()} for p in of_each]
    return drawn(sizes.n_x, samples, steps), states, parameters, {"directions": sizes.directions, **options}


def off_by(
    adapter: Adapter, interface: Interface, sizes: Sizes, order: Sequence[int] = (), **how: Any
) -> float:
    """The largest error of the answer to a question; infinite if the last states have other shapes.

    With `order`, the module gets the parameters of layers and directions in this order. Raises the errors of
    the module, and `WrongAnswer` if the output has another shape.
    """
    x, states, parameters, options = question(interface, sizes, **how)
    states = states if adapter.takes_states else [0 * each for each in states]
    given = [parameters[k] for k in order] if order else parameters
    answer = adapter.run(x, states, given, options)
    layer: Callable[..., Any] = lstm_layer if interface.kind == "lstm" else rnn_layer
    right = layer(x, *states, parameters, options)
    shown = [(ours, theirs) for ours, theirs in zip(answer, right) if ours is not None]
    if answer[0].shape != right[0].shape:
        raise WrongAnswer(f"it returned arrays of shapes {', '.join(str(ours.shape) for ours, _ in shown)}")
    if any(ours.shape != theirs.shape for ours, theirs in shown):
        return np.inf
    worst = max(float(np.abs(ours - theirs).max(initial=0)) for ours, theirs in shown)
    return worst if np.isfinite(worst) else np.inf


def depends_on(adapter: Adapter, interface: Interface, sizes: Sizes, what: str, dtype: str) -> bool:
    """Whether the output at later steps depends on the first step of `"x"`, or on the `"weights"`."""
    x, states, parameters, options = question(interface, sizes, dtype=dtype)
    before, _ = adapter.run(x, states, parameters, options)[:2]
    if what == "x":
        x = x.copy()
        x[:, 0, 0] += 1
    else:
        parameters = [{name: array / 2 for name, array in p.items()} for p in parameters]
    after, _ = adapter.run(x, states, parameters, options)[:2]
    return not np.array_equal(before[:, 0, 1:], after[:, 0, 1:])


def only_fit(readings: Sequence[Reading], errors: Sequence[float], network: str) -> int:
    """The index of the only reading that fits; of one reading, 0, whatever its error is.

    Raises `UnusableModule` if no reading of several fits, or several fit.
    """
    first, *others = sorted(range(len(errors)), key=errors.__getitem__)
    stated = [*map(order_of, readings)]
    if others and errors[first] > FITS:
        raise UnusableModule(
            f"none of {len(readings)} readings of its weights gives {network}; the nearest, "
            f"{stated[first]}, is {errors[first]:.1g} off",
            stage=2,
            gates=stated[first],
        )
    if others and errors[others[0]] <= DIFFERS:
        both = f"{stated[first]} and {stated[others[0]]}"
        raise UnusableModule(f"two readings of its weights fit, {both}", stage=2, gates=stated[first])
    return first
