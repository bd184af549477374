"""The commands on hostile files end in one line, and what is written is whole or not there."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
import torch

from oracle.tests import hostile_files as hostile
from properties.session import weights
from properties.tests.runs import CLONE


def state_of(prefix: str) -> dict[str, torch.Tensor]:
    return {f"{prefix}.{name}": value for name, value in torch.nn.LSTM(3, 4).state_dict().items()}


def file_of(folder: Path, prefix: str = "lstm") -> Path:
    np.savez(folder / "model.npz", **state_of(prefix), head=np.ones((300, 300)))  # type: ignore[arg-type]
    return folder / "model.npz"


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
        out = tmp_path / "link.npz"
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


INTERRUPTED = dedent(
    """
    import os, signal, sys
    from pathlib import Path
    from properties.session import command
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    Path.replace = lambda *given: os.kill(os.getpid(), {signal})
    sys.argv[1:] = {arguments}
    command.main()
    """
)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_who_is_interrupted_while_a_copy_is_written_leaves_nothing(
    number: signal.Signals, tmp_path: Path
) -> None:
    model = file_of(tmp_path)
    arguments = ["convert", str(model), str(tmp_path / "copy.npz")]
    code = INTERRUPTED.format(signal=int(number), arguments=arguments)
    done = subprocess.run([sys.executable, "-c", code], cwd=CLONE, capture_output=True, timeout=600)
    assert b"KeyboardInterrupt" in done.stderr
    assert [*tmp_path.iterdir()] == [model]


def test_a_copy_is_not_written_through_a_link_that_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name of the temporary file is guessed here. Nobody can guess 16 random bytes."""
    model, victim = file_of(tmp_path), tmp_path / "victim"
    victim.write_text("dear")
    monkeypatch.setattr("secrets.token_hex", lambda count: "f" * 2 * count)
    (tmp_path / f".{'f' * 32}").symlink_to(victim)
    fails("convert", model, tmp_path / "copy.npz")
    assert "copy.npz: it cannot be written: File exists" in capsys.readouterr().err
    assert victim.read_text() == "dear"
    assert not (tmp_path / "copy.npz").exists()


def test_a_link_in_place_of_the_copy_is_replaced(tmp_path: Path) -> None:
    model, victim, out = file_of(tmp_path), tmp_path / "victim", tmp_path / "copy.npz"
    victim.write_text("dear")
    out.symlink_to(victim)
    assert weights.main(["convert", str(model), str(out), "--force"]) == 0
    assert victim.read_text() == "dear"
    assert not out.is_symlink()


def test_names_cannot_move_the_cursor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = file_of(tmp_path, "\x1b]0;title\x07\x1b[2J\r\u202elstm")
    assert weights.main(["weights", str(model)]) == 0
    assert weights.main(["convert", str(model), str(tmp_path / "copy.npz")]) == 0
    shown = capsys.readouterr().out
    assert r"\x1b]0;title\x07\x1b[2J\r\u202elstm" in shown
    assert all(line.isprintable() for line in shown.splitlines())


@pytest.mark.parametrize(
    ("prefix", "suffix", "words"),
    [
        ("\ud800", ".npz", "it cannot be written: UnicodeEncodeError: "),
        ("\ud800", ".safetensors", "it cannot be written: UnicodeEncodeError: "),
        ("a" * 70_000, ".npz", "it cannot be written: error: "),
        ("a\0b", ".npz", "it is no .npz file: it is a zip archive of something else"),
    ],
    ids=["surrogate in .npz", "surrogate in .safetensors", "long", "zero"],
)
def test_a_name_that_the_copy_cannot_have_is_one_line(
    prefix: str, suffix: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if suffix == ".safetensors":
        hostile.needs("safetensors")
    model = tmp_path / "model.pt"
    torch.save(state_of(prefix), model)
    fails("convert", model, tmp_path / f"copy{suffix}")
    shown = capsys.readouterr().err
    assert shown.startswith(f"rnn-crosscheck: error: {tmp_path / f'copy{suffix}'}: {words}")
    assert len(shown.splitlines()) == 1
    assert [*tmp_path.iterdir()] == [model]


def test_long_names_and_other_alphabets_are_shown_in_every_terminal(tmp_path: Path) -> None:
    model = tmp_path / "model.pt"
    torch.save(state_of("é" * 2_000_000), model)
    command = [sys.executable, "-m", "rnn_crosscheck", "weights", str(model)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, cwd=CLONE, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert r"\xe9\xe9" in done.stdout
    assert len(done.stdout) < 30_000


def test_a_memory_limit_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = hostile.zeros_npz(tmp_path)
    fails("weights", model, "--memory-limit", 0.25)
    words = f"rnn-crosscheck: error: {model} takes more than 0.25 GB to read: --memory-limit\n"
    assert capsys.readouterr().err == words
    fails("weights", model, "--memory-limit", "1e308")
    assert "argument --memory-limit: 1e308, expected a number above 0" in capsys.readouterr().err
    fails("weights", model, "--memory-limit", "none")
    assert "argument --memory-limit: none, expected a number above 0" in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == [model]
