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

ACTION = (CLONE / "action.yml").read_text()
INPUTS = re.findall(r"^  ([\w-]+):$", ACTION.partition("inputs:")[2].partition("runs:")[0], re.MULTILINE)


def step(name: str, directory: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a step of the action as a runner of GitHub does, with exactly the variables that it names."""
    text = ACTION.partition(f"- name: {name}\n")[2].partition("    - ")[0]
    names = re.findall(r"^        ([A-Z_]+): ", text, re.MULTILINE)
    assert {*names} == {*variables}
    script = directory / "script.sh"
    script.write_text(dedent(text.partition("run: |\n")[2]))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        cwd=directory,
        env={**clean, "PIP_NO_DEPS": "1", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_input_is_used_and_none_becomes_part_of_a_script() -> None:
    assert INPUTS == ["implementation", "profile", "grade", "report", "python", "python-version"]
    assert {*re.findall(r"\$\{\{ inputs\.([\w-]+) \}\}", ACTION)} == {*INPUTS}
    scripts = re.findall(r"run: \|\n((?:        .*\n)+)", ACTION)
    assert len(scripts) == 2
    assert not [script for script in scripts if "${{" in script]


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory, wheel: Installation) -> dict[str, str]:
    """Those of the step that judges, with the inputs' defaults, after the step that installs."""
    folder = tmp_path_factory.mktemp("runner")
    environment = folder / "rnn-crosscheck"
    installing = {"PYTHON": sys.executable, "SOURCE": str(wheel.wheel), "ENVIRONMENT": str(environment)}
    done = step("Install", folder, **installing)
    assert done.returncode == 0, done.stderr
    lend_packages(Path(sysconfig.get_path("purelib", "venv", {"base": str(environment)})))
    defaults = dict.fromkeys(("IMPLEMENTATION", "GRADE", "REPORT", "TARGETS_PYTHON"), "")
    return {"ENVIRONMENT": str(environment), "PROFILE": "ci", **defaults}


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


def test_no_input_is_run(variables: dict[str, str], tmp_path: Path) -> None:
    """Takes a second: a shell starts the installed command."""
    inputs = ("IMPLEMENTATION", "GRADE", "REPORT", "PROFILE", "TARGETS_PYTHON")
    hostile = dict.fromkeys(inputs, "$(touch ran) `touch ran`; touch ran #\" '")
    done = step("Judge", tmp_path, **{**variables, **hostile})
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert {path.name for path in tmp_path.iterdir()} <= {"script.sh", ".hypothesis"}
