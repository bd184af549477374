"""What is torch's own in judging a module: its weights, its calls, its gradients.

Torch is imported when a module is there, which has imported it: the process of a target may have no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from oracle.layout import plain
from oracle.modules.forms import Form, given_states, read
from oracle.modules.interface import Interface, Sizes
from reference.contract import Array


class TorchFramework:
    """Modules of torch, in evaluation mode on a device. Arrays have the axes of the contract of layers."""

    def __init__(self, device: str = "cpu") -> None:
        import torch

        self._torch = torch
        self._device = device

    def ready(self, module: Any, dtype: str) -> Any:
        """The module in a precision, on the device, without dropout."""
        return module.to(device=self._device, dtype=getattr(self._torch, dtype)).eval()

    def weights(self, module: Any) -> dict[str, Any]:
        """The parameters by the names in the state dict, or else in the module."""
        stored = module.state_dict(keep_vars=True)
        named = {name: each for name, each in stored.items() if isinstance(each, self._torch.nn.Parameter)}
        known = {id(each) for each in named.values()}
        more = {name: each for name, each in module.named_parameters() if id(each) not in known}
        return {**named, **more}

    def set(self, weight: Any, array: Array) -> None:
        """Copy an array into a weight."""
        with self._torch.no_grad():
            weight.copy_(self._tensor(array))

    def run(
        self, module: Any, form: Form, interface: Interface, sizes: Sizes, given: Sequence[Any], lengths: Any
    ) -> list[Any]:
        """The output and the last states that the module returns for the input and the initial states.

        A state may be `None`. Where the module does not return its last states, an empty list follows.
        """
        with self._torch.no_grad():
            _, returned = self._call(module, form, interface, sizes, given, lengths)
        return self._as_arrays(returned)

    def gradients(
        self,
        called: Any,
        module: Any,
        form: Form,
        interface: Interface,
        sizes: Sizes,
        given: Sequence[Any],
        lengths: Any,
        incoming: Sequence[Array],
    ) -> tuple[list[Any], dict[str, Array]]:
        """By autograd: those by the input and the given states, and those by the weights, by name."""
        leaves, (output, *last) = self._call(called, form, interface, sizes, given, lengths)
        weights = self.weights(module)
        da, *by_last = incoming
        by_returned = [
            self._tensor(da.transpose(2, 1, 0)),
            *(self._tensor(each.transpose(0, 2, 1)) for each in by_last),
        ]
        found = self._torch.autograd.grad(
            [output, *last],
            [*leaves, *weights.values()],
            [each.to(tensor.dtype) for each, tensor in zip(by_returned, [output, *last])],
            allow_unused=True,
            materialize_grads=True,
        )
        dx, *by_states = self._as_arrays(found[: len(leaves)])
        by_name = {name: self.array(each) for name, each in zip(weights, found[len(leaves) :])}
        return [dx, *by_states], by_name

    def _call(
        self, module: Any, form: Form, interface: Interface, sizes: Sizes, given: Sequence[Any], lengths: Any
    ) -> tuple[list[Any], list[Any]]:
        """The leaves of the graph, and what the module made of them, with time first."""
        torch = self._torch
        x, *states = given
        steps = self._leaf(x.transpose(2, 1, 0))
        initial = [None if each is None else self._leaf(each.transpose(0, 2, 1)) for each in states]
        leaves = [steps, *(each for each in initial if each is not None)]
        for name, state in zip(("a0", "c0"), initial):
            if state is not None and state.shape[0] != len(sizes.places):
                raise ValueError(f"{name} has {state.shape[0]} states, expected {len(sizes.places)}")
        if leaves[1:] or form.states == "none" or interface.is_cell:
            counts = [sizes.n_h, sizes.n_a]
            shapes = [(len(sizes.places), steps.shape[1], count) for count in counts]
            initial = [
                steps.new_zeros(shape) if each is None else each for each, shape in zip(initial, shapes)
            ]
            arguments, named = given_states(form, initial)
        else:
            arguments, named = [], {}
        if interface.is_cell:
            return leaves, self._stepped(module, form, interface, sizes, steps, initial)
        value = steps if form.time_first else steps.transpose(0, 1)
        if lengths is not None and steps.shape[1]:
            counts_of_steps = torch.as_tensor(plain(np.asarray(lengths)), dtype=torch.int64)
            if form.lengths == "packed":
                value = torch.nn.utils.rnn.pack_padded_sequence(
                    value, counts_of_steps, batch_first=not form.time_first, enforce_sorted=False
                )
            else:
                named[form.lengths_keyword] = self._lengths(
                    form, counts_of_steps.to(self._device), len(steps)
                )
        output, last = read(
            module(value, *arguments, **named), form, interface, sizes, self._is_tensor, torch.stack
        )
        if isinstance(output, torch.nn.utils.rnn.PackedSequence):
            output, _ = torch.nn.utils.rnn.pad_packed_sequence(output, total_length=len(steps))
        elif not form.time_first and output.ndim == 3:
            output = output.transpose(0, 1)
        if lengths is not None and form.lengths not in ("", "packed"):  # nobody says what is beyond the end
            within = torch.arange(len(steps))[:, None] < torch.as_tensor(np.asarray(lengths, np.int64))
            output = torch.where(within[:, :, None].to(self._device), output, output.new_zeros(()))
        return leaves, [output, *last]

    def _stepped(
        self, module: Any, form: Form, interface: Interface, sizes: Sizes, steps: Any, states: list[Any]
    ) -> list[Any]:
        """A cell, called step by step."""
        every = []
        for step in steps:
            arguments, named = given_states(form, states)
            returned = module(step, *arguments, **named)
            _, states = read(returned, form, interface, sizes, self._is_tensor, self._torch.stack)
            every.append(states[0][0])
        return [self._torch.stack(every), *states]

    def _lengths(self, form: Form, counts: Any, steps: int) -> Any:
        if form.lengths == "fractions":
            return counts / steps
        if form.lengths == "mask":
            return self._torch.arange(steps, device=counts.device) < counts[:, None]
        return counts

    def _is_tensor(self, value: Any) -> bool:
        return isinstance(value, (self._torch.Tensor, self._torch.nn.utils.rnn.PackedSequence))

    def _tensor(self, array: Array) -> Any:
        return self._torch.from_numpy(plain(array)).to(self._device)

    def _leaf(self, array: Array) -> Any:
        return self._tensor(array).requires_grad_(self._torch.is_grad_enabled())

    def _as_arrays(self, tensors: Sequence[Any]) -> list[Any]:
        """A sequence and states, with the axes of the contract."""
        first, *rest = tensors
        return [self.array(first.transpose(0, 2)), *(self.array(each.transpose(1, 2)) for each in rest)]

    def array(self, tensor: Any) -> Array:
        """A tensor as it is; bfloat16, which NumPy has not, as the float32 of the same values."""
        tensor = tensor.detach().cpu()
        return np.asarray((tensor.float() if tensor.dtype == self._torch.bfloat16 else tensor).numpy())
