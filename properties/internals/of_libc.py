"""What we use of the C library, where it is glibc."""

import ctypes
import sys
from contextlib import suppress


def give_back_memory() -> None:
    """Return to the system what was freed; many small arrays leave much of it. Elsewhere do nothing."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
