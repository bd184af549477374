"""How long does it take to judge one target, as a ratio to `import torch`?

    python -m benchmarks.one_target --rounds 5

Judges a right file, the textbook example, and the reference with its layers and backward passes, each in the
profile `dev` and in one process, in turns with `import torch`. Prints the least processor time of each, which
includes that of the target's process, and its ratio to that of `import torch`.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.shared import IMPORT_TORCH, JUDGE, parser, processor_seconds
from benchmarks.submissions import submissions


def main() -> None:
    """Measure, and print the ratios."""
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=5, help="how many (default: %(default)s)")
    rounds = options.parse_args().rounds
    judge = (*JUDGE, "--hypothesis-seed=1")
    with TemporaryDirectory() as folder:
        for right in submissions(1, 0, {"right": 100}):
            right.write(Path(folder))
        commands = {
            "import torch": IMPORT_TORCH,
            "a right file": (*judge, folder),
            "examples/textbook.py": (*judge, "examples/textbook.py"),
            "the reference": judge,
        }
        times = [[processor_seconds(command) for command in commands.values()] for _ in range(rounds)]
    least = [min(each) for each in zip(*times, strict=True)]
    for name, seconds in zip(commands, least, strict=True):
        print(f"{name:22} {seconds:5.2f} s  {seconds / least[0]:5.2f} times import torch")


if __name__ == "__main__":
    main()
