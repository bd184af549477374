"""Writes a folder of submissions of a class, for `benchmarks.judging`.

    python -m benchmarks.submissions FOLDER --count 300

Of 292 public programs for this exercise, 264 take one maximum over all samples in the softmax, and 115 have
more mistakes. Each submission is `examples/textbook.py` with mistakes in such shares, written as different
authors would, as a file or a notebook. Its name says which kind of mistake it has.
"""

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.shared import ROOT, parser

SHARES = {"right": 2, "one_maximum": 70, "unshifted": 10, "caches": 10, "equations": 5, "unfit": 3}
"""Of a hundred submissions, by the worst mistake in each."""

SOFTMAX = {
    "right": "z - np.max(z, axis=0, initial=-np.inf)",
    "one_maximum": "z - np.max(z)",
    "unshifted": "z",
}

Edit = tuple[str, str, str]
"""The function, a part of its code, and what stands there instead."""

CACHES: Sequence[Sequence[Edit]] = (
    [("lstm_cell_forward", "ft, it, cct, ot, xt", "it, ft, cct, ot, xt")],
    [("lstm_forward", "        caches.append(cache)\n", "")],
    [("rnn_forward", "(caches, x)", "caches")],
    [("lstm_forward", "c_next = np.zeros((n_a, m))", "c_next = c[:, :, 0]")],
    [("lstm_forward", "(caches, x)", "(cache, x)"), ("rnn_forward", "(caches, x)", "(cache, x)")],
    [("rnn_cell_forward", "(a_next, a_prev, xt, parameters)", "(a_prev, a_next, xt, parameters)")],
    [("lstm_cell_forward", "ot, xt, parameters)", "ot, xt)")],
)
EQUATIONS: Sequence[Sequence[Edit]] = (
    [("lstm_cell_forward", "ft * c_prev + it * cct", "it * c_prev + ft * cct")],
    [("lstm_cell_forward", 'parameters["bo"]', 'parameters["bi"]')],
    [("rnn_forward", "(x[:, :, t], a_next, parameters)", "(x[:, :, t], a0, parameters)")],
    [("lstm_forward", "c_next = np.zeros((n_a, m))", "c_next = a0")],
    [("lstm_cell_forward", "ot * np.tanh(c_next)", "ot * c_next")],
    [("rnn_forward", "range(T_x)", "range(1, T_x)"), ("lstm_forward", "range(T_x)", "range(1, T_x)")],
    [("rnn_cell_forward", "np.tanh(", "sigmoid(")],
    [("lstm_forward", "c[:, :, t] = c_next", "c[:, :, t] = a_next")],
)
UNFIT: Sequence[Sequence[Edit]] = (
    [
        ("rnn_cell_forward", "a_next = np.tanh", "a_next = None\n    unused = np.tanh"),
        ("lstm_cell_forward", "ft = ", "ft = None\n    unused = "),
    ],
    [("lstm_forward", "    for t", "    raise NotImplementedError\n    for t")],
    [("rnn_forward", "parameters: Any)", "parameters: Any, learning_rate: Any)")],
    [("rnn_forward", "    for t", "    import os\n    os._exit(1)\n    for t")],
    [("lstm_cell_forward", "    concat =", "    while True:\n        pass\n    concat =")],
    [("rnn_cell_forward", 'parameters["by"])', 'parameters["by")')],
)
MISTAKES = {"caches": CACHES, "equations": EQUATIONS, "unfit": UNFIT}
"""The edits of each kind, which the submissions of that kind take in turns."""

VARIATIONS: Mapping[str, Sequence[str]] = {
    "np.dot(Waa, a_prev) + np.dot(Wax, xt)": (
        "np.dot(Wax, xt) + np.dot(Waa, a_prev)",
        "Waa @ a_prev + Wax @ xt",
    ),
    "np.concatenate([a_prev, xt])": ("np.vstack([a_prev, xt])", "np.concatenate((a_prev, xt), axis=0)"),
    "ft * c_prev + it * cct": ("np.multiply(ft, c_prev) + np.multiply(it, cct)",),
    "ot * np.tanh(c_next)": ("np.multiply(ot, np.tanh(c_next))",),
    "np.dot": ("np.matmul",),
    "1 / (1": ("1.0 / (1.0",),
    "a_next": ("a_t", "h"),
    "yt_pred": ("y_t", "yt_hat"),
    "concat": ("concatenated", "stacked"),
    "softmax": ("soft_max", "compute_softmax"),
}
"""Code of the example, and what other authors write instead; a name is replaced as a whole word."""


@dataclass(frozen=True)
class Submission:
    """The submission of one person: the name of a file, and its functions, each a cell of a notebook."""

    name: str
    cells: Sequence[str]

    def write(self, folder: Path) -> None:
        """Write a notebook if the name ends so, else a file."""
        text = "\n\n\n".join(self.cells)
        if self.name.endswith(".ipynb"):
            code = {"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": []}
            cells = [{**code, "source": cell.splitlines(keepends=True)} for cell in self.cells]
            text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 2})
        (folder / self.name).write_text(text)


def submissions(count: int, seed: int, shares: Mapping[str, int] = SHARES) -> Iterator[Submission]:
    """This number of submissions in these shares. The same seed gives the same submissions."""
    rng = random.Random(seed)
    kinds = [kind for kind, share in shares.items() for _ in range(round(count * share / 100))]
    kinds = [*kinds, *[max(shares, key=lambda kind: shares[kind])] * (count - len(kinds))][:count]
    written = dict.fromkeys(SHARES, 0)
    rng.shuffle(kinds)
    for number, kind in enumerate(kinds, start=1):
        suffix = ".ipynb" if rng.random() < 0.6 else ".py"
        yield Submission(f"{number:03}_{kind}{suffix}", cells(rng, kind, written[kind]))
        written[kind] += 1


def cells(rng: random.Random, kind: str, number: int) -> list[str]:
    """The code of a submission, the n-th of its kind."""
    parts = (ROOT / "examples" / "textbook.py").read_text().split("\n\n\n")
    functions = {part.partition("(")[0].removeprefix("def "): part for part in parts}
    shift = kind if kind in SOFTMAX else rng.choice(["one_maximum"] * 9 + ["right"])
    mistake = MISTAKES[kind][number % len(MISTAKES[kind])] if kind in MISTAKES else []
    for name, old, new in [("softmax", "np.exp(z)\n", f"np.exp({SOFTMAX[shift]})\n"), *mistake]:
        assert old in functions[name], (name, old)
        functions[name] = functions[name].replace(old, new)
    text = "\n\n\n".join(functions.values())
    for old, others in VARIATIONS.items():
        new = rng.choice([old, *others])
        text = re.sub(rf"\b{old}\b(?!_)", new, text) if old.isidentifier() else text.replace(old, new)
    return text.split("\n\n\n")


def main() -> None:
    """Write a folder."""
    options = parser(__doc__)
    options.add_argument("folder", type=Path, help="where to write; it is made if it does not exist")
    options.add_argument("--count", type=int, default=300, help="how many (default: %(default)s)")
    options.add_argument("--seed", type=int, default=0, help="of what is drawn (default: %(default)s)")
    given = options.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for each in submissions(given.count, given.seed):
        each.write(given.folder)


if __name__ == "__main__":
    main()
