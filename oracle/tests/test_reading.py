"""A function that reads a file runs in a process that the system limits, and that leaves nothing."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oracle.checkpoints import CheckpointError, reading
from oracle.checkpoints.reading import call
from oracle.tests import misbehaviour


def complaint(function: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    with pytest.raises(CheckpointError) as caught:
        call("f.pt", function, *arguments, **options)
    return str(caught.value)


def test_plain_values_and_arrays_come_back() -> None:
    given = {"a": np.arange(6.0).reshape(2, 3)[:, ::2], "b": np.ones(2, np.float16)}
    values, *others = call("f.pt", misbehaviour.returning, given, ("text", None), [2**70, True])
    assert others == [("text", None), [2**70, True]]
    for name, array in given.items():
        np.testing.assert_array_equal(values[name], array)
        assert values[name].dtype == array.dtype


def test_memory_is_limited_beyond_what_the_process_takes() -> None:
    assert call("f.pt", misbehaviour.taking_memory, 2**27, memory_limit=2**28) == 2**27
    words = "f.pt takes more than 0.25 GB to read: --memory-limit"
    assert complaint(misbehaviour.taking_memory, 2**29, memory_limit=2**28) == words
    words = "f.pt takes more than 2 GB to read"  # no option sets this limit
    assert complaint(misbehaviour.taking_memory, 9 * 2**28) == words


def test_the_limits_do_not_count_what_a_library_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Takes a second and a half."""
    monkeypatch.setattr(reading, "CPU_SECONDS", 1)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    lines = ["import time", "data = bytearray(2**27)", "while time.process_time() < 1.5: pass"]
    (tmp_path / "heavy.py").write_text("\n".join(lines))
    heavy = misbehaviour.importing, "heavy"
    assert call("f.pt", *heavy, library="heavy", memory_limit=2**26) is None


def test_a_library_that_is_missing_is_left_to_the_function() -> None:
    message = complaint(misbehaviour.importing, "no_such_library", library="no_such_library")
    assert message.startswith("f.pt: it cannot be read: ModuleNotFoundError: ")


def test_processor_time_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes a second."""
    monkeypatch.setattr(reading, "CPU_SECONDS", 1)
    assert complaint(misbehaviour.computing) == "f.pt takes more than 1 s to read"


def pipe_and_reader(folder: Path) -> tuple[str, int]:
    """Return a FIFO, and a descriptor that reads the end of it when no process has it open for writing."""
    os.mkfifo(folder / "fifo")
    return str(folder / "fifo"), os.open(folder / "fifo", os.O_RDONLY | os.O_NONBLOCK)


def is_over(reader: int) -> bool:
    """Whether every process that had the FIFO open for writing has ended."""
    os.set_blocking(reader, True)
    try:
        return os.read(reader, 1) == b""
    finally:
        os.close(reader)


def test_time_is_limited_and_the_whole_group_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Takes a second. The test would hang if a process were left."""
    monkeypatch.setattr(reading, "WALL_SECONDS", 1)
    path, reader = pipe_and_reader(tmp_path)
    assert complaint(misbehaviour.waiting, path) == "f.pt takes more than 1 s to read"
    assert is_over(reader)


def test_an_interrupt_ends_the_whole_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*given: Any) -> None:
        open(path, "rb").close()  # which waits until the process has opened it
        raise KeyboardInterrupt

    path, reader = pipe_and_reader(tmp_path)
    monkeypatch.setattr(reading, "_reply", interrupted)
    with pytest.raises(KeyboardInterrupt):
        call("f.pt", misbehaviour.waiting, path)
    assert is_over(reader)


def test_no_file_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "evidence"
    message = complaint(misbehaviour.writing, str(path))
    assert message.startswith("f.pt: it cannot be read: OSError: [Errno 27] File too large")
    assert not path.exists() or not path.read_bytes()


def test_a_crash_and_an_error_are_one_line() -> None:
    assert complaint(misbehaviour.crashing) == "f.pt: a library crashed while it was read (status -6)"
    assert complaint(misbehaviour.refusing) == "f.pt: it cannot be read: KeyError: 'weights'"


def test_what_comes_back_is_limited() -> None:
    assert complaint(misbehaviour.telling_much, 10**6 + 1) == "f.pt: it has more than 1000000 parts"
    message = complaint(misbehaviour.telling_a_large_array, 2**25, memory_limit=2**26)
    assert message == "f.pt takes more than 0.0625 GB to read: --memory-limit"


def test_no_more_is_read_of_a_reply_than_may_come(tmp_path: Path) -> None:
    """Of a process that sends on and on, even after its reader has broken our limits in it."""
    with Path("/dev/zero").open("rb", buffering=0) as endless:
        assert len(reading._reply(endless, 2**21)) == 2**21 + 2**20
    assert endless.closed
