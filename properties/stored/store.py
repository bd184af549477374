"""Problems on which a law did not hold, to be tried first the next time."""

from collections.abc import Iterator

from hypothesis.database import ExampleDatabase

from oracle.problem import Problem


class Store:
    """The problems on which a law does not hold of a function of an implementation, in a database."""

    def __init__(self, database: ExampleDatabase, implementation: str, law: str, function: str) -> None:
        self._database = database
        key = f"rnn-crosscheck: {law} of {function} of {implementation}"
        self._key = key.encode(errors="surrogateescape")

    def __iter__(self) -> Iterator[Problem]:
        for value in sorted(self._database.fetch(self._key)):
            try:
                yield Problem.parse(value.decode())
            except ValueError:  # written by another version
                self._database.delete(self._key, value)

    def add(self, problem: Problem) -> None:
        """Keep a problem, also if the program ends right now."""
        self._database.save(self._key, repr(problem).encode())

    def discard(self, problem: Problem) -> None:
        """Keep it no longer."""
        self._database.delete(self._key, repr(problem).encode())
