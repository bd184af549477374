"""Collects the results of a run from the reports of pytest, and parses the ids of tests."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

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
                self._pending[case_in(nodeid).target].add(nodeid)

    def add(
        self, nodeid: str, properties: Iterable[tuple[str, Any]]
    ) -> tuple[list[LawResult], list[Judgement]]:
        """Add the results in a report. Returns these results, and the targets that are now complete."""
        new, complete = [LawResult.from_dict(result) for name, result in properties if name == "law"], []
        pending = (self._pending or {}).get(case_in(nodeid).target, set())
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
    target, name, function = case_in(nodeid)
    grade = next((law.grade for law in all_laws() if law.name == name), "spec")
    message = "a worker of pytest-xdist was killed while it ran this law, and again in a second run"
    return LawResult(target, name, grade, function, "failed", 0.0, message)


class Case(NamedTuple):
    """What the id of a test names. `function` is empty if the test is about the whole target."""

    target: str
    law: str
    function: str


def case_in(nodeid: str) -> Case:
    """The case in the id of a test, such as `"test_steps.py::test_each_step[my_rnn.py-rnn_forward]"`."""
    path, _, parameters = nodeid.removesuffix("]").partition("[")
    law = path.rpartition("::")[2].removeprefix("test_").replace("_", " ")
    function = next((name for name in CONTRACTS if parameters.endswith(f"-{name}")), "")
    return Case(parameters.removesuffix(f"-{function}") if function else parameters, law, function)
