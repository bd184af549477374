"""How long does it take to judge a folder of submissions, and how much memory does a process need?

    python -m benchmarks.submissions --count 300 --profile dev

Writes a folder of programs as a class submits it, and judges it in two processes. Prints the time, also as a
multiple of the time of `import torch`, and the largest memory of a process. To see how the memory grows with
the number of targets, run it with several counts.

Each submission is `examples/textbook.py` with mistakes, which are as frequent as in public programs: of 292
programs for this exercise, 264 take one maximum over all samples in the softmax, and 115 have more mistakes.
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.shared import IMPORT_TORCH, JUDGE, ROOT, argument_parser, measure

PERCENTAGES = {"right": 2, "one_maximum": 70, "unshifted": 10, "caches": 10, "equations": 5, "unfit": 3}
"""The percentage of submissions whose worst mistake is of this kind."""

SOFTMAX = {"right": "z - np.max(z, axis=0)", "one_maximum": "z - np.max(z)", "unshifted": "z"}
"""The argument of `np.exp` in the softmax."""

MISTAKES: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "caches": (
        ("lstm_cell_forward", "ft, it, cct, ot, xt", "it, ft, cct, ot, xt"),
        ("lstm_forward", "        caches.append(cache)\n", ""),
        ("rnn_forward", "(caches, x)", "caches"),
    ),
    "equations": (
        ("lstm_cell_forward", "ft * c_prev + it * cct", "it * c_prev + ft * cct"),
        ("lstm_cell_forward", 'parameters["bo"]', 'parameters["bi"]'),
        ("rnn_forward", "(x[:, :, t], a_next, parameters)", "(x[:, :, t], a0, parameters)"),
        ("lstm_forward", "c_next = np.zeros((n_a, m))", "c_next = a0"),
        ("lstm_forward", "range(T_x)", "range(1, T_x)"),
        ("rnn_cell_forward", "np.tanh(", "sigmoid("),
    ),
    "unfit": (
        ("lstm_cell_forward", "ft = ", "ft = None\n    unused = "),
        ("lstm_forward", "    for t", "    raise NotImplementedError\n    for t"),
        ("rnn_forward", "    for t", "    import os\n    os._exit(1)\n    for t"),
        ("lstm_forward", "    for t", "    while True:\n        pass\n    for t"),
        ("rnn_cell_forward", 'parameters["by"])', 'parameters["by")'),
    ),
}
"""By kind: a function, a part of its code, and the wrong code. Submissions of a kind use these in turn."""


def submissions(count: int, seed: int) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the functions of each submission. The same seed gives the same submissions."""
    rng = random.Random(seed)
    kinds = [kind for kind, percentage in PERCENTAGES.items() for _ in range(round(count * percentage / 100))]
    rng.shuffle(kinds)
    for number, kind in enumerate(kinds, start=1):
        suffix = ".ipynb" if rng.random() < 0.6 else ".py"
        softmax = kind if kind in SOFTMAX else rng.choice(["one_maximum"] * 9 + ["right"])
        edits = [("softmax", "np.exp(z)\n", f"np.exp({SOFTMAX[softmax]})\n")]
        if of_kind := MISTAKES.get(kind):
            edits.append(of_kind[kinds[: number - 1].count(kind) % len(of_kind)])
        yield f"{number:03}_{kind}{suffix}", edited(edits)


def edited(edits: Sequence[tuple[str, str, str]]) -> list[str]:
    """Return the functions of the textbook example after these edits, as source."""
    parts = (ROOT / "examples" / "textbook.py").read_text().split("\n\n\n")
    functions = {part.partition("(")[0].removeprefix("def "): part for part in parts}
    for name, old, new in edits:
        assert old in functions[name], (name, old)
        functions[name] = functions[name].replace(old, new)
    return [*functions.values()]


def write_submission(path: Path, parts: Sequence[str]) -> None:
    """Write a submission to a file, or to a notebook with a cell for each part."""
    text = "\n\n\n".join(parts)
    if path.suffix == ".ipynb":
        code = {"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": []}
        cells = [{**code, "source": part.splitlines(keepends=True)} for part in parts]
        text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 2})
    path.write_text(text)


def main() -> None:
    """Write the submissions, judge them, and print the figures."""
    parser = argument_parser(__doc__)
    parser.add_argument("--count", type=int, default=300, help="how many (default: %(default)s)")
    parser.add_argument("--profile", default="dev", help="Hypothesis' profile (default: %(default)s)")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        for name, parts in submissions(options.count, seed=0):
            write_submission(Path(folder, name), parts)
        torch = min(measure(IMPORT_TORCH)[0] for _ in range(3))
        profile = f"--hypothesis-profile={options.profile}"
        took, usage = measure((*JUDGE, folder, "-q", "-n", "2", profile, "--hypothesis-seed=0"))
    memory = usage.ru_maxrss // 1024  # which Linux counts in kB
    print(f"{options.count} targets: {took:.0f} s, {took / torch:.0f} times import torch")
    print(f"largest memory of a process: {memory} MB")


if __name__ == "__main__":
    main()
