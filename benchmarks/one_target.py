"""How long does it take to judge one target, as a ratio to `import torch`?

    python -m benchmarks.one_target --rounds 5 --output docs/performance.md

Judges three targets: a right file, the textbook example, and the reference. Each target runs in the profile
`dev`, in one process. In each round, `import torch` and these three runs come one after the other. A ratio
compares the least processor times of all rounds. These include the time of the target's process.
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.shared import IMPORT_TORCH, JUDGE, argument_parser, measure, table, write
from benchmarks.submissions import SOFTMAX, edited, write_submission

TARGETS: Mapping[str, str] = {
    "a right file": "2.4",
    "`examples/textbook.py`": "3.0",
    "the reference": "10",
}
"""The targets, and the ratio that each should not exceed."""


def main() -> None:
    """Measure the times, and write the table."""
    parser = argument_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how many (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="a page whose table to replace (default: print)")
    options = parser.parse_args()
    judge = (*JUDGE, "--hypothesis-seed=1")
    with TemporaryDirectory() as folder:
        write_submission(
            Path(folder, "right.py"), edited([("softmax", "np.exp(z)", f"np.exp({SOFTMAX['right']})")])
        )
        runs = [(*judge, *target) for target in ([folder], ["examples/textbook.py"], [])]
        rounds = [[measure(run)[1] for run in (IMPORT_TORCH, *runs)] for _ in range(options.rounds)]
    unit, *least = (min(each.ru_utime + each.ru_stime for each in own) for own in zip(*rounds, strict=True))
    ratios = [f"{seconds / unit:.2f}" for seconds in least]
    rows = [*zip(TARGETS, ratios, TARGETS.values(), strict=True)]
    heading = f"Rounds: {options.rounds}, in which `import torch` took {unit:.2f} s at least:\n\n"
    columns = ("target", "measured", "goal: at most")
    write({"written by benchmarks.one_target": heading + table(columns, rows)}, options.output)


if __name__ == "__main__":
    main()
