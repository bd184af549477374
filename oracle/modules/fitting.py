"""Finds by trial calls the reading of the weights of a module and the form of calls that fit together.

They fit if the answer of the module is that of the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from oracle.modules.adapter import Adapter, parameter_indices
from oracle.modules.calls import CallForm, forms
from oracle.modules.factory import Converter, Factory
from oracle.modules.interface import SCOPE, ModuleOptions, Sizes, UnusableModule, WrongModule, one_line
from oracle.modules.weights import Reading, orders, readings
from reference.contract import NETWORKS, Array, Kind
from reference.layers import lstm_layer, rnn_layer

FIT_ERROR, MISFIT_ERROR = 1e-5, 1e-3
"""The largest error of a reading that fits, and the error that every other reading must exceed."""


class Fit(NamedTuple):
    """The reading and the form of calls of a module, in an `adapter`.

    `determined_by` is what determines the reading, such as "torch's names". If the order of the gates that
    the user states does not fit, and exactly one other does, `fitting_order` is the other; otherwise it is
    empty. `why_no_float64` is why the module is only called in float32; empty if it is called in float64.
    """

    adapter: Adapter
    determined_by: str
    fitting_order: str
    why_no_float64: str


def fit(factory: Factory, stated: ModuleOptions) -> Fit:
    """Find the reading and the form of calls. Raises `UnusableModule` if none or several fit."""
    interface = factory.interface
    determined_by, every = _possible_readings(factory)
    allowed = [
        each
        for each in every
        if all(own in ("", order or own) for own, order in zip(orders(each), stated.orders))
    ]  # an order that is not stated is "", and so is one that a reading lacks
    if not allowed:
        told = f"{determined_by} tell the order of its gates, {orders(every[0])[1]}"
        raise UnusableModule(told, "leave out --gates")
    if determined_by == "fit" and stated.orders[1]:
        determined_by = "--gates and fit" if len(allowed) > 1 else "--gates"
    possible = forms(factory.forward, interface)
    if factory.tried.n_parameter_dicts > 1:
        possible = [each for form in possible for each in form.deeper()]
    errors, why = _errors_of_forms(factory, every, possible)
    why_no_float64 = ""
    if not errors:
        factory.dtype, why_no_float64 = "float32", why
        errors, _ = _errors_of_forms(factory, every, possible)
    if not errors:
        raise UnusableModule(f"none of the calls of {interface.name} works: {why}", SCOPE, stage=1)
    least = {form: min(each) for form, each in errors.items()}
    form = min(least, key=lambda form: (form.lengths != "", least[form] > FIT_ERROR, np.isinf(least[form])))
    fits, fitting_order = [each for each, error in zip(every, errors[form]) if error <= FIT_ERROR], ""
    if not any(each in allowed for each in fits):  # a wrong module still shows which weights act on x
        joined = [each for each in allowed if orders(each)[0]]
        shown = [each for each in joined if not depends_on_input(Adapter(factory, each, form), False)]
        allowed = shown or allowed
        determined_by = determined_by.removesuffix(" and fit") if len(allowed) == 1 else determined_by
        fitting_order = stated_order(fits[0]) if len(fits) == 1 else ""
    errors_of_allowed = [error for each, error in zip(every, errors[form]) if each in allowed]
    reading = choose_reading(allowed, errors_of_allowed, interface.kind)
    if form.states == "none":  # a module that takes states and ignores them is judged with states
        others = [each for each in least if each.states != "none" and each.time == form.time]
        form = min(others, key=least.__getitem__, default=form)
    adapter = _with_conversion(Adapter(factory, reading, form))
    return Fit(adapter, determined_by, fitting_order, why_no_float64)


def _possible_readings(factory: Factory) -> tuple[str, list[Reading]]:
    """What determines the reading, and the readings that are possible."""
    tried = factory.tried
    try:
        built = factory.cached_module(tried, factory.dtype)
        return readings(built.shapes, factory.interface, tried)
    except UnusableModule as error:
        raise factory.with_advice(error) from None
    except Exception as error:  # raised by the user's code
        sizes = f"{tried.n_x} inputs and {tried.n_a} units"
        raise UnusableModule(f"it cannot be made for {sizes}: {one_line(error)}") from None


def _with_conversion(adapter: Adapter) -> Adapter:
    """The adapter, which converts its module anew for each call if earlier weights would remain otherwise."""
    factory = adapter.factory
    if not isinstance(factory, Converter):
        return adapter
    at_once, factory.converts_anew = own_answer(adapter), True
    anew = own_answer(replace(adapter))
    factory.converts_anew = not np.allclose(anew, at_once, rtol=0, atol=FIT_ERROR)
    return replace(adapter)  # which looks for the weights again


def _errors_of_forms(
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
