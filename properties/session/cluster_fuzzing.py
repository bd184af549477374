"""Fuzzes on a cluster of Dask: a task is a batch, in which a worker fuzzes some laws of one target."""

import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from properties.failure_database.store import DIRECTORY
from properties.internals.pytest_internals import send_progress
from properties.reports.collected_results import case_in
from properties.reports.fuzzing_progress import records_of
from properties.reports.json_report import from_json
from properties.reports.results import LawResult
from properties.session.cluster_worker import contents, judged
from properties.session.collection import law_of, parameters_of
from properties.session.fuzzing import SECONDS, weight_of
from properties.session.options import FUZZING_TIME
from properties.turns.records import FILE, Record, records_in
from properties.turns.schedule import time_had

SHARE = 1 / 20
"""The part of the time that a batch takes, so that a run that is stopped early has asked all laws."""

LEAST_SECONDS, MOST_SECONDS = 10.0, 60.0
"""The least and the most seconds of a batch. Its process takes some seconds to start."""

PATIENCE = 60.0
"""The seconds that a run waits for workers when its time is up."""


@dataclass(eq=False)
class _Law:
    """A law, and what all batches have done on it."""

    item: pytest.Item
    record: Record
    result: LawResult | None = None
    is_over: bool = False
    is_suspect: bool = False  # because the worker of its last batch died

    def __post_init__(self) -> None:
        self.key = case_in(self.item.nodeid)[1:]  # the law and the function
        self.target = parameters_of(self.item)["implementation"]


class ClusterFuzzing:
    """Fuzzes the laws of a run in batches.

    A batch has the laws that had the least time, and each thread of a worker gets equally many. The batch
    ends early if a law fails, so that the failure is printed.
    """

    def __init__(self, session: pytest.Session, client: Any, tasks: Mapping[str, Sequence[Any]]) -> None:
        """`tasks` has the arguments of `judged` for each target."""
        items, seconds = [item for item in session.items if law_of(item)], session.config.stash[FUZZING_TIME]
        self._session, self._client, self._tasks = session, client, tasks
        self._directory = session.config.invocation_params.dir
        records = records_of(self._directory, [item.nodeid for item in items]).by_test
        self.laws = [_Law(item, records[item.nodeid]) for item in items]
        self._end = time.monotonic() + seconds
        self._seconds = min(max(SHARE * seconds, LEAST_SECONDS), MOST_SECONDS)
        self._failures = 0
        # Of each batch under way: its laws, the seconds of each, and the stored failures that it was sent.
        self._batches: dict[Any, tuple[Sequence[_Law], float, Mapping[str, bytes]]] = {}

    def run(self) -> None:
        """Fuzz until the time is up and all laws were asked, or `-x` ends it. Raises what Dask raises."""
        most = self._session.config.option.maxfail or math.inf
        while self._failures < most:
            threads = sum(self._client.nthreads().values())
            while len(self._batches) < max(threads, 1) and (laws := self._next(max(threads, 1))):
                self._submit(laws)
            if not self._batches:
                return
            if not threads and time.monotonic() > self._end + PATIENCE:
                raise RuntimeError("no worker is left")
            time.sleep(SECONDS)
            ended = [future for future in self._batches if future.done()]
            new = {law.item.nodeid: law.record.as_dict() for each in ended for law in self._take(each)}
            self.log("fuzzing", new)  # also if nothing is new, because it shows the time left

    def log(self, name: str, value: Any) -> None:
        """Send something to `RunEnd`, which shows it."""
        send_progress(self._session.items[0], name, value)

    def _next(self, threads: int) -> Sequence[_Law]:
        """The laws of the next batch; a suspect is alone. If the time is up, some that were not asked."""
        promised = Counter[_Law]()
        for laws, share, _ in self._batches.values():
            promised.update(dict.fromkeys(laws, share))
        asked = {law for law in self.laws if law.result or law in promised}

        def rank(law: _Law) -> tuple[bool, float]:
            return law in asked, time_had(law.record, weight_of(law.item), promised[law])

        left = sorted((law for law in self.laws if not law.is_over), key=rank)
        most = math.ceil(len(left) / threads)
        if time.monotonic() >= self._end:
            left = [law for law in left if law not in asked]
        if left and left[0].is_suspect:
            return left[:1]
        return [law for law in left if law.target == left[0].target and not law.is_suspect][:most]

    def _submit(self, laws: Sequence[_Law]) -> None:
        expected, files, arguments = self._tasks[laws[0].target]
        seconds = max(min(self._seconds, self._end - time.monotonic()), 0.1)
        words = [f"--fuzz-for={seconds:.1f}s", "-x", "-k", " or ".join(law.item.name for law in laws)]
        stored = contents(self._directory, [self._directory / DIRECTORY])
        task = expected, {**files, **stored}, [*arguments, *words], (FILE, DIRECTORY)
        future, share = self._client.submit(judged, *task, pure=False), seconds / len(laws)
        self._batches[future] = laws, share, stored

    def _take(self, future: Any) -> Iterator[_Law]:
        """Add what a batch has done, and yield its laws. A law whose worker died twice is over."""
        from distributed import KilledWorker

        laws, _, stored = self._batches.pop(future)
        try:
            report, files = future.result()
        except (KilledWorker, ChildProcessError, ValueError) as error:
            is_refused, is_alone = isinstance(error, ValueError), len(laws) == 1
            going_on = [law for law in laws if not law.is_over]  # another batch may have had the law, too
            over = [law for law in going_on if is_refused or (law.is_suspect and is_alone)]
            for law in laws:
                law.is_suspect, law.is_over = True, law.is_over or law in over
            if over:
                why = str(error).strip() if is_refused else "its worker died twice"
                self._session.testsfailed += len(over)
                names = ", ".join(" of ".join(law.key) for law in over)
                self.log("said", f"{laws[0].target}: not fuzzed to the end: {names}: {why}")
            return
        results = {(each.law, each.function): each for each in from_json(report).judgements[0].results}
        by_test = records_in(files.pop(FILE, b"{}").decode())
        records = {case_in(nodeid)[1:]: record for nodeid, record in by_test.items()}
        self._store(stored, files)
        for law in laws:
            law.is_suspect = False
            if law.key in records:
                law.record.add_all(records[law.key])
            if (result := results.get(law.key)) and not law.is_over:
                law.result = result.joined(law.result) if law.result else result
                is_skipped = result.status == "skipped" and not result.all_left_out
                law.is_over = result.status == "failed" or is_skipped
                if result.status == "failed" and not result.excuse:
                    self._failures += 1
                    self.log("found", (law.item.nodeid, result.as_dict()))
            yield law

    def _store(self, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> None:
        """Store the failures that a batch has found, and delete those on which its laws hold now."""
        for name in before.keys() - after.keys():
            (self._directory / name).unlink(missing_ok=True)
        for name in after.keys() - before.keys():
            (self._directory / name).parent.mkdir(parents=True, exist_ok=True)
            (self._directory / name).write_bytes(after[name])
