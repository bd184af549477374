"""What is stored in caches, by its place in them, and the problems by which it is seen."""

from collections.abc import Iterator, Sequence

from oracle.diagnosis.behaviour import Behaviour, Leaves, same
from oracle.inputs import Inputs
from oracle.limits import Limits
from oracle.location.when import experiments
from reference.contract import CONTRACTS


def problems(function: str, counterexample: Inputs, limits: Limits) -> Iterator[Inputs]:
    """An ordinary problem first, of which no two sizes are the same."""
    every = (
        *experiments.ordinary(function),
        counterexample,
        *experiments.of_mixed_sizes(function),
        *experiments.in_precisions(function),
        *(experiments.of_sizes(function, {name: extent}, 0) for name in SIZES for extent in (35, 131)),
    )
    for inputs in every:
        yield inputs if inputs.dtype.name in limits.dtypes else experiments.cast(inputs, limits.dtypes[0])


def cells(function: str, inputs: Inputs) -> Sequence[str]:
    """Where the cache of each step is."""
    return [".0"] if CONTRACTS[function].is_cell else [f".0.0.{t}" for t in range(inputs.x.shape[2])]


SIZES = ("n_x", "n_a", "n_y", "m", "T_x")
X = ".0.1"
"""Where x is, beside the caches of the steps of a forward."""


def stores(shown: Behaviour, caches: Leaves, right: Behaviour) -> bool:
    """Whether these are the caches that are shown, and all else is right."""
    return (
        same(shown.outputs, right.outputs)
        and same(shown.arguments, right.arguments)
        and same(shown.caches, caches)
    )
