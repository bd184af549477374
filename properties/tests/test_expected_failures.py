"""Failures that are expected: how they are read, and when they are stale."""

import re
from pathlib import Path

import pytest

from properties.reports.expected_failures import ExpectedFailure, law_function_pairs, read, stale_entries
from properties.tests.results import failed, passed, skipped

ENTRY = '[[failure]]\nlaw = "split"\nfunction = "rnn_forward"\nreason = "known"\n'


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "known.toml"
    file.write_text(f'# two\n{ENTRY}\n{ENTRY}implementation = "my_rnn.py"\n')
    assert read(file) == [
        ExpectedFailure("split", "rnn_forward", "known"),
        ExpectedFailure("split", "rnn_forward", "known", "my_rnn.py"),
    ]
    file.write_text("")
    assert read(file) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "[[failure]\n",
            "not valid TOML: Expected ']]' at the end of an array declaration (at line 1, column 10)",
        ),
        ("a = 1\na = 2\n", "not valid TOML: Cannot overwrite a value (at line 2, column 6)"),
        ("failures = 1\n", "key 'failures' is unknown; each entry is a table [[failure]]"),
        ("failure = 1\n", "'failure' is not an array of tables; each entry begins with [[failure]]"),
        ("[failure]\n", "'failure' is not an array of tables; each entry begins with [[failure]]"),
        (ENTRY + "[[failure]]\n", "[[failure]] 2: key 'law' is missing"),
        (
            ENTRY.replace("reason", "reasons"),
            "[[failure]] 1: key 'reasons' is unknown; did you mean 'reason'?",
        ),
        (ENTRY.replace('"known"', "3"), "[[failure]] 1: key 'reason' is 3, expected a text"),
        (ENTRY.replace("known", " "), "[[failure]] 1: key 'reason' is ' ', expected a text"),
    ],
)
def test_a_malformed_file_is_refused_by_line_or_key(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "known.toml"
    file.write_text(content)
    with pytest.raises(ValueError, match=f"^{re.escape(str(file))}: {re.escape(message)}"):
        read(file)


@pytest.mark.parametrize(("content", "why"), [(None, "No such file"), (b"\xff", "not valid TOML: ")])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None, why: str) -> None:
    file = tmp_path / "known.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{re.escape(str(file))}: {why}"):
        read(file)


def test_an_entry_of_one_implementation_covers_no_other() -> None:
    entry = ExpectedFailure("split", "rnn_forward", "known", "a.py")
    assert entry.covers("a.py", "split", "rnn_forward")
    assert entry.covers("./a.py", "split", "rnn_forward")
    assert not entry.covers("b.py", "split", "rnn_forward")
    assert not entry.covers("a.py", "split", "lstm_forward")
    assert not entry.covers("a.py", "shapes", "rnn_forward")
    assert ExpectedFailure("split", "rnn_forward", "known").covers("b.py", "split", "rnn_forward")


def test_what_still_fails_or_did_not_run_is_not_stale() -> None:
    entries = [ExpectedFailure("split", function, "known") for function in ("rnn_forward", "lstm_forward")]
    assert stale_entries(entries, [failed("a", "split"), passed("b", "split"), passed("a")]) == []


@pytest.mark.parametrize(
    ("law", "function", "why"),
    [
        ("split", "rnn_forward", "it passed"),
        ("shapes", "lstm_forward", "it was skipped"),
        ("splt", "rnn_forward", "there is no such law; did you mean 'split'?"),
        ("split", "rnn_forwards", "the law is not about this function; did you mean 'rnn_forward'?"),
    ],
)
def test_what_happens_no_more_is_stale(law: str, function: str, why: str) -> None:
    results = [passed("a", "split"), skipped("a", "shapes", "lstm_forward")]
    assert stale_entries([ExpectedFailure(law, function, "known")], results) == [
        f"{law!r} on {function}, but {why}"
    ]


def test_every_law_is_known() -> None:
    known = law_function_pairs()
    assert {law for law, _ in known} >= {"is provided", "can be used", "trajectory", "extreme magnitudes"}
    assert ("trajectory", "rnn_forward") in known
    assert ("trajectory", "rnn_cell_forward") not in known
    assert ("shapes", "rnn_cell_forward") in known
