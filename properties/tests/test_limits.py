"""Laws beyond a target's declared limits are not checked, and shown as declared; all others are."""

import json
import re
from pathlib import Path

import pytest

from oracle.problems.problem import Problem
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import Settings
from properties.laws import all_laws
from properties.tests.one_law import catch
from properties.tests.runs import CLONE, run
from properties.worker.targets import Unusable

pytestmark = pytest.mark.slow

VENDOR = """\
import sys
sys.path.append({here!r})
import numpy as np
import reference

SUPPORTS = {{
    "dtypes": ["float32"],
    "caches": False,
    "head": False,
    "layers": 1,
    "directions": 1,
    "lengths": False,
    "projection": False,
    "activations": ["tanh"],
    "empty": ["m"],
    "subnormals": False,
    "bad_shapes": False,
}}


def flushed(array):
    assert array.dtype == np.float32
    return np.where(np.abs(array) < np.finfo(np.float32).tiny, np.float32(0), array)


def lstm_layer(x, a0, c0, parameters, options):
    assert x.shape[0] and x.shape[2] and len(parameters) == 1 and options == {{"directions": 1}}
    return tuple(map(flushed, reference.lstm_layer(x, a0, c0, parameters, options)))


def rnn_layer(x, a0, parameters, options):
    assert x.shape[0] and x.shape[2] and options == {{"directions": 1, "activation": "tanh"}}
    return tuple(map(flushed, reference.rnn_layer(x, a0, parameters, options)))


def lstm_forward(x, a0, parameters):
    a, y, c, _ = reference.lstm_forward(x, a0, parameters)
    return flushed(a), None, flushed(c[:, :, -1:])


def lstm_cell_forward(xt, a_prev, c_prev, parameters):
    a, c, y, _ = reference.lstm_cell_forward(xt, a_prev, c_prev, parameters)
    return flushed(a), flushed(c), None


def rnn_forward(x, a0, parameters):
    return flushed(reference.rnn_forward(x, a0, parameters)[0]), None


def rnn_cell_forward(xt, a_prev, parameters):
    return flushed(reference.rnn_cell_forward(xt, a_prev, parameters)[0]), None
"""


QUICK = ("--hypothesis-profile=quick",)


@pytest.fixture
def vendor(tmp_path: Path) -> Path:
    path = tmp_path / "vendor.py"
    path.write_text(VENDOR.format(here=str(CLONE)))
    return path


def test_a_framework_with_many_limits_conforms_and_shows_them(vendor: Path, tmp_path: Path) -> None:
    """Takes seconds: it puts a target to all laws."""
    report = tmp_path / "report.json"
    status, output = run("--implementation", str(vendor), *QUICK, "--report", str(report))
    assert status == 0, output
    declared = "float32 only, at most 1 layer, one direction, tanh only"
    assert f"–: limits, beyond which nothing is judged: {declared}" in " ".join(output.split())
    (found,) = json.loads(report.read_text())["implementations"]
    assert found["verdict"] == "conforms"
    assert "no caches" in found["limits"]
    laws = {(law["law"], law["function"]): law for law in found["laws"]}
    assert laws["subnormals", "lstm_layer"]["declared"] == "subnormals flushed"
    assert laws["no steps", "rnn_layer"]["declared"] == "T_x > 0 only"
    assert laws["each length alone", "rnn_layer"]["status"] == "skipped"
    assert all(law["status"] != "passed" for law in laws.values() if "declared" in law)
    ran = {name for (name, _), law in laws.items() if law["problems"]}
    assert {"trajectory", "each step", "exact value", "no samples", "nonfinite", "composition"} <= ran


def test_who_flushes_subnormal_numbers_and_does_not_say_so_is_told_that_alone(vendor: Path) -> None:
    """Takes seconds: it puts a target to all laws of layers, and explains what fails."""
    vendor.write_text(vendor.read_text().replace('    "subnormals": False,\n', ""))
    status, output = run("--implementation", str(vendor), *QUICK, "-k", "layer or subnormals")
    assert status == 1
    assert set(re.findall(r"FAILED \S*::(\w+)", output)) == {"test_subnormals"}
    assert output.count("looks like      subnormal numbers are flushed to zero") == 1
    assert "differs" not in output


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('SUPPORTS = {"dtype": "float32"}', "SUPPORTS has no 'dtype'; it may have absent_states"),
        ("SUPPORTS = {'layers': object()}", "expected a number from 1 up"),
        ("SUPPORTS = 3", "SUPPORTS is no dict"),
    ],
)
def test_limits_that_are_none_make_it_unusable_in_words(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "wrong.py").write_text(f"{line}\ndef rnn_layer(x, a0, parameters, options): ...\n")
    with Implementation(str(tmp_path / "wrong.py")) as judged, pytest.raises(Unusable, match=message):
        judged.load()


def test_a_class_has_limits_of_its_own_or_those_of_its_module(tmp_path: Path) -> None:
    (tmp_path / "both.py").write_text(
        "SUPPORTS = {'layers': 1}\n"
        "class Own:\n    SUPPORTS = {'layers': 2}\n    def rnn_layer(x, a0, parameters, options): ...\n"
        "class None_:\n    def rnn_layer(x, a0, parameters, options): ...\n"
    )
    for name, layers in (("Own", 2), ("None_", 1)):
        with Implementation(f"{tmp_path / 'both.py'}:{name}") as implementation:
            assert implementation.limits.layers == layers


def test_a_problem_is_reproduced_in_the_dtype_of_the_target(vendor: Path) -> None:
    """Takes a second: two whole runs."""
    line = "Problem.rnn(n_x=1, n_a=2, n_y=2, m=1, T_x=3, regime='huge', dtype='float32')"
    status, output = run("--implementation", str(vendor), "--reproduce", line)
    assert status == 0, output
    assert re.search(r"extreme magnitudes\s+robust\s+1", output)
    status, output = run("--reproduce", line)
    assert status == 4
    assert "unless the target does not support float64" in output


LAST_STATES = """
import sys
sys.path.append({here!r})
import reference
SUPPORTS = {{"sequences": False, "c_last": False}}
def rnn_layer(*arguments):
    return None, reference.rnn_layer(*arguments)[1]
def lstm_layer(*arguments):
    return None, reference.lstm_layer(*arguments)[1], None
"""


def test_layers_that_return_last_states_alone_conform(tmp_path: Path) -> None:
    """Takes seconds: it judges two layers by all laws."""
    (tmp_path / "last.py").write_text(LAST_STATES.format(here=str(CLONE)))
    status, output = run("--implementation", str(tmp_path / "last.py"), *QUICK)
    assert status == 0, output
    assert "–: limits, beyond which nothing is judged: last states only" in output
    assert len(re.findall(r"^ .*–$", output, re.MULTILINE)) == 4


LAST = """
import sys
sys.path.append({here!r})
import reference
def lstm_forward(x, a0, parameters):
    a, y, c, _ = reference.lstm_forward(x, a0, parameters)
    return a, y, c[:, :, {step}]
"""


def test_the_last_memory_state_alone_is_an_answer(tmp_path: Path) -> None:
    """Takes a second: it puts a target to all laws of a forward."""
    (tmp_path / "last.py").write_text(LAST.format(here=str(CLONE), step="-1:"))
    laws = "lstm_forward and not is_provided and not cache and not gate_ranges"
    status, output = run("--implementation", str(tmp_path / "last.py"), *QUICK, "-k", laws, "-m", "spec")
    assert status == 0, output


def test_a_wrong_last_memory_state_is_seen(tmp_path: Path) -> None:
    (tmp_path / "first.py").write_text(LAST.format(here=str(CLONE), step="0:1"))
    (law,) = (law for law in all_laws() if law.name == "trajectory")
    with Implementation("first.py", Settings(directory=tmp_path)) as target:
        assert catch(law, target, "lstm_forward", 0)


def test_the_last_memory_state_alone_with_caches_is_a_violation(tmp_path: Path) -> None:
    source = LAST.format(here=str(CLONE), step="-1:").replace("a, y, c, _ =", "a, y, c, caches =")
    (tmp_path / "last.py").write_text(source.replace("-1:]", "-1:], caches"))
    (law,) = (law for law in all_laws() if law.name == "cache entries")
    with Implementation("last.py", Settings(directory=tmp_path)) as target:
        caught = catch(law, target, "lstm_forward", 0)
    assert caught
    assert "expected every step" in caught.violation.facts()["form"]


def test_problem_lines_say_that_initial_states_are_zero() -> None:
    problem = Problem.lstm_layer(n_x=1, n_a=2, m=3, T_x=4, initial="zero")
    assert Problem.parse(repr(problem)) == problem
    inputs = problem.inputs("lstm_layer")
    assert not inputs.a0.any()
    assert not inputs.c0.any()
    assert inputs.x.any()


def test_a_function_of_which_limits_leave_nothing_is_not_judged(tmp_path: Path) -> None:
    (tmp_path / "none.py").write_text(
        f"import sys\nsys.path.append({str(CLONE)!r})\nfrom reference import lstm_forward\n"
        "SUPPORTS = {'initial_state': False}\n"
    )
    report = tmp_path / "report.json"
    chosen = ("--implementation", str(tmp_path / "none.py"), "-k", "lstm_forward and not declared")
    run(*chosen, "--report", str(report))
    (found,) = json.loads(report.read_text())["implementations"]
    assert found["functions"]["lstm_forward"]["verdict"] == "not judged"
    assert found["functions"]["lstm_forward"]["remark"].startswith("declared: no initial state in ")
