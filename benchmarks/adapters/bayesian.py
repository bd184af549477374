"""Bayesian layers whose weights have no variance, so that they compute what an LSTM computes.

`Reparameterization` is the layer of Bayesian-Torch, `Converted` what its `dnn_to_bnn` makes of a
`torch.nn.LSTM`, and `WithoutBias` the layer of BLiTZ without a bias.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch

from oracle.frameworks.functions import COMMON_LIMITS, Call
from oracle.weights.layout import Layout
from reference.contract import Array

LAYOUT = Layout("ifco", biases=2)
TIME_FIRST = Layout("ifco", biases=2, axes="tbf")
LIMITS = {
    **COMMON_LIMITS,
    "dtypes": ["float32"],
    "lengths": False,
    "projection": False,
    "gradients": False,
    "absent_states": False,
    "empty": [],
}
WITHOUT_VARIANCE = -200.0  # log(1 + exp(-200)) is 0 in float32
PRIORS = {
    "prior_mu": 0.0,
    "prior_sigma": 1.0,
    "posterior_mu_init": 0.0,
    "posterior_rho_init": WITHOUT_VARIANCE,
    "type": "Reparameterization",
    "moped_enable": False,
}


def set_means(made: Any, weights: Mapping[str, Array]) -> None:
    """Set the means of the weights of a layer of Bayesian-Torch, and their variances to 0."""
    for part, prefix in ((made.ih, ""), (made.hh, "recurrent_")):
        part.mu_weight.data = torch.from_numpy(weights[f"{prefix}weight"])
        part.mu_bias.data = torch.from_numpy(weights[f"{prefix}bias"])
        part.rho_weight.data.fill_(WITHOUT_VARIANCE)
        part.rho_bias.data.fill_(WITHOUT_VARIANCE)


class Reparameterization:
    """`bayesian_torch.layers.LSTMReparameterization`."""

    SUPPORTS: ClassVar = {**LIMITS, "layers": 1, "directions": 1}

    @staticmethod
    @torch.no_grad()
    def lstm_layer(*arguments: Any) -> tuple[Any, ...]:
        """Return the hidden states, and the states that the layer returns."""
        from bayesian_torch.layers import LSTMReparameterization

        call = Call.of(LAYOUT, "lstm", *arguments)
        made = LSTMReparameterization(call.sequence.shape[2], call.units)
        set_means(made, call.weights[0])
        states = tuple(torch.from_numpy(state[0]) for state in call.states)
        a, last, _ = made(torch.from_numpy(call.sequence), states)
        return LAYOUT.from_sequence(a.numpy()), *(each.numpy().transpose() for each in last)


class Converted:
    """`bayesian_torch.models.dnn_to_bnn`, which returns its states for all steps: the last ones are taken."""

    SUPPORTS: ClassVar = {**LIMITS, "initial_state": False}

    @staticmethod
    @torch.no_grad()
    def lstm_layer(*arguments: Any) -> tuple[Any, ...]:
        """Return the outputs, and the last of the states that the layer returns."""
        from bayesian_torch.models.dnn_to_bnn import dnn_to_bnn

        call = Call.of(TIME_FIRST, "lstm", *arguments)
        D, L = call.directions, len(call.weights) // call.directions
        lstm = torch.nn.LSTM(call.sequence.shape[2], call.units, L, bidirectional=D == 2)
        net = torch.nn.Sequential(lstm)
        dnn_to_bnn(net, PRIORS)
        set_means(net[0], call.weights[0])
        a, states = net(torch.from_numpy(call.sequence))
        return TIME_FIRST.from_sequence(a.numpy()), *(each.numpy()[-1:].transpose(0, 2, 1) for each in states)


class WithoutBias:
    """`blitz.modules.BayesianLSTM` with `bias=False`; biases are weights on one more feature, which is 1."""

    SUPPORTS: ClassVar = {**LIMITS, "layers": 1, "directions": 1}

    @staticmethod
    @torch.no_grad()
    def lstm_layer(*arguments: Any) -> tuple[Any, ...]:
        """Return the hidden states and the last states."""
        from blitz.modules import BayesianLSTM

        call = Call.of(LAYOUT, "lstm", *arguments)
        (weights,) = call.weights
        x = np.concatenate([call.sequence, np.ones((*call.sequence.shape[:2], 1), np.float32)], 2)
        joined = np.concatenate([weights["weight"], weights["bias"][:, None]], 1)
        made = BayesianLSTM(x.shape[2], call.units, bias=False)
        for name, weight in (("weight_ih", joined), ("weight_hh", weights["recurrent_weight"])):
            getattr(made, f"{name}_mu").data = torch.from_numpy(np.ascontiguousarray(weight.T))
            getattr(made, f"{name}_rho").data.fill_(WITHOUT_VARIANCE)
        states = tuple(torch.from_numpy(state[0]) for state in call.states)
        a, last = made(torch.from_numpy(x), states)
        return LAYOUT.from_sequence(a.numpy()), *(each.numpy().T[None] for each in last)
