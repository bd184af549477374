"""Each worker has the tests of one implementation after another."""

from itertools import groupby
from types import SimpleNamespace
from typing import Any

import pytest

from properties.internals.pytest_internals import scope_scheduler

IDS = [f"{implementation}:{law}" for implementation in "abcde" for law in range(4)]


class Node:
    """A worker, as a scheduler sees it."""

    gateway = SimpleNamespace(id="gw")
    shutting_down = False

    def __init__(self) -> None:
        self.sent = list[int]()

    def send_runtest_some(self, indices: list[int]) -> None:
        self.sent += indices

    def shutdown(self) -> None:
        self.shutting_down = True


def test_the_tests_of_a_scope_go_to_one_worker_and_what_a_dead_one_has_left_to_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    xdist = pytest.importorskip("xdist.scheduler.loadscope")
    monkeypatch.setattr(xdist, "parse_tx_spec_config", lambda config: [None] * 2)
    config: Any = SimpleNamespace(getvalue=lambda _: None, option=SimpleNamespace(loadscopereorder=False))
    scheduler = scope_scheduler(config, None, lambda nodeid: nodeid[0])
    nodes = [Node(), Node()]
    for node in nodes:
        scheduler.add_node(node)
    for node in nodes:
        scheduler.add_node_collection(node, IDS)
    scheduler.schedule()
    first, dying = nodes
    for number in range(6):  # of which the last is the second test of its second implementation
        scheduler.mark_test_complete(dying, dying.sent[number])
    done = dying.sent[:6]
    assert scheduler.remove_node(dying) == IDS[dying.sent[6]]
    for index in first.sent:
        scheduler.mark_test_complete(first, index)
    assert sorted([*done, *first.sent]) == [*range(len(IDS))]
    scopes = [scope for scope, _ in groupby(IDS[index][0] for index in first.sent)]
    assert len({*scopes}) == len(scopes)
    assert scheduler.tests_finished
