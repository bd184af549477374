"""The options that say what a module stands for, and the line that says what was understood of it."""

import ast
from collections.abc import Mapping
from typing import Any

import pytest

from oracle.modules import ModuleOptions, UnusableModule
from oracle.modules.words import in_words
from properties.reports.results import printable

UNDERSTOOD = pytest.StashKey[dict[str, Mapping[str, Any]]]()
"""By target, what was understood of a module."""

OPTIONS = {"--like": "like", "--with": "fixed", "--gates": "gates"}
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


def pytest_report_header(config: pytest.Config) -> list[str]:
    """What was understood of each module, in a line."""
    return [printable(f"understood: {in_words(facts)}") for facts in config.stash[UNDERSTOOD].values()]
