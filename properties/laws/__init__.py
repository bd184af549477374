"""The laws: each `test_*.py` here defines laws that every right implementation obeys."""

from functools import cache
from importlib import import_module
from pathlib import Path

from properties.trials.law import Law


@cache
def all_laws() -> list[Law]:
    """Every law, module by module."""
    modules = sorted(path.stem for path in Path(__file__).parent.glob("test_*.py"))
    tests = (test for module in modules for test in vars(import_module(f"{__name__}.{module}")).values())
    return [test.law for test in tests if isinstance(getattr(test, "law", None), Law)]
