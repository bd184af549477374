"""What fuzzing has done is stored, and a later run goes on from it."""

import json
from pathlib import Path

import pytest

from oracle.problems.problem import Problem
from properties.turns.records import FILE, SECONDS, Record, Records, records_in
from properties.turns.visits import RANGES, counts_of, map_of, visit

TEST = "properties/laws/test_agreement.py::test_each_step[my.py-lstm_forward]"
PROBLEM = Problem.lstm(n_x=0, n_a=3, n_y=2, m=300, T_x=4000, regime="huge", dtype="float32")


def a_record() -> Record:
    record = Record(seconds=1.5, idle=2)
    record.add(PROBLEM, 0.25)
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
    record = Record(seconds=1.0, problems=3, idle=5, visited=1, worst_ratio=0.5)
    record.add_all(delta)
    assert record == Record(2.5, 4, 0, delta.visited | 1, 0.5)
    record.add_all(delta)  # which visited nothing new
    assert (record.idle, record.problems) == (1, 5)
    record.add_all(Record(worst_ratio=0.75))
    assert (record.idle, record.worst_ratio) == (0, 0.75)


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
    [{"problems": -1}, {"seconds": "x"}, {"visited": "-1"}, {"visited": "?"}, {"more": 1}, {"seconds": None}],
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


def test_a_visit_has_the_ranges_of_each_pair_of_sizes() -> None:
    visits = [visit(PROBLEM), visit(Problem.lstm(n_x=1, n_a=4, n_y=2, m=33, T_x=513))]
    rows = map_of(visits, "n_a", "T_x")
    assert rows[RANGES.index("3")][RANGES.index("513+")] == 2
    assert sum(map(sum, rows)) == 2
    rows = map_of(visits, "n_x", "m")
    assert [rows[0][RANGES.index("257")], rows[1][RANGES.index("33")]] == [1, 1]
    counted = {name: number for name, number in counts_of(visits).items() if number}
    assert counted == {"unit": 1, "huge": 1, "float64": 1, "float32": 1}


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 256, 257, 512, 513, 9999])
def test_a_size_is_in_the_range_with_the_next_lower_bound(size: int) -> None:
    bounds = [int(each.rstrip("+")) for each in RANGES]
    rows = map_of([visit(Problem.rnn(n_x=1, n_a=1, n_y=1, m=size, T_x=1))], "m", "T_x")
    [found] = [row for row, cells in enumerate(rows) if any(cells)]
    assert bounds[found] == max(bound for bound in bounds if bound <= size)
