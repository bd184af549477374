"""Which failures are shown at the end: one for each mistake."""

from properties.reports.closing_table import messages
from properties.tests.results import failed


def test_the_same_mistake_is_shown_once_with_what_else_it_concerns() -> None:
    (text,) = messages(
        [
            failed("a", "split", diagnosis=["bf is left out"]),
            failed("a", "shapes", "rnn_cell_forward", diagnosis=["bf is left out"]),
            failed("b", "shapes", "rnn_cell_forward", diagnosis=["bf is left out"]),
        ]
    )
    assert text.startswith("rnn_cell_forward of a: shapes")
    assert (
        text.split("\n")[-1]
        == "  the same in 2 targets, in some of them in rnn_cell_forward: shapes; rnn_forward: split"
    )


def test_other_mistakes_and_errors_of_the_harness_are_shown_each() -> None:
    results = [
        failed("a", "split", diagnosis=["bf is left out"]),
        failed("a", "shapes", diagnosis=["bi is left out"]),
        failed("a", "each step"),
        failed("a", "exact value", ours=True),
        failed("a", "no steps", ours=True),
    ]
    assert {*messages(results)} == {result.message for result in results}


def test_of_unknown_mistakes_one_is_shown_for_each_function_and_way_to_fail() -> None:
    results = [
        failed("a", "each step"),
        failed("a", "trajectory"),
        failed("a", "extreme magnitudes", grade="robust"),
        failed("a", "no steps", grade="robust", facts={"raised": {}}),
        failed("a", "trajectory", "lstm_forward"),
    ]
    texts = [*messages(results)]
    assert len(texts) == 3
    assert [text.split("\n")[-1] for text in texts if "same" in text] == [
        "  perhaps for the same reason, also in rnn_forward: each step, extreme magnitudes"
    ]


def test_of_several_targets_each_function_with_an_unknown_mistake_is_shown() -> None:
    results = [failed(name, "trajectory", f"{kind}_forward") for name in "ab" for kind in ("rnn", "lstm")]
    assert {*messages(results)} == {result.message for result in results}


def test_an_unknown_mistake_that_a_forward_inherits_is_shown_once() -> None:
    results = [
        failed("a", "each step", "rnn_cell_forward"),
        failed("a", "each step", inherited=True),
        failed("a", "trajectory", inherited=True),
    ]
    (text,) = messages(results)
    assert text.startswith("rnn_cell_forward of a: each step")
    assert text.endswith("also in rnn_forward: each step, trajectory")
