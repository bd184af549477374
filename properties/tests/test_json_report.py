"""A report in JSON contains everything that is known of a run."""

import sys
from pathlib import Path
from tempfile import NamedTemporaryFile

from hypothesis import given
from hypothesis import strategies as st

from oracle.explanations.claims import Claim
from properties.reports.report import as_json, read_json
from properties.reports.results import LawResult
from properties.tests.results import passed, run_of

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
