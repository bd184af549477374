"""The constants of the bounds cover the measured error of every library and formula."""

from collections.abc import Callable, Mapping
from typing import Any, get_args

import numpy as np
import pytest
import torch
from flint import arb, ctx

from oracle.problems.problem import DType
from oracle.tests.programs import (
    Function,
    sigmoid_by_both_signs,
    sigmoid_by_exp,
    sigmoid_by_tanh,
    tanh_by_exp,
    tanh_by_sigmoid,
)
from oracle.witnesses.rounding import (
    EXP,
    SIGMOID,
    SIGMOID_BY_FORMULA,
    TANH,
    TANH_BY_FORMULA,
    Arithmetic,
    Bounded,
)
from reference.contract import Array

Library = Mapping[str, Callable[[Array], Array]]


def by_torch(function: Callable[[torch.Tensor], torch.Tensor]) -> Function:
    return lambda z: np.asarray(function(torch.from_numpy(z)).numpy())


LIBRARIES: Mapping[str, Library] = {
    "numpy": {"exp": np.exp, "log": np.log, "tanh": np.tanh},
    "torch": {
        "exp": by_torch(torch.exp),
        "log": by_torch(torch.log),
        "tanh": by_torch(torch.tanh),
        "sigmoid": by_torch(torch.sigmoid),
    },
    "formulas": {
        "sigmoid": sigmoid_by_exp,
        "sigmoid by both signs": sigmoid_by_both_signs,
        "sigmoid by tanh": sigmoid_by_tanh,
        "tanh by exp": tanh_by_exp,
        "tanh by sigmoid": tanh_by_sigmoid,
    },
}
TRUTH: Mapping[str, Callable[[arb], arb]] = {
    "exp": arb.exp,
    "log": arb.log,
    "tanh": arb.tanh,
    "sigmoid": lambda z: 1 / (1 + (-z).exp()),
}


def points(function: str, dtype: DType) -> Array:
    """Arguments without overflow or underflow, half of them evenly spaced, and half logarithmically."""
    rng = np.random.default_rng(0)
    most = np.log(float(np.finfo(dtype).max)) - 1 if function == "exp" else 20.0
    linear = rng.uniform(-most, most, 3000)
    logarithmic = most * 10 ** rng.uniform(-6, 0, 3000) * rng.choice([-1, 1], 3000)
    z = np.concatenate([linear, logarithmic]).astype(dtype)
    return np.abs(z) if function == "log" else z


@pytest.mark.parametrize("dtype", get_args(DType))
@pytest.mark.parametrize(
    ("library", "function"), [(name, function) for name in LIBRARIES for function in LIBRARIES[name]]
)
def test_the_constants_cover_every_library_and_formula(library: str, function: str, dtype: DType) -> None:
    name = function.split()[0]
    z = points(name, dtype)
    with np.errstate(over="ignore"):
        computed = LIBRARIES[library][function](z)
    u = np.finfo(dtype).eps / 2
    relative = name in ("exp", "log") or (name == "tanh" and library != "formulas")
    with ctx.workprec(200):
        truth = [TRUTH[name](arb(x)) for x in z.tolist()]
        errors = [abs(true - fx) for true, fx in zip(truth, computed.tolist(), strict=True)]
        if relative:  # also for a library's tanh, since some formulas of sigmoid use tanh
            errors = [error / abs(true) for error, true in zip(errors, truth, strict=True)]
    allowed: Any = EXP
    if not relative:
        values = np.asarray([*map(float, truth)])
        own, formula = (TANH, TANH_BY_FORMULA) if name == "tanh" else (SIGMOID, SIGMOID_BY_FORMULA)
        allowed = np.fmax(formula, own * np.fmax(np.abs(values), 1 - values if name == "sigmoid" else 0))
    assert (np.asarray([*map(float, errors)]) <= allowed * u).all()


@pytest.mark.parametrize(("name", "units"), [("sigmoid", 8.1), ("tanh", 10.1), ("tanh", 11.9)])
def test_the_constants_allow_what_libraries_promise(name: str, units: float) -> None:
    """Engines have errors of 8.0 units roundoff in a sigmoid and 10.0 in a tanh; Eigen states 6 ulp."""
    rules = Arithmetic("float32")
    z = Bounded.exact(np.asarray([-9.0, -4.0, 4.0, 9.0]))
    assert (getattr(rules, name)(z).error >= units * rules.u).all()
