"""Problems on which a law did not hold, to be tried first the next time."""

from collections.abc import Iterator

from hypothesis.database import ExampleDatabase

from oracle.problem import Problem

_COMPLETE = b"as it began"
"""Stands among what was stored as a run began, when all of it is there."""


class Store:
    """The problems on which a law does not hold of a function of an implementation, in a database.

    With a database `as_it_began` it holds, to who asks, what it held before the first change. That outlasts
    the program, so that a run which is continued does not meet what it has found itself.
    """

    def __init__(
        self,
        database: ExampleDatabase,
        implementation: str,
        law: str,
        function: str,
        as_it_began: ExampleDatabase | None = None,
    ) -> None:
        self._database = database
        self._as_it_began = as_it_began
        key = f"rnn-crosscheck: {law} of {function} of {implementation}"
        self._key = key.encode(errors="surrogateescape")

    def __iter__(self) -> Iterator[Problem]:
        for value in sorted(self._before or self._database.fetch(self._key)):
            if value == _COMPLETE:
                continue
            try:
                yield Problem.parse(value.decode())
            except ValueError:  # written by another version
                self._database.delete(self._key, value)

    def add(self, problem: Problem) -> None:
        """Keep a problem, also if the program ends right now."""
        self._remember()
        self._database.save(self._key, repr(problem).encode())

    def discard(self, problem: Problem) -> None:
        """Keep it no longer."""
        self._remember()
        self._database.delete(self._key, repr(problem).encode())

    @property
    def _before(self) -> set[bytes]:
        """What was there before the first change, and the sign that it is complete; nothing without one."""
        before = {*self._as_it_began.fetch(self._key)} if self._as_it_began else set()
        return before if _COMPLETE in before else set()

    def _remember(self) -> None:
        if not self._as_it_began or self._before:
            return
        for value in (*self._database.fetch(self._key), _COMPLETE):
            self._as_it_began.save(self._key, value)
