"""Every mistake can be made in the textbook example, whose words may change."""

from collections import Counter

from benchmarks.submissions import MISTAKES, SHARES, submissions

MANY = 300


def test_a_folder_has_the_shares() -> None:
    kinds = Counter(each.name[4:].partition(".")[0] for each in submissions(MANY, 0))
    assert kinds == {kind: 3 * share for kind, share in SHARES.items()}


def test_every_mistake_is_made_and_no_submission_is_written_twice() -> None:
    for kind, mistakes in MISTAKES.items():
        sources = {"\n".join(each.cells) for each in submissions(3 * len(mistakes), 0, {kind: 100})}
        assert len(sources) > len(mistakes)


def test_one_seed_gives_the_same_folder() -> None:
    assert [*submissions(20, 3)] == [*submissions(20, 3)]
    assert [*submissions(20, 3)] != [*submissions(20, 4)]


def test_only_what_is_unfit_may_not_compile() -> None:
    for each in submissions(100, 1):
        if "unfit" not in each.name:
            compile("\n\n\n".join(each.cells), each.name, "exec")
