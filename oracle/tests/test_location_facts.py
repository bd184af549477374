"""Tests that a location is data, and that only `sentences` renders it."""

import ast
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import oracle.location
from oracle.location.facts import Condition, Feature, Location, Replacement, When, Where
from oracle.location.networks import network_mistakes
from oracle.location.sentences import MOST_CHARACTERS, NETWORK_TEXTS, lines

FOLDER = Path(oracle.location.__file__).parent
RENDERING = ("sentences", "words")
READERS = [path for path in sorted(FOLDER.glob("*.py")) if path.stem not in RENDERING]
CLIPPED = Location(
    Where("c_next", "lstm"),
    When((Condition(Feature("magnitude", "c_next"), ">", 10.0),)),
    Replacement("c_next", function="clipped", number=10.0),
)


def imported(source: str) -> Iterator[str]:
    """The imports of `re` and of modules that render, in the source of a module."""
    for node in ast.walk(ast.parse(source)):
        names = [each.name for each in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
        module = node.module if isinstance(node, ast.ImportFrom) else ""
        yield from (name for name in (*names, module) if name and name.split(".")[-1] in ("re", *RENDERING))


@pytest.mark.parametrize("path", READERS, ids=lambda path: path.stem)
def test_only_rendering_modules_import_sentences(path: Path) -> None:
    assert [*imported(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("source", ["import re", "from oracle.location.sentences import lines"])
def test_an_import_of_sentences_is_found(source: str) -> None:
    assert [*imported(source)]


def test_a_location_is_rendered_in_three_lines() -> None:
    assert lines(CLIPPED) == [
        "where: c_next = ft * c_prev + it * cct does not hold",
        "when: |c_next| > 10",
        "how: c_next clipped at ±10",
    ]


def test_the_line_when_says_that_many_elements_are_unchanged() -> None:
    for when, words in ((When(), "always"), (When(has_unchanged=True), "wherever it changes a value")):
        assert lines(replace(CLIPPED, when=when))[1] == f"when: {words}"


def test_unknown_parts_are_left_out() -> None:
    assert lines(Location(Where("ft", "lstm"))) == ["where: ft = sigmoid(Wf [a_prev; xt] + bf) does not hold"]


def test_a_replacement_in_several_gates_names_the_node_of_each() -> None:
    replacement = Replacement("Wf", function="float16")
    *_, how = lines(Location(Where("ft", "lstm", also=("it", "ot")), None, replacement))
    assert how == "how: Wf rounded to float16 in place of Wf; likewise Wi and Wo"
    of_all = Replacement("concat", function="zero")  # all gates have the same concat
    assert lines(Location(Where("ft", "lstm", also=("it",)), None, of_all))[-1] == (
        "how: 0 in place of [a_prev; xt]"
    )


def test_a_condition_comes_before_the_others() -> None:
    found = CLIPPED.with_condition(Condition(Feature("bits"), "=", 32))
    assert lines(found)[1] == "when: in float32 and |c_next| > 10"


def test_a_threshold_is_rendered_with_its_digits() -> None:
    when = When((Condition(Feature("magnitude", "a_next"), ">", 0.99999977),))
    assert lines(Location(Where("a_next", "rnn"), when))[1] == "when: |a_next| > 0.99999977"


def test_a_line_is_never_too_long() -> None:
    when = When((Condition(Feature("largest", "a_prev"), ">", 1.0),) * 4)
    said = lines(Location(Where("a_prev", "rnn"), when))
    assert max(map(len, said)) == MOST_CHARACTERS


def test_the_data_of_a_location_survives_json() -> None:
    data = CLIPPED.data()
    assert json.loads(json.dumps(data)) == data
    assert data["where"] == {"equation": "c_next", "kind": "lstm", "stage": "step"}
    condition = {"feature": {"kind": "magnitude", "name": "c_next"}, "relation": ">", "value": 10.0}
    assert data["when"] == {"conditions": [condition]}
    assert data["how"] == {"node": "c_next", "function": "clipped", "number": 10.0}
    assert Location(Where("ft")).data()["when"] is None


@pytest.mark.parametrize("function", ["rnn_layer", "lstm_layer"])
def test_every_mistake_outside_the_steps_fits_in_a_line(function: str) -> None:
    for replacement in network_mistakes(function):
        where, _, how = lines(Location(Where(replacement.node, stage="network"), When(), replacement))
        assert where.removeprefix("where: ") in NETWORK_TEXTS.values()
        assert len(how) < MOST_CHARACTERS
