"""How many problems go through the agreement laws, beside a bare loop over the same problems?

    python -m benchmarks.throughput --rounds 5

The laws are `trajectory` and `each step` of the reference's LSTM in float64, with sizes from 1 to 8, drawn,
asked and judged as in any run. The bare loop rebuilds the same problems, runs the reference and
`torch.nn.LSTM` with a head, and calls `numpy.testing.assert_allclose` on the states and the predictions.
Both run on one core, in turns.
"""

import argparse
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from statistics import median

import numpy as np
import torch
from hypothesis import given, seed, settings

import conftest  # noqa: F401 - registers the profiles
import reference
from oracle.conversion import to_torch
from oracle.problem import Problem
from properties.implementations.implementation import Implementation
from properties.laws.test_agreement import test_each_step as each_step
from properties.laws.test_agreement import test_trajectory as trajectory
from properties.strategies.functions import Effort
from properties.trials.law import Law
from properties.trials.tally import Tally
from reference.contract import Array

FUNCTION = "lstm_forward"


def main() -> None:
    """Measure, and print the ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often (default: %(default)s)")
    parser.add_argument("--examples", type=int, default=100, help="in a round (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=6, help="that ride on an example (default: %(default)s)")
    options = parser.parse_args()
    with suppress(AttributeError):  # not every system can choose
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    ratios = []
    with Implementation("reference") as implementation:
        for number in range(options.rounds + 1):
            start = time.perf_counter()
            problems = judge(implementation, number, options.examples, Effort(8, 8, options.seeds))
            middle = time.perf_counter()
            for problem in problems:
                compare(replace(problem))
            end = time.perf_counter()
            if number:  # the first is to warm up
                ratios.append((end - middle) / (middle - start))
                print(
                    f"{len(problems)} problems: {len(problems) / (middle - start):.0f}/s through the laws, "
                    f"{len(problems) / (end - middle):.0f}/s bare, ratio {ratios[-1]:.2f}"
                )
    print(f"median ratio {median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f}")


def judge(implementation: Implementation, number: int, examples: int, effort: Effort) -> Sequence[Problem]:
    """Check both laws on what they draw with this seed; the problems, in order."""
    judged: list[Problem] = []

    def hold(law: Law) -> None:
        @seed(number)
        @settings(settings.get_profile("dev"), max_examples=examples)
        @given(law.examples(FUNCTION, effort))
        def check(problems: Sequence[Problem]) -> None:
            for trial in law.trials(implementation, FUNCTION, problems, Tally()):
                judged.append(trial.problem)
                law.check(trial)

        check()

    hold(trajectory.law)
    hold(each_step.law)
    return judged


def compare(problem: Problem) -> None:
    """What one would write without a harness, with one tolerance for all."""
    x, a0, parameters = problem.arguments(FUNCTION)
    a, y, c, _ = reference.lstm_forward(x, a0, parameters)
    module = torch.nn.LSTM(problem.n_x, problem.n_a, dtype=torch.float64)
    module.load_state_dict({name: tensor(array) for name, array in to_torch("lstm", [parameters]).items()})
    with torch.no_grad():
        states = tensor(a0.T[None]), torch.zeros(1, problem.m, problem.n_a, dtype=torch.float64)
        theirs, (_, last) = module(tensor(x.transpose(2, 1, 0)), states)
        head = torch.nn.functional.linear(theirs, tensor(parameters["Wy"]), tensor(parameters["by"][:, 0]))
        predictions = torch.softmax(head, dim=-1)
    for ours, other in ((a, theirs), (c[:, :, -1:], last), (y, predictions)):
        np.testing.assert_allclose(ours, other.numpy().transpose(2, 1, 0), rtol=1e-5, atol=1e-6)


def tensor(array: Array) -> torch.Tensor:
    """A tensor of its own."""
    return torch.from_numpy(np.ascontiguousarray(array))


if __name__ == "__main__":
    main()
