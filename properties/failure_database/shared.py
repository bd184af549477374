"""The database of failures: on this machine, and shared with others."""

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
"""Where Hypothesis keeps its examples, below the current directory."""

TIMEOUT = 2.0
"""Seconds for an answer of a shared database."""

PATIENCE = 5.0
"""Seconds after which one that is lost is tried again."""


def open_database(directory: Path, url: str, tell: Callable[[str], None]) -> ExampleDatabase:
    """The local database, in front of a shared one if there is a `url`.

    `redis://host:port/0` is read and written; `tell` is told when it is lost, and when it is back.
    `github://owner/repository` is what a workflow of that repository has uploaded, and only read. Raises
    `ValueError` where there is nothing.
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
        # That this is early is no matter: it may take its time.
        warnings.simplefilter("ignore", HypothesisSideeffectWarning)
        try:
            list(database.fetch(b""))  # downloads it, unless that was done today
        except HypothesisWarning as error:
            raise ValueError(f"{url}: {error}") from None
    return database


class SharedDatabase(ExampleDatabase):
    """A database that may be lost and found again; what it has missed is written then.

    While it is out of reach its operations raise `error`, and it is left alone for `patience` seconds.
    """

    def __init__(
        self,
        database: ExampleDatabase,
        error: type[Exception],
        name: str,
        tell: Callable[[str], None],
        patience: float = PATIENCE,
    ) -> None:
        super().__init__()
        self._patience = patience
        self._database = database
        self._error = error
        self._name = name
        self._tell = tell
        self._missed: dict[tuple[bytes, bytes], Callable[[bytes, bytes], None]] = {}
        self._lost_at: float | None = None

    def fetch(self, key: bytes) -> Iterable[bytes]:
        """The values there, and none while it is out of reach."""
        return self._attempt(lambda: list(self._database.fetch(key)))

    def save(self, key: bytes, value: bytes) -> None:
        """Write it now, or when that is possible again."""
        self._missed[key, value] = self._database.save
        self._attempt(tuple)

    def delete(self, key: bytes, value: bytes) -> None:
        """The same, for a value that is wanted no more."""
        self._missed[key, value] = self._database.delete
        self._attempt(tuple)

    def _attempt(self, operation: Callable[[], Sequence[bytes]]) -> Sequence[bytes]:
        if self._lost_at is not None and time.monotonic() < self._lost_at + self._patience:
            return ()
        try:
            for (key, value), write in list(self._missed.items()):
                write(key, value)
                del self._missed[key, value]
            result = operation()
        except self._error as error:
            if self._lost_at is None:
                self._tell(f"{self._name} is lost ({error}); the run goes on with the local database")
            self._lost_at = time.monotonic()
            return ()
        if self._lost_at is not None:
            self._lost_at = None
            self._tell(f"{self._name} is back, and has what it missed")
        return result
