"""How far what is wrong in one setting goes, in layers of other kinds."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import reference
from oracle.location.layers.setting import WITH_PADDING, Setting
from oracle.tests.test_location_layers import found_for
from reference.contract import Array


@pytest.mark.parametrize("square", [False, True])
def test_whether_any_projection_is_wrong_is_told(square: bool) -> None:
    def without_output_gate(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        Wp = parameters[0].get("Wp")
        if Wp is not None and (Wp.shape[0] == Wp.shape[1] or not square):
            parameters = [{**p, "Wo": 0 * p["Wo"], "bo": 0 * p["bo"] + 100} for p in parameters]
        return reference.lstm_layer(x, a0, c0, parameters, options)

    found = found_for("lstm_layer", without_output_gate, n_p=4)
    assert found
    assert str(found).startswith(f"wrong where: with a projection{' to as many units' * square}: a_next ≠ Wp")


@pytest.mark.parametrize("all_of_them", [False, True])
def test_whether_all_sequences_have_to_end_is_told(all_of_them: bool) -> None:
    def lost(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        a, a_last = reference.rnn_layer(x, a0, parameters, options)
        ends, T_x = options.get("lengths", np.full(x.shape[1], x.shape[2])), x.shape[2]
        if ends.max(initial=0) < T_x or not all_of_them:
            a_last = np.where(ends < T_x, 0, a_last)
        return a, a_last

    found = found_for("rnn_layer", lost, lengths="random")
    assert found
    which = "all of the sequences end" if all_of_them else "any of the sequences ends"
    assert f"where {which} after T_x steps, before x does" in str(found)


@pytest.mark.parametrize("of_the_first", [False, True])
def test_whose_features_are_meant_is_told(of_the_first: bool) -> None:
    def transposed(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        first, D = len(x), options["directions"]
        every = [
            {**p, "Wax": p["Wax"].T}
            if p["Wax"].shape[0] == p["Wax"].shape[1] == (first if of_the_first else len(p["Wax"]))
            and not (of_the_first and k >= D)
            else p
            for k, p in enumerate(parameters)
        ]
        return reference.rnn_layer(x, a0, every, options)

    found = found_for("rnn_layer", transposed, n_x=4, layers=2)
    assert found
    assert found.how == "as if z were made with Wax transposed"
    told = str(found)
    assert ("n_x being what the layer's own input has" in told) != of_the_first


def test_a_sum_with_the_input_is_told_of_all_directions() -> None:
    def residual(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        last, D = [], options["directions"]
        for k in range(0, len(parameters), D):
            own = slice(k, k + D)
            a, ended = reference.rnn_layer(x, a0[own], parameters[own], options)
            x = a + x if a.shape == x.shape else a
            last.append(ended)
        return x, np.concatenate(last)

    found = found_for("rnn_layer", residual, n_x=4)
    assert found
    assert "when: n_x = D n_a, of D directions, n_x being what the layer's own input has" in str(found)
    assert found.how == "the right value + xt"


def test_what_few_problems_show_is_looked_for_in_simpler_settings_too() -> None:
    def clipped(z: Array, options: Any) -> Array:
        return np.minimum(_activated(z, options), 20)

    found = found_for(
        "rnn_layer",
        partial(step_by_step, activate=clipped),
        layers=2,
        directions=2,
        activation="relu",
        lengths="random",
    )
    assert found
    assert found.setting == Setting(activation="relu")
    assert found.when.startswith(("z > 20 (", "z > some number from 20 to 20.0"))
    assert found.how == "always 20"


@pytest.mark.parametrize("with_padding", [False, True])
@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (lambda count: count == 0, "only step 0"),
        (lambda count: count == 2, "only step 2"),
        (lambda count: count % 2 == 1, "step mod 2 = 1"),
    ],
)
def test_whether_steps_are_counted_with_the_padding_is_told(
    chosen: Callable[[Any], Any], said: str, with_padding: bool
) -> None:
    def forgotten(state: Array, padded: int, own: Array) -> Array:
        return np.where(chosen(padded if with_padding else own), 0, state)

    found = found_for("rnn_layer", partial(step_by_step, before=forgotten), T_x=9, directions=2)
    assert found
    assert found.when == said
    assert (WITH_PADDING in str(found)) == with_padding


def test_what_is_wrong_without_padding_alone_is_not_said_to_count_it() -> None:
    def forgotten(state: Array, padded: int, own: Array) -> Array:
        return np.where((own == 1) & (own == padded).all(), 0, state)

    found = found_for("rnn_layer", partial(step_by_step, before=forgotten), T_x=9, directions=2)
    assert found
    assert WITH_PADDING not in str(found)


def test_padding_is_told_though_a_step_before_it_is_rightly_0() -> None:
    def masked(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        is_there = x.any(axis=0)
        a, state = np.zeros((a0.shape[1], *x.shape[1:])), a0[0]
        for t in range(x.shape[2]):
            step = _activated(
                parameters[0]["Waa"] @ state + parameters[0]["Wax"] @ x[:, :, t] + parameters[0]["ba"],
                options,
            )
            state = np.where(is_there[:, t], step, state)
            a[:, :, t] = np.where(is_there[:, t], step, 0)
        return a, state[None]

    fields = {"n_x": 1, "n_a": 1, "m": 1, "T_x": 1, "regime": "ternary", "seed": 1}
    found = found_for("rnn_layer", masked, **fields)
    assert found
    assert found.when == "the sample's largest |xt| = 0"
    assert found.how == "the value of a_prev, and 0 is returned, as for padding"


def _activated(z: Array, options: Any) -> Array:
    return np.asarray(np.tanh(z) if options["activation"] == "tanh" else np.maximum(z, 0))


def step_by_step(
    x: Array,
    a0: Array,
    parameters: Any,
    options: Any,
    activate: Callable[[Array, Any], Array] = _activated,
    before: Callable[[Array, int, Array], Array] = lambda state, padded, own: state,
) -> Any:
    """Layers that step through time, with another activation, or with other states `before` some steps.

    These are counted with the padding, and by those of a sample's own.
    """
    D, T_x = options["directions"], x.shape[2]
    hidden: list[Array] = []
    lengths = np.asarray(options.get("lengths", np.full(x.shape[1], T_x)))
    last = []
    for k, p in enumerate(parameters):
        out, state = np.zeros((len(p["ba"]), *x.shape[1:]), x.dtype), a0[k]
        for count, t in enumerate(range(T_x)[:: -1 if k % D else 1]):
            given = before(state, count, count - (T_x - lengths) * (k % D))
            step = activate(p["Waa"] @ given + p["Wax"] @ x[:, :, t] + p["ba"], options)
            out[:, :, t] = np.where(t < lengths, step, 0)
            state = np.where(t < lengths, step, state)
        hidden = [*hidden, out] if k % D else [out]
        last.append(state)
        x = np.concatenate(hidden) if k % D == D - 1 else x
    return x, np.stack(last)
