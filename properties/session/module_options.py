"""The options for modules of frameworks."""

import ast
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from oracle.modules import ModuleOptions, UnusableModule
from oracle.problem import LayerProblem, Problem

WEIGHTS = ".hypothesis/weights"
"""The folder for the weights of trained modules, below the current directory."""

OPTIONS = {
    "--like": "like",
    "--with": "fixed",
    "--converts": "converts",
    "--gates": "gates",
    "--device": "device",
}
"""The field of `ModuleOptions` for each option of the command."""


def module_options(config: pytest.Config) -> dict[str, Any]:
    """The fields of `ModuleOptions` that the user has given. Raises `ValueError` if one is wrong."""
    given = {field: config.getoption(field) for field in OPTIONS.values() if config.getoption(field)}
    if "fixed" in given:
        given["fixed"] = dict(map(_argument, given["fixed"]))
    try:
        ModuleOptions(**given)
    except UnusableModule as error:
        raise ValueError(str(error)) from None
    return given


def _argument(text: str) -> tuple[str, Any]:
    """The name and the value of an argument: a literal of Python, or else the text."""
    name, is_there, value = text.partition("=")
    if not (is_there and name.isidentifier()):
        raise ValueError(f"--with {text}: expected NAME=VALUE, an argument of the constructor")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def network_of_module(target: str, network: Mapping[str, Any], directory: Path) -> LayerProblem:
    """A problem with the weights of a trained module, which are written to a file for later runs."""
    from oracle.checkpoints import Checkpoint, RecurrentLayer  # a slow import
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
