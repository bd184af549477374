"""What we use of pytest that it does not document."""

import pytest
from _pytest.runner import runtestprotocol


def run_again(item: pytest.Item, nextitem: pytest.Item | None) -> list[pytest.TestReport]:
    """Run a test, as often as one likes, and hand its reports to nobody else."""
    return runtestprotocol(item, nextitem=nextitem, log=False)


def forget_unshown(reporter: pytest.TerminalReporter) -> None:
    """Drop the reports that were given no category, of which there may be very many."""
    reporter.stats.get("", []).clear()


def show_no_files(reporter: pytest.TerminalReporter) -> None:
    """Leave the names of the files out of what is shown as tests run."""
    reporter.showfspath = False
