"""The command `rnn-crosscheck`: runs pytest on the laws, independent of the user's own pytest settings."""

import os
import re
import signal
import sys
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from shutil import get_terminal_size
from textwrap import fill
from typing import Any

import pytest

from oracle.processes.program import PREFIX
from properties.internals import pytest_internals
from properties.reports.report import FORMATS
from properties.reports.results import GRADES, print_in_every_encoding
from properties.worker.own_modules import JUDGED
from properties.worker.targets import closest

PROPERTIES = Path(__file__).parents[1]

ABOUT = (
    "Tells whether the recurrent forward passes of each TARGET are right. A TARGET is a .py or .ipynb file, "
    "a directory or glob of such files, a module, or module:attribute (default: the reference). For trained "
    "weights: `weights FILE`, `convert FILE OUT`; for reports in JSON: `merge FILE…`; each with --help."
)
EPILOG = (
    "All other options of pytest work, too (see `pytest --help`). Exit status: 0 if every law holds, 1 if a "
    "law does not hold, 4 if a target or an option is wrong."
)
PYTEST_OPTIONS = {
    "-k NAMES": "select by name: -k lstm, -k 'rnn and not robust'",
    "-m spec": "check only the laws on ordinary inputs",
    "-n 2": "use two cores (-n auto: all cores)",
    "-x": "stop at the first failure",
    "-q, -v": "print less, or more",
    "--hypothesis-profile NAME": "how many problems: quick, dev (default), ci, fuzz",
    "--hypothesis-seed N": "draw the problems of this seed (default: today's)",
    "--junitxml FILE": "write a JUnit report",
}
"""The most useful options of pytest and its plugins, and their help."""


def main() -> int:
    """Run the command, and return the exit status that docs/report.md describes."""
    print_in_every_encoding()
    if JUDGED in os.environ:  # by `laws(__file__)` in a file that is a target itself, without end
        print("ERROR: the process of a target starts no run of rnn-crosscheck", file=sys.stderr)
        return int(pytest.ExitCode.USAGE_ERROR)
    if sys.argv[1:] in (["--version"], ["-V"]):
        print(f"rnn-crosscheck {version('rnn-crosscheck')}")
        return 0
    # As Ctrl-C: the reports are written, and nothing else is left.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if sys.argv[1:2] and sys.argv[1] in ("weights", "convert"):
        from properties.session import weights  # only this command needs the slow import

        return weights.main(sys.argv[1:])
    if sys.argv[1:2] == ["merge"]:
        from properties.session import merge

        return merge.main(sys.argv[2:])
    # The options, plugins, configuration and conftest.py of the user's tests must not affect the laws.
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    root = str(PROPERTIES.parent)
    # The last two of these plugins would each run the garbage collector five times at the end.
    unused = "cacheprovider legacypath logging doctest unittest unraisableexception threadexception"
    plugins = [f"no:{name}" for name in unused.split()]
    plugins += ["_hypothesis_pytestplugin", "xdist.plugin", f"{PREFIX}conftest", __name__]
    return pytest.main(
        [
            *("-c", os.devnull, "--noconftest", "--rootdir", root),
            *("--confcutdir", root),  # so that -k does not match the name of a parent folder
            *("--import-mode=importlib", "--strict-markers"),
            "--assert=plain",  # writes no files into the installation
            *(part for plugin in plugins for part in ("-p", plugin)),
            *sys.argv[1:],
        ]
    )


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Print the help of this command, on one screen."""
    if config.option.help:
        print(help_text(config))
        return 0
    return None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Make messages about wrong options refer to this command, and not to pytest."""
    pytest_internals.word_usage_errors(usage_error)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Take positional arguments as targets, not as test files, before `options` reads the targets."""
    targets = pytest_internals.positional_arguments(config)
    config.option.implementation = [*(config.option.implementation or ()), *targets]
    config.args[:] = [str(PROPERTIES / "laws")]
    if config.option.reportchars == "fE":  # pytest's default
        config.option.reportchars = ""  # the closing table lists the failures
    for word in re.findall(r"\w+", config.option.markexpr):
        if word not in (*GRADES, "and", "or", "not"):
            raise pytest.UsageError(f"-m {word}: the grades are spec and robust{closest(word, GRADES)}")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Print the header of this command, and hide what pytest prints about tests."""
    config = session.config
    if reporter := config.pluginmanager.getplugin("terminalreporter"):
        if config.get_verbosity() >= 0:
            pytests = [config.pluginmanager.getplugin("terminal"), reporter]
            header = config.pluginmanager.subset_hook_caller("pytest_report_header", pytests)
            for line in chain.from_iterable(header(config=config, start_path=config.invocation_params.dir)):
                reporter.write_line(line)
        pytest_internals.show_plainly(reporter)
    pytest_internals.hide_test_counts(config)


def usage_error(message: str, options: Sequence[str]) -> str:
    """Extend the message of argparse about a wrong option: name the help, and a similar option."""
    names = (word.strip(":,").partition("=")[0] for word in message.split())
    wrong = next((name for name in names if name.startswith("--") and name not in options), "")
    suffix = f".{wrong.removeprefix('--')}"
    is_format = suffix in FORMATS  # such as --html
    hint = f"; did you mean --report FILE{suffix}?" if is_format else wrong and closest(wrong, options)
    return f"{message} (see rnn-crosscheck --help){hint}"


def help_text(config: pytest.Config) -> str:
    """Return the text of `--help`: the usage, our options, and the most useful options of pytest."""
    options: Any = config.pluginmanager.getplugin(f"{PREFIX}conftest")
    ours = {f"{name} {metavar}": help for name, metavar, _, help in options.OPTIONS[1:]}
    wrap = partial(fill, width=min(get_terminal_size().columns, 110), break_on_hyphens=False)
    lines = ["usage: rnn-crosscheck [TARGET ...] [options]", "", wrap(ABOUT), ""]
    for options in (ours, PYTEST_OPTIONS):
        for option, help in options.items():
            lines.append(wrap(help, initial_indent=f"  {option:<28}", subsequent_indent=" " * 30))
        lines.append("")
    return "\n".join([*lines, wrap(EPILOG)])
