"""Replaces the cell of a target by a right one, to find out whether a forward inherits a mistake."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from inspect import signature, unwrap
from typing import Any

from reference import lstm_cell_backward, lstm_cell_forward, rnn_cell_backward, rnn_cell_forward
from reference.contract import CONTRACTS

Function = Callable[..., Any]

_CELLS: Mapping[str, Function] = {
    "rnn_forward": rnn_cell_forward,
    "lstm_forward": lstm_cell_forward,
    "rnn_backward": rnn_cell_backward,
    "lstm_backward": lstm_cell_backward,
}


class RightCell:
    """A right cell, whose cache holds the same array objects that it gets and returns.

    So a forward that later writes to these arrays spoils its caches, as it would with its own cell. `used`
    says whether the cell was called.
    """

    def __init__(self, forward: str) -> None:
        self._cell = _CELLS[forward]
        self._contract = CONTRACTS[self._cell.__name__]
        self._signature = signature(self._cell)
        self.used = False

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """The next state, the prediction and the cache, or the gradients of a backward pass."""
        self.used = True
        if self._contract.is_backward:
            return self._cell(*arguments, **named)
        *outputs, cache = self._cell(*arguments, **named)
        held = {
            **self._signature.bind(*arguments, **named).arguments,
            **dict(zip(self._contract.outputs, outputs)),
        }
        names = (*self._contract.cache, "parameters")
        return (*outputs, tuple(held.get(name, entry) for name, entry in zip(names, cache)))


@contextmanager
def right_cell(name: str, forward: Function, holder: object) -> Iterator[RightCell]:
    """Replace the cell that `forward`, the attribute `name` of `holder`, calls.

    The cell is replaced in the module of `forward` and in `holder`: a module, class or instance.
    """
    cell = RightCell(name)
    cell_name = _CELLS[name].__name__
    module = getattr(unwrap(forward), "__globals__", {})
    with ExitStack() as restore:
        if cell_name in module:
            restore.callback(module.__setitem__, cell_name, module[cell_name])
            module[cell_name] = cell
        if hasattr(holder, cell_name):
            with suppress(AttributeError, TypeError):  # an object may be immutable
                own = dict(vars(holder))
                setattr(holder, cell_name, cell)
                if cell_name in own:
                    restore.callback(setattr, holder, cell_name, own[cell_name])
                else:
                    restore.callback(delattr, holder, cell_name)
        yield cell
