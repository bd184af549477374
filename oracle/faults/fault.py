"""A mistake as an implementation that the laws can judge."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import SimpleNamespace
from typing import Any, Self

import numpy as np

import reference
from oracle.faults import backward_equations, equations, layer_backward_equations, layer_equations
from oracle.faults.equations import compose
from oracle.network.equations import Equations
from reference.contract import BACKWARDS, CONTRACTS, FUNCTIONS, LAYERS, LAYERS_BACKWARD

_MODULES: Mapping[str, Any] = {
    **dict.fromkeys(FUNCTIONS, equations),
    **dict.fromkeys(LAYERS, layer_equations),
    **dict.fromkeys(BACKWARDS, backward_equations),
    **dict.fromkeys(LAYERS_BACKWARD, layer_backward_equations),
}
"""The module whose `run` computes each function from equations; `SPECIFICATION` has the right equations."""


@dataclass(frozen=True, eq=False)
class Fault:
    """An implementation of all functions that makes one mistake and is otherwise right.

    `sentence` completes the line "looks like". `changes` has the changed equations, by function. An equation
    finds the right equations in `v.right`, and can store values in `v.memory` from call to call. Two mistakes
    at once have a name such as `"one+other"`.
    """

    name: str
    group: str
    sentence: str
    changes: Mapping[str, Equations]
    memory: dict[str, dict[Any, Any]] = field(default_factory=dict, repr=False)

    @property
    def functions(self) -> tuple[str, ...]:
        """The functions that make the mistake."""
        return tuple(self.changes)

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the catalogue: one, or two for two mistakes at once."""
        return tuple(self.name.split("+"))

    def __add__(self, other: Self) -> Self:
        """Both mistakes at once, this mistake first.

        Raises `ValueError` if both replace the same equation of the same function.
        """
        changes = {
            function: compose(self.changes.get(function, {}), other.changes.get(function, {}))
            for function in CONTRACTS
            if function in self.changes or function in other.changes
        }
        group = " and ".join(dict.fromkeys((self.group, other.group)))
        sentence = f"{self.sentence}, and {other.sentence}"
        return type(self)(f"{self.name}+{other.name}", group, sentence, changes)

    def __or__(self, changes: Equations) -> Self:
        """The mistake with more changed equations, in each of its functions."""
        return replace(self, changes={function: {**one, **changes} for function, one in self.changes.items()})

    def __getattr__(self, name: str) -> Any:
        """The function of this name; `AttributeError` for a backward pass that does not make the mistake."""
        if name in (*FUNCTIONS, *LAYERS, *self.changes):
            return partial(self._call, name)
        raise AttributeError(f"{self.name} has no {name}")

    def _call(self, function: str, *arguments: Any) -> Any:
        if function not in self.changes:
            return getattr(reference, function)(*arguments)
        contract, module = CONTRACTS[function], _MODULES[function]
        right = module.SPECIFICATION[contract.kind]
        v = SimpleNamespace(memory=self.memory.setdefault(function, {}), right=right)
        with np.errstate(all="ignore"):
            return module.run(contract, {**right, **self.changes[function]}, v, *arguments)
