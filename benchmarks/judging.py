"""How long does it take to judge many submissions, and how does the memory of the processes grow?

    python -m benchmarks.judging --count 300 --profile dev
    python -m benchmarks.judging --count 100 --only right --report right.json

Writes a folder of submissions (`benchmarks.submissions`) and judges it in two processes. Prints the time as a
ratio to that of `import torch` in the same session, and the memory of each process up to the 50th target and
up to the end. It reads `/proc`, so it needs Linux. `--report` keeps the report, for `benchmarks.lost`.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.shared import IMPORT_TORCH, ROOT, parser
from benchmarks.submissions import SHARES, submissions

EARLY = 50
"""From this target on, memory should not grow."""


def main() -> None:
    """Write, judge, and print."""
    options = parser(__doc__)
    options.add_argument("--count", type=int, default=300, help="how many (default: %(default)s)")
    options.add_argument(
        "--only", choices=[*SHARES], help="submissions of one kind (default: all, in shares)"
    )
    options.add_argument("--profile", default="dev", help="Hypothesis' profile (default: %(default)s)")
    options.add_argument("--seed", type=int, default=0, help="of submissions and laws (default: %(default)s)")
    options.add_argument("--report", type=Path, help="where to keep the report in JSON (default: nowhere)")
    given = options.parse_args()
    with TemporaryDirectory() as folder:
        for each in submissions(given.count, given.seed, {given.only: 100} if given.only else SHARES):
            each.write(Path(folder))
        torch = min(_seconds(IMPORT_TORCH) for _ in range(3))
        laws = [f"--hypothesis-profile={given.profile}", f"--hypothesis-seed={given.seed}"]
        report = [f"--report={given.report.resolve()}"] if given.report else []
        start = time.perf_counter()
        memory = judge(folder, given.count, *laws, *report)
        took = time.perf_counter() - start
    print(
        f"{given.count} targets, profile {given.profile}: {took:.0f} s, {took / torch:.0f} times import torch"
    )
    print(f"MB of each process at {EARLY} and at the end: {memory}")


def judge(folder: str, count: int, *options: str) -> dict[str, list[int]]:
    """The largest memory of each process in MB: up to the target `EARLY`, and up to the end."""
    command = [sys.executable, "-m", "pytest", "properties", "-q", "-n", "2", "-p", "no:cacheprovider"]
    memory: dict[str, list[int]] = {}
    with subprocess.Popen(
        [*command, "--implementation", folder, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout
        done = 0
        for line in run.stdout:
            done += f" of {count}" in line  # the progress has a line for each target
            for name, process in (("controller", run.pid), *_workers(run.pid)):
                now = _resident(process)
                early, late = memory.get(name, [0, 0])
                memory[name] = [max(early, now) if done <= EARLY else early, max(late, now)]
    return memory


def _workers(controller: int) -> Iterator[tuple[str, int]]:
    """The processes of pytest-xdist."""
    for child in Path(f"/proc/{controller}/task/{controller}/children").read_text().split():
        yield f"worker {child}", int(child)


def _resident(process: int) -> int:
    """The memory of a process in MB; 0 if the process has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in status.splitlines() if "VmRSS" in line), 0)


def _seconds(command: tuple[str, ...]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
