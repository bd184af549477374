"""A judgement as Python and notebooks show it."""

import pytest

from properties.reports.card import Card
from properties.tests.html_pages import Page
from properties.tests.results import failed, passed

WRONG = Card("mine", [passed("mine"), failed("mine", "split", diagnosis=["<b>5</b> & more"])])
RIGHT = Card("mine", [passed("mine")], holds=True)
UNUSABLE = Card("mine", [failed("mine", "can be used", "", usable=False, message="mine has no code")])


def test_its_text_is_the_closing_table() -> None:
    lines = str(WRONG).splitlines()
    assert lines[0] == "mine: problems on which each law holds"
    assert "  mine  differs     1" in lines
    assert str(WRONG) == repr(WRONG)
    assert str(UNUSABLE).splitlines() == ["mine  unusable", "mine has no code"]


def test_it_is_neither_true_nor_false() -> None:
    for judgement in (WRONG, RIGHT):
        with pytest.raises(TypeError, match=r"ask for judgement\.holds"):
            assert judgement
    assert (WRONG.holds, RIGHT.holds) == (False, True)


def test_a_notebook_shows_the_page_of_the_target() -> None:
    card = Page(WRONG._repr_html_())
    text = "".join(card.text)
    assert "rnn_forward" in text
    assert "<b>5</b> & more" in text
    assert "The smallest example, with rnn_forward" in text
    assert "No mistake was found." in RIGHT._repr_html_()


def test_its_styles_and_names_do_not_reach_the_rest_of_the_notebook() -> None:
    card = Page(WRONG._repr_html_())
    assert not {"html", "head", "body", "title", "script", "main"} & {tag for tag, _ in card.attributes}
    assert not card.values("id")
    style = WRONG._repr_html_().partition("<style>")[2].partition("</style>")[0].strip()
    assert style.startswith(".rnn-crosscheck.rnn-crosscheck {\n")
    assert style.endswith("\n}")
    assert style.count("{") == style.count("}")
