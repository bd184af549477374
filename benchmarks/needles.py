"""How many rare mistakes do the profile dev, fuzzing, a plain Hypothesis test, and HypoFuzz find?

    python -m benchmarks.needles --output docs/fuzzing.md

The mistakes are the forty of `benchmarks.needle_targets`. Each is judged in the profile `dev`, and fuzzed
until the first law fails. A plain test draws problems until one differs from torch. Its sizes are those that
fuzzing usually draws. HypoFuzz, which `pip install hypofuzz` installs, runs the plain test in one process.
The times are processor times as multiples of that of `import torch`. They include the start of the
processes; those of `dev` and fuzzing also the shrinking.
"""

import os
import resource
import signal
import subprocess
import sys
import time
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

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
SIZES = st.integers(1, 66)
FUZZED = """
import time
from pathlib import Path

from benchmarks.needles import plain_test
from needle import lstm_forward


def found():
    Path("part").write_text(str(time.process_time()))
    Path("part").rename("found")


test_needle = plain_test(lstm_forward, 1000, found)
"""
"""The test for HypoFuzz, which ends only if it is stopped: a failing test writes its processor time."""


def main() -> None:
    """Look for each mistake in each way, and write the table; with `--plain`, run the plain test."""
    parser = argument_parser(__doc__)
    parser.add_argument("--minutes", type=int, default=2, help="of fuzzing, at most (default: %(default)s)")
    parser.add_argument("--examples", type=int, default=1000, help="of the plain test (default: %(default)s)")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=[*WAYS], help="(default: all)")
    parser.add_argument("--plain", type=Path, metavar="FILE", help="run only the plain test on this file")
    parser.add_argument("--output", type=Path, help="a page whose table to replace (default: print)")
    options = parser.parse_args()
    if options.plain:
        namespace: dict[str, Any] = {}
        exec(options.plain.read_text(encoding="utf-8"), namespace)
        plain_test(namespace["lstm_forward"], options.examples)()
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
        "fuzzing": f"Fuzzing takes at most {options.minutes} minutes. ",
        "plain test": f"The plain test draws at most {options.examples:,} problems. ",
        "HypoFuzz": f"HypoFuzz runs for at most {options.minutes} minutes. ",
    }
    remarks = [f"Missed by {way}: {'; '.join(words)}." for way, words in missed.items() if words]
    text = "".join(limits[way] for way in ways)
    text += "A time is the median over the mistakes that were found.\n\n"
    write(
        {"written by benchmarks.needles": text + table(columns, rows) + "\n\n" + "\n\n".join(remarks)},
        options.output,
    )


def plain_test(
    lstm_forward: Callable[..., Any], examples: int, failed: Callable[[], object] = lambda: None
) -> Callable[[], None]:
    """A test that compares `lstm_forward` with torch, as one would without this project.

    It calls `failed` before it raises `AssertionError`.
    """

    @settings(max_examples=examples, deadline=None, phases=[Phase.generate])
    @given(SIZES, SIZES, SIZES, st.integers(0, 66), st.integers(1, 160), st.integers(0, 2**32 - 1))
    def test(n_x: int, n_a: int, n_y: int, m: int, T_x: int, seed: int) -> None:
        inputs = Problem.lstm(n_x=n_x, n_a=n_a, n_y=n_y, m=m, T_x=T_x, seed=seed).inputs("lstm_forward")
        a, y, *_ = lstm_forward(*inputs.arguments("lstm_forward"))
        expected = pytorch.run(inputs)
        try:
            np.testing.assert_allclose(a, expected["a"], rtol=1e-6, atol=1e-6)
            np.testing.assert_allclose(y, expected["y"], rtol=1e-6, atol=1e-6)
        except AssertionError:
            failed()
            raise

    return test


def look_by_plain_test(condition: str, options: Any) -> tuple[float, bool]:
    """Return the processor time of the plain test, and whether it found the mistake."""
    command = (sys.executable, "-m", "benchmarks.needles", f"--examples={options.examples}")
    with TemporaryDirectory() as folder:
        write_target(condition, Path(folder, "needle.py"))
        return processor_time((*command, "--plain=needle.py"), folder)


def look_by_dev(condition: str, _: Any) -> tuple[float, bool]:
    """Return the processor time of a run in the profile `dev`, and whether a law failed."""
    return judge(condition, "--hypothesis-seed=1", "-x")


def look_by_fuzzing(condition: str, options: Any) -> tuple[float, bool]:
    """Return the processor time until a law fails, and whether one failed."""
    return judge(condition, "-x", f"--fuzz-for={options.minutes}m")


def look_by_hypofuzz(condition: str, options: Any) -> tuple[float, bool]:
    """Return the processor time until HypoFuzz has found the mistake, and whether it has."""
    command = (str(Path(sys.executable).with_name("hypothesis")), "fuzz", "--no-dashboard", "-n", "1")
    with TemporaryDirectory() as folder:
        write_target(condition, Path(folder, "needle.py"))
        Path(folder, "test_needle.py").write_text(FUZZED, encoding="utf-8")
        Path(folder, "pytest.ini").write_text("[pytest]\npythonpath = .\n", encoding="utf-8")
        found = Path(folder, "found")
        process = subprocess.Popen(
            (*command, "--", "test_needle.py"),
            cwd=folder,
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        end = time.monotonic() + 60 * options.minutes
        while time.monotonic() < end and not found.exists():
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return (float(found.read_text() or 0), True) if found.exists() else (0.0, False)


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
    run = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, run.returncode != 0


WAYS: dict[str, Callable[[str, Any], tuple[float, bool]]] = {
    "dev": look_by_dev,
    "fuzzing": look_by_fuzzing,
    "plain test": look_by_plain_test,
    "HypoFuzz": look_by_hypofuzz,
}

if __name__ == "__main__":
    main()
