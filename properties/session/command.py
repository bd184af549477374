"""The command `rnn-crosscheck`: pytest on the laws, whatever the user's own pytest is told."""

import os
import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path
from shutil import get_terminal_size
from textwrap import fill

import pytest

from properties.internals import of_xdist
from properties.internals.of_pytest import (
    alone_on_the_command_line,
    count_no_tests,
    group_of_options,
    show_no_configuration,
)
from properties.worker.ours import PREFIX

PROPERTIES = Path(__file__).parents[1]

ABOUT = (
    "Tells whether the recurrent forward passes of each TARGET are right: a .py or .ipynb file, a directory "
    "or glob of them, a module, module:attribute. Without one it verifies the reference. "
    "Of trained weights: `weights FILE`, `convert FILE OUT`, `M.onnx --against MODULE:FACTORY`; add --help."
)
CLOSE = (
    "All options of pytest are taken; `pytest --help` lists them. Exits with 0 if every law holds, with 1 if "
    "one does not, with 4 if a target or an option does not exist."
)
OF_PYTEST = {
    "-k NAMES": "only laws and functions of these names: -k 'lstm and not robust', -k each_step",
    "-m spec": "the lenient grade alone",
    "-n 2": "on two cores (-n auto: on all)",
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
    if sys.argv[1:2] and sys.argv[1] in ("weights", "convert"):
        from properties.session import weights  # which needs what no other run does

        return weights.main(sys.argv[1:])
    if any(word.partition("=")[0] == "--against" for word in sys.argv[1:]):
        from properties.session import parity

        return parity.main(sys.argv[1:])
    # What the user's own tests need is not for these: options, plugins, configuration, conftest.py.
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    root = str(PROPERTIES.parent)
    # Laws log nothing, and are no tests of unittest or doctest. The last two collect all garbage five times.
    unused = ("cacheprovider", "logging", "doctest", "unittest", "unraisableexception", "threadexception")
    plugins = (
        *(f"no:{name}" for name in unused),
        "_hypothesis_pytestplugin",
        "xdist.plugin",
        f"{PREFIX}conftest",
        __name__,
    )
    return pytest.main(
        [
            *("-c", os.devnull, "--noconftest", "--rootdir", root),
            *("--confcutdir", root),  # above which no folder has a name that -k could match
            *("--import-mode=importlib", "--strict-markers"),
            "--assert=plain",  # which writes no files where this is installed
            *(part for plugin in plugins for part in ("-p", plugin)),
            *sys.argv[1:],
        ]
    )


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """The help of this command, on one screen."""
    if config.option.help:
        print(help_text(config))
        return 0
    return None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say who finds an option wrong."""
    parser.prog = "rnn-crosscheck"


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Take for targets what stands alone, where pytest expects its tests; before the options are read."""
    targets = alone_on_the_command_line(config)
    config.option.implementation = [*(config.option.implementation or ()), *targets]
    config.args[:] = [str(PROPERTIES / "laws")]
    if config.option.reportchars == "fE":  # which pytest has by itself
        config.option.reportchars = ""  # the closing table says what has failed, and each mistake once
    show_no_configuration(config)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Show nothing of pytest's own count: a test is a law on a function of a target."""
    if reporter := session.config.pluginmanager.getplugin("terminalreporter"):
        count_no_tests(reporter)
    of_xdist.count_no_tests(session.config)


def help_text(config: pytest.Config) -> str:
    """Usage, our options, and the most useful ones of pytest."""
    ours = group_of_options(config, "rnn-crosscheck")
    ours.pop("--implementation TARGET")
    wrap = partial(fill, width=min(get_terminal_size().columns, 110), break_on_hyphens=False)
    lines = ["usage: rnn-crosscheck [TARGET ...] [options]", "", wrap(ABOUT), ""]
    for options in (ours, OF_PYTEST):
        for option, help in options.items():
            lines.append(wrap(help, initial_indent=f"  {option:<28}", subsequent_indent=" " * 30))
        lines.append("")
    return "\n".join([*lines, wrap(CLOSE)])
