"""Failures are put together by the mistake that they show."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.explanations.claims import ON_ORDINARY_PROBLEMS, Claim, mistake
from properties.reports.closing_table import render
from properties.reports.judgement import judgements
from properties.reports.mistakes import mistakes_of, ranked_mistakes, representative
from properties.reports.results import LawResult
from properties.tests.results import MISSING, PROBLEM, failed, passed, run_of, skipped
from properties.tests.test_csv_report import rows
from properties.trials.provided_functions import PROVIDED, USABLE

UNKNOWN = Claim.of("unknown").title
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
    found = ranked_mistakes(judgements(results))
    told = [
        result for mistake in found for occurrence in mistake.occurrences for result in occurrence.results
    ]
    assert sorted(map(repr, told)) == sorted(map(repr, results))
    frequencies = [
        len({occurrence.implementation for occurrence in mistake.occurrences}) for mistake in found
    ]
    assert frequencies == sorted(frequencies, reverse=True)


def test_messages_that_differ_in_a_number_are_one_mistake() -> None:
    (mistake,) = ranked_mistakes(
        judgements([failed("a", diagnosis=["shape (3, 2)"]), failed("b", diagnosis=["shape (5, 2)"])])
    )
    assert [each.finding.title for each in mistake.occurrences] == ["shape (3, 2)", "shape (5, 2)"]


def test_of_several_failures_only_what_is_true_of_each_is_told() -> None:
    """An error at two places, errors with two numbers, and wrong outputs of two functions."""
    lines = {name: {"type": "ValueError", "text": "no arrays", "at": at} for name, at in ABOVE.items()}
    counts = {name: {"type": "ValueError", "text": f"got {k}"} for k, name in enumerate(ABOVE)}
    found = [
        [failed("a", function=name, findings=[Claim.of("raised", **facts)]) for name, facts in each.items()]
        for each in (lines, counts)
    ]
    found.append([failed("a", function=name, findings=[traces(name)]) for name in ABOVE])
    words = [[each.words for each in ranked_mistakes(judgements(results))] for results in found]
    of_each = [f"an unknown mistake: wrong outputs: {name}" for name in ABOVE]
    assert words == [["ValueError: no arrays"], ["ValueError"], of_each]
    of_two = [
        failed(each, function=name, findings=[traces(name)]) for each, name in zip("ab", ABOVE, strict=True)
    ]
    assert [each.words for each in ranked_mistakes(judgements(of_two))] == ["mistakes that are not explained"]


def test_an_unexplained_failure_is_told_in_no_words_of_another() -> None:
    results = [
        failed("a", "lower precision", findings=[Claim.of("right in", dtype="float64", wrong_in="float16")]),
        failed("a", "nonfinite", findings=[traces("a")]),
    ]
    assert [each.title for each in mistakes_of(judgements(results)[0])] == ["an unknown mistake"]


def test_failures_at_edges_are_apart_from_those_of_ordinary_problems() -> None:
    """A failure of which neither is said is with those of ordinary problems."""
    ordinary = Claim.of("traces", outputs=[["dWp", ""]], right=["projection"])
    unusual = {"outputs": [["dx", ""]], "right": ON_ORDINARY_PROBLEMS}
    results = [
        failed("a", "trajectory", findings=[ordinary]),
        failed("a", "nonfinite", findings=[Claim.of("traces", **unusual)]),
        failed("a", "no steps", findings=[Claim.of("traces", **unusual, unless={"T_x": 0})]),
        failed("a", "lower precision", findings=[Claim.of("nearly")]),
    ]
    of_dx = "an unknown mistake: wrong outputs: dx"
    titles = [each.words for each in ranked_mistakes(judgements(results))]
    assert titles == [
        "an unknown mistake: wrong on ordinary problems: dWp; right without a projection",
        f"{of_dx}; right on the ordinary problems that were tried, unless T_x = 0",
        f"{of_dx}; right on the problems with random numbers near 1 that were tried",
    ]


def test_an_unexplained_failure_that_is_inherited_is_with_those_of_its_source() -> None:
    def edges(output: str) -> Claim:
        return Claim.of("traces", outputs=[[output, ""]], right=ON_ORDINARY_PROBLEMS)

    results = [
        failed("a", "changed argument", "rnn_cell_backward", findings=[Claim.of("only in this law")]),
        failed("a", "exact value", "rnn_cell_backward", findings=[edges("dxt")]),
        failed("a", "exact value", "rnn_backward", findings=[edges("dx")], inherited=True),
    ]
    (mistake,) = ranked_mistakes(judgements(results))
    assert (
        mistake.words
        == "an unknown mistake: right on the problems with random numbers near 1 that were tried"
    )


def test_an_inherited_failure_leaves_the_words_of_its_source() -> None:
    results = [
        failed("a", "exact value", f"rnn_{name}", findings=[traces(output)], inherited=name == "backward")
        for name, output in {"cell_backward": "dxt", "backward": "dx"}.items()
    ]
    assert [each.words for each in ranked_mistakes(judgements(results))] == [traces("dxt").title]


ABOVE = {"rnn_forward": "a.py:8 in rnn_forward", "lstm_forward": "a.py:9 in lstm_forward"}


def traces(output: str) -> Claim:
    return Claim.of("traces", outputs=[[output, ""]])


@pytest.mark.parametrize(
    "findings", [[mistake("relu_for_tanh")] * 2, [Claim.of("only in this law"), traces("a")]]
)
def test_the_failure_of_a_call_after_another_is_not_the_one_to_look_at(findings: Sequence[Claim]) -> None:
    after, alone = (
        failed("a", law, findings=[finding], facts={"element": element})
        for finding, (law, element) in zip(
            findings,
            [
                ("changed argument", {"name": "a", "network": "the problem with another x"}),
                ("trajectory", {"name": "a"}),
            ],
            strict=True,
        )
    )
    assert representative([after, alone], after.finding) == alone


def test_a_failure_that_comes_again_is_shown_before_one_that_does_not() -> None:
    by_chance = failed("a", "exact value", reproducible=False)
    again = failed("a", "changed argument")
    assert representative([by_chance, again], again.finding) == again


def test_what_is_wrong_on_ordinary_inputs_comes_first_and_what_is_unknown_last() -> None:
    (judgement,) = judgements(
        [
            *(failed("a", law, grade="robust", diagnosis=["overflows"]) for law in "xyz"),
            failed("a", "u", "lstm_forward"),
            failed("a", "s", diagnosis=["bf is left out"]),
        ]
    )
    assert [each.finding.title for each in mistakes_of(judgement)] == [
        "bf is left out",
        UNKNOWN,
        "overflows",
    ]


EMPTY = {"type": "ValueError", "text": "zero-size array"}


def location(where: str, **more: Any) -> Claim:
    facts = {"network": "lstm", "setting": "", "returned": False, "when": None, "how": None, "shown": []}
    return Claim.of("location", **{"where": [where], **facts, **more})


OF_GATE, OF_PREDICTION = location("ot"), location("yt_pred")


def test_two_mistakes_at_once_are_told_as_two() -> None:
    def raised(function: str, place: str, *names: str) -> LawResult:
        known = [*map(mistake, names), Claim.of("raised", **EMPTY, at=place)]
        facts = {"raised": EMPTY, "at": place}
        return failed("a", "no samples", function, grade="robust", facts=facts, findings=known)

    def extreme(function: str, *findings: Claim) -> LawResult:
        return failed("a", "extreme", function, grade="robust", findings=findings)

    (judgement,) = judgements(
        [
            failed("a", "split", "lstm_forward", findings=[mistake("output_bias_missing")]),
            extreme("lstm_forward", OF_GATE),
            extreme("lstm_forward", OF_PREDICTION),
            failed("a", "nonfinite", "lstm_forward", grade="robust"),
            raised("rnn_forward", "a.py:10 in softmax", "one_maximum"),
            raised("lstm_forward", "a.py:10 in softmax"),
            raised("lstm_cell_forward", "a.py:90 in lstm_cell_forward"),
        ]
    )
    assert {each.finding.title: len(each.results) for each in mistakes_of(judgement)} == {
        mistake("output_bias_missing").words: 1,
        mistake("one_maximum").words: 1,
        "ValueError: zero-size array, at a.py:90 in lstm_cell_forward": 2,
        OF_GATE.words: 1,
        OF_PREDICTION.words: 1,
        UNKNOWN: 1,
    }


def test_one_cause_has_one_number_across_functions_and_laws() -> None:
    """A location of the cell and of the forward pass; where little is known, it is another mistake."""

    def located(law: str, function: str, number: float, **more: Any) -> LawResult:
        how = {"node": "logits", "function": "times", "number": number}
        return failed("a", law, function, findings=[location("yt_pred", how=how)], **more)

    nearly: dict[str, Any] = {"findings": [Claim.of("nearly")]}
    (judgement,) = judgements(
        [
            located("each step", "rnn_cell_forward", 0.5),
            located("exact value", "rnn_forward", 0.5),
            failed("a", "shapes", "rnn_forward", **nearly),
            failed("a", "lower precision", "rnn_forward", grade="robust", **nearly),
            failed("a", "nonfinite", "rnn_forward", grade="robust"),
        ]
    )
    first, second = mistakes_of(judgement)
    assert len(first.results) == 2
    assert first.representative.findings[0].kind == "location"
    assert len(second.results) == 3


def test_what_a_helper_module_does_wrong_is_told_once_and_marks_nobody_down() -> None:
    by_helper: dict[str, Any] = {"helpers": ["rnn_utils.softmax"], "findings": [mistake("one_maximum")]}
    results = [
        failed(name, law, function, grade="robust", **by_helper)
        for name in ("ada.py", "bob.py")
        for law in ("no samples", "extreme magnitudes")
        for function in ("rnn_cell_forward", "rnn_forward")
    ]
    results += [passed("ada.py"), failed("bob.py", findings=[mistake("a0_ignored")])]
    both = [mistake("one_maximum", "a0_ignored")]
    results.append(failed("bob.py", "nonfinite", grade="robust", findings=both))
    judged = judgements(results)
    assert [judgement.verdict for judgement in judged] == ["conforms", "differs"]
    own, of_helper = ranked_mistakes(judged)
    assert (own.words, own.implementations) == (mistake("a0_ignored").words, ["bob.py"])
    assert of_helper.words == f"by rnn_utils.softmax, which the course gives: {mistake('one_maximum').words}"
    assert of_helper.implementations == ["ada.py", "bob.py"]
    ada, bob = rows(run_of(results))
    held = ("functions_that_hold_spec", "functions_that_hold_robust", "laws_failed", "first_mistake")
    assert [ada[column] for column in held] == ["1", "2", "0", ""]
    assert [bob[column] for column in held] == ["0", "1", "2", mistake("a0_ignored").words]
    lines = render(run_of(results), 100).split("\n")
    assert [line.split() for line in lines if line.startswith(("  ada", "  bob"))] == [
        ["ada.py", "conforms"],
        ["bob.py", "differs", "1"],
    ]


def test_what_nothing_is_known_of_belongs_to_no_one_of_two_mistakes() -> None:
    known = [failed("a", law, diagnosis=[law]) for law in ("split", "trajectory")]
    (judgement,) = judgements([*known, failed("a", "shapes")])
    assert [each.finding.title for each in mistakes_of(judgement)] == ["split", "trajectory", UNKNOWN]


def test_the_failure_to_look_at_is_the_smallest_that_is_its_own() -> None:
    known: dict[str, Any] = {"findings": [mistake("a0_ignored")]}
    large = PROBLEM.replace("n_a=1", "n_a=5")
    results = [
        failed("a", "1", counterexample=large, **known),
        failed("a", "2", function="rnn_cell_forward", counterexample=PROBLEM, **known),
        failed("a", "3", counterexample=PROBLEM, **known, inherited=True),
        failed("a", "4", counterexample=PROBLEM, **known, grade="robust"),
        failed("a", "5", counterexample="", **known),
    ]
    for least in ("2", "1", "3", "4"):
        (occurrence,) = mistakes_of(judgements(results)[0])
        assert occurrence.representative.law == least
        results = [result for result in results if result.law != least and result.counterexample]


def test_what_is_not_there_is_a_mistake_without_its_name() -> None:
    results = [
        failed("a.py", PROVIDED, "lstm_forward", findings=[MISSING]),
        skipped("a.py", function="lstm_forward"),
        failed("b.py", USABLE, "", ["cannot be imported: ImportError"], usable=False),
        skipped("b.py", usable=False, message="b.py cannot be imported: ImportError"),
    ]
    assert [mistake.words for mistake in ranked_mistakes(judgements(results))] == [
        "has no lstm_forward",
        "cannot be imported: ImportError",
    ]


def test_what_many_have_not_finished_is_one_mistake() -> None:
    results = [
        failed(
            name,
            PROVIDED,
            findings=[Claim.of("lacking", what="unfinished", function="rnn_forward", detail=code)],
        )
        for name, code in [
            ("class/ada.py", "'a = None' (ada.py:8)"),
            ("class/bob.py", "'y = ...' (bob.py:9)"),
        ]
    ]
    (mistake,) = ranked_mistakes(judgements(results))
    assert mistake.words == "rnn_forward is not finished"
    assert mistake.implementations == ["class/ada.py", "class/bob.py"]


def test_a_helper_is_not_blamed_for_what_the_implementation_does_wrong_too() -> None:
    both = mistake("relu_for_tanh", "one_maximum")
    results = [
        failed("a", findings=[mistake("relu_for_tanh")]),
        failed("a", "extreme", findings=[both], helpers=["rnn_utils.softmax"]),
    ]
    *_, of_helper = ranked_mistakes(judgements(results))
    assert of_helper.words == f"by rnn_utils.softmax, which the course gives: {mistake('one_maximum').words}"


def test_mistakes_of_cells_and_of_the_rnn_are_mended_first() -> None:
    made = ("lstm_forward", "lstm_forward", "lstm_cell_forward", "rnn_forward", "rnn_cell_forward")
    results = [failed("a", f"law {i}", name, diagnosis=[name]) for i, name in enumerate(made)]
    assert [each.finding.title for each in mistakes_of(judgements(results)[0])] == list(
        dict.fromkeys(reversed(made))
    )
