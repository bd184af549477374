"""What a network takes from other layers, directions and calls, and lengths and steps that are others."""

from collections.abc import Callable
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


def left_by(layer: Callable[..., Any], kept: dict[Any, Any], **fields: Any) -> str:
    """What is told of a layer that uses what it has `kept` of earlier calls."""

    def make() -> SimpleNamespace:
        kept.clear()
        return SimpleNamespace(rnn_layer=layer)

    asked = Asked("rnn_layer", make)
    problem = LayerProblem("rnn_layer", n_x=2, n_a=3, m=2, T_x=3, **fields)
    return left_behind("rnn_layer", asked, problem, asked.anew, ANYTHING)


def test_a_memory_state_that_is_handed_up_is_told() -> None:
    def handed_up(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        D, c0 = options["directions"], np.array(c0)
        for k in range(D, len(parameters), D):
            c0[k : k + D] = reference.lstm_layer(x, a0, c0, parameters, options)[2][k - D : k]
        return reference.lstm_layer(x, a0, c0, parameters, options)

    found = found_for("lstm_layer", handed_up, layers=2)
    assert found
    assert (found.where, found.when) == ("c0 of a layer and direction is not its own", "of 2 layers or more")
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
    assert found.how == "each backward direction has those of the forward one"


def test_no_parameters_are_named_that_are_of_another_shape() -> None:
    def of_first_layer(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        D = options["directions"]
        biases = [{name: p[name] for name in p if name.startswith("b")} for p in parameters]
        shared = [{**p, **biases[k % D]} for k, p in enumerate(parameters)]
        return reference.lstm_layer(x, a0, c0, shared, options)

    found = found_for("lstm_layer", of_first_layer, layers=2)
    assert found
    assert found.where == "bf, bi, bc, bo of a layer and direction are not its own"


def test_what_explains_all_but_the_counterexample_is_not_told() -> None:
    def beyond_four(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        if "lengths" in options:
            lengths = np.array(options["lengths"])
            lengths[4:] = x.shape[2]
            options = {**options, "lengths": lengths}
        return reference.rnn_layer(x, a0, parameters, options)

    found = found_for("rnn_layer", beyond_four, lengths="random", m=8)
    assert found is None or "m mod 4" not in found.how


@pytest.mark.parametrize("block", [4, 8, 32])
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


def test_lengths_that_a_tile_shares_are_told() -> None:
    def tiled(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        if "lengths" in options:
            ends, starts = options["lengths"], np.arange(0, x.shape[1], 4)
            shared = np.repeat(np.maximum.reduceat(ends, starts), 4)[: len(ends)] if len(ends) else ends
            options = options | {"lengths": shared}
        return reference.rnn_layer(x, a0, parameters, options)

    found = found_for("rnn_layer", tiled, m=6, lengths="random")
    assert found
    assert found.how == "as if those of each 4 samples were the largest of these"


def test_lengths_that_are_limited_to_the_last_index_are_told() -> None:
    def limited(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        if "lengths" in options and x.shape[2] > 1:
            options = options | {"lengths": np.minimum(options["lengths"], x.shape[2] - 1)}
        return reference.rnn_layer(x, a0, parameters, options)

    found = found_for("rnn_layer", limited, lengths="with T_x")
    assert found
    assert found.how == "as if those of T_x were 1 less"


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

    found = left_by(remembering, kept)
    assert found == f"{said} those of the first call"


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


@pytest.mark.parametrize(
    ("key", "whose"),
    [
        (lambda x, p: x.shape, "the first call of its n_x, m and T_x"),
        (lambda x, p: (p["Waa"].shape, x.dtype), "the first call of its n_a and dtype"),
        (
            lambda x, p: (*p["Wax"].shape, x.shape, x.dtype),
            "the first call of its n_x, n_a, m, T_x and dtype",
        ),
    ],
)
def test_parameters_of_the_first_call_that_agrees_are_told(key: Callable[..., Any], whose: str) -> None:
    kept: dict[Any, Any] = {}

    def remembering(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        return reference.rnn_layer(x, a0, kept.setdefault(key(x, parameters[0]), parameters), options)

    assert left_by(remembering, kept) == f"Wax, Waa, ba are those of {whose}"


@pytest.mark.parametrize("of_first", [False, True])
def test_states_of_an_earlier_call_are_told(of_first: bool) -> None:
    kept: dict[str, Any] = {}

    def stateful(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        a, a_last = reference.rnn_layer(x, kept.get("last", a0), parameters, options)
        if not (of_first and kept):
            kept["last"] = a_last.copy()
        return a, a_last

    found = left_by(stateful, kept)
    assert found == f"a0 is what {'the first call' if of_first else 'the call before'} has ended with"


@pytest.mark.parametrize("one_alone", [False, True])
def test_states_that_are_kept_by_their_shape_are_told(one_alone: bool) -> None:
    kept: dict[Any, Any] = {}

    def stateful(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        shape = len(parameters), len(parameters[0]["ba"]), x.shape[1]
        given = kept.get(shape, np.zeros(shape)) if a0 is None else a0
        a, a_last = reference.rnn_layer(x, given, parameters, options)
        if one_alone:
            kept.clear()
        kept[shape] = a_last.copy()
        return a, a_last

    whose = (
        "the call before, if that is of its n_a, L D and m,"
        if one_alone
        else "the call before of its n_a, L D and m"
    )
    assert left_by(stateful, kept) == f"a0, where absent, is what {whose} has ended with"


def test_states_that_are_kept_where_lengths_are_given_are_told() -> None:
    kept: dict[str, Any] = {}

    def stateful(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        given = kept.get("last", a0) if "lengths" in options else a0
        a, a_last = reference.rnn_layer(x, given, parameters, options)
        kept["last"] = a_last.copy()
        return a, a_last

    told = left_by(stateful, kept, lengths="random")
    assert told == "a0, where lengths are given, is what the call before has ended with"


def test_lengths_of_the_first_call_are_told() -> None:
    kept: dict[Any, Any] = {}

    def masked(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        lengths = kept.setdefault(x.shape[1:], options.get("lengths"))
        given = {name: value for name, value in options.items() if name != "lengths"}
        return reference.rnn_layer(
            x, a0, parameters, given | ({} if lengths is None else {"lengths": lengths})
        )

    for lengths in ("random", "absent"):
        found = left_by(masked, kept, lengths=lengths)
        assert found == "the lengths are those of the first call of its m and T_x"


@pytest.mark.parametrize("of_first", [False, True])
def test_what_was_left_in_the_padding_is_told(of_first: bool) -> None:
    kept: dict[Any, Any] = {}

    def uncleared(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        a, a_last = reference.rnn_layer(x, a0, parameters, options)
        within = np.arange(x.shape[2]) < options.get("lengths", np.full(x.shape[1], x.shape[2]))[:, None]
        returned = np.where(within, a, kept.get(a.shape, 0))
        if not (of_first and a.shape in kept):
            kept[a.shape] = returned.copy()
        return returned, a_last

    found = left_by(uncleared, kept, lengths="random")
    whose = "the first call" if of_first else "the call before"
    alike = "n_a, directions, m and T_x"
    assert found == f"a beyond the end of a sequence is what {whose} of its {alike} has returned there"
    assert left_by(reference.rnn_layer, {}, lengths="random") == ""


def test_weights_that_are_kept_by_their_shape_are_told_within_a_call() -> None:
    kept: dict[Any, Any] = {}

    def by_shape(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        every = [{**p, "Wax": kept.setdefault(p["Wax"].shape, p["Wax"].copy())} for p in parameters]
        return reference.rnn_layer(x, a0, every, options)

    assert (
        left_by(by_shape, kept) == "Wax is those of the first layer and direction of its shapes, in any call"
    )
