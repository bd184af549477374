"""How many rare mistakes do the profile dev, fuzzing, and a plain Hypothesis test find?

    python -m benchmarks.needles --fuzz-for 2m --output docs/fuzzing.md

The mistakes are the forty of `benchmarks.needle_targets`. Each is judged in the profile `dev`, and fuzzed
until the first law fails. A plain test draws problems until one differs from torch. Its sizes are those that
fuzzing usually draws. The times are processor times as multiples of that of `import torch`. They include the
start of the processes; those of `dev` and fuzzing also the shrinking, which the plain test leaves out.
"""

import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from benchmarks.needle_targets import CONDITIONS, write_target
from benchmarks.shared import IMPORT_TORCH, JUDGE, ROOT, argument_parser, table, write
from oracle.problems.problem import Problem
from oracle.witnesses import pytorch
from properties.reports.json_report import read_json

SIZES = st.integers(1, 66)


def main() -> None:
    """Look for each mistake in each way, and write the table; with `--plain`, run the plain test."""
    parser = argument_parser(__doc__)
    parser.add_argument("--fuzz-for", default="2m", help="the limit of fuzzing (default: %(default)s)")
    parser.add_argument("--examples", type=int, default=1000, help="of the plain test (default: %(default)s)")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=[*WAYS], help="(default: all)")
    parser.add_argument("--plain", type=Path, metavar="FILE", help="run only the plain test on this file")
    parser.add_argument("--output", type=Path, help="a page whose table to replace (default: print)")
    options = parser.parse_args()
    if options.plain:
        namespace: dict[str, Any] = {}
        exec(options.plain.read_text(encoding="utf-8"), namespace)
        plain_test(namespace["lstm_forward"], options.examples)
        return
    unit = min(processor_time(IMPORT_TORCH, ".")[0] for _ in range(3))
    ways = {way: look for way, look in WAYS.items() if way in options.ways}
    rows, missed = [], {way: list[str]() for way in ways}
    for kind, conditions in CONDITIONS.items():
        cells = [kind, str(len(conditions))]
        for way, look in ways.items():
            times = {}
            for words, condition in conditions.items():
                seconds, is_found = look(condition, options)
                if is_found:
                    times[words] = seconds / unit
                else:
                    missed[way].append(words)
            cells += [str(len(times)), f"{median(times.values()):.0f}"] if times else ["0", "—"]
        rows.append(cells)
    counts = [[int(row[column]) for row in rows] for column in (1, *range(2, 2 + 2 * len(ways), 2))]
    total, *found = [str(sum(each)) for each in counts]
    rows.append(["all", total, *(cell for count in found for cell in (count, "—"))])
    columns = ("kind", "mistakes", *(f"{way}: {cell}" for way in ways for cell in ("found", "time")))
    limits = {
        "dev": "",
        "fuzzing": f"Fuzzing takes at most {options.fuzz_for}. ",
        "plain test": f"The plain test draws at most {options.examples:,} problems. ",
    }
    remarks = [f"Missed by {way}: {'; '.join(words)}." for way, words in missed.items() if words]
    text = "".join(limits[way] for way in ways)
    text += "A time is the median over the mistakes that were found.\n\n"
    write(
        {"written by benchmarks.needles": text + table(columns, rows) + "\n\n" + "\n\n".join(remarks)},
        options.output,
    )


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


def look_by_plain_test(condition: str, options: Any) -> tuple[float, bool]:
    """Return the processor time of the plain test, and whether it found the mistake."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "needle.py")
        write_target(condition, file)
        command = (sys.executable, "-m", "benchmarks.needles", f"--examples={options.examples}", "--plain")
        return processor_time((*command, str(file)), str(ROOT))


def look_by_dev(condition: str, _: Any) -> tuple[float, bool]:
    """Return the processor time of a run in the profile `dev`, and whether a law failed."""
    return judge(condition, "--hypothesis-seed=1", "-x")


def look_by_fuzzing(condition: str, options: Any) -> tuple[float, bool]:
    """Return the processor time until a law fails, and whether one failed."""
    return judge(condition, "-x", f"--fuzz-for={options.fuzz_for}")


def judge(condition: str, *words: str) -> tuple[float, bool]:
    """Return the processor time of a run with these options, and whether a law failed."""
    with TemporaryDirectory() as folder:  # a folder of its own has no stored failures
        write_target(condition, Path(folder, "needle.py"))
        command = (*JUDGE, "needle.py", "-k", "lstm_forward", *words, "--report=report.json")
        seconds, _ = processor_time(command, folder)
        (judgement,) = read_json(Path(folder, "report.json")).judgements
        return seconds, judgement.laws_failed > 0


def processor_time(command: Sequence[str], folder: str) -> tuple[float, bool]:
    """Run a command in a folder, and return its processor time in seconds, and whether it failed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, run.returncode != 0


WAYS: dict[str, Callable[[str, Any], tuple[float, bool]]] = {
    "dev": look_by_dev,
    "fuzzing": look_by_fuzzing,
    "plain test": look_by_plain_test,
}

if __name__ == "__main__":
    main()
