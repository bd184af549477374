"""Every mistake of a submission is a change of the textbook example."""

from collections import Counter

import pytest

from benchmarks.submissions import MISTAKES, PERCENTAGES, edited, submissions


def test_submissions_have_the_percentages() -> None:
    kinds = Counter(name[4:].partition(".")[0] for name, _ in submissions(300, 0))
    assert kinds == {kind: 3 * share for kind, share in PERCENTAGES.items()}


@pytest.mark.parametrize("kind", MISTAKES)
def test_every_mistake_changes_the_example(kind: str) -> None:
    sources = {"\n".join(edited([edit])) for edit in MISTAKES[kind]}
    assert len(sources | {"\n".join(edited([]))}) == len(MISTAKES[kind]) + 1


def test_a_seed_determines_the_submissions() -> None:
    assert [*submissions(100, 3)] == [*submissions(100, 3)]
    assert [*submissions(100, 3)] != [*submissions(100, 4)]


def test_only_unfit_submissions_may_not_compile() -> None:
    for name, parts in submissions(100, 1):
        if "unfit" not in name:
            compile("\n\n\n".join(parts), name, "exec")
