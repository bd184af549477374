import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties.session.source_files import helper_files
from properties.worker import targets
from properties.worker.targets import Target, TargetMissing, canonical, expand, locate


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with submissions and with other files."""
    submissions = tmp_path / "submissions"
    for name in (
        "b.py",
        "a.py",
        "c.ipynb",
        "notes.txt",
        "_private.py",
        ".hidden.py",
        "conftest.py",
        "test_a.py",
    ):
        submissions.joinpath(name).parent.mkdir(exist_ok=True)
        submissions.joinpath(name).touch()
    package = tmp_path / "package"
    package.mkdir()
    package.joinpath("__init__.py").touch()
    tmp_path.joinpath("empty").mkdir()
    submissions.joinpath("late").mkdir()
    submissions.joinpath("late", "d.py").touch()
    tmp_path.joinpath("my_rnn.py").touch()
    tmp_path.joinpath("odd:name.py").touch()
    tmp_path.joinpath("dangling.py").symlink_to("nothing")
    tmp_path.joinpath("unread", "folder.py").mkdir(parents=True)
    tmp_path.joinpath("unread", "loop.py").symlink_to("loop.py")
    os.mkfifo(tmp_path / "unread" / "pipe.py")
    return tmp_path


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["submissions"], ["submissions/a.py", "submissions/b.py", "submissions/c.ipynb"]),
        (["./submissions/"], ["submissions/a.py", "submissions/b.py", "submissions/c.ipynb"]),
        (["submissions/*"], ["submissions/a.py", "submissions/b.py", "submissions/c.ipynb"]),
        (["submissions/*.py:Net"], ["submissions/a.py:Net", "submissions/b.py:Net"]),
        (["**/[ad].*"], ["submissions/a.py", "submissions/late/d.py"]),
        (
            ["my_rnn.py", "submissions/b.py", "submissions/*.py"],
            ["my_rnn.py", "submissions/b.py", "submissions/a.py"],
        ),
        (["*.py"], ["dangling.py", "my_rnn.py", "odd:name.py"]),
        (["submissions/_private.py"], ["submissions/_private.py"]),
        (["dangling.py", "unread"], ["dangling.py", "unread/folder.py", "unread/loop.py", "unread/pipe.py"]),
        (["unread/*.py", "unread/folder.py"], [f"unread/{name}.py" for name in ("folder", "loop", "pipe")]),
        (["package", "os.path:join", "my_rnn.py:a.b"], ["package", "os.path:join", "my_rnn.py:a.b"]),
    ],
)
def test_patterns_stand_for_targets(folder: Path, patterns: list[str], expected: list[str]) -> None:
    assert expand(patterns, folder) == expected


def test_in_a_folder_of_folders_the_targets_are_those_below(tmp_path: Path) -> None:
    judged = ["class/ada/rnn.py", "class/bob/late/rnn.ipynb", "class/bob/rnn.py"]
    others = [
        "class/grades.txt",
        "class/.git/a.py",
        "class/ada/_old/a.py",
        "class/env/a.py",
        "class/ada/test_a.py",
    ]
    for name in (*judged, *others, "class/env/pyvenv.cfg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert expand(["class"], tmp_path) == judged
    assert expand([f"{tmp_path}/class:Net"], Path()) == [f"{tmp_path}/{name}:Net" for name in judged]


def test_a_folder_that_cannot_be_read_is_a_target_and_ends_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ada", "bob", ".git"):
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / "rnn.py").touch()
    closed = (tmp_path / "class" / "bob", tmp_path / "class" / ".git")
    # Root may read every folder.
    monkeypatch.setattr(targets, "access", lambda path, _: path not in closed)
    assert expand(["class"], tmp_path) == ["class/ada/rnn.py", "class/bob", "class/bob/rnn.py"]
    with pytest.raises(TargetMissing, match="'class/bob' is a directory that cannot be read"):
        expand(["class/bob"], tmp_path)


def test_a_file_that_cannot_be_read_has_no_text(tmp_path: Path) -> None:
    file = tmp_path / "secret.py"
    file.write_text("import helper")
    file.chmod(0)
    (tmp_path / "helper.py").touch()
    user = os.geteuid()
    os.seteuid(user or 65534)  # root may read every file
    try:
        assert helper_files(["secret.py", "helper.py"], tmp_path) == []
    finally:
        os.seteuid(user)


def test_a_file_with_a_hole_has_no_text(tmp_path: Path) -> None:
    file = tmp_path / "hole.py"
    file.write_text("import helper")
    (tmp_path / "helper.py").touch()
    assert helper_files(["hole.py", "helper.py"], tmp_path) == ["helper.py"]
    os.truncate(file, 2**40)
    assert helper_files(["hole.py", "helper.py"], tmp_path) == []


def test_a_pattern_may_be_absolute(folder: Path) -> None:
    assert expand([f"{folder}/submissions/*.py"], Path()) == [
        f"{folder}/submissions/{name}.py" for name in "ab"
    ]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("my_rn.py", "no file 'my_rn.py' in '{}'; did you mean 'my_rnn.py'?"),
        (
            "quite_another.py",
            "no file 'quite_another.py' in '{}'; paths are relative to the current directory",
        ),
        ("submision/a.py", "no file 'submision/a.py': there is no directory '{}/submision'"),
        ("submissions/*.pyx", "'submissions/*.pyx' matches no Python file or notebook in '{}'"),
        ("empty", "'empty' matches no Python file or notebook in '{}'"),
        (
            "submissions/notes.txt",
            "'submissions/notes.txt' is neither a Python file (.py) nor a notebook (.ipynb)",
        ),
        ("my-rnn", "'my-rnn' is neither a file nor a module nor module:attribute"),
        ("my_rnn:", "'my_rnn:' is neither a file nor a module nor module:attribute"),
        ("", "'' is neither a file nor a module nor module:attribute"),
    ],
)
def test_a_pattern_that_stands_for_nothing_says_how_to_mend_it(
    folder: Path, pattern: str, message: str
) -> None:
    with pytest.raises(TargetMissing) as caught:
        expand([pattern], folder)
    assert str(caught.value) == message.format(folder)


def test_a_target_is_a_file_or_a_module_and_perhaps_an_attribute(folder: Path) -> None:
    assert locate("submissions/a.py:Net.best", folder) == Target(f"{folder}/submissions/a.py", "Net.best")
    assert locate("odd:name.py", folder) == Target(f"{folder}/odd:name.py", "")
    assert locate("odd:name.py:Net", folder) == Target(f"{folder}/odd:name.py", "Net")
    assert locate("pkg.rnn:Net", folder) == Target("pkg.rnn", "Net")
    assert locate("pkg.rnn", folder) == Target("pkg.rnn", "")
    with pytest.raises(TargetMissing, match="is a directory; name a file in it"):
        locate("./submissions", folder)


def test_a_target_is_the_same_however_it_is_written(folder: Path) -> None:
    (folder / "link").symlink_to("submissions")
    spellings = ("a.py", "./a.py", "../submissions/a.py", f"{folder}/submissions/a.py", f"{folder}/link/a.py")
    assert {canonical(each, folder / "submissions") for each in spellings} == {"a.py"}
    assert canonical("./submissions/a.py:Net", folder) == "submissions/a.py:Net"
    assert canonical("submissions/a.py", folder / "empty" / "..") == "submissions/a.py"
    assert canonical("pkg.rnn:Net", folder) == "pkg.rnn:Net"


@given(st.text() | st.text().map("{}/a.py".format) | st.just("x" * 300 + ".py"))
def test_any_text_is_a_target_or_missing_in_one_line(text: str) -> None:
    try:
        target = locate(text, Path("/nowhere"))
    except TargetMissing as error:
        message = str(error)
    else:
        message = ""
        assert text == f"{target.source}:{target.attribute}".removesuffix(":")
    assert "\n" not in message


HELPED = {
    "ada.py": "import math, rnn_utils as u\ndef rnn_forward(x, a0, p): ...",
    "rnn_utils.py": "import deeper.still\ndef softmax(z): ...",
    "deeper.py": "def exp(z): 'for rnn_forward'; return lstm_forward",
    "cells.py": "def rnn_cell_forward(xt, a_prev, p): ...",
    "alone.py": "def softmax(z): ...",
    "bob.ipynb": '{"cells": [{"cell_type": "code", "source": "from cells import *\\nfrom notes import y"}]}',
    "notes.ipynb": "no notebook",
    "late/rnn_utils.py": "def softmax(z): ...",
}


def test_files_that_only_help_their_neighbours_are_found(tmp_path: Path) -> None:
    (tmp_path / "late").mkdir()
    for name, source in HELPED.items():
        tmp_path.joinpath(name).write_text(source)
    assert helper_files([*HELPED], tmp_path) == ["rnn_utils.py", "deeper.py", "notes.ipynb"]
