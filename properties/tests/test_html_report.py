"""The report as one HTML page: accessible, with the failures in their order."""

import base64
import hashlib
import html
import math
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from properties.reports.html_report import as_html, as_page_of_target
from properties.reports.judgement import judgements
from properties.reports.run import Run
from properties.tests.html_pages import Page
from properties.tests.results import ENVIRONMENT, every_verdict, failed, passed, run_of
from properties.trials.provided_functions import USABLE
from reference.contract import CONTRACTS, FUNCTIONS

pytestmark = pytest.mark.slow


def test_the_page_is_one_file_and_accessible() -> None:
    source = as_html(run_of(every_verdict()))
    page = Page(source)
    found = Counter(tag for tag, _ in page.attributes)
    assert source.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert found["main"] == found["h1"] == found["title"] == 1
    assert not found.keys() & {"link", "img", "iframe", "object", "base", "form"}
    assert "url(" not in source
    assert "@import" not in source

    levels = [int(tag[1]) for tag, _ in page.attributes if re.fullmatch(r"h\d", tag)]
    assert all(next_ <= level + 1 for level, next_ in pairwise(levels))
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {*page.values("aria-labelledby"), *(href[1:] for href in page.values("href"))} <= set(ids)
    assert all(href.startswith("#") for href in page.values("href"))
    for tag, attributes in page.attributes:
        if tag == "th":
            assert attributes["scope"] in ("col", "row", "rowgroup")
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.attributes


def test_the_page_tells_a_status_in_words_as_well() -> None:
    text = " ".join(" ".join(Page(as_html(run_of(every_verdict()))).text).split())
    verdicts = ("✓ conforms", "✗ differs", "~ not robust", "– incomplete", "… unfinished", "? not judged")
    for shown in (*verdicts, "! unusable"):
        assert shown in text
    for shown in ("✗ failed", "✗ expected", "skipped", "rnn lstm largest error spec shapes 80 80"):
        assert shown in text
    assert "(expected: <known> & so on )" in text or "(expected: <known> & so on)" in text


def test_no_script_runs_but_our_own() -> None:
    page = as_html(run_of(every_verdict()))
    (script,) = re.findall(r"<script>(.*)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="(.*?)"', page)
    assert policy == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def test_the_verdicts_come_first_then_the_mistakes_then_each_failure() -> None:
    softmax: dict[str, Any] = {"diagnosis": ["the softmax overflows"], "grade": "robust"}
    results = [
        *(failed(name, law, **softmax) for name in "abcde" for law in ("empty", "extreme")),
        *(failed(name, diagnosis=["bf is left out"]) for name in "ab"),
        passed("f"),
    ]
    page = as_html(run_of(results, ["g"]))
    text = " ".join(" ".join(Page(page).text).split())
    told = [
        "7 implementations judged: 1 conforms, 4 are right on ordinary inputs",
        "interrupted: 1 implementation is not judged",
        *("Verdicts", "a ✗ differs ✗ differs 1 2"),
        *("Mistakes, the most frequent first", "1 the softmax overflows a, b, c and 2 more d, e 5"),
        "2 bf is left out a, b 2",
        *("Failures, grouped by mistake", "1. the softmax overflows (5 implementations)"),
        "a : rnn in empty, extreme rnn_forward of a: empty (a spec law)",
    ]
    assert [words for words in told if words not in text.replace("a: rnn", "a : rnn")] == []
    places = [text.replace("a: rnn", "a : rnn").index(words) for words in told]
    assert places == sorted(places)
    assert '<table tabindex="0" class="laws' in page  # one scrolls it by keys
    assert page.count("returned None") == 7  # once for each mistake of each


def test_a_failure_of_no_function_names_the_law_alone() -> None:
    results = [failed("d_syntax.py", USABLE, "", usable=False, counterexample=""), passed("a")]
    text = " ".join(" ".join(Page(as_html(run_of(results))).text).split())
    assert f"in {USABLE}" not in text
    assert text.count(f"d_syntax.py: {USABLE}") == 3  # summary, message, implementation


def test_many_functions_have_narrow_columns() -> None:
    few = [passed("a", function=name) for name in FUNCTIONS]
    many = [*few, passed("a", function="lstm_layer")]
    assert 'class="matrix"' in as_html(run_of(few))
    assert 'class="matrix many"' in as_html(run_of(many))


def test_colours_have_enough_contrast() -> None:
    """WCAG 2, level AA: 4.5 to 1, in both schemes."""
    source = as_html(run_of([]))
    colours = re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\)", source)
    for scheme in ({name: each[i] for name, *each in colours} for i in (0, 1)):
        badges = {"right", "extreme", "wrong", "missing", "unknown"}
        assert badges < {*scheme}
        for ink in badges | {"ink", "quiet", "link"}:
            assert contrast(scheme["page"], scheme[ink]) >= 4.5, ink
            tint = mixed(scheme[ink], scheme["page"], 0.12)  # the ground of a badge
            assert ink not in badges or contrast(tint, scheme[ink]) >= 4.5, ink
        assert contrast(scheme["box"], scheme["ink"]) >= 4.5
    assert "color-mix(in srgb, currentcolor 12%, var(--page))" in source


def mixed(one: str, other: str, share: float) -> str:
    parts = zip(channels(one), channels(other), strict=True)
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in parts)


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    shares = (channel / 255 for channel in channels(colour))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def channels(colour: str) -> list[int]:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    return [int(digits[i : i + 2], 16) for i in (0, 2, 4)]


def test_the_worst_error_of_each_law_stands_beside_its_results() -> None:
    results = [
        passed("a", worst_ratio=0.25),
        failed("a", "split", worst_ratio=math.inf),
        passed("a", "each step"),
    ]
    text = " ".join(" ".join(Page(as_html(run_of(results))).text).split())
    assert "each step 80 shapes 80 0.25 split ✗ failed inf" in text


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium is installed: apt install chromium")
@pytest.mark.parametrize("width", [390, 1200])
def test_a_browser_lays_the_report_out_without_scrolling_sideways(tmp_path: Path, width: int) -> None:
    """With everything unfolded, and of twelve functions; nor does one scroll the table of verdicts."""
    long = "a_directory/" * 12
    results = [passed(long, law, name) for name in CONTRACTS for law in ("split", "samples independent")]
    results += [*every_verdict(), failed(long, message=long.replace("/", "")), passed(long, "each step")]
    page = as_html(Run(judgements(results), {**ENVIRONMENT, "blas": long}))
    measured = measured_in_browser(page, ["html", ".matrix"], width, tmp_path)
    assert all(content == visible for content, visible in measured)


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium is installed: apt install chromium")
@pytest.mark.parametrize("width", [390, 1200])
def test_a_browser_lays_the_page_of_a_target_out_without_scrolling_sideways(
    tmp_path: Path, width: int
) -> None:
    results = [passed("a", law, name) for name in CONTRACTS for law in ("split", "shapes")]
    (judgement,) = judgements([*results, failed("a", diagnosis=["x " * 99])])
    page = as_page_of_target(judgement, "a_directory/" * 12)
    measured = measured_in_browser(page, ["html", "table"], width, tmp_path)
    assert all(content == visible for content, visible in measured)


def measured_in_browser(
    page: str, selectors: Sequence[str], width: int, folder: Path
) -> list[tuple[int, int]]:
    """How wide the content of each element is, and how wide it is shown, with everything unfolded.

    In a frame, for no window is as narrow as a phone.
    """
    page = page.replace("<details", "<details open")
    page, allowed = re.subn(r"<meta http-equiv=.Content-Security-Policy.*?>", "", page)  # it allows no script
    assert allowed == 1
    tell = f"const shown = {list(selectors)}.map(each => document.querySelector(each));"
    tell += "parent.document.title = shown.map(each => `${each.scrollWidth} of ${each.clientWidth}`).join()"
    frame = html.escape(page.replace("</body>", f"<script>{tell}</script></body>"))
    framed = folder / "framed.html"
    framed.write_text(f'<!DOCTYPE html><title></title><iframe width="{width}" srcdoc="{frame}"></iframe>')

    without = ["gpu", "quic", "background-networking", "component-update", "sync"]
    options = ["--headless", "--no-sandbox", "--no-first-run", *(f"--disable-{what}" for what in without)]
    options += [f"--user-data-dir={folder / 'profile'}", "--dump-dom", framed.as_uri()]
    command = [str(CHROMIUM), *options]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    (title,) = re.findall(r"<title>(.*)</title>", shown.stdout)
    measured = [(int(content), int(visible)) for content, visible in re.findall(r"(\d+) of (\d+)", title)]
    assert len(measured) == len(selectors), shown.stdout[:500] + shown.stderr
    assert width - 20 <= measured[0][1] <= width  # a scroll bar takes its part
    return measured
