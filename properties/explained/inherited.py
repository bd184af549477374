"""Whether a forward is wrong by its cell alone."""

from oracle.diagnosis.behaviour import specification
from oracle.diagnosis.names import problems
from oracle.inputs import Inputs
from properties.explained.asked import Asked
from reference.contract import CONTRACTS


def is_inherited(ask: Asked, counterexample: Inputs) -> bool:
    """Whether a forward is wrong, its cell is, and it is right with a known-right cell in its place."""
    function = ask.function
    if CONTRACTS[function].is_layer:
        return False  # it need not have a cell
    given = problems(function, counterexample, limits=ask.limits)
    for inputs in given:
        shown, used = ask.with_right_cell(inputs)
        if not used or not shown.is_like(specification(function, ask.limits)(inputs)):
            return False
    cell = CONTRACTS[function].cell
    if ask.is_right(function, given):
        return False
    if cell not in ask.implementation.load().functions:
        return True
    asked = problems(cell, counterexample.span(0, 1), limits=ask.limits)
    return not ask.is_right(cell, asked)
