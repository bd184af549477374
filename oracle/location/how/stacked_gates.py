"""Gates that are stacked in one order, computed in one product, and read back in another."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import permutations

import numpy as np

from oracle.location.how.cases import STACKED, Case, Likeness
from oracle.location.where.equation import Equation
from oracle.location.where.gates import LETTER
from reference.contract import Array


def read_otherwise(cases: Sequence[Case]) -> Likeness | None:
    """Of arguments of gates: the order in which these are stacked, if the rows are read unit by unit.

    Or if they stand unit by unit, and are read gate by gate. `None` where several orders may be.
    """
    for equation in (case.equation for case in cases):
        if equation.name not in LETTER or not equation.recipe or not equation.recipe.relatives:
            return None
    every = (
        (order, words, partial(_value, order, read))
        for order in permutations(LETTER)
        for words, read in READ.items()
    )
    found = [each for each in every if all(_is_shown(case, each[2]) for case in cases)]
    if len(found) != 1:
        return None
    order, words, value = found[0]
    letters = ", ".join(LETTER[name] for name in order)
    return Likeness(f"as if z of the {STACKED}{letters}, {words}", value, of_argument=True)


def _is_shown(case: Case, value: Callable[[Equation], Array]) -> bool:
    expected = case.of(value)
    return bool((np.abs(case.shown - expected) <= case.allowed + 1e-13 * (1 + np.abs(expected))).all())


def _value(order: Sequence[str], read: Callable[[Array], Array], equation: Equation) -> Array:
    assert equation.recipe
    assert equation.recipe.relatives
    every = equation.recipe.relatives()
    return np.asarray(read(np.stack([every[name] for name in order]))[order.index(equation.name)])


def _by_units(gates: Array) -> Array:
    """Each gate of `(4, n_a, m, T_x)` as read from rows that stand gate by gate, unit by unit."""
    _, n_a, *rest = gates.shape
    return gates.reshape(n_a, 4, *rest).swapaxes(0, 1)


def _by_gates(gates: Array) -> Array:
    """The other way round."""
    return gates.swapaxes(0, 1).reshape(gates.shape)


READ: Mapping[str, Callable[[Array], Array]] = {
    "were read unit by unit": _by_units,
    "unit by unit, were read gate by gate": _by_gates,
}
"""What may be wrong with the rows, in words, and each gate as it is then."""
