"""The parts of glibc that we use."""

import ctypes
import sys
from contextlib import suppress


def give_back_memory() -> None:
    """Return freed memory to the system, on glibc: many small arrays leave much of it."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
