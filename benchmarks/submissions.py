"""Write a folder such as a class hands in, for `benchmarks.judging` and `benchmarks.lost`.

    python -m benchmarks.submissions FOLDER --count 300

Of 292 public programs for this exercise 264 take one maximum over all samples in the softmax, and 115
have more wrong. What is written here has such mistakes in such shares, in files and notebooks, written as
different people do. The name of each says what is wrong with it.
"""

import argparse
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SHARES = {
    "right": 2,
    "one_maximum": 70,
    "unshifted": 10,
    "caches": 10,
    "equations": 5,
    "unfit": 3,
}
"""Of a hundred targets: by what is the worst in them."""

SOFTMAX = {
    "right": "{e} = np.exp({z} - np.max({z}, axis=0, initial=-np.inf))",
    "one_maximum": "{e} = np.exp({z} - np.max({z}))",
    "unshifted": "{e} = np.exp({z})",
}

RNN_CELL = """
def rnn_cell_forward(xt, a_prev, parameters):
    Wax = parameters["Wax"]
    Waa = parameters["Waa"]
    Wya = parameters["Wya"]
    ba = parameters["ba"]
    by = parameters["by"]
    a_next = np.tanh({state})
    yt_pred = {softmax}({logits})
    cache = (a_next, a_prev, xt, parameters)
    return a_next, yt_pred, cache
"""

RNN = """
def rnn_forward(x, a0, parameters):
    caches = []
    n_x, m, T_x = x.shape
    n_y, n_a = parameters["Wya"].shape
    a = np.zeros((n_a, m, T_x))
    y_pred = np.zeros((n_y, m, T_x))
    a_next = a0
    for t in range(T_x):
        a_next, yt_pred, cache = rnn_cell_forward(x[:, :, t], a_next, parameters)
        a[:, :, t] = a_next
        y_pred[:, :, t] = yt_pred
        caches.append(cache)
    caches = (caches, x)
    return a, y_pred, caches
"""

LSTM_CELL = """
def lstm_cell_forward(xt, a_prev, c_prev, parameters):
    Wf = parameters["Wf"]
    bf = parameters["bf"]
    Wi = parameters["Wi"]
    bi = parameters["bi"]
    Wc = parameters["Wc"]
    bc = parameters["bc"]
    Wo = parameters["Wo"]
    bo = parameters["bo"]
    Wy = parameters["Wy"]
    by = parameters["by"]
    n_x, m = xt.shape
    n_y, n_a = Wy.shape
    {concat}
    ft = sigmoid({dot}(Wf, concat) + bf)
    it = sigmoid({dot}(Wi, concat) + bi)
    cct = np.tanh({dot}(Wc, concat) + bc)
    c_next = {memory}
    ot = sigmoid({dot}(Wo, concat) + bo)
    a_next = {hidden}
    yt_pred = {softmax}({dot}(Wy, a_next) + by)
    cache = (a_next, c_next, a_prev, c_prev, ft, it, cct, ot, xt, parameters)
    return a_next, c_next, yt_pred, cache
"""

LSTM = """
def lstm_forward(x, a0, parameters):
    caches = []
    n_x, m, T_x = x.shape
    n_y, n_a = parameters["Wy"].shape
    a = np.zeros((n_a, m, T_x))
    c = np.zeros((n_a, m, T_x))
    y = np.zeros((n_y, m, T_x))
    a_next = a0
    c_next = np.zeros((n_a, m))
    for t in range(T_x):
        a_next, c_next, yt, cache = lstm_cell_forward(x[:, :, t], a_next, c_next, parameters)
        a[:, :, t] = a_next
        y[:, :, t] = yt
        c[:, :, t] = c_next
        caches.append(cache)
    caches = (caches, x)
    return a, y, c, caches
"""

SIGMOIDS = (
    "def sigmoid({z}):\n    return 1 / (1 + np.exp(-{z}))\n",
    "def sigmoid({z}):\n    s = 1.0 / (1.0 + np.exp(-{z}))\n    return s\n",
)

STATES = (
    "np.dot(Waa, a_prev) + np.dot(Wax, xt) + ba",
    "np.dot(Wax, xt) + np.dot(Waa, a_prev) + ba",
    "np.matmul(Wax, xt) + np.matmul(Waa, a_prev) + ba",
    "Waa @ a_prev + Wax @ xt + ba",
)
CONCATENATIONS = (
    "concat = np.concatenate((a_prev, xt), axis=0)",
    "concat = np.vstack([a_prev, xt])",
    "concat = np.zeros((n_a + n_x, m))\n    concat[:n_a, :] = a_prev\n    concat[n_a:, :] = xt",
)
RENAMED = {
    "a_next": ("a_next", "a_t", "h"),
    "yt_pred": ("yt_pred", "y_t", "yt_hat"),
    "concat": ("concat", "concatenated", "stacked"),
    "cache": ("cache", "step_cache", "kept"),
}

Part = tuple[str, str, str]
"""A function of `PARTS`, what stands in it, and what stands there instead."""

CACHES: Sequence[Sequence[Part]] = (
    [("lstm_cell", "ft, it, cct, ot, xt", "it, ft, cct, ot, xt")],
    [("lstm", "        caches.append(cache)\n", "")],
    [("rnn", "caches = (caches, x)", "caches = (caches)")],
    [("lstm", "c_next = np.zeros((n_a, m))", "c_next = c[:, :, 0]")],
    [
        ("lstm", "caches = (caches, x)", "caches = (cache, x)"),
        ("rnn", "caches = (caches, x)", "caches = (cache, x)"),
    ],
    [("rnn_cell", "(a_next, a_prev, xt, parameters)", "(a_prev, a_next, xt, parameters)")],
    [("lstm_cell", "ot, xt, parameters)", "ot, xt)")],
)
EQUATIONS: Sequence[Sequence[Part]] = (
    [("lstm_cell", "ft * c_prev + it * cct", "it * c_prev + ft * cct")],
    [("lstm_cell", "(Wo, concat) + bo", "(Wo, concat) + bi")],
    [("rnn", "(x[:, :, t], a_next, parameters)", "(x[:, :, t], a0, parameters)")],
    [("lstm", "c_next = np.zeros((n_a, m))", "c_next = a0")],
    [("lstm_cell", "ot * np.tanh(c_next)", "ot * c_next")],
    [("rnn", "range(T_x)", "range(1, T_x)"), ("lstm", "range(T_x)", "range(1, T_x)")],
    [("rnn_cell", "np.tanh(", "sigmoid(")],
    [("lstm", "c[:, :, t] = c_next", "c[:, :, t] = a_next")],
)
UNFIT: Sequence[Sequence[Part]] = (
    [
        ("rnn_cell", "a_next = np.tanh", "a_next = None\n    unused = np.tanh"),
        ("lstm_cell", "ft = ", "ft = None\n    unused = "),
    ],
    [("lstm", "    for t", "    raise NotImplementedError\n    for t")],
    [("rnn", "def rnn_forward(x, a0, parameters)", "def rnn_forward(x, a0, parameters, learning_rate)")],
    [("rnn", "    for t", "    import os\n    os._exit(1)\n    for t")],
    [("lstm_cell", "    n_x, m = xt.shape", "    while True:\n        pass\n    n_x, m = xt.shape")],
    [("rnn_cell", 'by = parameters["by"]', 'by = parameters["by"')],
)


@dataclass(frozen=True)
class Submission:
    """What one person hands in: a name, and the code of its functions in order, each a cell of a notebook."""

    name: str
    cells: Sequence[str]

    def write(self, folder: Path) -> None:
        """As a file, or a notebook if the name says so."""
        path = folder / self.name
        if path.suffix == ".py":
            path.write_text("\n\n".join(self.cells))
            return
        cells = [
            {
                "cell_type": "code",
                "execution_count": n,
                "metadata": {},
                "outputs": [],
                "source": cell.splitlines(True),
            }
            for n, cell in enumerate(self.cells, start=1)
        ]
        notes = {"cell_type": "markdown", "metadata": {}, "source": ["# Building a recurrent network\n"]}
        notebook = {"cells": [notes, *cells], "metadata": {}, "nbformat": 4, "nbformat_minor": 2}
        path.write_text(json.dumps(notebook, indent=1))


def submissions(count: int, seed: int, shares: Mapping[str, int] = SHARES) -> Iterator[Submission]:
    """So many, in these shares; the same ones for one seed."""
    rng = random.Random(seed)
    kinds = [kind for kind, share in shares.items() for _ in range(round(count * share / 100))]
    kinds = [*kinds, *[max(shares, key=lambda kind: shares[kind])] * (count - len(kinds))][:count]
    made = dict.fromkeys(SHARES, 0)
    rng.shuffle(kinds)
    for number, kind in enumerate(kinds, start=1):
        suffix = ".ipynb" if rng.random() < 0.6 else ".py"
        yield Submission(f"{number:03}_{kind}{suffix}", [*_cells(rng, kind, made[kind])])
        made[kind] += 1


def _cells(rng: random.Random, kind: str, number: int) -> Iterator[str]:
    """The code of one, of which there have been so many of its kind."""
    parts = {"rnn_cell": RNN_CELL, "rnn": RNN, "lstm_cell": LSTM_CELL, "lstm": LSTM}
    mistakes = {"caches": CACHES, "equations": EQUATIONS, "unfit": UNFIT}.get(kind, ([],))
    shift = kind if kind in SOFTMAX else rng.choice(["one_maximum"] * 9 + ["right"])
    words = {
        "softmax": rng.choice(["softmax", "softmax", "soft_max", "compute_softmax"]),
        "state": rng.choice(STATES),
        "logits": rng.choice(["np.dot(Wya, a_next) + by", "np.matmul(Wya, a_next) + by"]),
        "concat": rng.choice(CONCATENATIONS),
        "dot": rng.choice(["np.dot", "np.matmul"]),
        "memory": rng.choice(["ft * c_prev + it * cct", "np.multiply(ft, c_prev) + np.multiply(it, cct)"]),
        "hidden": rng.choice(["ot * np.tanh(c_next)", "np.multiply(ot, np.tanh(c_next))"]),
        "z": rng.choice(["x", "z", "logits"]),
        "e": rng.choice(["e_x", "e", "exps"]),
    }
    if kind == "equations":  # whose mistake stands where people's ways differ
        words |= {"memory": "ft * c_prev + it * cct", "hidden": "ot * np.tanh(c_next)", "dot": "np.dot"}
    names = {name: rng.choice(others) for name, others in RENAMED.items()}
    yield "import numpy as np\n"
    head = f"def {{softmax}}({{z}}):\n    {SOFTMAX[shift]}\n    return {{e}} / {{e}}.sum(axis=0)\n"
    yield f"{rng.choice(SIGMOIDS)}\n\n{head}".format(**words)
    parts = {name: part.strip().format(**words) + "\n" for name, part in parts.items()}
    for part, stands, instead in mistakes[number % len(mistakes)]:
        assert stands in parts[part], (part, stands)
        parts[part] = parts[part].replace(stands, instead)
    for code in parts.values():
        for name, other in names.items():
            code = _renamed(code, name, other)
        yield rng.choice(["", "# GRADED FUNCTION\n"]) + code
        if rng.random() < 0.5:
            yield "# check the shapes\nprint('n_a, m, T_x =', 5, 10, 7)\n"


def _renamed(code: str, name: str, other: str) -> str:
    """The code with one of its variables called otherwise."""
    return re.sub(rf"\b{name}\b(?!\()", other, code)


def main() -> None:
    """Write a folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where the targets go, made if it is not there")
    parser.add_argument("--count", type=int, default=300, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="by which they are drawn (default: %(default)s)")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for each in submissions(options.count, options.seed):
        each.write(options.folder)


if __name__ == "__main__":
    main()
