"""The problems on which a law failed, to be tried first in the next run."""

from collections.abc import Iterator

from hypothesis.database import ExampleDatabase

from oracle.problem import Problem

DIRECTORY = ".hypothesis/examples"
"""The directory of the database: the usual one of Hypothesis, which stores nothing in our profiles."""


class Store:
    """The problems on which a law fails on a function of an implementation."""

    def __init__(self, database: ExampleDatabase, implementation: str, law: str, function: str) -> None:
        self._database = database
        self._key = f"rnn-crosscheck: {law} of {function} of {implementation}".encode(
            errors="surrogateescape"
        )

    def __iter__(self) -> Iterator[Problem]:
        for value in sorted(self._database.fetch(self._key)):
            try:
                yield Problem.parse(value.decode())
            except ValueError:  # another version wrote it
                self._database.delete(self._key, value)

    def add(self, problem: Problem) -> None:
        """Store a problem at once, so that it is not lost if the program ends."""
        self._database.save(self._key, repr(problem).encode())

    def discard(self, problem: Problem) -> None:
        """Remove a problem."""
        self._database.delete(self._key, repr(problem).encode())
