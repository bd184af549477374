"""Opens the local database of failures, and a database that several machines share."""

import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from hypothesis.database import (
    BackgroundWriteDatabase,
    ExampleDatabase,
    GitHubArtifactDatabase,
    MultiplexedDatabase,
    ReadOnlyDatabase,
)
from hypothesis.errors import HypothesisSideeffectWarning, HypothesisWarning

from properties.internals.of_hypothesis import LocalDatabase

LOCAL = ".hypothesis/examples"
"""The directory in which Hypothesis stores examples."""

TIMEOUT = 2.0
"""Time limit in seconds for a request to a shared database."""

RETRY_AFTER = 5.0
"""Seconds between attempts to reach a lost database."""


def open_database(directory: Path, url: str, tell: Callable[[str], None]) -> ExampleDatabase:
    """The local database, and with a `url` also a shared one.

    `redis://host:port/0` is read and written; `tell` gets a message when the connection is lost, and when it
    is back. `github://owner/repository` is an artifact of a workflow, and is only read. Raises `ValueError`
    if the database cannot be reached.
    """
    local = LocalDatabase(directory / LOCAL)
    if not url:
        return local
    match urlsplit(url).scheme:
        case "redis" | "rediss":
            return MultiplexedDatabase(local, BackgroundWriteDatabase(_redis(url, tell)))
        case "github":
            return MultiplexedDatabase(local, ReadOnlyDatabase(_github(url, directory)))
    raise ValueError(f"{url!r}, expected redis://host:port/0 or github://owner/repository")


def _redis(url: str, tell: Callable[[str], None]) -> "SharedDatabase":
    try:
        from hypothesis.extra.redis import RedisExampleDatabase
        from redis import Redis, RedisError
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        raise ValueError(f"{url}: this needs the Python client of Redis, the extra 'fuzz'") from None
    try:
        client = Redis.from_url(
            url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=Retry(NoBackoff(), 0)
        )
        client.ping()
    except ValueError as error:
        raise ValueError(f"{url}: {error}") from None
    except RedisError as error:
        raise ValueError(f"{url} is out of reach: {error}") from None
    return SharedDatabase(RedisExampleDatabase(client), RedisError, urlsplit(url).netloc, tell)


def _github(url: str, directory: Path) -> ExampleDatabase:
    owner, repository = urlsplit(url).netloc, urlsplit(url).path.strip("/")
    if not owner or not repository or "/" in repository:
        raise ValueError(f"{url}: expected github://owner/repository")
    downloads = directory / ".hypothesis" / "github" / owner / repository
    database = GitHubArtifactDatabase(owner, repository, path=downloads)
    with warnings.catch_warnings(action="error", category=HypothesisWarning):
        # Hypothesis warns of slow work before the first test.
        warnings.simplefilter("ignore", HypothesisSideeffectWarning)
        try:
            list(database.fetch(b""))  # downloads the artifact, at most once a day
        except HypothesisWarning as error:
            raise ValueError(f"{url}: {error}") from None
    return database


class SharedDatabase(ExampleDatabase):
    """A database whose connection may be lost. Missed writes follow when the connection is back.

    An operation without a connection raises `error`; the next attempt is made `retry_after` seconds later.
    """

    def __init__(
        self,
        database: ExampleDatabase,
        error: type[Exception],
        name: str,
        tell: Callable[[str], None],
        retry_after: float = RETRY_AFTER,
    ) -> None:
        super().__init__()
        self._retry_after = retry_after
        self._database = database
        self._error = error
        self._name = name
        self._tell = tell
        self._missed: dict[tuple[bytes, bytes], Callable[[bytes, bytes], None]] = {}
        self._lost_at: float | None = None

    def fetch(self, key: bytes) -> Iterable[bytes]:
        """The stored values; none while the database is lost."""
        return self._attempt(lambda: list(self._database.fetch(key)))

    def save(self, key: bytes, value: bytes) -> None:
        """Write a value now, or when the database is back."""
        self._missed[key, value] = self._database.save
        self._attempt(tuple)

    def delete(self, key: bytes, value: bytes) -> None:
        """Delete a value now, or when the database is back."""
        self._missed[key, value] = self._database.delete
        self._attempt(tuple)

    def _attempt(self, operation: Callable[[], Sequence[bytes]]) -> Sequence[bytes]:
        if self._lost_at is not None and time.monotonic() < self._lost_at + self._retry_after:
            return ()
        try:
            for (key, value), write in list(self._missed.items()):
                write(key, value)
                del self._missed[key, value]
            result = operation()
        except self._error as error:
            if self._lost_at is None:
                self._tell(f"{self._name} is lost ({error}); the run continues with the local database")
            self._lost_at = time.monotonic()
            return ()
        if self._lost_at is not None:
            self._lost_at = None
            self._tell(f"{self._name} is back; the missed writes followed")
        return result
