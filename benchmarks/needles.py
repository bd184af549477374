"""How fast do fuzzing and a plain Hypothesis test find mistakes that show only under one condition?

    python -m benchmarks.needles --rounds 5 --output docs/fuzzing.md

The mistakes are those of `benchmarks.needle_targets`. In each round, the laws are fuzzed until the first law
fails, and a plain test draws problems until one differs from torch. Its sizes are those that fuzzing usually
draws. The figures are processor times as multiples of that of `import torch`. They include the start of the
processes; those of fuzzing also the shrinking, which the plain test leaves out.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from benchmarks import needle_targets
from benchmarks.shared import IMPORT_TORCH, JUDGE, ROOT, argument_parser, table, write
from oracle.problems.problem import Problem
from oracle.witnesses import pytorch

MISTAKES = ("no_samples", "square", "large_logits", "wide_and_long")
SIZES = st.integers(1, 66)
Sizes = Mapping[str, int]


def main() -> None:
    """Look for each mistake in each round, and write the table; with `--plain`, run the plain test."""
    parser = argument_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how many (default: %(default)s)")
    parser.add_argument("--fuzz-for", default="1m", help="the limit of fuzzing (default: %(default)s)")
    parser.add_argument("--examples", type=int, default=500, help="of the plain test (default: %(default)s)")
    parser.add_argument("--plain", choices=MISTAKES, help="run only the plain test on this mistake")
    parser.add_argument("--output", type=Path, help="a page whose table to replace (default: print)")
    options = parser.parse_args()
    if options.plain:
        plain_test(getattr(needle_targets, options.plain).lstm_forward, options.examples)
        return
    torch = min(processor_time(IMPORT_TORCH)[0] for _ in range(3))
    rows = [row(name, options, torch) for name in MISTAKES]
    limits = f"fuzzing takes at most {options.fuzz_for}, and the plain test draws at most {options.examples}"
    heading = (
        f"Rounds: {options.rounds}; {limits}\nproblems. "
        "A time is the median over the rounds that found the mistake.\n\n"
    )
    columns = (
        "wrong only if",
        "fuzzing: found",
        "time",
        "plain test: found",
        "time",
        "smallest problem by fuzzing",
    )
    write({"written by benchmarks.needles": heading + table(columns, rows)}, options.output)


def row(name: str, options: Any, unit: float) -> list[str]:
    """Return the cells of a mistake: how often and when each way finds it, and the smallest problem."""
    plain = [sys.executable, "-m", "benchmarks.needles", f"--examples={options.examples}", f"--plain={name}"]
    tests = [processor_time(plain) for _ in range(options.rounds)]
    runs = [fuzz(name, options.fuzz_for) for _ in range(options.rounds)]
    problems = [problem for _, problem in runs if problem]
    found = [
        [seconds for seconds, problem in runs if problem],
        [seconds for seconds, has_failed in tests if has_failed],
    ]
    cells = [[str(len(each)), f"{median(each) / unit:.0f}" if each else "—"] for each in found]
    smallest = min(problems, key=lambda sizes: sum(sizes.values()), default={})
    text = ", ".join(f"{symbol}={size}" for symbol, size in smallest.items())
    return [getattr(needle_targets, name).condition, *cells[0], *cells[1], f"`{text}`" if text else "—"]


def plain_test(lstm_forward: Callable[..., Any], examples: int) -> None:
    """Compare `lstm_forward` with torch as a test without this project would."""

    @settings(max_examples=examples, deadline=None, database=None, phases=[Phase.generate])
    @given(SIZES, SIZES, SIZES, st.integers(0, 66), st.integers(1, 160), st.integers(0, 2**32 - 1))
    def test(n_x: int, n_a: int, n_y: int, m: int, T_x: int, seed: int) -> None:
        inputs = Problem.lstm(n_x=n_x, n_a=n_a, n_y=n_y, m=m, T_x=T_x, seed=seed).inputs("lstm_forward")
        a, y, *_ = lstm_forward(*inputs.arguments("lstm_forward"))
        expected = pytorch.run(inputs)
        np.testing.assert_allclose(a, expected["a"], rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(y, expected["y"], rtol=1e-6, atol=1e-6)

    test()


def fuzz(name: str, limit: str) -> tuple[float, Sizes]:
    """Return the processor time until a law fails, and the sizes of its problem; empty if no law fails."""
    with TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        target = f"{ROOT}/benchmarks/needle_targets.py:{name}"
        options = ("-k", "lstm_forward", "-x", f"--fuzz-for={limit}")
        # A folder of its own has no stored failures.
        seconds, _ = processor_time((*JUDGE, target, *options, f"--report={report}"), folder)
        (implementation,) = json.loads(report.read_text())["implementations"]
    failed = [law for law in implementation["laws"] if law["status"] == "failed"]
    return seconds, Problem.parse(failed[0]["counterexample"]).sizes if failed else {}


def processor_time(command: Sequence[str], folder: str = ".") -> tuple[float, bool]:
    """Run a command in a folder, and return its processor time in seconds, and whether it failed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, run.returncode != 0


if __name__ == "__main__":
    main()
