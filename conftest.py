"""The options that rnn-crosscheck adds to pytest, and its Hypothesis profiles."""

import atexit
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, settings

PREFIX = __name__.removesuffix("conftest")  # empty in a clone, "rnn_crosscheck." in the wheel
if not PREFIX:
    sys.path.insert(0, str(Path(__file__).parent))  # for runs from another directory

pytest_plugins = [
    f"{PREFIX}properties.session.{name}"
    for name in ("options", "collection", "law_runs", "fuzzing", "cluster")
]

# torch and NumPy's BLAS, which are imported later, read this. Their threads wait in busy loops, so that two
# workers on two cores would be no faster than one.
os.environ["OMP_NUM_THREADS"] = "1"

# Torch creates half a million objects that exist until the end, and that every garbage collection traverses.
# The last collection, at the exit, alone takes a fifth of the time of `import torch`.
gc.set_threshold(50_000)
atexit.register(gc.freeze)

settings.register_profile(
    "dev",
    max_examples=8,  # of five problems each, besides the fixed problems; more have found no more mistakes
    deadline=None,
    derandomize=False,  # on CI, the default is True; properties/session/options.py chooses the seed
    database=None,  # properties/failure_database/store.py stores failing problems
    phases=[each for each in Phase if each is not Phase.explain],  # explain takes 30 times as long as a run
    suppress_health_check=[HealthCheck.too_slow],
    report_multiple_bugs=False,
    verbosity=Verbosity.quiet,  # a violation has its own message
)
settings.register_profile("ci", settings.get_profile("dev"), max_examples=60)
settings.register_profile("quick", settings.get_profile("dev"), max_examples=1)  # the simplest shape
settings.register_profile("fuzz", settings.get_profile("dev"), max_examples=100)
settings.load_profile("dev")


_EACH: dict[str, Any] = {"action": "append"}  # the option is repeatable
_NUMBER: dict[str, Any] = {"type": float}

OPTIONS: Sequence[tuple[str, str, dict[str, Any], str]] = (
    (
        *("--implementation", "TARGET", _EACH),
        "target to judge: a .py or .ipynb file, a directory or glob of them, a module, module:attribute, "
        "or a model.onnx with recurrent nodes; repeatable (default: reference)",
    ),
    ("--weights", "FILE[:PREFIX]", _EACH, "use the trained weights in a file; repeatable"),
    ("--layout", "NAME", {}, "the layout of weights whose names do not tell it"),
    ("--like", "CLASS", {}, "the target replaces CLASS (see docs/modules.md)"),
    ("--converts", "CLASS", {}, "the target converts a CLASS: judge its result"),
    ("--with", "NAME=VALUE", {**_EACH, "dest": "fixed"}, "argument of the module's constructor; repeatable"),
    ("--gates", "ORDER", {}, "the order of the module's gates, such as ifgo"),
    ("--device", "NAME", {}, "where the module computes: cuda (default: cpu)"),
    ("--python", "PATH", {}, "run the targets with this interpreter"),
    ("--helpers", "DIR", {}, "a folder of modules that the targets import"),
    ("--time-limit", "SECONDS", _NUMBER, "limit for a call (default: 5)"),
    ("--import-time-limit", "SECONDS", _NUMBER, "limit for the import of a target (default: 20)"),
    ("--memory-limit", "GIB", _NUMBER, "limit of memory of each process (default: 4)"),
    ("--cluster", "ADDRESS", {}, "judge on a cluster of Dask (tcp://…), or local"),
    ("--report", "FILE", _EACH, "a report: FILE.json, .html or .csv; repeatable"),
    ("--report-each", "FOLDER", {}, "write a page for the author of each target"),
    ("--since", "FILE", {}, "judge only what has changed since this .json"),
    ("--points", "FILE", {}, "points of each function (see docs/report.md)"),
    ("--expected-failures", "FILE", {}, "a TOML file of known failures (see docs/report.md)"),
    ("--reproduce", "PROBLEM", {}, "run the laws on one problem: 'Problem.lstm(...)'"),
    ("--fuzz-for", "TIME", {}, "draw new problems for 90s, 10m, 4h or 2d"),
)
"""The options of rnn-crosscheck: the name, the metavar, other arguments of `addoption`, the help."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of rnn-crosscheck to pytest."""
    group = parser.getgroup("rnn-crosscheck")
    for name, metavar, more, text in OPTIONS:
        group.addoption(name, help=text, metavar=metavar, **more)
