"""Which problems of whole layers are drawn: besides the sizes, how they are stacked, and the options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, get_args

from hypothesis import strategies as st

from oracle.lengths import Lengths
from oracle.limits import ONE_DIRECTION, TWO_DIRECTIONS, Limits
from oracle.problem import Activation, DType, Initial, LayerProblem
from oracle.regimes import Regime
from reference.contract import CONTRACTS

MOST_LAYERS = 3
"""What is wrong in the second layer and right in the third is wrong for more than the number of layers."""


MOST_CELLS = 2 * MOST_LAYERS
"""Layers times directions."""


@dataclass(frozen=True)
class Stacking:
    """How layers may be stacked in the problems of a law, and with which options.

    Of more than one layer there are at most `stacked_directions`.
    """

    directions: Sequence[int] = (1, 2)
    stacked_directions: int = 2
    most_layers: int = MOST_LAYERS
    lengths: Sequence[Lengths] = get_args(Lengths)
    projections: Sequence[str] = ("none", "smaller", "equal")
    activations: Sequence[Activation] = get_args(Activation)
    initial: Initial = "given"

    def contains(self, problem: LayerProblem) -> bool:
        """Whether a problem is stacked so."""
        equal, smaller = problem.n_p == problem.n_a, 0 < problem.n_p < problem.n_a
        projection = "equal" if equal else "smaller" if smaller else "none" if not problem.n_p else "larger"
        return (
            problem.directions in self.directions_of(problem.layers)
            and problem.lengths in self.lengths
            and problem.layers <= self.most_layers
            and projection in self.projections
            and problem.activation in self.activations
            and problem.initial == self.initial
        )

    def directions_of(self, layers: int) -> Sequence[int]:
        """In how many directions so many layers may be."""
        return [D for D in self.directions if layers == 1 or self.stacked_directions >= D]

    @property
    def deepest(self) -> tuple[int, int]:
        """Two layers, if there may be, and their directions: as many as there may be."""
        layers = 2 if self.most_layers > 1 and self.directions_of(2) else 1
        return layers, max(self.directions_of(layers))

    def declared_away(self, limits: Limits) -> str:
        """The limit by which no stacking is left, in words; empty where one is."""
        if min(self.directions) > limits.directions:
            return ONE_DIRECTION
        if max(self.directions) < limits.least_directions:
            return TWO_DIRECTIONS
        needs = [] if "absent" in self.lengths else ["lengths"]
        return limits.lacking(needs if "none" in self.projections else [*needs, "projection"])

    def within(self, limits: Limits) -> "Stacking":
        """What is left of it."""
        return replace(
            self,
            directions=tuple(D for D in self.directions if limits.least_directions <= D <= limits.directions),
            stacked_directions=min(self.stacked_directions, limits.stacked_directions),
            most_layers=min(self.most_layers, limits.layers),
            lengths=self.lengths if limits.lengths else ("absent",),
            projections=tuple(each for each in self.projections if each in _PROJECTIONS[limits.projection]),
            activations=tuple(each for each in self.activations if each in limits.activations),
            initial="given" if limits.initial_state else "zero",
        )


_PROJECTIONS: Mapping[bool | str, Sequence[str]] = {
    True: ("none", "smaller", "equal"),
    "fewer": ("none", "smaller"),
    False: ("none",),
}
"""By the limit."""

ANY_STACKING = Stacking()


@st.composite
def stacked(
    draw: st.DrawFn,
    function: str,
    sizes: dict[str, int],
    stacking: Stacking,
    regimes: Sequence[Regime],
    seeds: int,
    dtypes: Sequence[DType],
) -> LayerProblem:
    """A problem of layers of these sizes; the simplest has one layer, one direction and no options."""
    given: dict[str, Any] = {}
    kind, n_a = CONTRACTS[function].kind, sizes["n_a"]
    if kind == "lstm":
        possible = [each for each in stacking.projections if each != "smaller" or n_a > 1]
        projection = draw(st.sampled_from(possible))
        given["n_p"] = (
            {"none": 0, "equal": n_a}.get(projection)
            if projection != "smaller"
            else draw(st.integers(1, n_a - 1))
        )
    else:
        given["activation"] = draw(st.sampled_from(stacking.activations))
    layers = draw(st.integers(1, stacking.most_layers if stacking.directions_of(2) else 1))
    return LayerProblem(
        CONTRACTS[function].problem_kind,  # type: ignore[arg-type]
        **{**sizes, **given},
        layers=layers,
        directions=draw(st.sampled_from(stacking.directions_of(layers))),
        lengths=draw(st.sampled_from(stacking.lengths)) if sizes["T_x"] else "absent",
        initial=stacking.initial,
        regime=draw(st.sampled_from(regimes)),
        seed=draw(st.integers(0, seeds)),
        dtype=draw(st.sampled_from(dtypes)),
    )


@st.composite
def of_network(
    draw: st.DrawFn,
    network: LayerProblem,
    sizes: dict[str, int],
    stacking: Stacking,
    regimes: Sequence[Regime],
    seeds: int,
    dtypes: Sequence[DType],
) -> LayerProblem:
    """A problem of a network that is given: of these numbers of samples and steps."""
    return replace(
        network,
        m=sizes["m"],
        T_x=sizes["T_x"],
        lengths=draw(st.sampled_from(stacking.lengths)) if sizes["T_x"] else "absent",
        initial=stacking.initial,
        regime=draw(st.sampled_from(regimes)),
        seed=draw(st.integers(0, seeds)),
        dtype=draw(st.sampled_from(dtypes)),
    )


def posed_to(network: LayerProblem, stacking: Stacking, dtype: DType) -> LayerProblem:
    """A problem of a network that is tried whatever is drawn: of some samples and steps."""
    lengths: Lengths = "random" if "random" in stacking.lengths else stacking.lengths[0]
    return replace(network, m=3, T_x=5, lengths=lengths, initial=stacking.initial, dtype=dtype)


@cache
def always(function: str, stacking: Stacking, regime: Regime, dtype: DType) -> list[LayerProblem]:
    """What is tried whatever is drawn: two layers in all directions, with lengths and without, and all sizes
    equal.
    """
    kind = CONTRACTS[function].kind
    lengths: Lengths = "random" if "random" in stacking.lengths else stacking.lengths[0]
    layers, directions = stacking.deepest
    distinct = LayerProblem(
        CONTRACTS[function].problem_kind,  # type: ignore[arg-type]
        n_x=2,
        n_a=3,
        m=4,
        T_x=5,
        layers=layers,
        directions=directions,
        lengths=lengths,
        n_p=2 if kind == "lstm" and "smaller" in stacking.projections else 0,
        activation=stacking.activations[0] if kind == "rnn" else "tanh",
        initial=stacking.initial,
        regime=regime,
        dtype=dtype,
    )
    equal = replace(distinct, n_x=2, n_a=2, m=2, T_x=2, n_p=min(distinct.n_p, 1))
    plain = replace(
        distinct, lengths="absent"
    )  # the most ordinary call, for adapters that have a path for it
    return [*dict.fromkeys([distinct, equal, plain])]


SEVERAL = 4
"""Samples."""


def far(
    function: str, sizes: Mapping[str, Any], stacking: Stacking, dtype: DType, *, projected: bool
) -> LayerProblem:
    """A problem of these sizes, of two layers in all directions with lengths, perhaps projected to a half.

    Of many steps there are several samples, so that there are several lengths.
    """
    kind = CONTRACTS[function].kind
    has_fewer = projected and kind == "lstm" and "smaller" in stacking.projections
    m = max(sizes["m"], SEVERAL) if sizes["T_x"] > 3 else sizes["m"]
    lengths: Lengths = "with T_x" if "with T_x" in stacking.lengths else stacking.lengths[0]
    layers, directions = stacking.deepest
    return LayerProblem(
        CONTRACTS[function].problem_kind,  # type: ignore[arg-type]
        **{name: size for name, size in {**sizes, "m": m}.items() if name != "n_y"},
        layers=layers,
        directions=directions,
        lengths=lengths,
        activation=stacking.activations[0] if kind == "rnn" else "tanh",
        n_p=sizes["n_a"] // 2 if has_fewer else 0,
        initial=stacking.initial,
        dtype=dtype,
    )
