"""Settings of pytest for the tests of the oracle."""

from oracle.tests.selection import pytest_collection_modifyitems

__all__ = ["pytest_collection_modifyitems"]
