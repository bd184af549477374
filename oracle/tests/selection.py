"""Which tests a run takes: those whose packages are here, and a sixth of the large products and slow tests.

`@needs("paddle", "paddle")` marks a test, or a parameter of it. Where the package is installed, the test
runs. Where it is not, one test is skipped for the package; it says what installs the package and how many
tests need it.

Of a module with the mark `slow`, whose tests run whole commands or long searches, a run takes a sixth of the
tests, so that all tests take three minutes. `@in_sixth(2)` marks a test that takes many seconds.

`chosen` takes a sixth of a large product, such as each mistake in each of its functions: every sixth case,
and the first case of each group.

The environment variable `RNN_CROSSCHECK_SIXTH` says which sixth: a number from `0` (the default) to `5`, or
`all` for all tests, as `.ci/nightly` sets it. `.ci/run` takes the number from the commit, so that successive
commits cover all tests.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from importlib.util import find_spec
from typing import TypeVar
from zlib import crc32

import pytest

T = TypeVar("T")

VARIABLE = "RNN_CROSSCHECK_SIXTH"
PARTS = 6


def needs(package: str, extra: str = "") -> pytest.MarkDecorator:
    """Mark what needs an importable package, which an extra of ours installs, if any."""
    if find_spec(package):
        return pytest.mark.filterwarnings()  # which changes nothing
    what = f"'.[{extra}]'" if extra else package
    return pytest.mark.lacks(f"{package} is not installed: pip install {'-e ' if extra else ''}{what}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect all but a sixth of the `slow` tests.

    Leave one test for each reason of a `lacks` mark, skipped, and deselect the others.
    """
    lacking = defaultdict[str, list[pytest.Item]](list)
    for item in items:
        for mark in [*item.iter_markers("lacks")][:1]:
            lacking[mark.args[0]].append(item)
    left_out = {
        item
        for item in items
        if item.get_closest_marker("slow") and not _is_taken(crc32(item.nodeid.encode()))
    }
    for reason, (first, *others) in lacking.items():
        if not first.get_closest_marker("skip"):  # given by the conftest.py of another room
            more = f" (tests that need it: {len(others) + 1})" if others else ""
            first.add_marker(pytest.mark.skip(reason=reason + more))
        left_out.update(others)
    if left_out:
        config.hook.pytest_deselected(items=[*left_out])
        items[:] = [item for item in items if item not in left_out]


def in_sixth(number: int) -> pytest.MarkDecorator:
    """Mark what takes many seconds, and so runs only in this sixth, and with all."""
    return pytest.mark.skipif(
        not _is_taken(number), reason=f"takes many seconds; {VARIABLE}={number} runs it"
    )


def _is_taken(number: int) -> bool:
    """Whether this run takes the test or case with this number.

    Raises `ValueError` if `RNN_CROSSCHECK_SIXTH` is none of `0` to `5` and `all`.
    """
    sixth = os.environ.get(VARIABLE, "0")
    if sixth not in (*map(str, range(PARTS)), "all"):
        raise ValueError(f"{VARIABLE} is {sixth!r}, expected a number from 0 to {PARTS - 1}, or all")
    return sixth == "all" or (number - int(sixth)) % PARTS == 0


def chosen(cases: Iterable[T], group: Callable[[T], Hashable]) -> list[T]:
    """The cases that this run takes, in order. Raises what `_is_taken` raises."""
    seen = set[Hashable]()
    taken = []
    for number, case in enumerate(cases):
        if _is_taken(number) or group(case) not in seen:
            taken.append(case)
        seen.add(group(case))
    return taken
