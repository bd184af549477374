"""A location is data, which one place puts into words; nothing in the locator reads them."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import oracle.location
from oracle.location.facts import Condition, Feature, Form, Location, When, Where
from oracle.location.forms import MAPS
from oracle.location.networks import forms
from oracle.location.sentences import MOST, lines, phrases
from oracle.problem import Problem

FOLDER = Path(oracle.location.__file__).parent
RENDERING = ("sentences", "words")
READERS = [path for path in sorted(FOLDER.glob("*.py")) if path.stem not in RENDERING]
CLIPPED = Location(
    Where("c_next", "lstm"),
    When((Condition(Feature("magnitude", "c_next"), ">", 10.0),)),
    Form("c_next", function="clipped", number=10.0),
)


def imported(source: str) -> Iterator[str]:
    """What a module imports of regular expressions and of the modules that render."""
    for node in ast.walk(ast.parse(source)):
        names = [each.name for each in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
        module = node.module if isinstance(node, ast.ImportFrom) else ""
        yield from (name for name in (*names, module) if name and name.split(".")[-1] in ("re", *RENDERING))


@pytest.mark.parametrize("path", READERS, ids=lambda path: path.stem)
def test_nothing_but_what_renders_knows_a_sentence(path: Path) -> None:
    assert [*imported(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("source", ["import re", "from oracle.location.sentences import lines"])
def test_a_module_that_could_read_a_sentence_is_seen(source: str) -> None:
    assert [*imported(source)]


def test_a_location_is_said_in_three_lines() -> None:
    assert lines(CLIPPED) == [
        "where: c_next = ft * c_prev + it * cct does not hold",
        "when: |c_next| > 10",
        "how: c_next clipped at ±10",
    ]
    assert phrases(CLIPPED) == ["|c_next| > 10", "c_next clipped at ±10"]


def test_what_is_not_known_is_left_out() -> None:
    assert lines(Location(Where("ft", "lstm"))) == ["where: ft = sigmoid(Wf [a_prev; xt] + bf) does not hold"]


def test_a_form_that_several_gates_have_names_the_node_of_each() -> None:
    form = Form("Wf", function="of the largest", number=127)
    *_, how = lines(Location(Where("ft", "lstm", also=("it", "ot")), None, form))
    assert how == "how: Wf rounded to multiples of max|Wf| / 127 in place of Wf; likewise Wi and Wo"
    of_all = Form("concat", function="zero")  # which is not of one gate
    assert lines(Location(Where("ft", "lstm", also=("it",)), None, of_all))[-1] == (
        "how: 0 in place of [a_prev; xt]"
    )


def test_a_condition_comes_before_the_others() -> None:
    found = CLIPPED.under(Condition(Feature("bits"), "=", 32))
    assert lines(found)[1] == "when: in float32 and |c_next| > 10"


def test_a_line_is_never_too_long() -> None:
    when = When((Condition(Feature("repeats earlier", "x"), "=", 1.0),) * 4)
    said = lines(Location(Where("a_prev", "rnn"), when))
    assert max(map(len, said)) == MOST


def test_a_location_is_data_that_json_can_hold() -> None:
    data = CLIPPED.data()
    assert json.loads(json.dumps(data)) == data
    assert data["where"] == {"equation": "c_next", "kind": "lstm", "stage": "step"}
    condition = {"feature": {"kind": "magnitude", "name": "c_next"}, "relation": ">", "value": 10.0}
    assert data["when"] == {"conditions": [condition]}
    assert data["how"] == {"node": "c_next", "function": "clipped", "number": 10.0}
    assert Location(Where("ft")).data()["when"] is None


def test_every_form_of_a_network_has_words_that_fit_in_a_line() -> None:
    inputs = Problem.lstm_layer(n_x=2, n_a=2, m=2, T_x=2, layers=2, directions=2).inputs("lstm_layer")
    for form in forms("lstm_layer", inputs):
        said = lines(Location(Where(form.node, stage="network"), When(), form))
        assert max(map(len, said)) < MOST
        assert form.map in MAPS or said[2] != f"how: {form.map}" or form.map == "a goes on"
