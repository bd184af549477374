"""Tests of claims: each kind has a text and survives JSON, and the same cause gives the same key."""

import json
from typing import Any

import pytest

from oracle.explanations.claims import ON_ORDINARY_PROBLEMS, Claim, is_far, mistake, shared
from oracle.explanations.words import TEXTS, texts_of_facts
from oracle.faults import ERRORS, FAULTS

ONE_SAMPLE = {"kind": "size", "name": "m", "relation": "=", "number": 1.0, "by": 0}
LOCATED = Claim.of(
    "location",
    where=["ot"], network="lstm", setting="", returned=False, when=[ONE_SAMPLE], how=None, shown=[],
)  # fmt: skip

EVERY: list[tuple[Claim, str]] = [
    (
        mistake("c0_is_a0", "one_maximum"),
        f"{FAULTS['c0_is_a0'].sentence}, and {FAULTS['one_maximum'].sentence}",
    ),
    (mistake("cache_made_an_array"), ERRORS["cache_made_an_array"][0]),
    (Claim.of("raised", type="KeyError", text="'Wy'", at="a.py:3"), "KeyError: 'Wy', at a.py:3"),
    (Claim.of("died", reason="crashed with SIGSEGV"), "crashed with SIGSEGV"),
    (Claim.of("form", text="returned None"), "returned None"),
    (Claim.of("lacking", what="missing", function="rnn_forward", detail=""), "has no rnn_forward"),
    (Claim.of("two answers"), "two calls with equal arguments give different answers"),
    (
        Claim.of("earlier calls", again="asked again"),
        "asked again it is right: the answer depends on earlier calls, or on chance",
    ),
    (Claim.of("order of parameters"), "the answer depends on the order of the parameters in their dict"),
    (
        Claim.of("overwrites", arrays=["a", "y_pred"]),
        "a later call overwrites the a and y_pred of an earlier call",
    ),
    (Claim.of("writes", arguments=["a0", "parameters['ba']"]), "it writes to a0, parameters['ba']"),
    (
        Claim.of("stated gates", stated="fgoi", fits="ifgo"),
        "the gates are in the order ifgo, not fgoi as --gates states",
    ),
    (
        Claim.of("digits", digits=7),
        "right to 7 digits only (7 decimals below 1), as if a part were in float32, or an epsilon added",
    ),
    (Claim.of("subnormals", all=True), "subnormal numbers are flushed to zero"),
    (
        LOCATED,
        "where: ot = sigmoid(Wo [a_prev; xt] + bo) does not hold; when: m = 1",
    ),
    (
        Claim.of("misreading", network="rnn", equation="dWaa", operand="a_prev", instead="a_next"),
        "where: dWaa = dz a_prev.T does not hold; how: a_next in place of a_prev",
    ),
    (Claim.of("cached", entries=[["ft", "it"], ["it", "ft"]]), "the cached ft is it; the cached it is ft"),
    (
        Claim.of("beside cell", cell="rnn_cell_forward", told=vars(mistake("a0_ignored"))),
        f"with a right rnn_cell_forward in place of its own: {FAULTS['a0_ignored'].sentence}",
    ),
    (Claim.of("nearly"), "the numbers that are wrong are too small to tell which mistake it is"),
    (
        Claim.of("only in this law", statement="An empty batch gives empty answers."),
        "an ordinary call on this problem is right, and the call that this law makes is wrong, "
        "also as the first call of a process; the law: An empty batch gives empty answers.",
    ),
    (
        Claim.of("second call"),
        "an ordinary call on this problem is right, and the second call of this law is wrong, also alone",
    ),
    (
        Claim.of("right in", dtype="float64", wrong_in="float32"),
        "on this problem it is right in float64, and not in float32",
    ),
    (
        Claim.of("traces", outputs=[["a", "first at step 2"], ["y", ""]]),
        "wrong outputs: a (first at step 2), y",
    ),
    (
        Claim.of("traces", outputs=[["dx", ""]], right=["steps", "layers"]),
        "wrong on ordinary problems: dx; right if T_x = 1, or in one layer",
    ),
    (
        Claim.of("traces", outputs=[["dx", ""], ["da0", ""]], right=[], sometimes=["da0"]),
        "wrong on ordinary problems: dx; on some of these also: da0",
    ),
    (
        Claim.of("helper", functions=["u.softmax"], told=vars(mistake("no_softmax"))),
        f"by u.softmax, which the course gives: {FAULTS['no_softmax'].sentence}",
    ),
    (Claim.of("broke", error="x"), "the search for the mistake failed, please report it: x"),
    (
        Claim.of("no time"),
        "the time to search for the mistake was up, since calls take long",
    ),
    (Claim.of("unknown"), "nothing is known about it"),
    (Claim.of("harness broke"), "the harness broke, please report it"),
]


@pytest.mark.parametrize(("claim", "words"), EVERY)
def test_a_claim_has_a_text_and_survives_json(claim: Claim, words: str) -> None:
    assert claim.words == words
    assert Claim(**json.loads(json.dumps(vars(claim)))) == claim


def test_every_kind_of_claim_is_tested() -> None:
    assert {claim.kind for claim, _ in EVERY} == TEXTS.keys()


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("digits", {"digits": 5}, {"digits": 7}),
        ("form", {"text": "y_pred has shape (3, 2)"}, {"text": "y_pred has shape (5, 2)"}),
        ("raised", {"type": "E", "text": "x", "at": "a.py:1"}, {"type": "E", "text": "x", "at": "b.py:9"}),
    ],
)
def test_claims_that_differ_in_numbers_and_places_have_the_same_cause(
    kind: str, one: Any, other: Any
) -> None:
    assert Claim.of(kind, **one).cause == Claim.of(kind, **other).cause
    assert Claim.of(kind, **one).cause != Claim.of("nearly").cause


@pytest.mark.parametrize(
    ("ours", "right", "far"),
    [
        (-0.76, 0.0, True),
        (-0.0, "nan", True),
        (1.0, "nan", True),
        ("nan", "nan", False),
        ("inf", "-inf", True),
        (1.0, 1.0 + 1e-9, False),
        (0.0, -0.0, False),
    ],
)
def test_an_error_beyond_rounding_is_far(ours: float | str, right: float | str, far: bool) -> None:
    for name in ("exact", "again", "expected"):
        assert is_far({"implementation": ours, name: {"value": right}}, 1e-5) == far
    assert is_far({"implementation": -2e-10, "exact": {"value": -1e-9}}, 1e-5, floor=0)
    for without_number in ({"form": "returned None"}, {"implementation": 2.0, "expected": "in [0, 1]"}):
        assert not is_far(without_number, 1e-5)


def test_different_errors_have_different_causes() -> None:
    errors = [{"type": "KeyError", "text": "'Wy'"}, {"type": "KeyError", "text": "'by'"}]
    assert len({Claim.of("raised", **error).cause for error in errors}) == 2


@pytest.mark.parametrize(
    ("who", "said"),
    [
        (["implementation"], "the implementation"),
        (["torch"], "torch"),
        (["implementation", "torch"], "both the implementation and torch"),
        ([], "neither: both are within the bound, so the bound is at fault; please report it"),
    ],
)
def test_the_text_says_who_is_wrong(who: list[str], said: str) -> None:
    assert texts_of_facts({"wrong": who}) == {"wrong": said}


def test_unexplained_failures_share_what_is_true_of_ordinary_problems() -> None:
    wrong = Claim.of("traces", outputs=[["dWp", ""]], right=["projection", "steps"])
    others = [Claim.of("nearly"), Claim.of("right in", dtype="float64", wrong_in="float16")]
    assert shared([wrong, *others]) == wrong
    less = Claim.of("traces", outputs=[["dx", ""]], right=["steps"])
    assert shared([others[0], wrong, less]) == Claim.of("traces", outputs=[], right=["steps"])
    on_edge = Claim.of("traces", outputs=[["dx", ""]], right=ON_ORDINARY_PROBLEMS)
    assert shared([on_edge, *others]) == Claim.of("traces", outputs=[], right=ON_ORDINARY_PROBLEMS)
    assert shared(others) == shared([Claim.of("traces", outputs=[["a", ""]]), *others]) == Claim.of("unknown")


def test_all_outputs_of_several_functions_with_few_digits_are_named() -> None:
    of_both = [Claim.of("digits", digits=9, outputs=[name]) for name in ("yt_pred", "y_pred")]
    assert shared(of_both).words == "yt_pred, y_pred: right to 9 digits only (9 decimals below 1)"
    assert of_both[0].cause == of_both[1].cause != Claim.of("digits", digits=9).cause


def test_what_one_failure_says_of_ordinary_problems_is_true_of_all() -> None:
    of_function = Claim.of("traces", outputs=[["dxt", ""]], right=[])
    of_one_call = Claim.of("traces", outputs=[["dxt", "no array"], ["da_prev", ""]])
    assert shared([of_one_call, of_function]) == of_function
