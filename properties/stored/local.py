"""Hypothesis' database in a directory, for thousands of tests."""

from collections.abc import Iterable

from hypothesis.database import DirectoryBasedExampleDatabase


class LocalDatabase(DirectoryBasedExampleDatabase):
    """One that does not remember where each key was looked for, which is a kilobyte for each."""

    def fetch(self, key: bytes) -> Iterable[bytes]:
        """What was stored for a key."""
        values = [*super().fetch(key)]
        self.keypaths.pop(key, None)
        return values
