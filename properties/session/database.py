"""Opens the database of `--example-database`, and prints its warnings."""

from collections.abc import Generator

import pytest
from hypothesis.database import ExampleDatabase

from properties.failure_database.shared import open_database

DATABASE = pytest.StashKey[ExampleDatabase]()
_WARNINGS = pytest.StashKey[list[str]]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Open the database. Raises `pytest.UsageError` if that fails."""
    warnings = config.stash[_WARNINGS] = []
    url = config.getoption("--example-database") or ""
    try:
        config.stash[DATABASE] = open_database(config.invocation_params.dir, url, warnings.append)
    except ValueError as error:
        raise pytest.UsageError(f"--example-database {error}") from None
    if not hasattr(config, "workerinput"):  # not in a worker of pytest-xdist
        config.pluginmanager.register(DatabaseWarnings(config))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send the warnings of the database to the process that shows them."""
    report = yield
    warnings = item.config.stash[_WARNINGS]
    while warnings:
        report.user_properties.append(("warnings", warnings.pop(0)))
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Wait for writes in the background."""
    list(session.config.stash[DATABASE].fetch(b""))


class DatabaseWarnings:
    """Prints the warnings of the database; the same warning of several workers once."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._last = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Print the warnings in a report."""
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        for name, text in report.user_properties:
            if name == "warnings" and text != self._last and reporter:
                reporter.write_line(f"warning: {text}", yellow=True)
                self._last = str(text)
