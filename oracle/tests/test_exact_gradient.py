"""The exact gradient equals the derivative of the exact forward pass."""

from typing import Any

import numpy as np
import pytest
from flint import arb, ctx

from oracle.network.forward import compute_steps
from oracle.problems.problem import Problem
from oracle.witnesses import exact
from reference.contract import Array


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
def test_the_exact_gradient_is_the_limit_of_central_differences(kind: str) -> None:
    """The differences are in a random direction of all inputs, with h = 2**-250, in 800 bits."""
    inputs: Any = getattr(Problem, f"{kind}_layer")(n_x=2, n_a=3, m=1, T_x=4).inputs(f"{kind}_layer_backward")
    rng, [p] = np.random.default_rng(3), inputs.parameters
    ways = {"x": rng.standard_normal(inputs.x.shape), "a0": rng.standard_normal(inputs.a0.shape[1:])}
    ways["c0"] = rng.standard_normal(inputs.c0.shape[1:])
    ways |= {name: rng.standard_normal(W.shape) for name, W in p.items()}
    with ctx.workprec(800):
        gradient = exact.evaluate(inputs, 1e-200)

        def loss(h: Any) -> Any:
            def moved(array: Array, name: str) -> Array:
                return (exact.balls(array) + h * exact.balls(ways[name]))[None]  # type: ignore[no-any-return]

            moved_p = {name: moved(W, name) for name, W in p.items()}
            states = moved(inputs.x, "x"), moved(inputs.a0[0], "a0"), moved(inputs.c0[0], "c0")
            v = compute_steps(exact.operations(1.0), inputs.kind, moved_p, *states)
            last = (inputs.da_last[0], v.a[0, ..., -1]), (inputs.dc_last[0], v.c[0, ..., -1])
            terms = (inputs.da, v.a[0]), *last
            return sum((exact.balls(incoming) * values).sum() for incoming, values in terms)

        h = arb(2) ** -250
        slope = (loss(h) - loss(-h)) / (2 * h)
        names = {"x": "dx", "a0": "da0", "c0": "dc0"} | {name: f'gradients[0]["d{name}"]' for name in p}
        inner = arb(0)
        for way, name in names.items():
            if name in gradient:
                pairs = zip(gradient[name].ravel(), ways[way].ravel().tolist(), strict=True)
                inner += sum((each.ball * arb(w) for each, w in pairs), arb(0))
        assert abs(slope - inner) < abs(inner) * arb(10) ** -100


def test_the_slope_of_relu_is_1_at_infinity() -> None:
    given: dict[str, Any] = {"n_x": 1, "n_a": 1, "m": 1, "T_x": 1, "activation": "relu"}
    inputs: Any = Problem.rnn_layer(**given, regime="nonfinite", seed=5).inputs("rnn_layer_backward")
    [p], d = inputs.parameters, inputs.da.item() + inputs.da_last.item()
    assert (p["Wax"] @ inputs.x[:, 0] == np.inf).all()
    gradient = exact.evaluate(inputs, 1e-12)
    assert gradient["da0"].item().midpoint == pytest.approx(p["Waa"].item() * d)
