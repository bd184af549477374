"""Finds by trial calls how a module is called, its options, and the reading of its weights that fits."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from oracle.modules.adapter import Adapter, Single
from oracle.modules.factory import Factory
from oracle.modules.fitting import FITS, depends_on, off_by, only_fit, question
from oracle.modules.forms import Form, forms, forms_of_lengths, with_lengths
from oracle.modules.interface import ModuleOptions, Sizes, UnusableModule, is_refusal, one_line
from oracle.modules.places import first_place, tell_directions
from oracle.modules.roles import Extents, gates_of, joined_order, order_of, readings


class Understood(NamedTuple):
    """The functions of a module, its limits in the form of `SUPPORTS`, and the facts for the user.

    For a trained module, `network` has its `kind`, `directions`, `activation` and `parameters`.
    """

    functions: Mapping[str, Callable[..., Any]]
    supports: Mapping[str, Any]
    facts: Mapping[str, Any]
    network: Mapping[str, Any]


class Trials:
    """Calls the modules of one factory, to understand them."""

    def __init__(self, factory: Factory, stated: ModuleOptions) -> None:
        self._factory, self._stated, self._interface = factory, stated, factory.interface
        self._tried, self._dtype = factory.tried, "float64"
        self._supports: dict[str, Any] = {"empty": ["m"]}
        self._why: dict[str, str] = {}

    def understood(self, name: str) -> Understood:
        """Everything that was understood, after all trials. Raises `UnusableModule`."""
        determined_by = self._find_reading_and_form()
        if self._interface.is_cell:
            self._supports.update(layers=1, directions=1, lengths=False, projection=False)
        elif not self._factory.trained:
            self._try_options()
        if not self._interface.is_cell:
            self._try_lengths()
        self._try_calls()
        reading, adapter = self._singles[False].reading, self._adapter()
        functions = adapter.functions()
        if self._supports.get("gradients") is False:
            functions = {each: function for each, function in functions.items() if "backward" not in each}
        facts = {
            "module": name,
            "like": self._interface.name,
            "weights": determined_by,
            "gates": gates_of(reading),
            "joined": joined_order(reading),
            "fits": self._fits,
            "time": "stepped" if self._interface.is_cell else "first" if self._form.time_first else "second",
            "states": self._form.states,
            "lengths": self._form.lengths,
            "device": self._stated.device,
            "dtypes": self._supports.get("dtypes", []),
            "other_modes": [*self._other_modes()],
            "limits": self._why,
        }
        network: dict[str, Any] = {}
        if self._factory.trained:
            network.update(kind=self._interface.kind, directions=self._tried.directions)
            network.update(activation=self._tried.activation, parameters=adapter.parameters())
        return Understood(functions, self._supports, facts, network)

    def _adapter(self, **other: Any) -> Adapter:
        singles, form = other.get("singles") or self._singles, other.get("form") or self._form
        return Adapter(self._factory, singles, form)

    def _shapes(self, sizes: Sizes) -> dict[str, Extents]:
        weights = self._factory.built(sizes, self._dtype).weights
        return {name: tuple(each.shape) for name, each in weights.items()}

    def _single(self, sizes: Sizes) -> tuple[str, list[Single]]:
        """The possible modules of one layer and direction, and what determined their readings."""
        shapes = self._shapes(sizes)
        shapes = first_place(shapes) if sizes.places > 1 else shapes
        found = readings(shapes, self._interface, sizes, self._stated)
        return found.by, [Single(shapes, reading) for reading in found.each]

    def _find_reading_and_form(self) -> str:
        """Find the reading of the weights and the form of a call; returns what determined the reading."""
        try:
            determined_by, singles = self._single(self._tried)
            called = self._factory.called(self._factory.built(self._tried, self._dtype).module)
        except UnusableModule as error:
            raise self._factory.advised(error) from None
        except Exception as error:  # raised by the user's code
            sizes = f"{self._tried.n_x} inputs and {self._tried.n_a} units"
            raise UnusableModule(f"it cannot be made for {sizes}: {one_line(error)}") from None
        self._forward = getattr(called, "call" if "keras" in self._interface.name else "forward", called)
        if self._stated.gates and all(gates_of(each.reading) not in self._stated.gates for each in singles):
            found = gates_of(singles[0].reading)
            raise UnusableModule(f"{determined_by} tell the order of its gates, {found}: leave out --gates")
        errors, why = self._errors(singles, forms)
        if not errors:
            errors, _ = self._errors(singles, forms_of_lengths)
        if not errors:
            self._dtype = "float32"
            errors, _ = self._errors(singles, forms)
            self._limit("dtypes", ["float32"], why)
        if not errors:
            raise UnusableModule(f"none of the calls of {self._interface.name} works: {why}", stage=1)
        least = {form: min(each) for form, each in errors.items()}
        self._form = min(least, key=lambda form: (least[form] > FITS, np.isinf(least[form])))
        self._by_fit = len(singles) > 1
        self._fits = self._fitting_order(singles[0].shapes) if least[self._form] > FITS else ""
        if self._by_fit and self._fits:
            wrong = f"its gates are not in the stated order, {self._stated.gates}"
            raise UnusableModule(wrong, stage=2, gates=self._fits)
        every = [each.reading for each in singles]
        self._singles = {False: singles[only_fit(every, errors[self._form], self._interface.network)]}
        if self._form.states == "none":  # states that are taken and ignored are judged
            time_first = self._form.time_first
            others = [form for form in least if form.states != "none" and form.time_first == time_first]
            self._form = min(others, key=least.__getitem__, default=self._form)
        adapter = self._adapter()
        self._factory.shares = self._depends_on("weights", adapter)
        if not adapter.returns_states:
            self._limit("layers", 1, "it returns no last states of the layers")
        if self._form.states == "none":
            self._limit("initial_state", False, "its forward pass takes none")
        return determined_by

    def _fitting_order(self, shapes: Mapping[str, Extents]) -> str:
        """The only order of the gates that fits, if the stated order does not; empty if there is none."""
        if not self._stated.gates:
            return ""
        found = readings(shapes, self._interface, self._tried, replace(self._stated, gates=""))
        adapters = [(each, self._adapter(singles={False: Single(shapes, each)})) for each in found.each]
        fitting = [order_of(each) for each, adapter in adapters if self._off_by(adapter) <= FITS]
        return fitting[0] if len(fitting) == 1 else ""

    def _errors(
        self, singles: Sequence[Single], ways: Callable[..., Iterator[Form]]
    ) -> tuple[dict[Form, list[float]], str]:
        """The error of each reading in each form that works, and the message of the first exception.

        A form in which later steps do not depend on the first step counts only if there is no other form.
        """
        errors: dict[Form, list[float]] = {}
        others, why = dict(errors), ""
        for form in ways(self._forward, self._interface, self._factory.batch_first):
            adapters = [self._adapter(singles={False: single}, form=form) for single in singles]
            try:
                found = [*map(self._off_by, adapters)]
                is_in_time = self._interface.is_cell or self._depends_on("x", adapters[0])
            except Exception as wrong:  # raised by the user's code
                why = why or one_line(wrong)
                continue
            (errors if is_in_time else others)[form] = found
            if is_in_time and min(found) <= FITS:
                break
        return errors or others, why

    def _off_by(self, adapter: Adapter, **how: Any) -> float:
        return off_by(adapter, self._interface, **{"sizes": self._tried, "dtype": self._dtype, **how})

    def _depends_on(self, what: str, adapter: Adapter) -> bool:
        return depends_on(adapter, self._interface, self._tried, what, self._dtype)

    def _limit(self, key: str, value: Any, why: str) -> None:
        if why:
            self._supports[key], self._why[key] = value, why

    def _try_options(self) -> None:
        tried = self._tried
        deep, wide = replace(tried, layers=2), replace(tried, directions=2)
        self._limit("layers", 1, self._lacking("num_layers", deep))
        self._limit("directions", 1, self._lacking("bidirectional", wide))
        if not {"layers", "directions"} & {*self._supports}:
            both = replace(deep, directions=2)
            self._limit("stacked_directions", 1, self._lacking("bidirectional", both))
        if self._interface.kind == "rnn":
            self._limit(
                "activations", ["tanh"], self._lacking("nonlinearity", replace(tried, activation="relu"))
            )
        else:
            self._supports["projection"] = "fewer"
            self._limit("projection", False, self._lacking("proj_size", replace(tried, n_p=3)))

    def _lacking(self, option: str, sizes: Sizes) -> str:
        """The reason why the module lacks an option; empty if it has the option, or must be judged on it."""
        if option not in self._factory.names:
            return self._factory.why_lacking(option)
        try:
            shapes = self._shapes(sizes)
            if sizes.n_p and shapes != self._singles[False].shapes:
                _, (self._singles[True], *_) = self._single(sizes)
            is_told = not self._by_fit and (sizes.directions == 1 or tell_directions(shapes))
            is_ignored = shapes == self._singles[False].shapes
            wrong = self._off_by(self._adapter(), sizes=sizes) > FITS
            if wrong and not (is_told or is_ignored) and self._is_exchanged(sizes):
                return f"with {option} its weights of both directions are exchanged: no name tells them"
        except UnusableModule as error:
            return error.why
        except Exception as error:  # raised by the user's code
            return f"it refuses {option}: {one_line(error)}" if is_refusal(error) else ""
        return ""

    def _is_exchanged(self, sizes: Sizes) -> bool:
        """Whether the module is right if the weights of both directions are exchanged in some layers.

        If it is wrong in all of these orders, too, it is judged in the usual order.
        """
        if sizes.directions == 1:
            return False
        orders = product(*([(2 * k, 2 * k + 1), (2 * k + 1, 2 * k)] for k in range(sizes.layers)))
        adapter = self._adapter()
        return any(self._off_by(adapter, sizes=sizes, order=sum(each, ())) <= FITS for each in orders)

    def _try_lengths(self) -> None:
        errors: dict[Form, float] = {}
        none = "it takes neither packed sequences nor an argument for lengths"
        for form in with_lengths(self._form, self._forward):
            try:
                errors[form] = self._off_by(self._adapter(form=form), lengths=np.array([4, 3, 1]))
            except Exception as error:  # raised by the user's code
                none = f"{form.names[1]} raises {one_line(error)}" if form.lengths != "packed" else none
        self._form = min(errors, key=errors.__getitem__, default=self._form)
        self._limit("lengths", False, self._refusal(lengths=np.array([3, 4, 1])) if errors else none)

    def _try_calls(self) -> None:
        """Try other precisions, empty sizes, the returned states, and gradients."""
        if self._dtype == "float64":
            self._limit("dtypes", ["float64", "float32"], self._refusal(dtype="float16"))
        no_samples = "there are no lengths of no samples" if self._form.always else self._refusal(samples=0)
        self._limit("empty", [], no_samples)
        empty: Mapping[str, Any] = {"n_x": {"sizes": replace(self._tried, n_x=0)}, "T_x": {"steps": 0}}
        self._supports["empty"] += [name for name, how in empty.items() if self._answers(how)]
        x, states, parameters, options = question(self._interface, self._tried, dtype=self._dtype)
        answer = self._adapter().run(x, states, parameters, options)
        if answer[-1] is None:
            self._limit("c_last", False, "it returns none")
            self._limit("gradients", False, "it does not return its last memory states")
            return
        if self._form.states == "none":
            self._limit("gradients", False, "it takes no initial states")
            return
        try:
            given = (x, states, parameters, options)
            *_, gradients = self._adapter().gradients([each for each in answer if each is not None], *given)
            reaches = any(each.any() for p in gradients for each in p.values())
            self._limit("gradients", False, "" if reaches else "none reaches its weights")
        except Exception as error:  # raised by the user's code
            is_none = is_refusal(error) or "does not require grad" in str(error)
            self._limit("gradients", False, one_line(error) if is_none else "")

    def _other_modes(self) -> Iterator[str]:
        """The modes in which the module gives other numbers than in evaluation mode without gradients."""
        adapter = self._adapter()
        given = question(self._interface, self._tried, dtype=self._dtype)
        first = adapter.run(*given)[0]

        def differs(adapter: Adapter) -> bool:
            return not np.allclose(adapter.run(*given)[0], first, rtol=0, atol=FITS)

        if differs(adapter):
            yield "every call"
            return
        with sys.modules["torch"].inference_mode():
            if differs(adapter):
                yield "inference mode"
        self._factory.in_training = True
        if differs(self._adapter()):
            yield "training mode"
        self._factory.in_training = False

    def _answers(self, how: Mapping[str, Any]) -> bool:
        """Whether a call that torch's own layers refuse returns an answer, right or wrong."""
        try:
            self._off_by(self._adapter(), **how)
        except Exception:  # raised by the user's code
            return False
        return True

    def _refusal(self, **how: Any) -> str:
        """The message with which a call is refused; empty if it is not refused."""
        try:
            self._off_by(self._adapter(), **how)
        except Exception as error:  # raised by the user's code
            return one_line(error) if is_refusal(error) else ""
        return ""
