"""Functions that misbehave as readers of files may, for a process of their own."""

import os
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np


def returning(*arguments: Any) -> Any:
    print("a library prints")
    return arguments


def refusing() -> None:
    raise KeyError("weights")


def taking_memory(size: int) -> int:
    return len(bytearray(size))


def importing(library: str) -> None:
    import_module(library)
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass


def computing() -> None:
    while True:
        pass


def waiting(path: str) -> None:
    """Wait for ever, with a FIFO that is open for writing; a process that is forked does the same."""
    os.fork()
    with open(path, "wb"):
        time.sleep(600)


def writing(path: str) -> None:
    Path(path).write_text("evidence")


def crashing() -> None:
    os.abort()


def telling_much(count: int) -> Any:
    return [0] * count


def telling_a_large_array(size: int) -> Any:
    return np.zeros(size, np.uint8)
