"""Pages in Debian's chromium: they work, fetch nothing, and run only their own script."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.browser import PROGRAM, Chromium, Page
from tests.draw.samples import HOSTILE, q35
from tests.draw.test_matrix_page import LABELS, frame
from virtkit.draw import picture
from virtkit.draw.labels import label
from virtkit.draw.matrix import html_page
from virtkit.draw.page import document
from virtkit.reporting import index

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(PROGRAM is None, reason="chromium is not installed"),
]


def quiet(page: Page) -> None:
    """The console is empty, no dialog opened, and only the file itself was requested."""
    assert page.console == []
    assert page.dialogs == []
    assert [url for url in page.requests if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.fixture
def matrix(tmp_path: Path) -> Path:
    """The small matrix as a file."""
    file = tmp_path / "matrix.html"
    file.write_text(html_page(frame(), "Small matrix", labels=LABELS))
    return file


def test_filter(page: Page, matrix: Path) -> None:
    """The filter keeps the systems that hold every word, and names just these in rows of several systems."""
    page.open(matrix)
    count = "document.querySelectorAll('tr.row:not([hidden])').length"
    box = "var box = document.querySelector('input[type=search]');"
    typed = box + "box.value = '{}'; box.dispatchEvent(new Event('input'))"
    assert page.run(count) == 3
    page.run(typed.format("rhel6.7"))
    assert page.run(count) == 1
    assert page.run("document.querySelector('output').textContent") == "1 of 3 rows"
    hit = "(document.querySelector('tr.row:not([hidden]) .hit') || {}).textContent"
    assert page.run(hit) == "Red Hat Enterprise Linux 6.7"
    page.run(typed.format("rhel 6.1"))
    assert page.run(hit) == "Red Hat Enterprise Linux 6.1"
    page.run(typed.format("red hat 6"))
    assert page.run(hit).endswith("Red Hat Enterprise Linux 6.3 and 7 more")
    assert page.run("document.querySelectorAll('.hit').length") == 1
    page.run(typed.format("centos 7.2"))
    assert page.run(count) == 0
    page.run(typed.format("windows 10"))
    assert page.run("document.querySelector('tr.row:not([hidden])').textContent").startswith("Microsoft Windows 10")
    page.run(typed.format("nothing like it"))
    assert page.run(count) == 0
    assert page.run("document.querySelector('output').textContent") == "no match"
    assert page.run("document.querySelector('.none').textContent") == "No match for “nothing like it”."
    page.run(typed.format(""))
    assert page.run("document.querySelector('.none').hidden")
    assert page.run("document.querySelectorAll('.hit').length") == 0
    page.run("var s = document.querySelector('select'); s.value = 'f'; s.dispatchEvent(new Event('change'))")
    assert page.run(count) == 1
    quiet(page)


def test_folding(page: Page, matrix: Path) -> None:
    """A family can be folded and unfolded."""
    page.open(matrix)
    shown = "document.querySelectorAll('tr.row:not([hidden])').length"
    page.run("document.querySelector('tr.fam button').click()")
    assert page.run(shown) == 1
    assert page.run("document.querySelector('tr.fam button').getAttribute('aria-expanded')") == "false"
    page.run("document.querySelector('tr.fam button').click()")
    assert page.run(shown) == 3
    quiet(page)


def test_keyboard_reaches_every_reason(page: Page, matrix: Path) -> None:
    """Tab moves into the cells, arrow keys move between them, and the panel shows the reason of the focused cell."""
    page.open(matrix)
    page.run("document.querySelector('.scroll').focus()")
    for _ in range(8):
        page.key("Tab")
        if page.run("document.activeElement.matches('td > a')"):
            break
    assert page.run("document.activeElement.matches('td > a')")
    panel = "document.querySelector('.panel').textContent"
    assert "block, pc, virtio" in page.run(panel)
    page.key("ArrowRight")
    page.key("ArrowRight")
    assert "block, q35, virtio" in page.run(panel)
    assert "has a driver for the modern interface" in page.run(panel)
    page.key("ArrowDown")
    assert "has only the legacy driver" in page.run(panel)
    quiet(page)


def test_pointer_and_finger_tell_the_reason(page: Page, matrix: Path) -> None:
    """The panel shows reason, evidence and source of the cell under the pointer, or tapped on a phone."""
    panel = "document.querySelector('.panel').textContent"
    page.open(matrix)
    cell = page.place("td.f > a")
    page.point(cell["x"], cell["y"])
    assert "has only the legacy driver" in page.run(panel)
    assert "db: osinfo-db" in page.run(panel)
    assert "block, q35, virtio" in page.run(panel)
    page.size(390, 800)
    page.touch()
    page.open(matrix)
    cell = page.place("td.w > a")
    page.tap(cell["x"], cell["y"])
    assert "has a driver for the transitional interface" in page.run(panel)
    seen = page.place(".panel")
    assert 0 <= seen["left"] < seen["right"] <= 390
    assert 0 <= seen["top"] < seen["bottom"] <= 800
    assert page.run("location.hash") == ""
    page.touch(False)
    quiet(page)


def large_matrix(tmp_path: Path, guests: int, machines: int) -> Path:
    """A matrix as a file, in which no two guests are equal."""
    names = [f"os{n}" for n in range(guests)]
    large = frame(names, [f"pc-q35-{n}.0" for n in range(machines)]).astype("str")
    large["verdict"] = random.Random(7).choices(["works", "fails"], k=len(large))
    file = tmp_path / "large.html"
    file.write_text(html_page(large, "Large", labels={name: label(name) for name in names}))
    return file


def test_headings_and_names_stay_in_sight(page: Page, tmp_path: Path) -> None:
    """The headings of a scrolled matrix stay at the top, its names at the left, both above the cells."""
    file = large_matrix(tmp_path, 120, 12)
    for width in (1280, 390):
        page.size(width, 800)
        page.open(file)
        page.run("document.querySelector('.scroll').scrollTo(700, 1500)")
        box, corner = page.place(".scroll"), page.place("th.corner")
        assert abs(corner["left"] - box["left"]) <= 2
        assert abs(corner["top"] - box["top"]) <= 2
        name, head = page.place("tbody th[scope=row]", 60), page.place("tr.last th", 8)
        assert abs(name["left"] - box["left"]) <= 2
        assert box["top"] < head["top"] < head["bottom"] <= corner["bottom"] + 1
        assert abs(page.place("tr.fam button")["left"] - box["left"]) <= 8
        for x, y, selector in (
            (corner["x"], corner["y"], "th.corner"),
            (box["right"] - 30, corner["bottom"] - 6, "thead th"),
            (corner["x"], corner["bottom"] + 60, "tbody th[scope=row]"),
        ):
            assert page.run(f"!!document.elementFromPoint({x}, {y}).closest('{selector}')"), (width, selector)
    quiet(page)


def test_csv_of_what_is_shown_is_the_frame(page: Page, matrix: Path, tmp_path: Path) -> None:
    """The button saves a CSV with the rows of the frame, or with those that a filter leaves."""
    page.open(matrix)
    for typed, guests in (("", set(LABELS)), ("windows", {"win10"})):
        page.run(f"var b = document.querySelector('input'); b.value = '{typed}'; b.dispatchEvent(new Event('input'))")
        folder = tmp_path / f"got-{typed}"
        folder.mkdir()
        file = page.download(folder, "document.querySelector('.bar button').click()")
        got = pd.read_csv(file, dtype=str, keep_default_na=False)
        wanted = frame().astype("str")
        wanted = wanted[wanted["guest"].isin(guests)]
        assert file.name == "matrix.csv"
        assert list(got.columns) == list(wanted.columns)
        assert sorted(map(tuple, got.values.tolist())) == sorted(map(tuple, wanted.values.tolist()))
    quiet(page)


def test_csv_beside_the_page_is_reached(page: Page, tmp_path: Path) -> None:
    """A link of a page leads to the file in the same folder."""
    beside = tmp_path / "report"
    beside.mkdir()
    (beside / "matrix.html").write_text(html_page(frame(), "x", labels=LABELS, csv="matrix.csv"))
    frame().to_csv(beside / "matrix.csv", index=False)
    page.open(beside / "matrix.html")
    folder = tmp_path / "got"
    folder.mkdir()
    file = page.download(folder, "document.querySelector('a[download]').click()")
    assert file.read_bytes() == (beside / "matrix.csv").read_bytes()
    quiet(page)


def test_wide_matrix_fits_on_paper(page: Page, tmp_path: Path) -> None:
    """Sixty columns are laid out within the width of a landscape A4 page."""
    guests = [f"os{n}" for n in range(5)]
    wide = frame(guests, [f"pc-q35-{n}.0" for n in range(30)]).astype("str")
    file = tmp_path / "wide.html"
    file.write_text(html_page(wide, "Wide", labels={name: label(name) for name in guests}))
    page.size(round((297 - 2 * 9) / 25.4 * 96), 700)
    page.open(file)
    page.paper()
    try:
        assert page.run("document.documentElement.scrollWidth <= innerWidth")
    finally:
        page.paper(False)
    quiet(page)


def test_dark_and_light_differ(page: Page, matrix: Path) -> None:
    """The page follows the theme of the browser, and text has enough contrast in both themes."""
    page.open(matrix)
    look = (
        "(function () { var c = document.querySelector('td.f'); var s = getComputedStyle(c);"
        " function l(v) { var p = v.match(/[0-9.]+/g).slice(0, 3).map(function (x) { x = x / 255;"
        " return x <= 0.03928 ? x / 12.92 : Math.pow((x + 0.055) / 1.055, 2.4); });"
        " return 0.2126 * p[0] + 0.7152 * p[1] + 0.0722 * p[2]; }"
        " var a = l(s.color), b = l(s.backgroundColor);"
        " return [s.backgroundColor, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]; })()"
    )
    light, contrast = page.run(look)
    assert contrast > 7
    page.dark()
    dark, contrast = page.run(look)
    assert dark != light
    assert contrast > 7
    quiet(page)


def test_without_scripts(page: Page, matrix: Path) -> None:
    """With scripts off, every row and reason is shown, and no control that needs them."""
    page.scripts(False)
    page.open(matrix)
    page.scripts(True)
    assert page.run("document.querySelectorAll('tr.row').length") == 3
    assert page.run("getComputedStyle(document.querySelector('.bar')).display") == "none"
    assert page.run("document.querySelectorAll('.why li').length") >= 3
    page.run("location.hash = document.querySelector('td > a').getAttribute('href')")
    assert page.run("document.querySelector('.why').parentNode.open")


def test_on_a_phone_and_in_print(page: Page, matrix: Path) -> None:
    """On a phone the page is as wide as the screen, and the table scrolls within; it prints."""
    page.size(390, 800)
    page.open(matrix)
    assert page.run("document.documentElement.scrollWidth") <= 390
    assert page.pdf().startswith(b"%PDF")
    quiet(page)


def test_paper_is_light_and_names_every_guest(page: Page, matrix: Path) -> None:
    """In print, no name is folded, cells have their glyph, and a dark theme prints light."""
    page.dark()
    page.open(matrix)
    page.paper()
    try:
        assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        folded = "document.querySelector('tr.row details li').checkVisibility({contentVisibilityAuto: true})"
        assert page.run(folded)
    finally:
        page.paper(False)
    quiet(page)


def test_hostile_names_do_nothing(page: Page, tmp_path: Path) -> None:
    """Scripts in the names of guests, machine types and domains, and in titles, are shown as text."""
    nasty = frame([HOSTILE], [HOSTILE]).astype("str")
    nasty[["reason", "condition", "source"]] = HOSTILE
    entry = {"name": HOSTILE, "title": HOSTILE, "status": HOSTILE, "error": HOSTILE, "seconds": 1}
    pages = {
        "matrix": html_page(nasty, HOSTILE, labels={HOSTILE: label(HOSTILE)}, csv=HOSTILE),
        "picture": document(HOSTILE, picture.svg(q35(name=HOSTILE))),
        "index": index.page([{"id": HOSTILE, "status": HOSTILE, "notebooks": [entry], "changes": [HOSTILE]}], None),
    }
    for name, text in pages.items():
        file = tmp_path / f"{name}.html"
        file.write_text(text)
        page.open(file)
        page.run("document.querySelectorAll('td > a').forEach(function (link) { link.focus(); })")
        assert page.run("document.images.length") == 0, name
        assert "alert(1)" in page.run("document.documentElement.textContent"), name
        quiet(page)


def test_large_matrix_opens(page: Page, tmp_path: Path) -> None:
    """A matrix of 959 different guests by 60 columns is shown."""
    file = large_matrix(tmp_path, 959, 30)
    page.open(file)
    assert page.painted() > 0
    quiet(page)


def test_words_do_not_hide_a_title(page: Page, tmp_path: Path) -> None:
    """The browser shows the title of a device when the pointer rests on its text."""
    file = tmp_path / "picture.html"
    file.write_text(document("picture", picture.svg(q35(3, 2), q35(2, 3))))
    page.size(1280, 1400)
    page.open(file)
    found = page.run(
        """[...document.querySelectorAll("svg [role~='graphics-symbol']")].map(group => {
          const box = group.getBoundingClientRect(), title = group.querySelector("title").textContent;
          return [0.1, 0.3, 0.5, 0.7, 0.9].map(part => {
            const met = document.elementFromPoint(box.x + box.width * part, box.y + box.height / 2);
            const at = met && met.closest("[role~='graphics-symbol']");
            return at ? at.querySelector("title").textContent === title : false;
          });
        })"""
    )
    assert len(found) > 15
    assert all(all(points) for points in found)
    assert page.run("document.querySelector('svg').firstElementChild.localName") == "title"
    quiet(page)


def test_pictures_are_readable_in_the_dark(page: Page, tmp_path: Path) -> None:
    """The pictures of a report follow a dark theme, with enough contrast."""
    body = f"<main><figure>{picture.svg(q35(3, 2), q35(2, 3))}</figure></main>"
    file = tmp_path / "report.html"
    file.write_text(document("report", body, styles=["notebook.css"]))
    shades = {}
    for dark in (False, True):
        page.dark(dark)
        page.open(file)
        shades[dark] = _shades(page.screenshot())
    light, night = shades[False], shades[True]
    assert light[0] > 240  # the ground of the page, which most of it is
    assert night[0] < 40
    assert light[1] < 60  # the darkest tenth of a per cent: words
    assert night[2] > 200  # the lightest: words


def _shades(png: bytes) -> tuple[float, float, float]:
    """The commonest lightness of a picture, and its 0.1 and 99.9 percentiles, 0 to 255."""
    import io

    import numpy as np
    from matplotlib.image import imread

    grey = (imread(io.BytesIO(png))[..., :3].mean(axis=2) * 255).round()
    return float(np.median(grey)), float(np.quantile(grey, 0.001)), float(np.quantile(grey, 0.999))


def test_a_browser_that_ended_is_replaced(running_chromium: Callable[[], Chromium]) -> None:
    """When the browser that tests share is killed, its page still closes, and the next page is in another browser."""
    first = running_chromium()
    assert running_chromium() is first
    page = Page(first)
    first.process.kill()
    first.process.wait()
    page.close()
    second = running_chromium()
    assert second is not first
    page = Page(second)
    assert page.run("1 + 1") == 2
    page.close()
