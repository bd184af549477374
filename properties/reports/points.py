"""The points of a target: how many each function gives, and from which grade on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from properties.reports.judgement import Judgement
from properties.reports.results import GRADES
from properties.reports.toml_file import read_toml
from properties.worker.targets import closest
from reference.contract import CONTRACTS


@dataclass(frozen=True)
class Points:
    """The `points` that each function gives if it holds the `grade`, and with *robust* also *spec*.

    Raises `ValueError` for any other grade, function or number.
    """

    grade: str
    points: Mapping[str, float]

    def __post_init__(self) -> None:
        if self.grade not in GRADES:
            raise ValueError(f"key 'grade' is {self.grade!r}, expected 'spec' or 'robust'")
        if not isinstance(self.points, dict) or not self.points:
            raise ValueError("there is no table [points] with a number for each function")
        for name, number in self.points.items():
            if name not in CONTRACTS:
                raise ValueError(f"[points]: there is no function {name!r}{closest(name, CONTRACTS)}")
            if type(number) not in (int, float) or not 0 <= number < math.inf:
                raise ValueError(f"[points]: {name} is {number!r}, expected a number from 0 up")

    def of(self, judgement: Judgement) -> dict[str, float]:
        """The points of each function: for an inherited failure all, for a missing function none.

        Empty if the target was not judged completely.
        """
        needed = {*GRADES[: GRADES.index(self.grade) + 1]}
        return {
            name: number * (needed <= {*judgement.grades_held(name, without_inherited=True)})
            for name, number in self.points.items()
            if not judgement.is_left
        }


def read(path: Path) -> Points:
    """Read a TOML file. Raises `ValueError` that says what is wrong with the file."""
    content = read_toml(path)
    try:
        for key in content:
            if key not in ("grade", "points"):
                raise ValueError(f"key {key!r} is unknown{closest(key, ('grade', 'points'))}")
        return Points(content.get("grade", "spec"), content.get("points", {}))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
