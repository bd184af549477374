"""The pass through a layer of torch is recorded, and two passes are compared."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from oracle.parity.comparison import difference
from oracle.parity.original import run_original


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *product((torch.nn.LSTM, torch.nn.RNN), ({}, {"batch_first": True}, {"bias": False})),
        (torch.nn.LSTM, {"proj_size": 2}),
    ],
)
def test_the_recorded_outputs_are_those_of_the_module(kind: Any, options: Any) -> None:
    torch.manual_seed(0)
    module = kind(3, 4, 2, bidirectional=True, dropout=0.5, **options)
    units = ([4, 4] if kind is torch.nn.LSTM else [4]) if "proj_size" not in options else [2, 4]
    for x, batch in (
        (torch.randn(5, 2, 3), (5 if "batch_first" in options else 2,)),
        (torch.randn(5, 3), ()),
    ):
        states = tuple(torch.randn(4, *batch, n) for n in units)
        hx = states if len(states) > 1 else states[0]
        passes, (output, *last) = run_original(module, {"input": x, "hx": hx})
        assert not module._forward_pre_hooks
        a = passes[1].outputs["a"].transpose(2, 1, 0)
        a = a[:, 0] if x.dim() == 2 else a.swapaxes(0, 1) if module.batch_first else a
        np.testing.assert_allclose(output, a, rtol=1e-6, atol=1e-7)
        ends = [
            np.concatenate([p.outputs[name] for p in passes]) for name in ("a_last", "c_last")[: len(last)]
        ]
        for theirs, ours in zip(last, ends, strict=True):
            assert not difference(
                ours.reshape(4, -1, ours.shape[1]).swapaxes(1, 2).reshape(theirs.shape), theirs, ""
            ).is_error


def test_differences_of_nonfinite_numbers_are_errors() -> None:
    nan, one = np.array([np.nan, 1.0]), np.array([np.inf, 1.0])
    assert not difference(nan, nan, "x").is_error
    assert difference(nan, one, "x").is_error
    assert difference(np.ones(2), nan, "x").largest == np.inf
