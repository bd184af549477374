"""Sixty targets: right, fragile, wrong, unfinished, foreign, hostile or broken.

Most are the textbook example with a few words changed.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from properties.reports.judgement import Verdict
from reference.contract import FUNCTIONS

Sources = Mapping[str, str]
"""By the name of the file."""

TEXTBOOK = (Path(__file__).parents[2] / "examples" / "textbook.py").read_text()


class HostileTarget(NamedTuple):
    """The name of a file, its source, and the expected verdict."""

    name: str
    source: str
    verdict: Verdict


def targets() -> list[HostileTarget]:
    """All hostile targets."""
    return [
        HostileTarget(name, source, verdict)
        for verdict, sources in _SOURCES.items()
        for name, source in sources().items()
    ]


def write(targets: Iterable[HostileTarget], folder: Path) -> None:
    """Write the files into a folder, each under its name."""
    for target in targets:
        folder.joinpath(target.name).write_text(target.source)


def changed(*replacements: tuple[str, str], source: str = TEXTBOOK) -> str:
    """A source with some of its words changed.

    Raises `ValueError` for words that are not in it, so that a change cannot quietly become none.
    """
    for old, new in replacements:
        if old not in source:
            raise ValueError(f"there is no {old!r} in the source")
        source = source.replace(old, new)
    return source


RIGHT = changed(("e = np.exp(z)\n", "e = np.exp(z - np.max(z, axis=0, initial=-np.inf))\n"))
IMPORT = "import numpy as np\n"

END_OF_RNN = "return a, y_pred, (caches, x)"
END_OF_LSTM = "return a, y, c, (caches, x)"
END_OF_LSTM_CELL = "(a_next, c_next, a_prev, c_prev, ft, it, cct, ot, xt, parameters)"
LSTM = "def lstm_forward(x: Any, a0: Any, parameters: Any) -> Any:\n"
RNN = "def rnn_forward(x: Any, a0: Any, parameters: Any) -> Any:\n"
CELL = "def rnn_cell_forward(xt: Any, a_prev: Any, parameters: Any) -> Any:\n"


def right(*replacements: tuple[str, str]) -> str:
    """The right source with some of its words changed."""
    return changed(*replacements, source=RIGHT)


def without(*functions: str) -> str:
    """The right source, in which some functions have private names."""
    return right(*((name, f"_{name}") for name in functions))


def at_import(statements: str) -> str:
    """The right source after some statements."""
    return right((IMPORT, f"{IMPORT}{statements}\n"))


def in_rnn(statement: str) -> str:
    """The right source with a statement at the start of `rnn_forward`."""
    return right((RNN, f"{RNN}    {statement}\n"))


def in_cell(statement: str) -> str:
    """The right source with a statement at the start of `rnn_cell_forward`."""
    return right((CELL, f"{CELL}    {statement}\n"))


def notebook(*cells: str, counts: Sequence[int | None] = ()) -> str:
    """A notebook of code cells, of which the first have these execution counts."""
    code: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": []}
    document = {"metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    counted = zip(cells, [*counts, *[None] * len(cells)], strict=False)
    sources = [{**code, "source": cell, "execution_count": count} for cell, count in counted]
    return json.dumps({**document, "cells": sources})


PATCHES = """
exp, tanh = np.exp, np.tanh
import json, os
np.exp = np.tanh = np.isnan = json.dumps = os.getpid = os.read = None
"""

LIAR = """
class Liar(list):
    def __eq__(self, other): return True
    def __sub__(self, other): return 0
"""


def _conform() -> Sources:
    tanh_and_exp = [("np.exp(", "exp("), ("np.tanh(", "tanh(")]
    thread = "import threading, time; threading.Thread(target=time.sleep, args=(600,)).start()"
    return {
        "right.py": RIGHT,
        "right.ipynb": notebook(RIGHT, "rnn_forward(1, 2, 3)\nraise ValueError('a cell that runs the code')"),
        "symbols.py": right(("a_prev", "h"), ("xt", "u"), ("c_prev", "s"), ("a0", "h0")),
        "aliases.py": right(('"Wi"', '"Wu"'), ('"bi"', '"bu"')),
        "in_lists.py": right(
            (END_OF_RNN, "return [a, y_pred, [caches, x]]"), (END_OF_LSTM, "return [a, y, c, [caches, x]]")
        ),
        "floods.py": in_cell("print('flood \\x1b[2J' * 999)"),
        "patches.py": right(*tanh_and_exp, (IMPORT, IMPORT + PATCHES)),
        "hangs_at_import.py": at_import("while True: pass"),  # the statement is interrupted and skipped
        "strict.py": at_import("import warnings; np.seterr(all='raise'); warnings.simplefilter('error')"),
        "seeds.py": in_cell("import random; random.seed(0); np.random.seed(0)"),
        "threads.py": at_import(thread),
        "exits_at_import.py": at_import("import sys; sys.exit(0)"),
        "asks.py": at_import("input('your name? ')"),
        "demonstrates.py": f"{RIGHT}\nassert rnn_forward(np.load('x.npy'), 0, {{}})\n",
        "na[i]ve <b>&\u00e9.py": RIGHT,
    }


def _fragile() -> Sources:
    return {
        "textbook.py": TEXTBOOK,
        "no_steps.py": in_rnn("if not x.shape[2]: raise ValueError('a sequence without steps')"),
        "hangs_on_empty.py": in_cell("while not xt.size: pass"),
        "no_nan.py": in_cell("assert not np.isnan(np.concatenate((xt, a_prev))).any(), 'NaN'"),
        "sigmoid.py": right(("return 1 / (1 + np.exp(-z))", "return np.exp(z) / (1 + np.exp(z))")),
        "in_place.py": in_cell("xt += 0"),
        "in_memory_order.py": in_cell("xt = xt.ravel('K').reshape(xt.shape)"),
        "dies_on_empty.py": in_cell("if not xt.size: import ctypes; ctypes.string_at(0)"),
    }


def _differ() -> Sources:
    noise = "return a_next + np.random.default_rng().normal(0, 1e-9, a_next.shape), yt_pred"
    keep = "a0 = KEPT.setdefault(a0.shape, a0)"
    return {
        "x_above_a.py": right(("[a_prev, xt]", "[xt, a_prev]")),
        "gates.py": right(("ft * c_prev + it * cct", "it * c_prev + ft * cct")),
        "no_forget_bias.py": right((' + parameters["bf"]', "")),
        "candidate.py": right(("cct = np.tanh", "cct = sigmoid")),
        "no_tanh_on_c.py": right(("ot * np.tanh(c_next)", "ot * c_next")),
        "softmax_axis.py": right(("np.sum(e, axis=0)", "np.sum(e)")),
        "c0.py": right(("c_next = np.zeros((n_a, m))", "c_next = a0")),
        "reversed.py": right(("in range(T_x)", "in reversed(range(T_x))")),
        "float32.py": right(("a = np.zeros((n_a, m, T_x))", "a = np.zeros((n_a, m, T_x), np.float32)")),
        "caches.py": right((END_OF_LSTM_CELL, END_OF_LSTM_CELL.replace("ft, it", "it, ft"))),
        "keeps_state.py": right((RNN, f"KEPT = {{}}\n{RNN}    {keep}\n")),
        "overwrites.py": in_cell("xt[...] = 0"),
        "noise.py": right(("return a_next, yt_pred", noise)),
        "lies.py": right(
            (IMPORT, IMPORT + LIAR), (END_OF_RNN, "return Liar(a + 1), Liar(y_pred), (caches, x)")
        ),
        "transposed.py": right((END_OF_RNN, "return a.T, y_pred, (caches, x)")),
        "exits.py": in_rnn("import os; os._exit(0)"),
        "segfaults.py": in_rnn("import ctypes; ctypes.string_at(0)"),
        "interrupts.py": in_rnn("raise KeyboardInterrupt"),
        "recurses.py": in_rnn("return rnn_forward(x, a0, parameters)"),
        "eats_memory.py": in_rnn("x = np.ones(2**34)"),
        "hangs.py": in_cell("while True: pass"),
    }


def _incomplete() -> Sources:
    lstm, rnn = ("lstm_forward", "lstm_cell_forward"), ("rnn_forward", "rnn_cell_forward")
    rnn_only = without(*lstm)
    return {
        "rnn_only.py": rnn_only,
        "lstm_only.py": without(*rnn),
        "one_cell.py": without(*lstm, "rnn_forward"),
        "no_arguments.py": f"{rnn_only}\ndef lstm_forward(): raise NotImplementedError\n",
        "torch_like.py": f"{rnn_only}\ndef lstm_forward(input, hx=None): return input, hx\n",
        "by_name.py": f"{rnn_only}\ndef lstm_forward(*, x, a0, parameters): return x\n",
        "with_c0.py": f"{rnn_only}\ndef lstm_forward(x, a0, c0, parameters): return x\n",
    }


def _unfinished() -> Sources:
    rnn_only = without("lstm_forward", "lstm_cell_forward")
    return {
        "returns_none.py": in_cell("return None"),
        "starter.py": f"{rnn_only}\n{LSTM}    a = None\n    return a, a, a, a\n",
        "todo.py": in_rnn("raise NotImplementedError('[/red] \\x1b[2J \\ud800 <script>alert(1)</script>')"),
    }


def _unusable() -> Sources:
    return {
        "syntax.py": f"{RIGHT}\ndef lstm_forward(x, a0, parameters:\n",
        "raises.py": "raise ValueError('<img src=x onerror=alert(1)>')\n",
        "dies_at_import.py": at_import("import os; os._exit(1)"),
        "crashes_at_import.py": at_import("import ctypes; ctypes.string_at(0)"),
        "no_such_library.py": "import a_library_that_nobody_has\n",
        "empty.py": "",
        "other_names.py": without(*FUNCTIONS),
        "broken.ipynb": "{",
    }


_SOURCES: dict[Verdict, Callable[[], Sources]] = {
    "conforms": _conform,
    "not robust": _fragile,
    "differs": _differ,
    "incomplete": _incomplete,
    "unfinished": _unfinished,
    "unusable": _unusable,
}
