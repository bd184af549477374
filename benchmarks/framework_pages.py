"""What came of the adapters of frameworks, as a page in Markdown and one in HTML."""

import datetime
import platform
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, get_args

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.vendor_mathematics import POINTS
from oracle.regimes import Regime
from oracle.rounding import SIGMOID, TANH
from reference.contract import LAYERS

REGIMES = get_args(Regime)
SEEDS = 4
SIZES = {"n_x": 3, "n_a": 5, "m": 4, "T_x": 6}


class Failure(NamedTuple):
    """A law that does not hold of a function of one network, and what is told of it, if anything."""

    kind: str
    law: str
    grade: str
    told: str
    problem: str


@dataclass
class Judged:
    """What came of one adapter. `errors` are by function, option and dtype, then by regime."""

    name: str
    version: str = ""
    missing: str = ""
    verdict: str = ""
    functions: Mapping[str, str] = field(default_factory=dict)
    limits: Sequence[str] = ()
    failures: Sequence[Failure] = ()
    errors: dict[str, dict[str, str]] = field(default_factory=dict)
    costs: dict[str, dict[str, float]] = field(default_factory=dict)
    kernels: dict[str, str] = field(default_factory=dict)


INTRODUCTION = """\
# Frameworks under test

```sh
python -m benchmarks.frameworks --output docs/frameworks.md{pythons}
```

{date}, Python {python}, {processor}, in the profile *{profile}*. Each adapter is
[one small file](../oracle/frameworks); how to write one is [here](adapters.md). A verdict is about what a
framework does *not* declare away. What is *not robust* holds the formulas on ordinary input and breaks at an
edge; the defects among the failures are in the [ledger](../FINDINGS.md), as is what can be
[defended](../FINDINGS.md#no-defects).
"""
ERRORS = """\
## Errors by option, dtype and regime

The worst error of {count} problems each (n_x {n_x}, n_a {n_a}, m {m}, T_x {T_x}) as a fraction of what two
right programs may differ by, over the whole trajectory; **bold** is beyond that. Or else what came
instead of an answer.
"""
COSTS = """\
## What their mathematics costs

The largest error of tanh and sigmoid as the layer itself uses them, over {points} points from -30 to 30, in
units roundoff of its precision, absolutely. The bounds allow {tanh} for a tanh and {sigmoid} for a sigmoid.
"""
KERNELS = """\
## Who shares a kernel

These answered a few problems with the same bits, and so are one witness, not several.
"""


def page(judged: Sequence[Judged], profile: str) -> Iterator[str]:
    """The Markdown page, line by line."""
    found = [each for each in judged if not each.missing]
    yield INTRODUCTION.format(
        pythons=" --python …" if len({each.version for each in found}) else "",
        date=datetime.date.today(),
        python=platform.python_version(),
        processor=platform.machine(),
        profile=profile,
    )
    yield "| adapter | version | verdict | RNN layer | LSTM layer | declares |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for each in found:
        verdicts = [each.functions.get(function, "–") for function in LAYERS]
        cells = [f"`{each.name}`", each.version, f"**{each.verdict}**", *verdicts, ", ".join(each.limits)]
        yield f"| {' | '.join(cells)} |"
    for each in judged:
        if each.missing:
            yield f"| `{each.name}` | – | not judged: {each.missing} | | | |"
    yield "\n## Failures\n"
    for each in found:
        if each.failures:
            yield f"\n`{each.name}`\n"
            yield from (f"- {line}" for line in _together(each.failures))
    yield "\n" + ERRORS.format(count=SEEDS, **SIZES)
    yield f"| adapter | what | {' | '.join(REGIMES)} |"
    yield f"| --- | --- |{' --: |' * len(REGIMES)}"
    for each in found:
        for what, row in each.errors.items():
            yield f"| `{each.name}` | {what} | {' | '.join(row[regime] for regime in REGIMES)} |"
    yield "\n" + COSTS.format(points=f"{POINTS:,}", tanh=TANH, sigmoid=SIGMOID)
    names = list(dict.fromkeys(name for each in found for of in each.costs.values() for name in of))
    yield f"| adapter | dtype | {' | '.join(names)} |"
    yield f"| --- | --- |{' --: |' * len(names)}"
    for each in found:
        for dtype, costs in each.costs.items():
            figures = [f"{costs[name]:.3g}" if name in costs else "–" for name in names]
            yield f"| `{each.name}` | {dtype} | {' | '.join(figures)} |"
    yield "\n" + KERNELS
    alike = defaultdict(list)
    for each in found:
        for dtype, digest in each.kernels.items():
            alike[dtype, digest].append(f"`{each.name}`")
    yield from (f"- {dtype}: {', '.join(who)}" for (dtype, _), who in alike.items() if len(who) > 1)


def _together(failures: Sequence[Failure]) -> Iterator[str]:
    """A line for each mistake, or what was done instead of answering, with the laws that met it."""
    groups: defaultdict[tuple[str, str], list[Failure]] = defaultdict(list)
    for failure in failures:  # numbers in messages may be those of nodes
        groups[failure.kind, re.sub(r"\d+", "#", failure.told or failure.law)].append(failure)
    for (kind, _), alike in groups.items():
        told = alike[0].told or alike[0].law
        laws = ", ".join(dict.fromkeys(f"{each.law} ({each.grade})" for each in alike))
        problem = min((each.problem for each in alike), key=len)
        yield f"{kind.upper()}: {laws if told == alike[0].law else f'{told}; {laws}'}; `{problem}`"


def html(judged: Sequence[Judged]) -> str:
    """The matrix as a page that needs nothing beside it."""
    jinja = Environment(
        autoescape=True,
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    rows = list(dict.fromkeys(what for each in judged for what in each.errors))
    return jinja.get_template("frameworks.html.jinja").render(
        judged=judged, rows=rows, layers=LAYERS, regimes=REGIMES, worst=_whole_row
    )


def _whole_row(row: Mapping[str, str]) -> str:
    """The worst of all regimes."""
    wrong = [figure.strip("*") for figure in row.values() if not figure[0].isdigit()]
    return wrong[0] if wrong else max(row.values())
