"""A problem: one line that determines the input of a function. Also changes one argument of a problem.

`oracle.checkpoints` is slow to import, so only problems with the weights of a file import it.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields, replace
from functools import cached_property
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np

from oracle.problems.drawing import Drawing, Lengths, Regime
from oracle.problems.inputs import (
    BackwardInputs,
    Inputs,
    LayerBackwardInputs,
    LayerInputs,
    with_nonfinite_entry,
)
from reference.contract import CONTRACTS, NETWORKS, Array, Kind, kind_in

DType = Literal["float16", "float32", "float64"]
LayerKind = Literal["rnn_layer", "lstm_layer"]
Activation = Literal["tanh", "relu"]
Initial = Literal["given", "zero"]


@dataclass(frozen=True, repr=False)
class Problem:
    """One input of the four functions: five sizes, a regime (see `drawing`), a seed and a dtype.

    Raises `ValueError` for invalid sizes and for an unknown regime or dtype.
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
        for name, allowed in self._allowed.items():
            if not isinstance(getattr(self, name), str) or getattr(self, name) not in allowed:
                raise ValueError(f"{name}={getattr(self, name)!r}, expected one of {', '.join(allowed)}")
        for name in (each.name for each in fields(self) if each.type is int):
            if type(getattr(self, name)) is not int or getattr(self, name) < 0:
                raise ValueError(f"{name}={getattr(self, name)!r}, expected an integer from 0 up")

    _allowed: ClassVar[Mapping[str, Sequence[str]]] = {
        "kind": get_args(Kind),
        "regime": get_args(Regime),
        "dtype": get_args(DType),
    }
    """The allowed values of the text fields."""

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields_in_repr)
        return f"Problem.{self.kind}({given})".replace("'", '"')

    @property
    def _fields_in_repr(self) -> list[str]:
        """The names of the fields in the repr."""
        return [each.name for each in fields(self)[1:]]

    @classmethod
    def rnn(cls, **given: Any) -> Self:
        """A problem of the RNN."""
        return cls("rnn", **given)

    @classmethod
    def lstm(cls, **given: Any) -> Self:
        """A problem of the LSTM."""
        return cls("lstm", **given)

    @staticmethod
    def rnn_layer(**given: Any) -> "LayerProblem":
        """A problem of layers of an RNN."""
        return LayerProblem("rnn_layer", **_with_file_fields("rnn_layer", given))

    @staticmethod
    def lstm_layer(**given: Any) -> "LayerProblem":
        """A problem of layers of an LSTM."""
        return LayerProblem("lstm_layer", **_with_file_fields("lstm_layer", given))

    @staticmethod
    def of(function: str, **given: Any) -> "Problem":
        """A problem for a function. Ignores `n_y` for layers, which have no head, and `layers` for others."""
        contract = CONTRACTS[function]
        given.pop("layers" if "n_y" in contract.sizes else "n_y", None)
        return getattr(Problem, contract.problem_kind)(**given)  # type: ignore[no-any-return]

    @staticmethod
    def parse(text: str) -> "Problem":
        """The problem with this repr; raises `ValueError` for other texts. Executes no code in the text."""
        kinds = {f"Problem.{kind}": kind for kind in (*get_args(Kind), *get_args(LayerKind))}
        try:
            call = ast.parse(text.strip(), mode="eval").body
            if not (isinstance(call, ast.Call) and ast.unparse(call.func) in kinds):
                raise ValueError(f"not a call of {', '.join(kinds)}")
            if call.args:
                raise ValueError(f"{ast.unparse(call.args[0])} has no name")
            given = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
            problem: Problem = getattr(Problem, kinds[ast.unparse(call.func)])(**given)
            return problem
        except (SyntaxError, TypeError, ValueError) as error:
            example = Problem.lstm(n_x=1, n_a=2, n_y=2, m=1, T_x=2)
            raise ValueError(f"{text!r} is no problem ({error}); one looks like {example!r}") from None

    @property
    def free_sizes(self) -> tuple[str, ...]:
        """The names of the sizes that can be changed; the weights of a file fix some of them."""
        return ("n_x", "n_a", "n_y", "m", "T_x")

    @property
    def sizes(self) -> dict[str, int]:
        """The five sizes by symbol."""
        return {"n_x": self.n_x, "n_a": self.n_a, "n_y": self.n_y, "m": self.m, "T_x": self.T_x}

    def inputs(self, function: str) -> Inputs:
        """The arrays for a call of `function`; `lstm_forward` starts from a memory state of zeros.

        For a backward pass, all arrays except the incoming gradient are those of the forward pass.
        """
        contract = CONTRACTS[function]
        if contract.is_cell:
            forward, names = self._drawn.span(0, 1), ["x", "a0", "c0"]
        else:
            forward, names = replace(self._drawn, c0=np.zeros_like(self._drawn.c0)), ["x", "a0"]
        in_gradient = contract.is_backward and self._drawing.has_nonfinite_gradient
        if self.regime == "nonfinite" and not in_gradient:
            forward = with_nonfinite_entry(forward, names, self.seed)
        if not contract.is_backward:
            return forward
        da = self._drawing.gradient((*forward.a0.shape, forward.x.shape[2]), 0)
        has_dc = "dc_next" in contract.arguments
        dc = self._drawing.gradient(forward.c0.shape, 1) if has_dc else np.zeros_like(forward.c0)
        inputs = BackwardInputs.of(forward, da, dc)
        return with_nonfinite_entry(inputs, ["da"], self.seed) if in_gradient else inputs

    def arguments(self, function: str) -> list[Any]:
        """The positional arguments of a call of `function`."""
        return self.inputs(function).arguments(function)

    @property
    def network(self) -> "LayerProblem | None":
        """`None`: only layers can have the weights of a file."""
        return None

    @property
    def _drawing(self) -> Drawing:
        return Drawing(kind_in(self.kind), self.sizes, self.regime, self.seed, self.dtype)

    @cached_property
    def _drawn(self) -> Inputs:
        return self._drawing.inputs()


@dataclass(frozen=True, repr=False)
class LayerProblem(Problem):
    """One input of whole layers: the sizes, the numbers of layers and directions, and the options.

    Attributes
    ----------
    n_p
        The number of units of the projected hidden state; 0 without a projection.
    lengths
        The kind of lengths (see `drawing.Drawing.lengths`).
    initial
        Whether the initial states are drawn (`"given"`) or all zero.
    weights
        `FILE` or `FILE:PREFIX` with the parameters, which determines the sizes of the network; empty if the
        parameters are drawn.
    layout
        The layout of the weights in the file, if their names do not determine it.
    digest
        The digest of the numbers in the file.

    Raises the errors of `Problem`. Raises `ValueError` also for lengths if T_x is 0, and for a file that
    cannot be read or has another digest.
    """

    kind: LayerKind  # type: ignore[assignment]
    n_y: int = field(default=1, init=False)
    _: KW_ONLY
    layers: int = 1
    directions: int = 1
    n_p: int = 0
    lengths: Lengths = "absent"
    activation: Activation = "tanh"
    initial: Initial = "given"
    weights: str = ""
    layout: str = ""
    digest: str = ""

    _allowed: ClassVar[Mapping[str, Sequence[str]]] = {
        **Problem._allowed,
        "kind": get_args(LayerKind),
        "lengths": get_args(Lengths),
        "activation": get_args(Activation),
        "initial": get_args(Initial),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.directions not in (1, 2) or not self.layers:
            raise ValueError(f"layers={self.layers}, directions={self.directions}, expected 1 up, and 1 or 2")
        if self.lengths != "absent" and not self.T_x:
            raise ValueError(f'lengths="{self.lengths}", expected "absent" where T_x=0')
        network = NETWORKS[kind_in(self.kind)]
        if self.n_p and not network.has_projection:
            raise ValueError(f"n_p={self.n_p}, expected 0 for an {kind_in(self.kind).upper()}")
        if self.activation not in network.activations:
            expected = " or ".join(f'"{each}"' for each in network.activations)
            kind = kind_in(self.kind).upper()
            raise ValueError(f'activation="{self.activation}", expected {expected} for an {kind}')

    @property
    def _fields_in_repr(self) -> list[str]:
        network = NETWORKS[kind_in(self.kind)]
        own = [*["activation"] * network.has_activations, *["n_p"] * network.has_projection]
        initial = ["initial"] if self.initial != "given" else []
        names = ["n_x", "n_a", "m", "T_x", "layers", "directions", *own, "lengths", *initial]
        if self.weights:
            from oracle.checkpoints.layers import SIZES_IN_FILE

            layout = ["layout"] if self.layout else []
            names = ["weights", *layout, "digest", *(name for name in names if name not in SIZES_IN_FILE)]
        return [*names, "regime", "seed", "dtype"]

    @property
    def free_sizes(self) -> tuple[str, ...]:
        """The names of the sizes that can be changed; the weights of a file fix some of them."""
        return ("m", "T_x") if self.weights else ("n_x", "n_a", "m", "T_x")

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes by symbol; n_p only with a projection."""
        sizes = {"n_x": self.n_x, "n_a": self.n_a, "n_p": self.n_p, "m": self.m, "T_x": self.T_x}
        sizes |= {"L": self.layers, "D": self.directions}
        return {symbol: size for symbol, size in sizes.items() if symbol != "n_p" or size}

    def inputs(self, function: str) -> LayerInputs:
        """The arrays for a call of `function`."""
        states = [f"{state}0" for state in CONTRACTS[function].network.states]
        names, forward = ["x", *(states if self.initial == "given" else ())], self._layers
        is_backward = CONTRACTS[function].is_backward
        in_gradient = is_backward and self._drawing.has_nonfinite_gradient
        # Many right modules compute the padding, too, and mask it. In the gradient, the mask multiplies an
        # infinity by 0, which is NaN.
        allowed = forward.ends == forward.x.shape[2] if is_backward else None
        if self.regime == "nonfinite" and not in_gradient:
            forward = with_nonfinite_entry(forward, names, self.seed, allowed)
        if not is_backward:
            return forward
        (_, m, T_x), (_, n_h, _) = forward.x.shape, forward.a0.shape
        shapes = [(self.directions * n_h, m, T_x), forward.a0.shape, forward.c0.shape]
        da, da_last, dc_last = (self._drawing.gradient(shape, number) for number, shape in enumerate(shapes))
        inputs = LayerBackwardInputs(**vars(forward), da=da, da_last=da_last, dc_last=dc_last)
        return with_nonfinite_entry(inputs, ["da"], self.seed, allowed) if in_gradient else inputs

    @property
    def network(self) -> "LayerProblem | None":
        """The simplest problem with the weights of the same file; `None` if the parameters are drawn."""
        simplest: dict[str, Any] = {"m": 1, "T_x": 1, "lengths": "absent", "initial": "given"}
        simplest |= {"regime": "unit", "seed": 0, "dtype": "float64"}
        return replace(self, **simplest) if self.weights else None

    @property
    def _drawing(self) -> Drawing:
        drawing = super()._drawing
        return replace(drawing, sizes={**drawing.sizes, "n_h": self.n_p or self.n_a})

    @cached_property
    def _layers(self) -> LayerInputs:
        trained: Sequence[Mapping[str, Array]] = ()
        if self.weights:
            from oracle.checkpoints import only_layer

            trained = only_layer(self.weights, self.layout).parameters
        return self._drawing.layer_inputs(self.activation, self.initial == "given", self.lengths, trained)


def _with_file_fields(kind: LayerKind, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of a problem of layers, and those that a file of weights determines."""
    if not given.get("weights"):
        return given
    from oracle.checkpoints.layers import with_file_fields

    return with_file_fields(kind, given)


def siblings(
    problem: Problem, count: int, regimes: Sequence[Regime] = (), dtypes: Sequence[DType] = ()
) -> Iterator[Problem]:
    """`count` problems of one shape: `problem`, then problems with the next seeds.

    The problems take the `regimes` and `dtypes` in turn. Without any, all have those of `problem`.
    """
    regimes, dtypes = regimes or (problem.regime,), dtypes or (problem.dtype,)
    first, first_dtype = regimes.index(problem.regime), dtypes.index(problem.dtype)
    for i in range(count):
        regime, dtype = regimes[(first + i) % len(regimes)], dtypes[(first_dtype + i) % len(dtypes)]
        yield replace(problem, seed=problem.seed + i, regime=regime, dtype=dtype)


CHANGES = 2
"""The number of changes of one problem. Five problems with seeds in a row change ten arguments in turn."""

TRAINED = "parameters after a step of training"
PART = 2.0**-6
"""The part of the difference to the other parameters that a step of training adds to each parameter."""

_FIELDS = {"xt": "x", "a_prev": "a0", "c_prev": "c0", "da_next": "da", "dc_next": "dc"}
"""The fields of `Inputs` that have the arguments of a cell."""


def changed_inputs(function: str, problem: Problem) -> Iterator[tuple[str, Inputs]]:
    """Inputs that each differ from those of a problem in one argument, with words for it.

    The new numbers are those of the problem with the next seed. A step of training changes all parameters by
    a little. In a backward pass that takes caches, an argument of the forward pass changes the caches.
    """
    contract, seed = CONTRACTS[function], problem.seed
    inputs, other = (each.inputs(function) for each in siblings(problem, 2))
    arguments = [*contract.arguments, *(CONTRACTS[contract.forward].arguments if contract.cache else ())]
    lengths = ["lengths"] if getattr(inputs, "lengths", None) is not None else []
    parameters = [other.parameters] if isinstance(other.parameters, Mapping) else other.parameters
    names = [*dict.fromkeys([*arguments, *lengths, *sorted(parameters[0]), TRAINED])]
    for number in range(CHANGES * seed, CHANGES * (seed + 1)):
        name = names[number % len(names)]
        field = _FIELDS.get(name, name)
        if hasattr(inputs, field):
            changed = inputs.with_fields(**{field: getattr(other, field)})
        else:
            changed = _with_parameters(inputs, parameters, name, seed // len(names) % len(parameters))
        yield name if name == TRAINED else f"another {name}", changed


def _with_parameters(inputs: Any, parameters: Any, name: str, place: int) -> Any:
    """The inputs with one of the other parameters, of the direction `place`, or after a step of training."""
    others = enumerate(parameters)  # `with_parameters` calls `changed` once for each direction, in order

    def changed(p: Mapping[str, Array]) -> Mapping[str, Array]:
        number, q = next(others)
        if name == TRAINED:
            return {each: p[each] + PART * (q[each] - p[each]) for each in p}
        return {**p, name: q[name]} if number == place else p

    return inputs.with_fields(parameters=inputs.with_parameters(changed).parameters)
