"""Selects and sorts the tests of the laws for each target, and distributes them to workers."""

import gc
from collections.abc import Mapping
from typing import Any

import pytest

from oracle.problems.problem import Problem
from properties.internals.pytest_internals import partition_scheduler, run_quietly, scope_scheduler
from properties.reports.collected_results import case_in
from properties.reports.run import FEW_TARGETS
from properties.session.options import FUZZING_TIME, PROBLEM
from properties.session.target_options import TARGETS, Targets
from properties.trials.law import Law


def pytest_itemcollected(item: pytest.Item) -> None:
    """Remove the target from the name of a test, so that `-k` selects only by laws and functions."""
    if isinstance(item, pytest.Function) and "implementation" in item.fixturenames:
        function = item.callspec.params.get("function")
        item.name = f"{item.originalname}[{function}]" if function else item.originalname


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Select the tests, and sort them by target. Robust laws are last, since a target may hang on them."""
    targets, problem = config.stash[TARGETS], config.stash[PROBLEM]
    items[:] = [item for item in items if targets.names and _is_selected(item, targets)]
    if problem:
        selected = [item for item in items if _concerns(item, problem, targets)]
        if all(law_of(item) is None for item in selected):
            selected = []  # no law is checked on the problem
        config.hook.pytest_deselected(items=[item for item in items if item not in selected])
        items[:] = selected
    numbers = {target: number for number, target in enumerate(targets.names)}

    def rank(item: pytest.Item) -> tuple[int, bool]:
        given = parameters_of(item)
        return numbers[given["implementation"]] if given else -1, not item.get_closest_marker("spec")

    items.sort(key=rank)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Exclude the tests from garbage collection, since they exist until the end of the run."""
    gc.freeze()


def parameters_of(item: pytest.Item) -> Mapping[str, str]:
    """The parameters `implementation` and `function` of the test of a law; empty for any other test."""
    if isinstance(item, pytest.Function) and item.get_closest_marker("law"):
        return {name: str(value) for name, value in item.callspec.params.items()}
    return {}


def _is_selected(item: pytest.Item, targets: Targets) -> bool:
    """Whether the options select the function of a test for its target."""
    given = parameters_of(item)
    return "function" not in given or given["function"] in targets.functions[given["implementation"]]


def law_of(item: pytest.Item) -> Law | None:
    """The law that a test checks; `None` if the test is not about a law."""
    law = getattr(item.obj, "law", None) if isinstance(item, pytest.Function) else None
    return law if isinstance(law, Law) else None


def _concerns(item: pytest.Item, problem: Problem, targets: Targets) -> bool:
    """Whether the law of a test can be checked on the problem; true for a test without a law."""
    law, given = law_of(item), parameters_of(item)
    return law is None or law.concerns(given["function"], problem, targets.limits(given["implementation"]))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every law on every target."""
    if "implementation" in metafunc.fixturenames:
        targets = metafunc.config.stash[TARGETS].names
        metafunc.parametrize("implementation", targets, indirect=True, scope="session")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With many targets, run all laws on a target in the same worker. Fuzzing gives each of n every nth."""
    if FUZZING_TIME in config.stash:
        return partition_scheduler(config, log)
    if len(config.stash[TARGETS].names) > FEW_TARGETS and config.getoption("dist") == "load":
        return scope_scheduler(config, log, lambda nodeid: case_in(nodeid).target)
    return None


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """With many targets, a worker sends only the result of a test, unless an option needs all its reports."""
    config = item.config
    needs_all = config.option.verbose > 0 or config.getoption("xmlpath", None)
    needs_all = needs_all or config.option.durations is not None
    if needs_all or not hasattr(config, "workerinput") or len(config.stash[TARGETS].names) <= FEW_TARGETS:
        return None
    for report in run_quietly(item, nextitem):
        if report.when == "call" or not report.passed:
            item.ihook.pytest_runtest_logreport(report=report)
    return True
