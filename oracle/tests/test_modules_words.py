"""Modules without an adapter: what is said of those that cannot be judged, and of limits."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Optional, Tuple  # noqa: UP035

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from oracle.modules.fitting import trial_arguments
from oracle.modules.interface import ModuleOptions, Sizes, UnusableModule, WrongModule
from oracle.modules.trials import Understood
from oracle.modules.understanding import like, understand
from oracle.tests import torch_modules_of_users as users
from reference.layers import lstm_layer

SIZES = {"input_size": 5, "hidden_size": 7}


def understood(make: Any, **asked: Any) -> Understood:
    return understand(make, getattr(make, "__name__", "make"), ModuleOptions(**asked))


class Deep(nn.Module):
    """Calls the number of layers by another name than torch does."""

    def __init__(self, input_size: int, hidden_size: int, depth: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        self.lstm = nn.LSTM(input_size, hidden_size, depth)

    def forward(self, x: Any, hx: Any = None) -> Any:
        return self.lstm(x, hx)


class WithoutProjection(nn.Module):
    """What a converter makes that fails for a projection, and does not say why."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        if lstm.proj_size:
            raise ValueError("shapes do not match")
        self.lstm = lstm

    def forward(self, x: Any, hx: Any = None) -> Any:
        return self.lstm(x, hx)


class WrongShapes(nn.Module):
    """Builds the second layer for the units of one direction, though the first has two."""

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bidirectional: bool = False
    ) -> None:
        super().__init__()
        sizes = [input_size, *[hidden_size] * (num_layers - 1)]
        self.layers = nn.ModuleList(nn.LSTM(n, hidden_size, bidirectional=bidirectional) for n in sizes)

    def forward(self, x: Any, hx: Any) -> Any:
        last: list[Any] = []
        for layer, h, c in zip(self.layers, *(each.chunk(len(self.layers)) for each in hx), strict=True):
            x, ended = layer(x, (h, c))
            last.append(ended)
        return x, tuple(map(torch.cat, zip(*last, strict=True)))


def fresh(lstm: nn.LSTM) -> nn.LSTM:
    """A conversion that draws weights of its own."""
    return nn.LSTM(lstm.input_size, lstm.hidden_size, dtype=next(lstm.parameters()).dtype)


@pytest.mark.parametrize(
    ("module", "asked", "why"),
    [
        (users.NeedsMore, {}, "needs cell_size, which torch.nn.LSTM does not have: --with cell_size=…"),
        (
            users.Peephole,
            {},
            "peep has shape (7, 3), no weight of an LSTM of one layer, 5 inputs and 7 units",
        ),
        (nn.GRU, {}, "its parameters (weight_ih_l0 (21, 5)"),
        (nn.GRU, {}, "7 units (only simple RNNs and LSTMs are judged; code in another form needs an adapter"),
        (nn.Linear, {}, "are not those of an LSTM of one layer, 5 inputs and 7 units"),
        (Deep, {"fixed": {"depth": 2}}, "docs/adapters.md), made with depth=2"),
        (partial(nn.LSTM, bias=False), {"like": "torch.nn.LSTM"}, "it has no bias: --with bias=True"),
        (nn.LSTM, {"like": "torch.nn.GRU"}, "torch.nn.GRU is none of torch.nn.LSTM"),
        (nn.LSTM, {"gates": "ifgg"}, "--gates ifgg is no order of gates"),
        (nn.LSTM, {"gates": "figo"}, "torch's names tell the order of its gates, ifgo: leave out --gates"),
        (
            users.IgnoresProjection,
            {"fixed": {"hiden": 3}},
            "its constructor has no argument hiden; did you mean hidden_size?",
        ),
        (users.BatchFirst(3, 4), {"fixed": {"num_layer": 1}}, "num_layer; did you mean num_layers?"),
        (users.BatchFirst, {"fixed": {"depth": 1}}, "has no argument depth; it has input_sz, hidden_sz"),
        (len, {"like": "torch.nn.LSTM"}, "does not take the sizes of the input and the hidden state"),
        (lambda n, k: n + k, {"like": "torch.nn.LSTM"}, "int is no torch.nn.Module"),
        (lambda lstm: 3, {"converts": "torch.nn.LSTM"}, "the converter returned int, expected a module"),
        (users.BatchFirst(3, 4), {}, "--with input_size=… --with hidden_size=…"),
        (Deep(5, 7, 2), {"fixed": SIZES}, "docs/adapters.md): --with num_layers=… --with bidirectional=…"),
    ],
)
def test_what_cannot_be_judged_says_what_to_do(module: Any, asked: Mapping[str, Any], why: str) -> None:
    with pytest.raises(UnusableModule) as error:
        understood(module, **asked)
    assert why in str(error.value)


def test_a_trained_module_has_the_options_that_the_user_states() -> None:
    assert understood(users.BatchFirst(5, 7), fixed=SIZES).facts["gates"] == "ifgo"
    assert understood(Deep(5, 7, 2), fixed={**SIZES, "num_layers": 2}).network["directions"] == 1


def test_like_takes_a_class_and_advises_in_python() -> None:
    (lstm, *_, supports) = like(nn.LSTM, nn.LSTM)
    assert lstm.understood["like"] == "torch.nn.LSTM"
    assert supports["projection"] == "fewer"
    with pytest.raises(
        ValueError, match=r"needs cell_size, .*: --with cell_size=… \(here --with is fixed={…}"
    ):
        like(users.NeedsMore, nn.LSTM)
    with pytest.raises(ValueError, match=r"torch\.nn\.modules\.rnn\.GRU is none of torch\.nn\.LSTM"):
        like(nn.GRU, nn.GRU)


def test_an_option_under_another_name_is_named() -> None:
    limits = understood(Deep).facts["limits"]
    assert limits["layers"] == "its constructor has no num_layers; it has depth"
    assert limits["directions"] == limits["projection"] == "its constructor has no argument for it"


def test_the_gates_that_the_user_states_are_printed_though_others_would_fit() -> None:
    cell = partial(users.ListOfGates, order="ifgo")
    for gates in ("hx:ofig", "hx:gfio", "ofig"):
        found = understood(cell, like="torch.nn.LSTMCell", gates=gates)
        order = found.facts["joined"], found.facts["gates"], found.facts["fits"]
        assert order == ("hx", gates[-4:], "hx:ifgo")


def test_what_fails_for_a_projection_without_a_word_is_judged_on_it() -> None:
    found = understood(WithoutProjection, converts="torch.nn.LSTM")
    assert "projection" not in found.facts["limits"]
    x, *states, parameters, options = trial_arguments("lstm", Sizes(2, 5, n_p=3))
    with pytest.raises(ValueError, match="shapes do not match"):
        found.functions["lstm_layer"](x, *states, parameters, options)


def test_weights_of_other_shapes_than_an_option_needs_are_judged() -> None:
    found = understood(WrongShapes)
    assert "stacked_directions" not in found.supports
    given = trial_arguments("lstm", Sizes(2, 3, layers=2, directions=2))
    with pytest.raises(WrongModule, match=r"has shape \(12, 3\), expected \(12, 6\) of num_layers=2, bid"):
        found.functions["lstm_layer"](*given)


def test_numbers_that_change_with_every_call_are_said_to() -> None:
    found = understood(fresh, converts="torch.nn.LSTM")
    assert found.facts["other_modes"] == ["every call"]


class Annotated(nn.Module):
    """Calls an LSTM with annotations that TorchScript reads."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.lstm = lstm

    def forward(
        self,
        x: Tensor,
        states: Optional[Tuple[Tensor, Tensor]] = None,  # noqa: UP006, UP045
    ) -> Tuple[Tensor, Tuple[Tensor, Tensor]]:  # noqa: UP006
        return self.lstm(x, states)  # type: ignore[no-any-return]


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_what_torch_makes_of_a_module_is_a_converter() -> None:
    """Takes seconds: TorchScript compiles a module for each of its sizes."""
    converters: list[Any] = [
        lambda lstm: torch.jit.script(Annotated(lstm)),
        lambda lstm: torch.compile(lstm, backend="eager"),
    ]
    x, *states, parameters, options = trial_arguments("lstm", Sizes(2, 3, layers=2))
    right = lstm_layer(x, states[0], states[1], parameters, options)
    for converter in converters:
        found = understood(converter, converts="torch.nn.LSTM")
        assert {*found.facts["limits"]} <= {"lengths"}
        ours = found.functions["lstm_layer"](x, *states, parameters, options)
        assert all(np.allclose(a, b) for a, b in zip(ours, right, strict=True))


class Shifted(nn.LSTMCell):
    """Adds to the hidden state, and takes an input without features, as the right cell does."""

    shift = 0.5

    def forward(self, x: Tensor, hx: Any = None) -> Any:
        if x.shape[1]:
            h, c = super().forward(x, hx)
        else:
            h, c = hx
        return h + self.shift, c


class Unshifted(Shifted):
    """The same without the mistake."""

    shift = 0.0


def test_a_wrong_answer_of_an_empty_input_is_no_limit() -> None:
    """Torch refuses an input without features in words; who answers it is judged."""
    wrong, right = (understood(make, like="torch.nn.LSTMCell") for make in (Shifted, Unshifted))
    assert wrong.supports["empty"] == right.supports["empty"]
    assert "n_x" in wrong.supports["empty"]


class NoEmptyBatch(Shifted):
    """Refuses an empty batch in words."""

    def forward(self, x: Tensor, hx: Any = None) -> Any:
        if not len(x):
            raise ValueError("an empty batch is not supported")
        return super().forward(x, hx)


class NothingEmpty(NoEmptyBatch):
    """Refuses an input without features, too."""

    def forward(self, x: Tensor, hx: Any = None) -> Any:
        if not x.shape[1]:
            raise ValueError("an input without features is not supported")
        return super().forward(x, hx)


def test_the_empty_sizes_of_a_module_are_not_those_of_another() -> None:
    features, none = (understood(make, like="torch.nn.LSTMCell") for make in (NoEmptyBatch, NothingEmpty))
    assert "m" not in {*features.supports["empty"], *none.supports["empty"]}
    assert "n_x" in features.supports["empty"]
    assert "n_x" not in none.supports["empty"]
