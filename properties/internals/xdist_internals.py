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
