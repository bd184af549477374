"""The command `rnn-crosscheck MODEL.onnx --against MODULE:FACTORY`: an exported model beside the original."""

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
from oracle.parity.models import ParityError, original_by
from properties.session.weights import Parser, fail, print_table
from properties.worker.targets import TargetMissing, locate

ABOUT = (
    "Run the same inputs through a torch module and the ONNX file exported from it, and judge every "
    "recurrent node where it stands. Exits with 0 if all is right, with 1 if something is wrong, and with 4 "
    "on wrong usage."
)
_COLUMNS = ("node", "module", "kind", "n_x", "n_a", "D", "weights", "input", "error", "verdict")
_NUMBERS = ("n_x", "n_a", "D", "input", "error")


def main(arguments: Sequence[str]) -> int:
    """Compare, print a row for each node and a sentence; 0 if all is right, else 1."""
    parser = Parser(prog="rnn-crosscheck", description=ABOUT, allow_abbrev=False)
    parser.add_argument("model", metavar="MODEL.onnx", type=Path, help="the exported file")
    parser.add_argument(
        "--against",
        metavar="MODULE:FACTORY",
        required=True,
        help="a module or a .py file, and a function in it that returns the torch.nn.Module with its "
        "trained weights, and example inputs",
    )
    given = parser.parse_args(arguments)
    try:
        parity = compare(given.model, *original_by(_factory(given.against), given.against))
    except (ParityError, CheckpointError, TargetMissing) as error:
        fail(f"rnn-crosscheck: error: {error}")
    print_table(_COLUMNS, _NUMBERS, [_cells(row) for row in parity.rows])
    print(printable(parity.sentence))
    return 0 if parity.is_right else 1


def _cells(row: Row) -> tuple[str, ...]:
    either = row.node or row.layer
    assert either
    kind, n_x, n_a, _, D = either.sizes
    both = (each.layer.prefix if each else "–" for each in (row.node, row.layer))
    known = (*both, kind.upper(), str(n_x), str(n_a), str(D))
    if not (row.node and row.layer):
        return (*known, "–", "–", "–", row.verdict)
    figures = (f"{row.given.largest:.2g}", f"{row.worst:.2g}")
    return (*known, row.weights or "the same", *figures, row.verdict)


def _factory(text: str) -> Callable[[], Any]:
    """The function that `MODULE:FACTORY` names, in a module that may import what is beside it."""
    target = locate(text, Path.cwd())
    if not target.attribute:
        raise ParityError(f"--against {text} names no function: add it, as in {text}:FACTORY")
    source = Path(target.source)
    sys.path.insert(0, str(source.parent if target.is_file else Path.cwd()))
    try:
        if target.is_file:
            module = ModuleType(source.name)
            vars(module).update(runpy.run_path(str(source)))
        else:
            module = importlib.import_module(target.source)
        factory: Callable[[], Any] = attrgetter(target.attribute)(module)
    except Exception as error:  # of code that is not ours
        why = f"{type(error).__name__}: {shorten(error)}"
        raise ParityError(f"{text} cannot be imported: {why}") from None
    return factory
