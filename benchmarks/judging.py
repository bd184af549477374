"""How long does it take to judge many submissions, and how does the memory of the processes grow?

    python -m benchmarks.judging --count 300 --profile dev
    python -m benchmarks.judging --count 100 --only right

Writes a folder (`benchmarks.submissions`), judges it in two processes, and prints the time as a ratio to that
of `import torch` in the same session, since machines differ, and what each process grew by from the 50th
target on. It reads `/proc`, so it needs Linux.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.submissions import SHARES, submissions

ROOT = Path(__file__).parents[1]
SETTLED = 50
"""From this target on memory is held not to grow."""


def main() -> None:
    """Write, judge, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=300, help="how many (default: %(default)s)")
    parser.add_argument("--only", choices=[*SHARES], help="of one kind alone, rather than in their shares")
    parser.add_argument("--profile", default="dev", help="of Hypothesis (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of both (default: %(default)s)")
    options = parser.parse_args()
    shares = {options.only: 100} if options.only else SHARES
    with tempfile.TemporaryDirectory() as folder:
        for each in submissions(options.count, options.seed, shares):
            each.write(Path(folder))
        torch = min(_seconds([sys.executable, "-c", "import torch"]) for _ in range(3))
        start = time.perf_counter()
        memory = judge(folder, options.profile, options.seed)
        took = time.perf_counter() - start
    what = f"{options.count} targets, profile {options.profile}"
    print(f"{what}: {took:.0f} s, {took / torch:.0f} times import torch")
    print(f"MB of each process at {SETTLED} and at the end: {memory}")


def judge(folder: str, profile: str, seed: int) -> dict[str, list[int]]:
    """By process, the largest memory by the 50th target, and at all, in MB."""
    command = [sys.executable, "-m", "pytest", "properties", "-q", "-n", "2", "-p", "no:cacheprovider"]
    command += ["--implementation", folder, f"--hypothesis-profile={profile}", f"--hypothesis-seed={seed}"]
    memory: dict[str, list[int]] = {}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout
        done = 0
        for line in run.stdout:
            done += f" of {len([*Path(folder).iterdir()])}" in line  # what the progress says of each
            for process in (run.pid, *_workers(run.pid)):
                name = "controller" if process == run.pid else f"worker {process}"
                now = _resident(process)
                early, late = memory.get(name, [0, 0])
                memory[name] = [max(early, now) if done <= SETTLED else early, max(late, now)]
    return memory


def _workers(controller: int) -> Iterator[int]:
    """Those of pytest-xdist."""
    text = Path(f"/proc/{controller}/task/{controller}/children").read_text()
    yield from map(int, text.split())


def _resident(process: int) -> int:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:  # it has ended
        return 0
    return next((int(line.split()[1]) // 1024 for line in status.splitlines() if "VmRSS" in line), 0)


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
