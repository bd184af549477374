"""Collects the results of a run from the reports of pytest, and parses the ids of tests."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from properties.laws import all_laws
from properties.reports.judgement import Judgement
from properties.reports.results import LawResult, encodable
from reference.contract import CONTRACTS


class CollectedResults:
    """The results of a run by target, and the tests that have not run yet."""

    def __init__(self, targets: Sequence[str]) -> None:
        self._targets = [*map(encodable, targets)]
        self._by_target: defaultdict[str, list[LawResult]] = defaultdict(list)
        self._pending: dict[str, set[str]] | None = None
        self._done: set[str] = set()

    def keep(self, judgements: Iterable[Judgement]) -> None:
        """Add the results of an earlier run on targets that are not judged again."""
        for each in judgements:
            self._by_target[each.implementation] += each.results
            self._done.add(each.implementation)

    def expect(self, nodeids: Iterable[str]) -> None:
        """Store which tests will run. All workers of pytest-xdist have the same tests, so once is enough."""
        if self._pending is None:
            self._pending = defaultdict(set)
            for nodeid in nodeids:
                self._pending[implementation_in(nodeid)].add(nodeid)

    def add(
        self, nodeid: str, properties: Iterable[tuple[str, Any]]
    ) -> tuple[list[LawResult], list[Judgement]]:
        """Add the results in a report. Returns these results, and the targets that are now complete."""
        new, complete = [LawResult.from_dict(result) for name, result in properties if name == "law"], []
        pending = (self._pending or {}).get(implementation_in(nodeid), set())
        for result in new:
            target = result.implementation
            self._by_target[target].append(result)
            pending.discard(nodeid)
            if not pending:
                self._done.add(target)
                complete.append(Judgement(target, self._by_target[target]))
        return new, complete

    @property
    def results(self) -> list[LawResult]:
        """All results so far."""
        return [*chain.from_iterable(self._by_target.values())]

    @property
    def left_targets(self) -> list[str]:
        """The targets that have not been judged completely; empty when every test has run."""
        if self._pending is not None and not any(self._pending.values()):
            return []
        return [target for target in self._targets if target not in self._done]


def killed_law_result(nodeid: str) -> LawResult:
    """The failure of a law that did not end, because its worker was killed twice."""
    target, name, function = implementation_in(nodeid), law_in(nodeid), function_in(nodeid)
    grade = next((law.grade for law in all_laws() if law.name == name), "spec")
    message = "a worker of pytest-xdist was killed while it ran this law, and again in a second run"
    return LawResult(target, name, grade, function, "failed", 0.0, message)


def implementation_in(nodeid: str) -> str:
    """The target in the id of a test, such as `"my_rnn.py"`."""
    parameters = nodeid.partition("[")[2].removesuffix("]")
    for function in CONTRACTS:
        parameters = parameters.removesuffix(f"-{function}")
    return parameters


def function_in(nodeid: str) -> str:
    """The function in the id of a test, such as `"rnn_forward"`; empty if there is none."""
    named = nodeid.removesuffix("]")
    return next((function for function in CONTRACTS if named.endswith(f"-{function}")), "")


def law_in(nodeid: str) -> str:
    """The law in the id of a test, such as `"each step"`."""
    test = nodeid.partition("[")[0].rpartition("::")[2]
    return test.removeprefix("test_").replace("_", " ")
