"""Tests that all data of claims has words, and that only `words` has these."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import pytest

import oracle.explanations
from oracle.explanations import changes, conditions, observer, words
from oracle.explanations.changes import Condition, Relation, Replacement
from oracle.explanations.claims import Claim, shared
from oracle.explanations.location import SCOPES, Location
from oracle.explanations.steps import RESULTS
from oracle.network.equations import CELLS

FOLDER = Path(oracle.explanations.__file__).parent
READERS = [path for path in sorted(FOLDER.glob("*.py")) if path.stem not in ("words", "claims")]


def imported(source: str) -> Iterator[str]:
    """The imports of `re` and of `words`, in the source of a module."""
    for node in ast.walk(ast.parse(source)):
        names = [each.name for each in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
        module = node.module if isinstance(node, ast.ImportFrom) else ""
        yield from (name for name in (*names, module) if name and name.split(".")[-1] in ("re", "words"))


@pytest.mark.parametrize("path", READERS, ids=lambda path: path.stem)
def test_no_decision_reads_words(path: Path) -> None:
    assert [*imported(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("source", ["import re", "from oracle.explanations.words import lines"])
def test_an_import_of_words_is_found(source: str) -> None:
    assert [*imported(source)]


def lines(targets: Sequence[str], kind: str = "lstm", **parts: Any) -> list[str]:
    return Location(targets, **parts).claim(kind).lines


def how(replacement: Replacement, *targets: str) -> str:
    *_, last = lines(targets or ["ft"], how=replacement)
    return last.removeprefix("how: ")


def when(*conditions: Condition) -> str:
    _, last = lines(["c_next"], conditions=conditions)
    return last.removeprefix("when: ")


def test_a_location_has_three_lines() -> None:
    clipped = Replacement("c_next", function="clipped", number=10.0)
    large = [Condition("magnitude", "c_next", ">", 10.0)]
    assert lines(["c_next"], conditions=large, how=clipped) == [
        "where: c_next = ft * c_prev + it * cct does not hold",
        "when: |c_next| > 10",
        "how: c_next clipped at ±10",
    ]


def test_unknown_parts_are_left_out() -> None:
    assert lines(["ft"]) == ["where: ft = sigmoid(Wf [a_prev; xt] + bf) does not hold"]


@pytest.mark.parametrize("kind", CELLS)
def test_every_result_of_a_step_has_an_equation(kind: str) -> None:
    gates = () if kind == "lstm" else (*RESULTS[:5],)
    for result in RESULTS:
        if result not in gates and (result != "a_out" or kind == "lstm"):
            [where] = lines([result], kind)
            assert " = " in where
            assert where.endswith("does not hold")
            assert "z" not in where  # the equation has its own names only


def test_a_result_that_alone_is_wrong_is_called_returned() -> None:
    [where] = lines(["a_next"], returned=True)
    assert where == "where: returned a = a_next of each step does not hold"


def test_a_replacement_in_several_gates_names_the_part_of_each() -> None:
    replacement = Replacement("Wf", function="float16")
    assert how(replacement, "ft", "it", "ot") == "Wf rounded to float16 in place of Wf; likewise Wi and Wo"
    of_all = Replacement("concat", function="zero")  # all gates have the same concat
    assert how(of_all, "ft", "it") == "0 in place of [a_prev; xt]"


@pytest.mark.parametrize("name", changes.MAPS)
def test_every_map_has_words(name: str) -> None:
    said = how(Replacement("c_prev", map=name, by=3))
    assert said.startswith("c_prev ")
    assert "{" not in said


@pytest.mark.parametrize("name", [*changes.FUNCTIONS, *changes.COMBINATIONS])
def test_every_function_has_words(name: str) -> None:
    said = how(Replacement("c_prev", function=name, number=0.25))
    assert said.endswith(" in place of c_prev")
    assert "{" not in said


def test_two_maps_or_functions_never_have_the_same_words() -> None:
    every = [Replacement("c_prev", map=name, by=3) for name in changes.MAPS]
    every += [Replacement("c_prev", function=name, number=0.25) for name in changes.FUNCTIONS]
    combined = [("added", 0.25), ("added", -0.25), ("multiplied", 0)]
    every += [Replacement("zf", source="c_prev", function=name, number=k) for name, k in combined]
    assert len({*map(how, every)}) == len(every)


@pytest.mark.parametrize("setting", [each for each in SCOPES if each])
def test_every_setting_has_words(setting: str) -> None:
    [where] = lines(["a_next"], setting=setting)
    assert where.startswith(f"where: {words.SETTINGS[setting]}: a_next = ")
    assert len({*words.SETTINGS.values()}) == len(words.SETTINGS)


CONDITIONS = [
    (Condition("size", "m", "=", 1), "m = 1"),
    (Condition("equal", "n_x = n_a", "=", 1), "n_x = n_a"),
    (Condition("equal", "n_x = n_a", "=", 0), "n_x ≠ n_a"),
    (Condition("bits", "", "=", 32), "in float32"),
    (Condition("bits", "", "≥", 32), "in float32 and wider"),
    (Condition("bits", "", "≤", 32), "in float32 and narrower"),
    (Condition("index", "step", "≥", 1), "step ≥ 1"),
    (Condition("from end", "step", "=", 0), "in the last step"),
    (Condition("from end", "step", "≤", 2), "step ≤ 2, counted back from the last step"),
    (Condition("residue", "step", "=", 0, 8), "step mod 8 = 0"),
    (Condition("last block", "unit", "=", 1, 4), "in the last n mod 4 units"),
    (Condition("last block", "sample", "=", 0, 4), "not in the last m mod 4 samples"),
    (Condition("value", "ft", "<", 0.5), "ft < 0.5"),
    (Condition("magnitude", "a_next", ">", 0.99999977), "|a_next| > 0.99999977"),
    (Condition("largest", "xt", "=", 0), "the largest |xt| of the sample = 0"),
]


@pytest.mark.parametrize(("condition", "said"), CONDITIONS)
def test_a_condition_has_words(condition: Condition, said: str) -> None:
    assert when(condition) == said


def test_every_kind_of_condition_is_tested() -> None:
    assert {condition.kind for condition, _ in CONDITIONS} == conditions.COSTS.keys()


@pytest.mark.parametrize("kind", conditions.COSTS)
def test_two_relations_never_have_the_same_words(kind: str) -> None:
    name = "n_x = n_a" if kind == "equal" else "step"
    relations = ("=",) if kind in ("equal", "last block") else get_args(Relation)
    every = [Condition(kind, name, relation, number, 8) for relation in relations for number in (0, 1)]
    if kind == "bits":
        every = [each for each in every if each.relation in ("=", "≠", "≥", "≤")]
    assert len({*map(when, every)}) == len(every)


def test_conditions_are_joined() -> None:
    assert when(Condition("bits", "", "=", 32), Condition("size", "m", "≥", 8)) == "in float32 and m ≥ 8"


def test_a_line_is_never_too_long() -> None:
    many = [Condition("largest", "a_prev", ">", 1.0)] * 4
    longest = Replacement("Waa a_prev + Wax xt", "1.7159 tanh(2 z / 3)", "step back, at least the first", 2)
    said = lines(["a_next"], "rnn", conditions=many, how=longest, setting="backward above")
    assert max(map(len, said)) == words.MOST_CHARACTERS


def test_the_settings_are_those_of_layers() -> None:
    assert {*words.SETTINGS} == {*SCOPES} - {""}
    assert observer.Setting().name in SCOPES


def test_a_mistake_says_where_it_is_made() -> None:
    both = Claim.of("mistake", names=["c0_ignored"])
    one = Claim.of("mistake", names=["c0_ignored"], state="c")
    some = Claim.of("mistake", names=["c0_ignored"], when=None)
    small = Claim.of("mistake", names=["c0_ignored"], when=[vars(Condition("size", "m", "=", 1))])
    assert one.words == f"{both.words}, for c alone"
    assert some.words == f"{both.words}, but not always"
    assert small.words == f"{both.words}; when: m = 1"


BIASES = {"kind": "mistake", "facts": {"names": ["biases_missing"]}}
UNFINISHED = {"what": "unfinished", "function": "rnn_forward"}


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (Claim.of("raised", type="ValueError", text="got 3"), {"text": "got 4"}, "ValueError"),
        (Claim.of("died", reason="exceeded 10 s"), {"reason": "exceeded 9 s"}, "the process died"),
        (Claim.of("form", text="a of 2"), {"text": "a of 3"}, "it returns something else than"),
        (
            Claim.of("lacking", what="missing", function="f", detail=", but g1"),
            {"detail": ", but g2"},
            "has no f",
        ),
        (
            Claim.of("lacking", what="signature", detail="f(x1)", expected="x"),
            {"detail": "f(x2)"},
            "a function does",
        ),
        (Claim.of("lacking", **UNFINISHED, detail="a"), {"detail": "b"}, "rnn_forward is not finished"),
        (Claim.of("digits", digits=5), {"digits": 6}, "right to some digits only"),
        (
            Claim.of("overwrites", arrays=["y_pred"]),
            {"arrays": ["yt_pred"]},
            "a later call overwrites the arrays",
        ),
        (Claim.of("writes", arguments=["x0"]), {"arguments": ["x1"]}, "it writes to its arguments"),
        (Claim.of("helper", functions=["u.f"], told=BIASES), {"told": {}}, "by u.f, which the course gives"),
        (
            Claim.of("beside cell", cell="rnn_cell_forward", told=BIASES),
            {"cell": "l"},
            "with a right cell in",
        ),
        (Claim.of("traces", outputs=[["a", ""]]), {"outputs": [["y", ""]]}, "an unknown mistake"),
        (
            Claim.of("traces", outputs=[["a", ""]], right=["steps", "samples"]),
            {"outputs": [["y", ""]], "right": ["samples"]},
            "an unknown mistake: right if m = 1",
        ),
    ],
    ids=lambda each: each.kind if isinstance(each, Claim) else "",
)
def test_claims_with_one_cause_share_what_both_state(one: Claim, other: dict[str, Any], said: str) -> None:
    both = [one, Claim(one.kind, {**one.facts, **other})]
    assert both[0].cause == both[1].cause
    assert shared(both[:1] * 2) == one
    assert shared(both).title.startswith(said)
