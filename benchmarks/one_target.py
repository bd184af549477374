"""How long does it take to judge one target, beside `import torch`?

    python -m benchmarks.one_target --rounds 5

Judges a right file, the textbook example, and the reference with its layers, each in the profile `dev` and
in one process, in turns with `import torch`. Prints the least processor time of each (user and system, the
processes of targets included) and its ratio to that of `import torch`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.submissions import submissions

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Measure, and print the ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often (default: %(default)s)")
    options = parser.parse_args()
    judge = [sys.executable, "-m", "rnn_crosscheck", "--hypothesis-seed=1"]
    with tempfile.TemporaryDirectory() as folder:
        for right in submissions(1, 0, {"right": 100}):
            right.write(Path(folder))
        commands = {
            "import torch": [sys.executable, "-c", "import torch"],
            "a right file": [*judge, folder],
            "examples/textbook.py": [*judge, "examples/textbook.py"],
            "the reference and its layers": judge,
        }
        rounds = [
            {name: processor_seconds(command) for name, command in commands.items()}
            for _ in range(options.rounds)
        ]
    least = {name: min(each[name] for each in rounds) for name in commands}
    for name, seconds in least.items():
        print(f"{name:30} {seconds:5.2f} s  {seconds / least['import torch']:5.2f} times import torch")


def processor_seconds(command: list[str]) -> float:
    """What a command takes of the processor, and the processes that it has waited for."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, used = os.wait4(process.pid, 0)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
