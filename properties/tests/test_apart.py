"""A search runs in a process of its own, and asks in this one."""

import os
from pathlib import Path

import pytest

from properties.answered.start import FORKS
from properties.explained import apart as module
from properties.explained.apart import apart
from properties.tests.searches import failing, finding, killed, twice

in_another_process = pytest.mark.skipif(not FORKS, reason="searches have no process of their own here")


def double(number: int) -> int:
    return 2 * number


@pytest.mark.parametrize("forks", [True, False])
def test_what_a_search_asks_is_asked_here(forks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FORKS", forks and FORKS)
    doubled, asked_in, ran_in = apart(twice, [double, os.getpid], 3)
    assert (doubled, asked_in) == (12, os.getpid())
    assert (ran_in == os.getpid()) == (not (forks and FORKS))


@in_another_process
def test_what_lies_in_the_current_directory_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_searcher", [])
    monkeypatch.chdir(tmp_path)
    for name in ("reference", "numpy", "selectors", "pytest"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit")
    assert apart(twice, [double, os.getpid], 3)[0] == 12
    assert apart(twice, [double, os.getpid], 3)[2] != os.getpid()


@in_another_process
def test_a_search_that_does_not_find_anything_says_why() -> None:
    with pytest.raises(RuntimeError, match="nothing found"):
        apart(failing, [os.getpid], "nothing found")
    with pytest.raises(RuntimeError, match="pickle"):
        apart(finding, [])
    with pytest.raises(RuntimeError, match="was killed"):
        apart(killed, [])


@in_another_process
@pytest.mark.parametrize("error", [KeyboardInterrupt, ConnectionResetError])
def test_a_search_ends_with_what_it_asks(error: type[BaseException]) -> None:
    def broken() -> None:
        raise error

    with pytest.raises(error):
        apart(failing, [broken], "")
    assert apart(twice, [double, os.getpid], 3)[0] == 12


@in_another_process
def test_where_no_process_can_search_it_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_searcher", [])
    monkeypatch.setattr(module, "SEARCHING", "raise SystemExit")
    assert apart(twice, [double, os.getpid], 3) == (12, os.getpid(), os.getpid())
