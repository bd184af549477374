"""Judges targets on a cluster of Dask: a task is a target, and its result is the report in JSON.

`cluster_fuzzing` has the tasks of fuzzing.
"""

import logging
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from oracle.processes.posix import SIGKILL, killpg
from properties.implementations.process_start import END_SECONDS, popen
from properties.internals.pytest_internals import option_words
from properties.reports.collected_results import case_in
from properties.reports.json_report import from_json
from properties.reports.results import LawResult
from properties.session.cluster_fuzzing import ClusterFuzzing
from properties.session.cluster_worker import contents, judged, versions
from properties.session.collection import parameters_of
from properties.session.options import FUZZING_TIME
from properties.session.source_files import own_files
from properties.session.target_options import AFFECTING_RESULTS

_OPTIONS = (
    *("-k", "-m", "--reproduce", "--hypothesis-profile", "--hypothesis-seed"),
    *("--python", "--helpers", "--expected-failures", *AFFECTING_RESULTS),
)
"""The options that a worker needs."""

_LOCAL = (
    ("scheduler", "--port=0", "--host=127.0.0.1", "--no-dashboard"),
    ("worker", "--nworkers=-1", "--nthreads=1", "--no-dashboard"),
)
"""The commands of Dask for a cluster on this machine, with a worker for each core."""

_IF_KILLED = {"DASK_DISTRIBUTED__SCHEDULER__IDLE_TIMEOUT": "5 minutes"}
"""Ends that cluster after a run that was killed, which ends nothing itself."""


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what distributes a run otherwise."""
    if config.getoption("--cluster") and config.getoption("numprocesses", None):
        raise pytest.UsageError("--cluster distributes the run; leave out -n")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Let workers judge the targets, and report their results. Pytest then runs what the workers refused."""
    config = session.config
    address = config.getoption("--cluster")
    if not address or session.testsfailed or config.option.collectonly:
        return
    by_target: defaultdict[str, dict[tuple[str, str], pytest.Item]] = defaultdict(dict)
    for item in session.items:
        if parameters := parameters_of(item):
            by_target[parameters["implementation"]][case_in(item.nodeid)[1:]] = item
    expected, options = versions(), option_words(config, *_OPTIONS)
    tasks = {target: (expected, _files(target, config), [target, *options]) for target in by_target}
    done: set[pytest.Item] = set()
    with _client(address) as client:
        if not client.nthreads():
            config.get_terminal_writer().line(f"--cluster {address}: waiting for the first worker")
        if FUZZING_TIME in config.stash:
            done.update(_fuzz(session, client, tasks))
            tasks.clear()
        for target, future in _finished(client, tasks):
            items = by_target[target]
            results = _results(future, session, target)
            if results is None:
                done.update(items.values())
            elif {(each.law, each.function) for each in results} == items.keys():
                done.update(items.values())
                for each in results:
                    item = items[each.law, each.function]
                    item.ihook.pytest_runtest_logreport(report=_report(item, each))
                    if session.shouldfail:  # because of -x
                        raise session.Failed(session.shouldfail)
    session.items[:] = [item for item in session.items if item not in done]
    config.option.continue_on_collection_errors = True  # pytest takes failures so far for such errors


def _fuzz(session: pytest.Session, client: Any, tasks: Mapping[str, Sequence[Any]]) -> list[pytest.Item]:
    """Let workers fuzz the laws, report their results, and return their tests."""
    fuzzing = ClusterFuzzing(session, client, tasks)
    try:
        fuzzing.run()
    except Exception as error:  # a task raises what it likes, and Dask more
        interruption = _interruption(session, error)
        fuzzing.log("said", str(interruption))
        raise interruption from None
    finally:
        for law in fuzzing.laws:
            if law.result:
                law.item.ihook.pytest_runtest_logreport(report=_report(law.item, law.result))
    if session.shouldfail:  # because of -x
        raise session.Failed(session.shouldfail)
    return [law.item for law in fuzzing.laws]


def _finished(client: Any, tasks: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, Any]]:
    """Yield each target with the future of its task, when the task has finished.

    If a worker dies, Dask blames all its tasks, so each of them gets a second try, alone on the cluster.
    """
    from distributed import KilledWorker, as_completed

    blamed = []
    futures = {client.submit(judged, *task, pure=False): target for target, task in tasks.items()}
    for future in as_completed([*futures]):
        target = futures.pop(future)  # so that the cluster forgets the result
        if future.status == "error" and isinstance(future.exception(), (KilledWorker, ChildProcessError)):
            blamed.append(target)
        else:
            yield target, future
    for target in blamed:
        yield target, client.submit(judged, *tasks[target], pure=False)


def _results(future: Any, session: pytest.Session, target: str) -> Sequence[LawResult] | None:
    """The results of a target: none if a worker refused it, `None` if workers died twice.

    Any other error ends the run.
    """
    from distributed import KilledWorker

    try:
        return from_json(future.result()[0]).judgements[0].results
    except ValueError:
        return ()
    except (KilledWorker, ChildProcessError):
        session.config.get_terminal_writer().line(f"\n{target}: not judged, its worker died twice", red=True)
        session.testsfailed += 1
        return None
    except Exception as error:  # a task raises what it likes, and Dask more
        interruption = _interruption(session, error)
        session.config.get_terminal_writer().line(f"\n{interruption}", red=True)
        raise interruption from None


def _interruption(session: pytest.Session, error: Exception) -> KeyboardInterrupt:
    """What ends the run, because the cluster cannot go on."""
    is_lost = isinstance(error, (CancelledError, OSError))
    why = "the scheduler is lost" if is_lost else " ".join(str(error).split())
    return session.Interrupted(f"--cluster {session.config.getoption('--cluster')}: {why}")


def _report(item: pytest.Item, result: LawResult) -> pytest.TestReport:
    """The report of a law that ran elsewhere, as `law_runs` makes it of a law that runs here."""
    reasons: dict[str, Any] = {"failed": result.message, "skipped": ("", 0, f"Skipped: {result.message}")}
    outcome = "skipped" if result.excuse else result.status
    report = pytest.TestReport(item.nodeid, item.location, {}, outcome, reasons.get(result.status), "call")
    report.duration = result.seconds
    report.user_properties = [("law", result.as_dict())]
    if result.excuse:
        report.wasxfail = result.excuse
    return report


def _files(target: str, config: pytest.Config) -> dict[str, bytes]:
    """The files that a target and the options need, by their paths. Raises `UsageError` if one is elsewhere.

    A worker refuses a target whose file cannot be read.
    """
    directory = config.invocation_params.dir
    named = option_words(config, "--helpers", "--expected-failures", "--weights")[1::2]
    paths = [directory / each.partition(":")[0] for each in named]
    files = contents(directory, [*own_files(target, directory), *paths])
    for each in (target, *named, *files):
        if Path(each).is_absolute() or ".." in Path(each).parts:
            raise pytest.UsageError(f"--cluster: {each} is not a path below the current directory")
    return files


@contextmanager
def _client(address: str) -> Iterator[Any]:
    """A client of the scheduler; for `"local"`, of a scheduler and workers that end with the client."""
    try:
        from distributed import Client
    except ImportError:
        raise pytest.UsageError("--cluster needs Dask: pip install 'rnn-crosscheck[cluster]'") from None
    for handler in logging.getLogger("distributed").handlers:
        handler.setLevel(logging.CRITICAL + 1)  # what goes wrong is said in one line
    environment = {**_IF_KILLED, **os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
    with ExitStack() as stack:
        try:
            if address == "local":
                file = Path(stack.enter_context(TemporaryDirectory()), "scheduler.json")
                for words in _LOCAL:
                    command = [sys.executable, "-m", "dask", *words, f"--scheduler-file={file}"]
                    stack.callback(_end, popen(command, env=environment, stderr=subprocess.DEVNULL))
                client = stack.enter_context(Client(scheduler_file=str(file)))
            else:
                client = stack.enter_context(Client(address))
        except (OSError, ValueError) as error:
            raise pytest.UsageError(f"--cluster {address}: {error}") from None
        yield client


def _end(process: "subprocess.Popen[Any]") -> None:
    """End a process, and whatever is left of its session."""
    for number in (signal.SIGTERM, SIGKILL):
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            killpg(process.pid, number)
            process.wait(END_SECONDS)
