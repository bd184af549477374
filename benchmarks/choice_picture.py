"""Draws the table for those who choose a framework as one picture, which can be shared without the page."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

COLOURS = {"yes": "#2c7fb8", "no": "#d95f0e", "defended": "#9ecae1", "–": "#eeeeee"}
"""By the answer in a cell. Readers who cannot tell red from green can tell these colours apart."""
NAME_WIDTH, WIDTH, HEIGHT = 260, 80, 24
"""The widths of the first column and of the others, and the height of a row."""


def picture(columns: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]], note: str) -> str:
    """Return an SVG with a row for each framework: its name and version, and an answer for each column.

    An answer is a key of `COLOURS`. The `note` stands below the rows.
    """
    width, height = NAME_WIDTH + WIDTH * len(columns) + 10, HEIGHT * (len(rows) + 2) + 10
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        ' font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        *(_text(NAME_WIDTH + WIDTH * (k + 0.5), 0, column, "middle") for k, column in enumerate(columns)),
    ]
    for number, (name, answers) in enumerate(rows, 1):
        lines.append(_text(NAME_WIDTH - 10, number, name, "end"))
        for k, answer in enumerate(answers):
            x, y = NAME_WIDTH + WIDTH * k, HEIGHT * number
            rectangle = f'<rect x="{x + 1}" y="{y + 1}" width="{WIDTH - 2}" height="{HEIGHT - 2}"'
            colour = "white" if answer in ("yes", "no") else "black"
            lines += [
                f'{rectangle} fill="{COLOURS[answer]}"/>',
                _text(x + WIDTH / 2, number, answer, "middle", colour),
            ]
    return "\n".join([*lines, _text(10, len(rows) + 1, note, "start"), "</svg>\n"])


def _text(x: float, row: int, text: str, anchor: str, colour: str = "black") -> str:
    y = HEIGHT * row + 17
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'
