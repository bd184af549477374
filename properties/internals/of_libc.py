"""What we use of glibc."""

import ctypes
import sys
from contextlib import suppress


def give_back_memory() -> None:
    """Return freed memory, of which many small arrays leave much, to the system, if there is glibc."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
