"""The commands `rnn-crosscheck weights`, which shows a file, and `rnn-crosscheck convert`."""

import math
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Never

from oracle.checkpoints import Checkpoint, CheckpointError, RecurrentLayer, load
from oracle.checkpoints.contents import printable
from oracle.checkpoints.writing import WRITERS, convert
from oracle.conversion import CONVERTERS
from oracle.layout import LAYOUTS
from oracle.weight_copies import difference

COMMANDS = {
    "weights": "Show the recurrent layers in a file of trained weights.",
    "convert": "Write the recurrent layers of a file for another framework, every number unchanged.",
}
USAGE_ERROR = 4
"""The exit status of wrong usage, the same as pytest's."""
_NUMBERS = ("L", "D", "n_x", "n_a", "n_p", "max |W|")
_NAMED = 8
"""The largest number of wrong layers whose mistakes are named: each search takes seconds."""
_COLUMNS = ("prefix", "kind", "layout", *_NUMBERS[:5], "dtype", *_NUMBERS[5:], "digest")


class Parser(ArgumentParser):
    """A parser of the arguments of a command."""

    def error(self, message: str) -> Never:
        """Exit with one line, and the same status as pytest on wrong usage."""
        fail(f"{self.prog}: error: {message}")


def main(arguments: Sequence[str]) -> int:
    """Run one of the commands; `arguments` begins with its name."""
    given = _parser(arguments[0]).parse_args(arguments[1:])
    limit = None if given.size_limit is None else int(given.size_limit * 2**30)
    try:
        checkpoint = load(given.file, given.layout, limit=limit)
        if arguments[0] == "weights":
            show(checkpoint)
            if not given.against:
                return 0
            return against(checkpoint, load(given.against, given.layout, overrules=False, limit=limit))
        for each in convert(checkpoint, given.out, given.to, force=given.force):
            print(printable(f"{each} is the same bit for bit"))
    except CheckpointError as error:
        fail(f"rnn-crosscheck: error: {error}")
    except OSError as error:
        fail(f"rnn-crosscheck: error: {error.filename or given.file}: {error.strerror or error}")
    return 0


def show(checkpoint: Checkpoint) -> None:
    """Print a table of the layers, remarks, and the skipped data."""
    print_table(_COLUMNS, _NUMBERS, [_row(layer) for layer in checkpoint.layers])
    whose: dict[str, list[str]] = {}
    for layer in checkpoint.layers:
        told = [f"its activation is {layer.activation}"] if layer.activation else []
        for remark in (*layer.remarks, *told):
            whose.setdefault(remark, []).append(layer.prefix or checkpoint.path.name)
    for remark, prefixes in whose.items():
        print(printable(f"{prefixes[0] if len(prefixes) == 1 else f'of {len(prefixes)}'}: {remark}"))
    for each in checkpoint.skipped:
        print(printable(f"skipped: {each}"))


def _row(layer: RecurrentLayer) -> list[str]:
    sizes = (layer.layers, layer.directions, layer.n_x, layer.n_a, layer.n_p or "")
    known = (layer.prefix, layer.kind.upper(), layer.layout, *map(str, sizes), layer.dtype.name)
    return [*known, f"{layer.largest_weight:.3g}", layer.digest]


def print_table(columns: Sequence[str], numbers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print the rows below the heads of the columns, in full width."""
    every = [[printable(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(map(len, column)) for column in zip(*every, strict=True)]
    for row in every:
        cells = zip(columns, row, widths, strict=True)
        line = "  ".join(f"{cell:>{n}}" if head in numbers else f"{cell:<{n}}" for head, cell, n in cells)
        print(line.rstrip())


def against(copy: Checkpoint, original: Checkpoint) -> int:
    """Print how each layer of a copy differs from the original's; 1 if one does, else 0."""
    if len(copy.layers) != len(original.layers):
        raise CheckpointError(
            f"{copy.path} has {len(copy.layers)} layers and {original.path} {len(original.layers)}: "
            "name those that belong together, as FILE:PREFIX"
        )
    wrong = 0
    for ours, theirs in zip(copy.layers, original.layers, strict=True):
        how = difference(theirs, ours, named=wrong < _NAMED)
        print(printable(f"{ours.prefix or copy.path}: {how or 'the same numbers'}"))
        wrong += bool(how)
    return 1 if wrong else 0


def _parser(command: str) -> ArgumentParser:
    parser = Parser(prog=f"rnn-crosscheck {command}", description=COMMANDS[command], allow_abbrev=False)
    parser.add_argument(
        "file",
        metavar="FILE[:PREFIX]",
        help="a file, and a prefix of layer names; FILE:A+B is layer B above layer A",
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
    else:
        parser.add_argument("--against", metavar="FILE[:PREFIX]", help="compare FILE with this original")
    parser.add_argument(
        "--size-limit",
        metavar="GIB",
        type=_positive,
        help="limit for the tensors of a file in memory (default: 16 times its size, from 1/16 up to 4)",
    )
    parser.add_argument(
        "--layout",
        metavar="NAME",
        default="",
        choices=[*LAYOUTS],
        help=f"the layout, if the names do not tell it, or tell it wrongly: {', '.join(LAYOUTS)}",
    )
    return parser


def _positive(text: str) -> float:
    with suppress(ValueError):
        if 0 < (number := float(text)) < math.inf:
            return number
    raise ArgumentTypeError(f"{text}, expected a number above 0")


def fail(message: str) -> Never:
    """Exit with one line and the status of wrong usage."""
    print(printable(message), file=sys.stderr)
    sys.exit(USAGE_ERROR)
