"""What a notebook shows, and what `%%crosscheck` judges, with a shell that stands in for IPython's."""

import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from properties.reports.card import Card
from properties.session import api, notebook
from properties.session.kernel import with_progress

pytestmark = pytest.mark.slow


class Compiler:
    """Compiles cells as that of IPython does."""

    def cache(self, source: str, number: int) -> str:
        return f"cell {number}"

    def __call__(self, source: str, filename: str, mode: str) -> Any:
        return compile(source, filename, mode)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A shell with a namespace, in a kernel, which records what is shown."""
    shell = SimpleNamespace(
        kernel=None,
        user_ns={"__name__": "__main__", "torch": torch, "rnn_forward": None},
        transform_cell=str,
        compile=Compiler(),
        displayhook=SimpleNamespace(prompt_count=7),
        shown=[],
    )

    def display(data: dict[str, str], **_: object) -> SimpleNamespace:
        shell.shown.append(data["text/plain"])
        return SimpleNamespace(update=display)

    shown = SimpleNamespace(get_ipython=lambda: shell, display=SimpleNamespace(display=display))
    monkeypatch.setitem(sys.modules, "IPython", shown)
    return shell


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[Any]]:
    """The arguments with which the magic calls `judge`."""
    calls: list[Sequence[Any]] = []
    monkeypatch.setattr(notebook, "judge", lambda *words: calls.append(words))
    return calls


def test_a_cell_is_run_and_the_functions_that_it_defines_are_judged(
    shell: SimpleNamespace, judged: list[Sequence[Any]]
) -> None:
    notebook._crosscheck(shell, "-k 'a or b'", "def rnn_cell_forward(): raise OSError\nother = 3")
    ((functions, *options),) = judged
    assert functions == {"rnn_cell_forward": shell.user_ns["rnn_cell_forward"]}
    assert options == ["-k", "a or b"]
    code = functions["rnn_cell_forward"].__code__
    assert (code.co_filename, code.co_firstlineno) == ("cell 7", 2)  # the line of the magic is line 1


def test_the_class_of_modules_that_a_cell_defines_is_judged(
    shell: SimpleNamespace, judged: list[Sequence[Any]]
) -> None:
    notebook._crosscheck(
        shell, "", "from torch.nn import GRU\nclass Mine(torch.nn.LSTM): ...\nmine = Mine(1, 1)"
    )
    assert judged == [(shell.user_ns["Mine"],)]


def test_a_cell_that_raises_is_not_judged(shell: SimpleNamespace, judged: list[Sequence[Any]]) -> None:
    with pytest.raises(ZeroDivisionError):
        notebook._crosscheck(shell, "", "def rnn_cell_forward(): ...\n1 / 0")
    assert not judged


def test_the_progress_is_shown_and_removed(shell: SimpleNamespace) -> None:
    lines = ["header\n", "test_a PASSED [  7%]\n", "test_b FAILED [100%]\n"]
    assert [*with_progress(lines)] == lines
    assert shell.shown == ["judging", "judging: 7 %", "judging: 100 %", ""]


def test_only_a_notebook_shows_the_progress(shell: SimpleNamespace) -> None:
    del shell.kernel  # IPython in a terminal
    assert [*with_progress(["[  7%]"])] == ["[  7%]"]
    assert not shell.shown


def test_a_notebook_is_told_that_a_file_is_judged_as_it_was_saved(
    shell: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(api, "_judge", lambda _: Card("mine", []))
    api.judge("rnn.py")
    api.judge("rnn.ipynb")
    line = "rnn.ipynb is judged as it was saved; judge(globals()) judges what is defined now\n"
    assert capsys.readouterr().out == line
