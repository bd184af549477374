"""The commands `rnn-crosscheck weights` and `convert`, which show and convert files of trained weights."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Never

from oracle.checkpoints import Checkpoint, CheckpointError, RecurrentLayer, load
from oracle.checkpoints.reading import MEMORY_LIMIT, printable
from oracle.checkpoints.writing import WRITERS, convert
from oracle.weights.conversion import CONVERTERS
from oracle.weights.layout import LAYOUTS

COMMANDS = {
    "weights": "Show the recurrent layers in a file of trained weights.",
    "convert": "Write the recurrent layers of a file in the layout of a framework, with the same numbers.",
}
USAGE_ERROR = 4
"""The exit status of wrong usage, the same as pytest's."""

_NUMBERS = ("L", "D", "n_x", "n_a", "n_p", "max |W|")
_COLUMNS = ("prefix", "kind", "layout", *_NUMBERS[:5], "dtype", *_NUMBERS[5:], "digest")


class Parser(ArgumentParser):
    """Parses the arguments of a command. If they are wrong, the message has one line."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(prog, description=description, allow_abbrev=False)

    def add_memory_limit(self) -> None:
        """Add the option of commands that read a file of weights."""
        self.add_argument(
            "--memory-limit",
            metavar="GIB",
            type=_bytes,
            default=MEMORY_LIMIT,
            help=f"the memory that it may take to read a file (default: {MEMORY_LIMIT >> 30})",
        )

    def error(self, message: str) -> Never:
        """Exit with the message in one line."""
        fail(f"{self.prog}: error: {message}")


def main(arguments: Sequence[str]) -> int:
    """Run the command that the first argument names. Returns the exit status."""
    options = _parser(arguments[0]).parse_args(arguments[1:])
    try:
        checkpoint = load(options.file, options.layout, memory_limit=options.memory_limit)
        if arguments[0] == "weights":
            show_layers(checkpoint)
            return 0
        for each in convert(checkpoint, options.out, options.to, force=options.force):
            print(printable(f"{each} has the same numbers, bit for bit"))
        if checkpoint.skipped:
            print(printable(f"skipped: {'; '.join(checkpoint.skipped)}"))
    except CheckpointError as error:
        fail(f"rnn-crosscheck: error: {error}")
    except OSError as error:
        fail(f"rnn-crosscheck: error: {error.filename or options.file}: {error.strerror or error}")
    return 0


def show_layers(checkpoint: Checkpoint) -> None:
    """Print a table of the layers, the remarks on layers, and what was skipped."""
    table = [[printable(cell, 200) for cell in row] for row in (_COLUMNS, *map(_row, checkpoint.layers))]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = zip(_COLUMNS, row, widths, strict=True)
        line = "  ".join(f"{cell:>{n}}" if head in _NUMBERS else f"{cell:<{n}}" for head, cell, n in cells)
        print(line.rstrip())
    prefixes_by_remark: defaultdict[str, list[str]] = defaultdict(list)
    for layer in checkpoint.layers:
        activation = [f"its activation is {layer.activation}"] if layer.activation else []
        for remark in (*layer.remarks, *activation):
            prefixes_by_remark[remark].append(layer.prefix or checkpoint.path.name)
    for remark, prefixes in prefixes_by_remark.items():
        print(printable(f"{prefixes[0] if len(prefixes) == 1 else f'{len(prefixes)} layers'}: {remark}"))
    for each in checkpoint.skipped:
        print(printable(f"skipped: {each}"))


def _row(layer: RecurrentLayer) -> list[str]:
    sizes = (layer.layers, layer.directions, layer.n_x, layer.n_a, layer.n_p or "")
    known = (layer.prefix, layer.kind.upper(), layer.layout, *map(str, sizes), layer.dtype.name)
    return [*known, f"{layer.largest_weight:.3g}", layer.digest]


def _parser(command: str) -> ArgumentParser:
    parser = Parser(f"rnn-crosscheck {command}", COMMANDS[command])
    parser.add_memory_limit()
    parser.add_argument(
        "file",
        metavar="FILE[:PREFIX]",
        help="a file, and the prefix of the names of a layer; FILE:A+B stacks layer B on layer A",
    )
    if command == "convert":
        parser.add_argument("out", metavar="OUT", type=Path, help=f"the file to write: {', '.join(WRITERS)}")
        parser.add_argument(
            "--to",
            metavar="NAME",
            choices=[*CONVERTERS],
            default="torch",
            help=f"{', '.join(CONVERTERS)} (default: torch)",
        )
        parser.add_argument("--force", action="store_true", help="overwrite OUT")
    parser.add_argument(
        "--layout",
        metavar="NAME",
        default="",
        choices=[*LAYOUTS],
        help=f"the layout, if the names of the weights do not tell it, or are wrong: {', '.join(LAYOUTS)}",
    )
    return parser


def _bytes(gibibytes: str) -> int:
    with suppress(ValueError):
        if 0 < (number := float(gibibytes)) < 2**30:
            return int(number * 2**30)
    raise ArgumentTypeError(f"{gibibytes}, expected a number above 0 and below 2**30")


def fail(message: str) -> Never:
    """Print one line to standard error, and exit with the status of wrong usage."""
    print(printable(message), file=sys.stderr)
    sys.exit(USAGE_ERROR)
