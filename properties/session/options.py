"""Reads the options about the run (seed, problem, reports), and prints the header of the run."""

import platform
import re
import secrets
import shlex
import shutil
import time
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version
from textwrap import wrap
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import settings
from hypothesis.errors import InvalidArgument

from oracle.problems.limits import Limits
from oracle.problems.problem import Problem
from properties.internals.pytest_internals import option_words
from properties.laws import all_laws
from properties.reports import expected_failures, points
from properties.reports.expected_failures import ExpectedFailure
from properties.reports.json_report import read_json
from properties.reports.judgement import Judgement
from properties.reports.points import Points
from properties.reports.report import GRADESCOPE, Reports, format_of
from properties.reports.results import encodable, print_in_every_encoding, printable
from properties.reports.run import Run
from properties.reports.run_end import RunEnd
from properties.session import command, unchanged
from properties.session.target_options import AFFECTING_RESULTS, TARGETS, find_targets, read_targets
from properties.worker.targets import TargetMissing

PROBLEM = pytest.StashKey[Problem | None]()
EXPECTED = pytest.StashKey[Sequence[ExpectedFailure]]()
KEPT = pytest.StashKey[Sequence[Judgement]]()
"""The judgements of targets that are unchanged since the report of `--since`."""
FUZZING_TIME = pytest.StashKey[float]()
"""The seconds of `--fuzz-for`; absent in a run without this option."""

FUZZING_START = pytest.StashKey[float]()
"""The time of the monotonic clock when the first worker of pytest-xdist started to fuzz."""

FUZZ = "fuzz"
"""The Hypothesis profile of a run with `--fuzz-for`."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check the options before a law runs, and choose the seed (none for fuzzing), so that runs repeat."""
    print_in_every_encoding()
    config.addinivalue_line("markers", "spec: a law on ordinary inputs")
    config.addinivalue_line("markers", "robust: a law on extreme or empty inputs, or in lower precision")
    config.addinivalue_line("markers", "law(name, grade): the name of a law, and its grade")
    config.option.force_short_summary = True  # on CI, pytest would repeat each long message in its summary
    reproduce = config.getoption("--reproduce")
    directory = config.invocation_params.dir
    expected = config.getoption("--expected-failures")
    files = [directory / file for file in config.getoption("--report") or ()]
    folder = directory / each_in if (each_in := config.getoption("--report-each")) else None
    reports = Reports(files, folder)
    try:
        failures = config.stash[EXPECTED] = expected_failures.read(directory / expected) if expected else []
        reports.check()
        if config.getoption("--fuzz-for") is not None:
            config.stash[FUZZING_TIME] = fuzzing_time(config)
            config.option.hypothesis_profile = FUZZ
        earlier = read_json(directory / since) if (since := config.getoption("--since")) else Run([])
        _choose_seed(config, earlier)
        find_targets(config)
        if hasattr(config, "workerinput"):
            targets, left = config.stash[TARGETS], config.workerinput["targets"]
            targets.names = [name for name in targets.names if encodable(name) in left]
        else:
            names, environment = config.stash[TARGETS].names, _environment(config)
            given = _points(config, reports)
            compares_runs = since or any(format_of(file) == ".json" for file in files)
            keys = unchanged.keys_of_targets(config, environment) if compares_runs else {}
            kept = config.stash[KEPT] = unchanged.keep(earlier, keys, config, failures)
            run, to_go_on = Run(kept, environment, given, keys), unchanged.command_to_go_on(config)
            seconds = config.stash.get(FUZZING_TIME, 0.0)
            config.pluginmanager.register(RunEnd(names, failures, reports, run, to_go_on, seconds))
        read_targets(config)
        config.stash[PROBLEM] = _problem_to_reproduce(reproduce, config) if reproduce else None
    except (TargetMissing, ValueError) as error:
        raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Send the seed, the targets and the time left to a worker of pytest-xdist."""
    node.workerinput["seed"] = node.config.option.hypothesis_seed
    node.workerinput["targets"] = [*map(encodable, node.config.stash[TARGETS].names)]
    if seconds := node.config.stash.get(FUZZING_TIME, 0.0):
        spent = time.monotonic() - node.config.stash.setdefault(FUZZING_START, time.monotonic())
        node.workerinput["fuzzing_seconds"] = max(seconds - spent, 0.0)


def _choose_seed(config: pytest.Config, earlier: Run) -> None:
    """Check the profile, and the seed, which Hypothesis would not check. Without a seed, choose one.

    The choice is the seed of the earlier run of `--since`. Otherwise the profile `ci` has the seed 0, the
    command `rnn-crosscheck` has the date, and pytest draws a seed.
    """
    profile, seed = config.getoption("hypothesis_profile"), config.getoption("hypothesis_seed")
    try:
        settings.get_profile(profile or "dev")
    except InvalidArgument as error:
        raise ValueError(f"--hypothesis-profile: {error}; conftest.py has the profiles") from None
    if seed is not None and not seed.isdecimal():
        raise ValueError(f"--hypothesis-seed={seed}: a seed is a whole number from 0 up")
    if hasattr(config, "workerinput"):  # in a worker of pytest-xdist
        config.option.hypothesis_seed = config.workerinput["seed"]
    elif seed is None and FUZZING_TIME not in config.stash:
        seed = earlier.environment.get("seed", "")
        if not seed.isdecimal():
            is_command = config.pluginmanager.has_plugin(command.__name__)
            other = f"{date.today():%Y%m%d}" if is_command else str(secrets.randbits(32))
            seed = "0" if profile == "ci" else other
        config.option.hypothesis_seed = seed


def _points(config: pytest.Config, reports: Reports) -> Points | None:
    """Read `--points`. Raises `ValueError` if a law that counts is not selected, or Gradescope needs more."""
    file = config.getoption("--points")
    given = points.read(config.invocation_params.dir / file) if file else None
    for_gradescope = any(file.name.endswith(GRADESCOPE) for file in reports.files)
    if for_gradescope and not (given and len(config.stash[TARGETS].names) == 1):
        raise ValueError(f"--report FILE{GRADESCOPE} needs --points and one target")
    selected = option_words(config, "-k", "-m", "--reproduce")
    if given and selected and (given.grade, selected) != ("spec", ["-m", "spec"]):
        raise ValueError(f"--points counts all laws; leave out {shlex.join(selected)}")
    return given


def fuzzing_time(config: pytest.Config) -> float:
    """Return the seconds of `--fuzz-for`. Raises `ValueError` if its text or another option is wrong."""
    if config.getoption("hypothesis_profile") not in (None, FUZZ):
        raise ValueError(f"--fuzz-for uses --hypothesis-profile={FUZZ}; leave out any other profile")
    for option in ("--reproduce", "--hypothesis-seed", "--since"):
        if config.getoption(option) is not None:
            raise ValueError(f"--fuzz-for draws new problems all the time; leave out {option}")
    text = config.getoption("--fuzz-for")
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if not match or not float(match[1]):
        raise ValueError(f"--fuzz-for {text!r} is not a duration such as 90s, 10m, 4h or 2d")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]


def _problem_to_reproduce(text: str, config: pytest.Config) -> Problem:
    """Parse the problem of `--reproduce`. Raises `ValueError` if no law is checked on it."""
    problem = Problem.parse(text)
    pairs = [(law, function) for law in all_laws() for function in law.functions]
    targets = config.stash[TARGETS]
    limits = [targets.limits(target) for target in targets.names]
    if not any(law.concerns(function, problem, each) for law, function in pairs for each in limits):
        raise ValueError(
            f"--reproduce: no law is checked on {problem!r}. n_a and n_y must be 1 or more. One of n_x, m "
            "and T_x may be 0 in the regimes ternary and unit. A dtype other than float64 needs one of the "
            "regimes ternary, unit, wild and subnormal, unless the target does not support float64"
        )
    return problem


def pytest_report_header(config: pytest.Config) -> list[str]:
    """The lines of the header: the targets, and what affects the results."""
    targets = config.stash[TARGETS]
    names = targets.names
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    since, kept = config.getoption("--since"), len(config.stash.get(KEPT, ()))
    default = "" if config.getoption("--implementation") else ", because no target is named"
    facts = ", ".join(f"{name} {value}" for name, value in _environment(config).items())
    lines = [
        f"implementation: {shown or 'none is left to judge'}{default}",
        *wrap(facts, shutil.get_terminal_size().columns, subsequent_indent="  "),
        *([f"unchanged since {since}: {kept} targets"] if since else []),
        *(f"not judged, because other targets import it: {file}" for file in targets.helpers),
        *(f"understood: {module_in_words(each.understood, each.limits)}" for each in targets.understood),
    ]
    return [printable(line) for line in lines]


_LENGTHS_WORDS = {
    "packed": "packed sequences",
    "counts": "lengths",
    "fractions": "lengths as fractions",
    "mask": "a mask for lengths",
    "padding": "a mask of the padding",
    "mask by step": "a mask for lengths with the time first",
    "padding by step": "a mask of the padding with the time first",
}
_TIME_WORDS = {"first": "time first", "second": "batch first", "stepped": "called step by step"}


def module_in_words(facts: Mapping[str, Any], limits: Limits) -> str:
    """Say in one line how a module of a framework is built and called, and what limits it has and why."""
    parts = [f"weights by {facts['weights']}"]
    parts += [f"gates {' '.join(facts['gates'])}"] if facts["gates"] else []
    parts += [f"although {facts['fits']} fits"] if facts["fits"] else []
    parts += [f"one weight on {', '.join(facts['joined'])}"] if facts["joined"] else []
    parts += [_TIME_WORDS[facts["time"]]]
    for way in facts["lengths"]:
        kind = way.removesuffix(" sorted")
        parts += [_LENGTHS_WORDS[kind] + (", sorted alone" if kind != way else "")]
    parts += [f"{name} is not judged ({why})" for name, why in facts["not_judged"].items()]
    plain = ", ".join(dict.fromkeys(facts["plain"]))
    parts += [f"{plain} judged without parametrisation"] if plain else []
    learned = ", ".join(facts["learned_states"])
    parts += [f"learned initial states ({learned}) 0 if no states are passed"] if learned else []
    parts += [f"on {facts['device']}"] if facts["device"] != "cpu" else []
    parts += [f"different numbers in {mode}" for mode in facts["other_modes"]]
    for name, why in facts["limits"].items():
        parts += [f"{words} ({why})" for words in Limits(**{name: getattr(limits, name)}).words]
    return f"{facts['module']} as {facts['like']}: {', '.join(parts)}"


def _environment(config: pytest.Config) -> dict[str, str]:
    """The versions, the profile, the seed and the options: what affects results besides the targets."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    facts = {
        "rnn-crosscheck": version("rnn-crosscheck"),
        "python": platform.python_version(),
        "numpy": f"{np.__version__} ({blas['name']} {blas['version']})",
        "torch": version("torch"),  # the controller of pytest-xdist does not import torch
        "hypothesis": hypothesis.__version__,
        "platform": f"{platform.system()} {platform.machine()}",
        "profile": config.getoption("hypothesis_profile") or "dev",
        "seed": "none" if FUZZING_TIME in config.stash else config.option.hypothesis_seed,
    }
    if python := config.stash[TARGETS].python:
        facts["target"] = python
    selected = option_words(config, "-k", "-m", "--reproduce", "--helpers", *AFFECTING_RESULTS)
    return {**facts, **({"options": shlex.join(selected)} if selected else {})}
