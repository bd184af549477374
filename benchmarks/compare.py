"""Is a commit slower than another?

    python -m benchmarks.compare main          # the working tree against main
    python -m benchmarks.compare v0.1.0 HEAD

Checks the commits out beside this clone, and runs the same workloads with both in turns: in each round a new
process for either, on one thread, which takes the least time of the processor in many calls. The table shows
new over old: the median of the rounds, the least and the most. The exit status is 1 if a median exceeds
`--factor`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
WORKLOADS = ROOT / "benchmarks" / "workloads.py"
Times = Mapping[str, float]


def main() -> int:
    """Compare, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("old", nargs="?", default="HEAD", help="a commit (default: %(default)s)")
    parser.add_argument("new", nargs="?", help="another (default: the working tree)")
    parser.add_argument("--rounds", type=int, default=7, help="how many (default: %(default)s)")
    parser.add_argument(
        "--factor", type=float, default=1.15, help="how much slower is too much (default: %(default)s)"
    )
    options = parser.parse_args()
    with tree(options.old) as old, tree(options.new) as new:
        found = ratios([(measure_in(old), measure_in(new)) for _ in range(options.rounds)])
    print(f"{options.new or 'the working tree'} over {options.old}, {options.rounds} rounds")
    for name, (middle, least, most) in found.items():
        mark = f"  more than {options.factor}" * (middle > options.factor)
        print(f"{name:28} {middle:5.2f}   {least:.2f} to {most:.2f}{mark}")
    return 1 if any(middle > options.factor for middle, _, _ in found.values()) else 0


@contextmanager
def tree(commit: str | None) -> Iterator[Path]:
    """Where the files of a commit are, or those of the working tree."""
    if commit is None:
        yield ROOT
        return
    with tempfile.TemporaryDirectory() as directory:
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", directory, commit], check=True)
        try:
            yield Path(directory)
        finally:
            subprocess.run([*git, "remove", "--force", directory], check=True)


def measure_in(directory: Path) -> Times:
    """The time of each workload, in a process that imports from this directory."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, "-P", str(WORKLOADS)],
        env={**os.environ, **one_thread, "PYTHONPATH": str(directory)},
        check=True,
        stdout=subprocess.PIPE,
    )
    times: dict[str, float] = json.loads(done.stdout)
    return times


def ratios(rounds: Sequence[tuple[Times, Times]]) -> dict[str, tuple[float, float, float]]:
    """New over old by workload, from the rounds' pairs of old and new: the median, the least and the most."""
    found = {name: sorted(new[name] / old[name] for old, new in rounds) for name in rounds[0][0]}
    return {name: (median(each), each[0], each[-1]) for name, each in found.items()}


if __name__ == "__main__":
    sys.exit(main())
