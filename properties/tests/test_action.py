"""The GitHub Action: its steps run what they should, whatever the inputs are."""

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from textwrap import dedent

import pytest

from properties.tests.runs import CLONE, Installation, lend_packages

pytestmark = pytest.mark.slow

ACTION = (CLONE / "action.yml").read_text()
INPUTS = re.findall(r"^  ([\w-]+):$", ACTION.partition("inputs:")[2].partition("runs:")[0], re.MULTILINE)


FILES = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")


def step(name: str, directory: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a step of the action as a runner of GitHub does, with exactly the variables that it names.

    The runner's own variables name files: what the step writes there is a summary, or an output.
    """
    text = ACTION.partition(f"- name: {name}\n")[2].partition("    - ")[0]
    names = re.findall(r"^        ([A-Z_]+): ", text, re.MULTILINE)
    assert {*names} == {*variables}
    script = directory / "script.sh"
    script.write_text(dedent(text.partition("run: |\n")[2]))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        cwd=directory,
        env={**clean, "PIP_NO_DEPS": "1", **variables, **{name: str(directory / name) for name in FILES}},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_input_is_used_and_none_becomes_part_of_a_script() -> None:
    names = "implementation select grade expected-failures helpers time-limit profile report python"
    assert [*names.split(), "python-version"] == INPUTS
    assert {*re.findall(r"\$\{\{ inputs\.([\w-]+) \}\}", ACTION)} == {*INPUTS}
    scripts = re.findall(r"run: \|\n((?:        .*\n)+)", ACTION)
    assert len(scripts) == ACTION.count(" run:") == 3
    assert not [script for script in scripts if "${{" in script]


OPTIONAL = (
    *("IMPLEMENTATION", "SELECT", "GRADE", "EXPECTED_FAILURES", "HELPERS", "TIME_LIMIT", "REPORT"),
    "TARGETS_PYTHON",
)


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory, wheel: Installation) -> dict[str, str]:
    """Those of the step that judges, with the inputs' defaults, after the step that installs."""
    folder = tmp_path_factory.mktemp("runner")
    environment = folder / "rnn-crosscheck"
    assert step("Week", folder).returncode == 0
    assert re.fullmatch(r"week=\d{4}-\d\d\n", (folder / "GITHUB_OUTPUT").read_text())
    places = {"ENVIRONMENT": str(environment), "PIP_CACHE_DIR": str(folder / "pip")}
    done = step("Install", folder, PYTHON=sys.executable, SOURCE=str(wheel.wheel), **places)
    assert done.returncode == 0, done.stderr
    lend_packages(Path(sysconfig.get_path("purelib", "venv", {"base": str(environment)})))
    results = str(folder / "results.json")
    return {
        **dict.fromkeys(OPTIONAL, ""),
        "ENVIRONMENT": str(environment),
        "PROFILE": "ci",
        "RESULTS": results,
    }


def test_the_steps_install_and_judge(variables: dict[str, str], tmp_path: Path) -> None:
    """Takes seconds: it makes an environment, installs the wheel and judges two targets."""
    textbook = (CLONE / "examples" / "textbook.py").read_text()
    (tmp_path / "my rnn.py").write_text(textbook)
    right = textbook.replace("np.exp(z)\n", "np.exp(z - z.max(0, initial=-np.inf))\n")
    (tmp_path / "right.py").write_text(right)
    inputs = {
        "IMPLEMENTATION": "my rnn.py\nright.py\n",
        "REPORT": "a report.json\nb.html",
        "PROFILE": "quick",
        "GRADE": "robust",
        "TARGETS_PYTHON": sys.executable,
    }
    done = step("Judge", tmp_path, **{**variables, **inputs})
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"^  my rnn.py +not robust", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"^  right.py +conforms", done.stdout, re.MULTILINE), done.stdout
    assert (tmp_path / "a report.json").stat().st_size
    assert (tmp_path / "b.html").stat().st_size
    assert " spec " not in done.stdout
    assert "profile quick" in done.stdout
    assert "target Python" in done.stdout
    assert "::error" not in done.stdout  # no failure has a line
    assert (tmp_path / "GITHUB_STEP_SUMMARY").read_text().splitlines() == [
        "### rnn-crosscheck",
        "",
        "| target | verdict | mistakes |",
        "| --- | --- | --- |",
        "| my rnn.py | ~ not robust | the softmax subtracts no maximum and overflows |",
        "| right.py | ✓ conforms |  |",
        "",
    ]


def test_failures_are_selected_and_expected_and_shown_at_their_lines(
    variables: dict[str, str], tmp_path: Path
) -> None:
    """Takes seconds: it judges a target twice."""
    (tmp_path / "src").mkdir()
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "course.py").write_text("TEXT = '50%:\\nof x'\n")
    source = (CLONE / "examples" / "textbook.py").read_text()
    head = "    n_y, n_a = parameters["
    assert source.count(head) == 2
    wrong = source.replace(head, f"    raise ValueError(course.TEXT)\n{head}", 1)
    (tmp_path / "src" / "my, rnn.py").write_text(f"import course\n{wrong}")
    known = '[[failure]]\nlaw = "shapes"\nfunction = "rnn_forward"\nreason = "raises"\n'
    (tmp_path / "known.toml").write_text(known)
    inputs = {
        "IMPLEMENTATION": "src/my, rnn.py",
        "HELPERS": "given",
        "TIME_LIMIT": "9",
        "SELECT": "rnn_forward and (shapes or trajectory)",
        "PROFILE": "quick",
    }
    done = step("Judge", tmp_path, **{**variables, **inputs})
    line = wrong.partition("raise")[0].count("\n") + 2
    place = f"::error file=src/my%2C rnn.py,line={line},title=rnn-crosscheck::"
    assert f"\n{place}ValueError: 50%25: of x, at " in done.stdout, done.stdout + done.stderr
    assert "--time-limit 9" in done.stdout
    assert done.returncode == 1
    assert "extreme" not in done.stdout

    expected = {"EXPECTED_FAILURES": "known.toml", "SELECT": "rnn_forward and shapes"}
    done = step("Judge", tmp_path, **{**variables, **inputs, **expected})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "::error" not in done.stdout


def test_no_input_is_run(variables: dict[str, str], tmp_path: Path) -> None:
    """Takes a second: a shell starts the installed command."""
    hostile = dict.fromkeys((*OPTIONAL, "PROFILE"), "$(touch ran) `touch ran`; touch ran #\" '")
    done = step("Judge", tmp_path, **{**variables, **hostile})
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert {path.name for path in tmp_path.iterdir()} <= {"script.sh", ".hypothesis"}
