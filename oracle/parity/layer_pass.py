"""One pass through one recurrent layer of the exported or the original model."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from oracle.checkpoints import RecurrentLayer
from oracle.inputs import LayerInputs
from reference.contract import Array


class ParityError(ValueError):
    """The models cannot be compared. The message is one line."""


@dataclass(frozen=True)
class LayerPass:
    """A layer with its parameters, its inputs and its outputs in one pass.

    The prefix of the layer is the name of the node, or the name of the module with the number of the layer.
    The remarks of the layer name the properties of a node that the contract does not have. The outputs are
    `a`, `a_last` and `c_last`, as in `oracle.propagation.evaluate`; a node may lack some of them.
    """

    layer: RecurrentLayer
    inputs: LayerInputs
    outputs: Mapping[str, Array]

    @property
    def given(self) -> dict[str, Array]:
        """The sequence up to the end of the longest sample, with 0 in the padding, and the initial states."""
        own = np.where(self.inputs.within, self.inputs.x, 0)[:, :, : self._steps]
        return {"x": own, "a0": self.inputs.a0, "c0": self.inputs.c0}

    @property
    def returned(self) -> dict[str, Array]:
        """The outputs up to the end of the longest sample."""
        return {name: array[:, :, : self._steps] for name, array in self.outputs.items()}

    @property
    def _steps(self) -> int:
        return int(self.inputs.ends.max(initial=0))

    @property
    def sizes(self) -> tuple[str, int, int, int, int]:
        """The kind, n_x, n_a, n_p and the number of directions; a node and its layer have the same."""
        layer = self.layer
        return layer.kind, layer.n_x, layer.n_a, layer.n_p, layer.directions


@dataclass(frozen=True)
class Difference:
    """The largest difference of two arrays, and whether rounding does not explain it.

    The operators between recurrent layers have no derived bound, so half of the digits must agree, relative
    to the largest number of the original.
    """

    largest: float
    is_error: bool
    where: str

    def __str__(self) -> str:
        return f"{self.where} differs by {self.largest:.2g}" if np.isfinite(self.largest) else self.where


def difference(ours: Array, theirs: Array, where: str) -> Difference:
    """The difference of an array of the exported model from the original; infinite for other shapes."""
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
