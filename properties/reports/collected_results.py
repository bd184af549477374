"""Collects the results, and finds out which targets are judged completely."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from properties.reports.results import Judgement, LawResult, encodable
from properties.reports.test_ids import implementation_in


class Gathered:
    """The results of a run, with those `kept` of a resumed one."""

    def __init__(self, targets: Sequence[str], kept: Sequence[LawResult] = ()) -> None:
        self.results = list(kept)
        self._targets = [*map(encodable, targets)]
        self._done = {result.implementation for result in kept}
        self._is_known = False  # whether `_coming` is filled
        self._coming: defaultdict[str, set[str]] = defaultdict(set)
        self._under_way: defaultdict[str, list[LawResult]] = defaultdict(list)

    def expect(self, nodeids: Iterable[str]) -> None:
        """Set which tests will run. Each worker of pytest-xdist calls this with the same tests."""
        if not self._is_known:
            self._is_known = True
            for nodeid in nodeids:
                self._coming[implementation_in(nodeid)].add(nodeid)

    def add(
        self, nodeid: str, properties: Iterable[tuple[str, Any]]
    ) -> tuple[list[LawResult], list[Judgement]]:
        """Add the properties of a test's report: the new results, and the targets that they complete."""
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
        """The targets that are not judged completely; none when every test has run."""
        if self._is_known and not any(self._coming.values()):
            return []
        return [target for target in self._targets if target not in self._done]
