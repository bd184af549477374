"""Collects the tests of the laws for each target, in order, as far as they are selected."""

import gc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from oracle.limits import Limits
from oracle.problem import Problem
from properties.internals.xdist_internals import scope_scheduler
from properties.reports.closing_table import IN_FULL
from properties.reports.test_ids import implementation_in
from properties.session.options import PROBLEM
from properties.session.target_options import FUNCTIONS_OF, LIMITS, TARGETS
from properties.trials.law import Law


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Collect the tests of the harness only if they are named; `pytest properties` judges a target."""
    tests = Path(__file__).parents[1] / "tests"
    asked = [
        Path(config.invocation_params.dir, argument.split("::")[0]).resolve() for argument in config.args
    ]
    if collection_path == tests and not any(path.is_relative_to(tests) for path in asked):
        return True
    return None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let `-k` select by the names of laws and functions, not by the name of the target."""
    if isinstance(item, pytest.Function) and "implementation" in item.fixturenames:
        function = item.callspec.params.get("function")
        item.name = f"{item.originalname}[{function}]" if function else item.originalname


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort the tests by target, the robust laws of each last, and select those of `--reproduce`.

    Robust laws are last, since a function that hangs on their inputs is not called by any other law.
    """
    problem = config.stash[PROBLEM]
    if problem:
        limits = config.stash[LIMITS]
        concerned = [item for item in items if _concerns(item, problem, limits)]
        if all(law_of(item) is None for item in concerned):
            concerned = []  # only laws about the target are left
        config.hook.pytest_deselected(items=[item for item in items if item not in concerned])
        items[:] = concerned
    targets = config.stash[TARGETS]
    items[:] = [item for item in items if _is_selected(item, config)]
    places = {target: place for place, target in enumerate(targets)}

    def turn(item: pytest.Item) -> tuple[int, bool]:
        if not isinstance(item, pytest.Function) or not item.get_closest_marker("law"):
            return -1, False
        return places[str(item.callspec.params["implementation"])], not item.get_closest_marker("spec")

    items.sort(key=turn)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Exclude the tests, which stay to the end, from garbage collection."""
    gc.freeze()


def _is_selected(item: pytest.Item, config: pytest.Config) -> bool:
    """Whether the target is judged by this function."""
    if not isinstance(item, pytest.Function) or not item.get_closest_marker("law"):
        return True
    given = item.callspec.params
    return (
        "function" not in given
        or given["function"] in config.stash[FUNCTIONS_OF][str(given["implementation"])]
    )


def law_of(item: pytest.Item) -> Law | None:
    """The law that a test checks; `None` if the test is not about a law."""
    law = getattr(item.obj, "law", None) if isinstance(item, pytest.Function) else None
    return law if isinstance(law, Law) else None


def _concerns(item: pytest.Item, problem: Problem, limits: Mapping[str, Limits]) -> bool:
    law = law_of(item)
    if law is None or not isinstance(item, pytest.Function):
        return True
    given = item.callspec.params
    return law.concerns(str(given["function"]), problem, limits[str(given["implementation"])])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every law on every target."""
    if "implementation" in metafunc.fixturenames:
        targets = metafunc.config.stash[TARGETS]
        metafunc.parametrize("implementation", targets, indirect=True, scope="session")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Run all laws of a target in one worker, if there are many targets."""
    if len(config.stash[TARGETS]) > IN_FULL and config.getoption("dist") == "load":
        return scope_scheduler(config, log, implementation_in)
    return None
