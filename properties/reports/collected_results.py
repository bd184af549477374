"""Collects the results, and finds out which targets have been judged completely."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from properties.reports.judgement import Judgement
from properties.reports.results import LawResult, encodable
from properties.reports.test_ids import implementation_in, is_of_law


class CollectedResults:
    """The results of a run."""

    def __init__(self, targets: Sequence[str]) -> None:
        self.results: list[LawResult] = []
        self._targets = [*map(encodable, targets)]
        self._done: set[str] = set()
        self._is_known = False  # whether `_pending` is filled
        self._pending: defaultdict[str, set[str]] = defaultdict(set)
        self._partial: defaultdict[str, list[LawResult]] = defaultdict(list)

    def expect(self, nodeids: Iterable[str]) -> None:
        """Set which tests will run. Workers of pytest-xdist report the same tests several times."""
        if not self._is_known:
            self._is_known = True
            for nodeid in filter(is_of_law, nodeids):
                self._pending[implementation_in(nodeid)].add(nodeid)

    def add(
        self, nodeid: str, properties: Iterable[tuple[str, Any]]
    ) -> tuple[list[LawResult], list[Judgement]]:
        """Add the properties of a report. Returns the new results, and the targets that are now complete."""
        new, done = [*LawResult.reported(properties)], []
        for result in new:
            name, pending = result.implementation, self._pending[implementation_in(nodeid)]
            self.results.append(result)
            self._partial[name].append(result)
            pending.discard(nodeid)
            if not pending:
                self._done.add(name)
                done.append(Judgement(name, self._partial.pop(name)))
        return new, done

    @property
    def left(self) -> list[str]:
        """The targets that have not been judged completely; empty when every test has run."""
        if self._is_known and not any(self._pending.values()):
            return []
        return [target for target in self._targets if target not in self._done]
