"""The command `rnn-crosscheck`: pytest on the laws, whatever the user's own pytest is told."""

import os
import sys
from collections.abc import Generator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from textwrap import fill

import pytest

from properties.internals.of_pytest import alone_on_the_command_line, group_of_options
from properties.worker.ours import PREFIX

PROPERTIES = Path(__file__).parents[1]

USAGE = """\
usage: rnn-crosscheck [TARGET ...] [options]

Tells whether the recurrent forward passes of each TARGET are right: a .py or .ipynb file, a directory or
glob of them, a module, module:attribute. Without one it verifies the reference.
"""
OF_PYTEST = {
    "-k NAMES": "only laws and functions of these names: -k 'lstm and not robust', -k each_step",
    "-m spec": "the lenient grade alone",
    "-n 2": "on two cores (-n auto: on all), with pytest-xdist",
    "-x": "stop at the first failure",
    "-q, -v": "say less, or more",
    "--hypothesis-profile NAME": "quick, dev (default), ci or fuzz",
    "--hypothesis-seed N": "draw what a run with this seed has drawn",
    "--junitxml FILE": "also a report in this format",
}
"""Of the options of pytest and its plugins, all of which are taken, those that are of most use here."""


def main() -> int:
    """Run the laws; the exit status is pytest's (see docs/report.md)."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        print(f"rnn-crosscheck {version('rnn-crosscheck')}")
        return 0
    # What the user's own tests need is not for these: options, plugins, configuration, conftest.py.
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    plugins = ["_hypothesis_pytestplugin", *(["xdist.plugin"] if find_spec("xdist") else [])]
    return pytest.main(
        [
            *("-c", os.devnull, "--rootdir", str(PROPERTIES.parent), "--noconftest"),
            *("--import-mode=importlib", "--strict-markers", "-p", "no:cacheprovider"),
            *(part for plugin in (*plugins, f"{PREFIX}conftest") for part in ("-p", plugin)),
            *sys.argv[1:],
        ],
        plugins=[sys.modules[__name__]],
    )


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """The help of this command, on one screen."""
    if config.option.help:
        print(help_text(config))
        return 0
    return None


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_parse() -> Generator[None, pytest.Config, pytest.Config]:
    """Take for targets what stands alone, where pytest expects its tests."""
    config = yield
    targets = alone_on_the_command_line(config)
    config.option.implementation = [*(config.option.implementation or ()), *targets]
    config.args[:] = [str(PROPERTIES / "laws")]
    return config


def help_text(config: pytest.Config) -> str:
    """Usage, our options, and the most useful ones of pytest."""
    ours = group_of_options(config, "rnn-crosscheck")
    ours.pop("--implementation TARGET")
    lines = [USAGE]
    for options in (ours, OF_PYTEST):
        for option, help in options.items():
            lines.append(fill(help, 110, initial_indent=f"  {option:<28}", subsequent_indent=" " * 30))
        lines.append("")
    return "\n".join([*lines, "All options of pytest are taken; `pytest --help` lists them."])
