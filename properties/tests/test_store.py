"""The store returns the problems that were added."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase, InMemoryExampleDatabase

from oracle.problems.problem import Problem
from properties.failure_database.store import Store

problems = st.builds(
    Problem,
    kind=st.sampled_from(["rnn", "lstm"]),
    n_x=st.integers(0, 4),
    n_a=st.integers(1, 4),
    n_y=st.integers(1, 4),
    m=st.integers(0, 4),
    T_x=st.integers(0, 4),
)


def test_a_directory_keeps_the_problems_of_each_law(tmp_path: Path) -> None:
    problem = Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=1)
    for name in ("one.py", "other.py"):
        stores = [
            Store(DirectoryBasedExampleDatabase(tmp_path), name, "each step", "rnn_forward") for _ in range(2)
        ]
        assert [*stores[0]] == []
        stores[0].add(problem)
        assert [*stores[1]] == [problem]


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
