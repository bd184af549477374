"""Stores the problems on which a law failed, which the next run tries first."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase

from oracle.problems.problem import Problem
from properties.worker.targets import canonical

DIRECTORY = ".hypothesis/examples"
"""The directory of the database. Hypothesis uses the same directory, and stores nothing in our profiles."""


class Store:
    """The stored problems of one law on one function of one implementation."""

    def __init__(self, database: ExampleDatabase, implementation: str, law: str, function: str) -> None:
        self._database = database
        self._key = f"rnn-crosscheck: {law} of {function} of {implementation}".encode(
            errors="surrogateescape"
        )

    @classmethod
    def below(cls, directory: Path, target: str, law: str, function: str) -> Self:
        """The stored problems of a target's law on a function, in the database below this directory."""
        database = DirectoryBasedExampleDatabase(directory / DIRECTORY)
        return cls(database, canonical(target, directory), law, function)

    def __iter__(self) -> Iterator[Problem]:
        for value in sorted(self._database.fetch(self._key)):
            try:
                yield Problem.parse(value.decode())
            except ValueError:  # another version of rnn-crosscheck stored the problem
                self._database.delete(self._key, value)

    def add(self, problem: Problem) -> None:
        """Write a problem to the disk at once, so that the problem is not lost if the program ends."""
        self._database.save(self._key, repr(problem).encode())

    def discard(self, problem: Problem) -> None:
        """Remove a problem."""
        self._database.delete(self._key, repr(problem).encode())
