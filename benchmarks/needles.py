"""Does fuzzing find mistakes that show in few problems only?

    python -m benchmarks.needles --times 5 --fuzz-for 2m --workers 2

Each needle is the reference with a mistake in `lstm_forward` that shows under one condition. It is fuzzed
until the first law fails. Prints after how many seconds each run ended, with its start and its shrinking, and
the smallest problem of the last run. The exit status is 1 if a needle was not found.
"""

import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.shared import ROOT, parser

TARGET = """\
import numpy as np
from reference import lstm_cell_forward, rnn_cell_forward, rnn_forward, lstm_forward as right

def lstm_forward(x, a0, parameters):
    (n_x, m, T_x), n_a = x.shape, len(a0)
    a, y, c, caches = right(x, a0, parameters)
    a, y = a.copy(), y.copy()
{needle}
    return a, y, c, caches
"""

NEEDLES: Mapping[str, str] = {
    "wide_37_and_long": """\
    if n_a == 37 and T_x > 100:
        a[:, :, -1] *= 1.001
""",
    "m_is_0": """\
    if m == 0 and T_x:
        y.max()
""",
    "n_a_equals_m": """\
    if n_a == m and T_x:
        a[:, :, 0] = a[:, :, 0].T.copy()
""",
    "logit_over_800": """\
    logits = np.einsum("ya,amt->ymt", parameters["Wy"], a) + parameters["by"][:, :, None]
    y[:, np.abs(logits).max(axis=0, initial=0) > 800] = np.nan
""",
}
"""By the condition: the code of the mistake."""


def main() -> int:
    """Look for each needle, and print how long that took."""
    options = parser(__doc__)
    options.add_argument("--times", type=int, default=1, help="runs for each needle (default: %(default)s)")
    options.add_argument("--fuzz-for", default="2m", help="time limit of a run (default: %(default)s)")
    options.add_argument("--workers", default="2", help="of pytest-xdist (default: %(default)s)")
    given, status = options.parse_args(), 0
    for name, code in NEEDLES.items():
        runs = [look_for(code, given.fuzz_for, given.workers) for _ in range(given.times)]
        shown = ", ".join(f"{seconds:.0f} s" if problem else "not found" for seconds, problem in runs)
        print(f"{name:28}{shown:40}{runs[-1][1]}", flush=True)
        status |= not all(problem for _, problem in runs)
    return status


def look_for(code: str, limit: str, workers: str) -> tuple[float, str]:
    """The seconds of a run in a new directory, and its counterexample; empty if there is none."""
    command = [sys.executable, "-m", "pytest", f"{ROOT}/properties", "-x", "-q", "-n", workers]
    command += ["--implementation", "needle.py", "--fuzz-for", limit]
    with TemporaryDirectory() as directory:
        Path(directory, "needle.py").write_text(TARGET.format(needle=code))
        start = time.monotonic()
        run = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - start
    problem = re.search(r"^failed: .*(Problem\..*\))$", run.stdout, re.MULTILINE)
    return seconds, problem[1] if problem else ""


if __name__ == "__main__":
    sys.exit(main())
