"""What fuzzing has done is stored, and a later run goes on from it."""

import json
from pathlib import Path

import pytest

from properties.turns.records import FILE, SECONDS, Record, Records, records_in

TEST = "properties/laws/test_agreement.py::test_each_step[my.py-lstm_forward]"


def a_record() -> Record:
    record = Record(seconds=1.5, idle=2)
    record.add(0.25)
    return record


def records(folder: Path, version: str = "1") -> Records:
    return Records(folder, {TEST: "my.py"}, version)


def stored(folder: Path, *, version: str = "1") -> Record:
    return records(folder, version).by_test[TEST]


def test_what_was_done_is_read_again(tmp_path: Path) -> None:
    first = records(tmp_path)
    first.update({TEST: a_record().as_dict()})
    first.write()
    assert stored(tmp_path) == a_record()
    assert [each.name for each in (tmp_path / FILE).parent.iterdir()] == [Path(FILE).name]


def test_what_another_process_wrote_is_added(tmp_path: Path) -> None:
    other = Records(tmp_path, {TEST: "my own.py"}, "1")
    other.update({TEST: a_record().as_dict()})
    other.write()
    ((name, delta),) = records_in((tmp_path / FILE).read_text()).items()
    assert (name, delta) == (TEST, a_record())
    record = Record(seconds=1.0, problems=3, idle=5, worst_ratio=0.125)
    record.add_all(delta)
    assert record == Record(2.5, 4, 0, 0.25)
    record.add_all(delta)  # which has no larger error
    assert record == Record(4.0, 5, 1, 0.25)


def test_after_a_change_of_the_target_or_the_version_nothing_was_done(tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text("1")
    first = records(tmp_path)
    first.update({TEST: a_record().as_dict()})
    first.write()
    assert stored(tmp_path).problems == 1
    assert stored(tmp_path, version="2").problems == 0
    (tmp_path / "my.py").write_text("2")
    assert stored(tmp_path).problems == 0
    (tmp_path / "my.py").write_text("1")
    records(tmp_path).write()  # what others did is kept
    assert stored(tmp_path).problems == 1


def test_the_file_is_written_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("properties.turns.records.time.monotonic", lambda: now[0])
    first = records(tmp_path)
    first.update({TEST: a_record().as_dict()})
    assert stored(tmp_path).problems == 0
    now[0] += SECONDS
    first.update({TEST: a_record().as_dict()})
    assert stored(tmp_path).problems == 1


@pytest.mark.parametrize("text", ["", "[]", "{", "1", "\0", "[" * 100_000, '{"a": 1}'])
def test_a_damaged_file_counts_as_empty(text: str, tmp_path: Path) -> None:
    (tmp_path / ".hypothesis").mkdir()
    (tmp_path / FILE).write_text(text)
    assert stored(tmp_path) == Record()
    records(tmp_path).write()


@pytest.mark.parametrize(
    "change",
    [{"problems": -1}, {"seconds": "x"}, {"worst_ratio": -0.5}, {"visited": "1f"}, {"seconds": None}],
)
def test_a_damaged_record_counts_as_none(change: dict[str, object], tmp_path: Path) -> None:
    first = records(tmp_path)
    first.update({TEST: a_record().as_dict()})
    first.write()
    document = json.loads((tmp_path / FILE).read_text())
    for values in document.values():
        values.update(change)
    (tmp_path / FILE).write_text(json.dumps(document))
    assert stored(tmp_path) == Record()


def test_a_folder_that_cannot_be_written_ends_no_run(tmp_path: Path) -> None:
    (tmp_path / ".hypothesis").write_text("a file")
    first = records(tmp_path)
    first.update({TEST: a_record().as_dict()})
    first.write()
