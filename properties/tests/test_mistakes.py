"""The failures by mistake, and the grade book that names the first."""

import csv
from io import StringIO

from hypothesis import given
from hypothesis import strategies as st

from properties.judged.presence import PROVIDED, USABLE
from properties.reported.document import Run
from properties.reported.grades import COLUMNS, as_csv
from properties.reported.mistakes import UNKNOWN, by_frequency, cases
from properties.reported.results import LawResult, judgements
from properties.tests.findings import PROBLEM, every_verdict, failed, passed, skipped
from reference.contract import FUNCTIONS

NAMES = st.sampled_from(["a", "b", "c"])
FAILURES = st.builds(
    failed,
    implementation=NAMES,
    law=st.sampled_from(["shapes", "split"]),
    function=st.sampled_from(["rnn_forward", "lstm_forward"]),
    grade=st.sampled_from(["spec", "robust"]),
    diagnosis=st.lists(st.sampled_from(["bf is left out", "shape (3, 2)", "shape (5, 2)"]), max_size=2),
)


@given(st.lists(FAILURES))
def test_every_failure_is_a_case_of_one_mistake(results: list[LawResult]) -> None:
    found = by_frequency(judgements(results))
    told = [result for mistake in found for case in mistake.cases for result in case.results]
    assert sorted(map(repr, told)) == sorted(map(repr, results))
    frequencies = [len({case.implementation for case in mistake.cases}) for mistake in found]
    assert frequencies == sorted(frequencies, reverse=True)


def test_messages_that_differ_in_a_number_are_one_mistake() -> None:
    (mistake,) = by_frequency(
        judgements([failed("a", diagnosis=["shape (3, 2)"]), failed("b", diagnosis=["shape (5, 2)"])])
    )
    assert [case.words for case in mistake.cases] == ["shape (3, 2)", "shape (5, 2)"]


def test_what_is_wrong_on_ordinary_inputs_comes_first_and_what_is_unknown_last() -> None:
    (judgement,) = judgements(
        [
            *(failed("a", law, grade="robust", diagnosis=["overflows"]) for law in "xyz"),
            failed("a", "u"),
            failed("a", "s", diagnosis=["bf is left out"]),
        ]
    )
    assert [case.words for case in cases(judgement)] == ["bf is left out", UNKNOWN, "overflows"]


EMPTY = "ValueError: zero-size array"
ALWAYS = "wrong where: ot ≠ sigmoid(Wo concat + bo)  when: always  how: as if the bias were missing"


def test_two_mistakes_at_once_are_told_as_two() -> None:
    def raised(function: str, place: str, diagnosis: str) -> LawResult:
        message = f"{function} of a: no samples (a robust law)\n  raised  {EMPTY}\n  at      {place}"
        return failed("a", "no samples", function, grade="robust", message=message, diagnosis=[diagnosis])

    extreme = [
        failed("a", "extreme", "lstm_forward", grade="robust", diagnosis=[words])
        for words in (ALWAYS, "wrong where: y  when: |c_next| > 10")
    ]
    (judgement,) = judgements(
        [
            failed("a", "split", "lstm_forward", diagnosis=["bo is left out"]),
            failed("a", "extreme", "rnn_forward", grade="robust", diagnosis=[ALWAYS]),
            *extreme,
            failed("a", "nonfinite", "lstm_forward", grade="robust"),
            raised("rnn_forward", "a.py:10 in softmax", "one maximum"),
            raised("lstm_forward", "a.py:10 in softmax", EMPTY),
            raised("lstm_cell_forward", "a.py:90 in lstm_cell_forward", EMPTY),
        ]
    )
    assert {case.words: len(case.results) for case in cases(judgement)} == {
        "bo is left out": 3,
        "one maximum": 2,
        EMPTY: 1,
        ALWAYS: 1,
        "wrong where: y  when: |c_next| > 10": 1,
    }


def test_the_failure_to_look_at_is_the_smallest_that_is_its_own() -> None:
    large = PROBLEM.replace("n_a=1", "n_a=5")
    results = [
        failed("a", "1", counterexample=large),
        failed("a", "2", function="rnn_cell_forward", counterexample=PROBLEM),
        failed("a", "3", counterexample=PROBLEM, inherited=True),
        failed("a", "4", counterexample=PROBLEM, grade="robust"),
        failed("a", "5", counterexample=""),
    ]
    for least in ("2", "1", "3", "4"):
        (case,) = cases(judgements(results)[0])
        assert case.smallest.law == least
        results = [result for result in results if result.law != least and result.counterexample]


def test_what_is_not_there_is_a_mistake_without_its_name() -> None:
    results = [
        failed("a.py", PROVIDED, "lstm_forward", message="a.py has no lstm_forward"),
        skipped("a.py", function="lstm_forward"),
        failed("b.py", USABLE, "", message="b.py cannot be imported: ImportError", usable=False),
        skipped("b.py", usable=False, message="b.py cannot be imported: ImportError"),
    ]
    assert [mistake.words for mistake in by_frequency(judgements(results))] == [
        "has no lstm_forward",
        "cannot be imported: ImportError",
    ]


def test_what_many_have_not_finished_is_one_mistake() -> None:
    unfinished = "rnn_forward of {0} is not finished: 'a = None' ({1} In [3]:8 in rnn_forward)"
    names = [("class/ada.py", "ada.py"), ("class/bob.py", "bob.py")]
    results = [failed(name, PROVIDED, message=unfinished.format(name, file)) for name, file in names]
    (mistake,) = by_frequency(judgements(results))
    assert mistake.words == "rnn_forward is not finished: 'a = None' (ada.py In [3]:8 in rnn_forward)"
    assert mistake.implementations == ["class/ada.py", "class/bob.py"]


def rows(results: list[LawResult], run: Run) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(as_csv(judgements(results), run))))


def test_the_grade_book_has_a_row_for_each() -> None:
    found = rows(every_verdict(), Run({}, left=["waiting", "not robust"]))
    assert {row["target"]: row["verdict"] for row in found} == {
        **{
            name: name
            for name in ("conforms", "differs", "incomplete", "unfinished", "not judged", "unusable")
        },
        "not robust": "left",
        "waiting": "left",
    }
    assert found[0] == dict(zip(COLUMNS, ["conforms", "conforms", "2", "2", "", "0", ""], strict=True))
    assert found[1]["laws_failed"] == "3"
    assert found[1]["first_mistake"] == "<i>c</i> & a"


def test_the_grade_book_tells_by_grade_how_many_functions_hold() -> None:
    results = [
        *(passed("course/a.py", "shapes", function) for function in FUNCTIONS),
        *(failed("course/a.py", "empty", function, grade="robust") for function in FUNCTIONS[1:]),
        passed("course/a.py", "empty", FUNCTIONS[0], grade="robust"),
        failed("course/b.py"),
        failed("course/b.py", "split", ours=True),
        failed("course/b.py", "split", "lstm_forward", ours=True),
        passed("course/b.py", "empty", "lstm_forward", grade="robust"),
    ]
    a, b, left = rows(results, Run({}, left=["course/x/c.py"]))
    grades = ("functions", "functions_that_hold_spec", "functions_that_hold_robust")
    assert [a[each] for each in ("target", *grades)] == ["a.py", "4", "4", "1"]
    assert [b[each] for each in ("target", *grades)] == ["b.py", "2", "0", "0"]
    assert (left["target"], left["verdict"]) == ("x/c.py", "left")
    of_spec_alone = [passed("a.py"), failed("b.py")]
    assert [row["functions_that_hold_robust"] for row in rows(of_spec_alone, Run({}))] == ["", ""]


FOREIGN = st.builds(
    str.__add__, st.sampled_from(["", " ", *"=+-@"]), st.text(st.characters(exclude_categories=()))
)


@given(FOREIGN, FOREIGN)
def test_no_cell_is_a_formula_or_has_two_lines(name: str, words: str) -> None:
    (row,) = rows([failed(name, diagnosis=[words])], Run({}))
    for cell in row.values():
        assert cell.isprintable()
        assert not cell.startswith(("=", "+", "-", "@"))


def test_one_of_which_all_holds_has_made_no_mistake() -> None:
    assert rows([passed("a")], Run({}))[0]["first_mistake"] == ""
