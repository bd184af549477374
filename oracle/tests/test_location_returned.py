"""What is said of networks of which no equation of a layer tells more."""

from typing import Any

import numpy as np

import reference
from oracle.tests.test_location_layers import found_for


def test_which_outputs_are_wrong_and_in_which_networks_is_told() -> None:
    def squeezed(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        outputs = reference.lstm_layer(x, a0, c0, parameters, options)
        is_of_fewer = a0.shape[1] < c0.shape[1]
        return tuple(each * (0.9 if is_of_fewer else 1) for each in outputs)

    found = found_for("lstm_layer", squeezed, n_a=4, n_p=2)
    assert found
    assert found.where == "the returned a, a_last, c_last"
    assert found.when == "with a projection to other than n_a units"


def test_samples_are_told_by_the_lengths_of_others() -> None:
    def behind_a_shorter_one(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        a, a_last = reference.rnn_layer(x, a0, parameters, options)
        lengths = options.get("lengths", np.full(x.shape[1], x.shape[2]))
        for j in range(1, len(lengths)):
            if lengths[:j].min() < lengths[j]:
                a[:, j] /= 2
        return a, a_last

    found = found_for("rnn_layer", behind_a_shorter_one, lengths="random", m=4, T_x=5)
    assert found
    assert (found.where, found.when) == ("the returned a", "of samples with a shorter one before them")


def test_what_is_so_without_lengths_alone_is_not_told_of_all_networks() -> None:
    def one_step_early(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        a, a_last, c_last = reference.lstm_layer(x, a0, c0, parameters, options)
        T_x = x.shape[2]
        ends = options.get("lengths", np.full(x.shape[1], T_x))
        _, _, before = reference.lstm_layer(
            x[:, :, : T_x - 1], a0, c0, parameters, {**options, "lengths": np.minimum(ends, T_x - 1)}
        )
        return a, a_last, np.where(ends == T_x, before, c_last)

    found = found_for("lstm_layer", one_step_early)
    assert found
    assert (found.when, found.how) == ("of samples that end where x does", "the value of c_prev")


def test_nothing_is_said_of_a_counterexample_that_is_right() -> None:
    def two_directions_halved(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        a, a_last = reference.rnn_layer(x, a0, parameters, options)
        return a / options["directions"], a_last

    assert found_for("rnn_layer", two_directions_halved) is None


def test_a_backward_direction_above_another_that_runs_forward_is_told() -> None:
    def forward_above(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        D, last = options["directions"], []
        T_x = x.shape[2]
        ends = options.get("lengths", np.full(x.shape[1], T_x))[:, None]
        t = np.arange(T_x)
        reverse = np.where(t < ends, ends - 1 - t, t)[None]
        for k in range(0, len(parameters), D):
            one = {**options, "directions": 1}
            halves = [reference.rnn_layer(x, a0[k : k + 1], parameters[k : k + 1], one)]
            if D == 2:
                given = np.take_along_axis(x, reverse, axis=2) if not k else x
                a, a_last = reference.rnn_layer(given, a0[k + 1 : k + 2], parameters[k + 1 : k + 2], one)
                halves.append((np.take_along_axis(a, reverse, axis=2) if not k else a, a_last))
            x = np.concatenate([a for a, _ in halves])
            last += [a_last for _, a_last in halves]
        return x, np.concatenate(last)

    found = found_for("rnn_layer", forward_above, layers=2, directions=2, lengths="random")
    assert found
    assert found.where == "the backward direction of a layer above another does not run backward"
    assert (found.when, found.how) == (
        "of 2 layers or more, in two directions, where T_x is more than 1",
        "it runs forward",
    )


def test_a_projection_that_is_made_twice_is_told() -> None:
    def twice(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        a, a_last, c_last = reference.lstm_layer(x, a0, c0, parameters, options)
        Wp = parameters[0].get("Wp", np.zeros((1, 2)))
        is_square = len(parameters) == 1 and len(Wp) == len(Wp.T)
        return a, (Wp @ a_last[0])[None] if is_square else a_last, c_last

    found = found_for("lstm_layer", twice, n_a=3, n_p=3)
    assert found
    assert found.how == "made with Wp (ot * tanh(c_next)) for ot * tanh(c_next)"
