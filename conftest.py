"""The options that rnn-crosscheck adds to pytest, and its Hypothesis profiles."""

import atexit
import gc
import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, settings

PREFIX = __name__.removesuffix("conftest")  # empty in a clone, "rnn_crosscheck." in the wheel
if not PREFIX:
    sys.path.insert(0, str(Path(__file__).parent))  # for runs from another directory

pytest_plugins = [
    f"{PREFIX}properties.session.module_options",
    f"{PREFIX}properties.session.options",
    f"{PREFIX}properties.session.database",
    f"{PREFIX}properties.session.collection",
    f"{PREFIX}properties.session.fixtures",
    f"{PREFIX}properties.session.xdist_results",
    f"{PREFIX}properties.session.outcome",
    f"{PREFIX}properties.fuzz.fuzzing",
]

# For torch and NumPy's BLAS, which are not imported yet. Their threads busy-wait for each other, so two
# workers on two cores would be no faster than one.
os.environ["OMP_NUM_THREADS"] = "1"

# Torch creates half a million permanent objects, which each garbage collection would traverse; so would the
# last one, at the exit, which alone takes a fifth of the time of `import torch`.
gc.set_threshold(50_000)
atexit.register(gc.freeze)

settings.register_profile(
    "dev",
    max_examples=8,  # of five problems each, besides the fixed problems: more examples found no more mistakes
    deadline=None,
    derandomize=False,  # Hypothesis would set this on CI; properties/session chooses the seed
    database=None,  # properties/failure_database/store.py stores problems, the same in every profile
    phases=[phase for phase in Phase if phase is not Phase.explain],  # it takes 30 times as long as the run
    suppress_health_check=[HealthCheck.too_slow],
    report_multiple_bugs=False,
    verbosity=Verbosity.quiet,  # a violation has its own message
)
settings.register_profile("ci", settings.get_profile("dev"), max_examples=60)
settings.register_profile("quick", settings.get_profile("dev"), max_examples=1)  # for many targets
settings.register_profile("fuzz", settings.get_profile("dev"), max_examples=100)
settings.load_profile("dev")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of rnn-crosscheck to pytest."""
    group = parser.getgroup("rnn-crosscheck")
    group.addoption(
        "--implementation",
        action="append",
        metavar="TARGET",
        help="target to judge: a .py or .ipynb file, a directory or glob of them, a module, "
        "module:attribute, or a model.onnx with recurrent nodes; repeatable (default: reference)",
    )
    group.addoption(
        "--weights",
        action="append",
        metavar="FILE[:PREFIX]",
        help="use the trained weights in a file; repeatable",
    )
    group.addoption(
        "--layout",
        metavar="NAME",
        help="the layout, if the weights' names do not tell it",
    )
    group.addoption(
        "--like",
        metavar="CLASS",
        help="judge a module as LSTM, RNN, LSTMCell or RNNCell",
    )
    group.addoption(
        "--converts",
        metavar="CLASS",
        help="judge what a function makes of a module of this class: torch.nn.LSTM, RNN, LSTMCell, RNNCell",
    )
    group.addoption(
        "--with",
        dest="fixed",
        action="append",
        metavar="NAME=VALUE",
        help="argument of the module's constructor; repeatable",
    )
    group.addoption(
        "--gates",
        metavar="ORDER",
        help="order of the module's gates: ifgo, or xh:ifgo",
    )
    group.addoption(
        "--device",
        metavar="NAME",
        help="the device on which a module computes: cuda (default: cpu)",
    )
    group.addoption(
        "--python",
        metavar="PATH",
        help="run the targets with this interpreter",
    )
    group.addoption(
        "--helpers",
        metavar="DIR",
        help="add this folder of modules to the targets' path",
    )
    group.addoption("--time-limit", type=float, metavar="SECONDS", help="limit for a call (default: 5)")
    group.addoption(
        "--import-time-limit",
        type=float,
        metavar="SECONDS",
        help="limit for the import of a target (default: 20)",
    )
    group.addoption(
        "--memory-limit",
        type=float,
        metavar="GIB",
        help="limit for the data of a target (default: 4)",
    )
    group.addoption(
        "--report",
        action="append",
        metavar="FILE",
        help="write FILE.json, .html or .csv; repeatable",
    )
    group.addoption(
        "--report-each",
        metavar="FOLDER",
        help="write a page for the author of each target",
    )
    group.addoption(
        "--resume",
        action="store_const",
        const=True,
        help="judge only targets that are not yet in FILE.json",
    )
    group.addoption(
        "--expected-failures",
        metavar="FILE",
        help="a TOML file of known failures (see docs/report.md)",
    )
    group.addoption(
        "--reproduce",
        metavar="PROBLEM",
        help="run the laws on one problem: 'Problem.lstm(...)'",
    )
    group.addoption(
        "--fuzz-for",
        metavar="TIME",
        help="let all laws take turns for 90s, 10m, 4h or 2d",
    )
    group.addoption(
        "--example-database",
        metavar="URL",
        help="share failures by redis://host:port/0, or read those of CI from github://owner/repository",
    )
