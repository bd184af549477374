"""The worst error of each law as a fraction of its bound, as places on an axis."""

import math
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from properties.reports.results import Judgement, LawResult
from properties.trials.provided_functions import PRESENCE


@dataclass(frozen=True)
class Mark:
    """The worst error of a law: `place` is where on the axis, in percent of its width."""

    law: str
    holds: bool
    place: float
    figure: str


class Plot:
    """The worst error of each law as a fraction of its bound, on a logarithmic axis.

    A law that fails otherwise than by the size of an error is placed where the axis ends.
    """

    SMALLEST, LARGEST = -4, 16
    """The decades that the axis may span; what is beyond is placed where the axis ends."""

    def __init__(self, judgement: Judgement) -> None:
        self._judgement = judgement
        largest = max((result.worst_ratio for result in judgement.results), default=0.0)
        self._every = 2 if _log10(largest) <= 4 else 4
        decades = self._every * math.ceil(_log10(largest) / self._every)
        self._end = min(max(decades, self._every), self.LARGEST)

    @property
    def marks(self) -> list[Mark]:
        """One for each law that measures an error or does not hold."""
        by_law = defaultdict(list)
        for result in self._judgement.results:
            if result.worst_ratio or (result.status == "failed" and result.law not in PRESENCE):
                by_law[result.law].append(result)
        return [self._mark(law, results) for law, results in by_law.items()]

    @property
    def decades(self) -> list[int]:
        """Those that the axis is labelled with; 0 is the bound itself."""
        return list(range(self.SMALLEST, self._end + 1, self._every))

    def place(self, decade: float) -> float:
        """Where on the axis a power of ten is, in percent of its width."""
        inside = min(max(decade, self.SMALLEST), self._end)
        return round(100 * (inside - self.SMALLEST) / (self._end - self.SMALLEST), 1)

    def _mark(self, law: str, results: Sequence[LawResult]) -> Mark:
        ratio = max(result.worst_ratio for result in results)
        holds = all(result.status != "failed" for result in results)
        if not holds and ratio <= 1:
            return Mark(law, holds, self.place(self._end), "fails otherwise")
        figure = "infinite" if math.isinf(ratio) else f"{ratio:.2g}"
        return Mark(law, holds, self.place(_log10(ratio)), figure)


def _log10(ratio: float) -> float:
    return math.log10(min(max(ratio, sys.float_info.min), sys.float_info.max))
