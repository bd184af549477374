"""How long does it take to judge one target, as a ratio to `import torch`?

    python -m benchmarks.one_target --rounds 5 --output docs/performance.md

Judges four targets: a right file, the textbook example, and the reference without and with its backward
passes. Each target runs in the profile `dev`, in one process: first with an empty directory of caches, then
once more. In each round, `import torch` and these eight runs come one after the other. A ratio compares the
least processor times of all rounds. These include the time of the target's process.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.shared import IMPORT_TORCH, JUDGE, argument_parser, measure, table, write
from benchmarks.submissions import SOFTMAX, edited, write_submission
from reference.contract import BACKWARDS, LAYERS_BACKWARD

TARGETS: Mapping[str, str] = {
    "a right file": "2.3",
    "`examples/textbook.py`": "2.3",
    "the reference without backward passes": "5",
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
        no_backward = " and ".join(f"not {name}" for name in (*BACKWARDS, *LAYERS_BACKWARD))
        targets: Sequence[Sequence[str]] = [folder], ["examples/textbook.py"], ["-k", no_backward], []
        rounds = [[*_usages(judge, targets)] for _ in range(options.rounds)]
    unit, *least = (min(each.ru_utime + each.ru_stime for each in own) for own in zip(*rounds, strict=True))
    ratios = [f"{seconds / unit:.2f}" for seconds in least]
    rows = [*zip(TARGETS, ratios[::2], ratios[1::2], TARGETS.values(), strict=True)]
    heading = f"Rounds: {options.rounds}, in which `import torch` took {unit:.2f} s at least:\n\n"
    columns = ("target", "first run", "later runs", "asked: at most")
    write({"written by benchmarks.one_target": heading + table(columns, rows)}, options.output)


def _usages(judge: Sequence[str], targets: Sequence[Sequence[str]]) -> Iterator[Any]:
    """Yield the resource usage of the import of torch, and of the first and the second run on each target."""
    yield measure(IMPORT_TORCH)[1]
    for target in targets:
        with TemporaryDirectory() as caches:
            for _ in ("first", "later"):
                yield measure((*judge, *target), caches)[1]


if __name__ == "__main__":
    main()
