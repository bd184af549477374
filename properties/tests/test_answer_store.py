"""What a run computes about problems is stored for the next run.

Whatever is in the file, it neither ends a run nor changes a verdict.
"""

import gc
import os
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oracle.problems.problem import Problem, siblings
from oracle.witnesses import pytorch
from oracle.witnesses.bounds import bounds_on
from properties.questions import answer_store, question
from properties.questions.answer_store import AnswerStore
from properties.questions.question import Question
from properties.tests.runs import run
from reference.contract import CONTRACTS

pytestmark = pytest.mark.slow

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
        OPENED.pop().close()


def opened() -> AnswerStore:
    OPENED.append(AnswerStore())
    OPENED[-1].open()
    return OPENED[-1]


def next_number(store: AnswerStore, numbers: Any, key: Any = "key") -> Any:
    return store.value(key, lambda: next(numbers), lambda value: type(value) is int)


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


def change(file: Path, *statements: str) -> None:
    """Change the database."""
    connection = sqlite3.connect(file, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize("damage", ["X'00'", "substr(value, 1, length(value) - 1) || X'07'"])
def test_a_broken_value_is_computed_again(damage: str, file: Path) -> None:
    numbers = count(5)
    next_number(opened(), numbers)
    change(file, f"UPDATE answers SET value = CAST({damage} AS BLOB)")
    assert [next_number(opened(), numbers) for _ in range(2)] == [6, 6]


@pytest.mark.parametrize(
    "value", ["NULL", "5", "0.5", "'text'", "CAST(X'FF' AS TEXT)", "zeroblob(20000000)", "value || value"]
)
def test_a_value_of_another_type_or_size_ends_no_run(value: str, file: Path) -> None:
    numbers = count(5)
    next_number(opened(), numbers)
    change(file, f"UPDATE answers SET value = {value}")
    assert next_number(opened(), numbers) == 6


def test_a_file_that_is_broken_behind_its_schema_ends_no_run(file: Path) -> None:
    numbers = count(5)
    next_number(opened(), numbers)
    OPENED[-1].close()
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"\7" * (len(content) - 4096))
    assert [next_number(opened(), numbers) for _ in range(2)] == [6, 7]
    gc.collect()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON answers BEGIN DELETE FROM answers; END",
        "CREATE TABLE another (text)",
        "CREATE VIEW another AS SELECT 1",
        "ALTER TABLE answers ADD COLUMN another",
    ],
)
def test_a_database_with_another_schema_is_left_alone(
    statement: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = count()
    next_number(opened(), numbers)
    OPENED[-1].close()
    change(file, statement)
    content = file.read_bytes()
    monkeypatch.setattr(answer_store, "MOST_BYTES", 1)  # which is no reason to delete it
    assert [next_number(opened(), numbers) for _ in range(2)] == [1, 2]
    assert file.read_bytes() == content


def test_a_schema_that_takes_long_to_parse_is_left_alone(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = count()
    next_number(opened(), numbers)
    OPENED[-1].close()
    rows = "SELECT 'view', 'v' || n, 'v' || n, 0, 'CREATE VIEW v' || n || ' AS SELECT 1' FROM numbers"
    change(
        file,
        "PRAGMA writable_schema = ON",
        "INSERT INTO sqlite_master WITH RECURSIVE numbers (n) AS "
        f"(SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10000) {rows}",
    )
    content = file.read_bytes()
    monkeypatch.setattr(answer_store, "SECONDS", 0.001)
    store = opened()
    assert next_number(store, numbers) == 1
    assert store.fault == f"{file} takes more than 0.001 s to open, and was not used: delete it"
    assert file.read_bytes() == content


def test_no_log_is_mapped_into_memory(file: Path) -> None:
    """A target that truncates a mapped file would end the process."""
    next_number(opened(), count())
    assert not [*file.parent.glob("*-shm")]
    change(file, "PRAGMA journal_mode = WAL")
    next_number(opened(), count(), "another")
    assert not [*file.parent.glob("*-shm")]


def test_the_value_of_another_key_is_not_taken(file: Path) -> None:
    numbers = count()
    for key in ("one", "another"):
        next_number(opened(), numbers, key)
    change(file, "UPDATE answers SET value = (SELECT max(value) FROM answers)")
    store = opened()
    assert sorted(next_number(store, numbers, key) for key in ("one", "another")) in ([0, 2], [1, 2])


def test_a_schema_that_is_no_text_ends_no_run(file: Path) -> None:
    numbers = count()
    next_number(opened(), numbers)
    OPENED[-1].close()
    file.write_bytes(file.read_bytes().replace(b"TABLE answers", b"TABL\xff answers"))
    assert [next_number(opened(), numbers) for _ in range(2)] == [1, 2]
    gc.collect()


def link(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))
    file.symlink_to("elsewhere")


def link_folder(file: Path) -> None:
    file.parent.rename(file.parent.with_name("elsewhere"))
    file.parent.symlink_to("elsewhere")


def make_pipe(file: Path) -> None:
    os.mkfifo(f"{file}-wal")


@pytest.mark.parametrize(
    "change",
    [
        link,
        link_folder,
        make_pipe,
        lambda file: file.chmod(0o660),
        lambda file: file.parent.chmod(0o757),
        lambda file: file.parent.chmod(0o1777),
        lambda file: file.parent.parent.chmod(0o777),
    ],
)
def test_a_file_that_another_user_may_have_written_is_not_used(
    change: Callable[[Path], None], file: Path
) -> None:
    numbers = count()
    next_number(opened(), numbers)
    OPENED[-1].close()
    content = file.read_bytes()
    change(file)
    assert [next_number(opened(), numbers) for _ in range(2)] == [1, 2]
    assert file.read_bytes() == content


def test_a_file_of_another_user_is_not_used(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers, user = count(), os.getuid()
    next_number(opened(), numbers)
    monkeypatch.setattr(os, "getuid", lambda: user + 1)
    assert next_number(opened(), numbers) == 1


def test_a_file_that_is_locked_is_waited_for_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_store, "SECONDS", 0.01)
    numbers, before = count(), opened()
    next_number(before, numbers)
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    for store in (before, opened()):
        assert next_number(store, numbers) > 0
        assert not store._connection
    connection.close()


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


def test_code_with_the_same_size_and_time_is_other_code(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tmp_path / "properties" / "questions" / "answer_store.py"
    code.parent.mkdir(parents=True)
    monkeypatch.setattr(answer_store, "__file__", str(code))
    numbers = count()
    for text in ("a = 1", "a = 2"):
        code.write_text(text)
        os.utime(code, (0, 0))
        next_number(opened(), numbers)
    assert next(numbers) == 2


@pytest.mark.parametrize("wrong", ["7", -1, 2**32, 0.5, True, None, [1]])
@pytest.mark.usefixtures("file")
def test_a_seed_that_is_no_seed_is_drawn_again(wrong: Any) -> None:
    key: list[Any] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(AnswerStore, "value", lambda _, *given: key.extend(given))
        AnswerStore().seed_of_today()
    store = opened()
    store.value(key[0], lambda: wrong, lambda _: True)
    seed = store.seed_of_today()
    assert type(seed) is int
    assert 0 <= seed < 2**32
    assert seed == store.seed_of_today() != wrong


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
        return [asked.witness, asked.exact]

    computed = answers()
    monkeypatch.setattr(answer_store, "COMPUTED_AGAIN", 0)
    monkeypatch.setattr(question, "_torchs_answer", fail)
    monkeypatch.setattr(question, "_exact_answer", fail)
    np.testing.assert_equal(answers(), computed)


@pytest.mark.parametrize("kind", ["lstm", "lstm_layer"])
@pytest.mark.usefixtures("file")
def test_the_answers_to_single_steps_are_stored(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = getattr(Problem, kind)(n_x=2, n_a=3, m=2, T_x=1, **({"n_y": 2} if kind == "lstm" else {}))
    function = "lstm_cell_forward" if kind == "lstm" else kind
    one, other = (each.inputs(function) for each in siblings(problem, 2))

    def answers(inputs: Any) -> list[Any]:
        monkeypatch.setattr(question, "ANSWERS", opened())
        bounds = bounds_on(inputs)
        asked = Question(function, [problem])
        gates = asked.steps(inputs, bounds, gates=True) if kind == "lstm" else {}
        return [asked.steps(inputs, bounds), gates]

    computed = answers(one)
    for name in ("run", "gates"):
        monkeypatch.setattr(pytorch, name, fail)
    np.testing.assert_equal(answers(one), computed)
    with pytest.raises(AssertionError, match="computed again"):
        answers(other)


@pytest.mark.usefixtures("file")
def test_some_values_are_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    computed = Counter[int]()
    for _ in range(2):
        store = opened()
        for key in range(100):

            def compute(key: int = key) -> int:
                computed[key] += 1
                return key

            assert store.value(key, compute, lambda _: True, is_sampled=True) == key
        assert not store.fault
    assert set(range(10)) <= {key for key, times in computed.items() if times == 2}
    assert 110 < computed.total() < 200


def test_a_value_that_differs_when_it_is_computed_again_deletes_the_file(file: Path) -> None:
    opened().value("key", lambda: [1.0], lambda _: True)
    file.with_name(f"{file.name}.0").mkdir()  # which cannot be deleted as a file
    store = opened()
    assert store.value("key", lambda: [1.5], lambda _: True, is_sampled=True) == [1.5]
    assert store.fault == f"{file} had a wrong answer and was deleted; run again"
    assert not file.exists()
    assert store.value("key", lambda: [2.0], lambda _: True) == [2.0]


def without_y(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: array for name, array in answer.items() if name != "y"}


@pytest.mark.parametrize(
    "change",
    [
        lambda _: None,
        lambda answers: answers[:1],
        lambda answers: [[], *answers[1:]],
        lambda answers: [*map(without_y, answers)],
        lambda answers: [{**each, "another": each["a"]} for each in answers],
        lambda answers: [{name: array[:, :1] for name, array in each.items()} for each in answers],
        lambda answers: [{**each, "a": each["a"].tolist()} for each in answers],
        lambda answers: [{**each, "a": each["a"] + 0j} for each in answers],
        lambda answers: [{**each, "a": each["a"] > 0} for each in answers],
        lambda answers: [{**each, "a": each["a"] + np.nan} for each in answers],
        lambda answers: [{**each, "a": each["a"] + np.inf} for each in answers],
        lambda answers: [{**each, "a": -1 - each["a"]} for each in answers],
    ],
)
@pytest.mark.parametrize("kind", ["witness", "exact"])
@pytest.mark.usefixtures("file")
def test_an_answer_that_cannot_be_right_is_computed_again(
    change: Callable[[Any], Any], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_store, "COMPUTED_AGAIN", 0)
    problems = list(siblings(Problem.lstm(n_x=2, n_a=3, n_y=2, m=2, T_x=2), 2, ("unit",)))

    def asked() -> Any:
        monkeypatch.setattr(question, "ANSWERS", opened())
        return getattr(Question("lstm_forward", problems), kind)

    right = asked()
    value = AnswerStore.value

    def harmed(store: AnswerStore, key: Any, compute: Any, _: Any, **__: Any) -> Any:
        return value(store, key, lambda: change(compute()), lambda _: False)

    monkeypatch.setattr(AnswerStore, "value", harmed)
    with suppress(Exception):
        asked()
    monkeypatch.setattr(AnswerStore, "value", value)
    np.testing.assert_equal(asked(), right)


def test_a_run_with_a_wrong_answer_says_so(tmp_path: Path) -> None:
    """Takes seconds: two runs. The answers are as near as right ones are, and their digests are right."""
    how: dict[str, Any] = {
        "directory": tmp_path,
        "program": "rnn-crosscheck",
        "XDG_CACHE_HOME": str(tmp_path),
    }
    selected = ("--hypothesis-profile=quick", "-k", "rnn_cell_forward")
    assert run(*selected, **how).status == 0
    file = tmp_path / "rnn-crosscheck" / "answers.sqlite"
    connection = sqlite3.connect(file, isolation_level=None)
    for key, row in connection.execute("SELECT key, value FROM answers").fetchall():
        answers = decode(bytearray(row[32:]))
        body = encode([{name: array * (1 + 2**-52) for name, array in each.items()} for each in answers])
        changed = sha256(key + body).digest() + body
        connection.execute("UPDATE answers SET value = ? WHERE key = ?", (changed, key))
    connection.close()
    status, output = run(*selected, **how)
    assert status == 0
    assert "".join(f"{file} had a wrong answer and was deleted; run again".split()) in "".join(output.split())
    assert not file.exists()


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
