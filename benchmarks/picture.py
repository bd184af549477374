"""Draw `docs/error-and-bound.svg`: error and bound over time, of a stable and of a chaotic network.

    python -m benchmarks.picture

Needs matplotlib (`pip install -e '.[dev]'`).
"""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

import reference
from benchmarks.shared import ROOT
from oracle import exact, propagation
from oracle.problem import Problem

UNITS, STEPS = 32, 120


def main() -> None:
    """Draw it."""
    plt.rcParams.update({"svg.hashsalt": "rnn-crosscheck", "font.size": 9})
    figure, panels = plt.subplots(1, 2, figsize=(8, 3), sharey=True, layout="constrained")
    drawn = Problem.rnn(n_x=2, n_a=UNITS, n_y=2, m=1, T_x=STEPS, seed=7).inputs("rnn_forward")
    for panel, title, gain in zip(panels, ("stable (gain 0.5)", "chaotic (gain 3)"), (0.5, 3.0), strict=True):
        inputs = replace(drawn, parameters={**drawn.parameters, "Waa": gain * drawn.parameters["Waa"]})
        a = reference.rnn_forward(*inputs.arguments("rnn_forward"))[0]
        steps = inputs.steps(a, np.zeros((0, *a.shape[1:])))
        truth, step_truth = exact.evaluate(inputs, 1e-30)["a"], exact.evaluate(steps, 1e-30)["a"]
        error = [max(truth[i, 0, t].distance(a[i, 0, t]) for i in range(UNITS)) for t in range(STEPS)]
        step_error = [
            max(step_truth[i, t, 0].distance(a[i, 0, t]) for i in range(UNITS)) for t in range(STEPS)
        ]
        bound, step_bound = (propagation.evaluate(each)["a"].error for each in (inputs, steps))
        panel.semilogy(bound.max(axis=(0, 1)), "C3-", label="bound, whole trajectory")
        panel.semilogy(error, "C3:", label="error, whole trajectory")
        panel.semilogy(step_bound[:, :, 0].max(axis=0), "C0-", label="bound, one step")
        panel.semilogy(step_error, "C0:", label="error, one step")
        panel.set(title=title, xlabel="step", ylim=(1e-18, 10))
    panels[0].set_ylabel("of the hidden state")
    panels[0].legend(frameon=False)
    figure.savefig(ROOT / "docs" / "error-and-bound.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
