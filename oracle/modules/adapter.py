"""Calls modules as functions of layers: builds a module for the sizes of a call, and sets its weights."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from oracle.modules.calls import CallForm
from oracle.modules.factory import BuiltModule, Factory
from oracle.modules.interface import Sizes, UnusableModule, WrongModule
from oracle.modules.weights import Reading, by_the_frameworks_names, locate_tensors
from oracle.weights.layout import plain
from reference.contract import Array, Kind, direction_shapes, extents, hidden_units

Parameters = Sequence[Mapping[str, Array]]
Options = Mapping[str, Any]


@lru_cache(maxsize=64)
def parameter_indices(kind: Kind, sizes: Sizes) -> list[dict[str, Array]]:
    """Return parameters in which each entry is its own index in the array that `flat` returns."""
    symbols = {"n_x": sizes.n_x, "n_a": sizes.n_a, "n_h": sizes.n_h, "n_p": sizes.n_p, "D": sizes.directions}
    parameters, start = [], 0
    for k in range(sizes.n_parameter_dicts):
        p = {}
        for name, shape in sorted(direction_shapes(kind, k // sizes.directions, sizes.n_p > 0).items()):
            numbers = extents(shape, symbols)
            p[name] = np.arange(start, start + np.prod(numbers, dtype=int)).reshape(numbers)
            start += p[name].size
        parameters.append(p)
    return parameters


def flat(parameters: Parameters) -> Array:
    """Return all entries of parameters in one array."""
    return np.concatenate([p[name].ravel() for p in parameters for name in sorted(p)])


def _unflat(values: Array, kind: Kind, sizes: Sizes, prefix: str = "") -> list[dict[str, Array]]:
    """Undo `flat`; the names get the prefix."""
    return [{prefix + name: values[at] for name, at in p.items()} for p in parameter_indices(kind, sizes)]


@dataclass(eq=False)
class Adapter:
    """Computes the functions of layers by the modules of a factory, all called in the same form.

    Modules get copies of the arrays, in C order. Parameters of wrong shapes raise `ValueError` before a
    module is called; the shapes of other arrays are not checked. `reading` describes a module of one layer
    and direction, without a projection. If `form` has lengths, they are passed in every call. `with_lengths`
    are the forms of calls with lengths, by default `form`; the sum of the lengths chooses one. `in_training`
    puts modules in training mode. `returns_states` is true until a call shows that the module returns no
    last states.
    """

    factory: Factory
    reading: Reading
    form: CallForm
    with_lengths: Sequence[CallForm] = ()
    in_training: bool = False
    returns_states: bool = field(default=True, init=False)
    _sources_of: dict[Sizes, dict[str, tuple[Array, int]]] = field(default_factory=dict, init=False)

    @property
    def kind(self) -> Kind:
        """The kind of network."""
        return self.factory.interface.kind

    def _sources(self, built: BuiltModule, sizes: Sizes) -> dict[str, tuple[Array, int]]:
        """For each weight, the indices of its entries in `flat` parameters, and which half of these it gets.

        If the module adds two biases, the first gets half 1 and the second half 2. Any other weight gets all,
        so its number is 0. Raises `UnusableModule` if the names do not tell layers and directions, and
        `WrongModule` if no order of layers and directions explains the shapes.
        """
        shapes = built.shapes
        named = by_the_frameworks_names(shapes, self.factory.interface, sizes) if sizes.n_p else {}
        reading = named or self.reading
        found, of_each = locate_tensors(shapes, reading, sizes), parameter_indices(self.kind, sizes)
        if not found:
            longest = max(shapes, key=len)
            raise UnusableModule(f"names such as {longest} do not tell the places of its weights")
        entries = {name: reading[own].of(self.kind, of_each[k]) for name, (k, own) in found.items()}
        counts = {name: int(np.prod(shape)) for name, shape in shapes.items()}
        for name in (name for name, array in entries.items() if array.size != counts[name]):
            if sorted(each.size for each in entries.values()) == sorted(counts.values()):
                raise UnusableModule(f"its weights stand in another order: {name} has shape {shapes[name]}")
            options = ", ".join(f"{option}={value}" for option, value in sizes.options.items())
            raise WrongModule(f"{name} has shape {shapes[name]}, expected {entries[name].shape} of {options}")
        halves = {"b": 1, "": 2} if any(not role.side for role in reading.values()) else {}
        return {
            name: (entries[name].reshape(shapes[name]), halves.get(reading[own].side, 0))
            for name, (_, own) in found.items()
        }

    def _filled(self, x: Array, parameters: Parameters, options: Options) -> tuple[Sizes, BuiltModule]:
        """Return the sizes of a call, and a module of these sizes with the parameters as its weights."""
        D, activation = options.get("directions", 1), options.get("activation", "tanh")
        n_a, n_p = hidden_units(parameters[0]), len(parameters[0].get("Wp", ()))
        sizes = Sizes(len(x), n_a, len(parameters) // D, D, n_p, activation)
        for p, expected in zip(parameters, parameter_indices(self.kind, sizes)):
            for name, array in expected.items():
                if p[name].shape != array.shape:
                    raise ValueError(f"{name} has shape {p[name].shape}, expected {array.shape}")
        factory, dtype, values = self.factory, x.dtype.name, flat(parameters)
        if factory.converts_anew:
            built = factory.parts(factory.build(sizes, dtype))
        else:
            built = factory.cached_module(sizes, dtype, self.in_training)
        if sizes not in self._sources_of:
            self._sources_of[sizes] = self._sources(built, sizes)
        with sys.modules["torch"].no_grad():
            for name, (entries, half) in self._sources_of[sizes].items():
                whole, one = values[entries], values[entries] / 2
                other = np.where(one == whole, one, whole - one)  # infinity minus infinity is NaN
                built.weights[name].copy_(self._tensor((whole, one, other)[half]))
        if factory.converts_anew:
            built = replace(factory.converted(built.module, sizes, self.in_training), weights=built.weights)
        return sizes, built

    def parameters(self) -> list[dict[str, Array]]:
        """Return the parameters of a trained module. If it has two biases, the parameters have their sum."""
        sizes = self.factory.tried
        trained = self.factory.parts(self.factory.construct(sizes))
        weights = {name: _array(each) for name, each in trained.weights.items()}
        values = np.zeros(len(flat(parameter_indices(self.kind, sizes))), next(iter(weights.values())).dtype)
        for name, (entries, _) in self._sources(trained, sizes).items():
            values[entries] += weights[name]
        return _unflat(values, self.kind, sizes)

    def run(self, x: Array, *given: Any) -> tuple[Any, ...]:
        """Return the output and the last states; `None` for last memory states that the module hides."""
        *states, parameters, options = given
        sizes, built = self._filled(x, parameters, options)
        tensors = self._tensors([x, *states])
        with sys.modules["torch"].no_grad():
            answer = self._answer(built, sizes, tensors, options.get("lengths"))
        for array, value in zip((x, *states), _arrays(tensors)):
            if array is not None and not np.array_equal(array, value, equal_nan=True):
                array[...] = value  # the module wrote to its input
        return (*_arrays(answer), *[None] * (1 + len(states) - len(answer)))

    def gradients(self, *given: Any) -> tuple[Any, ...]:
        """The gradients with respect to the input, each initial state, and the parameters, by autograd.

        The gradients of initial states are `None` if the module takes no states. The arguments are the
        gradients with respect to the output and each last state, followed by the arguments of `run`.
        """
        n = len(given) // 2 - 1
        incoming, (x, *states, parameters, options) = given[:n], given[n:]
        sizes, built = self._filled(x, parameters, options)
        leaves = [leaf.requires_grad_() for leaf in self._tensors([x, *states])]
        answer = self._answer(built, sizes, leaves, options.get("lengths"))
        by_answer = [d.to(each.dtype) for d, each in zip(self._tensors(incoming), answer)]
        returned, expected = ([tuple(each.shape) for each in one] for one in (answer, by_answer))
        if returned != expected:
            raise WrongModule(f"it returned shapes {returned}, expected {expected}")
        found = torch_gradients(answer, [*leaves, *built.weights.values()], by_answer)
        of_weights = dict(zip(built.weights, map(_array, found[len(leaves) :])))
        values = np.zeros(len(flat(parameters)), x.dtype)
        for name, (entries, half) in sorted(self._sources_of[sizes].items(), key=lambda item: item[1][1]):
            first, own = values[entries], of_weights[name]
            # Each of two added biases has the gradient of their sum; take the mean, in case they differ.
            values[entries] = mean(first, own) if half == 2 else own
        dx, *by_states = _arrays(found[: len(leaves)])
        of_states = [None] * len(states) if self.form.states == "none" else by_states
        return (dx, *of_states, _unflat(values, self.kind, sizes, "d"))

    def _answer(self, built: BuiltModule, sizes: Sizes, leaves: Sequence[Any], lengths: Any) -> list[Any]:
        """Call a module. Returns the output `(T_x, m, n)` and the last states `(L D, m, n)`."""
        torch, form = sys.modules["torch"], self.form
        steps, *states = leaves
        samples = steps.shape[1]
        shapes = [(sizes.n_parameter_dicts, samples, n) for n in (sizes.n_h, sizes.n_a)][: len(states)]
        if any(each is not None for each in states):
            states = [steps.new_zeros(n) if each is None else each for each, n in zip(states, shapes)]
        else:
            states = []
        for learned in built.learned_states.values():  # replaced by passed states
            learned.detach().fill_(float(bool(states) and form.states != "none"))
        if lengths is None or not samples:  # torch packs no empty batch
            lengths = torch.full((samples,), len(steps)) if form.lengths else None
        else:
            ways, lengths = self.with_lengths or [form], torch.as_tensor(np.array(lengths, np.int64))
            form = ways[int(lengths.sum()) % len(ways)]
        output, last = form.call(built.module, steps, states, shapes, lengths)
        if not last:  # the last hidden states of a layer are in its output
            self.returns_states = False
            ends = torch.full((samples,), len(steps)) if lengths is None else lengths
            forward = output[ends - 1, torch.arange(samples), : sizes.n_h]
            last = [torch.stack([forward, output[0, :, sizes.n_h :]][: sizes.directions])]
        return [output, *last]

    def _tensors(self, arrays: Sequence[Any]) -> list[Any]:
        """Return the tensors for a sequence and states; `None` for an absent state."""
        each = zip(arrays, _AXES)
        return [None if array is None else self._tensor(array.transpose(axes)) for array, axes in each]

    def _tensor(self, array: Array) -> Any:
        return sys.modules["torch"].from_numpy(plain(array)).to(self.factory.device)

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Return the forward and the backward pass, by the names of the contract."""
        forward, backward = f"{self.kind}_layer", f"{self.kind}_layer_backward"
        # The caller sets attributes of the functions, and a bound method takes none.
        return {forward: lambda *given: self.run(*given), backward: lambda *given: self.gradients(*given)}


_AXES = ((2, 1, 0), (0, 2, 1), (0, 2, 1))
"""The transpositions of a sequence and of states between the contract and torch; each is its own inverse."""


def _arrays(tensors: Sequence[Any]) -> list[Any]:
    """The inverse of `Adapter._tensors`."""
    each = zip(tensors, _AXES)
    return [None if tensor is None else _array(tensor).transpose(axes) for tensor, axes in each]


def _array(tensor: Any) -> Array:
    """Return a tensor as an array; bfloat16, which NumPy lacks, becomes float32 with the same values."""
    tensor = tensor.detach().cpu()
    return np.asarray((tensor.float() if tensor.dtype == sys.modules["torch"].bfloat16 else tensor).numpy())


def mean(a: Array, b: Array) -> Array:
    """Return the mean of two arrays, without overflow, whatever the module has chosen by `np.seterr`."""
    with np.errstate(all="ignore"):
        return np.where(a == b, b, a / 2 + b / 2)


def torch_gradients(outputs: Sequence[Any], leaves: Sequence[Any], by_outputs: Sequence[Any]) -> Any:
    """Return the gradient with respect to each leaf; 0 for a leaf that no output depends on.

    Torch raises an error for an output that depends on no leaf, such as the output of no steps. Here such an
    output is left out, and the error is raised only if no output of one step or more depends on a leaf.
    """
    pairs = [(each, d) for each, d in zip(outputs, by_outputs) if each.requires_grad]
    if not (pairs or outputs[0].numel()):
        return [leaf.new_zeros(leaf.shape) for leaf in leaves]
    outputs, by_outputs = zip(*pairs) if pairs else (outputs, by_outputs)
    autograd = sys.modules["torch"].autograd
    with autograd.set_detect_anomaly(False):  # which raises an error for NaN, if the module has chosen it
        return autograd.grad(outputs, leaves, by_outputs, allow_unused=True, materialize_grads=True)
