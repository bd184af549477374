"""The command `rnn-crosscheck MODEL.onnx --against MODULE:FACTORY`, which compares two models."""

import importlib
import runpy
import sys
from collections.abc import Callable, Sequence
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any

from oracle.checkpoints import CheckpointError
from oracle.checkpoints.contents import printable, shorten
from oracle.parity.comparison import Row, compare
from oracle.parity.original import original_from
from properties.session.weights import Parser, print_table
from properties.worker.targets import TargetMissing, locate

ABOUT = (
    "Run the same inputs through a torch module and the ONNX file exported from it, and judge every "
    "recurrent node by itself. The exit status is 0 if all is right, 1 if something is wrong, and 4 if the "
    "models cannot be compared."
)
_COLUMNS = ("node", "module", "kind", "n_x", "n_a", "D", "weights", "input", "error", "verdict")
_NUMBERS = ("n_x", "n_a", "D", "input", "error")


def main(arguments: Sequence[str]) -> int:
    """Compare the models, and print a row for each node and a sentence. Return 0 if all is right, else 1."""
    parser = Parser("rnn-crosscheck", ABOUT)
    parser.add_memory_limit()
    parser.add_argument("model", metavar="MODEL.onnx", type=Path, help="the exported file")
    parser.add_argument(
        "--against",
        metavar="MODULE:FACTORY",
        required=True,
        help="a module or a .py file, and a function in it that returns the torch.nn.Module with its "
        "trained weights, and example inputs",
    )
    options = parser.parse_args(arguments)
    try:
        original = original_from(_factory(options.against), options.against)
        parity = compare(options.model, *original, options.memory_limit)
    except (CheckpointError, TargetMissing) as error:
        parser.error(str(error))
    print_table(_COLUMNS, _NUMBERS, [_cells(row) for row in parity.rows])
    print(printable(parity.sentence))
    return 0 if parity.is_right else 1


def _cells(row: Row) -> tuple[str, ...]:
    layer = row.node_or_layer.layer
    names = (each.layer.prefix if each else "–" for each in (row.node, row.layer))
    start = (*names, layer.kind.upper(), *map(str, (layer.n_x, layer.n_a, layer.directions)))
    if not (row.node and row.layer):
        return (*start, "–", "–", "–", row.verdict)
    figures = (f"{row.input_difference.largest:.2g}", f"{row.error:.2g}")
    return (*start, row.weights or "the same", *figures, row.verdict)


def _factory(text: str) -> Callable[[], Any]:
    """Return the function named by `MODULE:FACTORY`. The module may import other modules from its folder."""
    target = locate(text, Path.cwd())
    if not target.attribute:
        raise CheckpointError(f"--against {text} names no function: add it, as in {text}:FACTORY")
    source = Path(target.source)
    if target.is_file and not source.is_file():
        raise CheckpointError(f"{text} is not a regular file")
    sys.path.insert(0, str(source.parent if target.is_file else Path.cwd()))
    try:
        if target.is_file:
            module = ModuleType(source.name)
            vars(module).update(runpy.run_path(str(source)))
        else:
            module = importlib.import_module(target.source)
        factory: Callable[[], Any] = attrgetter(target.attribute)(module)
    except Exception as error:  # the user's code may raise anything
        why = f"{type(error).__name__}: {shorten(error)}"
        raise CheckpointError(f"{text} cannot be imported: {why}") from None
    return factory
