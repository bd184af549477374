"""What we use of pytest that it does not document."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest
from _pytest.config import argparsing
from _pytest.runner import runtestprotocol


def run_quietly(item: pytest.Item, nextitem: pytest.Item | None) -> list[pytest.TestReport]:
    """Run a test, as often as one likes, and hand its reports to nobody."""
    return runtestprotocol(item, nextitem=nextitem, log=False)


def forget_unshown(reporter: pytest.TerminalReporter) -> None:
    """Drop the reports that were given no category, of which there may be very many."""
    reporter.stats.get("", []).clear()


def keep_one_that_passed(reporter: pytest.TerminalReporter) -> None:
    """Count those that passed by one report of them, unless the user has asked which they were."""
    passed = reporter.stats.get("passed", [])
    if not ({"p", "P"} & {*reporter.reportchars} or reporter.config.option.durations):
        passed[1:] = passed[:1] * (len(passed) - 1)


def forget_all(reporter: pytest.TerminalReporter) -> None:
    """Drop every report, in a process that shows none and keeps them all the same."""
    reporter.stats.clear()


def forget_details(report: pytest.TestReport, gathered: str) -> None:
    """Drop what was gathered from a report, and what nobody reads: pytest keeps it to the end."""
    report.user_properties = [each for each in report.user_properties if each[0] != gathered]
    if report.passed:
        report.keywords = {}


def show_no_files(reporter: pytest.TerminalReporter) -> None:
    """Leave the names of the files out of what is shown as tests run."""
    reporter.showfspath = False


class _Plain(pytest.TerminalReporter):  # type: ignore[misc]  # which pytest declares final
    """pytest's terminal output without what concerns only tests: their header, files, names and count."""

    showfspath = showheader = False  # type: ignore[assignment,override]

    def report_collect(self, final: bool = False) -> None:
        if final and self.isatty:
            self.rewrite("", erase=True)  # the line "collecting ..."

    def summary_failures(self) -> None:
        for report in self.getreports("failed") if self.config.option.tbstyle != "no" else ():
            self.write_line("")
            self._outrep_summary(report)

    def build_summary_stats_line(self) -> Any:
        parts, color = super().build_summary_stats_line()
        return [part for part in parts if "deselected" not in part[0]] or parts, color


def show_plainly(reporter: pytest.TerminalReporter) -> None:
    """Show of the tests only the letters of their results, the messages of failures, and the totals."""
    reporter.__class__ = _Plain


def alone_on_the_command_line(config: pytest.Config) -> list[str]:
    """The arguments that belong to no option."""
    return config.args if config.args_source is pytest.Config.ArgsSource.ARGS else []


def group_of_options(config: pytest.Config, name: str) -> dict[str, str]:
    """The options of a group, as they are written with what they take, and the help for each."""
    group = next(group for group in config._parser._groups if group.name == name)
    described = {}
    for option in group.options:
        attributes = option.attrs()
        written = " ".join([*option.names(), attributes.get("metavar") or ""]).strip()
        described[written] = attributes["help"]
    return described


def word_usage_errors(worded: Callable[[str, list[str]], str]) -> None:
    """Replace pytest's message about a wrong option, which shows its usage and configuration file.

    `worded` gets argparse's message and the names of all options.
    """
    # The class has another name before pytest 9.
    parsers = (each for each in vars(argparsing).values() if isinstance(each, type))
    for parser in parsers:
        if issubclass(parser, argparse.ArgumentParser):

            def error(self: argparse.ArgumentParser, message: str) -> NoReturn:
                raise pytest.UsageError(worded(message, [*self._option_string_actions]))

            parser.error = error  # type: ignore[method-assign]


@contextmanager
def shown_as(item: pytest.Item, message: str) -> Iterator[None]:
    """Show a failure of this test by a message alone; to write out the code that raised it takes long."""
    item.repr_failure = lambda excinfo, style=None: message  # type: ignore[method-assign]
    try:
        yield
    finally:
        del item.repr_failure  # which would keep the message as long as the test


def forget_what_is_over(item: pytest.Item) -> None:
    """Drop what has been kept of a test that has run, which itself lasts to the end."""
    item.stash._storage.clear()


def show_no_failure(report: pytest.TestReport) -> None:
    """Count a failure, and leave out its text at the end, as if it had been shown by a debugger."""
    report._pdbshown = True  # type: ignore[attr-defined]


def tell_no_interrupt(reporter: pytest.TerminalReporter) -> None:
    """Leave out where in the code the user's Ctrl-C has met it."""
    reporter._report_keyboardinterrupt = lambda: None  # type: ignore[method-assign]
