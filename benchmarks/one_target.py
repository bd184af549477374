"""How long does it take to judge one target, as a ratio to `import torch`?

    python -m benchmarks.one_target --rounds 5 --output docs/performance.md

Judges four targets: a right file, the textbook example, and the reference with its layers, without and with
its backward passes. Each runs in the profile `dev`, in one process, in turns with `import torch`. A ratio
divides the least processor time of all rounds; this time includes that of the target's process.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.shared import IMPORT_TORCH, JUDGE, parser, processor_seconds, table, write
from benchmarks.submissions import SOFTMAX, edited, write_submission
from reference.contract import BACKWARDS, LAYERS_BACKWARD

TARGETS: Mapping[str, str] = {
    "a right file": "2.3",
    "`examples/textbook.py`": "2.3",
    "the reference without backward passes": "5",
    "the reference": "10",
}
"""The targets, and the largest ratio that each should have."""


def main() -> None:
    """Measure, and write the table."""
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=5, help="how many (default: %(default)s)")
    options.add_argument("--output", type=Path, help="a page whose table to replace (default: print)")
    given = options.parse_args()
    judge = (*JUDGE, "--hypothesis-seed=1")
    with TemporaryDirectory() as folder:
        write_submission(
            Path(folder, "right.py"), edited([("softmax", "np.exp(z)", f"np.exp({SOFTMAX['right']})")])
        )
        no_backward = " and ".join(f"not {name}" for name in (*BACKWARDS, *LAYERS_BACKWARD))
        targets: Sequence[Sequence[str]] = [folder], ["examples/textbook.py"], ["-k", no_backward], []
        commands = [IMPORT_TORCH, *((*judge, *target) for target in targets)]
        times = [[processor_seconds(command) for command in commands] for _ in range(given.rounds)]
    unit, *least = (min(each) for each in zip(*times, strict=True))
    rows = [
        (name, f"{seconds / unit:.2f}", most)
        for (name, most), seconds in zip(TARGETS.items(), least, strict=True)
    ]
    measured = f"Rounds: {given.rounds}, in which `import torch` took {unit:.2f} s at least:\n\n"
    columns = ("target", "times `import torch`", "asked: at most")
    write({"written by benchmarks.one_target": measured + table(columns, rows)}, given.output)


if __name__ == "__main__":
    main()
