"""The undocumented parts of pytest-xdist that we use, which is imported only if it runs."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest


def scope_scheduler(config: pytest.Config, log: Any, scope: Callable[[str], str]) -> Any:
    """A scheduler that runs all tests with the same `scope` of their ids in one worker.

    It takes time linear in the number of tests, since it indexes them and drops scopes that are done.
    """
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    class Scopes(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return scope(nodeid)

        def add_node_collection(self, node: Any, collection: Sequence[str]) -> None:
            super().add_node_collection(node, collection)
            if node in self.registered_collections:  # xdist rejects a collection that differs
                self.registered_collections[node] = _Indexed(collection)

        def _assign_work_unit(self, node: Any) -> None:
            assigned = self.assigned_work.get(node, {})
            for over in [scope for scope, tests in assigned.items() if all(tests.values())]:
                del assigned[over]
            super()._assign_work_unit(node)

    return Scopes(config, log)


class _Indexed(list[str]):
    """A list of distinct words with an index."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__(words)
        self._index = {word: index for index, word in enumerate(words)}

    def index(self, word: str, *_: Any) -> int:
        return self._index[word]


def round_scheduler(
    config: pytest.Config,
    log: Any,
    begin: Callable[[], None],
    due: Callable[[Sequence[str], Sequence[int]], list[int]],
) -> Any:
    """A scheduler that runs tests again and again.

    `begin` is called when the workers are ready. `due` takes the ids of all tests and the indices that remain
    in the round, and returns the indices to run next.
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


def hide_test_counts(config: pytest.Config) -> None:
    """Do not print the numbers of workers and of collected tests."""
    if session := config.pluginmanager.getplugin("dsession"):
        session.trdist.ensure_show_status = lambda: None
        session.trdist.setstatus = lambda *_, **__: None


def kill_workers(config: pytest.Config) -> None:
    """Kill the workers of pytest-xdist, if any, for which it would wait ten seconds."""
    session = config.pluginmanager.getplugin("dsession")
    for gateway in session.nodemanager.group if session else ():
        gateway._io.kill()
