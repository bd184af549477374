"""Compares the answer of a module with that of the reference, and chooses the reading that fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oracle.modules.adapter import Adapter, parameter_indices
from oracle.modules.calls import CallForm
from oracle.modules.factory import Factory
from oracle.modules.interface import Sizes, UnusableModule, WrongModule, one_line
from oracle.modules.weights import Reading, orders
from reference.contract import Array, Kind
from reference.layers import lstm_layer, rnn_layer
from reference.networks import NETWORKS

FIT_ERROR, MISFIT_ERROR = 1e-5, 1e-3
"""The largest error of a reading that fits, and the error that every other reading must exceed."""


def trial_arguments(
    kind: Kind, sizes: Sizes, dtype: str = "float64", samples: int = 3, steps: int = 4, **options: Any
) -> tuple[Any, ...]:
    """Draw the input, initial states, parameters and options of a call from a normal distribution."""
    rng = np.random.default_rng(0)

    def drawn(*shape: int) -> Array:
        return (0.5 * rng.standard_normal(shape)).astype(dtype)

    states = [drawn(sizes.n_parameter_dicts, size, samples) for size in (sizes.n_h, sizes.n_a)]
    parameters = [
        {name: drawn(*array.shape) for name, array in p.items()} for p in parameter_indices(kind, sizes)
    ]
    options = {"directions": sizes.directions, **options}
    if NETWORKS[kind].has_activations:
        options = {"activation": sizes.activation, **options}
    states = states[: len(NETWORKS[kind].states)]
    return (drawn(sizes.n_x, samples, steps), *states, parameters, options)


def own_arguments(adapter: Adapter, **how: Any) -> tuple[Any, ...]:
    """Draw the arguments of a trial call; `how` replaces the sizes, dtype and options of most trials."""
    return trial_arguments(
        adapter.kind, **{"sizes": adapter.factory.tried, "dtype": adapter.factory.dtype, **how}
    )


def own_answer(adapter: Adapter) -> Array:
    """Return the output of a trial call."""
    return np.asarray(adapter.run(*own_arguments(adapter))[0])


def trial_error(adapter: Adapter, order: Sequence[int] = (), has_states: bool = True, **how: Any) -> float:
    """Return the largest error of a trial call; infinite if the last states have wrong shapes.

    With `order`, the module gets the parameters of layers and directions in this order. Without `has_states`,
    it gets no initial states. Raises the errors of the module, and `WrongModule` if the output has another
    shape.
    """
    x, *states, parameters, options = own_arguments(adapter, **how)
    if adapter.form.states == "none" or not has_states:
        states = [None] * len(states)
    answer = adapter.run(x, *states, [parameters[k] for k in order] or parameters, options)
    layer: Callable[..., Any] = lstm_layer if adapter.kind == "lstm" else rnn_layer
    shown = [each for each in zip(answer, layer(x, *states, parameters, options)) if each[0] is not None]
    if shown[0][0].shape != shown[0][1].shape:
        raise WrongModule(f"it returned arrays of shapes {', '.join(str(ours.shape) for ours, _ in shown)}")
    if any(ours.shape != right.shape for ours, right in shown):
        return np.inf
    worst = max(float(np.abs(ours - right).max(initial=0)) for ours, right in shown)
    return worst if np.isfinite(worst) else np.inf


def depends_on_input(adapter: Adapter, is_weighted: bool = True) -> bool:
    """Whether the output at later steps depends on the input of the first step.

    Unless the input `is_weighted`, the weights that the reading takes for those on it are 0: if the output
    still depends on it, these are other weights.
    """
    x, *others, parameters, options = own_arguments(adapter)
    for p in () if is_weighted else parameters:
        for name in NETWORKS[adapter.kind].input_weights:
            p[name][:, -x.shape[0] :] = 0
    other = np.concatenate([x[..., :1] + 1, x[..., 1:]], axis=2)
    before, after = (adapter.run(each, *others, parameters, options)[0] for each in (x, other))
    return not np.array_equal(before[:, 0, 1:], after[:, 0, 1:])


def errors_of_forms(
    factory: Factory, found: Sequence[Reading], tried: Sequence[CallForm]
) -> tuple[dict[CallForm, list[float]], str]:
    """Return the errors of all readings, by form of call, and the first exception in words.

    A form is left out if the module raises an error in it. If there is another form, a form in which later
    steps do not depend on the first step is left out, too.
    """
    errors: dict[CallForm, list[float]] = {}
    others, why = dict(errors), ""
    for form in tried:
        adapters = [Adapter(factory, reading, form) for reading in found]
        try:
            each = [*map(trial_error, adapters)]
            is_in_time = form.time == "stepped" or depends_on_input(adapters[0])
        except Exception as wrong:  # raised by the user's code
            why = why or one_line(wrong)
            continue
        (errors if is_in_time else others)[form] = each
        if is_in_time and min(each) <= FIT_ERROR:
            break
    return errors or others, why


def stated_order(reading: Reading) -> str:
    """Return the orders of a reading in the form of `--gates`: `"ifgo"` or `"xh:ifgo"`."""
    return ":".join(filter(None, orders(reading)))


def choose_reading(readings: Sequence[Reading], errors: Sequence[float], kind: Kind) -> Reading:
    """Return the one reading that fits. A single reading need not fit, since the module may be wrong.

    Raises `UnusableModule` if none of several readings fits, or if more than one fits.
    """
    (least, first), *others = sorted((error, k) for k, error in enumerate(errors))
    nearest = stated_order(readings[first])
    if others and (least > FIT_ERROR or others[0][0] <= MISFIT_ERROR):
        none = f"none of {len(readings)} readings of its weights gives an {kind.upper()}; the nearest"
        both = f"two readings of its weights fit, {nearest} and {stated_order(readings[others[0][1]])}"
        why = f"{none}, {nearest}, is {least:.1g} off" if least > FIT_ERROR else both
        raise UnusableModule(why, "state its order of gates, as by --gates ifgo", stage=2)
    return readings[first]
