"""What all laws together say of an implementation."""

from dataclasses import replace
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from oracle.diagnosis.findings import Finding
from properties.reports.closing_table import render
from properties.reports.judgement import Verdict, judgements
from properties.reports.mistakes import mistakes_of
from properties.reports.results import LawResult, printable
from properties.reports.run import short_names
from properties.tests.results import PROBLEM, every_verdict, failed, left_out, passed, run_of, skipped
from properties.trials.provided_functions import PROVIDED


def test_each_verdict_is_reached() -> None:
    judged = judgements([*every_verdict(), passed("left"), failed("left", "split")], ["left"])
    assert {judgement.implementation: judgement.verdict for judgement in judged} == {
        verdict: verdict for verdict in get_args(Verdict)
    }


@given(st.permutations(every_verdict()))
def test_the_order_of_the_results_does_not_matter(results: list[LawResult]) -> None:
    assert judgements(results) == judgements(every_verdict())


def test_what_differs_outweighs_what_is_not_there() -> None:
    (judgement,) = judgements([skipped("a", function="lstm_forward"), failed("a")])
    assert judgement.verdict == "differs"
    assert judgement.verdict_on("lstm_forward") == "incomplete"


def test_a_missing_function_does_not_hide_that_another_is_not_robust() -> None:
    results = [skipped("a", function="lstm_forward"), passed("a"), failed("a", "empty", grade="robust")]
    (judgement,) = judgements(results)
    assert judgement.verdict == "incomplete"
    assert "  a  incomplete, not robust  1" in render(run_of(results), 80).split("\n")


def test_laws_that_were_all_skipped_are_no_success() -> None:
    (missing,) = judgements([skipped("a")])
    assert missing.verdict == missing.verdict_on("rnn_forward") == "incomplete"
    assert missing.remark_on("rnn_forward") == "a has no rnn_forward"
    (unusable,) = judgements([skipped("a", usable=False)])
    assert unusable.verdict == unusable.verdict_on("rnn_forward") == "unusable"


@given(
    st.permutations(
        [passed("a"), left_out("a", "split"), left_out("a", "each step", too_slow=0, not_asked=7)]
    )
)
def test_a_function_of_which_a_law_judged_nothing_does_not_conform(results: list[LawResult]) -> None:
    (judgement,) = judgements(results)
    assert judgement.verdict == judgement.verdict_on("rnn_forward") == "not judged"
    assert judgement.remark_on("rnn_forward") == "too slow beyond n_x=1 in each step, split"
    (worse,) = judgements([*results, failed("a", "trajectory")])
    assert worse.verdict == "differs"
    (alone,) = judgements([left_out("a")])
    assert alone.verdict == "not judged"


def test_a_robust_law_that_was_left_out_does_not_hide_one_that_fails() -> None:
    fails = failed("a", "extreme", grade="robust", diagnosis=["the softmax overflows"])
    hangs = left_out("a", "no samples", grade="robust", too_slow=0, not_asked=7)
    (judgement,) = judgements([passed("a"), fails, hangs])
    assert judgement.verdict == judgement.verdict_on("rnn_forward") == "not robust"
    assert judgement.remark_on("rnn_forward") == "the softmax overflows"
    (elsewhere,) = judgements([fails, replace(hangs, function="lstm_forward")])
    assert elsewhere.verdict_on("lstm_forward") == "not judged"
    assert elsewhere.verdict == "not robust"
    (unknown,) = judgements([fails, left_out("a", "split", function="lstm_forward")])
    assert unknown.verdict == "not judged"


def test_what_was_too_slow_is_counted_and_its_smallest_problem_shown() -> None:
    smaller = PROBLEM.replace("n_a=1", "n_a=3")
    larger = PROBLEM.replace("n_a=1", "n_a=4")
    results = [
        passed("a", problems=7, too_slow=2, late=larger),
        passed("a", "split", problems=9, not_meaningful=1, too_slow=1, late=smaller),
    ]
    (judgement,) = judgements(results)
    assert judgement.verdict == "conforms"
    table = render(run_of(results), 200)
    assert "7 + 2 too slow" in table
    assert "8 + 1 n.m. + 1 too slow" in table
    assert "rnn_forward on 3 problems, too slow beyond n_x=1, n_a=3, n_y=1, m=1, T_x=1" in table


def test_a_skipped_law_has_its_reason_below_the_table() -> None:
    results = [
        *(passed("a", "split", function=name) for name in ("rnn_forward", "lstm_forward")),
        left_out("a", "shapes", message="it hung, and is not called any more", too_slow=0, not_asked=7),
        skipped("a", "shapes", function="lstm_forward", declared="no shapes"),
    ]
    lines = render(run_of(results), 200).splitlines()
    told = [line for line in lines if line.startswith("skipped")]
    assert told == ["skipped, because no problem was judged: rnn: it hung, and is not called any more"]


def test_the_worst_error_is_said_to_be_that_of_the_laws_that_hold() -> None:
    results = [passed("a", worst_ratio=0.2, worst_problem=PROBLEM), failed("a", "split", worst_ratio=9.0)]
    assert "largest error where a law holds: 0.20 of its bound" in render(run_of(results), 200)


def test_what_every_law_notices_is_said_once() -> None:
    notes = {"it hung, and is not called any more": 3}
    table = render(run_of([passed("a", notes=notes), passed("a", "split", notes=notes)]), 200)
    assert table.count("is not called any more") == 1


def test_a_remark_is_on_what_decided_the_verdict() -> None:
    mild = failed("a", "empty", grade="robust", diagnosis=["ValueError: nothing to stack"])
    (judgement,) = judgements([mild, failed("a", diagnosis=["bf is left out"])])
    assert judgement.remark_on("rnn_forward") == "bf is left out"
    (unexplained,) = judgements([mild, failed("a")])
    assert unexplained.remark_on("rnn_forward") == ""
    (not_robust,) = judgements([mild])
    assert not_robust.remark_on("rnn_forward") == "ValueError: nothing to stack"


def test_an_expected_failure_does_not_change_the_verdict() -> None:
    (judgement,) = judgements([failed("a", expected="known"), passed("a", "split")])
    assert judgement.verdict == "differs"


@given(st.text(st.characters(exclude_categories=())))
def test_what_is_printed_moves_no_cursor_and_can_be_encoded(text: str) -> None:
    shown = printable(text)
    shown.encode()
    assert all(character.isprintable() or character == "\n" for character in shown)
    assert shown == text or not text.isprintable()


def test_a_table_has_columns_for_what_is_there_under_a_title_in_one_line() -> None:
    name = "a_long_name_of_a_target/" * 3 + "rnn.py"
    backwards = ("rnn_cell_backward", "rnn_backward", "lstm_cell_backward", "lstm_backward")
    results = [
        passed(name),
        skipped(name, function="lstm_forward"),
        *(passed(name, "tail", f) for f in backwards),
    ]
    shown = render(run_of(results), 80).split("\n")
    assert f"{name}: problems on which each law holds" in shown
    assert f"{name}, backward passes: problems on which each law holds" in shown
    heads = [line.split() for line in shown if line.startswith("  law ")]
    assert heads == [["law", "grade", "rnn"], ["law", "grade", "rnn", "cell", "rnn", "lstm", "cell", "lstm"]]


def test_what_is_noticed_in_several_functions_is_told_once() -> None:
    notes = {"accepts an argument without its last axis": 3}
    results = [passed("a", function=name, notes=notes) for name in ("rnn_cell_forward", "rnn_forward")]
    told = "noticed, but no failure: rnn cell, rnn: accepts an argument without its last axis"
    assert told in render(run_of(results), 100).split("\n")


def test_brackets_in_foreign_text_are_no_markup() -> None:
    results = [failed(f"[red]{i}[/blue]", diagnosis=["[x; a] is used in place of [a; x]"]) for i in range(5)]
    table = render(run_of(results), 200)
    assert "[red]0[/blue]" in table
    assert "[x; a] is used in place of [a; x]" in table
    assert "[red]1[/blue]" in render(run_of(results[1:2]), 200)


def test_inherited_is_what_every_failure_of_the_grade_that_decides_is() -> None:
    robust = {"grade": "robust", "function": "rnn_forward"}
    own, of_its_cell = failed("a"), failed("a", "split", inherited=True)
    mild, mild_own = failed("a", "empty", inherited=True, **robust), failed("a", "nonfinite", **robust)
    told = {
        "of its cell alone": ([of_its_cell, mild_own], True),
        "one of its own": ([own, of_its_cell, mild], False),
        "robust ones alone": ([mild], True),
        "robust, one of its own": ([mild, mild_own], False),
        "nothing": ([passed("a")], False),
    }
    for name, (results, inherited) in told.items():
        (judgement,) = judgements(results)
        assert judgement.inherits("rnn_forward") == inherited, name
        assert judgement.remark_on("rnn_forward").startswith("inherited") == inherited, name


def test_no_forward_inherits_from_a_cell_of_which_every_law_holds() -> None:
    wrong = failed("a", "trajectory", inherited=True)
    for cell, inherited in ((passed, False), (failed, True)):
        (judgement,) = judgements([wrong, cell("a", "each step", "rnn_cell_forward")])
        assert judgement.inherits("rnn_forward") == inherited


def test_a_forward_that_waits_for_an_unfinished_cell_is_unfinished() -> None:
    lack = Finding.of("lacking", what="unfinished", function="rnn_cell_forward", detail="'a_next = None'")
    cell = failed("a", PROVIDED, "rnn_cell_forward", findings=(lack,), unfinished=True)
    waits = failed("a", "shapes", diagnosis=["caches[0][0][0] (a_next) is None"], inherited=True)
    (judgement,) = judgements([cell, waits])
    assert judgement.verdict == judgement.verdict_on("rnn_forward") == "unfinished"
    (mistake,) = mistakes_of(judgement)
    assert mistake.finding == lack
    (judgement,) = judgements([cell, waits, failed("a", "split")])
    assert judgement.verdict_on("rnn_forward") == "differs"


def test_a_mistake_is_told_once_with_whom_and_what_it_concerns() -> None:
    softmax: dict[str, Any] = {"grade": "robust", "diagnosis": ["the softmax overflows"]}
    results = [
        failed(f"course/{name}", law, function, **softmax)
        for name in ("ada.py", "bob.ipynb", "cleo.py", "dan.py")
        for law in ("extreme", "empty")
        for function in ("rnn_cell_forward", "lstm_forward")
    ]
    results.append(failed("course/ada.py", "cache entries", diagnosis=["x is not returned"]))
    results += [passed("course/eve.py"), left_out("course/fay.py", "split")]
    assert render(run_of(results), 80).split("\n") == [
        "",
        "  ada.py     differs     1 2",
        "  bob.ipynb  not robust  1",
        "  cleo.py    not robust  1",
        "  dan.py     not robust  1",
        "  eve.py     conforms",
        "  fay.py     not judged",
        "      rnn not judged: too slow beyond n_x=1 in split",
        "",
        "mistakes, by number:",
        "   1. 4 of 6 targets: the softmax overflows",
        "      rnn cell, lstm: empty, extreme",
        "   2. 1 of 6 targets: x is not returned; outputs right, caches wrong",
        "      rnn: cache entries",
        "",
        "",
    ]


def test_of_a_mistake_that_breaks_many_laws_some_are_named() -> None:
    results = [failed("a", f"law {number}", diagnosis=["a is b"]) for number in range(9)]
    assert "rnn: law 0, law 1, law 2, law 3 and 5 more laws" in render(run_of(results), 80)


def test_the_law_that_a_function_is_provided_is_not_listed_under_what_is_missing() -> None:
    text = render(run_of([failed("a", PROVIDED, diagnosis=["has no rnn_forward"])]), 80)
    assert "1. has no rnn_forward" in text
    assert PROVIDED not in text


@given(
    st.lists(st.text("abc_", min_size=1, max_size=90), min_size=4, max_size=7, unique=True),
    st.lists(st.sampled_from(["bf is left out", "x " * 99, "shape (3, 2)"]), min_size=1, max_size=3),
)
def test_of_many_each_has_a_line_that_fits(names: list[str], mistakes: list[str]) -> None:
    results = [failed(f"class/{name}.py", diagnosis=[words]) for name in names for words in mistakes]
    lines = render(run_of(results), 80).split("\n")
    assert max(map(len, lines)) <= 80
    assert lines.index("mistakes, by number:") == len(names) + 2
    for name, line in zip(sorted(names), lines[1:], strict=False):
        begin, _, end = line.split()[0].partition("…")
        assert f"{name}.py".startswith(begin)
        assert f"{name}.py".endswith(end)


def test_a_name_is_relative_to_the_folder_that_all_are_in() -> None:
    def shown(*targets: str) -> list[str]:
        return [*short_names(targets).values()]

    assert shown("/home/t/class/a.py", "/home/t/class/b/c.py:Rnn") == ["a.py", "b/c.py:Rnn"]
    assert shown("class/a.py") == ["a.py"]
    assert shown("a.py", "class/b.py") == ["a.py", "class/b.py"]
    assert shown("class/a.py", "reference") == ["class/a.py", "reference"]
    assert shown("/class/a.py", "class/b.py") == ["/class/a.py", "class/b.py"]
    assert shown("/a.py", "/b.py") == ["a.py", "b.py"]


def test_outputs_are_said_to_be_right_where_no_law_on_them_fails() -> None:
    only_in_caches = failed("a", "cache entries", diagnosis=["ft is cached twice"])
    for others, is_said in (([], True), ([failed("a", "trajectory", diagnosis=["a is wrong"])], False)):
        (judgement,) = judgements([only_in_caches, *others])
        assert ("outputs right" in judgement.remark_on("rnn_forward")) == is_said
        assert ("outputs right" in render(run_of([only_in_caches, *others]), 80)) == is_said


def test_a_failure_is_excused_if_it_is_expected_or_a_helper_module_causes_it() -> None:
    assert not failed("a").is_excused
    assert failed("a", expected="known").is_excused
    assert failed("a", helpers=["rnn_utils.softmax"]).is_excused
