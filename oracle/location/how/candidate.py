"""What might be shown in the place of a right value."""

from collections.abc import Callable

from oracle.location.where.equation import Equation
from reference.contract import Array

Candidate = Callable[[Equation], Array]
"""What might be shown for an equation, at every element `(n, m, T_x)`; NaN where it says nothing."""
