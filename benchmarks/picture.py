"""Draw `docs/error-and-bound.svg`: error and bound over time, a stable network beside a chaotic one.

    python -m benchmarks.picture

Needs matplotlib (`pip install -e '.[dev]'`).
"""

from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import reference
from oracle import exact, propagation
from oracle.inputs import Inputs
from oracle.problem import Problem

FILE = Path(__file__).parents[1] / "docs" / "error-and-bound.svg"
T_X = 120
N_A = 32


def rnn(gain: float) -> Inputs:
    """A network whose recurrent weights are those of the regime `unit` times `gain`."""
    inputs = Problem.rnn(n_x=2, n_a=N_A, n_y=2, m=1, T_x=T_X, seed=7).inputs("rnn_forward")
    parameters = {**inputs.parameters, "Waa": gain * inputs.parameters["Waa"]}
    return replace(inputs, parameters=parameters)


def main() -> None:
    """Draw it."""
    plt.rcParams.update({"svg.hashsalt": "rnn-crosscheck", "font.size": 9})
    figure, panels = plt.subplots(1, 2, figsize=(8, 3), sharey=True, layout="constrained")
    for panel, (title, gain) in zip(
        panels, {"stable (gain 0.5)": 0.5, "chaotic (gain 3)": 3.0}.items(), strict=True
    ):
        inputs = rnn(gain)
        a = reference.rnn_forward(*inputs.arguments("rnn_forward"))[0]
        steps = inputs.steps(a, np.zeros((0, *a.shape[1:])))
        truth, at_once = exact.evaluate(inputs, 1e-30)["a"], exact.evaluate(steps, 1e-30)["a"]
        error = [max(truth[i, 0, t].distance(a[i, 0, t]) for i in range(N_A)) for t in range(T_X)]
        of_step = [max(at_once[i, t, 0].distance(a[i, 0, t]) for i in range(N_A)) for t in range(T_X)]
        panel.semilogy(
            propagation.evaluate(inputs)["a"].error.max(axis=(0, 1)), "C3-", label="bound, whole trajectory"
        )
        panel.semilogy(error, "C3:", label="error, whole trajectory")
        panel.semilogy(
            propagation.evaluate(steps)["a"].error[:, :, 0].max(axis=0), "C0-", label="bound, one step"
        )
        panel.semilogy(of_step, "C0:", label="error, one step")
        panel.set(title=title, xlabel="step", ylim=(1e-18, 10))
    panels[0].set_ylabel("of the hidden state")
    panels[0].legend(frameon=False)
    figure.savefig(FILE, metadata={"Date": None})


if __name__ == "__main__":
    main()
