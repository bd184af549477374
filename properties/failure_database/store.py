"""The problems on which a law failed, to be tried first in the next run."""

from collections.abc import Iterator

from hypothesis.database import ExampleDatabase

from oracle.problem import Problem


class Store:
    """The problems on which a law fails on a function of an implementation, in a database.

    A store that does not replay yields no problem. A resumed run has such stores: a problem that the
    interrupted run has stored would change what the resumed run finds.
    """

    def __init__(
        self, database: ExampleDatabase, implementation: str, law: str, function: str, *, replays: bool = True
    ) -> None:
        self._database = database
        self._replays = replays
        self._key = f"rnn-crosscheck: {law} of {function} of {implementation}".encode(
            errors="surrogateescape"
        )

    def __iter__(self) -> Iterator[Problem]:
        for value in sorted(self._database.fetch(self._key)) if self._replays else ():
            try:
                yield Problem.parse(value.decode())
            except ValueError:  # written by another version
                self._database.delete(self._key, value)

    def add(self, problem: Problem) -> None:
        """Store a problem at once, so that it outlasts the program."""
        self._database.save(self._key, repr(problem).encode())

    def discard(self, problem: Problem) -> None:
        """Remove a problem."""
        self._database.delete(self._key, repr(problem).encode())
