"""The undocumented parts of Hypothesis that we use."""

from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from hypothesis.internal.constants_ast import Constants

# Hypothesis sometimes draws a constant from the sources of imported modules that are not in site-packages. A
# seed would then draw other problems in a clone than in an installation, and after each edit of a number.
# Reading the sources also takes time.
HypothesisProvider._local_constants = Constants()  # type: ignore[assignment, method-assign]

INDEPENDENT = "independent"
"""The name of a backend that draws every example independently.

With its own backend Hypothesis mutates most examples, to repeat a number or to increase its target, so that
half of the problems have the sizes of an earlier one. That finds mistakes at equal sizes and large errors,
and misses mistakes at one size of many. With a backend of any other name it mutates nothing, and still
shrinks.
"""
AVAILABLE_PROVIDERS[INDEPENDENT] = AVAILABLE_PROVIDERS["hypothesis"]
