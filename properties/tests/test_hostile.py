"""All sixty hostile targets get the verdicts that they deserve; `test_many.py` judges twelve of them."""

import json
import os
from pathlib import Path

import pytest

from oracle.tests.selection import VARIABLE
from properties.tests.hostile_targets import targets, write
from properties.tests.runs import run
from properties.trials.provided_functions import PRESENCE

RUNS = 6
"""A run judges every sixth target: one that judges all may take longer than a test waits for it."""


@pytest.mark.skipif(os.environ.get(VARIABLE) != "all", reason=f"takes minutes; {VARIABLE}=all runs it")
def test_every_target_gets_the_verdict_that_it_deserves(tmp_path: Path) -> None:
    """No law fails without a counterexample, for then the harness itself broke."""
    for k in range(RUNS):
        some, folder = targets()[k::RUNS], tmp_path / str(k)
        folder.mkdir()
        write(some, folder)
        options = ("--implementation", str(k), f"--report={k}.json", "-n", "2")
        done = run("--hypothesis-profile=quick", *options, directory=tmp_path)
        judged = json.loads((tmp_path / f"{k}.json").read_text())["implementations"]
        found = {Path(each["target"]).name: each["verdict"] for each in judged}
        assert found == {target.name: target.verdict for target in some}, done.output
        failures = [law for each in judged for law in each["laws"] if law["status"] == "failed"]
        assert all(law["law"] in PRESENCE or law["counterexample"] for law in failures)
