"""pytest's options and Hypothesis' profiles."""

import gc
import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, settings

PREFIX = __name__.removesuffix("conftest")  # nothing in a clone, "rnn_crosscheck." where it is installed
if not PREFIX:
    sys.path.insert(0, str(Path(__file__).parent))  # also when pytest runs from elsewhere

pytest_plugins = [
    f"{PREFIX}properties.session.options",
    f"{PREFIX}properties.session.resumption",
    f"{PREFIX}properties.session.database",
    f"{PREFIX}properties.session.collection",
    f"{PREFIX}properties.session.fixtures",
    f"{PREFIX}properties.session.sending",
    f"{PREFIX}properties.session.outcome",
    f"{PREFIX}properties.fuzz.fuzzing",
]

# Of torch and of NumPy's BLAS, neither of which is imported yet: their threads wait for each other in
# loops, so two workers on two cores would be no faster than one.
os.environ["OMP_NUM_THREADS"] = "1"

# Torch makes half a million objects that stay, through which the garbage collector would go again and again.
gc.set_threshold(50_000)

settings.register_profile(
    "dev",
    max_examples=8,  # of five problems each, beside those that are fixed: more have caught nothing more
    deadline=None,
    derandomize=False,  # which a CI server's environment would change; the seed is in properties/session
    database=None,  # its choices mean another problem in another profile; see properties/stored/store.py
    phases=[phase for phase in Phase if phase is not Phase.explain],  # 30 times the run, on numeric code
    suppress_health_check=[HealthCheck.too_slow],
    report_multiple_bugs=False,
    verbosity=Verbosity.quiet,  # a violation carries its own message
)
settings.register_profile("ci", settings.get_profile("dev"), max_examples=60)
settings.register_profile("quick", settings.get_profile("dev"), max_examples=1)  # many implementations
settings.register_profile("fuzz", settings.get_profile("dev"), max_examples=100)
settings.load_profile("dev")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the harness."""
    group = parser.getgroup("rnn-crosscheck")
    group.addoption(
        "--implementation",
        action="append",
        metavar="TARGET",
        help="what to judge: a .py or .ipynb file, a directory or glob of them, a module, module:attribute, "
        "the recurrent nodes of a model.onnx; repeatable (default: reference)",
    )
    group.addoption(
        "--weights",
        action="append",
        metavar="FILE[:PREFIX]",
        help="judge layers with the weights of a checkpoint (see docs/checkpoints.md); repeatable",
    )
    group.addoption(
        "--layout",
        metavar="NAME",
        help="the layout of these weights, if no name tells it",
    )
    group.addoption(
        "--python",
        metavar="PATH",
        help="an interpreter with NumPy for what is judged",
    )
    group.addoption(
        "--helpers",
        metavar="DIR",
        help="a folder of modules that every target finds",
    )
    group.addoption("--time-limit", type=float, metavar="SECONDS", help="for a call (default: 5)")
    group.addoption(
        "--import-time-limit",
        type=float,
        metavar="SECONDS",
        help="for the import of a target (default: 20)",
    )
    group.addoption(
        "--memory-limit",
        type=float,
        metavar="GIB",
        help="of data, for the process of a target (default: 4)",
    )
    group.addoption(
        "--report",
        action="append",
        metavar="FILE",
        help="write FILE.json, FILE.html or FILE.csv; repeatable",
    )
    group.addoption(
        "--report-each",
        metavar="FOLDER",
        help="write a page for each target, for who wrote it",
    )
    group.addoption(
        "--resume",
        action="store_const",
        const=True,
        help="judge what is not yet in the report FILE.json",
    )
    group.addoption(
        "--expected-failures",
        metavar="FILE",
        help="a TOML file of failures that are known, and why (see docs/report.md)",
    )
    group.addoption(
        "--reproduce",
        metavar="PROBLEM",
        help="run the laws on exactly one problem, as a failure prints it: 'Problem.lstm(n_x=1, ...)'",
    )
    group.addoption(
        "--fuzz-for",
        metavar="TIME",
        help="run all laws in turns for 90s, 10m, 4h or 2d, or until Ctrl-C",
    )
    group.addoption(
        "--example-database",
        metavar="URL",
        help="share failures through redis://host:port/0, or read those of CI from github://owner/repository",
    )
