"""The page: whatever upstream wrote stays text, and nothing is fetched or run."""

import base64
import hashlib
import re
from collections import Counter
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from report.conftest import UNTIL, eventful, report_on

from craftsync.cli.safe_text import safe
from craftsync.report import html

HOSTILE = (
    "</style></title><script>alert(1)</script><img src=http://e.example/x onerror=alert(1)>"
    "\"'&\x1b\u202e"
)
ALLOWED = {
    "html", "head", "meta", "link", "title", "style", "body", "main", "header", "footer", "section",
    "h1", "h2", "h3", "p", "b", "i", "div", "span", "ul", "li", "code", "table", "thead", "tbody",
    "tr", "th", "td", "svg", "g", "rect", "line", "path", "text",
}  # fmt: skip
VOID = {"meta", "link"}


class Reading(HTMLParser):
    """The elements, attributes and text of a page, and whether every element is closed."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.elements, self.attributes, self.text, self._open = Counter(), [], [], []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.elements[tag] += 1
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements[tag] += 1
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def page_of(report):
    return html.page(report, tz=None, clean=safe)


@pytest.fixture
def hostile(history):
    return page_of(report_on(eventful(history, lambda text: f"{HOSTILE}{text}")))


def test_hostile_names_and_log_lines_stay_text(hostile):
    read = Reading(hostile)
    assert set(read.elements) <= ALLOWED
    assert read.elements["style"] == 1
    text = "".join(read.text)
    shown = safe(HOSTILE)
    for name in ("train", "nightly", "good", "bad000", "message", "model", "hangs", "bob", "prod"):
        assert f"{shown}{name}"[:40] in text
    assert text.count(shown) > 10
    assert "\x1b" not in hostile
    assert "\u202e" not in hostile


def test_no_attribute_fetches_or_runs_anything(hostile):
    for name, value in Reading(hostile).attributes:
        assert not name.startswith("on")
        assert name not in ("src", "style", "action", "srcset", "xlink:href")
        assert name != "href" or value == "data:,"


def test_the_policy_forbids_everything_but_the_styles_of_the_page(hostile):
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', hostile)
    (style,) = re.findall(r"<style>(.*?)</style>", hostile, re.DOTALL)
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.replace("&#39;", "'").split("; ") == [
        "default-src 'none'", f"style-src 'sha256-{hashed}'", "img-src data:", "base-uri 'none'",
        "form-action 'none'",
    ]  # fmt: skip
    assert "url(" not in style
    assert "@import" not in style


def test_every_chart_is_there(history):
    read = Reading(page_of(report_on(eventful(history))))
    labels = [value for name, value in read.attributes if name == "aria-label"]
    assert "Runs by day" in labels
    assert "Failure rate by day" in labels
    assert "Outcomes of nightly" in labels
    assert "Run times of train" in labels
    assert any(label.startswith("PSI ") for label in labels)
    kinds = Counter(value for name, value in read.attributes if name == "class")
    assert kinds["bucket"] == 14  # a day of the week in two charts
    assert kinds["error"] == 1
    text = "".join(read.text)
    assert "26 March 2026: 190 runs ended" in text
    assert "27 March 2026: 20 runs ended, 20 failed (100.0 %)" in text


def test_a_page_of_nothing_says_so(history):
    read = Reading(page_of(report_on(history)))
    text = " ".join("".join(read.text).split())
    assert "The mirror holds no execution yet." in text
    assert "Nothing was mirrored yet: craftsync sync" in text
    assert read.elements["svg"] == 0


def test_a_page_over_many_deployments_stays_small(history):
    history.duck.execute("""
        insert into executions by name
        select 'prod' as environment, 'execution-' || i as execution_id,
            'a-pipeline-of-a-long-name-' || i % 100 as pipeline_name,
            'a-deployment-of-a-long-name-' || i % 500 as deployment_name,
            if(i % 7 = 0, 'Failed', 'Succeeded') as status, 'c' || i % 50 as commit_id,
            timestamp '2026-02-01' + to_seconds(i * 50) as created_at, i % 900 as run_s,
            i % 40 as queue_s
        from range(100000) as r(i)
    """)
    history.duck.execute("""
        insert into logs by name
        select environment, execution_id, created_at as execution_created_at, 1 as line_number,
            chr(65 + (random() * 20)::int) || repeat(' a long message', 40) as message
        from executions where status = 'Failed'
    """)
    history.add("environments", environment="prod")
    report = report_on(history, since=UNTIL - timedelta(days=60))
    assert report.total.now.runs == 100_000
    assert 100_000 < len(page_of(report).encode()) < 1_000_000
