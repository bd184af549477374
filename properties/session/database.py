"""What pytest is told of earlier failures: where they are kept, and that they are tried first."""

from collections.abc import Generator
from typing import Any

import pytest
from hypothesis.database import ExampleDatabase

from properties.isolation.implementation import Implementation
from properties.law import Law, lacks
from properties.reporting.results import Tally
from properties.store import Store, open_database
from properties.turn import TimeUpError, Turn

DATABASE = pytest.StashKey[ExampleDatabase]()
TURN = pytest.StashKey[Turn]()
_NEWS = pytest.StashKey[list[str]]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Open the database. `pytest.UsageError` where there is none."""
    news = config.stash[_NEWS] = []
    url = config.getoption("--example-database") or ""
    try:
        config.stash[DATABASE] = open_database(config.invocation_params.dir, url, news.append)
    except ValueError as error:
        raise pytest.UsageError(f"--example-database {error}") from None
    if not hasattr(config, "workerinput"):  # which a worker of pytest-xdist has
        config.pluginmanager.register(News(config))


@pytest.fixture
def turn(request: pytest.FixtureRequest, implementation: Implementation, tally: Tally) -> Turn:
    """This run of a law."""
    law, _ = request.node.get_closest_marker("law").args
    function = request.node.callspec.params["function"]
    store = Store(request.config.stash[DATABASE], implementation.target, law, function)
    turn = request.node.stash[TURN] = Turn(store, tally)
    return turn


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Try what failed before, then go on as ever, until the turn is over; what failed at any time fails."""
    given: dict[str, Any] = pyfuncitem.funcargs
    turn = given.get("turn")
    if not isinstance(turn, Turn):
        return (yield)
    try:
        if not given["exactly"]:
            _replay(pyfuncitem.obj.law, given["implementation"], given["function"], turn)
        yield
    except TimeUpError:
        pass
    turn.conclude()
    return True


def _replay(law: Law, implementation: Implementation, function: str, turn: Turn) -> None:
    """Try what the law did not hold of before; what it holds of again is forgotten."""
    for problem in () if lacks(implementation, function) else turn.store:
        if law.concerns(function, problem):  # as it did when that was stored
            law.check_each(implementation, function, [[problem]], turn)
        turn.store.discard(problem)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send what there is to tell of the database to the process that shows it."""
    report = yield
    news = item.config.stash[_NEWS]
    while news:
        report.user_properties.append(("news", news.pop(0)))
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Wait for what is written in the background."""
    list(session.config.stash[DATABASE].fetch(b""))


class News:
    """Shows what there is to tell of the database, once where several workers tell the same."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._last = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Show what came with a report."""
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        for name, text in report.user_properties:
            if name == "news" and text != self._last and reporter:
                reporter.write_line(f"warning: {text}", yellow=True)
                self._last = str(text)
