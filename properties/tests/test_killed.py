"""A killed process of pytest-xdist loses only its current law, which runs again, once.

A run that is interrupted or terminated writes its reports, and a report that was begun is whole.
"""

import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

from oracle.tests.selection import VARIABLE
from properties.implementations.process_start import FORKS
from properties.reports.json_report import read_json
from properties.reports.report import Reports
from properties.tests.hostile_targets import changed
from properties.tests.results import passed, run_of
from properties.tests.runs import CLONE, Done, Run, run

pytestmark = pytest.mark.slow

TARGET = """
import os
from pathlib import Path
from reference import rnn_cell_forward as right, rnn_forward

def rnn_cell_forward(xt, a_prev, parameters):
    if Path("flag").exists():
        {unlink}
        os.kill({victim}, NUMBER)
    return right(xt, a_prev, parameters)
"""
UNLINK = "Path('flag').unlink()"
JUDGE = "int(Path(f'/proc/{os.getppid()}/stat').read_text().split()[3])" if FORKS else "os.getppid()"
"""Whom a target kills to kill the process that judges it: where it is forked, not its own parent."""


LAW = "test_shapes and rnn_cell_forward"


def judge(directory: Path, target: str, *options: str, number: int = 9, laws: str = LAW, **how: Any) -> Done:
    (directory / "flag").touch()
    (directory / "target.py").write_text(target.replace("NUMBER", str(number)))
    law = ("--implementation", "target.py", "-k", laws)
    return run(*law, *options, directory=directory, PYTHONPATH=str(CLONE), **how)


def test_a_target_that_somebody_kills_is_asked_again(tmp_path: Path) -> None:
    status, output = judge(tmp_path, TARGET.format(unlink=UNLINK, victim="os.getpid()"))
    assert status == 0, output
    assert "was killed by SIGKILL, and answered when it was called again" in " ".join(output.split())


def test_a_target_that_is_killed_again_has_died(tmp_path: Path) -> None:
    status, output = judge(tmp_path, TARGET.format(unlink="pass", victim="os.getpid()"))
    assert status == 1
    assert "call       was killed by SIGKILL" in output


def test_a_target_that_kills_who_has_forked_it_is_asked_again(tmp_path: Path) -> None:
    status, output = judge(tmp_path, TARGET.format(unlink=UNLINK, victim="os.getppid()"))
    assert status == 0 or not FORKS, output


@pytest.mark.skipif(not FORKS, reason="the judge is the parent, and a kill of the judge ends it")
def test_a_target_that_kills_its_parents_kills_itself(tmp_path: Path) -> None:
    """The parent of an orphan is the judge, which would be killed next."""
    status, output = judge(tmp_path, TARGET.format(unlink="pass", victim="os.getppid()"))
    assert status == 1
    assert "call       was killed by SIGKILL" in output


def test_a_law_whose_worker_is_killed_runs_again(tmp_path: Path) -> None:
    """Takes seconds: it starts four processes, one after the death of another."""
    pytest.importorskip("xdist")
    status, output = judge(tmp_path, TARGET.format(unlink=UNLINK, victim=JUDGE), "-n", "2")
    assert status == 0, output
    assert "target.py  conforms" in output


def test_a_law_whose_worker_is_killed_again_has_failed(tmp_path: Path) -> None:
    """Takes seconds: it starts five processes, two after the death of another."""
    pytest.importorskip("xdist")
    target = TARGET.format(unlink="pass", victim=JUDGE)
    status, output = judge(tmp_path, target, "-n", "2")
    assert status == 1, output
    assert "1 failed, 1 rerun" in output
    assert "target.py  differs" in output


def test_a_run_that_is_terminated_writes_its_reports(tmp_path: Path) -> None:
    """Takes seconds: a run starts another process."""
    target = TARGET.format(unlink=UNLINK, victim="int(open('judge').read())")
    plugin = "import os\ndef pytest_configure(config):\n    if not hasattr(config, 'workerinput'):\n"
    (tmp_path / "tells.py").write_text(f"{plugin}        open('judge', 'w').write(str(os.getpid()))\n")
    reports = ("--report", "report.json", "--report", "report.html", "-p", "tells", "-n", "1")
    how: dict[str, Any] = {"number": signal.SIGTERM, "program": "rnn-crosscheck"}
    status, output = judge(tmp_path, target, *reports, laws=f"can_be_used or {LAW}", **how)
    assert status == pytest.ExitCode.INTERRUPTED, output
    assert "interrupted: 0 of 1 judged completely; written: " in " ".join(output.split())
    last = output.rstrip().splitlines()[-1]
    assert last.startswith("to go on: rnn-crosscheck ")
    assert last.endswith(" --report report.html -p tells -n 1 --since report.json")
    assert read_json(tmp_path / "report.json").left_targets == ["target.py"]
    assert (tmp_path / "report.html").read_text().rstrip().endswith("</html>")


def test_a_report_whose_writing_ends_early_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, write = tmp_path / "report.json", Path.write_text
    Reports([file]).write(run_of([passed("first")]))

    def write_some(path: Path, text: str, **how: Any) -> None:
        write(path, text[:99], **how)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text", write_some)
    with pytest.raises(KeyboardInterrupt):
        Reports([file]).write(run_of([passed("second")]))
    assert [each.implementation for each in read_json(file).judgements] == ["first"]
    assert [*tmp_path.iterdir()] == [file]


@pytest.mark.skipif(os.environ.get(VARIABLE) != "all", reason=f"takes minutes; {VARIABLE}=all runs it")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_300_targets_have_reports_whatever_is_killed(tmp_path: Path, number: int) -> None:
    """Takes minutes. SIGKILL kills one worker of pytest-xdist, the other signals interrupt the run."""
    for i in range(300):
        (tmp_path / f"target_{i}.py").write_text(
            changed(("import numpy as np\n", f"import numpy as np  # {i}\n"))
        )
    options = ("--hypothesis-profile=quick", "-k", "can_be_used or rnn_cell_forward", "-n", "2")
    reports = [f"--report=report.{suffix}" for suffix in ("json", "html", "csv")]
    under_way = Run(".", *options, *reports, directory=tmp_path, program="rnn-crosscheck")
    under_way.wait_until(lambda: "; 20 of 300" in under_way.output)
    children = psutil.Process(under_way.pid).children()
    worker, _ = (each.pid for each in children if "exec(eval" in " ".join(each.cmdline()))
    os.kill(worker if number == signal.SIGKILL else under_way.pid, number)
    status, output = under_way.end()
    judged = read_json(tmp_path / "report.json")
    assert len(judged.judgements) == 300, output
    assert (status, bool(judged.left_targets)) == ((1, False) if number == signal.SIGKILL else (2, True))
    assert len((tmp_path / "report.csv").read_text().splitlines()) == 301
    assert (tmp_path / "report.html").read_text().rstrip().endswith("</html>")
