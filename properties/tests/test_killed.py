"""A killed process of pytest-xdist loses only its current law, which runs again, once."""

from pathlib import Path

import pytest

from properties.implementations.process_start import FORKS
from properties.tests.runs import CLONE, Done, run

TARGET = """
import os
from pathlib import Path
from reference import rnn_cell_forward as right, rnn_forward

def rnn_cell_forward(xt, a_prev, parameters):
    if Path("flag").exists():
        {unlink}
        os.kill({victim}, 9)
    return right(xt, a_prev, parameters)
"""
UNLINK = "Path('flag').unlink()"
JUDGE = "int(Path(f'/proc/{os.getppid()}/stat').read_text().split()[3])" if FORKS else "os.getppid()"
"""Whom a target kills to kill the process that judges it: where it is forked, not its own parent."""


def judge(directory: Path, target: str, *options: str) -> Done:
    (directory / "flag").touch()
    (directory / "target.py").write_text(target)
    law = ("--implementation", "target.py", "-k", "test_shapes and rnn_cell_forward")
    return run(*law, *options, directory=directory, PYTHONPATH=str(CLONE))


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
