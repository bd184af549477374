"""Merges the reports of several runs, each of which has judged a part of the targets or of the laws."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from properties.reports.judgement import Judgement, judgements
from properties.reports.results import LawResult
from properties.reports.run import Run

CHOSEN = ("profile", "seed", "options")
"""The facts of the environment in which merged runs may differ, because the user chooses them."""


def merged(runs: Mapping[str, Run]) -> Run:
    """One run with the judgements of all these runs, whose keys are names for messages.

    A target that a run has left counts only if every run has left it. Raises `ValueError` if the versions of
    two runs differ, or if a target has two different results.
    """
    parts: defaultdict[str, list[tuple[str, Judgement]]] = defaultdict(list)
    for name, run in runs.items():
        for judgement in run.judgements:
            parts[judgement.implementation].append((name, judgement))
    left = [target for target, given in parts.items() if all(each.is_left for _, each in given)]
    results: list[LawResult] = []
    for target, given in parts.items():
        by_law: dict[tuple[str, str], tuple[str, LawResult]] = {}
        for name, judgement in given:
            for result in judgement.results if target in left or not judgement.is_left else ():
                other, found = by_law.setdefault((result.law, result.function), (name, result))
                if replace(result, seconds=0.0) != replace(found, seconds=0.0):
                    law = " of ".join(filter(None, (repr(result.law), result.function)))
                    raise ValueError(f"{name}: the result of {law} on {target} is not that of {other}")
        results += [result for _, result in by_law.values()]
    points = [run.points for run in runs.values()]
    if any(each != points[0] for each in points):
        raise ValueError("the reports count points by different files of --points")
    keys = {target: key for run in runs.values() for target, key in run.keys.items()}
    return Run(judgements(results, left), _environment(runs), points[0], keys)


def _environment(runs: Mapping[str, Run]) -> dict[str, str]:
    """The facts of all environments. What users choose is joined, and anything else must be the same."""
    environment: dict[str, str] = {}
    for fact in dict.fromkeys(fact for run in runs.values() for fact in run.environment):
        names: dict[str, str] = {}  # the first run with each value
        for name, run in runs.items():
            names.setdefault(run.environment.get(fact, "none"), name)
        if len(names) > 1 and fact not in CHOSEN:
            (value, name), (other, name_of_other), *_ = names.items()
            raise ValueError(f"{name_of_other}: {fact} is {other}, but {value} in {name}")
        environment[fact] = ", ".join(names)
    return environment
