"""`rnn-crosscheck TARGET… [options]`: the same as `pytest properties --implementation TARGET…` in a clone."""

import atexit
import gc
import os
import sys
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
# In a clone, the current directory may have modules named `properties` or `oracle`, too; ours come first.
if (ROOT / "hatch_build.py").is_file():
    sys.path.insert(0, str(ROOT))


def main() -> int:
    """Run the command, and return its exit status."""
    try:
        from oracle.processes import posix  # noqa: F401  # which says on which systems the command runs
    except ImportError as error:
        sys.exit(f"ERROR: {error}")
    statuses: list[int] = []
    atexit.register(_end_process, statuses)  # the first registered function is called last
    gc.set_threshold(50_000)  # as in conftest.py, but before pytest and Hypothesis are imported
    try:
        from properties.session import command

        statuses.append(command.main())
    except BrokenPipeError:  # the reader of our output, such as `head`, has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        statuses.append(1)
    except KeyboardInterrupt:  # before pytest can handle it
        statuses.append(2)  # as pytest
    return statuses[0]


def _end_process(statuses: list[int]) -> None:
    """End the process at once: to free the objects of torch takes a fifth of the time of its import."""
    with suppress(OSError):  # a closed pipe, which the interpreter reports
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        if statuses:  # `main` has not raised an exception
            os._exit(statuses[0])


if __name__ == "__main__":
    sys.exit(main())
