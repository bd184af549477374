"""What is found out about a stranger by asking it."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from oracle.diagnosis.behaviour import Behaviour
from oracle.inputs import Inputs
from oracle.location.history import RETRAINED, UPDATED
from oracle.location.in_layers import locate_in_layers
from oracle.location.located import locate
from oracle.problem import LayerProblem, Problem
from oracle.tests.strangers import Stranger
from reference.contract import Array


class Asked:
    """A program that counts its calls, and forgets them where it begins anew."""

    def __init__(self, function: str, make: Callable[[], Any], order: str = "C") -> None:
        self.function, self.calls, self._make, self._order = function, 0, make, order
        self.anew()

    def anew(self) -> None:
        """Forget all calls."""
        self._program = self._make()

    def __call__(self, inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        self.calls += 1
        arguments = [_laid_out(argument, self._order) for argument in inputs.arguments(self.function)]
        function = getattr(self._program, self.function)
        with np.errstate(all="ignore"):
            if self._order == "updated":
                _scale(arguments, 0.5)
                function(*arguments)
                _fill(arguments, inputs.arguments(self.function))
            if self._order == "retrained":
                function(*map(_halved, arguments))
                _fill(arguments, inputs.arguments(self.function))
            try:
                value = function(*arguments)
            except Exception:  # of a shape or precision that it cannot do
                return Behaviour.of_error()
        return Behaviour.of(self.function, value, arguments)


def _laid_out(argument: Any, order: str) -> Any:
    """A copy, in an order of memory."""
    if isinstance(argument, list):
        return [_laid_out(each, order) for each in argument]
    if isinstance(argument, dict):
        return {name: _laid_out(array, order) for name, array in argument.items()}
    return _ORDERS.get(order, _ORDERS["C"])(argument) if isinstance(argument, np.ndarray) else argument


def _strided(array: Array) -> Array:
    every_other = (slice(None, None, 2),) * array.ndim
    apart = np.empty([2 * size for size in array.shape], array.dtype)[every_other]
    apart[...] = array
    return apart


_ORDERS: Mapping[str, Callable[[Array], Array]] = {
    "C": lambda array: array.copy("C"),
    "F": lambda array: array.copy("F"),
    "strided": _strided,
    "reversed": lambda array: np.flip(np.flip(array).copy()),
}
_ARRANGED: Mapping[str, str] = {
    "arrays in Fortran order": "F",
    "strided arrays": "strided",
    "reversed arrays": "reversed",
    UPDATED: "updated",
    RETRAINED: "retrained",
}


def _scale(arguments: list[Any], factor: float) -> None:
    """Multiply parameters in place by a factor, and other arrays by its square."""
    for argument in arguments:
        if isinstance(argument, list):  # those of layers
            _scale(argument, factor)
        elif isinstance(argument, dict):
            for array in argument.values():
                if isinstance(array, np.ndarray) and array.dtype.kind == "f":
                    array *= factor
        elif argument is not None:
            argument *= factor**2


def _fill(ours: Any, numbers: Any) -> None:
    """Fill arrays, and those in lists and dicts, with numbers again."""
    if isinstance(ours, np.ndarray):
        ours[...] = numbers
    elif isinstance(ours, (list, dict)):
        for key in ours if isinstance(ours, dict) else range(len(ours)):
            _fill(ours[key], numbers[key])


def _halved(argument: Any) -> Any:
    """Parameters that hold half as much; other arguments as they are."""
    if isinstance(argument, list):
        return [_halved(each) for each in argument]
    if isinstance(argument, dict):
        return {name: 0.5 * each if isinstance(each, np.ndarray) else each for name, each in argument.items()}
    return argument


def asked_in_other_orders(function: str, make: Callable[[], Any]) -> dict[str, Asked]:
    """A program for each way in which arrays may lie in memory, in words."""
    return {words: Asked(function, make, order) for words, order in _ARRANGED.items()}


def located(stranger: Stranger) -> tuple[str, int]:
    """Where, when and how it is wrong, in words, and how many calls that took."""
    asked = Asked(stranger.function, stranger.program)
    arranged = asked_in_other_orders(stranger.function, stranger.program)
    problem = Problem.parse(stranger.problem)
    if isinstance(problem, LayerProblem):
        found = locate_in_layers(stranger.function, asked, problem, asked.anew, arranged=arranged)
    else:
        found = locate(stranger.function, asked, problem, asked.anew, arranged=arranged)
    return str(found), asked.calls + sum(each.calls for each in arranged.values())


def is_as_said(said: str, stranger: Stranger) -> bool:
    """Whether what is found out is what the data say, but for what may be another number elsewhere."""
    return _without_sizes(said) == _without_sizes(stranger.said)


def _without_sizes(said: str) -> str:
    """Without how far something is off and where, in how many elements, and of which sizes that was found.

    Nor with the nearest values on both sides of a threshold, which hang on the last bit of a product, as the
    last digits of numbers that are fitted do.
    """
    number = r"[-0-9.e+]+%?"
    said = re.sub(rf"(off by up to |in |to |right at |wrong at |from |is ){number}", r"\1", said)
    said = re.sub(r"\d+\.\d{3,}", lambda fitted: f"{float(fitted[0]):.2g}", said)
    return re.sub(r" \(n_a = \d+, n_x = \d+\)", "", said)
