"""How long does a cluster of Dask take to judge a folder of submissions?

    python -m benchmarks.cluster --count 100 --workers 1 2 4 --output docs/cluster.md

Judges the folder of `benchmarks.submissions` on one machine with `-n 2`, and then on clusters with these
numbers of workers, which are processes of this machine. Prints the time, the processor time of all processes
for each target, and whether the reports (JSON, CSV, HTML) are those of one machine to the byte, except for
times. The times of more workers than this machine has cores say what the distribution costs, and not what
other machines gain.
"""

import logging
import os
import re
import resource
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from distributed import LocalCluster

from benchmarks.shared import JUDGE, argument_parser, table, write
from benchmarks.submissions import submissions, write_submission

REPORTS = ("report.json", "report.csv", "report.html")


def main() -> None:
    """Write the submissions, judge them on each cluster, and write the table."""
    parser = argument_parser(__doc__)
    parser.add_argument("--count", type=int, default=100, help="how many (default: %(default)s)")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4], help="numbers of workers")
    parser.add_argument("--output", type=Path, help="a page whose table to replace (default: print)")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        Path(folder, "class").mkdir()
        for name, parts in submissions(options.count, seed=0):
            write_submission(Path(folder, "class", name), parts)
        command = [*JUDGE, "class", "-q", "--hypothesis-seed=0", "--hypothesis-profile=dev"]
        command += [f"--report={name}" for name in REPORTS]
        rows = [("one machine, `-n 2`", *_figures([*command, "-n", "2"], folder, options.count, workers=0))]
        reports = reports_in(Path(folder))
        equal = []
        for count in options.workers:
            name = f"{count} worker{'s' * (count > 1)}"
            rows.append((name, *_figures(command, folder, options.count, workers=count)))
            equal += [name] if reports_in(Path(folder)) == reports else []
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024  # which Linux counts in kB
    heading = f"{options.count} submissions in `dev`, on {os.cpu_count()} cores, where the "
    heading += f"largest process took {memory} MB:\n\n"
    columns = ("on", "time, s", "processor time of a target, s")
    said = "The reports of these runs were those of one machine to the byte, except for times: "
    remark = f"\n\n{said}{', '.join(equal) or 'none'}."
    write({"written by benchmarks.cluster": heading + table(columns, rows) + remark}, options.output)


def reports_in(folder: Path) -> dict[str, bytes]:
    """The reports of the last run in a folder, without times."""
    return {name: re.sub(rb'"seconds": [\d.e-]+', b"", (folder / name).read_bytes()) for name in REPORTS}


def _figures(command: Sequence[str], folder: str, count: int, *, workers: int) -> tuple[str, str]:
    """The seconds of a run, and the seconds of all processors for each of `count` targets."""
    shutil.rmtree(Path(folder, ".hypothesis"), ignore_errors=True)  # failures that the run before has stored
    before = _processor_time()
    if workers:
        quiet = {"dashboard_address": ":0", "silence_logs": logging.CRITICAL}
        with LocalCluster(n_workers=workers, threads_per_worker=1, **quiet) as cluster:
            seconds = _seconds([*command, f"--cluster={cluster.scheduler_address}"], folder)
    else:
        seconds = _seconds(command, folder)
    return f"{seconds:.0f}", f"{(_processor_time() - before) / count:.1f}"


def _seconds(command: Sequence[str], folder: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - start


def _processor_time() -> float:
    """The processor time of all processes that this one has waited for, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
