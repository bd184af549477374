"""What we use of pytest-xdist that it does not document; it is installed where it asks for a scheduler."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest


def by_scope(config: pytest.Config, log: Any, scope: Callable[[str], str]) -> Any:
    """A scheduler that gives the tests of one scope to one worker; `scope` says it of a test's id."""
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = scope  # what its subclasses change as well
    return scheduler


def in_turns(
    config: pytest.Config,
    log: Any,
    begin: Callable[[], None],
    due: Callable[[Sequence[str], Sequence[int]], list[int]],
) -> Any:
    """A scheduler that runs tests again and again: which ones, `due` says of their ids and what is left.

    `begin` is told when the workers are ready.
    """
    from xdist.scheduler import LoadScheduling

    class Rounds(LoadScheduling):  # type: ignore[misc]
        """Each worker has two tests: the one that runs, and the one after it."""

        collection: list[str] | None
        pending: list[int]

        def schedule(self) -> None:
            if self.collection is None and self._check_nodes_have_same_collection():
                self.collection = next(iter(self.node2collection.values()))
                begin()
            for node in self.nodes if self.collection else ():
                self.check_schedule(node)

        def check_schedule(self, node: Any, duration: float = 0) -> None:
            while not node.shutting_down and len(self.node2pending[node]) < 2:
                self.pending = due(self.collection or (), self.pending)
                if not self.pending:
                    node.shutdown()
                self._send_tests(node, 1)

    return Rounds(config, log)


def kill_workers(config: pytest.Config) -> None:
    """End the processes of pytest-xdist, if any, at once: it would wait ten seconds for them."""
    session = config.pluginmanager.getplugin("dsession")
    for gateway in session.nodemanager.group if session else ():
        gateway._io.kill()
