"""The page in a real browser: whole in both themes and on a phone, silent, and alone."""

import json

import pytest
from report import browser
from report.conftest import eventful, report_on

from craftsync.cli.safe_text import safe
from craftsync.report import html

pytestmark = pytest.mark.skipif(
    browser.PROGRAM is None, reason="there is no Chromium: apt-get install chromium"
)
HOSTILE = "<script>document.title='owned'</script><img src=http://e.example/x onerror=\"alert(1)\">"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    made = browser.Browser(tmp_path_factory.mktemp("chromium"))
    yield made
    made.close()


@pytest.fixture
def url(history, tmp_path):
    """The address of a page with every kind of finding and hostile names."""
    report = report_on(eventful(history, lambda text: f"{HOSTILE}{text}"))
    file = tmp_path / "report.html"
    file.write_text(html.page(report, tz=None, clean=safe))
    return file.as_uri()


COLOURS = """JSON.stringify({
    paper: getComputedStyle(document.body).backgroundColor,
    ink: getComputedStyle(document.body).color,
    bar: getComputedStyle(document.querySelector('rect.succeeded')).fill,
})"""
SEEN = "[...document.querySelectorAll('svg')].filter(one => one.getBoundingClientRect().height > 5)"


def brightness(colour):
    return sum(int(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3])


@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_is_whole_in_each_theme_and_on_a_phone(chromium, url, theme, width):
    chromium.look(theme=theme, width=width)
    chromium.open(url)
    assert chromium.complaints == []
    assert chromium.requests == [url]
    assert chromium.ask("document.documentElement.scrollWidth") <= width
    text = chromium.ask("document.body.innerText")
    assert "82 of 272 runs failed" in text
    assert "What failed runs said last" in text
    assert f"{HOSTILE}message" in text
    assert chromium.ask("document.title").startswith("craftsync report, ")
    assert chromium.ask("document.scripts.length + document.images.length") == 0
    assert chromium.ask(f"{SEEN}.length") >= 4
    colours = json.loads(chromium.ask(COLOURS))
    paper, ink = brightness(colours["paper"]), brightness(colours["ink"])
    assert (paper > 600 and ink < 200) if theme == "light" else (paper < 100 and ink > 600)
    assert colours["bar"] not in (colours["paper"], "rgb(0, 0, 0)")  # the styles are in force


def test_the_policy_stops_what_somebody_puts_into_a_page(chromium, url, tmp_path):
    file = tmp_path / "meddled.html"
    page = (tmp_path / "report.html").read_text()
    file.write_text(
        page.replace(
            "</main>", "<img src='http://e.example/x'><script>window.ran = 1</script></main>"
        )
    )
    chromium.look()
    chromium.open(file.as_uri())
    assert chromium.ask("window.ran") is None
    assert len([one for one in chromium.complaints if "Content Security Policy" in one]) == 2


def test_on_paper_it_is_dark_on_light_whatever_the_theme(chromium, url):
    chromium.look(theme="dark", media="print")
    chromium.open(url)
    colours = json.loads(chromium.ask(COLOURS))
    assert brightness(colours["paper"]) == 3 * 255
    assert brightness(colours["ink"]) == 0


def test_the_six_tiles_leave_no_hole_at_any_width(chromium, url):
    columns = "getComputedStyle(document.querySelector('.tiles')).gridTemplateColumns"
    for width, expected in ((1200, 6), (1000, 3), (700, 3), (390, 2)):
        chromium.look(theme="light", width=width)
        chromium.open(url)
        assert len(chromium.ask(columns).split()) == expected
        assert chromium.ask("document.documentElement.scrollWidth") <= width


def test_a_phone_shows_when_a_failure_was_first_seen_and_an_example(chromium, url):
    narrow = "[...document.querySelectorAll('.sign .narrow')].filter(e => e.offsetHeight).length"
    chromium.look(theme="light", width=390)
    chromium.open(url)
    assert chromium.ask(narrow) >= 2
    chromium.look(theme="light", width=1200)
    assert chromium.ask(narrow) == 0
