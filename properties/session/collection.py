"""What pytest is told: which tests the laws make, and how to collect and show what came of them."""

import random
from collections.abc import Generator, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis.errors import InvalidArgument

from oracle.problem import Problem
from properties.isolation.implementation import Implementation, TargetMissing, expand
from properties.law import Law, all_laws, unusable
from properties.reporting import expected, report
from properties.reporting.closing import Closing
from properties.reporting.environment import describe
from properties.reporting.expected import ExpectedFailure
from properties.reporting.results import USABLE, LawResult, Tally, encodable, printable
from properties.reporting.scheduling import by_implementation
from properties.reporting.table import IN_FULL
from properties.strategies import EFFORTS, Effort
from properties.violation import ViolationError

TALLY = pytest.StashKey[Tally]()
TARGETS = pytest.StashKey[list[str]]()
EXACTLY = pytest.StashKey[Problem | None]()
EXPECTED = pytest.StashKey[list[ExpectedFailure]]()

DETERMINISTIC = ("ci",)
"""The profiles that have the same seed in every run, unless another is asked for."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check the options before anything runs, and fix the seed, so that every run can be repeated."""
    config.addinivalue_line("markers", "spec: must hold of any implementation of the specification")
    config.addinivalue_line("markers", "robust: must hold of one that is fit for any input")
    config.addinivalue_line("markers", "law(name, grade): what a test is called in the reports")
    config.option.force_short_summary = True  # on CI too a message, which has many lines, stands there once
    _check_hypothesis(config)
    if config.getoption("hypothesis_seed") is None and not config.getoption("--fuzz-for"):
        fixed = config.getoption("hypothesis_profile") in DETERMINISTIC
        config.option.hypothesis_seed = 0 if fixed else random.SystemRandom().randrange(2**32)
    reproduce = config.getoption("--reproduce")
    directory = config.invocation_params.dir
    known = config.getoption("--expected-failures")
    reports = [directory / file for file in config.getoption("--report") or ()]
    try:
        config.stash[EXACTLY] = _concerning_a_law(Problem.parse(reproduce)) if reproduce else None
        failures = config.stash[EXPECTED] = expected.read(directory / known) if known else []
        for path in reports:
            report.check(path)
        targets = config.stash[TARGETS] = _targets(config)
    except (TargetMissing, ValueError) as error:
        raise pytest.UsageError(str(error)) from None
    if not hasattr(config, "workerinput"):  # which a worker of pytest-xdist has
        config.pluginmanager.register(Closing(targets, failures, reports, lambda: describe(_seed(config))))


def _check_hypothesis(config: pytest.Config) -> None:
    """Hypothesis' plugin takes any text for its options, and stumbles later."""
    profile, seed = config.getoption("hypothesis_profile"), config.getoption("hypothesis_seed")
    try:
        settings.get_profile(profile or "dev")
    except InvalidArgument as error:
        raise pytest.UsageError(f"--hypothesis-profile: {error}; conftest.py has the profiles") from None
    if seed is not None and not seed.isdecimal():
        raise pytest.UsageError(f"--hypothesis-seed={seed}: a seed is a whole number from 0 up")


def _concerning_a_law(problem: Problem) -> Problem:
    if not any(law.concerns(function, problem) for law in all_laws() for function in law.functions):
        raise ValueError(
            f"--reproduce: no law is about {problem!r}. n_a and n_y must be 1 or more; n_x, m and T_x "
            "may be 0 in the regimes ternary and unit; only in these and in wild may the dtype not be float64"
        )
    return problem


def _targets(config: pytest.Config) -> list[str]:
    """What is to be judged. Whether a module or an attribute exists, only loading it can tell."""
    directory = config.invocation_params.dir
    patterns = config.getoption("--implementation") or ["reference"]
    if config.getoption("numprocesses", None) and patterns != [*map(encodable, patterns)]:
        raise ValueError(
            "a name that is no UTF-8 cannot be sent to workers; name its directory, or leave out -n"
        )
    targets = expand(patterns, directory)
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


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let `-k` find a law by its own name and its function's, whatever the target is called."""
    if isinstance(item, pytest.Function) and "implementation" in item.fixturenames:
        function = item.callspec.params.get("function")
        item.name = f"{item.originalname}[{function}]" if function else item.originalname


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """One implementation after the other, and of each the robust laws last.

    For a function that robust inputs make hang is not called any more, whatever the law. Of one problem only
    the laws that concern it are asked.
    """
    exactly = config.stash[EXACTLY]
    if exactly:
        concerned = [item for item in items if _concerns(item, exactly)]
        if all(_law(item) is None for item in concerned):
            concerned = []  # whether there is something to judge was not the question
        config.hook.pytest_deselected(items=[item for item in items if item not in concerned])
        items[:] = concerned
    targets = config.stash[TARGETS]
    places = {target: place for place, target in enumerate(targets)}

    def turn(item: pytest.Item) -> tuple[int, bool]:
        if not isinstance(item, pytest.Function) or not item.get_closest_marker("law"):
            return -1, False
        return places[str(item.callspec.params["implementation"])], not item.get_closest_marker("spec")

    items.sort(key=turn)


def _law(item: pytest.Item) -> Law | None:
    law = getattr(item.obj, "law", None) if isinstance(item, pytest.Function) else None
    return law if isinstance(law, Law) else None


def _concerns(item: pytest.Item, problem: Problem) -> bool:
    law = _law(item)
    return law is None or law.concerns(str(item.callspec.params["function"]), problem)  # type: ignore[attr-defined]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where many are judged, give each to one worker."""
    if len(config.stash[TARGETS]) > IN_FULL and config.getoption("dist") == "load":
        return by_implementation(config, log)
    return None


def pytest_report_header(config: pytest.Config) -> list[str]:
    """The effective configuration."""
    facts = describe(_seed(config))
    targets = config.stash[TARGETS]
    shown = ", ".join(targets[:3]) + (f" and {len(targets) - 3} more" if len(targets) > 3 else "")
    return [
        ", ".join(f"{name} {value}" for name, value in facts.items()),
        f"implementation: {printable(shown)}",
    ]


def _seed(config: pytest.Config) -> str:
    return "a new one in every turn" if config.getoption("--fuzz-for") else str(config.option.hypothesis_seed)


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
    error = call.excinfo.value if call.excinfo else None
    violation = _violation(error)
    if violation:
        report.longrepr = printable(violation.message)
    is_over = report.when == "call" or (report.when == "setup" and report.failed)
    if is_over and item.get_closest_marker("law"):
        broke = report.failed and not violation and not isinstance(error, pytest.fail.Exception)
        result = _result(item, report, violation, broke)
        report.user_properties.append(("law", asdict(result)))
        if result.expected:
            report.outcome = "skipped"  # with `wasxfail`, pytest's own sign of an expected failure
            report.wasxfail = result.expected
    return report


def _result(
    item: pytest.Item, report: pytest.TestReport, violation: ViolationError | None, broke: bool
) -> LawResult:
    """What came of a law, of which it is a violation, or the harness broke."""
    assert isinstance(item, pytest.Function)
    marker = item.get_closest_marker("law")
    assert marker
    law, grade = marker.args
    function = str(item.callspec.params.get("function", ""))
    implementation = str(item.callspec.params["implementation"])
    given: dict[str, Any] = {}
    if violation:
        given = {
            "counterexample": repr(violation.trial.problem),
            "diagnosis": [printable(sentence) for sentence in violation.diagnosis],
            "inherited": violation.explanation.inherited,
        }
    usable = not (report.failed and law == USABLE) or broke
    if report.skipped:
        usable = not unusable(cast(Implementation, item.funcargs["implementation"]))
    if report.failed and not broke:
        reasons = (
            entry.reason
            for entry in item.config.stash[EXPECTED]
            if entry.covers(implementation, law, function)
        )
        given["expected"] = next(reasons, "")
    return LawResult.of(
        item.stash.get(TALLY, Tally()),
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
    """Why a law failed or was skipped, in words."""
    return (
        report.longrepr[2].removeprefix("Skipped: ")
        if isinstance(report.longrepr, tuple)
        else report.longreprtext
    )


def _violation(error: BaseException | None) -> ViolationError | None:
    """The violation in an error; Hypothesis groups those that it could not bring about a second time."""
    if isinstance(error, BaseExceptionGroup):
        return next((found for inner in error.exceptions if (found := _violation(inner))), None)
    return error if isinstance(error, ViolationError) else None
