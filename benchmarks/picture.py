"""Draw `docs/error-and-bound.svg`: error and bound over time, of a stable and of a chaotic network.

    python -m benchmarks.picture

The error is the largest distance of the reference from the exact value, over the units of the hidden state.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

import reference
from benchmarks.shared import ROOT, argument_parser
from oracle.problems.inputs import Inputs
from oracle.problems.problem import Problem
from oracle.witnesses import exact
from oracle.witnesses.bounds import bounds_on
from reference.contract import Array

UNITS, STEPS = 32, 120
PANELS: Mapping[str, float] = {"stable (gain 0.5)": 0.5, "chaotic (gain 3)": 3.0}
"""By the title of a panel: the factor of the weights from the hidden state to itself."""
STYLES: Mapping[str, str] = {
    "bound, whole trajectory": 'stroke="firebrick"',
    "error, whole trajectory": 'stroke="firebrick" stroke-dasharray="2"',
    "bound, one step": 'stroke="steelblue"',
    "error, one step": 'stroke="steelblue" stroke-dasharray="2"',
}
Curves = Mapping[str, Sequence[float]]
WIDTH, HEIGHT, LEFT, TOP = 300, 190, 50, 25
LOWEST, HIGHEST = -18, 1
"""The range of the vertical axis, as powers of ten."""


def main() -> None:
    """Draw the picture."""
    parser = argument_parser(__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "error-and-bound.svg")
    options = parser.parse_args()
    panels = {title: curves(gain, STEPS) for title, gain in PANELS.items()}
    options.output.write_text(picture(panels), encoding="utf-8")


def curves(gain: float, steps: int) -> Curves:
    """Return the errors and the bounds of each step, by the keys of `STYLES`."""
    drawn = Problem.rnn(n_x=2, n_a=UNITS, n_y=2, m=1, T_x=steps, seed=7).inputs("rnn_forward")
    whole = replace(drawn, parameters={**drawn.parameters, "Waa": gain * drawn.parameters["Waa"]})
    a = reference.rnn_forward(*whole.arguments("rnn_forward"))[0]
    single = whole.steps(a, np.zeros((0, *a.shape[1:])))  # each step is a sample, in its only step
    bound, step_bound = (bounds_on(each)["a"].error for each in (whole, single))
    return {
        "bound, whole trajectory": [*bound[:, 0, :].max(axis=0)],
        "error, whole trajectory": _largest_error(whole, a)[0],
        "bound, one step": [*step_bound[:, :, 0].max(axis=0)],
        "error, one step": [column[0] for column in _largest_error(single, a.transpose(0, 2, 1))],
    }


def _largest_error(inputs: Inputs, a: Array) -> list[list[float]]:
    """Return the largest distance of the states `a` from the exact states, by sample and step."""
    truth = exact.evaluate(inputs, 1e-30)["a"]
    n_a, m, T_x = a.shape
    return [
        [max(truth[i, j, t].distance(a[i, j, t]) for i in range(n_a)) for t in range(T_x)] for j in range(m)
    ]


def picture(panels: Mapping[str, Curves]) -> str:
    """Return the picture as SVG, with a panel for each title."""
    width, height = 20 + len(panels) * (WIDTH + LEFT), HEIGHT + TOP + 40
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        ' font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for k, (title, found) in enumerate(panels.items()):
        lines += [
            f'<g transform="translate({LEFT + k * (WIDTH + LEFT)} {TOP})">',
            *_panel(title, found),
            "</g>",
        ]
    for k, (name, style) in enumerate(STYLES.items()):
        y = TOP + 15 + 15 * k
        lines += [f'<path d="M{LEFT + 125} {y}h25" {style}/><text x="{LEFT + 155}" y="{y + 4}">{name}</text>']
    return "\n".join([*lines, "</svg>\n"])


def _panel(title: str, found: Curves) -> list[str]:
    """Return the frame, the axes and the curves of a panel, as SVG."""
    steps = max(map(len, found.values()))
    lines = [
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="black"/>',
        f'<text x="{WIDTH / 2}" y="-8" text-anchor="middle">{title}</text>',
        f'<text x="{WIDTH / 2}" y="{HEIGHT + 30}" text-anchor="middle">step</text>',
    ]
    for power in range(LOWEST, HIGHEST, 6):
        label = f'<text x="-6" y="{_height(10.0**power) + 4}" text-anchor="end">1e{power}</text>'
        lines.append(f'<path d="M0 {_height(10.0**power)}h{WIDTH}" stroke="lightgray"/>{label}')
    for t in range(0, steps + 1, 40):
        lines.append(f'<text x="{WIDTH * t / steps}" y="{HEIGHT + 14}" text-anchor="middle">{t}</text>')
    for name, values in found.items():
        points = " ".join(f"{WIDTH * t / steps:.1f},{_height(value)}" for t, value in enumerate(values, 1))
        lines.append(f'<polyline points="{points}" fill="none" {STYLES[name]}/>')
    return lines


def _height(value: float) -> float:
    """Return the vertical place of a value in a panel; values beyond the axis are drawn at its ends."""
    power = math.log10(min(max(value, 10.0**LOWEST), 10.0**HIGHEST))
    return round(HEIGHT * (HIGHEST - power) / (HIGHEST - LOWEST), 1)


if __name__ == "__main__":
    main()
