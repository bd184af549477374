"""`--since` keeps the judgements of targets that are unchanged, and nothing else."""

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from properties.reports.json_report import as_json, read_json
from properties.session.source_files import own_files
from properties.session.unchanged import command_to_go_on
from properties.tests.runs import Done, run

pytestmark = pytest.mark.slow

RIGHT = "from rnn_utils import f\ndef rnn_cell_forward(xt, a_prev, parameters): return f(xt)\n"
FEW = ("--hypothesis-profile=quick", "-k", "test_shapes and rnn_cell")
SINCE = ("--report", "r.json", "--since", "r.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with five targets, one of which is wrong in another way, and a helper of two."""
    (tmp_path / "rnn_utils.py").write_text("def f(x): return None\n")
    (tmp_path / "ada.py").write_text(RIGHT)
    (tmp_path / "bob.py").write_text(RIGHT)
    (tmp_path / "cyd.py").write_text("def rnn_cell_forward(xt, a_prev, parameters): return 1\n")
    (tmp_path / "dan.py").write_text("def rnn_cell_forward(xt, a_prev, parameters): return 2\n")
    (tmp_path / "eve.py").write_text("def rnn_cell_forward(xt, a_prev, parameters): return 5\n")
    return tmp_path


def judge(folder: Path, *options: str, seed: int | None = None, **how: Any) -> Done:
    return run("./", *FEW, *options, directory=folder, program="rnn-crosscheck", seed=seed, **how)


def judged(output: str) -> list[str]:
    """The targets that were judged, and not kept."""
    return [line.partition(".py: ")[0] for line in output.splitlines() if ".py: " in line]


def test_what_has_not_changed_is_kept(folder: Path) -> None:
    """Takes seconds: each part is a run."""
    status, output = judge(folder, "--report", "r.json", seed=7)
    first = read_json(folder / "r.json")
    assert (status, judged(output)) == (1, ["ada", "bob", "cyd", "dan", "eve"]), output

    status, output = judge(folder, *SINCE)
    assert (status, judged(output)) == (1, []), output
    assert "unchanged since r.json: 5 targets" in output
    assert "seed 7" in " ".join(output.split())
    assert read_json(folder / "r.json") == first

    (folder / "cyd.py").write_text("def rnn_cell_forward(xt, a_prev, parameters): return 3\n")
    (folder / "rnn_utils.py").write_text("def f(x): return 4\n")
    status, output = judge(folder, *SINCE, "-n", "2")
    assert (status, sorted(judged(output))) == (1, ["ada", "bob", "cyd"]), output
    second = read_json(folder / "r.json")
    assert second.judgements[3] == first.judgements[3]
    assert second.judgements[0] != first.judgements[0]

    _, output = judge(folder, *SINCE, "--time-limit", "4", "--collect-only")
    assert "unchanged since r.json: 0 targets" in output


def test_a_run_goes_on(folder: Path) -> None:
    """Takes a second. What an interrupted run has left is judged; what is expected is asked again."""
    judge(folder, "--report", "r.json", seed=7)
    earlier = read_json(folder / "r.json")
    judgements = [replace(each, is_left=each.implementation == "bob.py") for each in earlier.judgements]
    (folder / "r.json").write_text(as_json(replace(earlier, judgements=judgements)))
    (folder / "known.toml").write_text(
        '[[failure]]\nlaw = "shapes"\nfunction = "rnn_cell_forward"\nreason = "known"\n'
    )
    status, output = judge(folder, "--since", "r.json", "--expected-failures", "known.toml")
    assert (status, judged(output)) == (0, ["bob"]), output


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--since", "none.json"], "none.json: No such file or directory"),
        (["--since", "ada.py"], "ada.py: this is no report in JSON of rnn-crosscheck"),
        (["--since", "r.json", "--fuzz-for", "1s"], "leave out --since"),
    ],
)
def test_wrong_options_are_refused(folder: Path, options: Sequence[str], why: str) -> None:
    status, output = run("./", *options, directory=folder, program="rnn-crosscheck", seed=None)
    assert (status, why in output) == (4, True), output


Write = Callable[..., list[str]]


@pytest.fixture
def files_of(tmp_path: Path) -> Write:
    """Writes files, and returns the names of those of one target."""

    def names(target: str, **texts: str) -> list[str]:
        for name, text in texts.items():
            file = tmp_path / name.replace("__", "/").replace("_dot_", ".")
            file.parent.mkdir(exist_ok=True, parents=True)
            file.write_text(text)
        return sorted(str(file.relative_to(tmp_path)) for file in own_files(target, tmp_path))

    return names


def test_the_files_of_a_target_are_those_that_it_names(files_of: Write) -> None:
    found = files_of(
        "mine.py:Layer",
        mine_dot_py="import first, package.part\nnp.load('weights.npz')",
        first_dot_py="import second",
        second_dot_py="import mine",
        other_dot_py="",
        weights_dot_npz="",
        other_dot_npz="",
        package__part_dot_py="",
    )
    assert found == ["first.py", "mine.py", "package/part.py", "second.py", "weights.npz"]


def test_a_package_is_taken_whole(files_of: Write, tmp_path: Path) -> None:
    for name in ("top", "top/inner", "beside"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / "top" / "inner" / "mine.py").write_text("from .. import cell")
    (tmp_path / "top" / "cell.py").write_text("")
    assert files_of("top/inner/mine.py") == [
        *("top/__init__.py", "top/cell.py", "top/inner/__init__.py", "top/inner/mine.py")
    ]
    assert files_of("uses.py", uses_dot_py="import beside") == ["beside/__init__.py", "uses.py"]


def test_what_is_no_file_has_no_files(files_of: Write, tmp_path: Path) -> None:
    assert files_of("package.module") == files_of("none.py") == files_of("none/none.py") == []
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "link.py").symlink_to("link.py")
    assert files_of("mine.py", mine_dot_py="import pipe, link") == ["mine.py"]
    assert files_of("pipe.py") == files_of("link.py") == []  # to read a pipe would take for ever


@pytest.mark.parametrize(
    ("since", "added"),
    [(None, ["--since", "new.json"]), ("old.json", ["--since", "new.json"]), ("new.json", [])],
)
def test_the_command_to_go_on_reads_what_the_run_has_written(since: str | None, added: list[str]) -> None:
    options = {"--report": ["new.html", "new.gradescope.json", "new.json"], "--since": since}
    config: Any = SimpleNamespace(
        getoption=options.get,
        pluginmanager=SimpleNamespace(has_plugin=lambda name: False),
        invocation_params=SimpleNamespace(args=["properties"]),
    )
    assert command_to_go_on(config) == shlex.join(["pytest", "properties", *added])
