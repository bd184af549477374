"""All sixty hostile targets get the verdicts that they deserve; `test_many.py` judges twelve of them."""

import json
import os
from pathlib import Path

import pytest

from oracle.tests.selection import VARIABLE
from properties.tests.hostile_targets import targets, write
from properties.tests.runs import run
from properties.trials.provided_functions import PRESENCE

if os.environ.get(VARIABLE) != "all":
    pytest.skip(f"takes minutes; {VARIABLE}=all runs it", allow_module_level=True)

RUNS = 12
"""Each run judges every twelfth target."""


@pytest.mark.parametrize("part", range(RUNS))
def test_each_target_gets_the_verdict_that_it_deserves(part: int, tmp_path: Path) -> None:
    """Takes up to a minute: all laws judge five targets, and wait for those that hang.

    No law fails without a counterexample, for then the harness itself broke.
    """
    some = targets()[part::RUNS]
    (tmp_path / "targets").mkdir()
    write(some, tmp_path / "targets")
    options = ("--implementation", "targets", "--report=report.json")
    done = run("--hypothesis-profile=quick", *options, directory=tmp_path)
    judged = json.loads((tmp_path / "report.json").read_text())["implementations"]
    found = {Path(each["target"]).name: each["verdict"] for each in judged}
    assert found == {target.name: target.verdict for target in some}, done.output
    failures = [law for each in judged for law in each["laws"] if law["status"] == "failed"]
    assert all(law["law"] in PRESENCE or law["counterexample"] for law in failures)
