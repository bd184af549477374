"""Does fuzzing find faults that show in few problems only?

    python benchmarks/needles.py --times 5 --fuzz-for 2m --workers 2

Each needle is the reference with a fault in `lstm_forward` that shows under one condition. It is fuzzed
until the first law fails. The table shows after how many seconds the run was over, with its start and its
shrinking, and the smallest problem of the last time. The exit status is 1 if one was not found.
"""

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np

import reference
from reference.contract import Array

ROOT = Path(__file__).parents[1]

Spoil = Callable[[Array, Array, Array, Mapping[str, Array]], None]
"""Writes to the hidden states and the predictions `a`, `y`, given also `x` and the parameters."""


def needle(spoil: Spoil) -> SimpleNamespace:
    """The four functions of the reference, the answer of one of them spoilt."""

    def lstm_forward(x: Array, a0: Array, parameters: Mapping[str, Array]) -> Any:
        a, y, c, caches = reference.lstm_forward(x, a0, parameters)
        a, y = a.copy(), y.copy()
        spoil(a, y, x, parameters)
        return a, y, c, caches

    return SimpleNamespace(**{**vars(reference), "lstm_forward": lstm_forward})


@needle
def wide_37_and_long(a: Array, y: Array, x: Array, parameters: Mapping[str, Array]) -> None:
    """The last hidden state is off by a thousandth."""
    if len(a) == 37 and x.shape[2] > 100:
        a[:, :, -1] *= 1.001


@needle
def m_is_0(a: Array, y: Array, x: Array, parameters: Mapping[str, Array]) -> None:
    """The largest probability is asked for, of no samples."""
    if y.size == 0 and x.shape[2]:
        y.max()


@needle
def n_a_equals_m(a: Array, y: Array, x: Array, parameters: Mapping[str, Array]) -> None:
    """The first state is transposed."""
    if a.shape[0] == a.shape[1] and a.shape[2]:
        a[:, :, 0] = a[:, :, 0].T.copy()


@needle
def logit_over_800(a: Array, y: Array, x: Array, parameters: Mapping[str, Array]) -> None:
    """A softmax that overflows."""
    logits = np.einsum("ya,amt->ymt", parameters["Wy"], a) + parameters["by"][:, :, None]
    y[:, np.abs(logits).max(axis=0, initial=0) > 800] = np.nan


NEEDLES = ("wide_37_and_long", "m_is_0", "n_a_equals_m", "logit_over_800")


def main() -> int:
    """Look for each needle, and print how long that took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("needles", nargs="*", default=NEEDLES, help="which (default: all)")
    parser.add_argument("--times", type=int, default=1, help="how often each (default: %(default)s)")
    parser.add_argument("--fuzz-for", default="2m", help="how long at most (default: %(default)s)")
    parser.add_argument("--workers", default="2", help="of pytest-xdist (default: %(default)s)")
    options = parser.parse_args()
    found_all = True
    for name in options.needles:
        seconds, problem = zip(*(look_for(name, options) for _ in range(options.times)), strict=True)
        found_all &= None not in seconds
        shown = ", ".join("not found" if each is None else f"{each:.0f} s" for each in seconds)
        print(f"{name:28}{shown:40}{problem[-1]}", flush=True)
    return 0 if found_all else 1


def look_for(name: str, options: argparse.Namespace) -> tuple[float | None, str]:
    """The seconds until a law failed, and the counterexample; nothing is known of earlier runs."""
    with TemporaryDirectory() as elsewhere:
        command = f"{sys.executable} -m pytest {ROOT}/properties -x -q -n {options.workers}"
        target = f"--implementation benchmarks.needles:{name} --fuzz-for {options.fuzz_for}"
        start = time.monotonic()
        run = subprocess.run(
            [*command.split(), *target.split()], cwd=elsewhere, capture_output=True, text=True, check=False
        )
        seconds = time.monotonic() - start
    problem = re.search(r"^failed: .*(Problem\..*\))$", run.stdout, re.MULTILINE)
    return (seconds, problem[1]) if problem else (None, run.stdout[-500:])


if __name__ == "__main__":
    sys.exit(main())
