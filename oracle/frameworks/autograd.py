"""Gradients by the automatic differentiation of frameworks that several adapters use.

Each function is a `gradients` argument of `oracle.frameworks.functions.layers_of`, and imports its framework.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oracle.modules import torch_gradients
from reference.contract import Array


def by_torch(
    function: Callable[..., Sequence[Any]], leaves: Sequence[Any], incoming: Sequence[Array]
) -> list[Array]:
    """The gradients by `torch.autograd.grad`; 0 for a leaf that no output depends on."""
    import torch

    leaves = [leaf.requires_grad_() for leaf in leaves]
    outputs = function(*leaves)
    by_outputs = [torch.from_numpy(d).to(output.dtype) for d, output in zip(incoming, outputs)]
    return [each.numpy() for each in torch_gradients(outputs, leaves, by_outputs)]


def by_jax(
    function: Callable[..., Sequence[Any]], leaves: Sequence[Any], incoming: Sequence[Array]
) -> list[Array]:
    """The gradients by `jax.vjp`."""
    import jax

    outputs, pulled_back = jax.vjp(function, *leaves)
    return [np.asarray(each) for each in pulled_back(type(outputs)(map(jax.numpy.asarray, incoming)))]


def by_tensorflow(
    function: Callable[..., Sequence[Any]], leaves: Sequence[Any], incoming: Sequence[Array]
) -> list[Array]:
    """The gradients by `tf.GradientTape`; 0 for a leaf that no output depends on."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(leaves)
        outputs = function(*leaves)
    zero = tf.UnconnectedGradients.ZERO
    found = tape.gradient(outputs, leaves, [*map(tf.constant, incoming)], unconnected_gradients=zero)
    return [each.numpy() for each in found]
