"""What a worker of pytest-xdist sends of a test: of many targets no more than what came of it.

pytest-xdist has five messages for a test. Where progress is shown in place of dots, one alone is read.
"""

import pytest

from properties.internals.of_pytest import run_quietly
from properties.reports.closing_table import IN_FULL
from properties.session.options import TARGETS


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a test, and leave out that it begins, is set up, torn down and over, where all of that passed."""
    if not _is_sparing(item.config):
        return None
    for report in run_quietly(item, nextitem):
        if report.when == "call" or not report.passed:
            item.ihook.pytest_runtest_logreport(report=report)
    return True


def _is_sparing(config: pytest.Config) -> bool:
    """In a worker, of many targets, where nobody has asked for times, or for what else the others carry."""
    wants_all = config.option.verbose > 0 or config.getoption("xmlpath", None)
    wants_all = wants_all or config.option.durations is not None
    return hasattr(config, "workerinput") and len(config.stash[TARGETS]) > IN_FULL and not wants_all
