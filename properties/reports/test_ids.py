"""Parses the id of a test: the law, the function and the target."""

from reference.contract import CONTRACTS


def is_of_law(nodeid: str) -> bool:
    """Whether a test checks a law, and is no test of the harness, which may have the name of a target."""
    return "properties/laws/" in nodeid


def implementation_in(nodeid: str) -> str:
    """The target in a test's id: `"my_rnn.py"`."""
    parameters = nodeid.partition("[")[2].removesuffix("]")
    for function in CONTRACTS:
        parameters = parameters.removesuffix(f"-{function}")
    return parameters


def function_in(nodeid: str) -> str:
    """The function in a test's id: `"rnn_forward"`; empty if there is none."""
    named = nodeid.removesuffix("]")
    return next((function for function in CONTRACTS if named.endswith(f"-{function}")), "")


def law_in(nodeid: str) -> str:
    """The law in a test's id: `"each step"`."""
    test = nodeid.partition("[")[0].rpartition("::")[2]
    return test.removeprefix("test_").replace("_", " ")
