"""The options that say what a module stands for, and the line that says what was understood of it."""

import ast
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from oracle.modules import ModuleOptions, UnusableModule
from oracle.modules.words import in_words
from oracle.problem import LayerProblem, Problem
from properties.reports.results import printable

WEIGHTS = ".hypothesis/weights"
"""Where the weights of trained modules are written, below the current directory."""

UNDERSTOOD = pytest.StashKey[dict[str, Mapping[str, Any]]]()
"""By target, what was understood of a module."""

OPTIONS = {
    "--like": "like",
    "--with": "fixed",
    "--converts": "converts",
    "--gates": "gates",
    "--device": "device",
}
"""By option of the command, the field of `ModuleOptions`."""


def module_options(config: pytest.Config) -> dict[str, Any]:
    """The fields of `ModuleOptions` that the user has given. Raises `ValueError` where one is wrong."""
    given = {field: config.getoption(field) for field in OPTIONS.values() if config.getoption(field)}
    if "fixed" in given:
        given["fixed"] = dict(map(_argument, given["fixed"]))
    try:
        ModuleOptions(**given)
    except UnusableModule as error:
        raise ValueError(str(error)) from None
    return given


def words_given(config: pytest.Config) -> list[str]:
    """The same options as words of the command."""
    words = []
    for option, field in OPTIONS.items():
        value = config.getoption(field) or []
        words += [word for each in ([value] if isinstance(value, str) else value) for word in (option, each)]
    return words


def _argument(text: str) -> tuple[str, Any]:
    """The name and the value of an argument; what is no literal of Python is a text."""
    name, is_there, value = text.partition("=")
    if not (is_there and name.isidentifier()):
        raise ValueError(f"--with {text}: expected NAME=VALUE, an argument of the constructor")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def trained_network(target: str, network: Mapping[str, Any], directory: Path) -> LayerProblem:
    """A problem of the weights of a trained module, which are written to a file to be there again."""
    from oracle.checkpoints import Checkpoint, RecurrentLayer  # which take a while to import
    from oracle.checkpoints.writing import convert

    kind, parameters = network["kind"], network["parameters"]
    layer = RecurrentLayer("", kind, "torch", network["directions"], parameters)
    name = re.sub(r"\W+", "-", target).strip("-")
    file = Path(WEIGHTS, f"{name}-{layer.digest}.npz")
    if not (directory / file).exists():
        (directory / WEIGHTS).mkdir(parents=True, exist_ok=True)
        convert(Checkpoint(Path(target), [layer], []), directory / file, "torch")
    activation = {"activation": network["activation"]} if kind == "rnn" else {}
    made: LayerProblem = getattr(Problem, f"{kind}_layer")(weights=str(file), m=1, T_x=1, **activation)
    return made


def pytest_report_header(config: pytest.Config) -> list[str]:
    """What was understood of each module, in a line."""
    return [printable(f"understood: {in_words(facts)}") for facts in config.stash[UNDERSTOOD].values()]
