"""Finds by trial calls how a module is called, its limits, and the reading of its weights that fits."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple, Optional

import numpy as np

from oracle.modules.adapter import Adapter
from oracle.modules.calls import CallForm, forms, forms_with_lengths
from oracle.modules.factory import Converter, Factory
from oracle.modules.fitting import (
    FIT_ERROR,
    choose_reading,
    depends_on_input,
    stated_order,
    trial_arguments,
    trial_error,
)
from oracle.modules.interface import ModuleOptions, Sizes, UnusableModule, one_line, refusal
from oracle.modules.weights import Reading, orders, readings, tell_directions
from reference.contract import Array

_TRIALS: Sequence[tuple[str, Any, str, Mapping[str, Any], Mapping[str, Any]]] = (
    ("layers", 1, "num_layers", {"layers": 2}, {}),
    ("directions", 1, "bidirectional", {"directions": 2}, {}),
    ("stacked_directions", 1, "bidirectional", {"layers": 2, "directions": 2}, {}),
    ("activations", ["tanh"], "nonlinearity", {"activation": "relu"}, {}),
    ("projection", False, "proj_size", {"n_p": 3}, {}),
    ("dtypes", ["float64", "float32"], "", {}, {"dtype": "float16"}),
    ("empty", [], "", {}, {"samples": 0}),
)
"""Trial calls. If a call is refused, the limit in `SUPPORTS` is the key and value that begin its row.

Then come the option of torch's constructor that the call needs, the fields of `Sizes` that differ from
those of most trials, and keyword arguments of `fitting.trial_arguments`.
"""


class Understood(NamedTuple):
    """The functions of a module, its limits as in `SUPPORTS`, and the facts that users see.

    For a trained module, `network` has its `kind`, `directions`, `activation` and `parameters`.
    """

    functions: Mapping[str, Callable[..., Any]]
    supports: Mapping[str, Any]
    facts: Mapping[str, Any]
    network: Mapping[str, Any]


class Trials:
    """Calls the modules of one factory, to understand them."""

    _adapter: Adapter

    def __init__(self, factory: Factory, stated: ModuleOptions) -> None:
        self._factory, self._stated, self._interface = factory, stated, factory.interface
        self._tried, self._dtype = factory.tried, "float64"
        self._supports: dict[str, Any] = {"memory_layouts": False, "bad_shapes": False}  # see `Adapter`
        self._why: dict[str, str] = {}
        self._not_judged: dict[str, str] = {}

    def understood(self, name: str) -> Understood:
        """Make all trial calls, and return what they show. Raises `UnusableModule`."""
        kind, tried = self._interface.kind, self._tried
        determined_by, fitting_order = self._find_reading_and_form()
        self._find_limits()
        adapter = self._adapter
        functions = adapter.functions()
        if self._supports.get("gradients") is False:
            del functions[f"{kind}_layer_backward"]
        (joined, gates), ways = orders(adapter.reading), adapter.with_lengths
        facts = {
            "module": name,
            "like": self._interface.name,
            "weights": determined_by,
            "gates": gates,
            "joined": joined,
            "fits": fitting_order,
            "time": adapter.form.time,
            "states": adapter.form.states,
            "learned_states": [*self._factory.cached_module(tried, self._dtype).learned_states],
            "lengths": [each.lengths + " sorted" * each.is_sorted for each in ways if each.lengths],
            "not_judged": self._not_judged,
            "plain": [*self._factory.cached_module(tried, self._dtype).plain],
            "device": self._stated.device,
            "dtypes": self._supports.get("dtypes", []),
            "other_modes": self._other_modes(),
            "limits": self._why,
        }
        network: dict[str, Any] = {}
        if self._factory.is_trained:
            network = {"kind": kind, "directions": tried.directions, "activation": tried.activation}
            network["parameters"] = adapter.parameters()
        return Understood(functions, self._supports, facts, network)

    def _answer(self, adapter: Adapter) -> Array:
        given = trial_arguments(self._interface.kind, self._tried, self._dtype)
        return np.asarray(adapter.run(*given)[0])

    def _error(self, adapter: Optional[Adapter] = None, **how: Any) -> float:  # noqa: UP045
        """Return the error of a trial call, by default with the sizes and dtype of most trials."""
        return trial_error(adapter or self._adapter, **{"sizes": self._tried, "dtype": self._dtype, **how})

    def _depends_on_input(self, adapter: Adapter, is_weighted: bool = True) -> bool:
        return depends_on_input(adapter, self._tried, self._dtype, is_weighted)

    def _limit(self, key: str, value: Any, why: str) -> None:
        if why:
            self._supports[key], self._why[key] = value, why

    def _find_reading_and_form(self) -> tuple[str, str]:
        """Find the reading of the weights, and the form of calls, for `self._adapter`.

        Returns what determines the reading, such as "torch's names". If the order of the gates that the user
        states does not fit, and exactly one other does, the other order is returned, too; otherwise `""`.
        """
        tried, fitting_order = self._tried, ""
        try:
            built = self._factory.cached_module(tried, self._dtype)
            determined_by, every = readings(built.shapes, self._interface, tried)
        except UnusableModule as error:
            raise self._factory.with_advice(error) from None
        except Exception as error:  # raised by the user's code
            sizes = f"{tried.n_x} inputs and {tried.n_a} units"
            raise UnusableModule(f"it cannot be made for {sizes}: {one_line(error)}") from None
        module = built.module
        self._forward = getattr(module, "call" if self._interface.framework == "keras" else "forward", module)
        stated = self._stated.orders  # "" if not stated; a reading has "" for an order that it lacks
        allowed = [
            each
            for each in every
            if all(own in ("", order or own) for own, order in zip(orders(each), stated))
        ]
        if not allowed:
            told = f"{determined_by} tell the order of its gates, {orders(every[0])[1]}"
            raise UnusableModule(told, "leave out --gates")
        if determined_by == "fit" and stated[1]:
            determined_by = "--gates and fit" if len(allowed) > 1 else "--gates"
        possible = forms(self._forward, self._interface)
        if tried.n_parameter_dicts > 1:
            possible = [each for form in possible for each in form.deeper()]
        errors, why = self._errors(every, possible)
        if not errors:
            self._dtype = "float32"
            errors, _ = self._errors(every, possible)
            self._limit("dtypes", ["float32"], why)
        if not errors:
            raise UnusableModule(f"none of the calls of {self._interface.name} works: {why}", stage=1)
        least = {form: min(each) for form, each in errors.items()}
        form = min(least, key=lambda form: (form.always, least[form] > FIT_ERROR, np.isinf(least[form])))
        fits = [each for each, error in zip(every, errors[form]) if error <= FIT_ERROR]
        if not any(each in allowed for each in fits):  # a wrong module still shows which weights act on x
            joined = {Adapter(self._factory, each, form): each for each in allowed if orders(each)[0]}
            shown = [each for adapter, each in joined.items() if not self._depends_on_input(adapter, False)]
            allowed = shown or allowed
            determined_by = determined_by.removesuffix(" and fit") if len(allowed) == 1 else determined_by
            fitting_order = stated_order(fits[0]) if len(fits) == 1 else ""
        self._by_fit = len(allowed) > 1
        errors_of_allowed = [error for each, error in zip(every, errors[form]) if each in allowed]
        reading = choose_reading(allowed, errors_of_allowed, self._interface.kind)
        if form.states == "none":  # a module that takes states and ignores them is judged with states
            others = [each for each in least if each.states != "none" and each.time == form.time]
            form = min(others, key=least.__getitem__, default=form)
        if isinstance(self._factory, Converter) and not built.plain:
            at_once = self._answer(Adapter(self._factory, reading, form))
            self._factory.converts_anew = True
            anew = self._answer(Adapter(self._factory, reading, form))
            self._factory.converts_anew = not np.allclose(anew, at_once, rtol=0, atol=FIT_ERROR)
        self._adapter = Adapter(self._factory, reading, form)
        return determined_by, fitting_order

    def _errors(
        self, found: Sequence[Reading], tried: Iterable[CallForm]
    ) -> tuple[dict[CallForm, list[float]], str]:
        """Return the errors of all readings, by form of call, and the first exception in words.

        A form is left out if the module raises an error in it. If there is another form, a form in which
        later steps do not depend on the first step is left out, too.
        """
        errors: dict[CallForm, list[float]] = {}
        others, why = dict(errors), ""
        for form in tried:
            adapters = [Adapter(self._factory, reading, form) for reading in found]
            try:
                each = [*map(self._error, adapters)]
                is_in_time = form.time == "stepped" or self._depends_on_input(adapters[0])
            except Exception as wrong:  # raised by the user's code
                why = why or one_line(wrong)
                continue
            (errors if is_in_time else others)[form] = each
            if is_in_time and min(each) <= FIT_ERROR:
                break
        return errors or others, why

    def _find_limits(self) -> None:
        """Try options of the constructor, lengths, other precisions, empty sizes, and gradients."""
        is_lstm, tried, supports = self._interface.kind == "lstm", self._tried, self._supports
        if not self._adapter.returns_states:
            self._limit("layers", 1, "it returns no last states of the layers")
            self._limit("last_states", False, "it returns none")
        if self._adapter.form.states == "none":
            self._limit("initial_state", False, "no way to pass them to its forward pass was found")
        else:
            if is_lstm:
                supports["absent_states"] = "both"  # the harness replaces a single absent state by zeros
            self._limit("absent_states", False, self._why_states_are_required())
        if tried.directions == 2 and not self._factory.is_trained:
            self._limit("least_directions", 2, "it always has both")
        self._find_form_for_layers()
        if self._interface.is_cell:
            supports.update(layers=1, directions=1, lengths=False, projection=False)
        else:
            self._limit("lengths", False, self._find_lengths())
        if self._adapter.form.always:
            self._limit("empty", [], "an empty batch has no lengths")
        not_asked = {"activations" if is_lstm else "projection"}
        not_asked |= {"directions", "stacked_directions"} if tried.directions == 2 else set()
        for key, value, option, other, how in _TRIALS:
            if key == "stacked_directions" and {"layers", "directions"} & {*supports}:
                continue
            if key not in {*supports} | not_asked and not (option and self._factory.is_trained):
                self._limit(key, value, self._why_limited(option, replace(tried, **other), **how))
        if is_lstm and not self._factory.is_trained:
            supports.setdefault("projection", "fewer")
        supports.setdefault("empty", ["m"])
        for size, empty in (("n_x", {"sizes": replace(tried, n_x=0)}), ("T_x", {"steps": 0})):
            with suppress(Exception):  # raised by the user's code; torch refuses these calls, too
                self._error(**empty)
                supports["empty"].append(size)
        self._limit("gradients", False, self._why_no_gradients())

    def _why_limited(self, option: str, sizes: Sizes, **how: Any) -> str:
        """Say why a module lacks an option or refuses a call; empty if the module does neither."""
        if option in self._factory.missing_options:
            return self._factory.missing_options[option]
        try:
            if self._error(sizes=sizes, **how) <= FIT_ERROR or option != "bidirectional":
                return ""
            if not self._by_fit and tell_directions(self._factory.cached_module(sizes, self._dtype).weights):
                return ""
            exchanges = product(*([(2 * k, 2 * k + 1), (2 * k + 1, 2 * k)] for k in range(sizes.layers)))
            if any(self._error(sizes=sizes, order=sum(each, ())) <= FIT_ERROR for each in exchanges):
                return f"with {option} the weights of both directions are exchanged: no name tells them apart"
        except Exception as error:  # raised by the user's code
            return refusal(error)
        return ""

    def _why_states_are_required(self) -> str:
        """Say why the module cannot be called without initial states; empty if it can."""
        try:
            self._error(has_states=False)
        except Exception as error:  # raised by the user's code
            with suppress(Exception):  # states of torch's default dtype, float32, are usual
                self._error(has_states=False, dtype="float32")
                self._limit("dtypes", ["float32"], f"without initial states, {one_line(error)}")
                self._dtype = "float32"
            return "" if "dtypes" in self._why else refusal(error)
        return ""

    def _use(self, form: CallForm, with_lengths: Sequence[CallForm] = ()) -> None:
        self._adapter = Adapter(self._factory, self._adapter.reading, form, with_lengths)

    def _find_form_for_layers(self) -> None:
        """Of the forms that are equal for one layer and direction, use one that fits for several, if any."""
        if self._factory.is_trained:
            return
        deep = replace(self._tried, layers=2), replace(self._tried, directions=2)
        for sizes, form in product(deep, self._adapter.form.deeper()):
            adapter = Adapter(self._factory, self._adapter.reading, form)
            with suppress(Exception):  # raised by the user's code
                if sizes != self._tried and self._error(adapter, sizes=sizes) <= FIT_ERROR:
                    self._adapter = adapter
                    return

    def _find_lengths(self) -> str:
        """Find the ways to pass lengths, at most one for each argument; say why if there are none.

        Of the ways for one argument, the nearest to the formulas is used.
        """
        ways: dict[str, tuple[float, CallForm]] = {}
        for form in forms_with_lengths(self._adapter.form, self._forward):
            adapter, name = Adapter(self._factory, self._adapter.reading, form), form.lengths_name
            try:
                error = self._error(adapter, lengths=np.array([4, 3, 1]))
                if form.lengths == "packed" and self._supports.get("absent_states") is not False:
                    self._error(adapter, lengths=np.array([4, 3, 1]), has_states=False)
            except Exception as wrong:  # raised by the user's code
                if name:  # no argument shows whether a module takes packed sequences
                    self._not_judged.setdefault(name, one_line(wrong))
                continue
            try:
                self._error(adapter, lengths=np.array([3, 4, 1]))
            except Exception as wrong:  # raised by the user's code
                form = replace(form, is_sorted=bool(refusal(wrong)))
            if name not in ways or error < ways[name][0]:
                ways[name] = error, form
        self._use(self._adapter.form, [form for _, form in ways.values()])
        raised = {name: why for name, why in self._not_judged.items() if name not in ways}
        self._not_judged = raised if ways else {}
        if ways or not raised:
            return "" if ways else "it takes neither packed sequences nor an argument for lengths"
        return ", ".join(f"{name} raises {why}" for name, why in raised.items())

    def _why_no_gradients(self) -> str:
        """Say why the module has no gradients to judge; empty if the module has gradients."""
        given = trial_arguments(self._interface.kind, self._tried, self._dtype)
        answer = self._adapter.run(*given)
        if answer[-1] is None:
            self._limit("c_last", False, "it returns none")
            return "it does not return its last memory states"
        try:
            *_, gradients = self._adapter.gradients(*answer, *given)
        except Exception as error:  # raised by the user's code
            return refusal(error)
        reaches = any(each.any() for p in gradients for each in p.values())
        return "" if reaches else "none reaches the weights that are set"

    def _other_modes(self) -> list[str]:
        """Return the modes in which the module gives different numbers than in evaluation mode."""
        first, modes = self._answer(self._adapter), []
        in_training = Adapter(self._factory, self._adapter.reading, self._adapter.form, in_training=True)
        for mode in ("every call", "inference mode", "training mode"):
            with sys.modules["torch"].inference_mode() if mode == "inference mode" else nullcontext():
                again = self._answer(in_training if mode == "training mode" else self._adapter)
            modes += [] if np.allclose(again, first, rtol=0, atol=FIT_ERROR) else [mode]
        return modes[:1] if "every call" in modes else modes
