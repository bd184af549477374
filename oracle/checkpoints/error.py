"""What is wrong with a file, in one line."""

import importlib
from typing import Any


class CheckpointError(ValueError):
    """A file that cannot be read, or whose layers cannot be told.

    The message is one line. Names in it come from the file: what would move a cursor is escaped.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class LimitError(CheckpointError):
    """A file that would take more memory or steps than it may."""


def printable(text: str) -> str:
    """Text on one line, with every character escaped that a terminal would not show."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


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
            f"this kind of file needs the package {name}: pip install 'rnn-crosscheck[{extra}]'"
        ) from None
