"""How long does it take to judge a folder of submissions, and how much memory does a process need?

    python -m benchmarks.judging --count 300 --profile dev

Writes a folder of submissions (`benchmarks.submissions`) and judges it in two processes. Prints the time as a
ratio to that of `import torch`, and the largest memory of a process. To see how the memory grows with the
number of targets, run it with several counts.
"""

import resource
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.shared import IMPORT_TORCH, JUDGE, ROOT, parser
from benchmarks.submissions import submissions


def main() -> None:
    """Write the folder, judge it, and print the figures."""
    options = parser(__doc__)
    options.add_argument("--count", type=int, default=300, help="how many (default: %(default)s)")
    options.add_argument("--profile", default="dev", help="Hypothesis' profile (default: %(default)s)")
    options.add_argument("--seed", type=int, default=0, help="of submissions and laws (default: %(default)s)")
    given = options.parse_args()
    with TemporaryDirectory() as folder:
        for each in submissions(given.count, given.seed):
            each.write(Path(folder))
        torch = min(seconds(IMPORT_TORCH) for _ in range(3))
        laws = (f"--hypothesis-profile={given.profile}", f"--hypothesis-seed={given.seed}")
        took = seconds((*JUDGE, folder, "-q", "-n", "2", *laws))
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024  # which Linux counts in kB
    ratio = f"{took:.0f} s, {took / torch:.0f} times import torch"
    print(f"{given.count} targets, profile {given.profile}: {ratio}")
    print(f"largest memory of a process: {memory} MB")


def seconds(command: Sequence[str]) -> float:
    """The time of a command that runs in the clone; its exit status and output are ignored."""
    start = time.perf_counter()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
