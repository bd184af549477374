"""Gates of layers, which show none, measured by driving them."""

from typing import Any

import numpy as np

import reference
from oracle.tests.strangers import STRANGERS
from oracle.tests.strangers.located import located
from oracle.tests.test_location_layers import found_for


def test_gates_are_believed_where_they_explain_the_memory_states() -> None:
    """Of another sample's c_prev those are measured alone that are nearly shut."""
    said, _ = located(STRANGERS["r/20 batch tile without its offset in the forget term"])
    assert said.startswith("wrong where: c_next ≠ ft * c_prev + it * cct  when: from sample 16 on")


def _clipped(z: Any) -> Any:
    return 1 / (1 + np.exp(-np.clip(z, -6, 6)))


def test_gates_that_never_reach_1_are_told() -> None:
    def clipped(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        """Of one layer in one direction, without lengths or a projection."""
        if len(parameters) > 1 or "lengths" in options or "Wp" in parameters[0]:
            return reference.lstm_layer(x, a0, c0, parameters, options)
        [p], a, c, outputs = parameters, a0[0], c0[0], []
        for t in range(x.shape[2]):
            z = {gate: p[f"W{gate}"] @ np.concatenate([a, x[:, :, t]]) + p[f"b{gate}"] for gate in "fico"}
            c = _clipped(z["f"]) * c + _clipped(z["i"]) * np.tanh(z["c"])
            a = _clipped(z["o"]) * np.tanh(c)
            outputs.append(a)
        return np.stack(outputs, axis=2), a[None], c[None]

    found = found_for("lstm_layer", clipped)
    assert found
    assert found.where == "ft, it, ot ≠ what the equations of these gates give (but not cct)"
    assert found.when.startswith("|z| > 6 ")
    assert found.how == "as with z clipped at ±6"


def test_of_gates_that_cannot_be_told_those_that_are_right_are_meant() -> None:
    def at_random(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        """The update gate hangs on the candidate, so that no product of two is left."""
        if len(parameters) > 1 or x.shape[2] > 1 or c0 is None:
            return reference.lstm_layer(x, a0, c0, parameters, options)
        a, a_last, c_last = reference.lstm_layer(x, a0, c0, parameters, options)
        return a, a_last, c_last + 0.1 * np.sin(3 * c_last) * np.cos(x.sum())

    found = found_for("lstm_layer", at_random, T_x=1)
    assert found
    assert found.where.startswith("c_next ≠ ft * c_prev + it * cct of the right gates")
