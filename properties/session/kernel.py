"""Finds the shell of IPython that the code runs in, and shows the progress of a run in a notebook."""

import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

_PERCENT = re.compile(r"\[ *(\d+)%\]")


def running_shell() -> Any:
    """The shell of IPython that this process runs; `None` outside of IPython."""
    ipython = sys.modules.get("IPython")  # if it is not imported, it does not run
    return ipython and ipython.get_ipython()


def cell_of(filename: str) -> str:
    """The prompt of the notebook cell whose code has this file name, `"In[3]"`; empty for other code."""
    shell = running_shell()
    words = shell and shell.compile.format_code_name(filename)
    return words[1] if words else ""


def with_progress(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines that pytest prints. In a notebook, show the latest percentage until they end."""
    if not hasattr(running_shell(), "kernel"):
        yield from lines
        return
    shown = sys.modules["IPython"].display.display({"text/plain": "judging"}, raw=True, display_id=True)
    try:
        for line in lines:
            if found := _PERCENT.search(line):
                shown.update({"text/plain": f"judging: {found[1]} %"}, raw=True)
            yield line
    finally:
        shown.update({"text/plain": ""}, raw=True)
