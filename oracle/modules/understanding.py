"""What is understood of a module, as data: by its constructor, its names, and a trial of each option."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from oracle.modules.adapter import Adapter, Single
from oracle.modules.factory import Factory
from oracle.modules.fitting import FITS, carries_on, off_by, only_fit, question
from oracle.modules.forms import Form, forms, with_lengths
from oracle.modules.interface import (
    Interface,
    ModuleOptions,
    Sizes,
    UnusableModule,
    is_refusal,
    one_line,
)
from oracle.modules.places import ORDERS, PlaceOrder, first_place, tell_directions
from oracle.modules.roles import Extents, gates_of, joined_order, readings
from oracle.modules.torch_framework import TorchFramework


class Understood(NamedTuple):
    """The functions of a module, what it does not do as `SUPPORTS` says it, and the facts for the user.

    Of a module that is trained, `network` has its `kind`, `directions`, `activation` and `parameters`.
    """

    functions: Mapping[str, Callable[..., Any]]
    supports: Mapping[str, Any]
    facts: Mapping[str, Any]
    network: Mapping[str, Any]


class Trials:
    """The modules of one factory, tried one after the other."""

    def __init__(self, factory: Factory, interface: Interface, asked: ModuleOptions) -> None:
        self._factory = factory
        self._interface = interface
        self._asked = asked
        self._framework = TorchFramework(asked.device)
        self._tried = factory.tried
        self._dtype = "float64"
        self._order = PlaceOrder()
        self._supports: dict[str, Any] = {"empty": ["m"], "projection": "fewer"}
        self._why: dict[str, str] = {}

    def understood(self, name: str) -> Understood:
        """All that is understood of the modules. Raises `UnusableModule`."""
        told_by = self._read_weights_and_form()
        if self._interface.is_cell:
            self._supports.update(layers=1, directions=1, lengths=False, projection=False)
        else:
            if not self._factory.trained:
                self._try_options()
            self._try_lengths()
        self._try_calls()
        adapter, reading = self._adapter(), self._singles[False].reading
        functions = adapter.functions()
        if self._supports.get("gradients") is False:
            functions = {each: function for each, function in functions.items() if "backward" not in each}
        facts = {
            "module": name,
            "like": self._interface.name,
            "weights": told_by,
            "gates": gates_of(reading),
            "joined": joined_order(reading),
            "places": self._order.words,
            "time": "stepped" if self._interface.is_cell else "first" if self._form.time_first else "second",
            "states": self._form.states,
            "lengths": self._form.lengths,
            "device": self._asked.device,
            "limits": self._why,
        }
        network: dict[str, Any] = {}
        if self._factory.trained:
            network.update(kind=self._interface.kind, directions=self._tried.directions)
            network.update(activation=self._tried.activation, parameters=adapter.parameters(self._tried))
        return Understood(functions, self._supports, facts, network)

    def _adapter(self, **other: Any) -> Adapter:
        how = {"order": self._order, **other}
        how.setdefault("singles", getattr(self, "_singles", None))
        how.setdefault("form", getattr(self, "_form", None))
        return Adapter(self._factory, self._interface, self._framework, **how)

    def _single(self, sizes: Sizes) -> tuple[str, list[Single]]:
        """What told the readings of a module of one layer and direction, and each of them."""
        shapes = self._shapes(sizes)
        if len(sizes.places) > 1:
            shapes = first_place(shapes)
        found = readings(shapes, self._interface, sizes, self._asked)
        return found.by, [Single(shapes, reading) for reading in found.each]

    def _shapes(self, sizes: Sizes) -> dict[str, Extents]:
        """The shapes of the weights of a module of these sizes."""
        module = self._factory(sizes)
        called = self._factory.called(module)
        self._forward = getattr(called, "forward", called)
        return {name: tuple(each.shape) for name, each in self._framework.weights(module).items()}

    def _read_weights_and_form(self) -> str:
        """Find the reading of the weights and the form of a call; what told the reading."""
        try:
            told_by, singles = self._single(self._tried)
        except UnusableModule:
            raise
        except Exception as error:  # of code that is not ours
            sizes = f"{self._tried.n_x} inputs and {self._tried.n_a} units"
            raise UnusableModule(f"its constructor fails for {sizes}: {one_line(error)}") from None
        errors, why = self._errors(singles)
        if not errors:
            self._dtype = "float32"
            errors, _ = self._errors(singles)
            self._limit("dtypes", ["float32"], f"in float64 it raises {why}")
        if not errors:
            raise UnusableModule(f"none of the calls that {self._interface.name} takes works: {why}", stage=1)
        least = {form: min(errors[each] for each in errors if each[0] == form) for form, _ in errors}
        self._form = next((form for form in least if least[form] <= FITS), next(iter(least)))
        of_form = {number: error for (form, number), error in errors.items() if form == self._form}
        at = only_fit([each.reading for each in singles], of_form, self._interface) if len(singles) > 1 else 0
        self._singles = {False: singles[at]}
        x, states, parameters, options = question(self._interface, self._tried, dtype=self._dtype)
        halved = [{name: array / 2 for name, array in p.items()} for p in parameters]
        adapter = self._adapter()
        before, after = (adapter.run(x, states, each, options)[0] for each in (parameters, halved))
        self._factory.shares = not np.array_equal(before, after)
        if self._form.states == "none":
            self._limit("initial_state", False, "its forward pass takes none")
        return told_by

    def _errors(self, singles: list[Single]) -> tuple[dict[tuple[Form, int], float], str]:
        """How far each reading is off in each form in which the module can be called; and the first error."""
        errors: dict[tuple[Form, int], float] = {}
        not_in_time: dict[tuple[Form, int], float] = {}
        why = ""
        for form in forms(self._forward, self._interface, self._factory.batch_first):
            for number, single in enumerate(singles):
                adapter = self._adapter(singles={False: single}, form=form)
                try:
                    error = off_by(adapter, self._interface, self._tried, dtype=self._dtype)
                    in_time = self._interface.is_cell or carries_on(
                        adapter, self._interface, self._tried, dtype=self._dtype
                    )
                except Exception as wrong:  # of code that is not ours
                    why = why or one_line(wrong)
                    break
                (errors if in_time else not_in_time)[form, number] = error
            if any(way == form and error <= FITS for (way, _), error in errors.items()):
                break
        return errors or not_in_time, why

    def _limit(self, key: str, value: Any, why: str) -> None:
        self._supports[key] = value
        self._why[key] = why

    def _try_options(self) -> None:
        deep, wide = replace(self._tried, layers=2), replace(self._tried, directions=2)
        both = replace(deep, directions=2)
        if why := self._lacking("num_layers", deep):
            self._limit("layers", 1, why)
        if why := self._lacking("bidirectional", wide):
            self._limit("directions", 1, why)
        elif "layers" not in self._supports and (why := self._lacking("bidirectional", both)):
            self._limit("stacked_directions", 1, why)
        if self._interface.kind == "lstm" and (
            why := self._lacking("proj_size", replace(self._tried, n_p=3))
        ):
            self._limit("projection", False, why)
        if self._interface.kind == "rnn" and (
            why := self._lacking("nonlinearity", replace(self._tried, activation="relu"))
        ):
            self._limit("activations", ["tanh"], why)

    def _lacking(self, option: str, sizes: Sizes) -> str:
        """Why the module does not do what these sizes need; empty where it does, or is to be judged on it."""
        if option not in self._factory.names:
            fixed = self._asked.fixed.get(option)
            return "its constructor has none" if fixed is None else f"{option}={fixed!r} is fixed"
        try:
            if sizes.n_p and self._shapes(sizes) != self._singles[False].shapes:
                _, (self._singles[True], *_) = self._single(sizes)
            is_told = sizes.directions == 1 or tell_directions([*self._shapes(sizes)])
            errors = {
                order: off_by(self._adapter(order=order), self._interface, sizes, dtype=self._dtype)
                for order in ([self._order] if is_told else ORDERS)
                if is_told or self._adapter(order=order).has_places(sizes)
            }
            self._order = min(errors, key=errors.__getitem__, default=self._order)
        except UnusableModule as error:
            return str(error)
        except Exception as error:  # of code that is not ours
            return f"it refuses {option}: {one_line(error)}" if is_refusal(error) else ""
        return ""

    def _try_lengths(self) -> None:
        errors: dict[Form, float] = {}
        for form in with_lengths(self._form, self._forward):
            try:
                adapter = self._adapter(form=form)
                errors[form] = off_by(
                    adapter, self._interface, self._tried, dtype=self._dtype, lengths=[4, 3, 1]
                )
            except Exception:  # of code that is not ours
                continue
        if errors:
            self._form = min(errors, key=errors.__getitem__)
        else:
            self._limit("lengths", False, "it takes neither packed sequences nor an argument for lengths")

    def _try_calls(self) -> None:
        """Try the other precisions, no samples, what it returns, and gradients."""
        if "dtypes" not in self._supports and (why := self._refusal(dtype="float16")):
            self._limit("dtypes", ["float64", "float32"], why)
        if why := self._refusal(dtype=self._dtype, samples=0):
            self._limit("empty", [], why)
        empty: Mapping[str, Any] = {"n_x": {"sizes": replace(self._tried, n_x=0)}, "T_x": {"steps": 0}}
        self._supports["empty"] += [name for name, how in empty.items() if self._works(how)]
        x, states, parameters, options = question(self._interface, self._tried, dtype=self._dtype)
        answer = self._adapter().run(x, states, parameters, options)
        if answer[-1] is None:
            self._limit("c_last", False, "it returns none")
        try:
            incoming = [each for each in answer if each is not None]
            *_, gradients = self._adapter().differentiated(incoming, x, states, parameters, options)
            if not any(each.any() for p in gradients for each in p.values()):
                self._limit("gradients", False, "none reaches its weights")
        except Exception as error:  # of code that is not ours
            if is_refusal(error) or "does not require grad" in str(error):
                self._limit("gradients", False, one_line(error))

    def _works(self, how: Mapping[str, Any]) -> bool:
        """Whether a call works that torch's own layers refuse."""
        try:
            asked = {"sizes": self._tried, "dtype": self._dtype, **how}
            return off_by(self._adapter(), self._interface, **asked) <= FITS
        except Exception:  # of code that is not ours
            return False

    def _refusal(self, **how: Any) -> str:
        """The words in which a call is refused; empty where it is not."""
        try:
            off_by(self._adapter(), self._interface, self._tried, **how)
        except Exception as error:  # of code that is not ours
            return one_line(error) if is_refusal(error) else ""
        return ""
