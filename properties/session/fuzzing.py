"""Fuzzes the laws: lets them take turns, and sends progress and failures to the process that prints them."""

import time
from typing import Any

import pytest

from properties.internals.pytest_internals import run_quietly, send_progress
from properties.reports.fuzzing_progress import records_of
from properties.session.collection import law_of, parameters_of
from properties.session.law_runs import new_turn
from properties.session.options import FUZZING_TIME
from properties.trials.provided_functions import why_unusable
from properties.turns.schedule import Contender, take_turns
from reference.contract import SEQUENCE_FORWARDS

REPORTS = pytest.StashKey[dict[str, list[pytest.TestReport]]]()
"""The reports of the tests that ran during fuzzing, because their laws failed."""

WEIGHT_OF_COMPLETE_LAWS = 8
"""The weight of a law that every wrong output violates, on `SEQUENCE_FORWARDS`; others have 1."""

SECONDS = 0.5
"""The seconds between two reports of the progress."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    """Before the first test, fuzz the laws of all tests of this process. Then each test reports its law."""
    stash = item.config.stash
    if FUZZING_TIME not in stash:
        return None
    if REPORTS not in stash:
        stash[REPORTS] = {}
        if Fuzzing(item).is_stopped():
            return True  # pytest ends the run
    reports = stash[REPORTS].pop(item.nodeid, ())
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    return True if reports else None


def weight_of(item: pytest.Item) -> int:
    """The weight of the law of a test, for `Contender`."""
    law, function = law_of(item), parameters_of(item).get("function", "")
    return WEIGHT_OF_COMPLETE_LAWS if law and law.complete and function in SEQUENCE_FORWARDS else 1


class Fuzzing:
    """Fuzzes the laws of a process. With n workers of pytest-xdist, each has one of n tests."""

    def __init__(self, first: pytest.Item) -> None:
        """`first` is the first test of the process."""
        config, items = first.config, first.session.items
        workerinput = getattr(config, "workerinput", {"workercount": 1})
        self._first = first
        self._seconds = workerinput.get("fuzzing_seconds", config.stash[FUZZING_TIME])
        workers = workerinput["workercount"]
        self._items = items[items.index(first) % workers :: workers]
        self._new: dict[str, Any] = {}
        self._sent = time.monotonic()
        self._failures = 0

    def is_stopped(self) -> bool:
        """Fuzz until the time is up, and return whether `-x` has stopped it.

        If it is stopped, or interrupted, report the laws that had a turn, because no test runs after that.
        """
        directory = self._first.config.invocation_params.dir
        records = records_of(directory, [item.nodeid for item in self._items]).by_test
        contenders = []
        for item in self._items:
            if law := law_of(item):
                turn = new_turn(item, law)
                turn.record = records[item.nodeid]
                contenders.append(Contender(turn, weight_of(item), item))
        for implementation in {each.turn.implementation for each in contenders}:
            why_unusable(implementation)  # a slow start
        if contenders:
            from oracle.witnesses import pytorch  # noqa: F401 - a slow import
        is_ended = True
        try:
            take_turns(contenders, self._seconds, time.monotonic, self._after_turn)
            is_ended = self._has_failed_enough
        finally:
            self._send()
            if is_ended and not hasattr(self._first.config, "workerinput"):  # the controller ends its workers
                for each in contenders:
                    if each.turn.is_over or each.turn.tally.tried:
                        self._report(each.key)
        return is_ended

    def _report(self, item: pytest.Item) -> None:
        for report in item.config.stash[REPORTS].pop(item.nodeid, None) or run_quietly(item, item.session):
            item.ihook.pytest_runtest_logreport(report=report)

    @property
    def _has_failed_enough(self) -> bool:
        return 0 < (self._first.config.option.maxfail or 0) <= self._failures

    def _after_turn(self, contender: Contender) -> bool:
        """Report what is new, and return whether this process has had as many failures as `-x` allows."""
        item = contender.key
        self._new[item.nodeid] = contender.turn.record.as_dict()
        if contender.turn.is_over and self._run_test(item):
            self._failures += 1
        elif time.monotonic() < self._sent + SECONDS:
            return False
        self._send()
        return self._has_failed_enough

    def _run_test(self, item: pytest.Item) -> bool:
        """Run the test of a law, keep its reports for later, and return whether it failed."""
        reports = item.config.stash[REPORTS][item.nodeid] = run_quietly(item, item.session)
        failed = (result for each in reports if each.failed for result in each.user_properties)
        results = [result for name, result in failed if name == "law"]
        for result in results:
            send_progress(self._first, "found", (item.nodeid, result))
        return bool(results)

    def _send(self) -> None:
        send_progress(self._first, "fuzzing", self._new)
        self._new, self._sent = {}, time.monotonic()
