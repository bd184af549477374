"""What a run computes about problems is stored for the next run, and never stands in the way of a run."""

import gc
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oracle import backpropagation, propagation, pytorch
from oracle.problem import Problem, siblings
from properties.questions import answer_store, question
from properties.questions.answer_store import AnswerStore
from properties.questions.question import Question, torchs_steps
from reference.contract import CONTRACTS

CLONE = Path(__file__).parents[2]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "rnn-crosscheck" / "answers.sqlite"


OPENED: list[AnswerStore] = []


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    """Close each file, since other tests count the open files of this process."""
    yield
    while OPENED:
        if connection := OPENED.pop()._connection:
            connection.close()


def opened() -> AnswerStore:
    OPENED.append(AnswerStore())
    OPENED[-1].open()
    return OPENED[-1]


def next_number(store: AnswerStore, numbers: Any, key: Any = "key") -> Any:
    return store.value(key, lambda: next(numbers))


def test_a_value_is_computed_once(file: Path) -> None:
    numbers = count()
    assert [next_number(opened(), numbers) for _ in range(2)] == [0, 0]
    assert next_number(opened(), numbers, ["key"]) == 1
    assert file.exists()


def test_two_processes_share_the_file(file: Path) -> None:
    one, two, numbers = opened(), opened(), count()
    assert [next_number(store, numbers) for store in (one, two, one)] == [0, 0, 0]


@pytest.mark.usefixtures("file")
def test_a_store_that_is_not_open_stores_nothing() -> None:
    numbers, store = count(), AnswerStore()
    assert [next_number(store, numbers) for _ in range(2)] == [0, 1]


@pytest.mark.parametrize("home", [os.devnull, "/proc/none"])
def test_without_a_directory_every_value_is_computed(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", home)
    numbers, store = count(), opened()
    assert [next_number(store, numbers) for _ in range(2)] == [0, 1]


def test_a_file_that_is_none_of_ours_is_left_alone(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"something else" * 100)
    numbers, store = count(), opened()
    assert [next_number(store, numbers) for _ in range(2)] == [0, 1]
    assert file.read_bytes() == b"something else" * 100
    gc.collect()  # closes the file, which a traceback keeps open


@pytest.mark.parametrize("damage", ["X'00'", "substr(value, 1, length(value) - 1) || X'07'"])
def test_a_broken_value_is_computed_again(damage: str, file: Path) -> None:
    numbers = count(5)
    next_number(opened(), numbers)
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute(f"UPDATE answers SET value = CAST({damage} AS BLOB)")
    connection.close()
    assert [next_number(opened(), numbers) for _ in range(2)] == [6, 6]


def test_a_large_file_is_deleted(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = count()
    next_number(opened(), numbers)
    monkeypatch.setattr(answer_store, "MOST_BYTES", file.stat().st_size - 1)
    assert next_number(opened(), numbers) == 1


@pytest.mark.parametrize("change", ["kernel", "package", "code"])
@pytest.mark.usefixtures("file")
def test_values_of_other_versions_are_not_taken(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = count()
    next_number(opened(), numbers)
    if change == "kernel":
        monkeypatch.setenv("ATEN_CPU_CAPABILITY", "another")
    elif change == "package":
        monkeypatch.setattr(answer_store, "version", lambda package: f"another {package}")
    else:
        monkeypatch.setattr(answer_store, "_ROOMS", ("reference",))
    assert next_number(opened(), numbers) == 1


@pytest.mark.usefixtures("file")
def test_the_seed_is_that_of_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    class Today:
        day = "2026-11-30"

        @classmethod
        def today(cls) -> type["Today"]:
            return cls

        @classmethod
        def isoformat(cls) -> str:
            return cls.day

    monkeypatch.setattr(answer_store, "date", Today)
    seed = opened().seed_of_today()
    assert opened().seed_of_today() == seed
    monkeypatch.setattr(Today, "day", "2026-12-01")
    assert opened().seed_of_today() != seed
    assert AnswerStore().seed_of_today() != AnswerStore().seed_of_today()


def numbers_of(bounds: Any) -> Any:
    return [{name: (each.value, each.error) for name, each in of_problem.items()} for of_problem in bounds]


def fail(*_: Any, **__: Any) -> Any:
    raise AssertionError("computed again")


@pytest.mark.parametrize("function", CONTRACTS)
@pytest.mark.usefixtures("file")
def test_the_answers_to_a_question_are_stored(function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = CONTRACTS[function]
    sizes = {"n_x": 2, "n_a": 3, "m": 2, "T_x": 1 if contract.is_cell else 2}
    problem = getattr(Problem, contract.problem_kind)(**sizes, **({} if contract.is_layer else {"n_y": 2}))
    problems = list(siblings(problem, 2, ("unit", "nonfinite")))

    def answers() -> list[Any]:
        monkeypatch.setattr(question, "ANSWERS", opened())
        asked = Question(function, problems)
        gradual = [] if contract.is_backward else numbers_of(asked.gradual_bounds)
        return [asked.witness, asked.exact, numbers_of(asked.bounds), gradual]

    computed = answers()
    monkeypatch.setattr(question, "_torchs_answer", fail)
    monkeypatch.setattr(question, "_exact_answer", fail)
    for module in (propagation, backpropagation):
        monkeypatch.setattr(module, "evaluate_each", fail)
    np.testing.assert_equal(answers(), computed)


@pytest.mark.parametrize("kind", ["lstm", "lstm_layer"])
@pytest.mark.usefixtures("file")
def test_the_answers_to_single_steps_are_stored(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = getattr(Problem, kind)(n_x=2, n_a=3, m=2, T_x=1, **({"n_y": 2} if kind == "lstm" else {}))
    one, other = (
        each.inputs(f"{kind}_cell_forward" if kind == "lstm" else kind) for each in siblings(problem, 2)
    )

    def answers(inputs: Any) -> list[Any]:
        monkeypatch.setattr(question, "ANSWERS", opened())
        gates = torchs_steps(inputs, gates=True) if kind == "lstm" else {}
        return [torchs_steps(inputs), gates]

    computed = answers(one)
    for name in ("run", "gates"):
        monkeypatch.setattr(pytorch, name, fail)
    np.testing.assert_equal(answers(one), computed)
    with pytest.raises(AssertionError, match="computed again"):
        answers(other)


def test_a_later_run_draws_the_same_problems_and_imports_no_torch(tmp_path: Path) -> None:
    """Takes seconds: it starts two interpreters, as a user does."""
    code = "import sys; from rnn_crosscheck.__main__ import main; main(); print('torch' in sys.modules)"
    options = ("--hypothesis-profile=quick", "-k", "rnn_cell_forward")
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code, *options], env=environment, cwd=CLONE, capture_output=True, text=True
        ).stdout
        for _ in range(2)
    ]
    first, later = (re.findall(r"seed\s+(\d+)|^(True|False)$", output, re.MULTILINE) for output in outputs)
    assert first[0] == later[0], outputs
    assert (first[1:], later[1:]) == ([("", "True")], [("", "False")]), outputs
