"""The Python API: `judge` judges a target, and `laws` makes the laws test cases of another suite.

Both run the command `rnn-crosscheck` in a new process, so the caller's settings of pytest and Hypothesis do
not affect the laws, and the target does not affect the caller.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from properties.reports import json_report
from properties.reports.card import Card
from properties.reports.collected_results import case_in
from properties.reports.results import LawResult
from properties.session.kernel import running_shell, with_progress
from properties.session.objects import Request
from properties.worker.own_modules import OBJECTS


def judge(*target: Any) -> Card:
    """Return the judgement of one target: its verdict, and the result of every law.

    The target comes first, then options, as in the command `rnn-crosscheck`:

        judge("my_rnn.py", "-m", "spec")

    In place of a target, there may be objects of Python: some of the functions, a module or class of torch or
    Keras, a module of Python, an object with the functions as methods, or `globals()`:

        judge(rnn_forward, rnn_cell_forward, "-m", "spec")

    Objects are judged by the functions that they have, in a process with the same interpreter. What their own
    modules define is sent to this process; all else is imported there.

    If the target does not exist or an option is wrong, raises `ValueError` with the message of the command.
    Raises `ValueError`, too, if `target` names several targets, and for an object that cannot be sent.
    """
    request = Request.of(target)
    if running_shell() and ".ipynb" in request.target:
        print(f"{request.target} is judged as it was saved; judge(globals()) judges what is defined now")
    return _judge(request)


def _judge(request: Request) -> Card:
    with TemporaryDirectory() as folder:
        file = Path(folder, "report.json")
        status, printed = _run(request, "-v", "--report", str(file))
        if not file.exists():
            raise ValueError(printed)
        run = json_report.read_json(file)
    if len(run.judgements) != 1:
        raise ValueError(f"judge takes one target; {request.target!r} names {len(run.judgements)}")
    points = sum(run.points.of(run.judgements[0]).values()) if run.points else None
    return Card(**vars(run.judgements[0]), holds=status == 0, points=points)


def laws(*target: Any) -> Callable[[Callable[..., Any]], Any]:
    """Make each law on each function of a target a test case of the decorated test function.

    The test function has one parameter, `law`, and calls it; the call fails with the message of the failure:

        @laws(Path(__file__).with_name("my_rnn.py"), "-m", "spec")
        def test_my_rnn(law):
            law()

    The arguments are those of `judge`, which the first test case calls. A law that cannot be checked
    is skipped. An expected failure is an `xfail`, and a law that is expected to fail, and does not, fails.
    Raises `ValueError` as `judge` does, and for an expected failure of a law that does not exist. The model
    is scikit-learn's `parametrize_with_checks`.
    """
    request = Request.of(target)
    status, printed = _run(request, "--collect-only", "-q")
    lines = printed.splitlines()
    if status:
        raise ValueError("\n".join(line for line in lines if line and "::" not in line))
    cases = []
    for _, law, function in (case_in(line) for line in lines if "::" in line):
        name = f"{law} of {function}" if function else law
        cases.append(pytest.param(partial(_check, request, law, function), id=name))
    return pytest.mark.parametrize("law", cases)


def _check(request: Request, law: str, function: str) -> None:
    """Fail the calling test if the law failed, and skip the test if the law was skipped."""
    result = _results(request)[law, function]
    if result.excuse:
        pytest.xfail(result.excuse)
    if result.expected:
        pytest.fail(f"expected to fail ({result.expected}), but it {result.status}", pytrace=False)
    if result.status == "skipped":
        pytest.skip(result.message)
    if result.status == "failed":
        pytest.fail(result.message, pytrace=False)


@cache
def _results(request: Request) -> dict[tuple[str, str], LawResult]:
    return {(result.law, result.function): result for result in _judge(request).results}


def _run(request: Request, *more: str) -> tuple[int, str]:
    """Run the command; return its status and its output, which after wrong usage is only the message."""
    with TemporaryDirectory() as folder:
        environment = {**os.environ, "PY_COLORS": "0"}  # kernels of Jupyter force colors
        if request.pickled:
            environment[OBJECTS] = str(Path(folder, "objects.pickle"))
            Path(environment[OBJECTS]).write_bytes(request.pickled)
        command = [sys.executable, "-m", "rnn_crosscheck", request.target, *request.options, *more]
        status, output = _output(command, environment)
    return status, output if status <= 1 else output.strip().removeprefix("ERROR: ")


def _output(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a command, and return its status and what it printed."""
    with Popen(command, env=environment, stdout=PIPE, stderr=STDOUT, text=True) as process:
        try:
            assert process.stdout
            printed = "".join(with_progress(process.stdout))
        except BaseException:  # an interrupt
            process.terminate()
            raise
    return process.returncode, printed
