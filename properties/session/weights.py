"""The commands `rnn-crosscheck weights` and `rnn-crosscheck convert`: what is in a file, and a copy of it."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Never

from rich.console import Console
from rich.table import Table

from oracle.checkpoints import Checkpoint, CheckpointError, RecurrentLayer, load
from oracle.checkpoints.writing import WRITERS, convert
from oracle.conversion import TO
from oracle.copies import difference
from oracle.horizon import horizon
from oracle.layout import LAYOUTS
from oracle.problem import LayerProblem, Problem

COMMANDS = {
    "weights": "Show the recurrent layers in a file of trained weights.",
    "convert": "Write them as another framework has them, once that is known to be the same numbers.",
}
USAGE_ERROR = 4
"""The exit status of wrong usage, as that of pytest."""
_NUMBERS = ("L", "D", "n_x", "n_a", "n_p", "max |W|", "ρ", "sharp")
_COLUMNS = ("prefix", "kind", "layout", *_NUMBERS[:5], "dtype", *_NUMBERS[5:], "digest")


class Parser(ArgumentParser):
    """Of a command's arguments."""

    def error(self, message: str) -> Never:
        """One line, and the status that wrong usage has elsewhere."""
        fail(f"{self.prog}: error: {message}")


def main(arguments: Sequence[str]) -> int:
    """Run one of the commands; `arguments` begins with its name."""
    given = _parser(arguments[0]).parse_args(arguments[1:])
    try:
        checkpoint = load(given.file, given.layout)
        if arguments[0] == "weights":
            show(checkpoint)
            return against(checkpoint, load(given.against)) if given.against else 0
        for each in convert(checkpoint.layers, given.out, given.to, force=given.force):
            print(f"{each} is the same bit for bit, and gives the same states")
    except CheckpointError as error:
        fail(f"rnn-crosscheck: error: {error}")
    except OSError as error:
        fail(f"rnn-crosscheck: error: {error.filename or given.file}: {error.strerror or error}")
    return 0


def show(checkpoint: Checkpoint) -> None:
    """A table of the layers, and what was passed over, and why."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in _COLUMNS:
        is_number = column in _NUMBERS
        table.add_column(
            column, justify="right" if is_number else "left", no_wrap=column != "prefix", overflow="fold"
        )
    for layer in checkpoint.layers:
        sizes = (layer.layers, layer.directions, layer.n_x, layer.n_a)
        table.add_row(
            *(layer.prefix, layer.kind.upper(), layer.layout, *map(str, sizes), str(layer.n_p or "")),
            *(layer.dtype.name, f"{layer.largest:.3g}", f"{layer.spectral_radius:.3g}"),
            *(f"{horizon(layer)} steps", layer.digest),
        )
    # In a pipe there is no width that a prefix would have to be broken at.
    console = Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else 1000)
    console.print(table)
    whose: dict[str, list[str]] = {}
    for layer in checkpoint.layers:
        told = [f"its activation is {layer.activation}"] if layer.activation else []
        for remark in (*layer.remarks, *told):
            whose.setdefault(remark, []).append(layer.prefix or checkpoint.path.name)
    for remark, prefixes in whose.items():
        console.print(f"{prefixes[0] if len(prefixes) == 1 else f'of {len(prefixes)}'}: {remark}")
    for each in checkpoint.passed_over:
        console.print(f"passed over: {each}")


def _network(checkpoint: Checkpoint, layer: RecurrentLayer) -> LayerProblem:
    name = f"{checkpoint.path}:{layer.prefix}" if layer.prefix else str(checkpoint.path)
    made: LayerProblem = getattr(Problem, f"{layer.kind}_layer")(weights=name, m=1, T_x=1)
    return made


def against(copy: Checkpoint, original: Checkpoint) -> int:
    """Say of each layer of a copy how it differs from that of the original; 1 where one does, else 0."""
    if len(copy.layers) != len(original.layers):
        raise CheckpointError(
            f"{copy.path} has {len(copy.layers)} layers and {original.path} {len(original.layers)}: "
            "name those that belong together, as FILE:PREFIX"
        )
    status = 0
    for ours, theirs in zip(copy.layers, original.layers, strict=True):
        how = difference(theirs, _network(original, theirs), ours)
        print(f"{ours.prefix or copy.path}: {how or 'the same numbers'}")
        status = 1 if how else status
    return status


def _parser(command: str) -> ArgumentParser:
    parser = Parser(prog=f"rnn-crosscheck {command}", description=COMMANDS[command], allow_abbrev=False)
    parser.add_argument(
        "file", metavar="FILE[:PREFIX]", help="a file, and how names in it begin; A+B are A and B stacked"
    )
    if command == "convert":
        parser.add_argument("out", metavar="OUT", type=Path, help=f"a file: {', '.join(WRITERS)}")
        parser.add_argument(
            "--to", metavar="NAME", choices=[*TO], default="torch", help=f"{', '.join(TO)} (default: torch)"
        )
        parser.add_argument("--force", action="store_true", help="overwrite OUT")
    else:
        parser.add_argument(
            "--against", metavar="FILE[:PREFIX]", help="say what is wrong with FILE as a copy of this one"
        )
    parser.add_argument(
        "--layout",
        metavar="NAME",
        default="",
        choices=[*LAYOUTS],
        help=f"whose layout it has, where names do not say, or not truly: {', '.join(LAYOUTS)}",
    )
    return parser


def fail(message: str) -> Never:
    """End with one line and the status of wrong usage."""
    print(message, file=sys.stderr)
    sys.exit(USAGE_ERROR)
