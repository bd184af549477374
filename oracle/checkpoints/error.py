"""What is wrong with a file, in one line."""

import importlib
from typing import Any


class CheckpointError(ValueError):
    """A file that cannot be read, or whose layers cannot be told; the message is one line."""


def shortened(text: object, length: int = 200) -> str:
    """The first line of a message of somebody else's, or what fits of it."""
    line = " ".join(str(text).split("\n\n")[0].split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def optional(package: str, extra: str = "checkpoints") -> Any:
    """A library that not everybody has; where it is missing, the message says how to get it."""
    try:
        return importlib.import_module(package)
    except ImportError:
        name = package.partition(".")[0]
        raise CheckpointError(
            f"reading this needs the package {name}: pip install 'rnn-crosscheck[{extra}]'"
        ) from None
