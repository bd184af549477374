"""One pass through one recurrent layer, of whichever of the two models."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from oracle.checkpoints import RecurrentLayer
from oracle.checkpoints.layer import Biases
from oracle.inputs import LayerInputs
from reference.contract import Array


class ParityError(ValueError):
    """Two models that cannot be compared; the message is one line."""


@dataclass(frozen=True)
class Passage:
    """What a layer was given, with its own parameters, and what it gave.

    Attributes
    ----------
    name
        Of the node, or of the module, and which layer of it.
    outputs
        `a`, `a_last`, `c_last`, as `oracle.propagation.evaluate` has them; those that there are.
    remarks
        What a node has that is not in the contract, each a clause.
    biases
        Both biases of every direction, as `RecurrentLayer` has them.
    """

    name: str
    inputs: LayerInputs
    outputs: Mapping[str, Array]
    remarks: tuple[str, ...] = ()
    biases: Biases = ()

    @cached_property
    def layer(self) -> RecurrentLayer:
        """Its parameters, as those of a file."""
        given = self.inputs
        return RecurrentLayer(
            self.name,
            given.kind,
            "",
            given.directions,
            given.parameters,
            given.activation if given.kind == "rnn" else "",
            biases=self.biases,
        )

    @property
    def given(self) -> dict[str, Array]:
        """The sequence and the initial states; no more of a sequence than its samples have steps."""
        inputs = self.inputs
        own = np.where(inputs.within, inputs.x, 0)[:, :, : self._steps]
        return {"x": own, "a0": inputs.a0, "c0": inputs.c0}

    @property
    def gave(self) -> dict[str, Array]:
        """The outputs, of as many steps."""
        return {name: array[:, :, : self._steps] for name, array in self.outputs.items()}

    @property
    def _steps(self) -> int:
        return int(self.inputs.ends.max(initial=0))

    @property
    def sizes(self) -> tuple[str, int, int, int]:
        """What two layers must share to be compared: the network, n_x, n_a, and how many directions."""
        sizes = self.inputs.sizes
        projected = f" to {sizes['n_h']}" if sizes["n_h"] != sizes["n_a"] else ""
        return self.inputs.kind + projected, sizes["n_x"], sizes["n_a"], sizes["D"]


@dataclass(frozen=True)
class Difference:
    """How far two arrays are apart: the largest difference, and whether rounding alone might explain it.

    No bound is known of what stands between recurrent layers, so half of the digits have to agree, relative
    to the largest number of the original.
    """

    largest: float
    parted: bool
    where: str


SAME = Difference(0.0, False, "nothing")


def difference(ours: Array, theirs: Array, where: str) -> Difference:
    """Of an array of the exported model from that of the original; infinite where shapes are different."""
    if ours.shape != theirs.shape:
        return Difference(np.inf, True, f"{where} has the shape {ours.shape}, not {theirs.shape}")
    floats = [array.dtype for array in (ours, theirs) if array.dtype.kind == "f"]
    allowed = max((float(np.finfo(dtype).eps) for dtype in floats), default=0.0) ** 0.5
    a, b = (array.astype(np.float64) for array in (ours, theirs))
    with np.errstate(invalid="ignore"):
        apart = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
    largest = float(np.nan_to_num(apart, nan=np.inf, posinf=np.inf).max(initial=0.0))
    scale = float(np.abs(b).max(initial=0.0, where=np.isfinite(b)))
    return Difference(largest, largest > allowed * scale, where)
