"""Do all laws and tests hold on other processors? Imitates the processors whose kernels this machine can run.

    python -m benchmarks.machines --output docs/machines.md
    python -m benchmarks.machines --short

Environment variables, or a line of Python, make torch and NumPy select other kernels. Each such environment
reports its kernels. Then random problems (`benchmarks.soundness`), the laws and the tests run in it. With
`--short`, there are fewer environments, problems and tests. If something is wrong, it is printed to the
standard error, and the exit status is 1.
"""

import ctypes
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
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.shared import ROOT, argument_parser, table, write

FIGURES = [f"{who} {dtype}" for who in ("reference", "torch") for dtype in ("float16", "float32", "float64")]
VERBOSE = {"ONEDNN_VERBOSE": "1", "MKL_VERBOSE": "1"}
KERNEL_TESTS = "pytorch or layout or forwards or activations or known_answers"
"""The tests whose results depend on the kernels."""


@dataclass(frozen=True)
class Extent:
    """How much runs in each environment."""

    problems: int
    profile: str
    test_options: Sequence[str] = ()


FULL, SHORT = Extent(10_000, "ci"), Extent(200, "quick", ("-k", KERNEL_TESTS))


@dataclass(eq=False)
class Environment:
    """Settings that select kernels, and what was measured with these settings."""

    name: str
    variables: Mapping[str, str] = field(default_factory=dict)  # of the environment of each process
    first_line: str = ""  # of the Python code of each process
    missing: str = ""  # why nothing was measured
    kernels: Mapping[str, str] = field(default_factory=dict)  # by library
    worst: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # errors, by dtype and figure
    laws: str = ""  # how the run of the laws ended
    tests: str = ""
    is_wrong: bool = False

    @property
    def settings(self) -> str:
        """The line and the variables, as code in Markdown."""
        settings = [self.first_line, *(f"{name}={value}" for name, value in self.variables.items())]
        return ", ".join(f"`{setting}`" for setting in settings if setting)

    def run(self, code: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run Python code in a process, on one thread unless the environment sets another number."""
        return subprocess.run(
            [sys.executable, "-c", f"{self.first_line}\n{code}", *arguments],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", **variables, **self.variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def run_module(self, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m module arguments` in the environment."""
        code = f"import runpy; runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
        return self.run(code, *arguments)

    def find_kernels(self) -> "Environment":
        """Set `kernels`; or `missing`, if this processor cannot run the kernels."""
        process = self.run("from benchmarks.machines import print_kernels; print_kernels()", **VERBOSE)
        if process.returncode:
            self.missing = f"this processor cannot run it ({ending(process)})"
        else:
            self.kernels = kernels_in(process.stdout)
        return self

    def measure(self, extent: Extent) -> "Environment":
        """Run the problems, the laws and the tests, and set the results."""
        profile = f"--hypothesis-profile={extent.profile}"
        options = ("-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", profile)
        count = f"--problems={extent.problems}"
        problems = self.run_module("benchmarks.soundness", "--json", "--seed=1", count)
        laws = self.run_module("pytest", "properties", *options)
        tests = self.run_module("pytest", "oracle", "reference", *options, *extent.test_options)
        for process in (problems, laws, tests):
            if process.returncode:
                self.is_wrong = True
                print(f"{self.name}, {self.settings}: {ending(process)}", file=sys.stderr)
                print(process.stdout[-5000:], process.stderr[-5000:], file=sys.stderr)
        *_, last = problems.stdout.splitlines() or [""]
        self.worst = json.loads(last) if last.startswith("{") else {}
        self.laws, self.tests = ending(laws), ending(tests)
        return self

    def figure(self, name: str) -> str:
        """Return the worst error of one of the `FIGURES`."""
        who, dtype = name.split()
        return f"{self.worst[dtype][f'{who} step exact']:.3f}" if self.worst else "—"


def environments(features: Sequence[str], *, short: bool) -> Iterator[Environment]:
    """Yield all environments except the usual one, even those that this machine cannot run.

    `features` are NumPy's features of this processor. If the run is `short`, one environment sets
    all libraries to their oldest kernels, and one to those of AVX2.
    """
    avx512 = [name for name in features if name.startswith(("AVX512", "X86_V4"))]

    def values(library: str, *values: str) -> dict[str, str]:
        return {f"{library} {value}": value for value in values}

    of_libraries: Mapping[str, Mapping[str, str]] = {
        "ONEDNN_MAX_CPU_ISA": values("oneDNN", "SSE41", "AVX2", "AVX512_CORE"),
        "MKL_CBWR": values("MKL", "COMPATIBLE", "AVX2"),
        "ATEN_CPU_CAPABILITY": values("ATen", "default", "avx2", "avx512"),
        "OPENBLAS_CORETYPE": values("OpenBLAS", "Prescott", "Haswell", "SkylakeX", "Zen"),
        "NPY_DISABLE_CPU_FEATURES": {
            "NumPy baseline": " ".join(features),
            "NumPy without AVX-512": " ".join(avx512),
        },
    }
    if short:
        oldest, avx2 = zip(*([*settings.values()][:2] for settings in of_libraries.values()), strict=True)
        yield Environment("oldest kernels", dict(zip(of_libraries, oldest, strict=True)))
        yield Environment("AVX2", dict(zip(of_libraries, avx2, strict=True)))
    else:
        for variable, settings in of_libraries.items():
            for name, setting in settings.items():
                yield Environment(name, {variable: setting})
    yield Environment("without oneDNN", first_line="import torch; torch.backends.mkldnn.set_flags(False)")
    # not OMP_NUM_THREADS, which conftest.py overwrites; torch uses MKL's number, too
    yield Environment("two threads", {"MKL_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"})


def main() -> int:
    """Find the kernels, measure in each environment, and write the tables."""
    parser = argument_parser(__doc__)
    parser.add_argument("--short", action="store_true", help="fewer environments, problems and tests")
    parser.add_argument("--output", type=Path, help="a page whose tables to replace (default: print)")
    options = parser.parse_args()
    extent = SHORT if options.short else FULL
    usual = Environment("as it is").find_kernels()
    if usual.missing:
        print(f"Nothing can be measured here: {usual.missing}", file=sys.stderr)
        return 1
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        others = environments(usual.kernels["NumPy"].split(), short=options.short)
        all_environments = [usual, *pool.map(Environment.find_kernels, others)]
        names: dict[str, str] = {}
        for each in all_environments:
            first = names.setdefault(str(each.kernels), each.name)
            if not each.missing and first != each.name:
                each.missing = f"the same kernels as *{first}*"
        measured = [each for each in all_environments if not each.missing]
        for each in pool.map(partial(Environment.measure, extent=extent), measured):
            print(f"{each.name}: {'WRONG' if each.is_wrong else 'right'}", file=sys.stderr, flush=True)
    write(parts(measured, [each for each in all_environments if each.missing], extent), options.output)
    return int(any(each.is_wrong for each in measured))


def print_kernels() -> None:
    """Call the kernels, and print which ones the libraries select.

    With `VERBOSE`, oneDNN and MKL print this themselves. The last line is JSON, with the kernels of the other
    libraries. For NumPy it has the features of the processor that NumPy uses beyond its baseline.
    """
    import numpy as np
    import torch

    with torch.no_grad():
        for dtype in (torch.float16, torch.float32, torch.float64):
            state = torch.randn(1, 9, 7, dtype=dtype)
            torch.nn.LSTM(5, 7, dtype=dtype)(torch.randn(6, 9, 5, dtype=dtype), (state, state))
            array = torch.rand(65, 65).to(dtype).numpy()
            np.tanh(array @ array).sum()
    numpy_core: Any = import_module("numpy._core._multiarray_umath")  # which has no types
    used = [name for name in numpy_core.__cpu_dispatch__ if numpy_core.__cpu_features__[name]]
    core, threads = "none", "1"  # if NumPy uses another library than OpenBLAS
    with suppress(AttributeError):
        library = ctypes.CDLL(numpy_core.__file__)
        library.scipy_openblas_get_corename64_.restype = ctypes.c_char_p
        core = library.scipy_openblas_get_corename64_().decode()
        threads = library.scipy_openblas_get_num_threads64_()
    report = {
        "ATen": torch.backends.cpu.get_cpu_capability(),
        "OpenBLAS": core,
        "NumPy": " ".join(used),
        "threads": f"torch {torch.get_num_threads()}, OpenBLAS {threads}",
    }
    print(json.dumps(report))


def kernels_in(output: str) -> dict[str, str]:
    """Return the kernels by library, from the output of `print_kernels`."""
    isa = re.search(r"^onednn_verbose.*,isa:(.*)$", output, re.MULTILINE)
    kernel = r"^onednn_verbose.*,exec,cpu,rnn,([^,]*),.*?src_layer.(f\d+)"
    lstms = {f"LSTM in {dtype} by {name}" for name, dtype in re.findall(kernel, output, re.MULTILINE)}
    mkl = re.search(r"^MKL_VERBOSE oneMKL.*", output, re.MULTILINE)
    report: Mapping[str, str] = json.loads(output.splitlines()[-1])
    return {
        "oneDNN": ", ".join([isa[1] if isa else "none", *sorted(lstms)]),
        "MKL": " and ".join(re.findall(r"\(Intel\(R\) ([^()]*)\)", mkl[0])) or "generic" if mkl else "none",
        **report,
    }


def ending(process: subprocess.CompletedProcess[str]) -> str:
    """Return how a process ended: the counts of pytest, a signal, or the exit status."""
    if process.returncode < 0:
        return signal.Signals(-process.returncode).name
    counts = re.search(r"^(\d+ .*) in [\d.]+s", process.stdout, re.MULTILINE)
    return counts[1] if counts else f"exit status {process.returncode}"


def parts(measured: Sequence[Environment], missing: Sequence[Environment], extent: Extent) -> dict[str, str]:
    """Return the measured parts of the page by name. The first environment is the usual one."""
    usual = measured[0].kernels
    kernels = []
    for each in measured:
        own = [item for item in each.kernels.items() if each is measured[0] or item not in usual.items()]
        texts = [f"{library}: {names or 'nothing more'}" for library, names in own]
        kernels.append([each.name, each.settings, "; ".join(texts)])
    versions = f"Python {platform.python_version()}, NumPy {version('numpy')} and torch {version('torch')}"
    return {
        "versions": (
            f"Measured on {datetime.date.today()}, with {versions} on {processor()}: {extent.problems:,} "
            f"problems in each row, and the laws and tests in the profile *{extent.profile}*."
        ),
        "measured": table(
            ["", *FIGURES, "laws", "tests"],
            [[each.name, *map(each.figure, FIGURES), each.laws, each.tests] for each in measured],
        ),
        "kernels": table(["", "set", "kernels"], kernels),
        "missing": "\n".join(f"- {e.name}, {e.settings}: {e.missing}." for e in missing) or "None.",
    }


def processor() -> str:
    """Return the architecture of the processor, and its name if the system reports it."""
    cpus = Path("/proc/cpuinfo")
    name = re.search(r"^model name\s*: (.*)$", cpus.read_text() if cpus.exists() else "", re.MULTILINE)
    return f"{platform.machine()} ({name[1]})" if name else platform.machine()


if __name__ == "__main__":
    sys.exit(main())
