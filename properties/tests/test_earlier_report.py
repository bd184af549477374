"""What a report holds comes back from it, and what is as it was is not judged again."""

import json
import re
import sys
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hatch_build import renamed
from oracle.diagnosis.findings import found
from properties.reports import earlier_report
from properties.reports.environment import without_imports
from properties.reports.expected_failures import ExpectedFailure
from properties.reports.json_report import Journal, Run, as_json, parsed, read
from properties.reports.judgement import judgements
from properties.reports.results import LawResult
from properties.tests.results import failed, passed
from properties.tests.runs import CLONE
from properties.worker.own_modules import REFERENCE

TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
RESULTS = st.builds(
    LawResult,
    implementation=TEXT,
    law=TEXT,
    grade=st.sampled_from(["spec", "robust"]),
    function=st.sampled_from(["", "rnn_forward", "lstm_layer"]),
    status=st.sampled_from(["passed", "failed", "skipped"]),
    seconds=st.floats(0, 9),
    message=TEXT,
    facts=st.dictionaries(TEXT, st.floats(allow_nan=False, allow_infinity=False), max_size=2),
    findings=st.lists(TEXT.map(lambda text: found("form", text=text)), max_size=2).map(tuple),
    inherited=st.booleans(),
    usable=st.booleans(),
    expected=TEXT,
    ours=st.booleans(),
    declared=TEXT,
    problems=st.integers(0, 9),
    not_meaningful=st.integers(0, 9),
    too_slow=st.integers(0, 9),
    late=TEXT,
    not_asked=st.integers(0, 9),
    worst_ratio=st.floats(0).filter(lambda ratio: ratio != sys.float_info.max),  # which stands for infinity
    worst_problem=TEXT,
    notes=st.dictionaries(TEXT, st.integers(1, 9), max_size=2),
)
RUN = Run({"seed": "1"}, left=["c.py"], digests={"a.py": "1"})


@given(st.lists(RESULTS, max_size=4))
def test_a_report_reads_back_as_what_was_written(results: list[LawResult]) -> None:
    judged = judgements(results)
    text = as_json(judged, RUN)
    document = json.loads(text)
    assert text == json.dumps(document, indent=1) + "\n" or not judged
    found, run = parsed(document)
    assert judgements(found) == judged
    assert (run.environment, run.left) == (RUN.environment, RUN.left)


def test_what_an_implementation_declares_comes_back(tmp_path: Path) -> None:
    results = [passed("a", limits=("no caches",)), passed("a", "split", limits=("no caches",))]
    (tmp_path / "v.json").write_text(as_json(judgements(results), RUN))
    assert read(tmp_path / "v.json")[0] == results


NO_REPORTS = ("[]", '{"schema": 1}', '{"environment": {}, "implementations": [{}]}')


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "valid JSON ("),
        ("{", "valid JSON ("),
        *((text, "a report of this version of rnn-crosscheck; delete it, or") for text in NO_REPORTS),
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "v.json").write_text(text)
    with pytest.raises(ValueError, match=re.escape(f"v.json is not {why}")):
        earlier_report.earlier([tmp_path / "v.html", tmp_path / "v.json"])


def test_a_run_is_continued_by_a_report_in_json(tmp_path: Path) -> None:
    assert earlier_report.earlier([tmp_path / "v.json"]) is None
    with pytest.raises(ValueError, match="--resume continues a report in JSON"):
        earlier_report.earlier([tmp_path / "v.html"])


def test_what_has_changed_or_was_judged_in_part_is_judged_again() -> None:
    results = [passed(name) for name in ("same", "changed", "left", "gone", "unknown")]
    before = Run({"seed": "1"}, ["left"], {"same": "1", "changed": "2", "left": "3", "gone": "4"})
    now = Run({"seed": "1"}, digests={"same": "1", "changed": "9", "left": "3", "new": "5"})
    assert earlier_report.kept((results, before), now, []) == results[:1]


@pytest.mark.parametrize(
    ("was", "is_now"), [({"numpy": "2.0"}, {"numpy": "2.1"}), ({"options": "-k rnn"}, {})]
)
def test_a_run_under_other_circumstances_is_not_continued(
    was: dict[str, str], is_now: dict[str, str]
) -> None:
    with pytest.raises(
        ValueError, match=r"^--resume: the report is of a run with \w+ .*; leave out --resume"
    ):
        earlier_report.kept(([], Run(was)), Run(is_now), [])


def test_which_failures_are_expected_may_have_changed() -> None:
    known = [ExpectedFailure("shapes", "rnn_forward", "now known")]
    before = (
        [failed("a"), passed("a", "split"), failed("a", "split", expected="no more")],
        Run({}, digests={"a": "1"}),
    )
    kept = earlier_report.kept(before, Run({}, digests={"a": "1"}), known)
    assert [result.expected for result in kept] == ["now known", "", ""]


def test_a_digest_is_of_a_file_and_the_modules_that_it_imports(tmp_path: Path) -> None:
    def digest() -> str:
        return earlier_report.digests(["a.py:attribute"], tmp_path)["a.py:attribute"]

    (tmp_path / "a.py").write_text("import helper, x\nother = 1\n")
    (tmp_path / "helper.py").write_text("from package.part import thing\n")
    (tmp_path / "package").mkdir()
    for file in ("package/__init__.py", "package/part.py", "other.py", "x.txt"):
        (tmp_path / file).write_text("")
    known = digest()
    for file in ("a.py", "helper.py", "package/part.py"):
        (tmp_path / file).write_text((tmp_path / file).read_text() + "# changed\n")
        assert digest() != known
        known = digest()
    for file in ("other.py", "x.txt", "new.py"):
        (tmp_path / file).write_text("# changed\n")
        assert digest() == known


def test_a_digest_of_a_folder_is_of_all_modules_in_it(tmp_path: Path) -> None:
    before = earlier_report.digest_of_folder(tmp_path)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "helper.py").write_text("one = 1")
    first = earlier_report.digest_of_folder(tmp_path)
    (tmp_path / "package" / "helper.py").write_text("one = 2")
    assert len({before, first, earlier_report.digest_of_folder(tmp_path)}) == 3


def test_of_a_module_one_cannot_know_but_of_ours(tmp_path: Path) -> None:
    assert earlier_report.digests(["json", REFERENCE], tmp_path).keys() == {REFERENCE}


@pytest.mark.parametrize("folder", ["reference", "oracle", "properties"])
def test_our_sources_are_the_same_where_they_are_installed(folder: str) -> None:
    """Where the packages have another name in the lines that import them."""
    files = [file for file in (CLONE / folder).rglob("*.py") if "tests" not in file.parts]
    sources = [file.read_text(encoding="utf-8") for file in files]
    assert sources
    for source in sources:
        assert without_imports(renamed(source).encode()) == without_imports(source.encode())


def test_a_journal_is_a_report_whenever_it_is_read_and_takes_little_time(tmp_path: Path) -> None:
    seconds = count()
    journal = Journal(tmp_path / "v.json", Run({"seed": "1"}), [passed("0")], clock=seconds.__next__)
    written = []
    for number in range(1, 300):
        journal.add(judgements([passed(str(number))])[0], ["b"])
        found, run = read(tmp_path / "v.json")
        assert run.left == ["b"]
        written.append(len(found))
    assert written[0] == 2
    assert written[-1] > 150
    assert len(set(written)) <= 20  # by a clock by which each takes a second
    assert [path.name for path in tmp_path.iterdir()] == ["v.json"]
