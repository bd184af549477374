"""The magic `%%crosscheck` of IPython: runs a cell, and judges what the cell defines."""

import shlex
from functools import partial
from typing import Any

from oracle.modules.understanding import is_module
from properties.reports.card import Card
from properties.session.api import judge
from reference.contract import CONTRACTS


def load_ipython_extension(shell: Any) -> None:
    """Register `%%crosscheck`; called by `%load_ext rnn_crosscheck`."""
    shell.register_magic_function(partial(_crosscheck, shell), "cell", "crosscheck")


def _crosscheck(shell: Any, line: str, cell: str) -> Card:
    """Run a cell, and judge the functions that it defines, or else its class of modules.

    The line has the options of `judge`. Raises what the cell raises, and `ValueError` as `judge` does.
    """
    before = dict(shell.user_ns)
    source = f"\n{shell.transform_cell(cell)}"  # the line of the magic is line 1
    name = shell.compile.cache(source, shell.displayhook.prompt_count)
    exec(shell.compile(source, name, "exec"), shell.user_ns)
    new = {name: value for name, value in shell.user_ns.items() if value is not before.get(name)}
    functions = {name: new[name] for name in CONTRACTS if name in new}
    classes = [
        value
        for value in new.values()
        if isinstance(value, type) and is_module(value) and value.__module__ == "__main__"
    ]
    objects = classes if classes and not functions else [functions]
    return judge(*objects, *shlex.split(line))
