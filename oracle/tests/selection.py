"""Which tests a run takes: those whose packages are here, and a quarter of the large products.

`@needs("paddle", "paddle")` marks a test, or a parameter of it. Where the package is installed, the test
runs. Where it is not, one test is skipped for the package; it says what installs the package and how many
tests need it.

`@in_quarter(2)` marks a test that takes many seconds. Of a module with the mark `quartered`, whose tests run
whole commands or long searches, a run takes a quarter, so that all tests take three minutes.

`chosen` takes a quarter of a large product, such as each mistake in each of its functions. The environment
variable `RNN_CROSSCHECK_QUARTER` says which: `0` (the default) to `3` for every fourth case from that one
on, and the first case of each group; `all` for every case, as `.ci/nightly` sets it. `.ci/run` takes the
quarter from the commit, so that successive commits cover all quarters.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from importlib.util import find_spec
from typing import TypeVar
from zlib import crc32

import pytest

T = TypeVar("T")

VARIABLE = "RNN_CROSSCHECK_QUARTER"


def needs(package: str, extra: str = "") -> pytest.MarkDecorator:
    """Mark what needs an importable package, which an extra of ours installs, if any."""
    if find_spec(package):
        return pytest.mark.filterwarnings()  # which changes nothing
    what = f"'.[{extra}]'" if extra else package
    return pytest.mark.lacks(f"{package} is not installed: pip install {'-e ' if extra else ''}{what}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect all but a quarter of `quartered` tests.

    Leave one test for each reason of a `lacks` mark, skipped, and deselect the others.
    """
    lacking = defaultdict[str, list[pytest.Item]](list)
    for item in items:
        for mark in [*item.iter_markers("lacks")][:1]:
            lacking[mark.args[0]].append(item)
    quarter = _quarter()
    left_out = {
        item
        for item in items
        if quarter != "all"
        and item.get_closest_marker("quartered")
        and crc32(item.nodeid.encode()) % 4 != int(quarter)
    }
    for reason, (first, *others) in lacking.items():
        if not first.get_closest_marker("skip"):  # given by the conftest.py of another room
            more = f" (tests that need it: {len(others) + 1})" if others else ""
            first.add_marker(pytest.mark.skip(reason=reason + more))
        left_out.update(others)
    if left_out:
        config.hook.pytest_deselected(items=[*left_out])
        items[:] = [item for item in items if item not in left_out]


def in_quarter(number: int) -> pytest.MarkDecorator:
    """Mark what takes many seconds, and so runs only in this quarter, and with all."""
    return pytest.mark.skipif(
        _quarter() not in (str(number), "all"), reason=f"takes many seconds; {VARIABLE}={number} runs it"
    )


def _quarter() -> str:
    """The quarter of this run; raises `ValueError` for an unknown one."""
    quarter = os.environ.get(VARIABLE, "0")
    if quarter not in ("0", "1", "2", "3", "all"):
        raise ValueError(f"{VARIABLE} is {quarter!r}, expected 0, 1, 2, 3 or all")
    return quarter


def chosen(cases: Iterable[T], group: Callable[[T], Hashable]) -> list[T]:
    """The cases that this run takes, in order.

    Raises `ValueError` where `RNN_CROSSCHECK_QUARTER` is none of `0` to `3` and `all`.
    """
    quarter, seen = _quarter(), set[Hashable]()
    taken = []
    for number, case in enumerate(cases):
        if quarter == "all" or number % 4 == int(quarter) or group(case) not in seen:
            taken.append(case)
        seen.add(group(case))
    return taken
