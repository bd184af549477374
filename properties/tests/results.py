"""Results of laws, to make reports of."""

from collections.abc import Sequence
from typing import Any

from oracle.explanations.claims import Claim
from properties.reports.judgement import judgements
from properties.reports.results import LawResult
from properties.reports.run import Run
from properties.trials.provided_functions import PROVIDED, USABLE

PROBLEM = 'Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=1, regime="ternary", seed=0, dtype="float64")'

ENVIRONMENT = {"python": "3.13.0", "seed": "<1>"}

MISSING = Claim.of("lacking", what="missing", function="lstm_forward", detail="")


def passed(implementation: str, law: str = "shapes", function: str = "rnn_forward", **more: Any) -> LawResult:
    return LawResult(
        **{"grade": "spec", "seconds": 0.1, "problems": 80, **more},
        implementation=implementation,
        law=law,
        function=function,
        status="passed",
    )


def failed(
    implementation: str,
    law: str = "shapes",
    function: str = "rnn_forward",
    diagnosis: Sequence[str] = (),
    **more: Any,
) -> LawResult:
    """A failure, of which this is told in so many words."""
    more = {"findings": tuple(Claim.of("form", text=words) for words in diagnosis), **more}
    message = (
        f"{function} of {implementation}: {law} (a spec law)\n  form     returned None\n  problem  {PROBLEM}"
    )
    return LawResult(
        **{"grade": "spec", "seconds": 0.1, "counterexample": PROBLEM, "message": message, **more},
        implementation=implementation,
        law=law,
        function=function,
        status="failed",
    )


def skipped(
    implementation: str, law: str = "shapes", function: str = "rnn_forward", **more: Any
) -> LawResult:
    return LawResult(
        **{"grade": "spec", "seconds": 0.0, "message": f"{implementation} has no {function}", **more},
        implementation=implementation,
        law=law,
        function=function,
        status="skipped",
    )


def left_out(
    implementation: str, law: str = "shapes", function: str = "rnn_forward", **more: Any
) -> LawResult:
    """A law none of whose problems could be judged."""
    given = {"message": "too slow beyond n_x=1", "problems": 0, "too_slow": 80, "late": PROBLEM, **more}
    return skipped(implementation, law, function, **given)


def every_verdict() -> list[LawResult]:
    """Results of one implementation of each verdict, called by it."""
    nothing: dict[str, Any] = {"message": "unusable cannot be imported: <b>ValueError</b>", "usable": False}
    return [
        passed("conforms", worst_ratio=0.07),
        passed("conforms", function="lstm_forward", worst_ratio=0.2),
        passed("not robust"),
        failed("not robust", "empty", grade="robust", worst_ratio=float("inf")),
        failed("differs", "each step", diagnosis=["<i>c</i> & a", "x"], inherited=True, worst_ratio=3e12),
        failed("differs", expected="<known> & so on", inherited=True),
        failed("differs", "split", inherited=True),
        passed("incomplete", PROVIDED),
        failed(
            "incomplete",
            PROVIDED,
            "lstm_forward",
            message="incomplete has no lstm_forward",
            findings=(MISSING,),
            counterexample="",
        ),
        skipped("incomplete", function="lstm_forward"),
        skipped(
            "unfinished", message="rnn_forward of unfinished is not finished: 'a = None'", unfinished=True
        ),
        passed("not judged"),
        failed("not judged", "split", ours=True),
        failed("unusable", USABLE, "", [nothing["message"]], **nothing, counterexample=""),
        skipped("unusable", **nothing),
    ]


def run_of(results: Sequence[LawResult], left: Sequence[str] = ()) -> Run:
    """A run with these results."""
    return Run(judgements(results, left), ENVIRONMENT)
