"""The commands on hostile files: little memory, one line, and what is written is whole or not there."""

import resource
import signal
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
            print("ended with", weights.main(["weights", path]))
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


def fails(*arguments: object) -> None:
    with pytest.raises(SystemExit) as caught:
        weights.main([*map(str, arguments)])
    assert caught.value.code == 4


@pytest.mark.parametrize("suffix", [".pt", ".npz", ".safetensors"])
def test_a_full_disk_is_one_line_that_names_the_copy(
    suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if suffix == ".safetensors":
        hostile.needs("safetensors")
    model, out = file_of(tmp_path), tmp_path / f"copy{suffix}"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))  # bytes of a file: as if the disk were full
    try:
        fails("convert", model, out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    shown = capsys.readouterr().err
    assert shown.startswith(f"rnn-crosscheck: error: {out}: it cannot be written: ")
    assert len(shown.splitlines()) == 1
    assert [*tmp_path.iterdir()] == [model]


@pytest.mark.parametrize("through", ["itself", "a link"])
def test_a_file_is_not_converted_into_itself(
    through: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = out = file_of(tmp_path)
    if through == "a link":
        out = tmp_path / "link.pt"
        out.symlink_to(model)
    before = model.read_bytes()
    fails("convert", model, out, "--force")
    assert "it is the file to convert: write to another file" in capsys.readouterr().err
    assert model.read_bytes() == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_who_is_killed_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    """Killed while what is written is read back, which is most of the time."""
    model = file_of(tmp_path)
    code = dedent(
        f"""
        import os
        from oracle.checkpoints import writing
        from properties.session import weights
        writing._every_bit = lambda *given: os.kill(os.getpid(), {int(number)})
        weights.main(["convert", {str(model)!r}, {str(tmp_path / "copy.npz")!r}])
        """
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CLONE, timeout=600)
    assert done.returncode == -number
    assert [*tmp_path.iterdir()] == [model]


def test_names_cannot_move_the_cursor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = file_of(tmp_path, "\x1b]0;title\x07\x1b[2J\r\u202elstm")
    assert weights.main(["weights", str(model)]) == 0
    assert weights.main(["convert", str(model), str(tmp_path / "copy.npz")]) == 0
    shown = capsys.readouterr().out
    assert r"\x1b]0;title\x07\x1b[2J\r\u202elstm" in shown
    assert all(line.isprintable() for line in shown.splitlines())


def test_a_size_limit_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = file_of(tmp_path)
    fails("weights", model, "--size-limit", 1e-6)
    assert "bytes of memory where 1,073 are left to this file: --size-limit GIB" in capsys.readouterr().err
    fails("weights", model, "--size-limit", "none")
    assert "argument --size-limit: none, expected a number above 0" in capsys.readouterr().err
