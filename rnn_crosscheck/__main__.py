"""`rnn-crosscheck TARGET… [options]`: the same as `pytest properties --implementation TARGET…` in a clone."""

import atexit
import gc
import os
import sys
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
# In a clone, the current directory may have modules of the same names.
if (ROOT / "hatch_build.py").is_file():
    sys.path.insert(0, str(ROOT))


def main() -> int:
    """Run the command; the exit status is that of `properties.session.command.main`."""
    ended: list[int] = []
    atexit.register(_end_process, ended)  # before all others, so that it is called after them
    gc.set_threshold(50_000)  # as in conftest.py, which is imported after pytest and Hypothesis
    from properties.session import command

    try:
        ended.append(command.main())
    except BrokenPipeError:  # the reader of our output has ended, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        ended.append(1)
    return ended[0]


def _end_process(ended: list[int]) -> None:
    """End the process at once: freeing the objects of torch takes a fifth of the time of its import."""
    with suppress(OSError):  # a closed pipe, which the interpreter reports
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        if ended:
            os._exit(ended[0])


if __name__ == "__main__":
    sys.exit(main())
