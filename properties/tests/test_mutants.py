"""The mutants of the harness: each edit still has a place, and names tests that exist."""

import re

from properties.laws import all_laws
from properties.tests.mutants import CLONE, mutants


def test_each_mutant_has_a_place_and_tests() -> None:
    """Whoever rewrites a line that a mutant changes also mends its entry."""
    for mutant in mutants():
        mutant.made_in((CLONE / mutant.file).read_text(encoding="utf-8"))
        assert mutant.old != mutant.new
        for path in re.findall(r"[\w/]+\.py", mutant.tests):
            assert (CLONE / path).exists(), f"{mutant.file}: its entry in mutants.toml names {path}"


def test_each_law_loses_its_check_in_one_mutant() -> None:
    in_laws = [mutant for mutant in mutants() if mutant.file.startswith("properties/laws/")]
    assert len(in_laws) == len(all_laws())
