"""The ledger, FINDINGS.md, as data: its entries, and the failures of adapters that each explains."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.shared import ROOT

LEDGER = ROOT / "FINDINGS.md"
DEFENDED = "No defects"
"""The section whose rows are behaviour that can be defended."""


@dataclass(frozen=True)
class Entry:
    """A finding: its heading, the facts in its list, and its two code blocks."""

    title: str
    facts: dict[str, str]
    line: str
    script: str

    @property
    def packages(self) -> list[str]:
        """The packages whose versions the entry names."""
        return [each.split()[0] for each in self.facts["version"].split(", ")]


@dataclass(frozen=True)
class Known:
    """Failures of an adapter and a network that the ledger explains.

    They are recognized by a `phrase`: the name of a law, a part of the diagnosis, or `answers in float64` for
    every wrong answer in that dtype. An empty `kind` stands for both networks. The `heading` is that of the
    entry, or of the section of behaviour that can be defended.
    """

    adapter: str
    kind: str
    phrase: str
    heading: str

    def covers(self, adapter: str, kind: str, words: Sequence[str]) -> bool:
        """Whether this explains a failure of an adapter and a network that these words describe."""
        return (
            adapter == self.adapter and self.kind in ("", kind) and any(self.phrase in word for word in words)
        )


def entries(text: str) -> Iterator[Entry]:
    """The headings with both code blocks."""
    for part in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        line, script = (re.search(rf"```{kind}\n(.*?)```", part, re.DOTALL) for kind in ("sh", "python"))
        if line and script:
            facts = dict(re.findall(r"^- (\w+): (.*)$", part, re.MULTILINE))
            yield Entry(part.partition("\n")[0], facts, line[1].strip(), script[1].strip())


def known(text: str) -> list[Known]:
    """The failures that the entries and the rows of defended behaviour explain, in their order.

    An entry has them in its fact `covers`, a row in its second cell: `adapter: phrase` or
    `adapter rnn: phrase`, separated by semicolons.
    """
    lists = [(entry.title, entry.facts.get("covers", "")) for entry in entries(text)]
    rows = text.partition(f"## {DEFENDED}")[2].partition("\n## ")[0]
    lists += [(DEFENDED, cell) for cell in re.findall(r"^\| [^|]+ \| ([^|]*: [^|]*) \|", rows, re.MULTILINE)]
    return [
        Known(*who.partition(" ")[::2], phrase, heading)
        for heading, every in lists
        for one in filter(None, every.split("; "))
        for who, _, phrase in [one.partition(": ")]
    ]


def anchor(heading: str) -> str:
    """The fragment of a link to a heading, as GitHub makes it."""
    return "#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
