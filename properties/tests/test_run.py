"""The harness as its user runs it: what it prints, and how it ends."""

import re
from pathlib import Path

import pytest

from oracle.problems.problem import Problem
from properties.laws import all_laws
from properties.tests.runs import CLONE, run

pytestmark = pytest.mark.slow

FAULT = "oracle.faults:update_and_forget_gates_exchanged"


def test_the_picture_in_the_readme_is_what_a_failure_looks_like() -> None:
    """Takes a second: it explains a failure."""
    status, output = run("--implementation", FAULT, "-k", "test_trajectory and lstm_forward")
    picture = re.search(r"```\n(lstm_forward of .*?)```", (CLONE / "README.md").read_text(), re.DOTALL)
    assert status == 1
    assert picture
    for line in picture[1].splitlines():
        if not line.startswith(("  reproduce", "  torch", "  exact", "  off by")):  # digits vary by library
            assert line in output


def test_the_textbook_conforms_and_is_not_robust_where_its_softmax_overflows() -> None:
    """Takes seconds: two whole runs, of which one explains failures."""
    textbook = ("--implementation", str(CLONE / "examples" / "textbook.py"), "-k", "rnn_cell_forward")
    status, output = run(*textbook, "-m", "spec")
    assert status == 0, output
    status, output = run(*textbook)
    assert status == 1
    failed = set(re.findall(r"FAILED \S*::test_(\w+)", output))
    assert "extreme_magnitudes" in failed
    assert failed <= {"extreme_magnitudes", "lower_precision"}  # in float16 one time in ten none overflows
    assert output.count("looks like      the softmax subtracts no maximum and overflows") == 1
    assert ("  the same in rnn_cell_forward: lower precision" in output) == (len(failed) == 2)


def test_a_failure_is_reproduced_by_the_line_that_it_prints() -> None:
    """Takes seconds: three whole runs, of which two explain a failure."""
    selected = ("--implementation", FAULT, "-k", "test_each_step and lstm_cell_forward")
    _, output = run(*selected)
    problem = re.search(r"^  problem +(.*)$", output, re.MULTILINE)
    assert problem
    status, again = run(*selected, "--reproduce", problem[1])
    assert status == 1
    assert problem[0] in again
    status, right = run("-k", "test_each_step and lstm_cell_forward", "--reproduce", problem[1])
    assert status == 0
    assert "implementation: reference, because no target is named" in right


ONE = "Problem.rnn(n_x=1, n_a=2, n_y=2, m=1, T_x=3)"


@pytest.mark.parametrize(
    ("problem", "only"),
    [
        ("Problem.lstm(n_x=1, n_a=2, n_y=2, m=1, T_x=3, dtype='float32')", "lower precision"),
        ("Problem.rnn(n_x=0, n_a=1, n_y=1, m=2, T_x=1)", "no features"),
        ("Problem.lstm(n_x=1, n_a=1, n_y=1, m=1, T_x=1, regime='nonfinite', seed=1)", "nonfinite"),
    ],
)
def test_a_problem_of_one_domain_concerns_its_law_alone(problem: str, only: str) -> None:
    assert _concerned(problem) == {(only, function) for function in _forwards(problem)}


def test_of_one_problem_the_laws_that_it_concerns_are_asked() -> None:
    """Takes a second: a whole run."""
    status, output = run("--reproduce", ONE, "-k", "not can_be_used and not is_provided and not backward")
    assert status == 0, output
    concerned = _concerned(ONE)
    assert len(concerned) > 20
    assert f"{len(concerned)} passed" in output


def _forwards(problem: str) -> set[str]:
    kind = Problem.parse(problem).kind
    return {f"{kind}_cell_forward", f"{kind}_forward"}


def _concerned(problem: str) -> set[tuple[str, str]]:
    parsed = Problem.parse(problem)
    asked = ((law, function) for law in all_laws() for function in _forwards(problem))
    return {(law.name, function) for law, function in asked if law.concerns(function, parsed)}


def test_a_problem_of_the_other_network_selects_nothing() -> None:
    status, output = run("--reproduce", ONE, "-k", "lstm")
    assert status == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "no law ran, because -k lstm selects none" in output


def test_the_name_of_the_target_selects_nothing(tmp_path: Path) -> None:
    """Takes a second: a whole run."""
    (tmp_path / "rnn.py").write_text("from reference import *")
    selected = (
        "--implementation",
        "rnn.py",
        "-k",
        "lstm_forward and cached_inputs or rnn_forward and trajectory",
    )
    status, output = run(*selected, directory=tmp_path)
    assert status == 0, output
    assert "2 passed" in output


def test_a_failure_of_the_harness_is_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "sabotage.py").write_text(
        "from properties.trials.trial import Trial\nTrial.compare_with_torch = lambda trial: 1 / 0\n"
    )
    selected = ("-p", "sabotage", "-k", "trajectory and rnn_forward or shapes and rnn_forward")
    status, output = run(*selected, directory=tmp_path)
    assert status == 1
    assert "the harness broke, please report it: no verdict by 'trajectory' on rnn_forward" in output
    assert re.search(r"reference +not judged +1\n +rnn not judged: the harness", output)


def test_a_law_that_could_not_even_begin_does_not_hold(tmp_path: Path) -> None:
    (tmp_path / "sabotage.py").write_text(
        "from properties.failure_database.store import Store\nStore.__init__ = lambda *_: 1 / 0\n"
    )
    status, output = run("-p", "sabotage", "-k", "rnn_forward", directory=tmp_path)
    assert status == 1
    assert re.search("reference +not judged", output)


def test_paths_are_taken_from_where_the_command_runs(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "my_rnn.py").write_text((CLONE / "examples" / "textbook.py").read_text())
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")  # settings of its own
    selected = ("-k", "test_shapes or can_be_used")
    status, output = run("--implementation", "src/my_rnn.py", *selected, directory=tmp_path)
    assert status == 0, output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--implementation", "nope.py"), "no file 'nope.py'"),
        (("--implementation", "reference:nope"), "'reference' has no attribute 'nope'"),
        (("--reproduce", "Problem.gru()"), "'Problem.gru()' is no problem"),
        (
            ("--reproduce", "Problem.rnn(n_x=1, n_a=0, n_y=1, m=1, T_x=1)"),
            "--reproduce: no law is checked on",
        ),
        (("--hypothesis-profile", "nope"), "--hypothesis-profile: Profile 'nope' is not registered"),
        (("--hypothesis-seed", "nope"), "--hypothesis-seed=nope: a seed is a whole number from 0 up"),
    ],
)
def test_what_does_not_exist_is_a_usage_error_in_one_line(arguments: tuple[str, ...], message: str) -> None:
    status, output = run(*arguments)
    assert status == pytest.ExitCode.USAGE_ERROR
    assert output.startswith(f"ERROR: {message}")
    assert len(output.strip().splitlines()) == 1


def test_what_cannot_be_used_fails_with_one_message(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    status, output = run("--implementation", "broken.py", directory=tmp_path)
    assert status == 1
    assert "1 failed" in output
    assert "broken.py cannot be imported: ModuleNotFoundError" in output
    assert "Traceback" not in output
