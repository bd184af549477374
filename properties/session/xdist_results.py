"""With many targets, a worker of pytest-xdist sends one message for each test instead of five."""

import pytest

from properties.internals.pytest_internals import run_quietly
from properties.reports.run import IN_FULL
from properties.session.target_options import TARGETS


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a test, and send only its call and the phases that failed."""
    if not _sends_less(item.config):
        return None
    for report in run_quietly(item, nextitem):
        if report.when == "call" or not report.passed:
            item.ihook.pytest_runtest_logreport(report=report)
    return True


def _sends_less(config: pytest.Config) -> bool:
    """Whether this is a worker with many targets, and no option needs the other messages."""
    wants_all = config.option.verbose > 0 or config.getoption("xmlpath", None)
    wants_all = wants_all or config.option.durations is not None
    return hasattr(config, "workerinput") and len(config.stash[TARGETS].names) > IN_FULL and not wants_all
