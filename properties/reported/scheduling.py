"""Where many are judged on several cores: each implementation in one worker, its laws in their order.

So each is loaded once, and what it keeps from call to call does not depend on how the work was divided.
"""

from typing import Any

import pytest

from reference.contract import CONTRACTS


def implementation_in(nodeid: str) -> str:
    """The part of a test's id that stands for the implementation: `"my_rnn.py"`."""
    parameters = nodeid.partition("[")[2].removesuffix("]")
    for function in CONTRACTS:
        parameters = parameters.removesuffix(f"-{function}")
    return parameters


def function_in(nodeid: str) -> str:
    """The function that a test's id names: `"rnn_forward"`; empty where it names none."""
    named = nodeid.removesuffix("]")
    return next((function for function in CONTRACTS if named.endswith(f"-{function}")), "")


def law_in(nodeid: str) -> str:
    """The law that a test's id names: `"each step"`."""
    test = nodeid.partition("[")[0].rpartition("::")[2]
    return test.removeprefix("test_").replace("_", " ")


def by_implementation(config: pytest.Config, log: Any) -> Any:
    """A scheduler for pytest-xdist, which is installed where it asks for one."""
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = implementation_in  # what its subclasses change as well
    return scheduler
