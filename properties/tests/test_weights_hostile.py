"""The command on hostile files: little memory, and one line."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent

import pytest
import torch

from oracle.tests import hostile_files as hostile
from oracle.tests import hostile_onnx
from properties.session import weights
from properties.tests.runs import CLONE

ALL = dedent(
    """
    import resource, sys, torch
    from properties.session import weights

    def used():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    before = used()
    for path in sys.argv[1:]:
        try:
            print("ended with", weights.main([path]))
        except SystemExit as error:
            print("ended with", error.code)
    print("bytes", used() - before)
    """
)


def test_no_file_that_unfolds_takes_a_gigabyte_or_shows_a_traceback(tmp_path: Path) -> None:
    """It takes some seconds, for torch is imported in a process of its own."""
    of_onnx = hostile_onnx.UNFOLDING if find_spec("onnx") else ()
    paths = [str(make(tmp_path)) for make in (*hostile.UNFOLDING, *of_onnx)]
    done = subprocess.run(
        [sys.executable, "-c", ALL, *paths], cwd=CLONE, capture_output=True, text=True, timeout=1200
    )
    ends = [line for line in done.stdout.splitlines() if line.startswith("ended with")]
    assert len(ends) == len(paths), done.stderr
    assert {*ends} == {"ended with 0", "ended with 4"}
    assert len(done.stderr.splitlines()) == ends.count("ended with 4")
    assert "Traceback" not in done.stderr
    assert int(done.stdout.split()[-1]) < 2**30


def file_of(folder: Path, prefix: str = "lstm") -> Path:
    state = {f"{prefix}.{name}": value for name, value in torch.nn.LSTM(3, 4).state_dict().items()}
    torch.save({**state, "head.weight": torch.ones(300, 300)}, folder / "model.pt")
    return folder / "model.pt"


def test_names_cannot_move_the_cursor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = file_of(tmp_path, "\x1b]0;title\x07\x1b[2J\r\u202elstm")
    assert weights.main([str(model)]) == 0
    shown = capsys.readouterr().out
    assert r"\x1b]0;title\x07\x1b[2J\r\u202elstm" in shown
    assert all(line.isprintable() for line in shown.splitlines())


def fails(*arguments: object) -> None:
    with pytest.raises(SystemExit) as caught:
        weights.main([*map(str, arguments)])
    assert caught.value.code == 4


def test_a_size_limit_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = file_of(tmp_path)
    fails(model, "--size-limit", 1e-6)
    assert "bytes of memory where 1,073 are left to this file: --size-limit GIB" in capsys.readouterr().err
    fails(model, "--size-limit", "none")
    assert "argument --size-limit: none, expected a number above 0" in capsys.readouterr().err
