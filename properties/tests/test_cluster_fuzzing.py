"""Which laws the batches of fuzzing on a cluster have, with a false cluster and a false clock."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from properties.reports.json_report import as_json
from properties.reports.results import LawResult
from properties.session import cluster_fuzzing
from properties.session.cluster_fuzzing import PATIENCE, ClusterFuzzing
from properties.session.options import FUZZING_TIME
from properties.tests.results import failed, left_out, passed, run_of, skipped
from properties.turns.records import FILE, Record

LAWS = ("shapes", "split", "each_step", "trajectory")


@dataclass(eq=False)
class Future:
    """What of a future of Dask is made use of."""

    done: Callable[[], bool]
    result: Any


@dataclass
class Cluster:
    """A client of a cluster without workers, whose batches end after their time. `judge` says how."""

    threads: int
    judge: Callable[[Sequence[str]], list[LawResult]]
    time: float = 0.0
    asked: list[list[str]] = field(default_factory=list)
    said: list[tuple[str, Any]] = field(default_factory=list)

    def nthreads(self) -> dict[str, int]:
        return {"tcp://a": self.threads} if self.threads else {}

    def submit(self, _: Any, expected: Any, files: Any, words: list[str], written: Any, **how: Any) -> Any:
        laws = [name.partition("[")[0].removeprefix("test_") for name in words[-1].split(" or ")]
        seconds = float(words[0].removeprefix("--fuzz-for=").removesuffix("s"))
        self.asked.append(laws)
        end = self.time + seconds
        return Future(lambda: self.time >= end, lambda: self.reply(laws, seconds))

    def reply(self, laws: list[str], seconds: float) -> Any:
        records = {
            f"{nodeid(law)}  1": Record(seconds / len(laws), 5, worst_ratio=float(len(self.asked))).as_dict()
            for law in laws
        }
        return as_json(run_of(self.judge(laws))), {FILE: json.dumps(records).encode()}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.said += report.user_properties


def nodeid(law: str) -> str:
    return f"properties/laws/test_a.py::test_{law}[my.py-rnn_forward]"


def hold(laws: Sequence[str]) -> list[LawResult]:
    return [passed("my.py", law.replace("_", " "), problems=5) for law in laws]


@pytest.fixture
def fuzz(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., ClusterFuzzing]:
    def fuzz(cluster: Cluster, seconds: float, maxfail: int = 0) -> ClusterFuzzing:
        def sleep(seconds: float) -> None:
            cluster.time += seconds

        clock = SimpleNamespace(monotonic=lambda: cluster.time, sleep=sleep)
        parameters = {"implementation": "my.py", "function": "rnn_forward"}
        monkeypatch.setattr(cluster_fuzzing, "time", clock)
        monkeypatch.setattr(cluster_fuzzing, "law_of", lambda item: item)
        monkeypatch.setattr(cluster_fuzzing, "parameters_of", lambda item: parameters)
        monkeypatch.setattr(cluster_fuzzing, "weight_of", lambda item: 8 if "trajectory" in item.name else 1)
        items = [
            SimpleNamespace(nodeid=nodeid(law), name=f"test_{law}[rnn_forward]", location=(), ihook=cluster)
            for law in LAWS
        ]
        config = SimpleNamespace(
            stash={FUZZING_TIME: seconds},
            option=SimpleNamespace(maxfail=maxfail),
            invocation_params=SimpleNamespace(dir=tmp_path),
        )
        session: Any = SimpleNamespace(items=items, config=config, testsfailed=0)
        fuzzing = ClusterFuzzing(session, cluster, {"my.py": ({}, {}, [])})
        fuzzing.run()
        return fuzzing

    return fuzz


def problems(fuzzing: ClusterFuzzing) -> dict[str, int]:
    return {law.key[0]: law.result.problems for law in fuzzing.laws if law.result}


def test_each_thread_has_equally_many_laws_and_heavy_ones_get_more(fuzz: Any) -> None:
    cluster = Cluster(2, hold)
    counted = problems(fuzz(cluster, 600.0))
    assert cluster.asked[:2] == [["shapes", "split"], ["each_step", "trajectory"]]
    assert {len(laws) for laws in cluster.asked} == {2}
    assert counted["trajectory"] > 1.5 * counted["shapes"] > 5
    assert sum(counted.values()) == 5 * sum(map(len, cluster.asked))
    assert 600 <= cluster.time < 640


def test_all_laws_are_asked_even_if_the_time_is_up(fuzz: Any) -> None:
    cluster = Cluster(1, lambda laws: hold(laws[:1]))  # as after a failure, the others had no turn
    assert len(problems(fuzz(cluster, 1.0))) == len(LAWS)
    assert sorted(map(len, cluster.asked)) == [1, 2, 3, 4]


def test_a_law_that_failed_is_over_and_x_ends_all(fuzz: Any) -> None:
    def judge(laws: Sequence[str]) -> list[LawResult]:
        return [failed("my.py", "split", problems=1)] if "split" in laws else hold(laws)

    for maxfail in (0, 1):
        cluster = Cluster(2, judge)
        fuzzing = fuzz(cluster, 100.0, maxfail)
        assert [name for name, _ in cluster.said].count("found") == 1
        assert sum("split" in laws for laws in cluster.asked) == 1
        assert len(cluster.asked) == 2 if maxfail else len(cluster.asked) > 10
        assert problems(fuzzing)["split"] == 1


def test_a_law_that_is_not_judged_is_over_unless_its_problems_were_left_out(fuzz: Any) -> None:
    def judge(laws: Sequence[str]) -> list[LawResult]:
        given = {"split": skipped("my.py", "split"), "shapes": left_out("my.py", "shapes")}
        return [given.get(law) or hold([law])[0] for law in laws]

    cluster = Cluster(1, judge)
    fuzz(cluster, 100.0)
    assert sum("split" in laws for laws in cluster.asked) == 1
    assert sum("shapes" in laws for laws in cluster.asked) == len(cluster.asked) > 1


def test_a_law_whose_workers_die_is_tried_alone_and_then_over(fuzz: Any) -> None:
    def judge(laws: Sequence[str]) -> list[LawResult]:
        if "split" in laws:
            raise ChildProcessError
        return hold(laws)

    cluster = Cluster(1, judge)
    assert problems(fuzz(cluster, 300.0)).keys() == {"shapes", "each step", "trajectory"}
    assert [laws for laws in cluster.asked if "split" in laws] == [[*LAWS], ["split"]]
    assert cluster.asked[-1] != ["trajectory"], "after a batch that ended, a law is together with others"
    (said,) = [value for name, value in cluster.said if name == "said"]
    assert said == "my.py: not fuzzed to the end: split of rnn_forward: its worker died twice"


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
def test_no_law_is_over_that_did_not_have_a_try_alone(threads: int, fuzz: Any) -> None:
    """With three threads, two batches have the same law at a time."""

    def judge(_: Sequence[str]) -> list[LawResult]:
        raise ChildProcessError

    cluster = Cluster(threads, judge)
    fuzz(cluster, 300.0)
    said = [value for name, value in cluster.said if name == "said"]
    assert len(said) == len(LAWS) == sum("its worker died twice" in text for text in said)
    assert all([law] in cluster.asked for law in LAWS)


def test_what_a_worker_refuses_is_over_at_once(fuzz: Any) -> None:
    def judge(_: Sequence[str]) -> list[LawResult]:
        raise ValueError("ERROR: no file 'my.py'")

    cluster = Cluster(1, judge)
    fuzz(cluster, 300.0)
    assert len(cluster.asked) == 1
    (said,) = [value for name, value in cluster.said if name == "said"]
    assert said.endswith("trajectory of rnn_forward: ERROR: no file 'my.py'")


def test_without_workers_a_run_ends_some_time_after_its_time(fuzz: Any) -> None:
    def never(laws: Sequence[str]) -> Any:
        raise AssertionError(laws)

    cluster = Cluster(0, never)
    cluster.submit = lambda *task, **how: Future(lambda: False, None)  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="no worker is left"):
        fuzz(cluster, 20.0)
    assert 20 + PATIENCE <= cluster.time < 22 + PATIENCE
