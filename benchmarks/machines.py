"""Does all hold on other processors? Imitates those that one machine can, and prints docs/machines.md.

    python -m benchmarks.machines > docs/machines.md
    python -m benchmarks.machines --short

Environment variables, or a line of Python, make torch and NumPy take other kernels. In each such environment
the libraries are asked what they take (`benchmarks.kernels`); then come random problems
(`benchmarks.soundness`), the laws and the tests. `--short` does a part of them. What goes wrong is printed to
the standard error, and the exit status is 1.
"""

import argparse
import datetime
import json
import os
import platform
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
FIGURES = [f"{who} {dtype}" for who in ("reference", "torch") for dtype in ("float16", "float32", "float64")]
PROBLEMS = {True: 200, False: 10_000}
"""How many are drawn, in short and in full."""
PROFILE = {True: "quick", False: "ci"}
SOME = "pytorch or layout or forwards or activations or known_answers"
"""The tests of what kernels compute, in short."""

PAGE = """\
# On other processors

```sh
python -m benchmarks.machines{short} > docs/machines.md
```

The processor decides which kernels torch and NumPy use, but settings can select most of the others. Each
row is one such environment, in which the reference and torch answer {problems} random problems of every
regime. A figure is the worst error of one step, as a fraction of its bound, measured from the exact
enclosures; figures up to 1 are sound. Results differ in their last bits between rows; the worst errors
hardly do. A trajectory beyond its bound makes a row wrong, too. *Laws* is `pytest properties`, and *tests*
is `pytest oracle reference{some}`, in the profile *{profile}*.

Measured on {date}, with Python {python}, NumPy {numpy} and torch {torch} on {processor}.

{measured}

## Selected kernels

The names are those that the libraries report. A row lists only the libraries whose kernels differ from
those in the first row. The first answer of each torch module is computed without gradients. The last column
names the modules whose later answers are not equal to the first bit for bit: when called again, in
inference mode, with gradients, or with a strided state. All these answers are right, so no test requires
them to be equal.

{taken}

## Environments that were left out

{missing}
"""


@dataclass(eq=False)
class Environment:
    """What is set, and what is done first, in each process of it; and what came of that."""

    name: str
    variables: Mapping[str, str] = field(default_factory=dict)
    first: str = ""
    missing: str = ""
    kernels: Mapping[str, str] = field(default_factory=dict)
    not_repeated: Mapping[str, Sequence[str]] = field(default_factory=dict)
    worst: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    laws: str = ""
    tests: str = ""
    wrong: bool = False

    @property
    def setting(self) -> str:
        """In code."""
        settings = [self.first, *(f"{name}={value}" for name, value in self.variables.items())]
        return ", ".join(f"`{setting}`" for setting in settings if setting)

    def run(self, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`python -m module arguments`, on one thread unless it says otherwise."""
        main = f"import runpy; runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
        return subprocess.run(
            [sys.executable, "-c", f"{self.first}\n{main}", *arguments],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", **self.variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def look(self) -> "Environment":
        """Which kernels there are, or that this processor cannot run them."""
        ran = self.run("benchmarks.kernels")
        if ran.returncode:
            self.missing = f"this processor cannot run it ({ending(ran)})"
        else:
            said = json.loads(ran.stdout)
            self.kernels, self.not_repeated = said["kernels"], said["not repeated"]
        return self

    def figure(self, name: str) -> str:
        """The worst of one of the `FIGURES`."""
        who, dtype = name.split()
        return f"{self.worst[dtype][f'{who} step exact']:.3f}" if self.worst else "—"

    def measure(self, *, short: bool) -> "Environment":
        """What comes of the problems, the laws and the tests."""
        profile = f"--hypothesis-profile={PROFILE[short]}"
        options = ("-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", profile)
        problems = self.run("benchmarks.soundness", "--json", "--seed=1", f"--problems={PROBLEMS[short]}")
        laws = self.run("pytest", "properties", *options)
        tests = self.run("pytest", "oracle", "reference", *options, *(("-k", SOME) if short else ()))
        for ran in (problems, laws, tests):
            if ran.returncode:
                self.wrong = True
                print(f"{self.name}, {self.setting}: {ending(ran)}", file=sys.stderr)
                print(ran.stdout[-5000:], ran.stderr[-5000:], file=sys.stderr)
        *_, last = problems.stdout.splitlines() or [""]
        self.worst = json.loads(last) if last.startswith("{") else {}
        self.laws, self.tests = ending(laws), ending(tests)
        return self


def main() -> int:
    """Look, measure, and print the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="a part of it, for CI")
    short = parser.parse_args().short
    as_it_is = Environment("as it is").look()
    if as_it_is.missing:
        print(f"Nothing can be measured here: {as_it_is.missing}", file=sys.stderr)
        return 1
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [as_it_is, *pool.map(Environment.look, others(as_it_is.kernels["NumPy"].split()))]
        names: dict[str, str] = {}
        for each in found:
            alike = names.setdefault(str(each.kernels), each.name)
            if not each.missing and alike != each.name:
                each.missing = f"the same kernels as *{alike}*"
        there = [each for each in found if not each.missing]
        for each in pool.map(partial(Environment.measure, short=short), there):
            print(f"{each.name}: {'WRONG' if each.wrong else 'right'}", file=sys.stderr, flush=True)
    print(page(found, short=short), end="")
    return int(any(each.wrong for each in found))


def others(features: Sequence[str]) -> Iterator[Environment]:
    """Also those that this machine may not have; the features are NumPy's."""
    for isa in ("SSE41", "AVX2", "AVX512_CORE"):
        yield Environment(f"oneDNN {isa}", {"ONEDNN_MAX_CPU_ISA": isa})
    yield Environment("without oneDNN", first="import torch; torch.backends.mkldnn.set_flags(False)")
    for branch in ("COMPATIBLE", "AVX2"):
        yield Environment(f"MKL {branch}", {"MKL_CBWR": branch})
    for capability in ("default", "avx2", "avx512"):
        yield Environment(f"ATen {capability}", {"ATEN_CPU_CAPABILITY": capability})
    for core in ("Prescott", "Haswell", "SkylakeX", "Zen"):
        yield Environment(f"OpenBLAS {core}", {"OPENBLAS_CORETYPE": core})
    wide = [name for name in features if name.startswith(("AVX512", "X86_V4"))]
    for name, without in (("NumPy without AVX-512", wide), ("NumPy baseline", features)):
        yield Environment(name, {"NPY_DISABLE_CPU_FEATURES": " ".join(without)})
    # MKL's number is torch's too; OpenMP's is set by conftest.py.
    yield Environment("two threads", {"MKL_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"})


def ending(ran: subprocess.CompletedProcess[str]) -> str:
    """How a process ended: in the words of pytest, by a signal, or with a status."""
    if ran.returncode < 0:
        return signal.Signals(-ran.returncode).name
    counted = re.search(r"^(\d+ .*) in [\d.]+s", ran.stdout, re.MULTILINE)
    return counted[1] if counted else f"exit status {ran.returncode}"


def page(found: Sequence[Environment], *, short: bool) -> str:
    """In Markdown."""
    measured = [["", *FIGURES, "laws", "tests"], ["---", *["--:"] * len(FIGURES), "---", "---"]]
    taken = [["", "set", "kernels", "not repeated bit for bit"], ["---"] * 4]
    for each in found:
        if each.missing:
            continue
        another = [
            pair for pair in each.kernels.items() if each is found[0] or pair not in found[0].kernels.items()
        ]
        ways = [f"{', '.join(modules)} ({way})" for way, modules in each.not_repeated.items()]
        measured.append([each.name, *map(each.figure, FIGURES), each.laws, each.tests])
        kernels = [f"{library}: {name or 'nothing more'}" for library, name in another]
        taken.append([each.name, each.setting, "; ".join(kernels), "; ".join(ways)])
    return PAGE.format(
        short=" --short" if short else "",
        some=f" -k '{SOME}'" if short else "",
        profile=PROFILE[short],
        problems=f"{PROBLEMS[short]:,}",
        date=datetime.date.today(),
        python=platform.python_version(),
        numpy=version("numpy"),
        torch=version("torch"),
        processor=processor(),
        measured=table(measured),
        taken=table(taken),
        missing="\n".join(f"- {e.name}, {e.setting}: {e.missing}." for e in found if e.missing) or "Nothing.",
    )


def table(rows: Sequence[Sequence[str]]) -> str:
    """In Markdown."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def processor() -> str:
    """Its name, where the system tells."""
    cpus = Path("/proc/cpuinfo")
    name = re.search(r"^model name\s*: (.*)$", cpus.read_text() if cpus.exists() else "", re.MULTILINE)
    return f"{platform.machine()} ({name[1]})" if name else platform.machine()


if __name__ == "__main__":
    sys.exit(main())
