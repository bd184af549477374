"""What a run leaves so that it can be continued, and what one that is continued need not judge."""

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis.database import ExampleDatabase

from properties.internals.of_hypothesis import LocalDatabase
from properties.reports.earlier_report import in_json
from properties.session.options import CLOSING

AS_IT_BEGAN = pytest.StashKey[ExampleDatabase | None]()
"""The stored failures as they were before the run, where it has a report by which it can be continued.

What a run has found itself it must not find stored when it is continued, or it would go another way.
"""
_FOLDER = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Open what is left of the run that is continued; of another run begin anew."""
    config.stash[AS_IT_BEGAN] = None
    directory = config.invocation_params.dir
    report = in_json(directory / file for file in config.getoption("--report") or ())
    if not report or config.getoption("--fuzz-for"):
        return
    name = hashlib.sha256(os.fsencode(report)).hexdigest()[:16]
    folder = config.stash[_FOLDER] = directory / ".hypothesis" / "as-it-began" / name
    if CLOSING in config.stash and not config.getoption("--resume"):
        shutil.rmtree(folder, ignore_errors=True)
    config.stash[AS_IT_BEGAN] = LocalDatabase(folder)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist what is judged already."""
    node.workerinput["judged"] = sorted(judged(node.config))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run that is complete will not be continued."""
    stash = session.config.stash
    if _FOLDER in stash and CLOSING in stash and not stash[CLOSING].left:
        shutil.rmtree(stash[_FOLDER], ignore_errors=True)


def judged(config: pytest.Config) -> frozenset[str]:
    """The targets that the run which is continued has judged, by their encodable names."""
    if hasattr(config, "workerinput"):  # of pytest-xdist
        return frozenset(config.workerinput["judged"])
    return config.stash[CLOSING].judged
