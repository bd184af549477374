"""Parses the arguments of the commands that do not run pytest."""

import sys
from argparse import ArgumentParser
from typing import Never

from oracle.checkpoints.contents import printable

USAGE_ERROR = 4
"""The exit status of wrong usage, the same as pytest's."""


class Parser(ArgumentParser):
    """Parses arguments. If they are wrong, the message has one line."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(prog, description=description, allow_abbrev=False)

    def error(self, message: str) -> Never:
        """Exit with the message in one line."""
        fail(f"{self.prog}: error: {message}")


def fail(message: str) -> Never:
    """Print one line to standard error, and exit with the status of wrong usage."""
    print(printable(message), file=sys.stderr)
    sys.exit(USAGE_ERROR)
