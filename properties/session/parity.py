"""The command `rnn-crosscheck MODEL.onnx --against MODULE:FACTORY`: an exported model beside the original."""

import importlib
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from oracle.checkpoints import CheckpointError
from oracle.checkpoints.error import printable, shortened
from oracle.parity import original_model
from oracle.parity.comparison import Parity, Row, compare
from oracle.parity.layer_pass import ParityError
from properties.session.weights import Parser, fail, print_table
from properties.worker.targets import Target, TargetMissing, closest, locate

ABOUT = (
    "Run the same inputs through a torch module and the ONNX file exported from it, and judge every "
    "recurrent node where it stands. Exits with 0 if all is right, with 1 if something is wrong, and with 4 "
    "on wrong usage."
)
_COLUMNS = ("node", "module", "kind", "n_x", "n_a", "D", "weights", "input", "error", "verdict")
_NUMBERS = ("n_x", "n_a", "D", "input", "error")


def main(arguments: Sequence[str]) -> int:
    """Compare, print a row for each node and a sentence; 0 if all is right, else 1."""
    given = _parser().parse_args(arguments)
    try:
        module, examples = original_model.made_by(_factory(given.against), given.against)
        parity = compare(given.model, module, examples, given.seed)
    except (ParityError, CheckpointError, TargetMissing) as error:
        fail(f"rnn-crosscheck: error: {error}")
    show(parity)
    return 0 if parity.is_right else 1


def show(parity: Parity) -> None:
    """Print the table, the skipped nodes, and the sentence."""
    print_table(_COLUMNS, _NUMBERS, [_cells(row) for row in parity.rows])
    for each in parity.skipped:
        print(printable(f"skipped: {each}"))
    print(printable(parity.sentence))


def _cells(row: Row) -> tuple[str, ...]:
    either = row.node or row.layer
    assert either
    _, *sizes = either.sizes
    both = (each.layer.prefix if each else "–" for each in (row.node, row.layer))
    known = (*both, either.inputs.kind.upper(), *map(str, sizes))
    if not (row.node and row.layer):
        return (*known, "–", "–", "–", row.verdict)
    figures = (f"{row.given.largest:.2g}", f"{row.worst:.2g}")
    return (*known, row.weights or "the same", *figures, row.verdict)


def _parser() -> Parser:
    parser = Parser(prog="rnn-crosscheck", description=ABOUT, allow_abbrev=False)
    parser.add_argument("model", metavar="MODEL.onnx", type=Path, help="the exported file")
    parser.add_argument(
        "--against",
        metavar="MODULE:FACTORY",
        required=True,
        help="a module or a .py file, and a function in it that returns the torch.nn.Module with its "
        "trained weights, or (module, example inputs)",
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="seed of random inputs (default: 0)")
    return parser


def _factory(text: str) -> Any:
    """The function that `MODULE:FACTORY` names."""
    target = locate(text, Path.cwd())
    if not target.attribute:
        raise ParityError(f"--against {text} names no function in it: MODULE:FACTORY")
    names, found = _names_in(target), None
    for name in target.attribute.split("."):
        if name not in names:
            raise ParityError(f"{target.source} has no {target.attribute}{closest(name, names)}")
        found = names[name]
        names = {each: getattr(found, each) for each in dir(found)}
    if not callable(found):
        is_a = type(found).__name__
        raise ParityError(f"{text} is {is_a}, expected a function that returns a torch.nn.Module")
    return found


def _names_in(target: Target) -> dict[str, Any]:
    """The names in a module, which may import what is beside it."""
    path = Path(target.source)
    sys.path.insert(0, str(path.parent if target.is_file else Path.cwd()))
    try:
        return runpy.run_path(str(path)) if target.is_file else vars(importlib.import_module(target.source))
    except Exception as error:  # of code that is not ours
        why = f"{type(error).__name__}: {shortened(error)}"
        raise ParityError(f"{target.source} cannot be imported: {why}") from None
