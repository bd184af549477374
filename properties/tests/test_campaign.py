"""A campaign gives the turns to one process or several, and adds them up."""

from collections import Counter
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import pytest

from properties.fuzz.campaign import Campaign
from properties.fuzz.clock import Clock
from properties.reports.results import LawResult, Status
from properties.tests.results import PROBLEM

CONFIG: Any = SimpleNamespace()


class Node:
    """A worker, as a scheduler sees it."""

    def __init__(self) -> None:
        self.gateway = SimpleNamespace(id="gw")
        self.queue = list[int]()
        self.shutting_down = False

    def send_runtest_some(self, indices: list[int]) -> None:
        assert not self.shutting_down
        self.queue += indices

    def shutdown(self) -> None:
        self.shutting_down = True


def workers(
    campaign: Campaign, nodes: int, nodeids: list[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[Any, list[Node]]:
    xdist = pytest.importorskip("xdist.scheduler.load")
    monkeypatch.setattr(xdist, "parse_tx_spec_config", lambda config: [None] * nodes)
    config: Any = SimpleNamespace(getoption=lambda _: None)
    scheduler = campaign.pytest_xdist_make_scheduler(config, None)
    made = [Node() for _ in range(nodes)]
    for node in made:
        scheduler.add_node(node)
    for node in made:
        scheduler.add_node_collection(node, nodeids)
    scheduler.schedule()
    return scheduler, made


def report(nodeid: str, failed: bool) -> Any:
    status: Status = "failed" if failed else "passed"
    law = asdict(LawResult("a.py", nodeid, "spec", "rnn_forward", status, seconds=1.0, problems=3))
    return SimpleNamespace(
        nodeid=nodeid,
        when="call",
        passed=not failed,
        failed=failed,
        user_properties=[("law" if failed else "turn", law), ("visited", {"m 0": 1})],
    )


@pytest.mark.parametrize("nodes", [1, 2, 3])
@pytest.mark.parametrize("tests", [1, 2, 7])
def test_workers_share_the_turns_until_all_have_failed_or_the_time_is_up(
    nodes: int, tests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(3600)
    clock.start()
    campaign = Campaign(CONFIG, clock)
    nodeids = [f"t{i}" for i in range(tests)]
    scheduler, made = workers(campaign, nodes, nodeids, monkeypatch)
    turns = Counter[str]()
    for step in range(40 * tests):
        node = made[step % nodes]
        if not node.queue or (len(node.queue) < 2 and not node.shutting_down):
            continue
        index = node.queue.pop(0)
        turns[nodeids[index]] += 1
        campaign._add(report(nodeids[index], failed=index == 0 and turns["t0"] == 3))
        scheduler.mark_test_complete(node, index)
        if step == 30 * tests:
            clock.stop()
    assert scheduler.tests_finished
    assert not scheduler.has_pending
    assert all(node.shutting_down for node in made)
    assert turns["t0"] in range(3, 3 + 2 * nodes)  # what was under way is not called back
    others = [turns[nodeid] for nodeid in nodeids[1:]]
    assert not others or max(others) - min(others) <= 2 * nodes
    assert not others or min(others) > 10


def test_a_law_that_has_judged_nothing_in_any_turn_has_not_passed() -> None:
    shown: list[Any] = []
    hook = SimpleNamespace(pytest_runtest_logreport=lambda report: shown.append(report))
    config: Any = SimpleNamespace(hook=hook)
    campaign = Campaign(config, Clock(1))
    for nodeid, judged in (("slow", (0, 0)), ("both", (0, 1))):
        for problems in judged:
            turn = report(nodeid, failed=False)
            turn.user_properties[0][1].update(problems=problems, too_slow=2, late=PROBLEM)
            campaign._add(turn)
    campaign.pytest_sessionfinish(SimpleNamespace(testscollected=2))  # type: ignore[arg-type]
    came = {each.nodeid: dict(each.user_properties)["law"] for each in shown}
    assert (came["slow"]["status"], came["both"]["status"]) == ("skipped", "passed")
    assert came["slow"]["message"] == "too slow beyond n_x=1, n_a=1, n_y=1, m=1, T_x=1"
    assert (came["both"]["problems"], came["both"]["too_slow"], came["both"]["late"]) == (1, 4, PROBLEM)
    assert [each.outcome for each in shown if each.nodeid == "slow"] == ["skipped"]


def test_turns_add_up_to_one_result() -> None:
    campaign = Campaign(CONFIG, Clock(1))
    for failed in (False, False, True):
        last = report("t", failed)
        campaign._add(last)
    ((name, law),) = last.user_properties
    assert name == "law"
    assert (law["problems"], law["seconds"], law["status"]) == (9, 3.0, "failed")
    campaign._add(report("t", False))
    assert campaign._results["t"].problems == 9
    assert campaign._visited == {"m 0": 4}
