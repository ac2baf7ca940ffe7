"""Charts: what is drawn, whatever the numbers and the text."""

import base64
import re
from xml.etree import ElementTree

import pytest

from flows import charts

SVG = "{http://www.w3.org/2000/svg}"
NASTY = '</text><script>alert(1)</script> & "it\'s" \x1b\u202e\ud800\ufffe 漢字' * 4


def texts(svg: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def boxes(svg: str) -> list[ElementTree.Element]:
    """The bars, without the card behind them and the marks of the legend."""
    return ElementTree.fromstring(svg).findall(f"{SVG}rect")[1:]


@pytest.mark.parametrize(
    "svg",
    [
        charts.bars(NASTY, [(NASTY, 3), (NASTY, 0)] + [(str(n), n) for n in range(500)]),
        charts.stacked(NASTY, [(NASTY, 1), (NASTY, 10**12)] * 200),
        charts.trend(NASTY, [NASTY] * 30, {f"{NASTY}{n}": [1.5, None, n] * 10 for n in range(50)}),
        charts.trend("day by day", ["11-01"] * 400, {"a": [0.01, 0.02] * 200}, "%"),
    ],
)
def test_a_chart_is_small_and_whole_whatever_the_text(svg: str) -> None:
    """Text is never markup, what there is no place for is cut short, and a picture stays small."""
    root = ElementTree.fromstring(svg)
    assert {each.tag.removeprefix(SVG) for each in root.iter()} <= {
        *("svg", "rect", "text", "path", "circle", "g")
    }
    assert len(svg) < 20_000
    assert all(float(each.get("width", "0")) <= 720 for each in root.iter(f"{SVG}rect"))


def test_bars_are_as_long_as_their_values() -> None:
    """A value twice as large is twice as long; zero has no length; the least can be seen."""
    svg = charts.bars("Found by", [("phone", 200), ("email", 100), ("CRM id", 0), ("new", 0.001)])
    phone, email, crm_id, new = (float(each.get("width", "")) for each in boxes(svg))
    assert phone == pytest.approx(2 * email, abs=0.2)
    assert crm_id == 0
    assert new == 3
    assert texts(svg)[1:] == ["phone", "200", "email", "100", "CRM id", "0", "new", "0.001"]


def test_what_is_beyond_twenty_bars_is_one_bar() -> None:
    """The sum of what there is no place for is told, not lost."""
    svg = charts.bars("Reasons", [(f"reason {n}", 10) for n in range(25)])
    assert texts(svg)[-2:] == ["6 more", "60"]


def test_parts_of_a_whole_fill_the_bar_and_tell_their_shares() -> None:
    """The parts are side by side; a very small one is still seen, and nothing is not drawn."""
    svg = charts.stacked("Rows", [("new", 999_999), ("rejected", 1), ("deleted", 0)])
    drawn = boxes(svg)
    assert float(drawn[1].get("width", "")) == 2
    end = float(drawn[1].get("x", "")) + float(drawn[1].get("width", ""))
    assert end == pytest.approx(720 - 20, abs=2)
    assert texts(svg)[1:] == ["new: 999,999 (over 99.9 %)", "rejected: 1 (under 0.1 %)"]


def test_a_part_keeps_its_colour() -> None:
    """Whoever compares two reports sees the same word in the same colour."""
    both = charts.stacked("Rows", [("new", 1), ("changed", 1), ("rejected", 2)])
    one = charts.stacked("Rows", [("new", 0), ("changed", 0), ("rejected", 2)])
    assert boxes(one)[0].get("fill") == boxes(both)[2].get("fill")


def test_a_line_breaks_where_there_is_no_value() -> None:
    """A day without an import is a gap, not a zero."""
    svg = charts.trend("Rejects", ["a", "b", "c", "d", "e"], {"x": [1, 2, None, 4, None]}, "%")
    assert len(re.findall('stroke="#0072b2"', svg)) == 2  # one line of two points, and the legend
    assert svg.count("<circle") == 3
    assert {"0 %", "1 %", "4 %", "x"} <= set(texts(svg))


def test_no_more_lines_are_drawn_than_colours_tell_apart() -> None:
    """What is left out is told."""
    svg = charts.trend("Rejects", ["a", "b"], {str(n): [n, n] for n in range(11)})
    assert texts(svg)[-1] == "and 3 more, not shown"


@pytest.mark.parametrize(
    "svg",
    [
        charts.bars("x", []),
        charts.stacked("x", []),
        charts.stacked("x", [("new", 0)]),
        charts.trend("x", [], {}),
        charts.trend("x", ["a"], {"y": [None]}),
    ],
)
def test_nothing_is_told_as_nothing(svg: str) -> None:
    """There may be no rows yet."""
    assert texts(svg) == ["x", "There is nothing to show yet."]


def test_an_image_carries_its_data() -> None:
    """What markdown shows is the picture itself, and its description cannot break out of it."""
    svg = charts.bars("x", [("y", 1)])
    found = re.fullmatch(
        r"!\[a \\\] \\\[ b\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)",
        charts.image(svg, "a ] [ b"),
    )
    assert found
    assert base64.b64decode(found[1]).decode() == svg
