"""The undocumented parts of other projects still do what we need; a failure here names a changed release."""

import importlib
import inspect
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from properties.internals.hypothesis_internals import INDEPENDENT
from properties.internals.pytest_internals import drop_stash, with_message


def test_hypothesis_draws_anew_with_a_backend_of_another_name() -> None:
    drawn: list[int] = []

    @settings(backend=INDEPENDENT, max_examples=50, database=None)
    @given(st.integers(0, 2**64))
    def draw(number: int) -> None:
        drawn.append(number)

    draw()
    assert len(drawn) == 50, f"Hypothesis {version('hypothesis')} has other backends"


def test_hypothesis_draws_no_number_of_the_modules_that_are_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw() -> list[int]:
        drawn: list[int] = []

        @seed(0)
        @settings(max_examples=200, database=None)
        @given(st.integers(0, 2**128))
        def keep(number: int) -> None:
            drawn.append(number)

        keep()
        return drawn

    before = draw()
    (tmp_path / "with_numbers.py").write_text(
        "NUMBERS = [" + ", ".join(map(str, range(10**6, 10**6 + 100))) + "]"
    )
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("with_numbers")
    assert draw() == before, f"Hypothesis {version('hypothesis')} finds numbers in another way"


def test_pytest_runs_a_test_again(request: pytest.FixtureRequest) -> None:
    has = f"pytest {version('pytest')} has another"
    parameters = [*inspect.signature(runtestprotocol).parameters]
    assert parameters == ["item", "log", "nextitem"], f"{has} runtestprotocol"
    reporter: Any = request.config.pluginmanager.getplugin("terminalreporter")
    if reporter:  # a worker of pytest-xdist has none
        assert isinstance(reporter.stats, dict), f"{has} terminal reporter"
        assert "showfspath" in dir(reporter), f"{has} terminal reporter"


def test_a_failure_is_shown_by_a_message_alone(request: pytest.FixtureRequest) -> None:
    def fail() -> None:
        raise AssertionError

    with with_message(request.node, "what was found"):
        report = pytest.TestReport.from_item_and_call(request.node, pytest.CallInfo.from_call(fail, "call"))
    assert report.longrepr == "what was found", f"pytest {version('pytest')} shows failures in another way"


def test_what_pytest_keeps_of_a_test_can_be_dropped(request: pytest.FixtureRequest) -> None:
    item = request.node
    kept = dict(item.stash._storage)
    item.stash[pytest.StashKey[int]()] = 1
    drop_stash(item)
    assert not len(item.stash), f"pytest {version('pytest')} keeps what is of a test elsewhere"
    item.stash._storage.update(kept)


def test_xdist_has_the_schedulers_that_ours_change() -> None:
    load = pytest.importorskip("xdist.scheduler")
    has = f"pytest-xdist {version('pytest-xdist')} has other schedulers"
    for name in ("_split_scope", "add_node_collection", "_assign_work_unit"):
        assert callable(getattr(load.LoadScopeScheduling, name)), has
    scoped = inspect.getsource(load.LoadScopeScheduling)
    assert {"registered_collections", "assigned_work"} <= {*re.findall(r"\w+", scoped)}, has
    for name in ("_check_nodes_have_same_collection", "_send_tests", "check_schedule", "schedule"):
        assert callable(getattr(load.LoadScheduling, name)), has
    assert "node2pending" in inspect.getsource(load.LoadScheduling.__init__), has
