"""Packages that tests need and a machine may lack: of the tests that lack one, the first says so.

`@needs("paddle", "paddle")` marks a test, or a parameter of it. Where the package is there it runs. Where it
is not, one test is skipped for the package, with what installs it and how many tests need it.
"""

from collections import defaultdict
from importlib.util import find_spec

import pytest


def needs(package: str, extra: str = "") -> pytest.MarkDecorator:
    """Mark what needs an importable package, which an extra of ours installs, if any."""
    if find_spec(package):
        return pytest.mark.filterwarnings()  # which changes nothing
    what = f"'.[{extra}]'" if extra else package
    return pytest.mark.lacks(f"{package} is not installed: pip install {'-e ' if extra else ''}{what}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave one test for each reason of a `lacks` mark, skipped, and deselect the others."""
    lacking = defaultdict[str, list[pytest.Item]](list)
    for item in items:
        for mark in [*item.iter_markers("lacks")][:1]:
            lacking[mark.args[0]].append(item)
    left_out = set[pytest.Item]()
    for reason, (first, *others) in lacking.items():
        if not first.get_closest_marker("skip"):  # given by the conftest.py of another room
            more = f" (tests that need it: {len(others) + 1})" if others else ""
            first.add_marker(pytest.mark.skip(reason=reason + more))
        left_out.update(others)
    if left_out:
        config.hook.pytest_deselected(items=[*left_out])
        items[:] = [item for item in items if item not in left_out]
