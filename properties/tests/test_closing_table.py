"""What the closing table prints of the results of all laws."""

import sys
from io import BytesIO, TextIOWrapper
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.explanations.claims import Claim
from properties.reports.closing_table import render
from properties.reports.judgement import judgements
from properties.reports.results import print_in_every_encoding, printable
from properties.reports.run import short_names
from properties.tests.results import PROBLEM, failed, left_out, passed, run_of, skipped
from properties.turns.few_shapes import FEW_SHAPES
from reference.contract import FUNCTIONS, LAYERS


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


def test_a_function_that_compiles_has_a_line_below_the_verdict() -> None:
    lines = render(run_of([passed("a", notes={FEW_SHAPES: 3}), passed("a", "split")]), 200).splitlines()
    (verdict,) = (number for number, line in enumerate(lines) if line.split() == ["a", "conforms"])
    assert lines[verdict + 1].strip() == f"rnn: {FEW_SHAPES}"
    assert not any("noticed" in line for line in lines)


@given(st.text(st.characters(exclude_categories=())))
def test_what_is_printed_moves_no_cursor_and_can_be_encoded(text: str) -> None:
    shown = printable(text)
    shown.encode()
    assert all(character.isprintable() or character == "\n" for character in shown)
    assert shown == text or not text.isprintable()


def test_where_the_output_is_ascii_the_table_has_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = TextIOWrapper(BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "__stdout__", stream)
    print_in_every_encoding()
    declared = skipped("na\u00efve.py", "shapes", declared="no shapes")
    stream.write(render(run_of([passed("na\u00efve.py", "split"), declared]), 80))
    stream.seek(0)
    title, _, names, line, *laws = stream.read().splitlines()
    assert title == r"na\xefve.py: problems on which each law holds"
    assert (set(line), len(line)) == ({" ", "-"}, len(names.rstrip()) + 1)
    assert {law.split()[-1] for law in laws[:2]} == {"-", "80"}


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


def test_failures_of_functions_and_layers_fit_80_columns() -> None:
    results = [failed("a", "identity projection", name, grade="robust") for name in (*FUNCTIONS, *LAYERS)]
    rows = [line.split() for line in render(run_of(results), 80).splitlines()]
    assert ["identity", "projection", "robust", *["failed"] * 6] in rows


def test_what_is_noticed_in_several_functions_is_told_once() -> None:
    notes = {"accepts an argument without its last axis": 3}
    results = [passed("a", function=name, notes=notes) for name in ("rnn_cell_forward", "rnn_forward")]
    told = "noticed, but no failure: rnn cell, rnn: accepts an argument without its last axis"
    assert told in render(run_of(results), 100).split("\n")


def test_brackets_in_foreign_text_are_no_markup() -> None:
    results = [failed(f"[red]{i}[/blue]", diagnosis=["[x; a] is used in place of [a; x]"]) for i in range(4)]
    table = render(run_of(results), 200)
    assert "[red]0[/blue]" in table
    assert "[x; a] is used in place of [a; x]" in table
    assert "[red]1[/blue]" in render(run_of(results[1:2]), 200)


def test_an_unknown_mistake_may_be_a_known_one_of_the_same_function() -> None:
    unknown: dict[str, Any] = {"findings": (Claim.of("traces", outputs=[["a", ""]]),)}
    known = failed("a", "each step", "rnn_forward", diagnosis=["a0 is ignored"])
    of_same = failed("a", "hidden state range", "rnn_forward", **unknown)
    of_other = failed("a", "hidden state range", "lstm_forward", **unknown)
    table = render(run_of([known, of_same, of_other]), 80).split("\n")
    assert "   2. an unknown mistake: wrong outputs: a; perhaps the same as 1" in table
    assert "   3. an unknown mistake: wrong outputs: a" in table
    of_two_targets = render(run_of([known, of_same, of_other, passed("b")]), 80)
    assert "perhaps the same" not in of_two_targets


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
        "  conforms    1",
        "  not robust  3",
        "  not judged  1",
        "  differs     1",
        "",
        "mistakes, by number:",
        "   1. 4 of 6 targets: the softmax overflows",
        "      rnn cell, lstm: empty, extreme",
        "   2. 1 of 6 targets: x is not returned; outputs right, caches wrong",
        "      rnn: cache entries",
        "",
        "",
    ]


def test_of_a_few_targets_each_has_its_verdict_and_the_numbers_of_its_mistakes() -> None:
    results = [
        *(
            failed(f"course/{name}", "empty", grade="robust", diagnosis=["a is b"])
            for name in ("a.py", "b.py")
        ),
        failed("course/a.py", diagnosis=["b is c"]),
        passed("course/c.py"),
        left_out("course/d.py", "split"),
    ]
    lines = render(run_of(results), 80).split("\n")
    assert lines[lines.index("  a.py  differs     1 2") :] == [
        "  a.py  differs     1 2",
        "  b.py  not robust  1",
        "  c.py  conforms",
        "  d.py  not judged",
        "      rnn not judged: too slow beyond n_x=1 in split",
        "",
        "mistakes, by number:",
        "   1. 2 of 4 targets: a is b",
        "      rnn: empty",
        "   2. 1 of 4 targets: b is c",
        "      rnn: shapes",
        "",
        "",
    ]


def test_of_many_targets_the_three_most_frequent_mistakes_are_named() -> None:
    makers = {"a": "abcde", "b": "abcd", "c": "abc", "d": "ab", "e": "a"}
    results = [failed(name, diagnosis=[f"{words} is x"]) for words, names in makers.items() for name in names]
    lines = render(run_of([*results, *map(passed, map(str, range(150)))]), 80).splitlines()
    assert lines[lines.index("mistakes, by number:") + 1 :] == [
        *("   1. 5 of 155 targets: a is x", "      rnn: shapes"),
        *("   2. 4 of 155 targets: b is x", "      rnn: shapes"),
        *("   3. 3 of 155 targets: c is x", "      rnn: shapes"),
        "      and 2 more",
        "",
    ]
    assert len(lines) < 20


def test_of_a_mistake_that_breaks_many_laws_some_are_named() -> None:
    results = [failed("a", f"law {number}", diagnosis=["a is b"]) for number in range(9)]
    assert "rnn: law 0, law 1, law 2, law 3 and 5 more laws" in render(run_of(results), 80)


@given(
    st.lists(st.text("abc_", min_size=1, max_size=90), min_size=2, max_size=4, unique=True),
    st.lists(st.sampled_from(["bf is left out", "x " * 99, "shape (3, 2)"]), min_size=1, max_size=3),
)
def test_each_of_several_targets_has_a_line_that_fits(names: list[str], mistakes: list[str]) -> None:
    results = [failed(f"class/{name}.py", diagnosis=[words]) for name in names for words in mistakes]
    lines = render(run_of(results), 80).split("\n")
    lines = lines[lines.index("mistakes, by number:") - len(names) - 1 :]
    assert max(map(len, lines)) <= 80
    for name, line in zip(sorted(names), lines, strict=False):
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
