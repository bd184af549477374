"""What is said of a mistake: where, when and how it is wrong."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from oracle.location.asked import Asked
from oracle.location.how.cases import Case, Likeness
from oracle.location.how.distance import far
from oracle.location.how.likeness import is_like, likeness
from oracle.location.how.shifts import beyond
from oracle.location.how.weights import as_if
from oracle.location.layers.setting import ITSELF, Scope, Setting
from oracle.location.when import experiments
from oracle.location.when.rules import MOST_CONDITIONS, PURE, SURE, Rule
from oracle.location.when.table import SIZES, SUM
from oracle.location.when.words import ALWAYS, summed, words
from oracle.location.where.blocks import LEFT_BY_BLOCKS
from oracle.location.where.equation import CACHED, record_of
from oracle.problem import DType
from reference.contract import CONTRACTS

GATES = ("ft", "it", "cct", "ot")

EVERYWHERE = "wherever that makes a difference"

LEFT_OUT = "the step is left out, and its cache is that of the step before"

CASES = 80
"""Answers in which a likeness has to hold."""


@dataclass(frozen=True)
class Location:
    """The first equation that does not hold, the condition, and what the wrong values look like.

    `when` and `how` are empty where nothing was found that holds of all that was asked. What is not wrong
    `alone` is so after other calls. `equations` are the names of those of which all this is said; of layers
    in a `setting`, and how far beyond it.
    """

    where: str
    when: str
    how: str
    alone: bool = True
    equations: Sequence[str] = ()
    setting: Setting | None = None
    scope: Scope = ITSELF

    def __str__(self) -> str:
        return "  ".join(self.lines)

    def within(self, words: str) -> "Location":
        """The same, which is so under one condition more, that comes first."""
        return replace(self, when=words if self.when in (ALWAYS, "") else f"{words} and {self.when}")

    @property
    def lines(self) -> list[str]:
        """What is known, in order."""
        setting = self.setting.words(self.scope) if self.setting else ""
        where = ": ".join(filter(None, [setting, self.where]))
        when = self.scope.of(self.when) if self.setting else self.when
        when = (self.setting.leaves_to_say(when, self.scope) or ALWAYS) if self.setting and when else when
        parts = {"wrong where": where, "when": when, "how": self.how}
        return [f"{name}: {text}" for name, text in parts.items() if text]


@dataclass(frozen=True)
class Found:
    """A location, with the rule and the likeness that it says in words, if there are any.

    `is_alike` is whether it says what all wrong values are, and not how far off alone.
    """

    location: Location
    rule: Rule | None
    like: Likeness | None
    is_alike: bool


def found_of(asked: Asked, wrong: Sequence[str], arrangement: str = "") -> Found:
    """What is said of the first equation that does not hold, where that does not hang on other calls.

    If it is not known when it does not or how, so it may be of what is off by more than a little.
    """
    found = _found_of(asked, wrong, arrangement)
    if found.location.when and found.like:
        return found
    coarse = asked.coarsely()
    if wrong[:1] != (clearly := coarse.wrong())[:1]:
        return found
    other = _found_of(coarse, clearly, arrangement)
    tells_more = other.location.when and other.location.how and other.like
    # So coarsely nothing is seen of what is wrong in less than float64.
    of_precision = other.rule and any(each.feature == "bits" for each in other.rule.conditions)
    return other if tells_more and not of_precision else found


def _found_of(asked: Asked, wrong: Sequence[str], arrangement: str) -> Found:
    asked.look_at([*wrong, *map(record_of, wrong)])
    names = told_together(wrong)
    asked.ask_more_where_few()
    like = likeness(_cases(names, asked))
    if like and like.is_computed:  # of which another may be right where logits are much alike
        for dtype in (each for each in asked.dtypes if each != "float16"):
            asked.ask(experiments.of_logits_apart(asked.view.function, dtype))
        like = likeness(_cases(names, asked))
    found = None if _is_always(names, asked, like) else _rule(names, asked, like)
    cases = _cases(names, asked)
    if not like and asked.narrower and (like := likeness(cases)):  # of which little was asked before
        found = _rule(names, asked, like)
        cases = _cases(names, asked)
    if like and (like := likeness(cases)) is None:  # what else was asked to find when has shown more
        found = asked.rule(names, None)
        cases = _cases(names, asked)
    of_each = {as_if(network) if network else "" for network in asked.network(names)}
    of_all = of_each.pop() if len(of_each) == 1 else ""
    told, exactly = (like.words, like.value is not None) if like else ("", False)
    only = asked.is_only_so_in(names, like) if like else ""
    told += f" (in {only})" if only else ""
    how = _exchanged(wrong, asked, found, like) or (exactly and told) or of_all or told or far(cases)
    how = LEFT_OUT if asked.leaves_out(names[0]) else how
    others = also_wrong(wrong, asked, found, like)
    how += _of_others(names[0], others, asked, like) if exactly and how == told else ""
    when = [arrangement] if arrangement else []
    is_far_fetched = not found or len(found.conditions) == MOST_CONDITIONS
    if is_far_fetched and like and like.form and asked.is_always_given_by(names, like.form):
        when += filter(None, [_beyond(names, asked, like, cases), EVERYWHERE])
    elif found and not (arrangement and not found.conditions):
        when.append(_in_words(names, asked, found, like))
    location = Location(where(wrong, asked, others), ", ".join(when), how, equations=names)
    return Found(location, found, like, bool(told or of_all))


def _is_always(names: Sequence[str], asked: Asked, like: Likeness | None) -> bool:
    """Whether all that is shown is what is computed in the place of the equation, which may be right."""
    return bool(like and like.is_computed and like.form and asked.is_always_given_by(names, like.form))


def _beyond(names: Sequence[str], asked: Asked, like: Likeness, cases: Sequence[Case]) -> str:
    """From where on a softmax with another shift is wrong, in float32 too if it was seen to be so there."""
    if not like.is_computed or not like.form:
        return ""
    narrower: list[DType] = [
        dtype
        for dtype in asked.dtypes
        if dtype == "float32" != cases[0].dtype
        and asked.is_wrong_in(names, dtype)
        and asked.is_always_given_by(names, like.form, dtype)
    ]
    return beyond(like.words, cases, narrower)


def _exchanged(wrong: Sequence[str], asked: Asked, found: Rule | None, like: Likeness | None) -> str:
    """That the first that is wrong is another one, and that one is the first; empty where it is not."""
    for other in wrong[1:]:
        if found and like and like.words == f"the value of {other}" and asked.is_rule_of(other, found):
            back = likeness(_cases([other], asked))
            if back and back.words == f"the value of {wrong[0]}":
                return f"{wrong[0]} and {other} are exchanged"
    return ""


def _rule(names: Sequence[str], asked: Asked, like: Likeness | None) -> Rule | None:
    """When it is wrong; of a change of some values alone first where these are, if that can be told."""
    plain = asked.rule(names, None) if like and like.is_partial else None
    if like and plain and plain.conditions and plain.purity >= PURE:
        return asked.without_what_goes_without_saying(names, plain, like)
    return asked.rule(names, like)


def _in_words(names: Sequence[str], asked: Asked, found: Rule, like: Likeness | None) -> str:
    said = words(found)
    in_float32 = asked.in_float32(names, found)
    said += f" (in float32 {words(in_float32)})" if in_float32 else ""
    said += _but_multiples(found, like) if found.purity >= PURE else ""
    if like and like.is_partial and not asked.is_wrong_wherever(names, found):
        return EVERYWHERE if said == ALWAYS else f"{said}, {EVERYWHERE}"
    right = asked.right_where_small(names, found) if found.purity >= SURE else ""
    return f"{said}, but not {right}" if right else said


def _but_multiples(found: Rule, like: Likeness | None) -> str:
    """Beyond a size, that blocks which fill it leave nothing over: what is like the rest is right there."""
    rest = (
        re.search(rf"(\w+|a_prev and xt) with 0 .*{LEFT_BY_BLOCKS} (\d+) leave", like.words) if like else None
    )
    sizes = [each for each in found.conditions if each.feature in SIZES]
    is_beyond = [(each.feature, each.relation) for each in sizes] == [(rest and _ROWS.get(rest[1]), "≥")]
    return f" and {summed(sizes[0].feature)} mod {rest[2]} ≠ 0" if rest and is_beyond else ""


_ROWS = {"xt": "n_x", "a_prev": "n_a", "a_prev and xt": SUM}
"""How many rows there are of what weights are applied to."""


def _of_others(first: str, others: Sequence[str], asked: Asked, like: Likeness | None) -> str:
    """What the wrong values of other equations are, where they are not to these what the first are to it."""
    every = {other: _likeness_of(other, asked) for other in others}
    told = [
        f"{_called(other, asked.view.function).removeprefix(CACHED)}: {theirs.words}"
        for other, theirs in every.items()
        if like and theirs and theirs.words.replace(other, first) != like.words
    ]
    return f" ({', '.join(told)})" if told else ""


def _likeness_of(name: str, asked: Asked) -> Likeness | None:
    """What all wrong values of one equation are; `None` where that cannot be computed."""
    found = likeness(_cases([name], asked))
    return found if found and found.value else None


def _cases(names: Sequence[str], asked: Asked) -> list[Case]:
    """Some of the wrong elements that were seen, with one of one row, one sample, one step."""
    cases = [case for name in names for case in asked.cases(name)]
    singles = (next((case for case in cases if case.chosen.shape[axis] == 1), None) for axis in range(3))
    return cases[:: -(-len(cases) // CASES) or 1] + [case for case in singles if case]


def told_together(wrong: Sequence[str]) -> list[str]:
    """The first equation that does not hold; of the gates all such, for what is said is of them all."""
    gates = [name for name in wrong if name in GATES]
    return gates if wrong[0] in GATES else [wrong[0]]


def where(wrong: Sequence[str], asked: Asked, others: Sequence[str] = ()) -> str:
    """The first equation that does not hold, and what else does not."""
    first, function = asked.equation(wrong[0]), asked.view.function
    gates = [name for name in wrong if name in GATES]
    also = f" (and {_together(others, function)})" if others else ""
    if len(gates) > 1 and first.name in GATES:
        right = [name for name in GATES if name not in gates]
        is_right = f" (but not {', '.join(right)})" if right else ""
        return f"{', '.join(gates)} ≠ what the equations of these gates give{is_right}{also}"
    carried = ", which is carried on," if asked.is_carried(first.name) else ""
    return f"{_called(first.name, function)}{carried} ≠ {first.statement}{also}"


def _together(others: Sequence[str], function: str) -> str:
    """Other equations beside the first; of records, which are all of caches, by the names of the entries."""
    entries = [name.removeprefix(CACHED) for name in others if name.startswith(CACHED)]
    if len(entries) == len(CONTRACTS[function].cache) - 1:
        return "all other arrays"
    return ", ".join(entries or [_called(name, function) for name in others])


def _called(name: str, function: str) -> str:
    """What a function calls what it returns: predictions are those of all steps, or of one."""
    returned = CONTRACTS[function].outputs
    return next(output for output in returned if output[0] == "y") if name == "yt_pred" else name


def also_wrong(
    wrong: Sequence[str], asked: Asked, found: Rule | None = None, like: Likeness | None = None
) -> list[str]:
    """What else does not hold than what is told together, by the same rule if there is one.

    A copy among the others must be wrong as the first is, of which it is read too where that is not named; or
    in a way of its own, which can be told.
    """
    first = asked.equation(wrong[0])
    of_records = wrong[0].startswith(CACHED)  # of a right gate; else they follow from what is wrong
    others = [name for name in wrong if name not in told_together(wrong)]
    others = [name for name in others if of_records or not name.startswith(CACHED)]
    others = [name for name in others if not found or asked.is_rule_of(name, found)]
    if like and not first.recipe and first.name not in like.words:
        others = [
            name
            for name in others
            if asked.equation(name).recipe or is_like(asked.cases(name), like) or _likeness_of(name, asked)
        ]
    return others
