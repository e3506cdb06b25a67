"""The page in a real browser with the network off: nothing complains, nothing is fetched, all of it fits and is legible."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report import chromium, fake_evaluation, fake_finetune
from tests.report.looking import (
    fake_distances,
    fake_invariance,
    fake_saliency,
    test_inverted,
)
from vesalius.report import build

Fake = Callable[[str], Path]

# Contrast by WCAG 2.2: every visible text against the first opaque background behind it.
_CONTRAST = """(() => {
  const parse = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return n.length > 3 ? n : [...n, 1]; };
  const over = (a, b) => a.slice(0, 3).map((v, i) => v * a[3] + b[i] * (1 - a[3])).concat([1]);
  const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
    return .2126 * r + .7152 * g + .0722 * b; };
  const behind = (e) => { const layers = [];
    for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] > 0) layers.push(c); if (c[3] === 1) break; }
    return layers.reverse().reduce((under, c) => over(c, under), [255, 255, 255, 1]); };
  const poor = []; let seen = 0;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode, e = node.parentElement;
    if (!node.textContent.trim() || ['SCRIPT', 'STYLE'].includes(e.tagName) || !e.checkVisibility({ visibilityProperty: true })) continue;
    const style = getComputedStyle(e), size = parseFloat(style.fontSize);
    let opacity = 1; for (let p = e; p; p = p.parentElement) opacity *= Number(getComputedStyle(p).opacity);
    const back = behind(e), front = parse(style.color);
    const text = over([...front.slice(0, 3), front[3] * opacity], back);
    const [a, b] = [light(text), light(back)].sort((x, y) => y - x), ratio = (a + .05) / (b + .05);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    seen += 1;
    if (ratio < (large ? 3 : 4.5)) poor.push(`${ratio.toFixed(2)} ${e.tagName}.${e.className}: ${node.textContent.trim().slice(0, 40)}`);
  }
  return { seen, poor };
})()"""

_OPEN_ALL = "document.querySelectorAll('details').forEach((d) => { d.open = true; })"


@pytest.fixture(scope="module")
def browser() -> Iterator[chromium.Chromium]:
    if chromium.find() is None:
        if os.environ.get("VESALIUS_REQUIRE_DATA") == "1":
            pytest.fail("missing tool: chromium")
        pytest.skip("missing tool: chromium")
    with chromium.Chromium() as found:
        yield found


@pytest.fixture(scope="module")
def pages(fake: Fake, tuned: Fake, three: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Name -> page: a variant's, or ``three`` runs on one."""
    base, made = tmp_path_factory.mktemp("pages"), dict[str, Path]()

    def page(name: str) -> Path:
        if name in fake_evaluation.VARIANTS and name not in made:
            made[name] = build([fake_evaluation.write(base / name, fake_evaluation.VARIANTS[name]())], base / f"{name}.html")
        if name == "looking" and name not in made:
            saliency = fake_saliency.write(base / "saliency", fake_saliency.MANY, ("a", "b", "c"), images=3, side=48)
            others = [fake_invariance.write(base / "invariance", ("ours", fake_saliency.LONG)), fake_distances.write(base / "distances")]
            others.append(test_inverted.write(base / "inverted", ("ours", fake_saliency.LONG), images=2))
            made[name] = build([saliency, *others], base / "looking.html")
        if name not in made:
            of = tuned if name.partition("+")[0] in fake_finetune.VARIANTS else fake
            runs = three if name == "three" else [of(one) for one in name.split("+")]
            made[name] = build(runs, base / f"{name}.html")
        return made[name]

    return page


Pages = Callable[[str], Path]


def _quiet(browser: chromium.Chromium, page: Path) -> None:
    assert browser.errors == []
    assert [url for url in browser.requests if not url.startswith("data:") and url != page.resolve().as_uri()] == []


_PAGES = ("full", "without_monitor", "multilabel", "nasty", "three")
_TUNED = ("binary", "ten", "quantity", "nasty_names", "predict", "binary+frozen")


@pytest.mark.parametrize("name", [*_PAGES, *_TUNED, *fake_evaluation.VARIANTS, "looking"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_opens_fits_and_is_legible(name: str, dark: bool, browser: chromium.Chromium, pages: Pages) -> None:
    page = pages(name)
    for width in (1280, 390):
        browser.open(page, width, dark=dark)
        _quiet(browser, page)
        browser.run(_OPEN_ALL)
        browser.settle()
        inner, document = browser.run("[innerWidth, document.documentElement.scrollWidth]")
        assert inner == width
        assert document <= width
        found = browser.run(_CONTRAST)
        assert found["seen"] > 50
        assert found["poor"] == []
        assert browser.run("[...document.images].filter((i) => !i.complete || i.naturalWidth === 0).length") == 0
        _quiet(browser, page)
    paper = browser.run("getComputedStyle(document.body).backgroundColor")
    assert (sum(int(v) for v in paper.strip("rgb()").split(",")) < 150) is dark


@pytest.mark.parametrize("name", ["binary", "ten"])
def test_the_confusion_matrix_is_whole_on_a_phone(name: str, browser: chromium.Chromium, pages: Pages) -> None:
    browser.open(pages(name), 390)
    hidden, least, size = browser.run(
        "(() => { const s = document.querySelector('#confusion .scroll'), c = [...s.querySelectorAll('tbody td')];"
        " return [s.scrollWidth - s.clientWidth, Math.min(...c.map((e) => e.clientWidth - e.firstChild.parentElement.scrollWidth)),"
        " parseFloat(getComputedStyle(c[0]).fontSize)]; })()"
    )
    assert hidden <= 0
    assert least >= 0
    assert size >= 11


def test_nothing_written_into_a_name_ran(browser: chromium.Chromium, pages: Pages) -> None:
    browser.open(pages("nasty"))
    assert browser.run("document.title").endswith("· Vesalius")
    assert browser.run("document.querySelectorAll('script:not([type])').length") == 1


def _point(browser: chromium.Chromium, selector: str, x: float = 0.5, y: float = 0.5) -> tuple[float, float]:
    """The place on the screen at (x, y) of the element, scrolled into the middle."""
    left, top, width, height = browser.run(
        f"(() => {{ const e = document.querySelector({selector!r}); e.scrollIntoView({{block: 'center', behavior: 'instant'}});"
        " const r = e.getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; })()"
    )
    return left + x * width, top + y * height


def test_pointing_at_a_curve_reads_it_and_all_that_share_its_steps(browser: chromium.Chromium, pages: Pages) -> None:
    browser.open(pages("full"))
    said = "[...document.querySelectorAll('#curves .charts:first-of-type .readout')].map((e) => e.textContent)"
    resting = browser.run(said)
    tall = browser.run("document.documentElement.scrollHeight")
    browser.mouse("mouseMoved", *_point(browser, "#curves .plot", 0.7))
    browser.settle()
    reading = browser.run(said)
    assert all(text.startswith("step 2") for text in reading)
    assert any("linear" in text and "%" in text for text in reading)
    assert browser.run("document.documentElement.scrollHeight") == tall  # the page does not jump
    browser.mouse("mouseMoved", 5, 5)
    browser.settle()
    assert browser.run(said) == resting


def test_a_curve_is_read_by_keyboard(browser: chromium.Chromium, pages: Pages) -> None:
    browser.open(pages("full"))
    said = "document.querySelectorAll('#curves .readout')[1].textContent"
    browser.run("document.querySelectorAll('#curves .plot')[1].focus()")
    browser.key("ArrowRight")
    first = browser.run(said)
    browser.key("ArrowRight")
    assert first.startswith("step 30")
    assert browser.run(said).startswith("step 60")
    browser.key("End")
    assert browser.run(said).startswith("step 360")


_INK = """(() => { const c = document.querySelector('#map canvas'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n; })()"""


def _ink(browser: chromium.Chromium) -> int:
    browser.settle()
    found = browser.run(_INK)
    assert isinstance(found, int)
    return found


def test_the_map_shows_hides_zooms_and_tells(browser: chromium.Chromium, pages: Pages) -> None:
    browser.open(pages("full"))
    _point(browser, "#map canvas")
    whole = _ink(browser)
    assert whole > 10_000

    def press(selector: str) -> None:
        browser.run(f"document.querySelector({selector!r}).click()")

    press("[data-act=pictures]")
    points = _ink(browser)
    assert 0 < points < whole
    for n in range(6):
        press(f"[data-label='{n}']")
    assert _ink(browser) == 0
    for n in range(6):
        press(f"[data-label='{n}']")
    assert _ink(browser) == points
    press("[data-act=in]")
    assert _ink(browser) != points
    press("[data-act=reset]")
    assert _ink(browser) == points
    press("[data-act=pictures]")
    assert _ink(browser) == whole
    tips = []
    for step in range(60):  # somewhere along the middle there is a picture
        browser.mouse("mouseMoved", *_point(browser, "#map canvas", 0.2 + 0.01 * step, 0.5))
        if not browser.run("document.querySelector('#map .tip').hidden"):
            tips.append(browser.run("document.querySelector('#map .tip').textContent"))
    assert tips
    assert all("recognised" in tip or "taken for" in tip for tip in tips)


def test_the_map_is_driven_by_keyboard(browser: chromium.Chromium, pages: Pages) -> None:
    browser.open(pages("full"))
    browser.run("document.querySelector('#map canvas').focus()")
    whole = _ink(browser)
    browser.key("+")
    assert _ink(browser) != whole
    browser.key("ArrowLeft")
    assert browser.run("document.querySelector('#map .tip').hidden") is False
    browser.key("0")
    assert _ink(browser) == whole


def test_the_wheel_scrolls_the_page_until_the_map_is_chosen(browser: chromium.Chromium, pages: Pages) -> None:
    browser.open(pages("full"))
    x, y = _point(browser, "#map canvas")
    before = browser.run("scrollY")
    browser.mouse("mouseWheel", x, y, deltaX=0, deltaY=120)
    browser.run("new Promise((r) => setTimeout(r, 400))")
    assert browser.run("scrollY") != before
    x, y = _point(browser, "#map canvas", 0.02, 0.02)
    for kind in ("mousePressed", "mouseReleased"):
        browser.mouse(kind, x, y, button="left", clickCount=1)
    browser.run("document.querySelector('#map canvas').focus()")
    before, ink = browser.run("scrollY"), _ink(browser)
    browser.mouse("mouseWheel", x, y, deltaX=0, deltaY=-240)
    browser.run("new Promise((r) => setTimeout(r, 400))")
    assert browser.run("scrollY") == before
    assert _ink(browser) != ink


def test_every_control_is_reached_by_tab_and_named(browser: chromium.Chromium, pages: Pages) -> None:
    browser.open(pages("full"))
    unnamed = browser.run(
        "[...document.querySelectorAll('button, a, summary, [tabindex], [role=img]')].filter((e) =>"
        " !(e.textContent.trim() || e.getAttribute('aria-label'))).map((e) => e.outerHTML.slice(0, 80))"
    )
    assert unnamed == []
    browser.key("Tab")
    assert browser.run("document.activeElement.className") == "skip"
    ring = browser.run("getComputedStyle(document.activeElement).outlineStyle")
    assert ring == "solid"


def test_the_page_is_whole_without_script(browser: chromium.Chromium, pages: Pages, tmp_path: Path) -> None:
    source = pages("full").read_text()
    start = source.rindex("<script>")
    bare = tmp_path / "bare.html"
    bare.write_text(source[:start] + "</body></html>")
    browser.open(bare)
    shown: Any = browser.run(
        "[...document.querySelectorAll('#curves .charts:first-of-type svg path.line')].filter((e) => e.getBoundingClientRect().width > 100).length"
    )
    assert shown >= 4
