"""The bounds of a forward pass: the network in the arithmetic of `rounding`."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from oracle.network.equations import SHARED
from oracle.network.forward import forward_results
from oracle.problems.inputs import Inputs
from oracle.witnesses.bounded import Bounded
from oracle.witnesses.rounding import Arithmetic
from reference.contract import Array


def evaluate(inputs: Inputs, *, gradual: bool = False) -> dict[str, Bounded]:
    """Every quantity of a forward pass with its bound: `a`, `y`; for an LSTM `c`, `ft`, `it`, `cct`, `ot`.

    Each is `(n, m, T_x)`, with bounds that grow from step to step. For single steps, each from its own state,
    pass `Inputs.steps`. A quantity that is NaN or infinite has the bound 0. For layers, the quantities are `a
    (D n_h, m, T_x)`, `a_last` and, for an LSTM, `c_last` `(L D n, m, 1)`, with the rows of all layers. A
    program may flush subnormal numbers to zero, unless underflow must be `gradual`.
    """
    return evaluate_each([inputs], gradual=gradual)[0]


def evaluate_each(batch: Sequence[Inputs], *, gradual: bool = False) -> list[dict[str, Bounded]]:
    """The results of `evaluate` for several inputs of equal shapes, computed at once to save time.

    Each result has the bounds of the precision of its input.
    """
    return for_each_dtype(lambda fl, each: forward_results(operations(fl), each), batch, gradual)


arithmetic = cache(Arithmetic)
"""The rules of rounding in a precision: one object for all calls, by which `operations` are cached."""


@np.errstate(all="ignore")
def for_each_dtype(
    evaluate: Callable[..., dict[str, Bounded]], batch: Sequence[Inputs], gradual: bool = False
) -> list[dict[str, Bounded]]:
    """Evaluate all inputs of each dtype at once, in the arithmetic of the dtype.

    `evaluate` takes the arithmetic and inputs, and returns stacks over these on axis 0.
    """
    results: list[dict[str, Bounded]] = [{}] * len(batch)
    for dtype in dict.fromkeys(inputs.dtype for inputs in batch):
        indices = [i for i, inputs in enumerate(batch) if inputs.dtype == dtype]
        stacks = evaluate(arithmetic(dtype, gradual=gradual), [batch[i] for i in indices])
        for k, i in enumerate(indices):
            results[i] = {name: bounded[k] for name, bounded in stacks.items()}
    return results


@cache
def operations(fl: Arithmetic) -> Mapping[str, Any]:
    """The operations of the network on quantities with bounds, and on parameters, which are exact arrays."""

    def affine_map(W: Array, b: Array) -> Callable[[Bounded], Bounded]:
        return partial(fl.affine, fl.matrix(Bounded.exact(W)), b=b)

    return {
        **SHARED,
        **{name: getattr(fl, name) for name in vars(Arithmetic) if name[0] != "_"},
        "exact": Bounded.exact,
        "zeros": lambda shape, _: Bounded.exact(np.zeros(shape)),
        "affine_map": affine_map,
        "projection": lambda Wp: affine_map(Wp, np.zeros((1, 1))),
        "head": fl.affine,
        "record": lambda step: step,
    }
