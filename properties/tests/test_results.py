"""What all laws together say of an implementation."""

from dataclasses import replace
from itertools import permutations
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from oracle.explanations.claims import Claim
from properties.reports.closing_table import render
from properties.reports.judgement import Verdict, judgements
from properties.reports.mistakes import mistakes_of
from properties.reports.results import LawResult
from properties.tests.results import every_verdict, failed, left_out, passed, run_of, skipped
from properties.trials.provided_functions import PROVIDED


def test_each_verdict_is_reached() -> None:
    judged = judgements([*every_verdict(), passed("left"), failed("left", "split")], ["left"])
    assert {judgement.implementation: judgement.verdict for judgement in judged} == {
        verdict: verdict for verdict in get_args(Verdict)
    }


@given(st.permutations(every_verdict()))
def test_the_order_of_the_results_does_not_matter(results: list[LawResult]) -> None:
    assert judgements(results) == judgements(every_verdict())


def test_the_results_of_several_turns_are_one_result() -> None:
    """A failure counts more than a turn in which the law held, and that more than one with nothing judged."""
    slow = left_out("a", problems=0, too_slow=2, late="L", notes={"x": 1})
    held = passed("a", problems=3, worst_ratio=0.5, worst_problem="W", notes={"x": 2, "y": 1})
    wrong = failed("a", problems=1, worst_ratio=0.25, worst_problem="V")
    for order in permutations([slow, held, wrong]):
        joined = order[0].joined(order[1]).joined(order[2])
        assert (joined.status, joined.message) == ("failed", wrong.message)
        assert (joined.problems, joined.too_slow, joined.late) == (4, 2, "L")
        assert (joined.worst_ratio, joined.worst_problem) == (0.5, "W")
        assert joined.notes == {"x": 3, "y": 1}
    assert slow.joined(held).status == held.joined(slow).status == "passed"


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
    lack = Claim.of("lacking", what="unfinished", function="rnn_cell_forward", detail="'a_next = None'")
    cell = failed("a", PROVIDED, "rnn_cell_forward", findings=(lack,), unfinished=True)
    waits = failed("a", "shapes", diagnosis=["caches[0][0][0] (a_next) is None"], inherited=True)
    (judgement,) = judgements([cell, waits])
    assert judgement.verdict == judgement.verdict_on("rnn_forward") == "unfinished"
    (mistake,) = mistakes_of(judgement)
    assert mistake.finding == lack
    (judgement,) = judgements([cell, waits, failed("a", "split")])
    assert judgement.verdict_on("rnn_forward") == "differs"


def test_the_law_that_a_function_is_provided_is_not_listed_under_what_is_missing() -> None:
    text = render(run_of([failed("a", PROVIDED, diagnosis=["has no rnn_forward"])]), 80)
    assert "1. has no rnn_forward" in text
    assert PROVIDED not in text


def test_outputs_are_said_to_be_right_where_no_law_on_them_fails() -> None:
    only_in_caches = failed("a", "cache entries", diagnosis=["ft is cached twice"])
    for others, is_said in (([], True), ([failed("a", "trajectory", diagnosis=["a is wrong"])], False)):
        (judgement,) = judgements([only_in_caches, *others])
        assert ("outputs right" in judgement.remark_on("rnn_forward")) == is_said
        assert ("outputs right" in render(run_of([only_in_caches, *others]), 80)) == is_said


def test_a_failure_is_excused_if_it_is_expected_or_a_helper_module_causes_it() -> None:
    assert not failed("a").excuse
    assert failed("a", expected="known").excuse == "known"
    assert failed("a", helpers=["rnn_utils.softmax"]).excuse == "by rnn_utils.softmax"
    assert not failed("a", expected="known", ours=True).excuse
    assert not passed("a", expected="known").excuse


def test_a_result_is_sent_without_characters_that_move_the_cursor() -> None:
    texts: dict[str, Any] = {
        "message": "\x1b[2J\n",
        "facts": {"raised": ["\x1b[2J"]},
        "notes": {"\x1b[2J": 1},
    }
    result = failed("a\u00a0.py", findings=(Claim.of("form", text="\ud800"),), **texts)
    assert LawResult.from_dict(result.as_dict()) == replace(
        result,
        message="\\x1b[2J\n",
        facts={"raised": ["\\x1b[2J"]},
        findings=(Claim.of("form", text="\\ud800"),),
        notes={"\\x1b[2J": 1},
    )
