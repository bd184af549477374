"""What is stored comes back, and a shared database may be lost for a while without losing anything."""

import math
import re
import shutil
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.database import ExampleDatabase, GitHubArtifactDatabase, InMemoryExampleDatabase
from hypothesis.errors import HypothesisSideeffectWarning

from oracle.problem import Problem
from properties.failure_database.shared import SharedDatabase, open_database
from properties.failure_database.store import Store
from properties.internals.of_hypothesis import LocalDatabase

problems = st.builds(
    Problem,
    kind=st.sampled_from(["rnn", "lstm"]),
    n_x=st.integers(0, 4),
    n_a=st.integers(1, 4),
    n_y=st.integers(1, 4),
    m=st.integers(0, 4),
    T_x=st.integers(0, 4),
)


def test_where_it_was_looked_for_is_not_kept(tmp_path: Path) -> None:
    database = LocalDatabase(tmp_path)
    problem = Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=1)
    for name in ("one.py", "other.py"):
        store = Store(database, name, "each step", "rnn_forward")
        assert [*store] == []
        store.add(problem)
        assert [*store] == [problem]
    assert len(database.keypaths) <= 1  # where all keys are listed


@given(st.sets(problems), st.data())
def test_a_store_holds_what_was_added_and_not_discarded(added: set[Problem], data: st.DataObject) -> None:
    store = Store(InMemoryExampleDatabase(), "my_rnn.py", "each step", "rnn_forward")
    for problem in added:
        store.add(problem)
    assert set(store) == added
    discarded = data.draw(st.sets(st.sampled_from(sorted(added, key=repr)))) if added else set()
    for problem in discarded:
        store.discard(problem)
    assert set(store) == added - discarded


def test_a_store_of_a_resumed_run_stores_and_yields_nothing() -> None:
    database, problem = InMemoryExampleDatabase(), Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=1)
    store = Store(database, "a.py", "l", "f", replays=False)
    store.add(problem)
    assert [*store] == []
    assert [*Store(database, "a.py", "l", "f")] == [problem]


@pytest.mark.parametrize(
    "other", [("a.py", "l", "g"), ("a.py", "k", "f"), ("b.py", "l", "f"), ("\udcff", "l", "f")]
)
def test_laws_functions_and_implementations_are_kept_apart(other: tuple[str, str, str]) -> None:
    database = InMemoryExampleDatabase()
    Store(database, "a.py", "l", "f").add(Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=1))
    assert not [*Store(database, *other)]


def test_what_is_no_problem_any_more_is_dropped() -> None:
    database = InMemoryExampleDatabase()
    store = Store(database, "a.py", "l", "f")
    store.add(Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=1))
    (key,) = database.data
    database.save(key, b"Problem.gru()")
    assert len([*store]) == 1
    assert len(database.data[key]) == 1


class LostError(Exception):
    pass


class Losable(ExampleDatabase):
    """A database that is out of reach after so many more operations."""

    def __init__(self, left: float = math.inf) -> None:
        super().__init__()
        self.inner = InMemoryExampleDatabase()
        self.left = left

    def _reach(self) -> InMemoryExampleDatabase:
        if not self.left:
            raise LostError("no route")
        self.left -= 1
        return self.inner

    def fetch(self, key: bytes) -> Iterator[bytes]:
        yield from self._reach().fetch(key)

    def save(self, key: bytes, value: bytes) -> None:
        self._reach().save(key, value)

    def delete(self, key: bytes, value: bytes) -> None:
        self._reach().delete(key, value)


keys = st.sampled_from([b"k", b"l"])
values = st.sampled_from([b"1", b"2", b"3"])


@settings(max_examples=500)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(["save", "delete"]), keys, values),
            st.tuples(st.just("fetch"), keys),
            st.tuples(st.just("reach"), st.sampled_from([0, 1, 2, math.inf])),
        )
    )
)
def test_nothing_is_missing_once_it_is_back(operations: list[tuple[Any, ...]]) -> None:
    losable, told = Losable(), list[str]()
    database = SharedDatabase(losable, LostError, "db:1", told.append, retry_after=0)
    expected: dict[bytes, set[bytes]] = {b"k": set(), b"l": set()}
    for name, *arguments in operations:
        if name == "reach":
            (losable.left,) = arguments
        elif name == "fetch":
            seen = set(database.fetch(*arguments))
            assert seen in (expected[arguments[0]], set())
            assert losable.left < math.inf or seen == expected[arguments[0]]
        else:
            key, value = arguments
            getattr(database, name)(key, value)
            (expected[key].add if name == "save" else expected[key].discard)(value)
    losable.left = math.inf
    for key in expected:
        assert set(database.fetch(key)) == expected[key]
        assert set(losable.inner.fetch(key)) == expected[key]
    assert [("lost" in text, "back" in text) for text in told] == [(True, False), (False, True)] * (
        len(told) // 2
    )


def test_what_is_out_of_reach_is_not_tried_again_at_once() -> None:
    losable, told = Losable(left=0), list[str]()
    database = SharedDatabase(losable, LostError, "db:1", told.append, retry_after=3600)
    database.save(b"k", b"1")
    losable.left = math.inf
    assert not [*database.fetch(b"k")]
    assert told == ["db:1 is lost (no route); the run continues with the local database"]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://host", "'ftp://host', expected redis://host:port/0 or github://owner/repository"),
        ("nonsense", "'nonsense', expected"),
        ("redis://127.0.0.1:1/0", "redis://127.0.0.1:1/0 is out of reach: "),
        ("redis://127.0.0.1:port/0", "redis://127.0.0.1:port/0: "),
        ("github://owner", "github://owner: expected github://owner/repository"),
    ],
)
def test_a_database_that_is_not_there_is_an_error(tmp_path: Path, url: str, message: str) -> None:
    pytest.importorskip("redis")
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        open_database(tmp_path, url, print)


def test_what_a_workflow_has_uploaded_is_read_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=1)
    in_ci, at_home = tmp_path / "ci", tmp_path / "home"
    Store(open_database(in_ci, "", print), "my_rnn.py", "split", "rnn_forward").add(problem)
    downloads = at_home / ".hypothesis" / "github" / "owner" / "repository"
    now = datetime.now(UTC).isoformat().replace(":", "_")
    shutil.make_archive(str(downloads / now), "zip", in_ci / ".hypothesis" / "examples")

    warned = HypothesisSideeffectWarning("Slow code in plugin")  # as in the start of pytest
    fetch = GitHubArtifactDatabase.fetch

    def fetch_early(self: GitHubArtifactDatabase, key: bytes) -> Any:
        warnings.warn(warned, stacklevel=1)
        return fetch(self, key)

    monkeypatch.setattr(GitHubArtifactDatabase, "fetch", fetch_early)
    database = open_database(at_home, "github://owner/repository", print)
    monkeypatch.undo()
    store = Store(database, "my_rnn.py", "split", "rnn_forward")
    assert [*store] == [problem]
    store.discard(problem)
    assert [*store] == [problem]


def test_without_the_client_of_redis_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.delitem(sys.modules, "hypothesis.extra.redis", raising=False)
    with pytest.raises(ValueError, match="the extra 'fuzz'"):
        open_database(tmp_path, "redis://127.0.0.1:1/0", print)
