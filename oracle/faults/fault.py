"""One mistake as an implementation that can be judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import reference
from oracle.faults import backward_equations, layer_equations
from oracle.faults.equations import Equations, compose, run
from reference.contract import BACKWARDS, CONTRACTS


@dataclass(frozen=True, eq=False)
class Fault:
    """An implementation of all functions that makes one mistake and is otherwise right.

    `sentence` completes "looks like: ...", and `changes` holds the changed equations by function. Of two
    mistakes at once, `both` are the names.
    """

    name: str
    group: str
    sentence: str
    changes: Mapping[str, Equations]
    both: tuple[str, ...] = ()
    memory: dict[str, dict[Any, Any]] = field(default_factory=dict, repr=False)

    @property
    def functions(self) -> tuple[str, ...]:
        """The functions in which the mistake is made."""
        return tuple(self.changes)

    @property
    def names(self) -> tuple[str, ...]:
        """The entries of the catalogue that it makes: one, or both of two."""
        return self.both or (self.name,)

    def __add__(self, other: Self) -> Self:
        """Both mistakes at once, this one first.

        Raises `ValueError` where both replace the same equation of the same function.
        """
        changes = {
            function: compose(self.changes.get(function, {}), other.changes.get(function, {}))
            for function in CONTRACTS
            if function in self.changes or function in other.changes
        }
        group = " and ".join(dict.fromkeys((self.group, other.group)))
        return type(self)(
            f"{self.name}+{other.name}",
            group,
            f"{self.sentence}, and {other.sentence}",
            changes,
            self.names + other.names,
        )

    def rnn_cell_forward(self, xt: Any, a_prev: Any, parameters: Any) -> Any:
        """`(a_next, yt_pred, cache)`, with the mistake."""
        return self._call("rnn_cell_forward", xt, a_prev, parameters)

    def rnn_forward(self, x: Any, a0: Any, parameters: Any) -> Any:
        """`(a, y_pred, caches)`, with the mistake."""
        return self._call("rnn_forward", x, a0, parameters)

    def lstm_cell_forward(self, xt: Any, a_prev: Any, c_prev: Any, parameters: Any) -> Any:
        """`(a_next, c_next, yt_pred, cache)`, with the mistake."""
        return self._call("lstm_cell_forward", xt, a_prev, c_prev, parameters)

    def lstm_forward(self, x: Any, a0: Any, parameters: Any) -> Any:
        """`(a, y, c, caches)`, with the mistake."""
        return self._call("lstm_forward", x, a0, parameters)

    def rnn_layer(self, x: Any, a0: Any, parameters: Any, options: Any = None) -> Any:
        """`(a, a_last)`, with the mistake."""
        return self._call_layer("rnn_layer", x, a0, parameters, options)

    def lstm_layer(self, x: Any, a0: Any, c0: Any, parameters: Any, options: Any = None) -> Any:
        """`(a, a_last, c_last)`, with the mistake."""
        return self._call_layer("lstm_layer", x, a0, c0, parameters, options)

    def __getattr__(self, name: str) -> Any:
        """A backward pass, where the mistake is made in it."""
        if name in BACKWARDS and name in self.changes:
            return partial(self._call_backward, name)
        raise AttributeError(f"{self.name} has no {name}")

    def _call_backward(self, function: str, *given: Any) -> Any:
        memory = self.memory.setdefault(function, {})
        return backward_equations.run(function, self.changes[function], memory, *given)

    def _call(self, function: str, *given: Any) -> Any:
        if function not in self.changes:
            return getattr(reference, function)(*given)
        *arguments, parameters = given
        memory = self.memory.setdefault(function, {})
        return run(function, self.changes[function], memory, arguments, parameters)

    def _call_layer(self, function: str, *given: Any) -> Any:
        if function not in self.changes:
            return getattr(reference, function)(*given)
        *arguments, parameters, options = given
        memory = self.memory.setdefault(function, {})
        return layer_equations.run(function, self.changes[function], memory, arguments, parameters, options)
