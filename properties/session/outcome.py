"""Makes the result of a law from pytest's report."""

from collections.abc import Generator
from contextlib import nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import pytest

from oracle.diagnosis.findings import found
from properties.implementations.implementation import Implementation
from properties.internals.pytest_internals import with_message
from properties.reports.expected_failures import reason
from properties.reports.results import LawResult, encodable, printable, printable_data
from properties.session.fixtures import TURN
from properties.session.options import EXPECTED
from properties.trials.helper_blame import helpers_to_blame
from properties.trials.provided_functions import PROVIDED, USABLE, lacking, unfinished, unusable
from properties.trials.tally import Tally
from properties.trials.trial import ViolationError

if TYPE_CHECKING:
    from properties.explanations.failure import Failure


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show a violation by its message, and add the result of the law to the report."""
    error = call.excinfo.value if call.excinfo else None
    violation = _violation(error)
    failure = _explained(violation) if violation else None
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


def _explained(violation: ViolationError) -> "Failure":
    """The failure of a violation. Only a run with a violation imports the explanations."""
    from properties.explanations.failure import Failure

    return Failure(violation)


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
            "findings": [found(each.kind, **printable_data(each.facts)) for each in failure.findings],
            "inherited": failure.explanation.inherited,
            "helpers": helpers_to_blame(failure.trial),
        }
    if failed:
        known = item.config.stash[EXPECTED]
        given["expected"] = reason(known, implementation, law, function)
        if law in (PROVIDED, USABLE) and (lack := lacking(judged, function)):
            given["findings"] = [found(lack.kind, **printable_data(lack.facts))]
    if function and not (report.passed or broke or is_unusable):
        given["unfinished"] = bool(unfinished(judged, function))
    if usable and not is_unusable:
        given["limits"] = judged.limits.words
        given["understood"] = printable_data(judged.load().understood)
    turn = item.stash.get(TURN, None)
    if turn:
        given["declared"] = turn.declared
    return LawResult.of(
        turn.tally if turn else cast(Tally, item.funcargs.get("tally", Tally())),
        implementation=encodable(implementation),
        law=law,
        grade=grade,
        function=function,
        status=report.outcome,
        seconds=round(report.duration, 3),
        message="" if report.passed else printable(_text(report)),
        ours=broke,
        usable=usable,
        **given,
    )


def _text(report: pytest.TestReport) -> str:
    """Why a law failed or was skipped."""
    return (
        report.longrepr[2].removeprefix("Skipped: ")
        if isinstance(report.longrepr, tuple)
        else report.longreprtext
    )


def _violation(error: BaseException | None) -> ViolationError | None:
    """The violation in an error, or in an exception group, which Hypothesis raises for flaky failures."""
    if isinstance(error, BaseExceptionGroup):
        return next((found for inner in error.exceptions if (found := _violation(inner))), None)
    return error if isinstance(error, ViolationError) else None
