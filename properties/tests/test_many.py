"""Many implementations in one command: whatever they do, each gets its verdict."""

import csv
import json
import os
import re
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from properties.tests.hostile_targets import targets, write
from properties.tests.runs import Done, run
from properties.trials.provided_functions import PRESENCE

pytestmark = pytest.mark.slow

JUDGED = (
    *("right.py", "patches.py", "na[i]ve <b>&\u00e9.py", "textbook.py", "gates.py", "keeps_state.py"),
    *("todo.py", "exits.py", "rnn_only.py", "torch_like.py", "raises.py", "broken.ipynb"),
)
LAWS = "can_be_used or (rnn_forward or lstm_forward) and (is_provided or each_step or extreme)"


def judge(directory: Path, *arguments: str) -> Done:
    """Run the laws in a directory, on few problems."""
    return run("--hypothesis-profile=quick", *arguments, directory=directory)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with submissions."""
    return submitted(tmp_path_factory.mktemp("course"))


def submitted(folder: Path, names: Sequence[str] = JUDGED) -> Path:
    """The directory, with submissions in it."""
    (folder / "submissions").mkdir()
    write((target for target in targets() if target.name in names), folder / "submissions")
    return folder


@pytest.fixture(scope="module")
def judged(folder: Path) -> Done:
    """One run that judges them all."""
    reports = [f"--report=verdicts.{suffix}" for suffix in ("json", "html", "csv")]
    reports += ["--report-each=pages", "--junitxml=verdicts.xml"]
    return judge(folder, "--implementation", "submissions", "-k", LAWS, *reports)


def report(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "verdicts.json").read_text())
    return document


def test_each_gets_the_verdict_that_it_deserves(folder: Path, judged: Done) -> None:
    """The run takes seconds: it judges twelve targets, and explains what is wrong with them."""
    deserved = {target.name: target.verdict for target in targets() if target.name in JUDGED}
    found = {Path(each["target"]).name: each["verdict"] for each in report(folder)["implementations"]}
    assert found == deserved, judged.output
    assert judged.status == 1


def test_no_entry_of_a_folder_ends_the_run_over_the_others(tmp_path: Path) -> None:
    submissions = submitted(tmp_path, ["right.py"]) / "submissions"
    (submissions / "dangling.py").symlink_to("nothing")
    (submissions / "loop.py").symlink_to("loop.py")
    (submissions / "folder.py").mkdir()
    os.mkfifo(submissions / "pipe.py")
    selected = ("-k", "can_be_used", "--report=verdicts.json")
    named = [f"--implementation=submissions/{name}" for name in sorted(os.listdir(submissions))]
    for patterns in (["--implementation=submissions"], named):  # named as a shell expands submissions/*.py
        status, output = judge(tmp_path, *patterns, *selected)
        found = {each["target"]: each["verdict"] for each in report(tmp_path)["implementations"]}
        assert status == 1
        assert found.pop("submissions/right.py") == "conforms", output
        assert [*found.values()] == ["unusable"] * 4
    for why in ("is not a regular file", "is a broken link"):
        assert f"2 of 5 targets: {why}" in output, output


def test_a_file_without_the_attribute_ends_no_run_over_the_others(tmp_path: Path) -> None:
    (tmp_path / "ada.py").write_text("class Net:\n    def rnn_forward(self, x, a0, parameters): ...\n")
    (tmp_path / "bob.py").write_text("class Nett: ...\n")
    status, output = judge(tmp_path, "--implementation=*.py:Net", "-k", "can_be_used")
    assert "has no attribute 'Net'; did you mean 'Nett'?" in output
    assert re.search(r"ada\.py:Net +conforms", output), output
    assert status == 1


def test_every_failure_is_that_of_an_implementation(folder: Path, judged: Done) -> None:
    laws = [law for each in report(folder)["implementations"] for law in each["laws"]]
    failures = [law for law in laws if law["status"] == "failed" and law["law"] not in PRESENCE]
    assert failures
    assert all(law["counterexample"] for law in failures)


def test_the_report_for_ci_has_a_case_for_each_law_function_and_target(folder: Path, judged: Done) -> None:
    reported = {
        (law["law"].replace(" ", "_"), each["target"], law["function"]): law
        for each in report(folder)["implementations"]
        for law in each["laws"]
    }
    found = 0
    for case in ElementTree.parse(folder / "verdicts.xml").iter("testcase"):
        named = re.fullmatch(r"test_(\w+)\[(.*?)(?:-(\w+))?\]", case.attrib["name"])
        assert named
        law, target, function = named.groups(default="")
        if target.isascii() and "\\" not in target:  # others pytest escapes
            told = reported[law, target, function]
            failure = case.find("failure")
            assert (failure is not None) == (told["status"] == "failed")
            assert failure is None or "".join(told["message"].split()) in "".join(str(failure.text).split())
        found += 1
    assert found == len(reported)


def test_there_is_a_grade_book_and_a_page_for_each(folder: Path, judged: Done) -> None:
    with (folder / "verdicts.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["target"]: row["verdict"] for row in csv.DictReader(file)}
    known = report(folder)["implementations"]
    assert rows == {each["target"].removeprefix("submissions/"): each["verdict"] for each in known}
    pages = [path.read_text(encoding="utf-8") for path in (folder / "pages").glob("*.html")]
    assert len(pages) == len(JUDGED)
    for page in pages:
        assert "<script" not in page
    gates = (folder / "pages" / "gates.py.html").read_text(encoding="utf-8")
    assert "1. c_next is it * c_prev + ft * cct" in gates
    assert "a, y, c, caches = lstm_forward(x, a0, parameters)" in gates
    assert "12 pages in" in judged.output


def test_the_terminal_has_a_line_for_each_and_no_letters(judged: Done) -> None:
    told = re.findall(
        r"^(.*): (?:conforms|differs|not robust|incomplete|unfinished|unusable)", judged.output, re.M
    )
    assert sorted(told) == sorted(JUDGED)
    assert "FAILURES" not in judged.output
    assert re.search(r"^=+ 12 targets judged in [\d.]+s =+$", judged.output, re.MULTILINE)
    assert not re.search(r"\d+ (?:failed|passed)", judged.output)
    assert not re.search(r"^[.Fsx]{3,}", judged.output, re.MULTILINE)
    assert "\x1b[2J" not in judged.output


def test_the_reports_name_the_problem_that_did_it(folder: Path, judged: Done) -> None:
    by_name = {Path(each["target"]).name: each for each in report(folder)["implementations"]}
    remarks = {
        ("exits.py", "rnn_forward"): "exited with status 0",
        ("todo.py", "rnn_forward"): (
            "rnn_forward of submissions/todo.py is not finished: 'raise NotImplementedError("
            r"'[/red] \x1b[2J \ud800 <script>alert(1)</script>')' (todo.py:31 in rnn_forward)"
        ),
        ("gates.py", "lstm_forward"): "inherited from its cell; c_next is it * c_prev + ft * cct",
        ("rnn_only.py", "lstm_forward"): (
            "submissions/rnn_only.py has no lstm_forward; did you mean '_lstm_forward'?"
        ),
        ("torch_like.py", "lstm_forward"): (
            "lstm_forward(input, hx=None) does not take the arguments (x, a0, parameters)"
        ),
    }
    for (name, function), remark in remarks.items():
        assert by_name[name]["functions"][function]["remark"] == remark
    page = (folder / "verdicts.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)" in page
    assert page.count("<script") == 1  # which is ours
    assert "na[i]ve &lt;b&gt;&amp;é.py" in page


def test_several_cores_give_the_same_report(folder: Path, judged: Done, tmp_path: Path) -> None:
    """Takes seconds: in another directory, where no failure is known yet, and in three processes."""
    some = ("right.py", "gates.py", "todo.py", "exits.py", "broken.ipynb")
    reports = ("--report", "verdicts.json", "-n", "2")
    status, _ = judge(submitted(tmp_path, some), "--implementation", "submissions", "-k", LAWS, *reports)
    assert status == judged.status
    on_one = [each for each in report(folder)["implementations"] if Path(each["target"]).name in some]
    assert timeless(report(tmp_path)["implementations"]) == timeless(on_one)


def timeless(part: Any) -> Any:
    """A part of a report without its times."""
    if isinstance(part, dict):
        return {key: timeless(value) for key, value in part.items() if key != "seconds"}
    return list(map(timeless, part)) if isinstance(part, list) else part


def test_failures_that_are_expected_leave_the_status_alone(folder: Path) -> None:
    """Takes a second: it explains a failure."""
    known = [("extreme magnitudes", "rnn_cell_forward"), ("lower precision", "rnn_cell_forward")]
    entry = '[[failure]]\nlaw = "{}"\nfunction = "{}"\nreason = "the softmax overflows"\n'
    (folder / "known.toml").write_text("".join(entry.format(*each) for each in known))
    selected = ("-k", "rnn_cell_forward and (extreme or shapes)", "--expected-failures", "known.toml")
    status, output = judge(folder, "--implementation", "submissions/textbook.py", *selected, "-rx")
    assert status == 0, output
    assert re.search(r"XFAIL .*extreme_magnitudes.* - the softmax overflows", output)
    assert "implementation  nan" not in output  # the message of the failure
    assert re.search(r"2 passed, \d+ deselected, 1 xfailed", output)


def test_a_report_that_cannot_be_written_is_a_usage_error(folder: Path) -> None:
    status, output = judge(folder, "--report", "verdicts.xml")
    assert status == pytest.ExitCode.USAGE_ERROR
    assert output.splitlines()[0].endswith(
        "verdicts.xml: a report ends in .gradescope.json, .json, .html or .csv"
    )


def test_a_name_that_is_no_utf8_is_judged_by_workers_too(tmp_path: Path) -> None:
    """Takes seconds: two runs in three processes each."""
    name = os.fsdecode(b"\xff.py")
    try:
        tmp_path.joinpath(name).write_text("from reference import rnn_cell_forward")
    except OSError as error:
        pytest.skip(f"no file can be called so: {error}")
    selected = ("-k", "rnn_cell and shapes", "-n", "2")
    status, output = judge(tmp_path, "--implementation", ".", *selected)
    assert status == 0, output
    assert re.search(r"\\udcff\.py +conforms", output)
    status, output = judge(tmp_path, "--implementation", name, *selected)
    assert status == pytest.ExitCode.USAGE_ERROR
    assert "name its directory, or leave out -n" in output


def test_workers_keep_no_reports(folder: Path) -> None:
    kept = folder / "kept.txt"
    (folder / "kept.py").write_text(
        "def pytest_sessionfinish(session):\n"
        "    reporter = session.config.pluginmanager.getplugin('terminalreporter')\n"
        "    if hasattr(session.config, 'workerinput'):\n"
        f"        open({str(kept)!r}, 'w').write(f'keeps {{reporter and reporter.stats}}')\n"
    )
    judge(folder, "--implementation", "submissions/right.py", "-k", "can_be_used", "-n", "1", "-p", "kept")
    assert kept.read_text() in ("keeps {}", "keeps None")


def test_a_target_is_freed_after_its_laws(folder: Path) -> None:
    """Takes seconds: it explains the failures of three targets. The last one may still be in use."""
    alive = folder / "alive.txt"
    (folder / "alive.py").write_text(
        "import gc, weakref\n"
        "from properties.implementations.implementation import Implementation\n"
        "made, make = [], Implementation.__init__\n"
        "def recorded(implementation, *arguments):\n"
        "    made.append(weakref.ref(implementation))\n"
        "    make(implementation, *arguments)\n"
        "Implementation.__init__ = recorded\n"
        "def pytest_sessionfinish():\n"
        "    gc.collect()\n"
        f"    open({str(alive)!r}, 'w').write(' '.join(str(each() is not None) for each in made))\n"
    )
    targets = [("--implementation", f"submissions/{name}.py") for name in ("gates", "keeps_state", "raises")]
    judge(folder, *chain.from_iterable(targets), "-k", "lstm_cell_forward and each_step", "-p", "alive")
    assert alive.read_text() in ("False False False", "False False True")
