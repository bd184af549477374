"""What workers of pytest-xdist send of a test."""

from pathlib import Path

import pytest

from properties.reports.run import FEW_TARGETS
from properties.tests.runs import run

pytestmark = pytest.mark.slow

COUNTS = """
from collections import Counter
COUNTED = Counter()
def pytest_runtest_logreport(report): COUNTED[report.when] += 1
def pytest_runtest_logstart(): COUNTED["start"] += 1
def pytest_terminal_summary(terminalreporter): terminalreporter.write_line(f"counted {dict(COUNTED)}")
"""
MANY = FEW_TARGETS + 1
ALL = ("start", "setup", "call", "teardown")


@pytest.mark.parametrize(
    ("targets", "more", "sent"),
    [
        (MANY, (), ("call",)),
        (MANY, ("--junitxml=r.xml",), ALL),
        (MANY, ("--durations=0",), ALL),
        (MANY, ("-v",), ALL),
        (FEW_TARGETS, (), ALL),
    ],
)
def test_of_many_what_came_of_each_test_is_sent_alone_unless_more_is_asked_for(
    tmp_path: Path, targets: int, more: tuple[str, ...], sent: tuple[str, ...]
) -> None:
    """Takes a second: a whole run with a worker."""
    (tmp_path / "counts.py").write_text(COUNTS)
    (tmp_path / "course").mkdir()
    for number in range(targets):
        (tmp_path / "course" / f"{number}.py").write_text("pass")
    course = ("-n", "1", "-p", "counts", "-k", "can_be_used", "--implementation", "course")
    output = run(*course, *more, directory=tmp_path).output
    assert f"counted {dict.fromkeys(sent, targets)}" in output, output
