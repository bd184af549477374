"""Contains all uses of undocumented parts of pytest and pytest-xdist."""

import argparse
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest
from _pytest.config import argparsing
from _pytest.runner import runtestprotocol


def run_quietly(item: pytest.Item, nextitem: pytest.Item | pytest.Session | None) -> list[pytest.TestReport]:
    """Run a test and return its reports without logging them; `nextitem` says which fixtures stay."""
    return runtestprotocol(item, nextitem=nextitem, log=False)  # type: ignore[arg-type]  # a session will do


def send_progress(item: pytest.Item, name: str, value: Any) -> None:
    """Send a property in a report, which pytest counts as no test, and pytest-xdist sends at once."""
    report = pytest.TestReport(item.nodeid, item.location, {}, "passed", None, "setup")
    report.user_properties = [(name, value)]
    item.ihook.pytest_runtest_logreport(report=report)


def drop_passed(reporter: pytest.TerminalReporter) -> None:
    """Drop the reports of passed tests to save memory, unless the user wants to see them.

    Reports of setup and teardown are dropped, too.
    """
    reporter.stats.get("", []).clear()
    if not ({"p", "P"} & {*reporter.reportchars} or reporter.config.option.durations):
        reporter.stats.get("passed", []).clear()


def drop_reports(reporter: pytest.TerminalReporter) -> None:
    """Drop all reports. A worker of pytest-xdist shows none."""
    reporter.stats.clear()


def drop_property(report: pytest.TestReport, name: str) -> None:
    """Drop a property of a report, which pytest keeps until the end, and if the test passed, the keywords."""
    report.user_properties = [each for each in report.user_properties if each[0] != name]
    if report.passed:
        report.keywords = {}


class ProgressPlugin:
    """A plugin that shows the progress in place of the names of test files and the letters of tests."""

    def __init__(self, reporter: pytest.TerminalReporter) -> None:
        self._reporter = reporter
        reporter.showfspath = False

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, Any, Any]:
        """Count a test in its category, but print no letter for it."""
        category, _, _ = yield
        return category, "", ""


class _Plain(pytest.TerminalReporter):  # type: ignore[misc]  # which pytest declares final
    """Pytest's terminal output without the header, the names of files, and the number of tests."""

    showfspath = showheader = False  # type: ignore[override]

    def report_collect(self, final: bool = False) -> None:
        if final and self.isatty:
            self.rewrite("", erase=True)  # the line "collecting ..."

    def build_summary_stats_line(self) -> Any:
        parts, color = super().build_summary_stats_line()
        return [part for part in parts if "deselected" not in part[0]] or parts, color


def show_plainly(reporter: pytest.TerminalReporter) -> None:
    """Print only the letters of results and the totals."""
    reporter.__class__ = _Plain


def show_total(reporter: pytest.TerminalReporter, text: str) -> None:
    """Print this text in the last line, in place of how many tests failed and passed."""
    _, color = reporter.build_summary_stats_line()
    reporter.build_summary_stats_line = lambda: ([(text, {color: True})], color)  # type: ignore[method-assign]


def positional_arguments(config: pytest.Config) -> list[str]:
    """The positional arguments of the command line."""
    return config.args if config.args_source is pytest.Config.ArgsSource.ARGS else []


def option_words(config: pytest.Config, *options: str) -> list[str]:
    """The options among `options` that the user has given, with their values, as words of a command."""
    words: list[str] = []
    for option in options:
        value = config.getoption(option) or []
        for each in value if isinstance(value, list) else [value]:
            words += option, f"{each:g}" if isinstance(each, float) else each
    return words


def word_usage_errors(worded: Callable[[str, list[str]], str]) -> None:
    """Replace pytest's message about a wrong option, which would show pytest's usage and configuration file.

    `worded` returns the new message from argparse's message and the names of our own options.
    """

    def error(self: argparse.ArgumentParser, message: str) -> NoReturn:
        groups = (each for each in self._action_groups if each.title == "rnn-crosscheck")
        ours = [name for group in groups for each in group._group_actions for name in each.option_strings]
        raise pytest.UsageError(worded(message, ours))

    for each in vars(argparsing).values():  # the class has another name before pytest 9
        if isinstance(each, type) and issubclass(each, argparse.ArgumentParser):
            each.error = error  # type: ignore[method-assign]


@contextmanager
def with_message(item: pytest.Item, message: str) -> Iterator[None]:
    """Show this message if the test fails, in place of a traceback, which is slow to compute."""
    item.repr_failure = lambda excinfo, style=None: message  # type: ignore[method-assign]
    try:
        yield
    finally:
        del item.repr_failure  # so that the test does not keep the message


def drop_stash(item: pytest.Item) -> None:
    """Drop the stash of a test that has run, because pytest keeps the test until the end."""
    item.stash._storage.clear()


def hide_failure(report: pytest.TestReport) -> None:
    """Count a failure, and do not print it at the end."""
    report._pdbshown = True  # type: ignore[attr-defined]  # as if a debugger had shown the failure


def hide_interrupt(reporter: pytest.TerminalReporter) -> None:
    """Do not print the line of code that Ctrl-C interrupted."""
    reporter._report_keyboardinterrupt = lambda: None  # type: ignore[method-assign]


def scope_scheduler(config: pytest.Config, log: Any, scope: Callable[[str], str]) -> Any:
    """Return a scheduler of pytest-xdist that runs all tests whose ids have the same `scope` in one worker.

    Its time is linear in the number of tests, because it indexes the tests, and drops scopes that are done.
    """
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # only the controller needs it

    class Scopes(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return scope(nodeid)

        def add_node_collection(self, node: Any, collection: Sequence[str]) -> None:
            super().add_node_collection(node, collection)
            if node in self.registered_collections:  # xdist rejects a collection that differs
                self.registered_collections[node] = _Indexed(collection)

        def _assign_work_unit(self, node: Any) -> None:
            assigned = self.assigned_work.get(node, {})
            for done in [scope for scope, tests in assigned.items() if all(tests.values())]:
                del assigned[done]
            super()._assign_work_unit(node)

    return Scopes(config, log)


def partition_scheduler(config: pytest.Config, log: Any) -> Any:
    """Return a scheduler of pytest-xdist that sends every nth test to the same one of n workers."""

    def partition(nodeid: str) -> str:
        return str(scheduler.collection.index(nodeid) % scheduler.numnodes)

    scheduler = scope_scheduler(config, log, partition)
    return scheduler


class _Indexed(list[str]):
    """A list of distinct words that finds the position of a word in constant time."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__(words)
        self._index = {word: index for index, word in enumerate(words)}

    def index(self, word: str, *_: Any) -> int:
        return self._index[word]


def hide_test_counts(config: pytest.Config) -> None:
    """Do not print the numbers of workers and of collected tests."""
    if session := config.pluginmanager.getplugin("dsession"):
        session.trdist.ensure_show_status = lambda: None
        session.trdist.setstatus = lambda *_, **__: None


def kill_workers(config: pytest.Config) -> None:
    """Kill the workers of pytest-xdist, if any, because pytest-xdist would wait ten seconds for their end."""
    session = config.pluginmanager.getplugin("dsession")
    for gateway in session.nodemanager.group if session else ():
        gateway._io.kill()
