"""The Python API: `judge` judges a target, and `laws` makes the laws test cases of another suite.

Both run the command `rnn-crosscheck` in a new process, so the caller's settings of pytest and Hypothesis do
not affect the laws, and the target does not affect the caller.
"""

import subprocess
import sys
from collections.abc import Callable
from functools import cache, partial
from os import PathLike, fspath
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from properties.reports import json_report
from properties.reports.collected_results import function_in, law_in
from properties.reports.judgement import Judgement
from properties.reports.results import LawResult


def judge(target: str | PathLike[str], *options: str) -> Judgement:
    """Return the judgement of one target: its verdict, and the result of every law.

    `target` and `options` are those of the command `rnn-crosscheck`: `judge("my_rnn.py", "-m", "spec")`. If
    the target does not exist or an option is wrong, raises `ValueError` with the message of the command.
    Raises `ValueError`, too, if `target` names several targets.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder, "report.json")
        _, printed = _run(fspath(target), *options, "--report", str(file))
        if not file.exists():
            raise ValueError(printed)
        judgements = json_report.read_json(file).judgements
    if len(judgements) != 1:
        raise ValueError(f"judge takes one target; {target!r} names {len(judgements)}")
    return judgements[0]


def laws(target: str | PathLike[str], *options: str) -> Callable[[Callable[..., Any]], Any]:
    """Make each law on each function of a target a test case of the decorated test function.

    The test function has one parameter, `law`, and calls it; the call fails with the message of the failure:

        @laws(Path(__file__).with_name("my_rnn.py"), "-m", "spec")
        def test_my_rnn(law):
            law()

    `target` and `options` are those of `judge`, which the first test case calls. A law that cannot be checked
    is skipped. An expected failure is an `xfail`, and a law that is expected to fail, and does not, fails.
    Raises `ValueError` as `judge` does, and for an expected failure of a law that does not exist. The model
    is scikit-learn's `parametrize_with_checks`.
    """
    target = fspath(target)
    status, printed = _run(target, *options, "--collect-only", "-q")
    lines = printed.splitlines()
    if status:
        raise ValueError("\n".join(line for line in lines if line and "::" not in line))
    cases = []
    for law, function in ((law_in(line), function_in(line)) for line in lines if "::" in line):
        name = f"{law} of {function}" if function else law
        cases.append(pytest.param(partial(_check, target, options, law, function), id=name))
    return pytest.mark.parametrize("law", cases)


def _check(target: str, options: tuple[str, ...], law: str, function: str) -> None:
    """Fail the calling test if the law failed, and skip the test if the law was skipped."""
    result = _results(target, options)[law, function]
    if result.excuse:
        pytest.xfail(result.excuse)
    if result.expected:
        pytest.fail(f"expected to fail ({result.expected}), but it {result.status}", pytrace=False)
    if result.status == "skipped":
        pytest.skip(result.message)
    if result.status == "failed":
        pytest.fail(result.message, pytrace=False)


@cache
def _results(target: str, options: tuple[str, ...]) -> dict[tuple[str, str], LawResult]:
    return {(result.law, result.function): result for result in judge(target, *options).results}


def _run(*arguments: str) -> tuple[int, str]:
    """Run the command; return its status and its output, which after wrong usage is only the message."""
    command = [sys.executable, "-m", "rnn_crosscheck", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode <= 1:
        return done.returncode, done.stdout
    return done.returncode, (done.stderr or done.stdout).strip().removeprefix("ERROR: ")
