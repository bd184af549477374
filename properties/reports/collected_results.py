"""The results as they come in, and which implementations are done."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from properties.reports.results import Judgement, LawResult, encodable
from properties.reports.test_ids import implementation_in


class Gathered:
    """The results of a run, those `kept` of an earlier one included."""

    def __init__(self, targets: Sequence[str], kept: Sequence[LawResult] = ()) -> None:
        self.results = list(kept)
        self._targets = [*map(encodable, targets)]
        self._done = {result.implementation for result in kept}
        self._is_known = False  # what is coming
        self._coming: defaultdict[str, set[str]] = defaultdict(set)
        self._under_way: defaultdict[str, list[LawResult]] = defaultdict(list)

    def expect(self, nodeids: Iterable[str]) -> None:
        """Say which tests will run. Each worker of pytest-xdist says the same, one that comes later too."""
        if not self._is_known:
            self._is_known = True
            for nodeid in nodeids:
                self._coming[implementation_in(nodeid)].add(nodeid)

    def add(
        self, nodeid: str, properties: Iterable[tuple[str, Any]]
    ) -> tuple[list[LawResult], list[Judgement]]:
        """Take in what a test's report carries: the results that are new, and who is done by them."""
        new, done = [*LawResult.reported(properties)], []
        for result in new:
            name, coming = result.implementation, self._coming[implementation_in(nodeid)]
            self.results.append(result)
            self._under_way[name].append(result)
            coming.discard(nodeid)
            if not coming:
                self._done.add(name)
                done.append(Judgement(name, self._under_way.pop(name)))
        return new, done

    @property
    def left(self) -> list[str]:
        """The implementations that are not judged, or only in part; none when every test has run."""
        if self._is_known and not any(self._coming.values()):
            return []
        return [target for target in self._targets if target not in self._done]
