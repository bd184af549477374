"""`rnn-crosscheck merge`: reports of parts make the report of the whole, or one line says why not."""

from dataclasses import replace
from pathlib import Path

import pytest

from properties.reports.json_report import as_json
from properties.reports.merging import merged
from properties.reports.results import LawResult
from properties.reports.run import Run
from properties.session import merge
from properties.tests.results import every_verdict, failed, passed, run_of

PART = ("conforms", "differs")


def written(folder: Path, name: str, run: Run) -> str:
    (folder / name).write_text(as_json(run))
    return str(folder / name)


def with_facts(*results: LawResult, **facts: str) -> Run:
    return replace(run_of(results), environment={"numpy": "2.4", "seed": "1", **facts})


def test_the_parts_make_the_reports_of_the_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = every_verdict()
    files = [
        written(tmp_path, "a.json", run_of([each for each in whole if each.implementation in PART])),
        written(tmp_path, "b.json", run_of([each for each in whole if each.implementation not in PART])),
    ]
    reports = [tmp_path / f"all.{suffix}" for suffix in ("json", "html", "csv")]
    options = [f"--report={report}" for report in reports]
    assert merge.main([*files, *options, f"--report-each={tmp_path / 'pages'}"]) == 0
    output = capsys.readouterr().out
    assert output.endswith(f"{reports[-1]}\nreport: 7 pages in {tmp_path / 'pages'}\n")
    assert "  unusable" in output
    assert reports[0].read_text() == as_json(run_of(whole))
    assert [len(report.read_text().splitlines()) > 7 for report in reports] == [True] * 3


@pytest.mark.parametrize(
    ("report", "why"),
    [
        ("out.gradescope.json", "Gradescope needs --points and one target"),
        ("r" * 300 + ".json", "File name too long"),
    ],
)
def test_a_report_that_cannot_be_written_is_one_line(
    report: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, "a.json", run_of([passed("a.py")]))
    with pytest.raises(SystemExit, match="4"):
        merge.main([file, f"--report={tmp_path / report}"])
    assert why in capsys.readouterr().err


def test_parts_of_the_laws_are_joined() -> None:
    rnn = with_facts(passed("a.py"), options="-k rnn")
    lstm = with_facts(passed("a.py", function="lstm_forward"), seed="2")
    run = merged({"rnn": rnn, "lstm": lstm})
    assert [each.function for each in run.judgements[0].results] == ["rnn_forward", "lstm_forward"]
    assert run.environment == {"numpy": "2.4", "seed": "1, 2", "options": "-k rnn, none"}


def test_a_target_that_was_judged_later_is_not_left() -> None:
    first = run_of([passed("a.py"), failed("b.py")], ["b.py", "c.py"])
    run = merged({"first": first, "again": run_of([passed("b.py"), passed("c.py")], ["d.py"])})
    assert run.left_targets == ["d.py"]
    assert [each.verdict for each in run.judgements] == ["conforms", "conforms", "conforms", "left"]
    assert merged({"first": first, "second": first}) == first


def test_the_same_results_may_come_twice_but_for_their_times() -> None:
    twice = merged({"a": run_of([passed("a.py")]), "b": run_of([passed("a.py", seconds=7.0)])})
    assert twice == run_of([passed("a.py")])


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            with_facts(failed("a.py")),
            "b.json: the result of 'shapes' of rnn_forward on a.py is not that of a.json",
        ),
        (with_facts(passed("b.py"), numpy="2.3"), "b.json: numpy is 2.3, but 2.4 in a.json"),
        (with_facts(passed("b.py"), target="python 3.9"), "b.json: target is python 3.9, but none in a.json"),
    ],
)
def test_what_does_not_fit_is_one_line(
    other: Run,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "a.json", with_facts(passed("a.py")))
    written(tmp_path, "b.json", other)
    arguments = ["a.json", "b.json", "--report=all.csv"]
    with pytest.raises(SystemExit, match="4"):
        merge.main(arguments)
    assert capsys.readouterr().err == f"rnn-crosscheck merge: error: {message}\n"
    assert not (tmp_path / "all.csv").exists()


def test_a_file_that_is_no_report_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x\n.json").write_text("{}")
    with pytest.raises(SystemExit, match="4"):
        merge.main([str(tmp_path / "x\n.json")])
    (line,) = capsys.readouterr().err.splitlines()
    assert "x\\n.json: this is no report in JSON of rnn-crosscheck" in line
    with pytest.raises(SystemExit, match="4"):
        merge.main([written(tmp_path, "a.json", run_of([])), "--report=all.pdf"])
    assert "all.pdf: a report ends in .gradescope.json, .json, .html or .csv" in capsys.readouterr().err
