"""What pytest is told: which tests the laws make, and how to collect and show what came of them."""

import random
from collections.abc import Generator, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from oracle.problem import Problem
from properties.environment import describe
from properties.implementation import Implementation, TargetMissing, expand
from properties.results import LawResult, Tally
from properties.strategies import EFFORTS, Effort
from properties.table import render
from properties.violation import ViolationError

TALLY = pytest.StashKey[Tally]()
TARGETS = pytest.StashKey[list[str]]()
EXACTLY = pytest.StashKey[Problem | None]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check the options before anything runs, and fix the seed, so that every run can be repeated."""
    config.addinivalue_line("markers", "spec: must hold of any implementation of the specification")
    config.addinivalue_line("markers", "robust: must hold of one that is fit for any input")
    config.addinivalue_line("markers", "law(name, grade): what a test is called in the reports")
    config.option.force_short_summary = True  # on CI too a message, which has many lines, stands there once
    if config.getoption("hypothesis_seed") is None:
        config.option.hypothesis_seed = random.SystemRandom().randrange(2**32)
    reproduce = config.getoption("--reproduce")
    try:
        config.stash[EXACTLY] = Problem.parse(reproduce) if reproduce else None
        config.stash[TARGETS] = _targets(config)
    except (TargetMissing, ValueError) as error:
        raise pytest.UsageError(str(error)) from None


def _targets(config: pytest.Config) -> list[str]:
    """What is to be judged. Whether a module or an attribute exists, only loading it can tell."""
    directory = config.invocation_params.dir
    targets = expand(config.getoption("--implementation") or ["reference"], directory)
    for target in targets:
        if not target.endswith((".py", ".ipynb")) and target != "reference":
            implementation = Implementation(target, directory=directory)
            try:
                implementation.check_exists()
            finally:
                implementation.close()
    return targets


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`pytest properties` judges an implementation; the harness is tested where its tests are asked for."""
    tests = Path(__file__).parent / "tests"
    asked = [
        Path(config.invocation_params.dir, argument.split("::")[0]).resolve() for argument in config.args
    ]
    if collection_path == tests and not any(path.is_relative_to(tests) for path in asked):
        return True
    return None


def pytest_report_header(config: pytest.Config) -> list[str]:
    """The effective configuration."""
    facts = describe(_seed(config))
    targets = config.stash[TARGETS]
    shown = ", ".join(targets[:3]) + (f" and {len(targets) - 3} more" if len(targets) > 3 else "")
    return [
        ", ".join(f"{name} {value}" for name, value in facts.items()),
        f"implementation: {shown}",
    ]


def _seed(config: pytest.Config) -> str:
    return "fixed by the profile" if settings().derandomize else str(config.option.hypothesis_seed)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every law runs on every implementation; one implementation is finished before the next begins."""
    if "implementation" in metafunc.fixturenames:
        targets = metafunc.config.stash[TARGETS]
        metafunc.parametrize("implementation", targets, indirect=True, scope="session")


@pytest.fixture(scope="session")
def implementation(request: pytest.FixtureRequest) -> Iterator[Implementation]:
    """The implementation under test, in a process of its own."""
    implementation = Implementation(request.param, directory=request.config.invocation_params.dir)
    yield implementation
    implementation.close()


@pytest.fixture(scope="session")
def effort() -> Effort:
    """How far the profile goes."""
    return EFFORTS.get(settings.get_current_profile_name(), EFFORTS["dev"])


@pytest.fixture(scope="session")
def exactly(pytestconfig: pytest.Config) -> Problem | None:
    """The one problem that `--reproduce` asks for."""
    return pytestconfig.stash[EXACTLY]


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """What the law meets, for the closing table."""
    tally = request.node.stash[TALLY] = Tally()
    return tally


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show a violation by its message alone, and hand the result of a law to the controlling process."""
    report = yield
    violation = _violation(call.excinfo.value) if call.excinfo else None
    if violation:
        report.longrepr = violation.message
    if report.when == "call" and TALLY in item.stash:
        report.user_properties.append(("law", asdict(_result(item, report, violation))))
    return report


def _result(item: pytest.Item, report: pytest.TestReport, violation: ViolationError | None) -> LawResult:
    assert isinstance(item, pytest.Function)
    marker = item.get_closest_marker("law")
    assert marker
    found = {}
    if violation:
        why = violation.explanation
        counterexample = repr(violation.trial.problem)
        found = {
            "counterexample": counterexample,
            "diagnosis": list(why.looks_like),
            "inherited": why.inherited,
        }
    return LawResult.of(
        item.stash[TALLY],
        implementation=item.callspec.params["implementation"],
        law=marker.args[0],
        grade=marker.args[1],
        function=item.callspec.params.get("function", ""),
        status=report.outcome,
        seconds=round(report.duration, 3),
        message="" if report.passed else _text(report),
        **found,
    )


def _text(report: pytest.TestReport) -> str:
    """Why a law failed or was skipped, in words."""
    return (
        report.longrepr[2].removeprefix("Skipped: ")
        if isinstance(report.longrepr, tuple)
        else report.longreprtext
    )


def _violation(error: BaseException) -> ViolationError | None:
    """The violation in an error; Hypothesis groups those that it could not bring about a second time."""
    if isinstance(error, BaseExceptionGroup):
        return next((found for inner in error.exceptions if (found := _violation(inner))), None)
    return error if isinstance(error, ViolationError) else None


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The closing table."""
    results = [
        LawResult(**value)  # type: ignore[arg-type]
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport)
        for name, value in report.user_properties
        if name == "law"
    ]
    if results:
        terminalreporter.section("laws")
        terminalreporter.write(render(results, width=terminalreporter._tw.fullwidth))
