"""A report in JSON contains everything that is known of a run."""

import json
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.explanations.claims import Claim
from properties.reports.closing_table import render
from properties.reports.json_report import as_json, from_json, read_json
from properties.reports.report import FORMATS, GRADESCOPE
from properties.reports.results import LawResult
from properties.tests.results import every_verdict, failed, passed, run_of

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
    findings=st.lists(TEXT.map(lambda text: Claim.of("form", text=text)), max_size=2).map(tuple),
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


@given(st.lists(RESULTS, max_size=4))
def test_a_report_reads_back_as_what_was_written(results: list[LawResult]) -> None:
    written = run_of(results, ["c.py"])
    with NamedTemporaryFile("w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(as_json(written))
        file.flush()
        found = read_json(Path(file.name))
    assert found == written


def test_what_an_implementation_declares_comes_back(tmp_path: Path) -> None:
    results = [passed("a", limits=("no caches",)), passed("a", "split", limits=("no caches",))]
    (tmp_path / "v.json").write_text(as_json(run_of(results)))
    assert read_json(tmp_path / "v.json").judgements[0].results == results


def test_every_report_can_be_made_of_what_is_read() -> None:
    written = run_of(every_verdict(), ["left"])
    found = from_json(as_json(written))
    for form in (FORMATS[ending] for ending in FORMATS if ending != GRADESCOPE):
        assert form(found) == form(written)
    assert render(found, 80) == render(written, 80)


LAW = json.loads(as_json(run_of([failed("a", diagnosis=["x"])])))["implementations"][0]["laws"][0]


def with_law(**changes: Any) -> str:
    """A report with one law, in which these values are changed."""
    document = json.loads(as_json(run_of([failed("a", diagnosis=["x"])])))
    document["implementations"][0]["laws"] = [{**LAW, **changes}]
    return json.dumps(document)


@pytest.mark.parametrize(
    "text",
    [
        *("", "target,verdict", "null", "[]", "{}", "5", '"left"', "[" * 100_000, "1" * 9999, "NaN"),
        as_json(run_of(every_verdict()))[:-9],
        as_json(run_of([])).replace('"schema": 1', '"schema": 2'),
        as_json(run_of([])).replace("implementations", "targets"),
        as_json(run_of(every_verdict())).replace('"verdict": "conforms"', '"verdict": "differs"'),
        with_law(message=5),
        with_law(status=None),
        with_law(worst_ratio="1"),
        with_law(function="rnn"),
        with_law(other=1),
        with_law(findings=[{"kind": "no such", "facts": {}}]),
        with_law(findings=[5]),
        with_law(facts={"element": {"name": "a"}}),
        with_law(notes=["x"]),
    ],
)
def test_any_other_file_is_refused_in_one_line(text: str, tmp_path: Path) -> None:
    file = tmp_path / "v.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=rf"{file}: this is no report in JSON of rnn-crosscheck \S+$"):
        read_json(file)


def test_a_report_with_one_law_is_read() -> None:
    assert from_json(with_law()).judgements[0].results == [failed("a", diagnosis=["x"])]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    for name, why in (("none.json", "No such file"), ("", "Is a directory"), ("binary.json", "utf-8")):
        with pytest.raises(ValueError, match=f"{tmp_path / name}: .*{why}"):
            read_json(tmp_path / name)
