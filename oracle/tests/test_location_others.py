"""What a network takes from other layers, directions and calls, and lengths and steps that are others."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import reference
from oracle.limits import ANYTHING
from oracle.location.networks.calls import left_behind
from oracle.problem import LayerProblem
from oracle.tests.strangers.located import Asked
from oracle.tests.test_location_layers import found_for


def test_a_memory_state_that_is_handed_up_is_told() -> None:
    def handed_up(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        D, c0 = options["directions"], np.array(c0)
        for k in range(D, len(parameters), D):
            c0[k : k + D] = reference.lstm_layer(x, a0, c0, parameters, options)[2][k - D : k]
        return reference.lstm_layer(x, a0, c0, parameters, options)

    found = found_for("lstm_layer", handed_up, layers=2)
    assert found
    assert (found.where, found.when) == ("c0 of a layer and direction is not its own", "of 2 layers")
    assert found.how == "of a layer above another what the layer below has ended with"


def test_parameters_of_another_direction_are_told() -> None:
    def of_forward(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        if options["directions"] == 2:
            parameters = [{**p, "ba": parameters[k - k % 2]["ba"]} for k, p in enumerate(parameters)]
        return reference.rnn_layer(x, a0, parameters, options)

    found = found_for("rnn_layer", of_forward, directions=2)
    assert found
    assert found.where == "ba of a layer and direction is not its own"
    assert found.when == "in two directions"
    assert found.how == "of two directions, backward has those of forward"


@pytest.mark.parametrize("block", [4, 8])
def test_lengths_that_are_rounded_to_blocks_are_told(block: int) -> None:
    def rounded(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        if "lengths" in options:
            blocks = -(-options["lengths"] // block)
            options = {**options, "lengths": np.minimum(blocks * block, x.shape[2])}
        return reference.rnn_layer(x, a0, parameters, options)

    found = found_for("rnn_layer", rounded, lengths="random")
    assert found
    assert found.where == "the lengths are not those that are given"
    assert found.when == f"where any is less than T_x and no multiple of {block}"
    assert found.how == f"as if each were rounded up to a multiple of {block}, and at most T_x"


def test_a_sequence_that_is_reversed_with_its_padding_is_told() -> None:
    def reversed_whole(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        if options["directions"] == 1:
            return reference.rnn_layer(x, a0, parameters, options)
        one_way, last = {**options, "directions": 1}, []
        for k in range(0, len(parameters), 2):
            a, a_last = reference.rnn_layer(x, a0[k : k + 1], parameters[k : k + 1], one_way)
            back, back_last = reference.rnn_layer(
                x[:, :, ::-1], a0[k + 1 : k + 2], parameters[k + 1 : k + 2], one_way
            )
            last += [a_last, back_last]
            x = np.concatenate([a, back[:, :, ::-1]])
        return x, np.concatenate(last)

    found = found_for("rnn_layer", reversed_whole, lengths="random", directions=2)
    assert found
    assert found.where == "the backward direction does not read the steps of a sequence"
    assert found.when == "in two directions, where any length is less than T_x"
    assert found.how == "it reads the last steps of x, as many as the sequence has, and returns them there"


@pytest.mark.parametrize(("names", "said"), [(["Waa", "Wax"], "Wax, Waa are"), (["ba"], "ba is")])
def test_parameters_of_the_first_call_are_told(names: list[str], said: str) -> None:
    kept: dict[str, Any] = {}

    def remembering(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        first = kept.setdefault("first", parameters)
        mixed = [
            {**own, **{name: one[name] for name in names}} for own, one in zip(parameters, first, strict=True)
        ]
        return reference.rnn_layer(x, a0, mixed, options)

    def make() -> SimpleNamespace:
        kept.clear()
        return SimpleNamespace(rnn_layer=remembering)

    asked = Asked("rnn_layer", make)
    problem = LayerProblem("rnn_layer", n_x=2, n_a=3, m=2, T_x=3)
    assert left_behind("rnn_layer", asked, problem, asked.anew, ANYTHING) == f"{said} those of the first call"


def test_lengths_that_are_others_in_one_direction_are_told() -> None:
    def shortest(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        D, last = options["directions"], []
        least = {**options}
        if "lengths" in options:
            least["lengths"] = np.full_like(options["lengths"], options["lengths"].min())
        for k in range(0, len(parameters), D):
            own = a0[k : k + D], parameters[k : k + D]
            (a, a_last), (other, other_last) = (
                reference.rnn_layer(x, *own, each) for each in (options, least)
            )
            n = a0.shape[1]
            x = np.concatenate([other[:n], a[n:]])
            last.append(np.concatenate([other_last[:1], a_last[1:]]))
        return x, np.concatenate(last)

    found = found_for("rnn_layer", shortest, lengths="random", directions=2)
    assert found
    assert found.where == "the lengths in the forward direction are not those that are given"
    assert (found.when, found.how) == ("where not all are equal", "as if all were the smallest")


def test_what_was_left_in_the_padding_is_told() -> None:
    kept: dict[Any, Any] = {}

    def uncleared(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        a, a_last = reference.rnn_layer(x, a0, parameters, options)
        within = np.arange(x.shape[2]) < options.get("lengths", np.full(x.shape[1], x.shape[2]))[:, None]
        returned = kept.setdefault(a.shape, np.zeros_like(a))
        returned[...] = np.where(within, a, returned)
        return returned.copy(), a_last

    def make() -> SimpleNamespace:
        kept.clear()
        return SimpleNamespace(rnn_layer=uncleared)

    asked = Asked("rnn_layer", make)
    problem = LayerProblem("rnn_layer", n_x=2, n_a=3, m=2, T_x=3, lengths="random")
    found = left_behind("rnn_layer", asked, problem, asked.anew, ANYTHING)
    assert found == "a beyond the end of a sequence is what the call before has returned there"
    asked = Asked("rnn_layer", lambda: reference)
    assert left_behind("rnn_layer", asked, problem, asked.anew, ANYTHING) == ""
