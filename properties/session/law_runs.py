"""Runs the law of a test: its fixtures, its share of the time, and its result in the report of pytest."""

import ctypes
import sys
from collections.abc import Generator, Iterator
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import settings

from properties.failure_database.store import Store
from properties.implementations.answers import free_cached_answers
from properties.implementations.implementation import Implementation
from properties.internals.pytest_internals import drop_reports, drop_stash, with_message
from properties.reports.results import LawResult, encodable, printable
from properties.session.collection import parameters_of
from properties.session.options import EXPECTED, FUZZING_TIME, PROBLEM
from properties.session.target_options import TARGETS
from properties.trials.law import Law
from properties.trials.provided_functions import (
    PROVIDED,
    USABLE,
    helpers_to_blame,
    placeholder_if_unfinished,
    why_not_judged,
    why_unusable,
)
from properties.trials.tally import Tally
from properties.trials.trial import ViolationError
from properties.turns.turn import Turn

if TYPE_CHECKING:
    from properties.explanations.failure import Failure

TURN = pytest.StashKey[Turn]()


@pytest.fixture(scope="session")
def implementation(request: pytest.FixtureRequest) -> Iterator[Implementation]:
    """The implementation under test. After its laws have run, its process and its replies are freed."""
    targets = request.config.stash[TARGETS]
    yield targets.implementation(request.param)
    targets.free(request.param)
    free_cached_answers()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # the C library is not glibc
            ctypes.CDLL(None).malloc_trim(0)  # return the memory of many small arrays to the system


@pytest.fixture
def tally() -> Tally:
    """The counts of a law about the presence of functions. Such a law has no turn."""
    return Tally()


@pytest.fixture
def turn(request: pytest.FixtureRequest, implementation: Implementation) -> Turn:
    """The turn of the law, which fuzzing may have begun. It calls `implementation`, which is freed later."""
    return request.node.stash.get(TURN, None) or new_turn(request.node, request.function.law)


def new_turn(item: pytest.Item, law: Law) -> Turn:
    """The turn of the law of a test, before its first problem. A turn that fuzzes has no seed."""
    config, targets = item.config, item.config.stash[TARGETS]
    target, function = parameters_of(item)["implementation"], parameters_of(item)["function"]
    seed = None if FUZZING_TIME in config.stash else int(config.option.hypothesis_seed)
    item.stash[TURN] = Turn(
        law.for_networks(targets.networks),
        targets.implementation(target),
        function,
        Store.below(config.invocation_params.dir, target, law.name, function),
        settings.get_current_profile_name(),
        seed,
        config.stash[PROBLEM],
    )
    return item.stash[TURN]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Free the turn of a test after the test has run; in a worker of pytest-xdist, also free all reports."""
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
    """Put the message of a violation and the result of the law into the report."""
    error = call.excinfo.value if call.excinfo else None
    failure = None
    if violation := _violation(error):
        from properties.explanations.failure import Failure  # a slow import

        failure = Failure(violation)
    with with_message(item, printable(failure.message)) if failure else nullcontext():
        report = yield
    has_outcome = report.when == "call" or (report.when == "setup" and report.failed)
    if has_outcome and item.get_closest_marker("law"):
        harness_failed = report.failed and not failure and not isinstance(error, pytest.fail.Exception)
        result = _result(item, report, failure, harness_failed)
        report.user_properties.append(("law", result.as_dict()))
        if result.excuse:
            report.outcome = "skipped"  # with `wasxfail`, pytest counts this as an expected failure
            report.wasxfail = result.excuse
    return report


def _violation(error: BaseException | None) -> ViolationError | None:
    """The violation in an error. For flaky failures, Hypothesis raises an exception group."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_violation, error.exceptions)), None)
    return error if isinstance(error, ViolationError) else None


def _result(
    item: pytest.Item, report: pytest.TestReport, failure: "Failure | None", harness_failed: bool
) -> LawResult:
    """Make the result of a law. If `harness_failed`, an exception other than a violation ended the law."""
    assert isinstance(item, pytest.Function)
    marker = item.get_closest_marker("law")
    assert marker
    law, grade = marker.args
    parameters = parameters_of(item)
    target, function = parameters["implementation"], parameters.get("function", "")
    implementation = cast(Implementation, item.funcargs["implementation"])
    failed, is_unusable = report.failed and not harness_failed, bool(why_unusable(implementation))
    usable = not is_unusable if report.skipped else not (failed and law == USABLE)
    reasons = (each.reason for each in item.config.stash[EXPECTED] if each.covers(target, law, function))
    optional: dict[str, Any] = {"expected": next(reasons, "")}
    if failure:
        optional |= {
            "counterexample": repr(failure.problem),
            "facts": failure.facts,
            "findings": failure.claims,
            "inherited": failure.explanation.inherited,
            "reproducible": failure.explanation.is_reproducible,
            "helpers": helpers_to_blame(failure.trial),
        }
    if failed and law in (PROVIDED, USABLE) and (finding := why_not_judged(implementation, function)):
        optional["findings"] = [finding]
    if function and not (report.passed or harness_failed or is_unusable):
        optional["unfinished"] = bool(placeholder_if_unfinished(implementation, function))
    if usable and not is_unusable:
        optional["limits"] = implementation.limits.words
        optional["understood"] = implementation.load().understood
    tally = cast(Tally, item.funcargs.get("tally", Tally()))
    if turn := item.stash.get(TURN, None):
        tally, optional["declared"] = turn.tally, turn.declared
    text = report.longrepr  # of a skipped test: a file, a line and a reason
    message = text[2].removeprefix("Skipped: ") if isinstance(text, tuple) else report.longreprtext
    return LawResult(
        **{**vars(tally), "notes": dict(tally.notes)},
        implementation=encodable(target),
        law=law,
        grade=grade,
        function=function,
        status=report.outcome,
        seconds=round(report.duration, 3),
        message="" if report.passed else message,
        ours=harness_failed,
        usable=usable,
        **optional,
    )
