"""Finds by trial calls the limits of a module, and the ways to pass lengths to it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from oracle.modules.adapter import Adapter
from oracle.modules.calls import CallForm, forms_with_lengths
from oracle.modules.factory import Factory
from oracle.modules.fitting import FIT_ERROR, fit, own_answer, own_arguments, trial_error
from oracle.modules.interface import ModuleOptions, Sizes, one_line, refusal
from oracle.modules.weights import orders, tell_directions

_OPTIONS: Sequence[tuple[str, Any, str, Mapping[str, Any]]] = (
    ("layers", 1, "num_layers", {"layers": 2}),
    ("directions", 1, "bidirectional", {"directions": 2}),
    ("stacked_directions", 1, "bidirectional", {"layers": 2, "directions": 2}),
    ("activations", ["tanh"], "nonlinearity", {"activation": "relu"}),
    ("projection", False, "proj_size", {"n_p": 3}),
)
"""Options to try: if a call is refused, the limit in `SUPPORTS` is the key and value that begin its row.

Then come the option of torch's constructor that the call needs, and the fields of `Sizes` that differ from
those of most trials.
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
        self._supports: dict[str, Any] = {"memory_layouts": False, "bad_shapes": False}  # see `Adapter`
        self._why: dict[str, str] = {}
        self._not_judged: dict[str, str] = {}

    def understood(self, name: str) -> Understood:
        """Make all trial calls, and return what they show. Raises `UnusableModule`."""
        kind, factory = self._interface.kind, self._factory
        found = fit(factory, self._stated)
        self._adapter = found.adapter
        self._limit("dtypes", ["float32"], found.why_no_float64)
        self._find_limits()
        adapter, built = self._adapter, factory.cached_module(factory.tried, factory.dtype)
        functions = adapter.functions()
        if self._supports.get("gradients") is False:
            del functions[f"{kind}_layer_backward"]
        joined, gates = orders(adapter.reading)
        facts = {
            "module": name,
            "like": self._interface.name,
            "weights": found.determined_by,
            "gates": gates,
            "joined": joined,
            "fits": found.fitting_order,
            "time": adapter.form.time,
            "states": adapter.form.states,
            "learned_states": [*built.learned_states],
            "lengths": [each.lengths + " sorted" * each.is_sorted for each in adapter.with_lengths],
            "not_judged": self._not_judged,
            "plain": [*built.plain],
            "device": self._stated.device,
            "dtypes": self._supports.get("dtypes", []),
            "other_modes": self._other_modes(),
            "limits": self._why,
        }
        if factory.takes("batch_first"):
            self._not_judged["batch_first=True"] = "--with batch_first=True"
        network: dict[str, Any] = {}
        if factory.is_trained:
            of = factory.tried
            network = {"kind": kind, "directions": of.directions, "activation": of.activation}
            network["parameters"] = adapter.parameters()
        return Understood(functions, self._supports, facts, network)

    def _limit(self, key: str, value: Any, why: str) -> None:
        if why:
            self._supports[key], self._why[key] = value, why

    def _find_limits(self) -> None:
        factory, supports, tried = self._factory, self._supports, self._factory.tried
        is_lstm = self._interface.kind == "lstm"
        if not self._adapter.returns_states:
            self._limit("layers", 1, "it returns no last states of the layers")
            self._limit("last_states", False, "it returns none")
        if self._adapter.form.states == "none":
            self._limit("initial_state", False, "no way to pass them to its forward pass was found")
        else:
            if is_lstm:
                supports["absent_states"] = "both"  # the harness replaces a single absent state by zeros
            self._limit("absent_states", False, self._why_states_are_required())
        if self._interface.is_cell:
            supports.update(layers=1, directions=1, lengths=False, projection=False)
        else:
            self._find_form_for_layers()
            self._limit("lengths", False, self._find_lengths())
        if tried.directions == 2 and not factory.is_trained:
            self._limit("least_directions", 2, "it always has both")
        not_asked = {"activations" if is_lstm else "projection", *["directions"] * (tried.directions - 1)}
        for key, value, option, other in () if factory.is_trained else _OPTIONS:
            if not {key, *other} & {*supports, *not_asked}:
                self._limit(key, value, self._why_limited(option, replace(tried, **other)))
        if not factory.is_trained:
            self._check_packed_sequences()
        if is_lstm and not factory.is_trained:
            supports.setdefault("projection", "fewer")
        if "dtypes" not in supports:
            self._limit("dtypes", ["float64", "float32"], self._why_limited("", tried, dtype="float16"))
        self._find_empty_sizes()
        self._limit("gradients", False, self._why_no_gradients())

    def _find_empty_sizes(self) -> None:
        """Find the sizes that may be 0. Torch refuses calls without features or steps, too."""
        no_lengths = "an empty batch has no lengths" if self._adapter.form.lengths else ""
        self._limit("empty", [], no_lengths or self._why_limited("", self._factory.tried, samples=0))
        empty = [] if "empty" in self._why else ["m"]
        no_features: Mapping[str, Any] = {"sizes": replace(self._factory.tried, n_x=0)}
        if self._adapter.with_lengths:  # older versions of torch pack no samples without features
            no_features = {**no_features, "lengths": np.array([4, 3, 1])}
        tried = {"n_x": no_features, "T_x": {"steps": 0}}
        self._supports["empty"] = empty + [each for each, how in tried.items() if self._raised(**how) is None]

    def _why_limited(self, option: str, sizes: Sizes, **how: Any) -> str:
        """Say why a module lacks an option or refuses a call; empty if the module does neither."""
        if option in self._factory.missing_options:
            return self._factory.missing_options[option]
        try:
            is_right = trial_error(self._adapter, sizes=sizes, **how) <= FIT_ERROR
            built = self._factory.cached_module(sizes, self._factory.dtype)
            if is_right or option != "bidirectional" or tell_directions(built.weights):
                return ""
            exchanged = [k ^ 1 for k in range(sizes.n_parameter_dicts)]
            if trial_error(self._adapter, exchanged, sizes=sizes) <= FIT_ERROR:
                return f"with {option} the weights of both directions are exchanged: no name tells them apart"
        except Exception as error:  # raised by the user's code
            return refusal(error)
        return ""

    def _why_states_are_required(self) -> str:
        """Say why the module cannot be called without initial states; empty if it can."""
        error = self._raised(has_states=False)
        if error is None:
            return ""
        if self._raised(has_states=False, dtype="float32") is not None:
            return refusal(error)
        # States of torch's default dtype, float32, are usual.
        self._limit("dtypes", ["float32"], f"without initial states, {one_line(error)}")
        self._factory.dtype = "float32"
        return ""

    def _find_form_for_layers(self) -> None:
        """Of the forms that are equal for one layer and direction, use one that fits for several, if any."""
        deep = replace(self._factory.tried, layers=2), replace(self._factory.tried, directions=2)
        for sizes, form in product(deep, self._adapter.form.deeper()):
            adapter = replace(self._adapter, form=form)
            with suppress(Exception):  # raised by the user's code; a trained module has fixed sizes
                if trial_error(adapter, sizes=sizes) <= FIT_ERROR:
                    self._adapter = adapter
                    return

    def _find_lengths(self) -> str:
        """Find the ways to pass lengths, at most one for each argument; say why if there are none.

        Of the ways for one argument, the nearest to the formulas is used.
        """
        ways: dict[str, tuple[float, CallForm]] = {}
        for form in forms_with_lengths(self._adapter.form, self._factory.forward):
            adapter, name = replace(self._adapter, form=form), form.lengths_name
            try:
                error = trial_error(adapter, lengths=np.array([4, 3, 1]))
                if form.lengths == "packed" and self._supports.get("absent_states") is not False:
                    trial_error(adapter, lengths=np.array([4, 3, 1]), has_states=False)
            except Exception as wrong:  # raised by the user's code
                if name:  # no argument shows whether a module takes packed sequences
                    self._not_judged.setdefault(name, one_line(wrong))
                continue
            if (wrong_order := self._raised(adapter, lengths=np.array([3, 4, 1]))) is not None:
                form = replace(form, is_sorted=bool(refusal(wrong_order)))
            if name not in ways or error < ways[name][0]:
                ways[name] = error, form
        self._adapter = replace(self._adapter, with_lengths=[form for _, form in ways.values()])
        self._not_judged = {name: why for name, why in self._not_judged.items() if name not in ways}
        if ways or self._not_judged:
            return "" if ways else "no call with them works"
        return "it takes neither packed sequences nor an argument for lengths"

    def _check_packed_sequences(self) -> None:
        """Leave out packed sequences if the module takes them by chance, because a layer inside does."""
        packed = [form for form in self._adapter.with_lengths if form.lengths == "packed"]
        others = [form for form in self._adapter.with_lengths if form.lengths != "packed"]
        layers = 1 if {"layers", "stacked_directions"} & self._supports.keys() else 2
        directions = 1 if "directions" in self._supports else 2
        sizes = replace(self._factory.tried, layers=layers, directions=directions)
        if not packed or self._raised(sizes=sizes) is not None:  # the laws show what raises without lengths
            return
        adapter = replace(self._adapter, with_lengths=packed)
        error = self._raised(adapter, sizes=sizes, lengths=np.array([4, 3, 1]))
        if error is not None:
            self._adapter = replace(self._adapter, with_lengths=others)
            self._not_judged["a packed sequence"] = f"with {layers=} and {directions=}, {one_line(error)}"
            self._limit("lengths", False, "" if others else "no other call with them works")

    def _raised(self, adapter: Adapter | None = None, **how: Any) -> Exception | None:
        """The exception of a trial call, by default of `self._adapter`; `None` if the call returns."""
        try:
            trial_error(adapter or self._adapter, **how)
        except Exception as error:  # raised by the user's code
            return error
        return None

    def _why_no_gradients(self) -> str:
        """Say why the module has no gradients to judge; empty if the module has gradients."""
        given = own_arguments(self._adapter)
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
        first, modes = own_answer(self._adapter), []
        in_training = replace(self._adapter, in_training=True)
        for mode in ("every call", "inference mode", "training mode"):
            with sys.modules["torch"].inference_mode() if mode == "inference mode" else nullcontext():
                again = own_answer(in_training if mode == "training mode" else self._adapter)
            modes += [] if np.allclose(again, first, rtol=0, atol=FIT_ERROR) else [mode]
        return modes[:1] if "every call" in modes else modes
