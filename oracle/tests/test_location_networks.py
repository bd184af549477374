"""Where, when and how a whole network is wrong of which each layer by itself is right."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import reference
from oracle.limits import ANYTHING
from oracle.location.in_layers import locate_in_layers
from oracle.location.networks.calls import left_behind
from oracle.problem import LayerProblem, Problem
from oracle.tests.strangers.located import Asked
from oracle.tests.test_location_layers import found_for
from reference.activations import sigmoid
from reference.contract import Array


def _order(lengths: Array) -> Array:
    return np.argsort(-lengths, kind="stable")


def _direction_major(states: Array, options: Any) -> Array:
    D = options["directions"]
    return states[np.arange(len(states)).reshape(D, -1).T.ravel()]


def test_initial_states_of_other_places_are_told() -> None:
    def by_direction(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        return reference.lstm_layer(x, a0, _direction_major(c0, options), parameters, options)

    found = found_for("lstm_layer", by_direction, layers=2, directions=2)
    assert found
    assert found.where == "c0 of a layer and direction is not its own"
    assert found.when == "of 2 layers or more, in two directions"
    assert found.how == "as if those of all forward directions came before those of all backward ones"
    assert found_for("lstm_layer", by_direction, layers=3) is None, "which does not show it"


def test_what_was_sorted_and_not_put_back_is_told() -> None:
    def left_sorted(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        a, a_last, c_last = reference.lstm_layer(x, a0, c0, parameters, options)
        order = _order(options["lengths"]) if "lengths" in options else slice(None)
        return a, a_last, c_last[:, :, order]

    found = found_for("lstm_layer", left_sorted, lengths="random")
    assert found
    assert found.where == "c_last of a sample is not its own"
    assert found.when == "where the lengths are not in descending order"
    assert found.how == "of sample k that of sample order[k], order = stable argsort(-lengths)"


def test_samples_that_are_put_back_in_another_order_are_told() -> None:
    def sorted_twice(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        order = _order(options["lengths"]) if "lengths" in options else slice(None)
        a0 = np.array(a0)
        if options["directions"] == 2:
            a0[1::2] = a0[1::2][:, :, order][:, :, order]
        return reference.rnn_layer(x, a0, parameters, options)

    found = found_for("rnn_layer", sorted_twice, lengths="random", directions=2)
    assert found
    assert found.where == "a0 of a sample in the backward direction is not its own"
    assert found.when == "in two directions, where order[order[k]] is not k"


def test_other_lengths_are_told() -> None:
    def cut(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        if "lengths" in options:
            lengths = options["lengths"]
            options = {**options, "lengths": np.minimum(lengths, lengths[:1])}
        return reference.rnn_layer(x, a0, parameters, options)

    found = found_for("rnn_layer", cut, lengths="random")
    assert found
    assert found.where == "the lengths are not those that are given"
    assert found.when == "where another is more than that of sample 0"
    assert found.how == "as if each were at most that of sample 0"


@pytest.mark.parametrize("chained", [False, True])
def test_absent_states_that_are_not_zeros_are_told(chained: bool) -> None:
    def begun(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        if a0 is not None:
            return reference.rnn_layer(x, a0, parameters, options)
        a0 = np.ones((len(parameters), len(parameters[0]["ba"]), x.shape[1]), x.dtype)
        for _ in range(len(parameters) if chained else 0):
            a0[0] = 0
            _, a_last = reference.rnn_layer(x, a0, parameters, options)
            a0[1:] = a_last[:-1]
        return reference.rnn_layer(x, a0, parameters, options)

    found = found_for("rnn_layer", begun, layers=2)
    assert found
    assert found.where == "a0, where absent, is not 0"
    last = "what the layer or direction before has ended with"
    assert (found.when, found.how) == (
        ("of several layers or directions", last) if chained else ("always", "always 1")
    )


def test_what_only_is_so_where_lengths_are_given_is_told() -> None:
    def reversed_with_lengths(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        return reference.rnn_layer(x, a0[::-1] if "lengths" in options else a0, parameters, options)

    found = found_for("rnn_layer", reversed_with_lengths, layers=2, lengths="random")
    assert found
    assert found.when == "of several layers or directions, where lengths are given"


def test_what_is_off_by_little_is_not_taken_for_what_changes_nothing() -> None:
    def nearly(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        a, a_last = reference.rnn_layer(x, a0, parameters, options)
        return a + 3e-14, a_last

    found = found_for("rnn_layer", nearly)
    assert found
    assert found.where.startswith("a_next ≠ tanh(")


def test_what_only_later_calls_do_is_not_told_of_the_network() -> None:
    last: dict[tuple[int, ...], Array] = {}

    def stateful(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        shape = (len(parameters), len(parameters[0]["ba"]), x.shape[1])
        a, last[shape] = reference.rnn_layer(
            x, last.get(shape, np.zeros(shape)) if a0 is None else a0, parameters, options
        )
        return a, last[shape].copy()

    def make() -> SimpleNamespace:
        last.clear()
        return SimpleNamespace(rnn_layer=stateful)

    asked = Asked("rnn_layer", make)
    problem = Problem.parse(
        'Problem.rnn_layer(n_x=2, n_a=3, m=2, T_x=3, layers=1, directions=1, activation="tanh", '
        'lengths="absent", regime="unit", seed=0, dtype="float64")'
    )
    assert isinstance(problem, LayerProblem)
    assert locate_in_layers("rnn_layer", asked, problem, asked.anew) is None
    found = left_behind("rnn_layer", asked, problem, asked.anew, ANYTHING)
    assert found == "a0, where absent, is what the call before of its n_a, L D and m has ended with"
    asked = Asked("rnn_layer", lambda: reference)
    assert left_behind("rnn_layer", asked, problem, asked.anew, ANYTHING) == ""


def test_of_absent_states_that_are_like_nothing_none_is_named() -> None:
    def half(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        shape = (len(parameters), len(parameters[0]["bf"]), x.shape[1])
        a0 = np.zeros(shape) if a0 is None else a0
        return reference.lstm_layer(x, a0, np.full(shape, 0.5) if c0 is None else c0, parameters, options)

    found = found_for("lstm_layer", half, layers=2)
    assert found
    assert (found.where, found.how) == ("initial states are absent (right where 0 is given)", "")


def test_an_absent_state_that_is_wrong_for_some_sizes_is_not_always_so() -> None:
    def of_few(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        a0 = np.zeros_like(c0) if c0 is not None and a0 is None else a0
        c0 = np.ones_like(a0) if c0 is None and a0 is not None and x.shape[1] > 2 else c0
        return reference.lstm_layer(x, a0, c0, parameters, options)

    found = found_for("lstm_layer", of_few, m=4)
    assert found
    assert (found.when, found.how) == ("", "always 1")


@pytest.mark.parametrize("like_a0", [False, True])
def test_one_absent_state_that_is_not_zeros_is_told(like_a0: bool) -> None:
    def begun(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        if c0 is None and a0 is not None:
            c0 = a0 if like_a0 else np.ones_like(a0)
        return reference.lstm_layer(x, a0, c0, parameters, options)

    found = found_for("lstm_layer", begun)
    assert found
    assert found.where == "c0, where it alone is absent, is not 0"
    assert found.when == ("where a0 and c0 have as many units" if like_a0 else "always")
    assert found.how == ("the value of a0" if like_a0 else "always 1")


def test_what_depends_on_a_size_as_well_is_not_told_of_the_network_alone() -> None:
    def at_times(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        odd = options["directions"] == 2 and x.shape[1] % 2
        return reference.rnn_layer(x, a0[::-1] if odd else a0, parameters, options)

    found = found_for("rnn_layer", at_times, directions=2)
    assert found
    assert found.setting
    assert "m mod 2 = 1" in found.when


def test_what_is_handed_on_in_another_order_is_told() -> None:
    def in_turns(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        D, last = options["directions"], []
        for k in range(0, len(parameters), D):
            own = slice(k, k + D)
            a, *states = reference.lstm_layer(x, a0[own], c0[own], parameters[own], options)
            last.append(states)
            x = np.stack(np.split(a, D), axis=1).reshape(a.shape)
        return a, *(np.concatenate(every) for every in zip(*last, strict=True))

    found = found_for("lstm_layer", in_turns, layers=2, directions=2)
    assert found
    assert found.where == "what a layer hands on is not its hidden states"
    assert found.how == "unit by unit, forward and backward in turns"


def test_a_backward_direction_that_begins_in_the_padding_is_told() -> None:
    def late(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        a, a_last = reference.rnn_layer(x, a0, parameters, options)
        if "lengths" in options and options["directions"] == 2 and len(parameters) == 2:
            n, lengths = len(a0[0]), options["lengths"]
            longer = {**options, "lengths": np.minimum(lengths + 1, x.shape[2])}
            other, other_last = reference.rnn_layer(x, a0, parameters, longer)
            a[n:] = other[n:] * (np.arange(x.shape[2]) < lengths[:, None])
            a_last[1] = other_last[1]
        return a, a_last

    found = found_for("rnn_layer", late, lengths="random", directions=2)
    assert found
    assert found.where == "the backward direction does not begin at the last step of a sequence"
    assert found.how == "it begins one step beyond that"


@pytest.mark.parametrize("n_a", [2, 3])
def test_gates_that_are_read_unit_by_unit_are_told(n_a: int) -> None:
    def stacked(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        every = []
        for p in parameters:
            W, b = (np.concatenate([p[f"{part}{gate}"] for gate in "fico"]) for part in "Wb")
            gates = {f"W{gate}": W[k::4] for k, gate in enumerate("fico")}
            every.append({**p, **gates, **{f"b{gate}": b[k::4] for k, gate in enumerate("fico")}})
        return reference.lstm_layer(x, a0, c0, every, options)

    found = found_for("lstm_layer", stacked, n_a=n_a)
    assert found
    assert found.when == "where n_a is more than 1"
    assert found.how == "as if z of the gates stacked as f, i, c, o, were read unit by unit"


IN_BYTES: Mapping[str, Callable[[Array], Array]] = {
    "as if in a byte": lambda ends: ends.astype(np.uint8).astype(int),
    "as if in a byte with a sign, and at least 0": lambda ends: np.maximum(ends.astype(np.int8), 0),
    "as if those above 127 were 0": lambda ends: np.where(ends > 127, 0, ends),
}


@pytest.mark.parametrize("how", IN_BYTES)
def test_lengths_that_a_byte_does_not_hold_are_told(how: str) -> None:
    def in_bytes(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        """A sequence of no steps ends as it began."""
        ends = options.get("lengths", np.full(x.shape[1], x.shape[2]))
        if "lengths" in options:
            ends = IN_BYTES[how](ends)
            options = {**options, "lengths": np.maximum(ends, 1)}
        a, last = reference.rnn_layer(x, a0, parameters, options)
        a[:, ends == 0], last[:, :, ends == 0] = 0, a0[:, :, ends == 0]
        return a, last

    found = found_for("rnn_layer", in_bytes, lengths="random", T_x=300 if how == "as if in a byte" else 150)
    assert found
    assert found.when == f"where any is more than {255 if how == 'as if in a byte' else 127}"
    assert found.how == how


def test_the_lengths_of_a_tile_of_many_samples_are_told() -> None:
    def tiled(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        if "lengths" in options:
            options = options | {"lengths": options["lengths"][np.arange(x.shape[1]) % 32]}
        return reference.rnn_layer(x, a0, parameters, options)

    found = found_for("rnn_layer", tiled, m=40, lengths="random")
    assert found
    assert found.how == "as if that of sample k were that of sample k mod 32"


@pytest.mark.parametrize("given", ["a0", "c0", "either"])
def test_a_state_that_is_dropped_where_the_other_is_absent_is_told(given: str) -> None:
    def as_a_pair(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        if (given != "c0" and c0 is None) or (given != "a0" and a0 is None):
            a0, c0 = None, None
        return reference.lstm_layer(x, a0, c0, parameters, options)

    found = found_for("lstm_layer", as_a_pair)
    assert found
    which = {
        "a0": "a0, where c0 alone is absent,",
        "c0": "c0, where a0 alone is absent,",
        "either": "of a0 and c0 one, where the other alone is absent,",
    }
    assert found.where == f"{which[given]} is taken for absent, too"


def _lstm_step(xt: Array, a: Array, c: Array, p: Mapping[str, Array]) -> tuple[Array, Array]:
    """Of one layer in one direction, for the reference takes ten times as long of a single step."""
    concat = np.concatenate([a[0], xt])
    ft, it, ot = (sigmoid(p[f"W{gate}"] @ concat + p[f"b{gate}"]) for gate in "fio")
    c_next = ft * c[0] + it * np.tanh(p["Wc"] @ concat + p["bc"])
    a_next = ot * np.tanh(c_next)
    return (p["Wp"] @ a_next if "Wp" in p else a_next)[None], c_next[None]


@pytest.mark.parametrize("is_kept", [False, True])
def test_a_memory_state_that_goes_on_in_the_padding_is_told(is_kept: bool) -> None:
    def unmasked(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        """Of one layer in one direction, step by step."""
        if len(parameters) > 1 or "lengths" not in options:
            return reference.lstm_layer(x, a0, c0, parameters, options)
        a, c, outputs, ends = a0, c0, [], options["lengths"]
        for t in range(x.shape[2]):
            a_next, c = _lstm_step(x[:, :, t], a, c, parameters[0])
            a = np.where(t < ends, a_next, a if is_kept else 0)
            outputs.append(np.where(t < ends, a[0], 0))
        return np.stack(outputs, axis=2), a, c

    found = found_for("lstm_layer", unmasked, lengths="random")
    if not is_kept:
        assert not found or "not kept" not in found.where, "for c goes on with another hidden state"
        return
    assert found
    assert found.where == "the states are not kept in the padding"
    assert found.how == "c goes on, with a as it is"
