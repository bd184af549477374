"""A rule as a reader says it."""

import math
import re

from oracle.location.how.candidates import plural
from oracle.location.when import borders
from oracle.location.when.condition import Condition
from oracle.location.when.experiments import EXTENTS, MOST_AGAIN
from oracle.location.when.moved import OF_XT
from oracle.location.when.options import LENGTH, OPTIONS
from oracle.location.when.rules import PURE, SURE, Rule
from oracle.location.when.table import (
    AGAIN,
    ALIKE,
    FROM_END,
    FROM_FAR,
    FROM_HALF,
    LARGER,
    LOOKED_UP,
    SIZE_OF,
    SIZES,
    SMALLER,
    is_place,
    kind_of,
)
from oracle.location.where.equation import TOP

ALWAYS = "always"


def words(found: Rule) -> str:
    """A rule as a reader says it."""
    said = " and ".join(_words(each) for each in found.conditions)
    if found.purity >= (PURE if found.conditions else SURE):
        return said or ALWAYS
    if found.purity >= PURE:
        return f"nearly always (in {found.purity:.0%} of the elements)"
    return ", ".join(filter(None, [said, f"in {found.purity:.0%} of the elements"]))


def _words(condition: Condition) -> str:
    name, relation, value = condition.feature, condition.relation, condition.value
    if name in OPTIONS:
        return name if relation in ("=", "≥") and value == 1 else OPTIONS[name]
    if name == "bits":
        return _precision(relation, int(value))
    if name == ALIKE:
        return "of samples whose x an earlier sample has, too"
    if name == AGAIN:
        return "at steps whose xt an earlier step has, too, of all samples"
    if name.startswith(LOOKED_UP):
        what = next(each for each in LOOKED_UP if name.startswith(each))
        entries, samples = what.split(" in xt of ")
        so = "is" if relation in ("=", "≥") and value == 1 else "is not"
        return f"where xt of {samples}{name.removeprefix(what)} {so} {entries}"
    if OF_XT in name and relation == "=" and not value:
        return f"where xt{name.partition(OF_XT)[2]} is that of the step before"
    if condition.other and is_place(name) and condition.other not in SIZES:
        return borders.words(plural(name), relation, condition.other)
    if condition.other:
        return f"{name} {relation} {condition.other}"
    if name == LARGER:
        return _rank(relation, int(value))
    if name == TOP:
        return f"{name} {relation} {value:g}"
    if name in (*SIZES, LENGTH) and relation == "≥" and value == 2:
        return f"{name} > 1"
    if name == SMALLER and value == 1 and relation in ("=", "≤"):
        return "n_a = 1 or m = 1"
    if relation.startswith("mod") and name.endswith(FROM_END):
        return f"{name.removesuffix(FROM_END)} counted from the last {relation} {value:g}"
    if relation.startswith("mod"):
        return f"{summed(name)} {relation} {value:g}"
    if name.endswith(FROM_HALF) and relation == "=":
        place = name.removesuffix(FROM_HALF)
        return f"only {place} {SIZE_OF[place]} // 2"
    if name.endswith(FROM_HALF):
        half = "second" if relation == "≥" else "first"
        return f"in the {half} half of the {name.removesuffix(FROM_HALF)}s"
    if name.endswith(FROM_FAR):
        return f"{plural(kind_of(name))} at least {value:g} away from one of the ends"
    if is_place(name):
        return _place(name.removesuffix(FROM_END), name.endswith(FROM_END), relation, int(value))
    if relation == "≥" and name in (*SIZES, LENGTH) and value > condition.beyond + 1:
        return f"{name} > some number from {condition.beyond:g} to {value - 1:g}"
    if relation in ("≥", "≤") and name in (*SIZES, LENGTH):
        seen = f"right at {condition.beyond:g}, wrong at {value:g}"
        return f"{name} {'>' if relation == '≥' else '<'} {condition.beyond:g} ({seen})"
    if relation in ("≥", "≤"):
        return _threshold(condition)
    if relation == "=" and not value:
        so_far = re.fullmatch(r"the least of (.*\|xt\|.*) so far", name)
        if so_far:
            return f"from the first step on with {so_far[1]} = 0"
        name = re.sub(r"^the largest \|(\w+)\| of", r"\1 of", name)
    return f"{name} {relation} {value + 0.0:g}"


def _rank(relation: str, count: int) -> str:
    """Of how many classes the logit is larger."""
    if not count:
        return "the largest logit alone" if relation in ("=", "≤") else "all but the largest logit"
    how_many = {"≥": f"{count} classes or more", "≤": f"{count} classes or less", "≠": f"not {count} classes"}
    return f"where {how_many.get(relation, f'{count} classes')} have a larger logit"


def _threshold(condition: Condition) -> str:
    """The roundest number between, if the two nearest values leave no doubt of it; else these two."""
    rises = condition.relation == "≥"
    sign = ">" if rises else "<"
    beyond, value = _apart(condition.beyond, condition.value)
    of_both_signs = condition.beyond * condition.value <= 0
    is_at_0 = of_both_signs and max(abs(condition.beyond), abs(condition.value)) < NEARLY
    number = 0.0 if is_at_0 else roundest(*sorted((condition.beyond, condition.value)))
    if not number and not condition.value:
        return f"{condition.feature} {condition.relation} 0 (right at {beyond})"
    if abs(condition.value - condition.beyond) <= NEAR * _spacing(number):
        return f"{condition.feature} {sign} {number:.12g} (right at {beyond}, wrong at {value})"
    low, high = (beyond, value) if rises else (value, beyond)
    least, most = sorted((condition.beyond, condition.value))
    round_one = roundest(least - NEARLY * abs(least), most + NEARLY * abs(most))
    if rises and least > round_one == float(f"{round_one:.1g}"):
        low = f"{round_one:g}"
        if condition.value - round_one < ROUNDED * abs(round_one):
            return f"{condition.feature} {sign} {low}"
    return f"{condition.feature} {sign} some number from {low} to {high}"


NEAR = 0.1
"""How near the values on both sides have to be for a number between them to be meant, in parts of how far
apart numbers of as many digits are.
"""


NEARLY = 1e-3
"""How near, relatively, below what was seen a number of one digit may be meant: what is wrong just beyond a
threshold may be so by less than can be seen.
"""


ROUNDED = 1e-6
"""How near, relatively, it may be seen to be wrong where that number is said alone."""


def _spacing(number: float) -> float:
    """How far apart numbers of as many digits are."""
    digits = next(count for count in range(17) if float(f"{number:.{count}e}") == number or count == 16)
    return 10.0 ** (math.floor(math.log10(abs(number) or 1)) - digits)


def _apart(beyond: float, value: float) -> tuple[str, str]:
    """The nearest values on both sides of a threshold, rounded away from it: what is said of them is true."""
    for digits in range(3, 17):
        both = _rounded(beyond, digits, up=beyond > value), _rounded(value, digits, up=value > beyond)
        if abs(float(both[0]) - float(both[1])) <= 3 * abs(beyond - value):
            return both
    return f"{beyond:.17g}", f"{value:.17g}"


def _rounded(number: float, digits: int, *, up: bool) -> str:
    if number == 0:
        return "0"
    unit = 10.0 ** (math.floor(math.log10(abs(number))) - digits + 1)
    whole = math.ceil(number / unit - 1e-9) if up else math.floor(number / unit + 1e-9)
    return f"{whole * unit:.{digits}g}"


def _precision(relation: str, bits: int) -> str:
    every = (16, 32, 64)
    compare = {"=": int.__eq__, "≠": int.__ne__, "≥": int.__ge__, "≤": int.__le__}.get(relation)
    seen = [f"float{each}" for each in every if compare and compare(each, bits)]
    less = {("float64",): "float32", ("float32", "float64"): "float16"}.get(tuple(seen))
    return f"in {' and '.join(seen)}" + (f" (in {less} within what rounding may do)" if less else "")


def summed(name: str) -> str:
    """A size as what is divided: a sum in brackets."""
    return f"({name})" if " " in name else name


def _place(what: str, from_end: bool, relation: str, k: int) -> str:
    if relation == "=":
        if not from_end:
            asked = max(EXTENTS[-1], 2 * k + 1 if 2 * k <= MOST_AGAIN else k + 2)
            return f"only {what} {k}" + (f" of the first {asked}" if 2 * k >= EXTENTS[-1] else "")
        return f"only the last {what}" if k == 0 else f"only {what} {k} from the last"
    if relation == "≠":
        return f"all but the last {what}" if from_end and k == 0 else f"all but {what} {k}"
    if from_end:
        if relation == "≤":
            return f"only the last {k + 1} {what}s"
        return f"all but the last {what}" if k == 1 else f"all but the last {k} {what}s"
    return f"from {what} {k} on" if relation == "≥" else f"up to {what} {k}"


def roundest(low: float, high: float) -> float:
    """The roundest number between two: a power of ten, 2 or 5 times one, or one of the fewest digits."""
    if not low < high:
        return high
    sign = math.copysign(1, low + high)
    least, most = sorted((abs(low), abs(high))) if low * high > 0 else (0.0, max(abs(low), abs(high)))
    for leading in (1, 5, 2):
        number = leading * 10.0 ** math.floor(math.log10(most / leading))
        if least <= number <= most:
            return sign * number
    middle = (least + most) / 2 if most < 10 * least else math.sqrt(least * most)
    digits = (float(f"{middle:.{count}e}") for count in range(17))
    return sign * next((number for number in digits if least <= number <= most), middle)
