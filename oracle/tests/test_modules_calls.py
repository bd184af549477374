"""Modules without an adapter: the ways to call them."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from oracle.modules.fitting import trial_arguments
from oracle.modules.interface import Sizes
from oracle.tests import torch_modules_with_own_calls as callers
from oracle.tests.test_modules import is_right, understood
from reference.layers import lstm_layer, lstm_layer_backward, rnn_layer


class Padded(nn.Module):
    """An LSTM that takes no packed sequences, but a mask, of the padding if `inverted`."""

    def __init__(self, input_size: int, hidden_size: int, inverted: bool = False) -> None:
        super().__init__()
        self.inverted = inverted
        self.lstm = nn.LSTM(input_size, hidden_size, batch_first=True)

    def forward(self, x: Any, hx: Any = None, mask: Any = None) -> Any:
        assert torch.is_tensor(x)
        if mask is None:
            return self.lstm(x, hx)
        mask = ~mask if self.inverted else mask
        packed = nn.utils.rnn.pack_padded_sequence(x, mask.sum(1), batch_first=True, enforce_sorted=False)
        output, last = self.lstm(packed, hx)
        return nn.utils.rnn.pad_packed_sequence(output, batch_first=True)[0], last


def test_an_output_may_end_with_the_longest_sample() -> None:
    assert understood(Padded, fixed={"inverted": True}).facts["lengths"] == ["padding"]
    found = understood(Padded)
    assert found.facts["lengths"] == ["mask"]
    lengths = np.array([3, 1, 2])  # of 4 steps
    x, *states, parameters, options = trial_arguments("lstm", Sizes(2, 3), lengths=lengths)
    a, *_ = found.functions["lstm_layer"](x, *states, parameters, options)
    assert np.allclose(a, lstm_layer(x, states[0], states[1], parameters, options)[0])


def test_modules_that_take_packed_sequences_or_lengths_alone() -> None:
    packed, counted = understood(callers.PackedOnly), understood(callers.LengthsOnly)
    assert (packed.facts["lengths"], counted.facts["lengths"]) == (["packed"], ["counts"])
    assert is_right(packed, Sizes(2, 3, layers=2, directions=2))
    assert counted.supports["initial_state"] is counted.supports["c_last"] is False
    assert counted.supports["layers"] == 1
    assert [*counted.functions] == ["lstm_layer"]
    x, _, _, parameters, options = trial_arguments("lstm", Sizes(2, 3))
    a, a_last, c_last = counted.functions["lstm_layer"](x, None, None, parameters, options)
    right = lstm_layer(x, None, None, parameters, options)
    assert np.allclose(a, right[0])
    assert np.allclose(a_last, right[1])
    assert c_last is None


def test_each_way_of_lengths_is_used_and_the_sum_of_the_lengths_chooses_it() -> None:
    found = understood(callers.SortedLengths, like="torch.nn.RNN")
    assert found.facts["lengths"] == ["packed", "counts sorted"]
    assert is_right(found, Sizes(2, 3), lengths=[2, 4, 1])
    assert is_right(found, Sizes(2, 3), lengths=[2, 4, 2])
    wrong = understood(callers.LengthsOfStatesAlone, like="torch.nn.LSTM")
    assert wrong.facts["lengths"] == ["packed", "counts"]
    assert is_right(wrong, Sizes(2, 3, directions=2), lengths=[2, 4, 2])
    assert not is_right(wrong, Sizes(2, 3, directions=2), lengths=[2, 4, 1])


def test_an_argument_for_lengths_that_raises_is_named() -> None:
    found = understood(callers.MaskOfAnotherShape)
    assert found.facts["lengths"] == ["packed"]
    assert "RuntimeError" in found.facts["not_judged"]["mask"]


def test_states_and_lengths_may_be_arguments_by_name_alone() -> None:
    found = understood(callers.ByNameAlone, like="torch.nn.RNN")
    assert {*found.facts["limits"]} == {"layers", "directions", "activations"}
    assert is_right(found, Sizes(2, 3), lengths=[2, 4, 1])


def test_two_arguments_for_states_may_be_passed_by_name_alone() -> None:
    found = understood(callers.TwoStatesByName)
    assert found.facts["states"] == "arguments"
    assert is_right(found, Sizes(2, 3))


def test_what_a_module_writes_to_its_input_is_in_the_arrays() -> None:
    x, a0, parameters, options = trial_arguments("rnn", Sizes(2, 3))
    before = a0.copy()
    understood(callers.OverwritesItsState, like="torch.nn.RNN").functions["rnn_layer"](
        x, a0, parameters, options
    )
    assert np.array_equal(a0, before + 1)


@pytest.mark.parametrize("module", [callers.Masked, callers.ByNameAlone])
def test_a_module_with_a_mask_or_lengths_is_called_with_no_samples(module: Any) -> None:
    """Without lengths, since torch packs no empty batch."""
    found = understood(module, like="torch.nn.RNN")
    assert is_right(found, Sizes(2, 3), lengths=[2, 4, 1])
    x, a0, parameters, options = trial_arguments("rnn", Sizes(2, 3))
    a, a_last = found.functions["rnn_layer"](
        x[:, :0], a0[..., :0], parameters, {**options, "lengths": np.zeros(0, int)}
    )
    assert (a.shape, a_last.shape) == ((3, 0, x.shape[2]), (1, 3, 0))


def test_arrays_of_negative_strides_reach_the_module() -> None:
    x, *states, parameters, options = trial_arguments("rnn", Sizes(1, 1))
    x, a0 = x[:, :1], states[0][..., :1]
    ours, _ = understood(torch.nn.RNN).functions["rnn_layer"](x[::-1, ::-1], a0, parameters, options)
    assert np.allclose(ours, rnn_layer(x, a0, parameters, options)[0])


def test_each_layer_may_have_a_pair_of_states_of_its_own() -> None:
    found = understood(callers.OwnLayers, like="torch.nn.LSTM")
    assert (found.facts["states"], found.facts["limits"].get("layers")) == ("pairs", None)
    assert is_right(found, Sizes(2, 3, layers=2))


def test_learned_initial_states_are_0_without_other_states_and_must_not_matter_beside_them() -> None:
    assert not is_right(understood(callers.LearnedStatesAdded), Sizes(2, 3))
    found, alone = (understood(each) for each in (callers.LearnedStates, callers.LearnedStatesAlone))
    for each in (found, alone):
        assert each.facts["learned_states"] == ["h0", "init_cell"]
    assert is_right(found, Sizes(2, 3, layers=2))
    assert found.supports["lengths"] is False  # without states it takes no packed sequences
    assert alone.supports["initial_state"] is False
    x, *_, parameters, options = trial_arguments("lstm", Sizes(2, 3, layers=2))
    for each in (found, alone):
        ours = each.functions["lstm_layer"](x, None, None, parameters, options)
        right = lstm_layer(x, None, None, parameters, options)
        assert all(np.allclose(a, b) for a, b in zip(ours, right, strict=True))


def test_gradients_of_a_module_without_initial_states_are_those_of_its_input_and_parameters() -> None:
    found = understood(callers.LearnedStatesAlone)
    x, *states, parameters, options = trial_arguments("lstm", Sizes(2, 3))
    given: Any = (x, *(0 * each for each in states), parameters, options)
    incoming: Any = [np.ones_like(each) for each in lstm_layer(*given)]
    dx, da0, dc0, by_parameters = found.functions["lstm_layer_backward"](*incoming, *given)
    right_dx, *_, right_by_parameters = lstm_layer_backward(*incoming, *given)
    assert da0 is dc0 is None
    assert np.allclose(dx, right_dx)
    assert all(np.allclose(by_parameters[0][name], each) for name, each in right_by_parameters[0].items())


def test_last_states_may_be_a_list_for_each_state() -> None:
    assert is_right(understood(callers.ListsOfStates, like="torch.nn.LSTM"), Sizes(2, 3, layers=2))


def test_states_may_be_a_dict_and_are_not_ignored() -> None:
    found, ignores = (understood(each) for each in (callers.StatesByName, callers.StatesByNameIgnored))
    assert found.facts["states"] == ignores.facts["states"] == "dict"
    assert is_right(found, Sizes(2, 3))
    assert not is_right(ignores, Sizes(2, 3))
    assert understood(callers.StatesByUnknownName).supports["initial_state"] is False
