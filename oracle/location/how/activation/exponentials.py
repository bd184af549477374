"""An activation that is made with something else than `exp`."""

from collections.abc import Iterator
from functools import partial
from math import factorial

import numpy as np

from oracle.location.how.activation.pairs import Function, Pairs
from reference.contract import Array


def of_another_exp(pairs: Pairs) -> tuple[str, Function] | None:
    """The first way to make the activation of the first function that gives all that is shown."""
    for name, exp in another_exp():
        for words, made in (_SIGMOIDS if pairs.activation == "sigmoid" else _TANHS).items():
            function = partial(made, exp)
            if pairs.are_given_by(function, 1e-12):
                z = pairs.name
                return f"{words.format(z=z)}, with {name} for exp(u)", function
    return None


def another_exp() -> Iterator[tuple[str, Function]]:
    """What may be taken for `exp`, in words."""
    for k in range(1, 17):
        yield f"(1 + u / {2**k})^{2**k}", partial(_power, 2**k)
    for n in (10, 100, 1000, 10000):
        yield f"(1 + u / {n})^{n}", partial(_power, n)
    for n in (16, 32, 64, 128, 256, 512, 1024):
        yield f"max(1 + u / {n}, 0)^{n}", partial(_power_from_0, n)
    for degree in range(1, 21):
        yield f"the first {degree + 1} terms of its series", partial(_series, degree)
    for dtype in ("float32", "float16"):
        yield f"exp(u) in {dtype}", partial(_cast, dtype)
    yield "2^u", np.exp2
    yield "10^u", partial(np.power, 10.0)


def _power(n: int, u: Array) -> Array:
    return np.asarray((1 + u / n) ** n)


def _power_from_0(n: int, u: Array) -> Array:
    return np.asarray(np.maximum(1 + u / n, 0) ** n)


def _series(degree: int, u: Array) -> Array:
    return np.asarray(sum(u**k / factorial(k) for k in range(degree + 1)))


def _cast(dtype: str, u: Array) -> Array:
    return np.asarray(np.exp(u.astype(dtype)), np.float64)


_SIGMOIDS = {
    "1 / (1 + exp(-{z}))": lambda exp, z: 1 / (1 + exp(-z)),
    "exp({z}) / (1 + exp({z}))": lambda exp, z: exp(z) / (1 + exp(z)),
}
_TANHS = {
    "(exp({z}) - exp(-{z})) / (exp({z}) + exp(-{z}))": lambda exp, z: (exp(z) - exp(-z)) / (exp(z) + exp(-z)),
    "(1 - exp(-2 {z})) / (1 + exp(-2 {z}))": lambda exp, z: (1 - exp(-2 * z)) / (1 + exp(-2 * z)),
    "(exp(2 {z}) - 1) / (exp(2 {z}) + 1)": lambda exp, z: (exp(2 * z) - 1) / (exp(2 * z) + 1),
}
