"""How long does it take until a mistake is found, its problem is shrunk, and the mistake is named?

    python -m benchmarks.first_counterexample

Judges every mistake of the catalogue in a process of its own, in one function that makes the mistake, by the
laws in the order of their power, until one does not hold. The time includes the start of the process,
shrinking and diagnosis, but no imports. The exit status is 1 if a mistake was not found.
"""

import sys
import time
from statistics import median

import conftest  # noqa: F401 - registers the profiles
from benchmarks.shared import parser
from oracle.faults import FAULTS, Fault
from properties.explanations.failure import Failure
from properties.implementations.implementation import Implementation
from properties.tests.one_law import by_power, catch

SLOWEST = 5


def main() -> int:
    """Measure every mistake, and print the slowest and the summary."""
    options = parser(__doc__)
    options.add_argument("--seed", type=int, default=0, help="of the search (default: %(default)s)")
    seed = options.parse_args().seed
    found: list[tuple[float, str, str]] = []
    for fault in FAULTS.values():
        start = time.perf_counter()
        counterexample = first_counterexample(fault, seed)
        found.append((time.perf_counter() - start, fault.name, counterexample))
    for seconds, name, counterexample in sorted(found, reverse=True)[:SLOWEST]:
        print(f"{seconds:6.2f} s  {name:40}{counterexample}")
    times = [seconds for seconds, _, _ in found]
    print(f"{len(times)} mistakes: median {median(times):.2f} s, at most {max(times):.2f} s")
    missed = [name for _, name, counterexample in found if not counterexample]
    print(f"not found: {', '.join(missed) or 'none'}")
    return 1 if missed else 0


def first_counterexample(fault: Fault, seed: int) -> str:
    """The first law that does not hold and its problem, once the message is complete; empty if all hold."""
    function = fault.functions[0]
    with Implementation(f"oracle.faults:{fault.name}") as implementation:
        for law in by_power():
            if function in law.functions:
                caught = catch(law, implementation, function, seed, shrink=True)
                if caught and Failure(caught.violation).message:
                    return f"{law.name:20}{caught.violation.trial.problem!r}"
    return ""


if __name__ == "__main__":
    sys.exit(main())
