"""Targets on a cluster of Dask: the reports are those of one machine, whatever dies meanwhile.

Takes seconds: a cluster is started, and each target is judged by a process of its own.
"""

import csv
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import dask
import psutil
import pytest
from distributed import LocalCluster
from hypothesis.database import DirectoryBasedExampleDatabase

from benchmarks.submissions import submissions, write_submission
from oracle.problems.problem import Problem
from oracle.tests.selection import VARIABLE
from properties.failure_database.store import DIRECTORY, Store
from properties.session.cluster_worker import judged, versions
from properties.session.source_files import own_files
from properties.tests.runs import CLONE, PATIENCE, Done, Run, run
from properties.turns.records import FILE

pytestmark = pytest.mark.slow

RIGHT = (CLONE / "examples" / "textbook.py").read_text(encoding="utf-8")
FEW = ("--hypothesis-profile=quick", "-k", "can_be_used or (shapes and rnn_cell_forward)")

NIGHTLY = pytest.mark.skipif(
    os.environ.get(VARIABLE) != "all", reason=f"takes seconds or minutes; {VARIABLE}=all runs it"
)

KILL_THE_WORKER = """
import os, re, signal
from pathlib import Path

def kill_the_worker(command=b"spawn_main"):
    pid = os.getpid()
    while command not in Path(f"/proc/{pid}/cmdline").read_bytes():
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(pid, signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A scheduler and two workers. A task whose worker dies is left to our second try."""
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        options = {"dashboard_address": ":0", "silence_logs": logging.CRITICAL}
        with LocalCluster(n_workers=2, threads_per_worker=1, **options) as cluster:
            yield cluster


def crosscheck(folder: Path, *arguments: str) -> Done:
    return run("class", *FEW, *arguments, directory=folder, program="rnn-crosscheck")


def results(report: Path) -> Any:
    """A report in JSON without times."""
    document = json.loads(report.read_text(encoding="utf-8"))
    for target in document["implementations"]:
        for law in target["laws"]:
            law["seconds"] = 0
    return document


def verdicts(report: Path) -> dict[str, str]:
    with report.open(newline="", encoding="utf-8-sig") as file:
        return {row["target"]: row["verdict"] for row in csv.DictReader(file)}


def test_the_reports_are_those_of_one_machine(tmp_path: Path, cluster: Any) -> None:
    (tmp_path / "class").mkdir()
    head, sigmoid, softmax, *functions = RIGHT.split("\n\n\n")
    log = tmp_path / "log"
    for name, text in {
        "right": f"import os\nprint(os.getcwd(), file=open({str(log)!r}, 'a'))\n{RIGHT}",
        "helped": "\n\n\n".join([head, "from utils import softmax", sigmoid, *functions]),
        "utils": "\n\n\n".join([head, softmax]),
        "wrong": RIGHT.replace("np.tanh(", "np.sin("),
        "broken": RIGHT.replace("def rnn_cell", "def def"),
    }.items():
        (tmp_path / "class" / f"{name}.py").write_text(text)
    (tmp_path / "class" / "link.py").symlink_to("nowhere")  # which a worker refuses
    known = "[[failure]]\nlaw = 'shapes'\nfunction = 'rnn_cell_forward'\nreason = 'known'\n"
    (tmp_path / "known.toml").write_text(known)
    done = {}
    for name, more in (("here", ()), ("there", (f"--cluster={cluster.scheduler_address}",))):
        log.unlink(missing_ok=True)
        reports = [f"--report={name}.{suffix}" for suffix in ("json", "csv", "html")]
        done[name] = crosscheck(
            tmp_path, "--expected-failures=known.toml", f"--junitxml={name}.xml", *reports, *more
        )
    assert done["there"].status == done["here"].status == 1, done["there"].output
    assert str(tmp_path) not in log.read_text().splitlines()  # a worker has judged
    assert verdicts(tmp_path / "there.csv") == {
        "broken.py": "incomplete",
        "helped.py": "conforms",
        "link.py": "unusable",
        "right.py": "conforms",
        "wrong.py": "conforms",
    }
    assert results(tmp_path / "there.json") == results(tmp_path / "here.json")
    for suffix in ("csv", "html"):
        assert (tmp_path / f"there.{suffix}").read_bytes() == (tmp_path / f"here.{suffix}").read_bytes()
    assert len({each.output.splitlines()[-1].partition(" in ")[0] for each in done.values()}) == 1
    cases = [(tmp_path / f"{name}.xml").read_text().count("<testcase") for name in done]
    assert cases[0] == cases[1] > 5


@pytest.mark.parametrize("name", ["once", pytest.param("always", marks=NIGHTLY)])
def test_workers_that_die_cost_no_result(name: str, tmp_path: Path, cluster: Any) -> None:
    (tmp_path / "class").mkdir()
    died = tmp_path / "died"
    once = f"if not os.path.exists({str(died)!r}):\n    Path({str(died)!r}).touch()\n    kill_the_worker()\n"
    code = f"{KILL_THE_WORKER}\n{once if name == 'once' else 'kill_the_worker()'}\n"
    for file, start in (("a", ""), (name, code), ("z", "")):
        (tmp_path / "class" / f"{file}.py").write_text(start + RIGHT)
    report = tmp_path / "report.csv"
    done = crosscheck(tmp_path, f"--report={report}", f"--cluster={cluster.scheduler_address}")
    others = {"a.py": "conforms", "z.py": "conforms"}
    if name == "once":
        assert died.exists()
        assert (done.status, verdicts(report)) == (0, {**others, "once.py": "conforms"})
    else:
        assert done.output.count("always.py: not judged, its worker died twice") == 1
        assert (done.status, verdicts(report)) == (1, {**others, "always.py": "left"})


def test_a_lost_scheduler_ends_in_reports_of_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "right.py").write_text(RIGHT)
    for i in range(4):
        (tmp_path / "class" / f"slow_{i}.py").write_text(f"import time\ntime.sleep(15)\n{RIGHT}")
    with started(tmp_path) as (address, scheduler):
        options = (f"--cluster={address}", "--report=report.json", *FEW)
        judging = Run("class", *options, directory=tmp_path, program="rnn-crosscheck")
        judging.wait_until(lambda: "right.py: conforms" in judging.output)
        scheduler.kill()
        status, output = judging.end()
    assert status == pytest.ExitCode.INTERRUPTED
    assert f"--cluster {address}: the scheduler is lost" in output
    assert "interrupted: 1 of 5 judged completely; written: " in output
    report = results(tmp_path / "report.json")
    assert [each["target"] for each in report["implementations"]] == ["class/right.py"]
    assert len(report["left"]) == 4


def test_other_versions_are_named() -> None:
    here = versions()
    with pytest.raises(ImportError, match=rf"numpy is {here['numpy']} on .*, but 9\.9 is expected"):
        judged({**here, "numpy": "9.9"}, {}, [])


@NIGHTLY
def test_another_version_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "right.py").write_text(RIGHT)
    (tmp_path / "packages" / "numpy-9.9.dist-info").mkdir(parents=True)
    metadata = "Name: numpy\nVersion: 9.9\n"
    (tmp_path / "packages" / "numpy-9.9.dist-info" / "METADATA").write_text(metadata)
    with started(tmp_path, PYTHONPATH=str(tmp_path / "packages")) as (address, _):
        status, output = crosscheck(tmp_path, f"--cluster={address}")
    assert status != 0
    (line,) = {line for line in output.splitlines() if line.startswith("--cluster")}
    here = versions()["numpy"]
    assert line.startswith(f"--cluster {address}: numpy is 9.9 on ")
    assert line.endswith(f", but {here} is expected")


def test_without_workers_the_run_says_that_it_waits(tmp_path: Path) -> None:
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "right.py").write_text(RIGHT)
    with started(tmp_path, "scheduler") as (address, _):
        waiting = Run("class", f"--cluster={address}", directory=tmp_path, program="rnn-crosscheck")
        waiting.wait_until(lambda: f"--cluster {address}: waiting for the first worker" in waiting.output)
        waiting.interrupt()
        assert waiting.end().status == pytest.ExitCode.INTERRUPTED


@contextmanager
def started(
    folder: Path, *programs: str, **environment: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A scheduler, and a worker unless `programs` has none, by Dask's commands: its address, its process."""
    file = folder / "scheduler.json"
    options = [f"--scheduler-file={file}", "--no-dashboard"]
    of_each = {"scheduler": ["--port=0"], "worker": ["--nthreads=1", "--no-nanny"]}
    processes = {
        program: subprocess.Popen(
            [sys.executable, "-m", "dask", program, *of_each[program], *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **environment},
        )
        for program in programs or of_each
    }
    try:
        while not (file.exists() and file.read_text().endswith("}")):
            time.sleep(0.05)
        yield json.loads(file.read_text())["address"], processes["scheduler"]
    finally:
        for process in processes.values():
            process.kill()
            process.wait()


def is_running(process: psutil.Process) -> bool:
    """Whether a process has not ended. A zombie has, and stays listed until its parent waits for it.

    The parent may be this process, which never does: it becomes the parent of all orphans once it has judged.
    """
    with suppress(psutil.NoSuchProcess):
        return process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    return False


def test_local_starts_workers_and_ends_them(tmp_path: Path) -> None:
    """An interrupted run ends all of them, and what they have started."""
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "right.py").write_text(RIGHT)
    (tmp_path / "class" / "slow.py").write_text(f"import time\ntime.sleep(15)\n{RIGHT}")
    program = [sys.executable, "-m", "rnn_crosscheck", "class", "--cluster=local", *FEW, "-v"]
    with subprocess.Popen(
        program, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as judging:
        assert judging.stdout
        lines = []
        for line in judging.stdout:
            lines.append(line)
            if "PASSED" in line:
                break
        found = psutil.Process(judging.pid).children(recursive=True)
        judging.send_signal(signal.SIGTERM)
        lines += judging.stdout
    assert judging.returncode == pytest.ExitCode.INTERRUPTED, lines
    assert len(found) > 4
    end = time.monotonic() + PATIENCE
    while running := [each for each in found if is_running(each)]:
        assert time.monotonic() < end, running
        time.sleep(0.05)
    assert not [line for line in lines if "Traceback" in line], lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--cluster=local", "-n=2"),
            "--cluster distributes the run; leave out -n",
        ),
        (("--cluster=nowhere",), "--cluster nowhere: missing port number in address 'nowhere'"),
        (("--cluster=local", "../x.py"), "--cluster: ../x.py is not a path below the current directory"),
    ],
)
def test_what_does_not_fit_is_one_line(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text(RIGHT)
    (tmp_path / "here").mkdir()
    target = ("../x.py",) if "../x.py" in arguments else ("reference",)
    rest = [each for each in arguments if each not in target]
    done = run(*target, *FEW, *rest, directory=tmp_path / "here", program="rnn-crosscheck")
    assert (done.status, done.output.strip().splitlines()[-1]) == (4, f"ERROR: {message}")


def test_without_dask_the_run_says_how_to_install_it(tmp_path: Path) -> None:
    (tmp_path / "dask.py").write_text("raise ImportError")
    done = run("reference", *FEW, "--cluster=local", directory=tmp_path, program="rnn-crosscheck")
    line = "ERROR: --cluster needs Dask: pip install 'rnn-crosscheck[cluster]'"
    assert (done.status, done.output.strip().splitlines()[-1]) == (4, line)


@pytest.mark.parametrize(("name", "status"), [("SIGKILL", -9), ("SIGTERM", 2)])
def test_what_the_command_refuses_is_told_from_a_run_that_is_killed(name: str, status: int) -> None:
    """SIGTERM is what Slurm sends to all processes of a job."""
    with pytest.raises(ValueError, match=r"no file 'none\.py'"):
        judged(versions(), {}, ["none.py"])
    kill = KILL_THE_WORKER.replace("SIGKILL", name)
    code = f"{kill}\nkill_the_worker(bytes(1).join([b'-m', b'rnn_crosscheck']))\n{RIGHT}"
    with pytest.raises(ChildProcessError, match=f"its process ended with status {status}"):
        judged(versions(), {"a.py": code.encode()}, ["a.py", *FEW])


def test_the_first_failure_ends_the_run_if_asked(tmp_path: Path, cluster: Any) -> None:
    (tmp_path / "class").mkdir()
    wrong = RIGHT.replace("return a_next, yt_pred,", "return a_next[:0], yt_pred,")
    for name in "ab":
        (tmp_path / "class" / f"{name}.py").write_text(wrong)
    done = crosscheck(tmp_path, "-x", f"--cluster={cluster.scheduler_address}")
    assert done.status == 1
    assert "stopping after 1 failures" in done.output
    assert "1 failed" in done.output.splitlines()[-1]


def test_what_a_target_imports_goes_with_it(tmp_path: Path) -> None:
    for name, text in {
        "flat/a.py": "import b\nimport numpy",
        "flat/b.py": "from c.d import e; import a",
        "flat/c/d.py": "",
        "flat/c/__init__.py": "",
        "flat/other.py": "",
        "package/__init__.py": "",
        "package/x.py": "from . import y",
        "package/y.py": "",
        "module.py": "import flat",
        "book.ipynb": json.dumps({"cells": [{"source": ["import module\n"]}]}),
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = {
        target: {str(file.relative_to(tmp_path)) for file in own_files(target, tmp_path)}
        for target in ("flat/a.py", "package/x.py:f", "module:f", "book.ipynb", "numpy.linalg", "none.py")
    }
    package = {"package/__init__.py", "package/x.py", "package/y.py"}
    flat = {f"flat/{name}.py" for name in ("a", "b", "other", "c/d", "c/__init__")}
    assert found == {
        "flat/a.py": flat - {"flat/other.py"},
        "package/x.py:f": package,
        "module:f": {"module.py", *flat},
        "book.ipynb": {"book.ipynb", "module.py", *flat},
        "numpy.linalg": set(),
        "none.py": set(),
    }


FAULTY = """
import reference
from reference import rnn_cell_forward, lstm_cell_forward, lstm_forward

def rnn_forward(x, a0, parameters):
    return None if {condition} else reference.rnn_forward(x, a0, parameters)
"""
"""Returns nothing under a condition, which is explained fast."""

BATCHES = """
from properties.session import cluster_fuzzing
from properties.turns import records
cluster_fuzzing.MOST_SECONDS, cluster_fuzzing.PATIENCE = 2.0, 300.0
records.SECONDS = 0.1
"""
"""A plugin that makes short batches, and stores often what was done."""

FUZZ = (
    "--implementation=faulty.py",
    "-k",
    "rnn_forward and (each_step or test_shapes or split)",
    "-p",
    "batches",
)


def fuzzed(folder: Path, condition: str = "True", code: str = "") -> Path:
    (folder / "faulty.py").write_text(code + FAULTY.format(condition=condition))
    (folder / "batches.py").write_text(BATCHES)
    return folder


def held(output: str) -> dict[str, int]:
    """The problems on which each law of `FUZZ` holds, in the closing table."""
    cells = re.findall(r"^  (each step|shapes|split) +spec +(\d+)$", output, re.MULTILINE)
    return {law: int(count) for law, count in cells}


def test_what_one_worker_finds_by_fuzzing_is_printed_stored_and_tried_first(
    tmp_path: Path, cluster: Any
) -> None:
    """Takes seconds, as each batch is a run. No problem but the stored one has these sizes."""
    fuzzed(tmp_path, condition="x.shape == (4e1 + 1, 5e1 + 3, 1)")
    rare = Problem.rnn(n_x=41, n_a=1, n_y=1, m=53, T_x=1)
    database = DirectoryBasedExampleDatabase(tmp_path / DIRECTORY)
    store = Store(database, "faulty.py", "each step", "rnn_forward")
    store.add(rare)
    on_cluster = (*FUZZ, f"--cluster={cluster.scheduler_address}", "--report=report.json")
    status, output = run(*on_cluster, "--fuzz-for=2s", directory=tmp_path, seed=None)
    assert status == 1, output
    assert output.count("rnn_forward of faulty.py: each step (a spec law)") == 1
    assert output.index("(a spec law)") < output.index("= laws =")
    assert re.search(r"each step +spec +failed", output)
    assert held(output).keys() == {"shapes", "split"}
    (stored,) = store
    assert stored.n_x == 41
    (tmp_path / "faulty.py").write_text(RIGHT)
    status, output = run(*on_cluster, "--fuzz-for=1s", directory=tmp_path, seed=None)
    assert status == 0, output
    assert held(output).keys() == {"each step", "shapes", "split"}
    assert not [*store], "what has been mended is forgotten"


@pytest.mark.parametrize("name", ["once", pytest.param("always", marks=NIGHTLY)])
def test_workers_that_die_cost_no_result_of_fuzzing(name: str, tmp_path: Path, cluster: Any) -> None:
    died = tmp_path / "died"
    once = f"if not os.path.exists({str(died)!r}):\n    Path({str(died)!r}).touch()\n    kill_the_worker()\n"
    code = f"{KILL_THE_WORKER}\n{once if name == 'once' else 'kill_the_worker()'}\n"
    options = (*FUZZ, f"--cluster={cluster.scheduler_address}", "--fuzz-for=1s", "--report=report.json")
    status, output = run(*options, directory=fuzzed(tmp_path, "False", code), seed=None)
    if name == "once":
        assert died.exists()
        assert status == 0, output
        assert held(output).keys() == {"each step", "shapes", "split"}
    else:
        laws = re.findall("^faulty.py: not fuzzed to the end: (.*): its worker died twice$", output, re.M)
        assert sorted(laws) == [f"{law} of rnn_forward" for law in ("each step", "shapes", "split")], output
        assert status == 1


def test_a_worker_and_the_scheduler_of_local_that_are_killed_cost_no_result(tmp_path: Path) -> None:
    """First a worker is killed, whose batch another one gets, and then the scheduler."""
    fuzzed(tmp_path, condition="len(a0) == 1")
    options = (*FUZZ, "--cluster=local", "--fuzz-for=1h", "--report=report.json")
    fuzzing = Run(*options, directory=tmp_path)
    # Dask ends all workers of a machine if one of them dies before it is known to have started.
    fuzzing.wait_until(lambda: "(a spec law)" in fuzzing.output and asked(tmp_path) > 0)
    fuzzing.wait_until(lambda: bool(started_by(fuzzing.pid, "--fuzz-for")))
    os.kill(started_by(fuzzing.pid, "--fuzz-for")[0].ppid(), signal.SIGKILL)
    before = asked(tmp_path)
    fuzzing.wait_until(lambda: asked(tmp_path) > before)
    (scheduler,) = started_by(fuzzing.pid, "dask scheduler")
    scheduler.kill()
    status, output = fuzzing.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    assert "--cluster local: the scheduler is lost" in output
    assert re.search(r"(each step|shapes|split) +spec +failed", output)
    (target,) = results(tmp_path / "report.json")["implementations"]
    assert sum(law["problems"] for law in target["laws"]) >= asked(tmp_path)
    status, output = run(*FUZZ, "--fuzz-for=0.1s", directory=tmp_path, seed=None)
    assert re.search(r"^continuing: [\d,]+ problems in .*, \d failures?$", output, re.MULTILINE), output


def started_by(pid: int, words: str) -> list[psutil.Process]:
    """The processes that a process has started, directly or through others, with these words."""
    found = []
    for each in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if words in " ".join(each.cmdline()):
                found.append(each)
    return found


def asked(folder: Path) -> int:
    """The problems on which laws held, by the stored records."""
    with suppress(OSError, ValueError):
        return sum(each["problems"] for each in json.loads((folder / FILE).read_text()).values())
    return 0


@NIGHTLY
def test_60_submissions_on_four_workers_give_the_reports_of_one_machine(tmp_path: Path) -> None:
    """Takes minutes: 60 submissions are judged twice."""
    (tmp_path / "class").mkdir()
    for name, parts in submissions(60, seed=0):
        write_submission(tmp_path / "class" / name, parts)
    options = {"dashboard_address": ":0", "silence_logs": logging.CRITICAL}
    with LocalCluster(n_workers=4, threads_per_worker=1, **options) as cluster:
        for name, more in (("here", "-n=2"), ("there", f"--cluster={cluster.scheduler_address}")):
            reports = [f"--report={name}.{suffix}" for suffix in ("json", "csv", "html")]
            command = [sys.executable, "-m", "rnn_crosscheck", "class", *reports, more, "--hypothesis-seed=1"]
            subprocess.run(command, cwd=tmp_path, check=False, capture_output=True)  # however long it takes
            shutil.rmtree(tmp_path / ".hypothesis", ignore_errors=True)
    assert len(results(tmp_path / "there.json")["implementations"]) == 60
    assert results(tmp_path / "there.json") == results(tmp_path / "here.json")
    for suffix in ("csv", "html"):
        assert (tmp_path / f"there.{suffix}").read_bytes() == (tmp_path / f"here.{suffix}").read_bytes()
