"""Contains all uses of undocumented parts of Hypothesis."""

from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from hypothesis.internal.constants_ast import Constants

# Hypothesis sometimes draws a number that it found in the source of an imported module outside site-packages.
# Then one seed would draw different problems in a clone and in an installation, and after an edit of a
# number. Reading the sources also takes time.
HypothesisProvider._local_constants = Constants()  # type: ignore[assignment, method-assign]

INDEPENDENT = "independent"
"""The name of a backend that draws every example independently.

With its own backend, Hypothesis mutates most examples, to repeat numbers or to increase its target. Then half
of the problems have the sizes of an earlier problem. This finds large errors, and mistakes that need equal
sizes, but misses a mistake at one particular size. With a backend of any other name, Hypothesis mutates
nothing, and still shrinks failures.
"""
AVAILABLE_PROVIDERS[INDEPENDENT] = AVAILABLE_PROVIDERS["hypothesis"]
