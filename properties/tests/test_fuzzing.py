"""Fuzzing: the clock, the turns, the campaign, and all of it as its user runs it."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import find, given, settings, target
from hypothesis import strategies as st

from oracle.problem import Problem
from properties import test_agreement
from properties.fuzz.campaign import Campaign, rounds
from properties.fuzz.clock import Clock, duration
from properties.fuzz.turns import Turns, pytest_configure
from properties.reporting.results import LawResult, Status
from properties.store import Store, open_database
from properties.strategies import EFFORTS, problems
from properties.turn import TimeUpError
from reference.contract import CONTRACTS

HERE = Path(__file__).parents[2]

FAULTY = """
import numpy as np
import reference
from reference import rnn_cell_forward, lstm_cell_forward, lstm_forward

def rnn_forward(x, a0, parameters):
    a, y, caches = reference.rnn_forward(x, a0, parameters)
    return (np.where(np.arange(len(a)) < 20, 1, 1.001)[:, None, None] * a if {condition} else a), y, caches
"""
"""Wrong where n_a is beyond what any profile but `fuzz` draws."""


def write(directory: Path, condition: str = "True") -> None:
    (directory / "faulty.py").write_text(FAULTY.format(condition=condition))


def start(directory: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pytest", str(HERE / "properties"), "-p", "no:cacheprovider"]
    return subprocess.Popen(
        [*command, *arguments],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run(directory: Path, *arguments: str) -> tuple[int, str]:
    """The exit status of a run in a directory, and what it prints."""
    process = start(directory, *arguments)
    output, _ = process.communicate()
    return process.returncode, output


@given(st.integers(1, 999), st.sampled_from(["s", "m", "h", "d"]))
def test_a_duration_is_a_number_and_a_unit(number: int, unit: str) -> None:
    assert duration(f"{number}{unit}") == number * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
    assert duration(f"0.5{unit}") == duration(f"1{unit}") / 2


@pytest.mark.parametrize("text", ["", "10", "m", "-5m", "0s", "5 m", "1h30m", "nanm", "1e3s", "5M"])
def test_what_is_no_duration_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration; one looks like 90s, 10m, 4h or 2d"):
        duration(text)


def options(**given: Any) -> Any:
    known = {"--fuzz-for": "5m", "hypothesis_profile": None, "--reproduce": None, "--hypothesis-seed": None}
    return SimpleNamespace(getoption=(known | given).__getitem__)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"--fuzz-for": "soon"}, "--fuzz-for 'soon' is no duration"),
        ({"--fuzz-for": ""}, "--fuzz-for '' is no duration"),
        ({"hypothesis_profile": "ci"}, "leave another one out"),
        ({"--reproduce": "Problem.rnn(...)"}, "leave --reproduce out"),
        ({"--hypothesis-seed": 0}, "leave --hypothesis-seed out"),
    ],
)
def test_options_that_say_something_else_are_a_usage_error(given: dict[str, Any], message: str) -> None:
    with pytest.raises(pytest.UsageError, match=re.escape(message)):
        pytest_configure(options(**given))


def test_without_the_option_nothing_is_prepared() -> None:
    pytest_configure(options(**{"--fuzz-for": None}))


def test_a_clock_that_was_stopped_does_not_start() -> None:
    clock = Clock(3600)
    clock.stop()
    clock.start()  # when the workers of pytest-xdist are ready
    assert clock.left == 0


def test_the_first_interrupt_ends_the_time_and_leaves_the_second_to_others() -> None:
    interrupts = list[int]()
    before = signal.signal(signal.SIGINT, lambda number, frame: interrupts.append(number))
    try:
        clock = Clock(3600)
        loop = clock.pytest_runtestloop()
        next(loop)
        assert 0 < clock.left <= 3600
        os.kill(os.getpid(), signal.SIGINT)
        assert clock.left == 0
        assert not interrupts
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupts == [signal.SIGINT]
        with pytest.raises(StopIteration):
            loop.send(True)
    finally:
        signal.signal(signal.SIGINT, before)


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
    scheduler = rounds(campaign, options(maxschedchunk=None), None)
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
    campaign = Campaign(options(), clock)
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


def test_turns_add_up_to_one_result() -> None:
    campaign = Campaign(options(), Clock(1))
    for failed in (False, False, True):
        last = report("t", failed)
        campaign._add(last)
    ((name, law),) = last.user_properties
    assert name == "law"
    assert (law["problems"], law["seconds"], law["status"]) == (9, 3.0, "failed")
    campaign._add(report("t", False))
    assert campaign._results["t"].problems == 9
    assert campaign._visited == {"m 0": 4}


FUZZ = EFFORTS["fuzz"]


def shapes_by_turn(turns: int, limit: int) -> list[set[tuple[int, ...]]]:
    """The sizes of the problems that a law tries in its first turns, of `limit` problems each."""
    tried: list[tuple[int, ...]] = []

    @given(data=st.data())
    def law(data: st.DataObject) -> None:
        tried.append(tuple(data.draw(problems("lstm_forward", FUZZ)).sizes.values()))
        target(float(tried[-1][0]))
        if len(tried) == limit:
            raise TimeUpError

    law.law = "a law"  # type: ignore[attr-defined]
    item: Any = SimpleNamespace(nodeid="t", obj=law)
    taking = Turns(Clock(3600))
    shapes = []
    for _ in range(turns):
        tried.clear()
        taking._renew(item)
        with suppress(TimeUpError):
            item.obj()
        shapes.append(set(tried))
    return shapes


def test_one_turn_of_three_is_a_search_and_in_the_others_hardly_a_shape_comes_twice() -> None:
    for turn, shapes in enumerate(shapes_by_turn(6, limit=200)):
        if turn % 3:
            assert len(shapes) > 180
        else:
            assert len(shapes) < 80  # of 100 problems, or a few more


def test_a_law_is_another_test_in_every_turn() -> None:
    item: Any = SimpleNamespace(nodeid="t", obj=test_agreement.test_trajectory)
    turns, tests = Turns(Clock(3600)), list[Any]()
    for _ in range(4):
        turns._renew(item)
        tests.append(item.obj)
    assert len({*tests, test_agreement.test_trajectory}) == 5
    assert {test.law.name for test in tests} == {"trajectory"}


@settings(max_examples=500)
@given(st.sampled_from(sorted(CONTRACTS)), st.data())
def test_large_problems_are_affordable(function: str, data: st.DataObject) -> None:
    problem = data.draw(problems(function, FUZZ))
    numbers = problem.m * problem.T_x * (problem.n_x + problem.n_a + problem.n_y)
    products = problem.m * problem.T_x * problem.n_a * (problem.n_a + problem.n_x + problem.n_y)
    assert numbers <= 4e6
    assert products <= 1e9
    assert problem.T_x <= FUZZ.longest + 4
    assert max(problem.n_x, problem.n_a, problem.n_y, problem.m) <= FUZZ.largest + 4


def found(condition: Callable[[Problem], bool]) -> Problem:
    """The smallest problem that fuzzing finds."""
    sought = settings(max_examples=20_000, database=None, derandomize=True)
    return find(problems("lstm_forward", FUZZ), condition, settings=sought)


@pytest.mark.parametrize("name", ["n_y", "m", "T_x"])
def test_sizes_go_to_hundreds_and_steps_to_thousands(name: str) -> None:
    large = 1000 if name == "T_x" else 200
    assert found(lambda problem: problem.sizes[name] >= large).sizes[name] == large


def test_widths_near_a_vector_s_and_the_smallest_are_likely() -> None:
    drawn = list[Problem]()

    @settings(max_examples=1000, database=None, derandomize=True)
    @given(problems("rnn_forward", FUZZ))
    def draw(problem: Problem) -> None:
        drawn.append(problem)

    draw()
    for name in ("n_x", "n_a", "n_y", "m"):
        assert sum(31 <= problem.sizes[name] <= 66 for problem in drawn) > 150
        assert sum(problem.sizes[name] <= 2 for problem in drawn) > 150


def test_large_sizes_are_equal_now_and_then() -> None:
    assert found(lambda problem: problem.n_a == problem.m > 30)


@pytest.mark.parametrize(("n_a", "T_x"), [(5, 1), (37, 101), (200, 1), (1, 1001)])
def test_large_failures_shrink_to_what_they_need(n_a: int, T_x: int) -> None:
    smallest = found(lambda problem: problem.n_a >= n_a and problem.T_x >= T_x)
    assert smallest == Problem.lstm(n_x=1, n_a=n_a, n_y=1, m=1, T_x=T_x, regime="ternary")


def test_a_file_that_cannot_be_collected_is_an_error_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "test_broken.py").write_text("def x(:")
    status, output = run(tmp_path, "--fuzz-for", "1s", "test_broken.py", "-k", "shapes")
    assert status == pytest.ExitCode.INTERRUPTED, output
    assert "1 error" in output
    assert "campaign.py" not in output


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """A directory in which a faulty implementation was fuzzed, and what came of it."""
    directory = tmp_path_factory.mktemp("fuzzed")
    write(directory)
    laws = "is_provided or rnn_forward and (each_step or test_shapes or cached_inputs)"
    return directory, *run(directory, "--implementation", "faulty.py", "--fuzz-for", "5s", "-k", laws)


def test_a_failure_ends_its_law_alone_and_is_shown_once(fuzzed: tuple[Path, int, str]) -> None:
    _, status, output = fuzzed
    assert status == 1
    smallest = r'Problem.rnn\(n_x=1, n_a=21, n_y=1, m=1, T_x=1, regime="ternary", seed=\d+, dtype="float64"\)'
    line = f"^failed: each step, rnn_forward of faulty.py, {smallest}$"
    assert len(re.findall(line, output, re.MULTILINE)) == 1
    assert len(re.findall(f"^  problem .*{smallest}$", output, re.MULTILINE)) == 1
    assert "1 failed, 6 passed" in output
    assert re.search(r"each step +spec +failed", output)
    counted = dict(re.findall(r"^  (shapes|cached inputs) +spec +(\d+)$", output, re.MULTILINE))
    assert len(counted) == 2
    assert min(map(int, counted.values())) > 1
    assert re.search(r"^00m 0\ds: 1 failed, [\d,]+ problems, \d+/s, worst error ", output, re.MULTILINE)
    assert re.search(r"^ +0 +1 +2 +3 to 30 +31 to 100 +over 100$", output, re.MULTILINE)


def test_what_was_found_is_tried_first_in_any_profile(fuzzed: tuple[Path, int, str]) -> None:
    directory, _, _ = fuzzed
    given = ("--implementation", "faulty.py", "-k", "each_step and rnn_forward")
    store = Store(open_database(directory, "", print), "faulty.py", "each step", "rnn_forward")
    for profile in ("dev", "ci"):
        status, output = run(directory, *given, f"--hypothesis-profile={profile}")
        assert status == 1
        assert "n_a=21" in output
        assert [problem.n_a for problem in store] == [21]
    write(directory, condition="False")
    assert run(directory, *given)[0] == 0
    assert not [*store], "what has been mended is forgotten"


def test_an_interrupt_ends_cleanly_with_the_summary_of_all_workers(tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    write(tmp_path)
    laws = "rnn_forward and (each_step or test_shapes)"
    process = start(tmp_path, "--implementation", "faulty.py", "-k", laws, "--fuzz-for", "3m", "-n", "2")
    assert process.stdout
    lines = list[str]()
    for line in process.stdout:
        lines.append(line)
        if line.startswith("failed: "):
            os.killpg(process.pid, signal.SIGINT)
            break
    rest, _ = process.communicate()
    output = "".join(lines) + rest
    assert process.returncode == 1, output
    assert "KeyboardInterrupt" not in output
    assert re.search(r"1 failed(, 1 passed)? in|1 tests had no turn", output)  # the other may have had none
    assert "= fuzzing =" in output
    assert len(re.findall("^  problem ", output, re.MULTILINE)) == 1
