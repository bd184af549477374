"""A fully determined input whose repr rebuilds it."""

import ast
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Literal, Self, get_args

import numpy as np

from reference.contract import CONTRACTS, PARAMETERS, Array, Kind, Shape, extent

DType = Literal["float16", "float32", "float64"]
Regime = Literal["ternary", "unit", "wild", "tiny", "huge", "nonfinite"]


@dataclass(frozen=True)
class Inputs:
    """The arrays of one problem.

    `x (n_x, m, T_x)`, `a0 (n_a, m)`, `c0 (n_a, m)` and the parameters of the specification. An RNN has
    no memory state: its `c0` is `(0, m)`. `dtype` is the precision in which the problem is posed; the
    arrays may hold more than that, where an implementation answered with more.
    """

    kind: Kind
    x: Array
    a0: Array
    c0: Array
    parameters: Mapping[str, Array]
    dtype: np.dtype[Any]

    def arguments(self, function: str) -> list[Any]:
        """The positional arguments of a call of `function`; a cell takes the first step."""
        contract = CONTRACTS[function]
        if contract.is_cell:
            given = {"xt": self.x[:, :, 0], "a_prev": self.a0, "c_prev": self.c0}
        else:
            given = {"x": self.x, "a0": self.a0}
        return [*(given[name] for name in contract.arguments), dict(self.parameters)]

    def columns(self, samples: Any) -> "Inputs":
        """The same problem on some of its samples, chosen by any NumPy index."""
        return replace(self, x=self.x[:, samples], a0=self.a0[:, samples], c0=self.c0[:, samples])

    def span(self, start: int, stop: int) -> "Inputs":
        """The same problem on some of its steps, from the same state."""
        return replace(self, x=self.x[:, :, start:stop])

    def resumed(self, t: int, a: Array) -> "Inputs":
        """What an RNN has left to do after `t` steps of its trajectory `a`."""
        return replace(self, x=self.x[:, :, t:], a0=a[:, :, t - 1])

    def steps(self, a: Array, c: Array) -> "Inputs":
        """All steps of a trajectory `a`, `c` `(n_a, m, T_x)` as one batch of `m T_x` single steps.

        Each starts from the state that the trajectory itself holds, so an error made in one step does not
        count against the next. A result `(n, m T_x, 1)` reshaped to `(n, m, T_x)` is back in place.
        """
        n_x, m, T_x = self.x.shape
        work = np.result_type(self.x, a, c)

        def before(states: Array, first: Array) -> Array:
            previous = np.concatenate([first[:, :, None], states[:, :, : T_x - 1]], axis=2)[:, :, :T_x]
            return previous.reshape(len(first), m * T_x).astype(work)

        return Inputs(
            self.kind,
            self.x.reshape(n_x, m * T_x, 1).astype(work),
            before(a, self.a0),
            before(c, self.c0),
            {name: array.astype(work) for name, array in self.parameters.items()},
            self.dtype,
        )


@dataclass(frozen=True, repr=False)
class Problem:
    """One input of the forwards, as five sizes, a regime, a seed and a dtype.

    Regimes (weights divided by the square root of their fan-in, unless said otherwise):

    - `ternary`: entries in {-1, 0, 1}, biases and states in {-1, 1}; small enough to check by hand;
    - `unit`: standard normal, as trained networks have it;
    - `wild`: weights times 3 to 30, saturating or chaotic;
    - `tiny`: every array scaled down, to the smallest normal numbers of the dtype;
    - `huge`: pre-activations and logits up to ±1e4;
    - `nonfinite`: `unit`, with one entry of one sample's input or state NaN or infinite.

    Raises `ValueError` where the sizes, the regime or the dtype are none.
    """

    kind: Kind
    n_x: int
    n_a: int
    n_y: int
    m: int
    T_x: int
    regime: Regime = "unit"
    seed: int = 0
    dtype: DType = "float64"

    def __post_init__(self) -> None:
        for field, known in (("kind", Kind), ("regime", Regime), ("dtype", DType)):
            if not isinstance(getattr(self, field), str) or getattr(self, field) not in get_args(known):
                raise ValueError(
                    f"{field}={getattr(self, field)!r}, expected one of {', '.join(get_args(known))}"
                )
        for field in ("n_x", "n_a", "n_y", "m", "T_x", "seed"):
            if not isinstance(getattr(self, field), int) or getattr(self, field) < 0:
                raise ValueError(f"{field}={getattr(self, field)!r}, expected an integer from 0 up")

    def __repr__(self) -> str:
        given = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields(self)[1:])
        return f"Problem.{self.kind}({given})".replace("'", '"')

    @classmethod
    def rnn(cls, **given: Any) -> Self:
        """A problem of the simple recurrent network."""
        return cls("rnn", **given)

    @classmethod
    def lstm(cls, **given: Any) -> Self:
        """A problem of the long short-term memory network."""
        return cls("lstm", **given)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The problem that a repr describes; `ValueError` where the text is none. Nothing is executed."""
        try:
            call = ast.parse(text.strip(), mode="eval").body
            if not (isinstance(call, ast.Call) and ast.unparse(call.func) in ("Problem.rnn", "Problem.lstm")):
                raise ValueError("not a call of Problem.rnn or Problem.lstm")
            given = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
            return cls(ast.unparse(call.func).removeprefix("Problem."), **given)  # type: ignore[arg-type]
        except (SyntaxError, TypeError, ValueError) as error:
            example = cls.lstm(n_x=1, n_a=2, n_y=2, m=1, T_x=2)
            raise ValueError(f"{text!r} is no problem ({error}); one looks like {example!r}") from None

    @property
    def sizes(self) -> dict[str, int]:
        """The five sizes by symbol."""
        return {"n_x": self.n_x, "n_a": self.n_a, "n_y": self.n_y, "m": self.m, "T_x": self.T_x}

    def inputs(self, function: str) -> Inputs:
        """The arrays that `function` gets; `lstm_forward` starts from a memory state of zeros.

        The parameters are in any order, for a dict is asked by name.
        """
        if CONTRACTS[function].is_cell:
            given, names = self._drawn.span(0, 1), ["x", "a0", "c0"]
        else:
            given, names = replace(self._drawn, c0=np.zeros_like(self._drawn.c0)), ["x", "a0"]
        return _poisoned(given, names, self.seed) if self.regime == "nonfinite" else given

    def arguments(self, function: str) -> list[Any]:
        """The positional arguments of a call of `function`."""
        return self.inputs(function).arguments(function)

    @cached_property
    def _drawn(self) -> Inputs:
        rng = np.random.default_rng(self.seed)
        draw = _REGIMES[self.regime](rng, np.finfo(self.dtype))
        memory: Shape = ("n_a", "m") if self.kind == "lstm" else (0, "m")
        shapes = {"x": ("n_x", "m", "T_x"), "a0": ("n_a", "m"), "c0": memory, **PARAMETERS[self.kind]}
        arrays = {
            name: draw(name, tuple(extent(size, self.sizes) for size in shape)).astype(self.dtype)
            for name, shape in shapes.items()
        }
        x, a0, c0 = (arrays.pop(name) for name in ("x", "a0", "c0"))
        parameters = {name: arrays[name] for name in rng.permutation([*arrays]).tolist()}
        return Inputs(self.kind, x, a0, c0, parameters, np.dtype(self.dtype))


Draw = Callable[[str, tuple[int, ...]], Array]


def _fan_in(name: str, shape: tuple[int, ...]) -> int:
    return max(shape[1], 1) if name.startswith("W") else 1


def _normal(rng: np.random.Generator, gain: float = 1.0) -> Draw:
    def draw(name: str, shape: tuple[int, ...]) -> Array:
        scale = gain / math.sqrt(_fan_in(name, shape)) if name.startswith("W") else 1.0
        return scale * rng.standard_normal(shape)

    return draw


def _ternary(rng: np.random.Generator, _: Any) -> Draw:
    def draw(name: str, shape: tuple[int, ...]) -> Array:
        if name.startswith("W") or name == "x":
            return rng.integers(-1, 2, shape)
        return rng.choice([-1, 1], shape)

    return draw


def _tiny(rng: np.random.Generator, limits: Any) -> Draw:
    unit = _normal(rng)

    def draw(name: str, shape: tuple[int, ...]) -> Array:
        drawn = unit(name, shape) * float(limits.tiny) ** rng.uniform(0.05, 1.0)
        return np.asarray(np.copysign(np.maximum(np.abs(drawn), float(limits.smallest_subnormal)), drawn))

    return draw


def _huge(rng: np.random.Generator, _: Any) -> Draw:
    size = 10 ** rng.uniform(2, 4)

    def draw(name: str, shape: tuple[int, ...]) -> Array:
        # Half for the bias, half for the products, which in an RNN are those of two weights: so no order of
        # summation exceeds size.
        terms = (4 if name in ("Waa", "Wax") else 2) * _fan_in(name, shape)
        scale = 1.0 if name in ("x", "a0") else size / terms
        return scale * rng.uniform(-1, 1, shape)

    return draw


def _poisoned(inputs: Inputs, names: list[str], seed: int) -> Inputs:
    """The inputs with one entry of one of the named arrays NaN or infinite, if they have an entry."""
    rng = np.random.default_rng([seed, 1])
    arrays = {name: getattr(inputs, name).copy() for name in names if getattr(inputs, name).size}
    if arrays:
        array = arrays[rng.choice(list(arrays))]
        array.flat[rng.integers(array.size)] = rng.choice([np.nan, np.inf, -np.inf])
    return replace(inputs, **arrays)


_REGIMES: Mapping[str, Callable[[np.random.Generator, Any], Draw]] = {
    "ternary": _ternary,
    "unit": lambda rng, _: _normal(rng),
    "wild": lambda rng, _: _normal(rng, gain=3 * 10 ** rng.uniform(0, 1)),
    "tiny": _tiny,
    "huge": _huge,
    "nonfinite": lambda rng, _: _normal(rng),
}


def siblings(problem: Problem, count: int, regimes: Sequence[Regime] = ()) -> Iterator[Problem]:
    """`count` problems of one shape, the given one first; their seeds go on from its seed.

    So do their regimes, round and round, from its place among those given; without any they are all its own.
    """
    regimes = regimes or (problem.regime,)
    first = regimes.index(problem.regime)
    return (
        replace(problem, seed=problem.seed + i, regime=regimes[(first + i) % len(regimes)])
        for i in range(count)
    )
