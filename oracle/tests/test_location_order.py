"""In which order layers read what they are given, and what stands in its place."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import reference
from oracle.tests.test_location_layers import found_for
from reference.contract import Array


def test_layers_that_run_backward_are_told() -> None:
    def back_and_forth(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        if options["directions"] == 2:
            return reference.rnn_layer(x, a0, parameters, options)
        last = []
        for k, own in enumerate(parameters):
            order = slice(None, None, -1 if k % 2 else 1)
            x, ended = reference.rnn_layer(x[:, :, order], a0[k : k + 1], [own], options)
            x = x[:, :, order]
            last.append(ended)
        return x, np.concatenate(last)

    found = found_for("rnn_layer", back_and_forth, layers=2)
    assert found
    assert found.where == "a layer does not run forward"
    assert found.when == "of 2 layers or more, in one direction, where T_x is more than 1"
    assert found.how == "each second one, layer 1 first, runs backward"


def test_a_backward_direction_that_takes_the_first_step_first_is_told() -> None:
    def indexed_from_minus_0(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        D, n_a, last = options["directions"], a0.shape[1], []
        t, ends = np.arange(x.shape[2]), options.get("lengths", np.full(x.shape[1], x.shape[2]))[:, None]
        order = np.where(t < ends, (t + 1) % ends, t)[None]
        for k in range(0, len(parameters), D):
            own = slice(k, k + D)
            given = a0[own], parameters[own], options
            right, other = (
                reference.rnn_layer(each, *given) for each in (x, np.take_along_axis(x, order, axis=2))
            )
            a = np.take_along_axis(other[0], np.argsort(order, axis=2), axis=2)
            x = np.concatenate([right[0][:n_a], a[n_a:]])
            last.append(np.concatenate([right[1][:1], other[1][1:]]))
        return x, np.concatenate(last)

    found = found_for("rnn_layer", indexed_from_minus_0, directions=2)
    assert found
    assert found.where == "the backward direction does not take its steps from the last one back"
    assert (found.when, found.how) == (
        "in two directions, where T_x is more than 1",
        "it takes the first one before all others",
    )


@pytest.mark.parametrize(
    ("read", "said"),
    [  # an index that is counted backward from -0, and features of which two are in halves, too
        (
            lambda x: np.roll(x, -1, axis=2),
            "at each step it reads the step after, at the last one the first",
        ),
        (lambda x: x[::-1], "it reads features in reverse order"),
    ],
)
def test_what_a_backward_direction_reads_is_told(read: Callable[[Array], Array], said: str) -> None:
    def read_backward(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        D, n_a, last = options["directions"], a0.shape[1], []
        for k in range(0, len(parameters), D):
            own = slice(k, k + D)
            given = a0[own], parameters[own], options
            right, other = (reference.rnn_layer(each, *given) for each in (x, read(x)))
            x = np.concatenate([right[0][:n_a], other[0][n_a:]])
            last.append(np.concatenate([right[1][:1], other[1][1:]]))
        return x, np.concatenate(last)

    found = found_for("rnn_layer", read_backward, directions=2, n_x=2, n_a=1)
    assert found
    assert found.where == "the backward direction does not read what it is given"
    assert found.when == "in two directions"
    assert found.how == said


@pytest.mark.parametrize("lengths", ["absent", "random"])
def test_what_several_layers_exchange_is_said_to_hang_on_no_lengths(lengths: str) -> None:
    def exchanged(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        if len(parameters) > options["directions"] and x.shape[1] == x.shape[2]:
            x = x.swapaxes(1, 2)
        return reference.rnn_layer(x, a0, parameters, options)

    found = found_for("rnn_layer", exchanged, layers=2, lengths=lengths, m=3, T_x=3)
    assert found
    assert found.when == "of 2 layers or more, where m = T_x"


@pytest.mark.parametrize("twice", [False, True])
def test_a_backward_direction_that_reads_what_the_forward_one_has_written_is_told(twice: bool) -> None:
    def overwritten(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        D, every = options["directions"], []
        for k in range(0, len(parameters), D):
            own = slice(k, k + D)
            a, last = reference.rnn_layer(x, a0[own], parameters[own], options)
            n_a = a0.shape[1]
            if D == 2 and len(x) == n_a:
                other, other_last = reference.rnn_layer(a[:n_a], a0[own], parameters[own], options)
                a = np.concatenate([other[n_a:] if twice else a[:n_a], other[n_a:]])
                last = np.concatenate([last[:1], other_last[1:]])
            x = a
            every.append(last)
        return x, np.concatenate(every)

    found = found_for("rnn_layer", overwritten, directions=2, n_x=3, n_a=3)
    assert found
    assert found.where == "the backward direction of the first layer does not read x"
    assert found.when == "in two directions, where n_x = n_h"
    rest = ", and what it computes stands there, too" if twice else ""
    assert found.how == f"it reads what the forward one has computed{rest}"


def test_samples_and_steps_that_are_exchanged_where_lengths_are_given_are_told() -> None:
    def exchanged(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        if "lengths" in options and x.shape[1] == x.shape[2]:
            x = x.swapaxes(1, 2)
        return reference.rnn_layer(x, a0, parameters, options)

    found = found_for("rnn_layer", exchanged, lengths="random", m=3, T_x=3)
    assert found
    assert found.where == "x is not read as it is given"
    assert found.when == "where m = T_x, where lengths are given"
    assert found.how == "as if with samples and steps exchanged"


@pytest.mark.parametrize("of_all", [False, True])
def test_what_is_read_in_another_order_is_told(of_all: bool) -> None:
    def reshaped(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        last, D = [], options["directions"]
        for k in range(0, len(parameters), D):
            n, m, T_x = x.shape
            if of_all or not k:
                x = x.reshape(n, T_x, m).swapaxes(1, 2)
            own = slice(k, k + D)
            x, ended = reference.rnn_layer(x, a0[own], parameters[own], options)
            last.append(ended)
        return x, np.concatenate(last)

    found = found_for("rnn_layer", reshaped)
    assert found
    assert found.where == (
        "what each layer is given is not read as it is" if of_all else "x is not read as it is given"
    )
    assert found.when == "where m and T_x are more than 1"
    assert found.how == "as if written as (samples, steps) and read as (steps, samples)"
