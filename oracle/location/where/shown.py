"""What a call of one of the four functions showed, read over time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from oracle.diagnosis.behaviour import Behaviour, Leaves
from oracle.inputs import Inputs
from reference.contract import CONTRACTS, Array


@dataclass(frozen=True)
class Shown:
    """The answer to a problem: `a`, `y` and of an LSTM `c`, and the cached arrays, each `(n, m, T_x)`.

    Of the caches there are those entries that every step has in the right shape. What was not seen
    in one call may be off by more than by its equation, by so much `slack`. Some states `(m, T_x)` may be
    `carried` by steps that return 0. What is off by no more than the `margin` times its bound is not wrong.
    Where it is known that all outputs are right, it is a matter `of_caches`.
    """

    inputs: Inputs
    outputs: Mapping[str, Array]
    cached: Mapping[str, Array]
    slack: Mapping[str, Array] = field(default_factory=dict)
    carried: Array | bool = False
    margin: float = 1.0
    of_caches: bool = False

    @classmethod
    def of(cls, function: str, inputs: Inputs, behaviour: Behaviour) -> "Shown | None":
        """What a call showed; `None` where its outputs are empty, or have not the form of the contract.

        Predictions need not be there.
        """
        contract, sizes = CONTRACTS[function], inputs.sizes
        T_x = 1 if contract.is_cell else sizes["T_x"]
        if not (sizes["m"] and T_x):
            return None
        outputs = {}
        for i, (name, shape) in enumerate(contract.outputs.items()):
            array = behaviour.outputs.get(f".{i}")
            if array is None and name[0] == "y":
                continue
            expected = (sizes[str(shape[0])], sizes["m"], *(() if contract.is_cell else (T_x,)))
            if not isinstance(array, np.ndarray) or array.shape != expected:
                return None
            outputs[name[0]] = array.reshape(*expected[:2], T_x)
        cells = [".0"] if contract.is_cell else [f".0.0.{t}" for t in range(T_x)]
        if not contract.is_cell and behaviour.caches.get(".0.0.") != str(T_x):
            cells = []  # nobody knows of which step each is
        entries = {
            name: _over_time(
                behaviour.caches, [f"{cell}.{i}" for cell in cells], (sizes[str(shape[0])], sizes["m"])
            )
            for i, (name, shape) in enumerate(contract.cache.items())
        }
        return cls(inputs, outputs, {name: array for name, array in entries.items() if array is not None})

    @property
    def input(self) -> Array:
        """The input of each step."""
        return self.inputs.x[:, :, : self.outputs["a"].shape[2]]

    @property
    def is_of_cell(self) -> bool:
        """Whether its steps are those of the cells, which know no relu and no projection."""
        return self.inputs.activation == "tanh" and "Wp" not in self.inputs.parameters

    @property
    def states(self) -> dict[str, Array]:
        """The states that may be taken for one another, by what they are called."""
        found = {}
        for name in (name for name in ("a", "c") if name in self.outputs):
            states = self.outputs[name]
            found[f"{name}_next"] = states
            found[f"{name}_prev"] = self.before(name)
            found[f"{name}_next of the last step"] = states[:, :, -1:]
        return found

    def of_tiles(self, name: str) -> Iterator[tuple[str, Array]]:
        """The states `a` or `c` with which earlier samples have ended, as where these are taken in tiles."""
        last = self.outputs[name][:, :, -1:].astype(np.float64)
        for k in (k for k in (1, 2, 4, 8, 16, 32, 64) if k < last.shape[1]):
            before = np.full_like(last, np.nan)
            before[:, k:] = last[:, :-k]
            samples = "the sample" if k == 1 else f"{k} samples"
            yield f"{name}_next of the last step of {samples} before", before

    def repeats(self, steps: Array) -> bool:
        """Whether all that is shown of some steps is that of the step before; there have to be any."""
        every = [*self.cached.values(), *self.outputs.values()]
        return bool(steps.size and steps.all()) and all(
            np.array_equal(array[:, :, steps], array[:, :, steps - 1], equal_nan=True) for array in every
        )

    def as_cached(self) -> "Shown":
        """As if the states that the caches hold had been returned."""
        outputs = {name: self.cached.get(f"{name}_next", array) for name, array in self.outputs.items()}
        return replace(self, outputs=outputs)

    def before(self, name: str) -> Array:
        """The state `a` or `c` that each step began with, by its own outputs."""
        first = self.inputs.a0 if name == "a" else self.inputs.c0
        return np.concatenate([first[:, :, None], self.outputs[name][:, :, :-1]], axis=2)


def _over_time(leaves: Leaves, places: list[str], shape: tuple[int, int]) -> Array | None:
    arrays = [leaves.get(place) for place in places]
    if not arrays or not all(isinstance(array, np.ndarray) and array.shape == shape for array in arrays):
        return None
    return np.stack(arrays, axis=2)  # type: ignore[arg-type]
