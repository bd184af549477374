"""How many problems go through the agreement laws, beside a bare loop over the same problems?

    python -m benchmarks.throughput --rounds 5

The laws are `trajectory` and `each step` of the reference's LSTM in float64, with sizes from 1 to 8. The bare
loop rebuilds the same problems, runs the reference and torch, and calls `numpy.testing.assert_allclose` on
the states and the predictions. Both run on one core, in turns.
"""

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from statistics import median

import numpy as np
from hypothesis import given, seed, settings

import conftest  # noqa: F401 - registers the profiles
import reference
from benchmarks.shared import parser
from oracle import pytorch
from oracle.problem import Problem
from properties.implementations.implementation import Implementation
from properties.laws.test_agreement import test_each_step as each_step
from properties.laws.test_agreement import test_trajectory as trajectory
from properties.strategies.functions import Effort
from properties.trials.law import Law
from properties.trials.tally import Tally

FUNCTION = "lstm_forward"
EXAMPLES, SEEDS = 100, 6
"""Examples in a round, and problems of each example."""


def main() -> None:
    """Measure, and print the ratio."""
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=5, help="how many (default: %(default)s)")
    rounds = options.parse_args().rounds
    with suppress(AttributeError):  # not every system can choose a core
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    ratios = []
    with Implementation("reference") as implementation:
        for number in range(rounds + 1):
            start = time.perf_counter()
            problems = judge(implementation, number)
            middle = time.perf_counter()
            for problem in problems:
                compare(replace(problem))  # a copy, whose arrays are not yet drawn
            laws, bare = middle - start, time.perf_counter() - middle
            if number:  # the first round only warms up
                ratios.append(bare / laws)
                print(
                    f"{len(problems)} problems: {len(problems) / laws:.0f}/s through the laws, "
                    f"{len(problems) / bare:.0f}/s bare, ratio {ratios[-1]:.2f}"
                )
    print(f"median ratio {median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f}")


def judge(implementation: Implementation, number: int) -> Sequence[Problem]:
    """Check both laws on what a seed draws; the problems, in order."""
    judged: list[Problem] = []

    def hold(law: Law) -> None:
        @seed(number)
        @settings(settings.get_profile("dev"), max_examples=EXAMPLES)
        @given(law.examples(FUNCTION, Effort(8, 8, SEEDS)))
        def check(problems: Sequence[Problem]) -> None:
            for trial in law.trials(implementation, FUNCTION, problems, Tally()):
                judged.append(trial.problem)
                law.check(trial)

        check()

    hold(trajectory.law)
    hold(each_step.law)
    return judged


def compare(problem: Problem) -> None:
    """Check a problem without the harness, with one tolerance for all numbers."""
    inputs = problem.inputs(FUNCTION)
    a, y, c, _ = reference.lstm_forward(*inputs.arguments(FUNCTION))
    torch = pytorch.run(inputs)
    for ours, theirs in ((a, torch["a"]), (c[:, :, -1:], torch["c"]), (y, torch["y"])):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


if __name__ == "__main__":
    main()
