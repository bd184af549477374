"""How long does it take until a mistake is shown, on a problem made small, and by its name?

    python -m benchmarks.first_counterexample

Judges every mistake of the catalogue in a process of its own, in one function that makes it, by the laws in
the order of their power, until the first does not hold. The time is counted from where all is imported: it
includes the start of the process, shrinking and diagnosis. Exits with status 1 if one was not found.
"""

import argparse
import sys
import time
from statistics import median

import conftest  # noqa: F401 - registers the profiles
from oracle.faults import FAULTS, Fault
from properties.explanations.failure import Failure
from properties.implementations.implementation import Implementation
from properties.tests.one_law import by_power, catch


def main() -> int:
    """Measure every mistake, and print the slowest and the summary."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0, help="of the search (default: %(default)s)")
    parser.add_argument("--slowest", type=int, default=5, help="how many to show (default: %(default)s)")
    options = parser.parse_args()
    seconds, law, problem = {}, {}, {}
    for fault in FAULTS.values():
        start = time.perf_counter()
        law[fault.name], problem[fault.name] = first_counterexample(fault, options.seed)
        seconds[fault.name] = time.perf_counter() - start
    for name in sorted(seconds, key=lambda name: -seconds[name])[: options.slowest]:
        print(f"{seconds[name]:6.2f} s  {name:40}{law[name]:20}{problem[name]}")
    missed = [name for name in FAULTS if not law[name]]
    times = list(seconds.values())
    print(f"{len(times)} mistakes: median {median(times):.2f} s, at most {max(times):.2f} s")
    print(f"not found: {', '.join(missed) or 'none'}")
    return 1 if missed else 0


def first_counterexample(fault: Fault, seed: int) -> tuple[str, str]:
    """The law and the problem, by which time the whole message is there; empty if all laws hold."""
    function = fault.functions[0]
    with Implementation(f"oracle.faults:{fault.name}") as implementation:
        for law in by_power():
            if function in law.functions:
                caught = catch(law, implementation, function, seed, shrink=True)
                if caught and Failure(caught.violation).message:
                    return law.name, repr(caught.violation.trial.problem)
    return "", ""


if __name__ == "__main__":
    sys.exit(main())
