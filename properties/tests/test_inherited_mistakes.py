"""A failure that a function inherits, or that nothing explains, is no mistake of its own."""

from oracle.explanations.claims import Claim, mistake
from properties.reports.judgement import judgements
from properties.reports.mistakes import mistakes_of
from properties.tests.results import failed
from properties.trials.provided_functions import PROVIDED

EMPTY = {"type": "ValueError", "text": "zero-size array"}
OF_CELL = mistake("output_bias_missing")


def test_inherited_gradients_count_as_a_mistake_of_their_layer_even_if_it_has_several() -> None:
    (judgement,) = judgements(
        [
            failed("a", "u", "lstm_layer", diagnosis=["bf is left out"]),
            failed("a", "v", "lstm_layer", diagnosis=["a0 is ignored"]),
            failed("a", "u", "lstm_layer_backward", inherited=True),
            failed("a", "v", "lstm_layer_backward", grade="robust", inherited=True),
        ]
    )
    first, second = mistakes_of(judgement)
    assert [each.function for each in second.results] == ["lstm_layer"]
    assert [each.function for each in first.results] == ["lstm_layer", *["lstm_layer_backward"] * 2]
    assert judgement.remark_on("lstm_layer_backward") == "inherited from its forward pass"


def test_a_forward_that_raises_by_its_cell_is_no_mistake_of_its_own() -> None:
    unfinished = Claim.of("lacking", what="unfinished", function="rnn_cell_forward", detail="'a = None'")
    (judgement,) = judgements(
        [
            failed("a", PROVIDED, "rnn_cell_forward", findings=[unfinished]),
            failed(
                "a",
                "split",
                findings=[Claim.of("raised", **EMPTY)],
                facts={"raised": EMPTY},
                inherited=True,
            ),
        ]
    )
    assert [occurrence.finding for occurrence in mistakes_of(judgement)] == [unfinished]


def test_what_a_forward_inherits_is_the_one_mistake_of_its_cell_whatever_it_looks_like() -> None:
    (judgement,) = judgements(
        [
            failed("a", "each step", "rnn_cell_forward", findings=[OF_CELL]),
            failed("a", "each step", diagnosis=["right to 3 digits only"], inherited=True),
        ]
    )
    assert [each.finding for each in mistakes_of(judgement)] == [OF_CELL]


def test_all_unexplained_failures_of_a_function_are_one_mistake() -> None:
    of_ordinary_calls = Claim.of("traces", outputs=[["da0", ""]])
    (judgement,) = judgements(
        [
            failed("a", "each step", "rnn_backward", findings=[of_ordinary_calls]),
            failed("a", "tail", "rnn_backward", findings=[Claim.of("only in this law")]),
            failed("a", "nonfinite", "rnn_backward", grade="robust"),
        ]
    )
    assert [each.finding for each in mistakes_of(judgement)] == [of_ordinary_calls]
