"""A judgement as Python and notebooks show it."""

from dataclasses import dataclass
from shutil import get_terminal_size
from typing import NoReturn

from properties.reports.closing_table import render
from properties.reports.html_report import as_page_of_target
from properties.reports.judgement import Judgement
from properties.reports.run import Run


@dataclass(frozen=True, repr=False)
class Card(Judgement):
    """A judgement that shows itself: as the closing table, and in a notebook as the page of the target.

    `holds` says whether every law that was selected holds, or fails as expected: the exit status is 0.
    `points` are those of all functions; `None` without `--points`.
    """

    holds: bool = False
    points: float | None = None

    def __repr__(self) -> str:
        table = render(Run([self]), get_terminal_size().columns).strip("\n")
        return f"{table}\n{self.why_unusable}".strip()

    def _repr_html_(self) -> str:
        return as_page_of_target(self, self.implementation, "card.html.jinja")

    def __bool__(self) -> NoReturn:
        raise TypeError("a judgement is neither true nor false; ask for judgement.holds or judgement.verdict")
