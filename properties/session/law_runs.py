"""Runs the law of a test: its fixtures, its share of the time, and its result in pytest's report."""

import ctypes
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import nullcontext, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase

from oracle.diagnosis.findings import Finding
from properties.failure_database.store import DIRECTORY, Store
from properties.implementations.answers import free_cached_answers
from properties.implementations.implementation import Implementation
from properties.internals.pytest_internals import drop_reports, drop_stash, with_message
from properties.reports.expected_failures import reason_to_expect
from properties.reports.results import LawResult, encodable, printable, printable_data
from properties.session.collection import law_of
from properties.session.options import EXPECTED, FUZZING_TIME, PROBLEM
from properties.session.target_options import TARGETS
from properties.trials.law import FORWARDS
from properties.trials.provided_functions import (
    PROVIDED,
    USABLE,
    helpers_to_blame,
    lacking,
    unfinished,
    unusable,
)
from properties.trials.tally import Tally
from properties.trials.trial import ViolationError
from properties.turns.turn import Draws, Turn

if TYPE_CHECKING:
    from properties.explanations.failure import Failure

TURN = pytest.StashKey[Turn]()
SHARE = pytest.StashKey[float]()
"""The seconds of a share of the time, in a run that fuzzes."""

SHARES_OF_COMPLETE_LAWS = 8
"""The shares of a law on a sequence that any wrong number breaks. Another law has one."""


@pytest.fixture(scope="session")
def implementation(request: pytest.FixtureRequest) -> Iterator[Implementation]:
    """The implementation under test, in a process of its own; it and its replies are freed after its laws."""
    targets = request.config.stash[TARGETS]
    yield targets.implementation(request.param)
    targets.free(request.param)
    free_cached_answers()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another library than glibc
            ctypes.CDLL(None).malloc_trim(0)  # many small arrays leave much freed memory


@pytest.fixture
def tally() -> Tally:
    """The counts of a law that is about the target."""
    return Tally()


@pytest.fixture
def turn(request: pytest.FixtureRequest, implementation: Implementation, function: str) -> Turn:
    """One run of the law; in a run that fuzzes without a seed, and until its share of the time is over."""
    config, law = request.config, request.function.law
    database = DirectoryBasedExampleDatabase(config.invocation_params.dir / DIRECTORY)
    seed = None if FUZZING_TIME in config.stash else int(config.option.hypothesis_seed)
    turn = request.node.stash[TURN] = Turn(
        law.for_networks(config.stash[TARGETS].networks),
        implementation,
        function,
        Store(database, implementation.target, law.name, function),
        Draws(settings.get_current_profile_name(), seed, config.stash[PROBLEM]),
    )
    if seconds := config.stash.get(SHARE, 0.0):
        turn.end = time.monotonic() + seconds * shares(request.node)
    return turn


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Divide the time of `--fuzz-for`, of all workers, among the laws that are selected."""
    config = session.config
    if seconds := config.stash.get(FUZZING_TIME, 0.0):
        workers = getattr(config, "workerinput", {"workercount": 1})["workercount"]
        config.stash[SHARE] = seconds * workers / max(sum(map(shares, session.items)), 1)


def shares(item: pytest.Item) -> int:
    """The shares of a test; a test without a law has none."""
    law = law_of(item)
    if not law or not isinstance(item, pytest.Function):
        return 0
    is_complete = law.complete and item.callspec.params["function"] in FORWARDS
    return SHARES_OF_COMPLETE_LAWS if is_complete else 1


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Free the memory of a test after it has run: its turn, and in a worker of pytest-xdist its reports."""
    result = yield
    drop_stash(item)
    reporter = item.config.pluginmanager.getplugin("terminalreporter")
    if reporter and hasattr(item.config, "workerinput"):
        drop_reports(reporter)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show a violation by its message, and add the result of the law to the report."""
    error = call.excinfo.value if call.excinfo else None
    failure = None
    if violation := _violation(error):
        from properties.explanations.failure import Failure  # only a run with a violation needs it

        failure = Failure(violation)
    with with_message(item, printable(failure.message)) if failure else nullcontext():
        report = yield
    is_over = report.when == "call" or (report.when == "setup" and report.failed)
    if is_over and item.get_closest_marker("law"):
        broke = report.failed and not failure and not isinstance(error, pytest.fail.Exception)
        result = _result(item, report, failure, broke)
        report.user_properties.append(("law", asdict(result)))
        if result.is_excused:
            report.outcome = "skipped"  # with `wasxfail` pytest counts an expected failure
            report.wasxfail = result.expected or f"by {', '.join(result.helpers)}"
    return report


def _violation(error: BaseException | None) -> ViolationError | None:
    """The violation in an error, or in an exception group, which Hypothesis raises for flaky failures."""
    if isinstance(error, BaseExceptionGroup):
        return next((found for inner in error.exceptions if (found := _violation(inner))), None)
    return error if isinstance(error, ViolationError) else None


def _result(
    item: pytest.Item, report: pytest.TestReport, failure: "Failure | None", broke: bool
) -> LawResult:
    """The result of a law; `broke` says whether the harness failed."""
    assert isinstance(item, pytest.Function)
    marker = item.get_closest_marker("law")
    assert marker
    law, grade = marker.args
    function = str(item.callspec.params.get("function", ""))
    implementation = str(item.callspec.params["implementation"])
    judged = cast(Implementation, item.funcargs["implementation"])
    failed, is_unusable = report.failed and not broke, bool(unusable(judged))
    usable = not is_unusable if report.skipped else not (failed and law == USABLE)
    given: dict[str, Any] = {}
    if failure:
        given = {
            "counterexample": repr(failure.problem),
            "facts": printable_data(failure.facts),
            "findings": [Finding.of(each.kind, **printable_data(each.facts)) for each in failure.findings],
            "inherited": failure.explanation.inherited,
            "helpers": helpers_to_blame(failure.trial),
        }
    if failed:
        known = item.config.stash[EXPECTED]
        given["expected"] = reason_to_expect(known, implementation, law, function)
        if law in (PROVIDED, USABLE) and (lack := lacking(judged, function)):
            given["findings"] = [Finding.of(lack.kind, **printable_data(lack.facts))]
    if function and not (report.passed or broke or is_unusable):
        given["unfinished"] = bool(unfinished(judged, function))
    if usable and not is_unusable:
        given["limits"] = judged.limits.words
        given["understood"] = printable_data(judged.load().understood)
    turn = item.stash.get(TURN, None)
    if turn:
        given["declared"] = turn.declared
    skipped = report.longrepr  # a file, a line and a reason
    why = skipped[2].removeprefix("Skipped: ") if isinstance(skipped, tuple) else report.longreprtext
    return LawResult.of_tally(
        turn.tally if turn else cast(Tally, item.funcargs.get("tally", Tally())),
        implementation=encodable(implementation),
        law=law,
        grade=grade,
        function=function,
        status=report.outcome,
        seconds=round(report.duration, 3),
        message="" if report.passed else printable(why),
        ours=broke,
        usable=usable,
        **given,
    )
