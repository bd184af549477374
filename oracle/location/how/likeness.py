"""How it is wrong: what the values that are shown have in common, said only where it holds of all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from oracle.location.how.arguments import argument, is_in_range
from oracle.location.how.candidate import Candidate
from oracle.location.how.candidates import candidates, constant, mean, named, plural, right
from oracle.location.how.cases import Case, Likeness
from oracle.location.how.combination import CLEAR, RIGHT, combination, in_words
from oracle.location.how.denominators import of_fewer_classes
from oracle.location.how.factors import factor_in_words
from oracle.location.how.forms import form
from oracle.location.how.masked import of_a_mask
from oracle.location.how.multiples import of_each_column, of_each_problem
from oracle.location.how.permuted import in_another_order
from oracle.location.how.places import of_other_places
from oracle.location.how.rows import other_rows
from oracle.location.how.shifts import SHIFTED
from oracle.location.how.solved import solved
from oracle.location.how.stacked_gates import read_otherwise
from oracle.location.how.totals import totals
from oracle.location.where.equation import Equation
from reference.contract import Array


def likeness(cases: Sequence[Case]) -> Likeness | None:
    """The first of all likenesses that holds of every element of every case; `None` where none does."""
    if not cases:
        return None
    with np.errstate(all="ignore"):
        if found := _like(cases):
            return found
        if cases[0].equation.activation == "softmax" and (found := form(cases)):
            return found
        arguments = _arguments(cases)
        found = _like(arguments) if arguments else None
        if found and cases[0].equation.activation == "max" and not _gives_zeros(cases, found):
            found = None
        if found and not (found.words.startswith("always") and _count(arguments) < _count(cases)):
            words = f"as if {_ARGUMENTS[arguments[0].equation.activation]} were {found.words}"
            return replace(found, words=words, of_argument=True)
        if arguments and (found := read_otherwise(arguments)):
            return found
        if arguments and (found := other_rows(arguments)):
            return replace(found, words=f"as if z of {found.words}")
        if found := form(cases):
            return found
        return _of_pieces(cases) or _of_numbers(cases)


def _of_numbers(cases: Sequence[Case]) -> Likeness | None:
    """What the numbers among wrong values are, if that is none where NaN is shown."""
    numbers = [replace(case, chosen=case.chosen & ~np.isnan(case.equation.shown)) for case in cases]
    numbers = [case for case in numbers if case.chosen.any()]
    if not 0 < _count(numbers) < _count(cases):
        return None
    found = _like(numbers)
    value = found and found.value
    if value and all(np.isnan(case.of(value)[np.isnan(case.shown)]).all() for case in cases):
        return found
    for words, candidate in candidates(cases[0].equation):
        if _matches(cases, candidate) and not _untold(numbers, candidate).size:
            return _computed(words, candidate)
    return None


def _computed(words: str, candidate: Candidate) -> Likeness:
    return Likeness(words, candidate, form=candidate if words in SHIFTED else None)


def _gives_zeros(cases: Sequence[Case], like: Likeness) -> bool:
    """Whether an argument is not above 0 where the value is 0, of which it cannot be told."""
    for case in cases:
        of_z, zeros = argument(case.equation), case.chosen & (case.equation.shown == 0)
        if not of_z or not zeros.any():
            continue
        if not like.value:
            return False
        try:
            z = np.broadcast_to(like.value(of_z), zeros.shape)[zeros]
        except KeyError:  # a term that this case has not
            return False
        if (z > CLEAR).any():
            return False
    return True


def _of_pieces(cases: Sequence[Case]) -> Likeness | None:
    """What one of the factors or summands is like, for all else to be right."""
    for name, of_piece in solved(cases):
        if words := of_other_places(of_piece) or totals(of_piece):
            return Likeness(f"as if {name} were {words}")
    return None


def _count(cases: Sequence[Case]) -> int:
    """How many elements there are."""
    return sum(int(case.chosen.sum()) for case in cases)


def is_like(cases: Sequence[Case], like: Likeness, margin: float = 1) -> bool:
    """Whether these are wrong as others are, as far as that can be computed, within so many bounds."""
    with np.errstate(all="ignore"):
        of_value = _arguments(cases) if like.of_argument else cases
        return like.value is None or _matches(of_value, like.value, margin)


_ARGUMENTS = {"tanh": "z", "sigmoid": "z", "max": "z", "softmax": "the logits", "ot * tanh": "c_next"}


def _like(cases: Sequence[Case]) -> Likeness | None:
    shown, correct, allowed = (
        np.concatenate([getattr(case, part) for case in cases]) for part in ("shown", "right", "allowed")
    )
    if np.isnan(shown).all():
        return Likeness("NaN")
    if not np.isfinite(allowed).all():
        return None
    is_of_logits = cases[0].equation.activation == "softmax" and not cases[0].equation.affine
    if not is_of_logits and (found := _constant(shown, correct, allowed)):
        return found
    count_shown, count_right = len(np.unique(shown)), len(np.unique(correct))
    for words, candidate in candidates(cases[0].equation):
        trivial = words.startswith("rounded") and count_shown < 4
        trivial |= words.startswith("made with") and count_shown < FEWEST
        trivial |= "in the place of" in words and not _is_wide(cases)
        trivial |= "limited to" in words and count_shown < 3
        trivial |= "the right value" in words and count_right < 3
        if not trivial and _matches(cases, candidate) and not _is_right(cases, candidate):
            words = _also(words, candidate, cases) + _rest(cases, candidate)
            return _computed(words, candidate)
    if words := of_other_places(cases):
        return Likeness(words)
    if words := in_another_order(cases):
        return Likeness(words)
    terms = _terms(cases)
    columns = {name: np.concatenate([case.of(term) for case in cases]) for name, term in terms.items()}
    if factors := combination(shown - correct, allowed, columns):
        return Likeness(in_words(factors), partial(_sum, {terms[name]: factors[name] for name in factors}))
    if words := of_fewer_classes(cases) or of_a_mask(cases):
        return Likeness(words)
    vague = of_each_problem(cases, terms) or of_each_column(cases)
    if words := (vague and factor_in_words(cases)) or vague:
        return Likeness(words)
    return None


def _also(words: str, first: Candidate, cases: Sequence[Case]) -> str:
    """That float16 and TF32, which have as many digits, are not told apart, where no number is too small."""
    if FLOAT16 not in words or words.startswith("rounded"):  # as TF32 nothing is stored
        return words
    every = dict(candidates(cases[0].equation))
    in_tf32 = every.get(words.replace(FLOAT16, "TF32"))
    return words.replace(FLOAT16, f"{FLOAT16} or TF32") if in_tf32 and _matches(cases, in_tf32) else words


FLOAT16 = "float16"


def _sum(factors: Mapping[Candidate, float], equation: Equation) -> Array:
    """The right value and multiples of terms."""
    added = [factor * term(equation) for term, factor in factors.items()]
    return np.asarray(equation.right.value + sum(added))


def _constant(shown: Array, correct: Array, allowed: Array) -> Likeness | None:
    """One value, or one for each sign."""
    if len(shown) < 2:
        return None
    size = np.abs(shown[0])
    if (np.abs(shown - shown[0]) <= allowed).all():
        return Likeness(f"always {shown[0] + 0.0:.12g}", partial(constant, float(shown[0])))
    if (np.abs(np.abs(shown) - size) <= allowed).all() and (np.sign(shown) == np.sign(correct)).all():
        clipped = (np.abs(correct) > size - allowed).all()
        words = f"clipped at ±{size:.12g}" if clipped else f"always ±{size:.12g}"
        return Likeness(words, partial(_signed, float(size)))
    return None


def _signed(size: float, equation: Equation) -> Array:
    return np.asarray(size * np.sign(equation.right.value))


def _matches(cases: Sequence[Case], candidate: Candidate, margin: float = 1) -> bool:
    """Whether it is what is shown, wherever it says something.

    That it has to at most elements of each case, or of all where there is one value at the others.
    """
    few, told = False, 0
    for case in cases:
        try:
            expected = case.of(candidate)
        except KeyError:  # a term that this case has not
            return False
        said = ~np.isnan(expected)
        if not (np.abs(case.shown - expected) <= margin * case.allowed)[said].all():
            return False
        said |= np.isnan(case.shown)
        few |= 2 * said.sum() < said.size
        told += int(said.sum())
    if not few:
        return True
    rest = _untold(cases, candidate)
    return told >= len(rest) and not np.ptp(rest)


def _is_right(cases: Sequence[Case], candidate: Candidate) -> bool:
    """Whether it is as near to most of the right values, so that what is wrong by little is like it."""
    off, allowed = (
        np.concatenate(parts)
        for parts in (
            [np.abs(case.of(candidate) - case.right) for case in cases],
            [case.allowed for case in cases],
        )
    )
    return float(np.mean(off <= allowed)) > 0.5


def _rest(cases: Sequence[Case], candidate: Candidate) -> str:
    """What is shown where a candidate says nothing, as at step 0 of the step before."""
    rest = _untold(cases, candidate)
    if not rest.size:
        return ""
    return f", or {rest[0] + 0.0:.12g} where there is none" if not np.ptp(rest) else ", where there is one"


def _untold(cases: Sequence[Case], candidate: Candidate) -> Array:
    """What is shown where a candidate says nothing."""
    every = [case.shown[np.isnan(case.of(candidate)) & ~np.isnan(case.shown)] for case in cases]
    return np.concatenate(every)


def _terms(cases: Sequence[Case]) -> dict[str, Candidate]:
    """What a multiple of may have been added."""
    first = cases[0].equation
    common = [name for name in first.named if all(name in case.equation.named for case in cases)]
    return {
        RIGHT: right,
        **{name: named(name) for name in common},
        "1": partial(constant, 1.0),
        "its mean over the samples": mean(1),
        f"its mean over the {plural(first.row)}": mean(0),
    }


def _is_wide(cases: Sequence[Case]) -> bool:
    """Whether activations can be told apart, that are alike for small arguments."""
    return max(float(np.abs(case.equation.terms["z"][case.chosen]).max(initial=0)) for case in cases) > WIDE


WIDE = 4.0

FEWEST = 6
"""Values that are needed where there are many things that they may be like."""


def _arguments(cases: Sequence[Case]) -> list[Case]:
    """The same elements as arguments of the activation, where they can be told from the value well.

    There are none where no argument gives some of the values.
    """
    found = []
    for case in cases:
        of_z = argument(case.equation)
        if not of_z or not is_in_range(case.equation)[case.chosen].all():
            return []
        told = case.chosen & np.isfinite(of_z.shown)
        chosen = told & (np.abs(of_z.shown - of_z.right.value) > 4 * of_z.right.error)
        if chosen.any() and 2 * chosen.sum() >= told.sum():
            found.append(Case(of_z, chosen))
    return found if sum(int(case.chosen.sum()) for case in found) >= 8 else []
