"""Modules without an adapter: what is understood of them, and that they then compute what they should."""

from functools import partial
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch

from oracle.modules.adapter import mean, torch_gradients
from oracle.modules.fitting import choose_reading, trial_arguments
from oracle.modules.interface import INTERFACES, ModuleOptions, Sizes, UnusableModule, WrongModule
from oracle.modules.trials import Understood
from oracle.modules.understanding import like, understand
from oracle.modules.weights import Role
from oracle.tests import right_modules as right
from oracle.tests import torch_modules_of_users as users
from oracle.tests import torch_modules_with_layers as layered
from reference.layers import lstm_layer, lstm_layer_backward, rnn_layer

DEEP = Sizes(2, 3, layers=2, directions=2)


def understood(make: Any, **asked: Any) -> Understood:
    return understand(make, getattr(make, "__name__", "make"), ModuleOptions(**asked))


def is_right(found: Understood, sizes: Sizes, lengths: Any = None) -> bool:
    """Whether the forward pass of its network agrees with the reference."""
    interface = INTERFACES[found.facts["like"]]
    given: dict[str, Any] = {} if lengths is None else {"lengths": np.array(lengths)}
    x, *states, parameters, options = trial_arguments(interface.kind, sizes, **given)
    name, reference = {"lstm": ("lstm_layer", lstm_layer), "rnn": ("rnn_layer", rnn_layer)}[interface.kind]
    ours = found.functions[name](x, *states, parameters, options)
    theirs: Any = reference(x, *states, parameters, options)  # type: ignore[operator]
    return all(np.allclose(a, b, atol=1e-12) for a, b in zip(ours, theirs, strict=True))


def test_modules_of_torch_do_what_they_document() -> None:
    lstm, rnn = understood(torch.nn.LSTM), understood(torch.nn.RNN)
    assert (lstm.facts["weights"], lstm.facts["gates"]) == ("torch's names", "ifgo")
    assert (lstm.facts["time"], lstm.facts["lengths"], lstm.facts["limits"]) == ("first", ["packed"], {})
    for found in (lstm, rnn):  # some versions of torch take no features, too
        assert "m" in found.supports["empty"]
        kept = {"memory_layouts", "bad_shapes"}  # the harness copies arrays and checks shapes
        assert kept <= {*found.supports} <= {"empty", "projection", "absent_states", *kept}
    assert lstm.supports["projection"] == "fewer"
    assert (lstm.supports["absent_states"], rnn.supports.get("absent_states")) == ("both", None)
    assert is_right(lstm, Sizes(2, 5, layers=2, directions=2, n_p=3), lengths=[2, 4, 1])
    assert is_right(rnn, Sizes(2, 3, layers=2, directions=2, activation="relu"))


def test_cells_of_torch_are_called_step_by_step() -> None:
    for cell in (torch.nn.LSTMCell, torch.nn.RNNCell):
        found = understood(cell)
        assert found.facts["time"] == "stepped"
        assert (found.supports["layers"], found.supports["lengths"]) == (1, False)
        assert is_right(found, Sizes(2, 3))


def test_an_rnn_cell_whose_constructor_takes_no_activation_is_judged_with_tanh_alone() -> None:
    found = understood(users.HiddenBiasUnused, fixed={"nonlinearity": "tanh"})
    assert found.supports["activations"] == ["tanh"]
    assert "activations" not in understood(torch.nn.RNNCell).supports


def test_the_order_of_gates_is_found_by_fit() -> None:
    for order in ("ifgo", "iofg", "gfoi"):
        found = understood(partial(users.StackedGates, order=order), like="torch.nn.LSTM")
        assert found.facts["gates"] == order
        assert is_right(found, Sizes(2, 3))
    for joined in ("xh", "hx"):
        found = understood(partial(users.StackedGates, order="figo", joined=joined), like="torch.nn.LSTM")
        assert (found.facts["gates"], found.facts["joined"]) == ("figo", joined)
        assert is_right(found, Sizes(2, 3))


def test_of_all_orders_of_gates_one_fits() -> None:
    """Takes seconds: 24 modules with 24 readings each."""
    for order in map("".join, permutations("ifgo")):
        found = understood(partial(users.StackedGates, order=order), like="torch.nn.LSTM")
        assert found.facts["gates"] == order


def test_of_two_readings_that_fit_none_is_guessed() -> None:
    one, other = ({"w": Role("xa", gates)} for gates in ("ifgo", "iofg"))
    assert choose_reading([one, other], [1.0, 1e-9], "lstm") is other
    with pytest.raises(UnusableModule, match="two readings of its weights fit, xh:iofg and xh:ifgo"):
        choose_reading([one, other], [1e-6, 1e-9], "lstm")


def test_a_module_that_is_wrong_and_has_no_names_is_not_guessed() -> None:
    class NoForgetting(users.BatchFirst):
        def forward(self, x: torch.Tensor, init_states: Any = None) -> Any:
            _, (h, c) = super().forward(x, init_states)
            return super().forward(x, (h, c))

    with pytest.raises(
        UnusableModule, match=r"none of 24 readings of its weights gives an LSTM; the nearest, \w+, is"
    ):
        understood(NoForgetting)
    found = understood(NoForgetting, gates="ifgo")
    assert found.facts["weights"] == "--gates"
    assert not is_right(found, Sizes(2, 3))


def test_weights_that_act_from_the_right_and_the_batch_first() -> None:
    found = understood(users.BatchFirst)
    assert (found.facts["time"], found.facts["gates"]) == ("second", "ifgo")
    assert is_right(found, Sizes(2, 3))


def test_what_is_not_judged_of_the_batch_first_is_told() -> None:
    stated = "batch_first=True"
    assert understood(right.MaskByStep).facts["not_judged"] == {stated: f"--with {stated}"}
    assert stated not in understood(right.MaskByStep, fixed={"batch_first": True}).facts["not_judged"]
    assert stated not in understood(users.BatchFirst).facts["not_judged"]


class BatchFirstStates(torch.nn.LSTM):
    """Returns the last states with the batch first, which torch never does."""

    def forward(self, input: Any, hx: Any = None) -> Any:
        output, last = super().forward(input, hx)
        return output, tuple(each.transpose(0, 1) for each in last)


def test_states_of_another_shape_have_no_gradients() -> None:
    _, backward, _ = like(BatchFirstStates, torch.nn.LSTM)
    given: Any = trial_arguments("lstm", DEEP)
    with pytest.raises(WrongModule, match="it returned shapes"):
        backward(*lstm_layer(*given), *given)


def test_the_names_of_gates_count_whatever_the_module_computes() -> None:
    right, wrong = understood(users.NamedGates), understood(users.ExchangedGates, like="torch.nn.LSTMCell")
    assert right.facts["weights"] == wrong.facts["weights"] == "the names of gates"
    assert is_right(right, Sizes(2, 3))
    assert not is_right(wrong, Sizes(2, 3))


def test_of_two_biases_of_a_gate_the_names_tell_the_second() -> None:
    found = understood(users.DocumentedNames, like="torch.nn.LSTMCell")
    assert found.facts["weights"] == "the names of gates"
    assert is_right(found, Sizes(2, 3))


def test_weights_may_have_an_axis_for_the_gates() -> None:
    for left in (False, True):
        found = understood(users.GatesApart, fixed={"left": left})
        assert (found.facts["weights"], found.facts["gates"]) == ("fit", "figo")
        assert is_right(found, Sizes(2, 3))


def test_which_weights_act_on_the_input_shows_in_a_wrong_module_too() -> None:
    found = understood(users.NamedGatesOfBoth, like="torch.nn.LSTMCell")
    assert (found.facts["weights"], found.facts["joined"]) == ("the names of gates", "hx")
    assert not is_right(found, Sizes(2, 3))


def test_a_module_that_leaves_out_the_second_of_two_biases_is_wrong() -> None:
    assert is_right(understood(torch.nn.RNNCell), Sizes(2, 3))
    assert not is_right(understood(users.HiddenBiasUnused), Sizes(2, 3))


def test_layers_and_directions_that_numbers_tell_in_another_order_are_refused() -> None:
    assert is_right(understood(layered.Flat, like="torch.nn.RNN"), DEEP)
    for module, limit in (
        (layered.FlatBackwardFirst, "directions"),
        (layered.FlatByDirection, "stacked_directions"),
        (layered.TopLayerFirst, "layers"),
    ):
        exchanged = understood(module, like="torch.nn.RNN")
        assert exchanged.supports[limit] == 1
        assert limit in exchanged.facts["limits"]


@pytest.mark.parametrize("order", ["ifgo", "ofig", "gfio", "iogf"])
def test_gates_in_a_list_are_found_by_fit(order: str) -> None:
    found = understood(partial(users.ListOfGates, order=order), like="torch.nn.LSTMCell")
    assert (found.facts["gates"], found.facts["joined"]) == (order, "hx")
    assert is_right(found, Sizes(2, 3))


def test_other_numbers_in_training_mode_are_said() -> None:
    assert understood(users.Dropped).facts["other_modes"] == ["training mode"]
    assert understood(torch.nn.LSTM).facts["other_modes"] == []


def test_an_option_that_is_refused_is_a_limit_and_one_that_is_ignored_is_not() -> None:
    refused, ignored = understood(users.RefusesLayers), understood(users.IgnoresProjection)
    assert refused.supports["layers"] == 1
    assert "only one layer so far" in refused.facts["limits"]["layers"]
    assert ignored.supports["projection"] == "fewer"
    assert ignored.supports["layers"] == 1
    assert ignored.facts["limits"]["layers"] == "its constructor has no argument for it"


def test_fixed_arguments_reach_the_constructor() -> None:
    found = understood(users.NeedsMore, fixed={"cell_size": 3})
    assert found.facts["gates"] == "ifgo"


def test_gradients_come_by_autograd() -> None:
    forward, backward, supports = like(users.BatchFirst, "torch.nn.LSTM")
    assert "gradients" not in supports
    x, *states, parameters, options = trial_arguments("lstm", Sizes(2, 3))
    incoming = [np.ones_like(each) for each in forward(x, *states, parameters, options)]
    given = (*incoming, x, *states, parameters, options)
    *ours, by_parameters = backward(*given)
    *expected, expected_by_parameters = lstm_layer_backward(*given)
    assert all(np.allclose(a, b) for a, b in zip(ours, expected, strict=True))
    for own, theirs in zip(by_parameters, expected_by_parameters, strict=True):
        assert own.keys() == theirs.keys()
        assert all(np.allclose(own[name], theirs[name]) for name in own)


@pytest.mark.parametrize(
    "mistake", ["", "c0 is ignored", "states by direction", "other gates backward", "backward first"]
)
def test_a_mistake_of_states_layers_or_directions_is_no_limit(mistake: str) -> None:
    """Though the gates are found by fit, which the mistake spoils with more layers or directions."""
    found = understood(layered.FusedDirections, like="torch.nn.LSTM", fixed={"mistake": mistake})
    assert {*found.facts["limits"]} == {"projection", "lengths"}
    assert found.facts["gates"] == "ifog"
    assert is_right(found, DEEP) == (not mistake)


def test_what_is_made_of_a_module_is_judged_with_the_weights_of_that_module() -> None:
    shares = understood(users.Scripted, converts="torch.nn.LSTM")
    assert {*shares.functions} == {"lstm_layer", "lstm_layer_backward"}
    copies = understood(users.copied, converts="torch.nn.LSTM")
    assert {*copies.functions} == {"lstm_layer", "lstm_layer_backward"}
    anew = understood(right.Closure, converts="torch.nn.LSTM")
    assert anew.facts["limits"]["gradients"] == "none reaches the weights that are set"
    assert {*anew.functions} == {"lstm_layer"}
    for found in (shares, copies, anew):
        assert is_right(found, Sizes(2, 5, layers=2, directions=2, n_p=3))
        assert is_right(found, Sizes(2, 5, layers=2, directions=2, n_p=3))


def test_a_trained_module_has_its_sizes_and_weights() -> None:
    decoder = users.model.decoder
    assert isinstance(decoder, torch.nn.Module)
    found = understood(decoder)
    sizes = Sizes(3, 4, layers=2, directions=2)
    assert is_right(found, sizes, lengths=[2, 4, 1])
    x, *states, _, options = trial_arguments("lstm", sizes, dtype="float32")
    ours = found.functions["lstm_layer"](x, *states, found.network["parameters"], options)
    given = [torch.from_numpy(array.transpose(0, 2, 1)) for array in states]
    with torch.no_grad():
        own, _ = decoder(torch.from_numpy(x.transpose(2, 1, 0)), tuple(given))
    assert np.allclose(ours[0], own.numpy().transpose(2, 1, 0), atol=1e-6)


def test_gradients_leave_out_an_output_that_depends_on_nothing() -> None:
    """Modules make the output of no steps from new zeros, for which torch raises an error."""
    a, none = torch.ones(3, requires_grad=True), torch.zeros(0, 3)
    [found] = torch_gradients([none, 2 * a], [a], [none, torch.ones(3)])
    assert found.tolist() == [2, 2, 2]
    [found] = torch_gradients([none], [a], [none])
    assert found.tolist() == [0, 0, 0]
    with pytest.raises(RuntimeError, match="does not require grad"):
        torch_gradients([torch.ones(1)], [a], [torch.ones(1)])


@pytest.mark.filterwarnings("ignore:Anomaly Detection has been enabled:UserWarning")
def test_a_module_that_detects_anomalies_may_have_gradients_that_are_nan() -> None:
    leaf = torch.zeros(1, requires_grad=True)
    with torch.autograd.set_detect_anomaly(True):
        [found] = torch_gradients([leaf * (1 / leaf)], [leaf], [torch.ones(1)])
    assert found.isnan().all()


def test_a_module_may_choose_that_numpy_raises_errors() -> None:
    with np.errstate(all="raise"):
        found = mean(np.array([np.inf, np.inf, 3.0]), np.array([np.inf, -np.inf, 5.0]))
    np.testing.assert_array_equal(found, [np.inf, np.nan, 4.0])
