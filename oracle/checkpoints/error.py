"""The errors of reading files of weights; each message is one line."""

import importlib
from typing import Any


class CheckpointError(ValueError):
    """A file that cannot be read, or in which no layers are found.

    The message is one line. Its unprintable characters, which may come from names in the file, are escaped.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class LimitError(CheckpointError):
    """A file that needs more memory or steps than the limits allow."""


def printable(text: str) -> str:
    """The text in one line, with unprintable characters escaped."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def shortened(text: object, length: int = 200) -> str:
    """The first paragraph of a message in one line, cut to a length."""
    line = " ".join(str(text).split("\n\n")[0].split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def optional(package: str, extra: str = "checkpoints") -> Any:
    """Import an optional library; if it is missing, a `CheckpointError` says how to install it."""
    try:
        return importlib.import_module(package)
    except ImportError:
        name = package.partition(".")[0]
        raise CheckpointError(
            f"this kind of file needs the package {name}: pip install 'rnn-crosscheck[{extra}]'"
        ) from None
