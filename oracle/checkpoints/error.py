"""Errors of files of weights, and their messages of one line."""

import importlib
from typing import Any


class CheckpointError(ValueError):
    """A file that cannot be read, or whose layers cannot be found.

    The message is one line. Names in it come from the file, so control characters are escaped.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class LimitError(CheckpointError):
    """A file that would take more memory or steps than allowed."""


def printable(text: str) -> str:
    """The text on one line, with unprintable characters escaped."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def shortened(text: object, length: int = 200) -> str:
    """The first paragraph of a message on one line, cut at a length."""
    line = " ".join(str(text).split("\n\n")[0].split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def optional(package: str, extra: str = "checkpoints") -> Any:
    """An optional library; if it is missing, a `CheckpointError` says how to install it."""
    try:
        return importlib.import_module(package)
    except ImportError:
        name = package.partition(".")[0]
        raise CheckpointError(
            f"this kind of file needs the package {name}: pip install 'rnn-crosscheck[{extra}]'"
        ) from None
