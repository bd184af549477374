"""Last states that belong to another layer, direction or step."""

from typing import Any

import numpy as np

import reference
from oracle.tests.test_location_layers import found_for


def test_last_states_in_another_order_are_told() -> None:
    def by_direction(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        a, a_last, c_last = reference.lstm_layer(x, a0, c0, parameters, options)
        D = options["directions"]
        return a, a_last, np.concatenate([c_last[d::D] for d in range(D)])

    found = found_for("lstm_layer", by_direction, layers=3, directions=2, n_p=2, lengths="random")
    assert found
    assert found.where == "the order of c_last is not that of the parameters"
    assert found.when == "of 2 layers or more, in two directions"
    those = "layer 0 forward, layer 1 forward, layer 0 backward, layer 1 backward"
    assert found.how == f"of 2 layers in two directions, they are those of {those}"
    assert found_for("lstm_layer", by_direction, layers=3) is None


def test_last_states_that_are_written_over_are_told() -> None:
    def by_sum(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        a, a_last, c_last = reference.lstm_layer(x, a0, c0, parameters, options)
        D, stored = options["directions"], np.zeros_like(c_last)
        for k, last in enumerate(c_last):
            stored[sum(divmod(k, D))] = last
        return a, a_last, stored

    found = found_for("lstm_layer", by_sum, layers=2, directions=2)
    assert found
    assert found.where == "c_last of a layer and direction is not its own"
    assert found.when == "of 2 layers or more, in two directions"
    those = "layer 0 forward, layer 1 forward, layer 1 backward, zeros"
    assert found.how == f"of 2 layers in two directions, they are those of {those}"


def test_last_states_that_are_read_at_another_step_are_told() -> None:
    def at_the_end(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        last, D = [], options["directions"]
        for k in range(0, len(parameters), D):
            own = slice(k, k + D)
            x, _ = reference.rnn_layer(x, a0[own], parameters[own], options)
            last += [*np.split(x[:, :, -1], D)]
        return x, np.stack(last)

    found = found_for("rnn_layer", at_the_end, lengths="random")
    assert found
    assert found.where == "a_last is not the state with which a layer has ended"
    assert found.how == "what is returned for the last step of x"


def test_last_states_that_are_never_written_are_told() -> None:
    def of_the_top(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        a, a_last = reference.rnn_layer(x, a0, parameters, options)
        top = len(parameters) - options["directions"]
        return a, np.concatenate([a0[:top] if len(a0) else 0 * a_last[:top], a_last[top:]])

    found = found_for("rnn_layer", of_the_top, layers=2)
    assert found
    assert found.where == "a_last of a layer and direction is not its own"
    assert found.how == "those of the layers below the top one are those that they began with"
