"""The sizes of the problems of each profile of Hypothesis, and the limit of their work."""

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Effort:
    """The problems of a profile: the largest sizes, the longest sequence, and the number in each example.

    `work` limits the work of one problem (see `cost.work`). Fifteen problems of sixteen are drawn by
    `usually`, if it is given. `steered` says whether Hypothesis searches for large errors, as fractions of
    their bounds.
    """

    largest: int
    longest: int
    siblings: int
    work: float = math.inf
    usually: "Effort | None" = None
    steered: bool = False

    def within(self, work: float) -> "Effort":
        """The same with a lower limit of work, which is rounded to a power of two.

        So few strategies serve implementations of all speeds.
        """
        if work >= self.work:
            return self
        limit = 2.0 ** math.floor(math.log2(max(work, 1.0)))
        usually = self.usually and replace(self.usually, work=self.usually.work * limit / self.work)
        return replace(self, work=limit, usually=usually)


EFFORTS = {
    "dev": Effort(6, 8, 5),
    "ci": Effort(9, 12, 5),
    # Many problems find more than few large ones.
    "fuzz": Effort(300, 4000, 1, work=5e8, usually=Effort(66, 160, 1, work=1e8), steered=True),
}
"""The effort by profile; other profiles have that of `dev`."""
