"""A function that is asked, and when it is wrong."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

import numpy as np

from oracle.inputs import Inputs
from oracle.limits import Limits
from oracle.location.how.cases import Likeness
from oracle.location.record import Record, Seen
from oracle.location.view import ReadAs, Reading, View, coarsely, of_caches
from oracle.location.when import experiments
from oracle.location.when.confirmed import is_confirmed, needed
from oracle.location.when.elements import elements
from oracle.location.when.mixed import mixed
from oracle.location.when.near import near
from oracle.location.when.precisions import in_precisions
from oracle.location.when.rules import PURE, Rule, rule
from oracle.location.when.small import right_where_small
from oracle.location.when.table import Table
from oracle.location.where.equation import Equation, record_of
from oracle.location.where.equations import equations, follows

ROOM = 540
"""Calls that may be made to find out when, of some 600 in all."""

MORE = 120
"""Of these, that may be made to find it out anew."""

TOGETHER = 64
"""Answers of which the elements are in memory twice for a while: one by one, and as one table."""

OVERFLOW = 20
"""Beyond which a number may be where exponentials overflow."""
NARROWER = float(np.log(np.finfo("float32").max) / np.log(np.finfo("float64").max))
"""How much sooner they do in float32."""
FEW = 5
"""Answers in another precision that are too few to tell whether anything is wrong in it."""
ODD = (21, 23)
"""Seeds of problems that are aimed at a threshold alone."""


@dataclass(frozen=True)
class Grown:
    """The elements of some equations in the first so many answers, if wrong ones are `like` something."""

    names: Sequence[str] = ()
    like: Likeness | None = None
    answers: int = 0
    tables: tuple[Table, ...] = ()


class Asked(Record):
    """A function that is asked, with the record of what it showed."""

    def __init__(self, view: View, limits: Limits) -> None:
        super().__init__(limits.dtypes)
        self.view = view
        self._limits = limits
        self._calls = 0
        self._grown = Grown()
        self._is_coarse = False

    def ask(self, every: Iterable[Inputs]) -> list[Seen]:
        """Hold the equations to the answer to each; of one that has another form nothing is known."""
        fresh = []
        for inputs in every:
            if inputs.dtype.name not in self.dtypes:
                inputs = experiments.cast(inputs, self.dtypes[0])
            self._calls += 1
            shown = self.view.shown(inputs)
            if shown:
                fresh.append(self.add(Seen.of(inputs, shown)))
        return fresh

    def coarsely(self) -> "Asked":
        """The same answers, in which nothing is wrong that is off by little, and room for some more."""
        other = self._read_as(coarsely)
        other._calls, other._is_coarse = min(self._calls, ROOM - MORE), True
        return other

    def of_caches(self) -> "Asked":
        """The same answers, if nothing that is returned is wrong in any, read so."""
        if not all(follows(seen.shown) for seen in self.seen):
            return self
        other = self._read_as(of_caches)
        other._calls = self._calls
        return other

    def _read_as(self, read: Reading) -> "Asked":
        other = Asked(ReadAs(self.view, read), self._limits)
        for seen in self.seen:
            other.add(Seen.of(seen.asked, read(seen.shown)))
        return other

    def is_wrong_for(self, every: Iterable[Inputs]) -> bool:
        """Whether any equation does not hold, of all that is asked now or was before."""
        self.ask(every)
        return bool(self.wrong())

    def is_still_wrong(self, name: str, view: View) -> bool:
        """Whether an equation that was seen not to hold does not hold as another view shows it, either."""
        example = next(seen.asked for seen in self.seen if seen.wrong.get(name))
        shown = view.shown(example)
        return shown is not None and any(each.wrong.any() for each in equations(shown))

    def rule(self, names: Sequence[str], like: Likeness | None) -> Rule | None:
        """When an equation does not hold: a rule that more problems, nearer to its limits, have confirmed."""
        found = rule(self._table(names, like))
        purest = min(found.purity, PURE) if found else 0
        confirmed = None
        for seed in range(20, 24):
            if not found:
                return None
            fresh = self.ask(islice(self._near(names, found, seed), max(ROOM - self._calls, 0)))
            if not fresh:
                break
            again = rule(self._table(names, like))
            told = [*_tables(names, fresh, like)]
            holds = again and again.is_like(found) and told  # where forms are wrong, nothing may
            confirmed = again if holds and is_confirmed(Table.joined(told), found) else None
            is_vague = confirmed and any(condition.is_vague for condition in confirmed.conditions)
            if confirmed and confirmed.purity >= purest and not is_vague:
                break
            found = again
        if not confirmed or self._is_coarse:
            return confirmed
        return in_precisions(confirmed, self._table(names, like), like)

    def in_float32(self, names: Sequence[str], found: Rule) -> Rule | None:
        """The same rule as it is in float32, if a number beyond which it is wrong is smaller there.

        As where exponentials overflow.
        """
        thresholds = [each for each in found.conditions if each.is_a_threshold and not each.is_plain]
        large = [each for each in thresholds if abs(each.value) > OVERFLOW]
        if len(large) != 1 or not {"float32", "float64"} <= {*self.dtypes}:
            return None
        narrow = Asked(self.view, replace(self._limits, dtypes=("float32",)))
        sooner = replace(large[0], value=large[0].value * NARROWER, beyond=large[0].beyond * NARROWER)
        rest = [sooner if each is large[0] else each for each in found.conditions]
        aimed_at, other = replace(found, conditions=tuple(rest)), None
        for seed in ODD:  # the second time it is confirmed
            left = max(ROOM - self._calls - narrow._calls, 0)
            fresh = narrow.ask(islice(self._near(names, aimed_at, seed), left))
            told = [*_tables(names, fresh, None)]
            if not told or (other and not is_confirmed(Table.joined(told), other)):
                return None
            other = rule(narrow._table(names, None))
            if not other or other.purity < PURE or {*aimed_at.forms} != {*other.forms}:
                return None
            aimed_at = other
        assert other
        beyond = next(abs(each.value) for each in other.conditions if each.form == sooner.form)
        return other if 2 * beyond < abs(large[0].value) else None

    def is_wrong_wherever(self, names: Sequence[str], found: Rule) -> bool:
        """Whether nearly all elements that meet a rule are wrong, whatever the wrong ones are like."""
        table = self._table(names)
        inside = found.met_by(table) & ~table.mute
        return bool(inside.any()) and float(table.wrong[inside].mean()) >= PURE

    def right_where_small(self, names: Sequence[str], found: Rule) -> str:
        """For which small sizes a rule of sizes, places or the precision does not hold, in words.

        None of layers, whose inputs and hidden states have other sizes by the place they are in.
        """
        known = self._table(names).features
        sizes = [name for name in experiments.sizes_of(self.view.function) if name in known]
        if not found.is_plain or "n_y" not in sizes:
            return ""

        def tables(inputs: Inputs) -> Iterator[Table]:
            fresh = self.ask([inputs] if self._calls < ROOM + MORE else [])
            is_recorded = not any(seen.wrong.get(record_of(name)) for seen in fresh for name in names)
            return _tables(names, fresh if is_recorded else [], None)

        return right_where_small(self.view.function, sizes, self.dtypes, found, tables)

    def without_what_goes_without_saying(self, names: Sequence[str], found: Rule, like: Likeness) -> Rule:
        """A rule less its exceptions by values, for which the mistake makes no difference."""
        table = self._table(names, like)
        for condition in found.conditions:
            rest = replace(found, conditions=tuple(each for each in found.conditions if each != condition))
            if condition.is_exception and not condition.is_plain and rest.conditions:
                told = rest.met_by(table) & ~found.met_by(table) & ~table.mute
                found = rest if not told.any() else found
        return found

    def is_rule_of(self, name: str, found: Rule) -> bool:
        """Whether what was found of other equations is when this one does not hold, too.

        Of rows of another kind than its own it says nothing.
        """
        looked_at = {feature for each in found.conditions for feature in each.looks_at}
        table = Table.joined([each.with_those(looked_at) for each in _tables([name], self.seen, None)])
        ours = found.without_rows_but(self.equation(name).row)
        if not all(condition.is_told_by(table) for condition in ours.conditions):
            return False
        inside = ours.met_by(table) & ~table.mute
        is_nowhere_else = not table.wrong[~ours.loosened.met_by(table)].any()
        return is_nowhere_else and bool(inside.any()) and float(table.wrong[inside].mean()) >= needed(found)

    def _near(self, names: Sequence[str], found: Rule, seed: int) -> Iterator[Inputs]:
        """Problems that were not asked before: of all kinds, and on both sides of each condition.

        If one is that of a narrower precision, what the others are of is asked in that.
        """
        of_bits = [each for each in found.conditions if each.feature == "bits"]
        narrower = [f"float{each.value:.0f}" for each in of_bits if each.value < self._widest]

        def in_precision(every: Iterable[Inputs]) -> Iterator[Inputs]:
            return (experiments.cast(each, narrower[0]) if narrower else each for each in every)

        function = self.view.function
        yield from experiments.ordinary(function, range(5 * seed, 5 * seed + 3))
        yield from in_precision(mixed(function, seed))
        example = next(
            seen.asked for seen in reversed(self.seen) if any(seen.wrong.get(name) for name in names)
        )
        for condition in found.conditions:
            expected = partial(self._expected, names)
            beside = near(function, condition, found.sizes, seed, example, expected)
            yield from beside if condition in of_bits else in_precision(beside)

    @property
    def _widest(self) -> int:
        """Bits of the precision that tells most."""
        return 8 * np.dtype(self.dtypes[0]).itemsize

    def _expected(self, names: Sequence[str], inputs: Inputs) -> Table:
        """The elements of a problem as a right program shows them."""
        shown = self.view.expected(inputs)
        assert shown
        return Table.joined([elements(each) for each in equations(shown) if each.name in names])

    def ask_more_where_few(self) -> None:
        """In other precisions than the first, of which little is asked."""
        for dtype in self.dtypes[1:]:
            if sum(seen.asked.dtype == dtype for seen in self.seen) < FEW:
                self.ask(experiments.ordinary(self.view.function, range(40, 44), dtype))

    def network(self, names: Sequence[str]) -> list[list[Equation]]:
        """Answers of one network to many inputs, as many as it takes to find its weights, by equation."""
        examples = [
            seen
            for seen in self.seen
            if seen.shown.inputs.dtype == self.dtypes[0]
            and all(name in seen and _tells_weights(seen[name]) for name in names)
        ]
        if not examples:
            return []

        def unlikely(seen: Seen) -> tuple[bool, int]:
            rows = seen[names[0]].wrong.any(axis=(1, 2))  # one of which may be like another by chance
            return int(rows.sum()) < 2, abs(sum(seen.shown.inputs.sizes.values()) - 25)

        example = min(examples, key=unlikely)
        equation, sizes = example[names[0]], example.shown.inputs.sizes
        unknown = 2 * (sizes["n_a"] + sizes["n_x"]) + 2
        wrong_steps = int(equation.wrong.any(axis=(0, 1)).sum())  # in one of which a mean has one value
        count = min(-(-3 * unknown // (2 * wrong_steps)), 40)
        answers = [self.view.shown(inputs) for inputs in experiments.of_one_network(example.asked, count)]
        every = [each for shown in answers if shown for each in equations(shown)]
        return [[each for each in every if each.name == name] for name in names]

    def _table(self, names: Sequence[str], like: Likeness | None = None) -> Table:
        """Those of all answers, kept until others are asked for: the elements of the last ones are added."""
        grown = self._grown
        if (grown.names, grown.like) != (names, like):
            grown = Grown(names, like)
        for begin in range(grown.answers, len(self.seen), TOGETHER):
            end = begin + TOGETHER
            if last := [*_tables(names, self.seen[begin:end], like)]:
                grown = Grown(names, like, len(self.seen[:end]), (*grown.tables, Table.packed(last)))
        self._grown = grown
        return Table.joined(grown.tables)


def _tables(names: Sequence[str], seen: Sequence[Seen], like: Likeness | None) -> Iterator[Table]:
    """The elements of some equations in each answer that has them."""
    for name in names:
        for each in (each for each in seen if name in each):
            record = record_of(name)
            yield elements(each[name], like, each[record].wrong if record in each else False)


def _tells_weights(equation: Equation) -> bool:
    """Whether it is wrong, of an argument that can be told from the value."""
    shown = equation.shown
    most = np.inf if equation.activation == "max" else 1 - 1e-6
    told = equation.affine is not None and np.abs(shown).max(initial=0) < most
    return bool(told and equation.wrong.any() and (shown != shown.flat[0]).any())
