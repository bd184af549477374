"""What we use of Hypothesis that it does not document."""

from collections.abc import Iterable

from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from hypothesis.internal.constants_ast import Constants

# Now and then Hypothesis draws a number that stands in the source of an imported module which is not in
# site-packages. Then what a seed draws would be one thing in a clone and another where the package is
# installed, and would change with every edit of a number. Reading all the sources also takes time.
HypothesisProvider._local_constants = Constants()  # type: ignore[assignment, method-assign]

ANEW = "anew"
"""The name of a backend that draws as Hypothesis' own does.

Hypothesis alters most of what it has drawn, to repeat a number or to come nearer to its target, so that half
of the problems have the sizes of another: good for what shows at equal sizes and large errors, and bad for
what shows at one size of many. With any backend but its own it leaves that out, and shrinks all the same.
"""
AVAILABLE_PROVIDERS[ANEW] = AVAILABLE_PROVIDERS["hypothesis"]


class LocalDatabase(DirectoryBasedExampleDatabase):
    """A directory of examples that does not remember where each key was read: a kilobyte for each test."""

    def fetch(self, key: bytes) -> Iterable[bytes]:
        """What was stored for a key."""
        values = [*super().fetch(key)]
        getattr(self, "keypaths", {}).pop(key, None)
        return values
