"""Tests that mistakes in public programs are named as the right entry of the catalogue."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import reference
from oracle.explanations.catalogue_search import diagnose
from oracle.explanations.claims import mistake
from oracle.tests.answers import program, small

TEXTBOOK = (Path(__file__).parents[3] / "examples" / "textbook.py").read_text(encoding="utf-8")

RNN_STEP = "rnn_cell_forward(x[:, :, t], a_next, parameters)"
LSTM_STEP = "lstm_cell_forward(x[:, :, t], a_next, c_next, parameters)"
NOT_YET, BEFORE = LSTM_STEP.replace("_next", "[:, :, t]"), RNN_STEP.replace("a_next", "a[:, :, t - 1]")
LOOP, FROM_ONE = "for t in range(T_x)", "for t in range(1, T_x)"
FIRST, ZERO_C = "    a_next = a0\n", "    c_next = np.zeros((n_a, m))\n"
SIZES, BOTH = "    _, m, T_x = x.shape\n", "    x, a0 = x.astype('f4'), a0.astype('f4')\n"
OWN = "m, T_x), x.dtype)\n    c ="

PUBLIC = [
    ("lstm_forward", [(LSTM_STEP, NOT_YET)], "reads_unwritten_slots"),
    ("lstm_forward", [(LSTM_STEP, LSTM_STEP.replace("c_next", "c[:, :, t]"))], "reads_unwritten_c"),
    ("rnn_forward", [(RNN_STEP, RNN_STEP.replace("a_next", "a[:, :, t]"))], "reads_unwritten_slot"),
    ("rnn_forward", [(FIRST, "    a[:, :, -1] = a0\n"), (RNN_STEP, BEFORE)], "a0_in_the_last_slot"),
    (
        "lstm_forward",
        [(FIRST, "    a[:, :, -1] = a0\n"), (LSTM_STEP, LSTM_STEP.replace("a_next", "a[:, :, t - 1]"))],
        "a0_in_the_last_slot",
    ),
    ("lstm_forward", [(ZERO_C, "    c_next = c[:, :, -1]\n")], "last_c_view_cached"),
    ("lstm_forward", [(ZERO_C, "    c_next = c[:, :, 0]\n")], "c_view_cached"),
    ("rnn_forward", [(LOOP, FROM_ONE)], "first_step_skipped"),
    ("lstm_forward", [(LOOP, FROM_ONE)], "first_step_skipped"),
    (
        "rnn_forward",
        [(LOOP, FROM_ONE), (FIRST, "    a[:, :, 0] = a0\n"), (RNN_STEP, BEFORE)],
        "first_state_is_a0",
    ),
    ("rnn_forward", [(LOOP, FROM_ONE), (RNN_STEP, BEFORE)], "first_step_skipped_and_a0"),
    ("rnn_forward", [(RNN_STEP, BEFORE)], "first_step_reads_last_slot"),
    ("rnn_forward", [(SIZES, "    x = x.astype('f4')\n" + SIZES)], "x_in_float32"),
    ("lstm_forward", [(SIZES, BOTH + SIZES)], "inputs_in_float32"),
    (
        "lstm_forward",
        [(SIZES, BOTH + SIZES), ("m, T_x))\n    c =", OWN), *[("T_x))", "T_x), x.dtype)")] * 2],
        "inputs_cast_to_float32",
    ),
    ("rnn_forward", [(RNN_STEP, RNN_STEP.replace("x[:, :, t]", "x[:, t]"))], "x_indexed_by_sample"),
    ("lstm_forward", [(LSTM_STEP, LSTM_STEP.replace("x[:, :, t]", "x[:, t]"))], "x_indexed_by_sample"),
]


@pytest.mark.parametrize(("function", "changes", "name"), PUBLIC)
def test_a_mistake_of_a_public_program_is_named_first(
    function: str, changes: list[tuple[str, str]], name: str
) -> None:
    start = TEXTBOOK.index(f"def {function}")
    source = TEXTBOOK[start:]
    for old, new in changes:
        assert old in source
        source = source.replace(old, new, 1)
    namespace: dict[str, Any] = {}
    exec(TEXTBOOK[:start] + source, namespace)
    ask = program(function, SimpleNamespace(**{function: namespace[function]}))
    assert diagnose(function, ask, small(function))[0] == mistake(name)


def test_a_wrong_gate_that_no_cache_shows_is_not_named() -> None:
    """The cached update gate is right, but 1 - ft is used: the entry on coupled gates has a wrong cache."""
    own, coupled = "c_next = ft * c_prev + it * cct", "c_next = ft * c_prev + (1 - ft) * cct"
    assert own in TEXTBOOK
    namespace: dict[str, Any] = {}
    exec(TEXTBOOK.replace(own, coupled), namespace)
    ask = program("lstm_forward", SimpleNamespace(**namespace))
    assert diagnose("lstm_forward", ask, small("lstm_forward")) == []


def test_a_mistake_only_in_small_sizes_is_not_named() -> None:
    """As in a product by blocks of eight features, which leaves out the last features, or all of a few."""

    def rnn_cell_forward(xt: Any, a_prev: Any, parameters: Any) -> Any:
        whole = len(xt) - len(xt) % 8
        shortened = {**parameters, "Wax": parameters["Wax"][:, :whole]}
        a_next, yt_pred, _ = reference.rnn_cell_forward(xt[:whole], a_prev, shortened)
        return a_next, yt_pred, (a_next, a_prev, xt, parameters)

    made = SimpleNamespace(rnn_cell_forward=rnn_cell_forward)
    ask = program("rnn_cell_forward", made)
    assert diagnose("rnn_cell_forward", ask, small("rnn_cell_forward")) == []
