"""The picture of errors and bounds has a curve for each of them, and no error exceeds its bound."""

from xml.etree import ElementTree

from benchmarks.picture import PANELS, STYLES, curves, picture


def test_no_error_exceeds_its_bound() -> None:
    for gain in PANELS.values():
        found = curves(gain, steps=4)
        assert found.keys() == STYLES.keys()
        for of in ("whole trajectory", "one step"):
            errors, bounds = found[f"error, {of}"], found[f"bound, {of}"]
            assert len(errors) == len(bounds) == 4
            assert all(error <= bound for error, bound in zip(errors, bounds, strict=True))


def test_the_picture_has_every_curve() -> None:
    drawn = picture({title: curves(gain, steps=2) for title, gain in PANELS.items()})
    elements = [*ElementTree.fromstring(drawn).iter()]
    lines = [each.attrib["points"] for each in elements if each.tag.endswith("polyline")]
    assert len(lines) == len(PANELS) * len(STYLES)
    assert all(line.count(",") == 2 for line in lines)
    assert {*PANELS, *STYLES} <= {each.text for each in elements}
