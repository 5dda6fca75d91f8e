"""Pages of metrics that do not add up, and how many requests they may cost."""

from dataclasses import dataclass, field

import pytest

from craftsync.errors import BadAnswer
from craftsync.upstream.metrics import LISTS, SINGLE, of_execution, recording_pipelines


def row(name, value=0.5, pipeline="p"):
    return {"name": name, "value": value, "pipeline_name": pipeline, "execution_id": "e1"}


def row_of_list(name, values):
    return {"name": name, "values": values, "pipeline_name": "p", "execution_id": "e1"}


@dataclass
class Pages:
    """Answers page by page: of single values what the test says, of lists nothing else said."""

    single: object
    lists: object = lambda page: {"metrics": [], "total_count": 0}
    asked: list = field(default_factory=list)

    def metrics(self, kind, query):
        page = int(query["page"])
        self.asked.append((kind, page, query.get("filters[execution_id]")))
        return (self.single if kind == SINGLE else self.lists)(page)


def test_one_page_of_each_kind_is_two_requests():
    pages = Pages(lambda page: {"metrics": [row("f1")], "total_count": 1})
    assert [metric.name for metric in of_execution(pages, "e1")] == ["f1"]
    assert pages.asked == [(SINGLE, 1, "e1"), (LISTS, 1, "e1")]


def test_pages_are_read_until_as_many_came_as_the_platform_counts():
    pages = Pages(lambda page: {"metrics": [row(f"m{page}")], "total_count": 3})
    assert [metric.name for metric in of_execution(pages, "e1")] == ["m1", "m2", "m3"]


@pytest.mark.parametrize("kind", [SINGLE, LISTS])
def test_metrics_of_another_execution_are_an_error_after_one_page(kind):
    theirs = {**row("f1"), **row_of_list("f1", [1]), "execution_id": "e2"}
    told = {kind: lambda page: {"metrics": [theirs], "total_count": 100}}
    none = {"metrics": [], "total_count": 0}
    pages = Pages(told.get(SINGLE, lambda page: none), told.get(LISTS, lambda page: none))
    with pytest.raises(BadAnswer, match="another execution"):
        of_execution(pages, "e1")
    assert len(pages.asked) <= 2


def test_metrics_that_do_not_name_their_execution_are_its_own():
    unnamed = [{"name": "f1", "value": 1}, {"name": "f2", "value": 2, "execution_id": None}]
    pages = Pages(lambda page: {"metrics": unnamed, "total_count": 2})
    assert [metric.name for metric in of_execution(pages, "e1")] == ["f1", "f2"]


def test_the_same_last_page_for_ever_is_an_error_after_few_requests():
    pages = Pages(lambda page: {"metrics": [row("f1")], "total_count": 2})
    with pytest.raises(BadAnswer, match="repeats"):
        of_execution(pages, "e1")
    assert len(pages.asked) <= 3


def test_two_pages_that_take_turns_for_ever_are_an_error_after_few_requests():
    pages = Pages(lambda page: {"metrics": [row(f"m{page % 2}")], "total_count": 9})
    with pytest.raises(BadAnswer, match="repeats"):
        of_execution(pages, "e1")
    assert len(pages.asked) <= 4


def test_an_empty_page_before_all_came_is_an_error():
    pages = Pages(lambda page: {"metrics": [row("f1")] if page == 1 else [], "total_count": 2})
    with pytest.raises(BadAnswer, match="1 came of 2"):
        of_execution(pages, "e1")


def test_a_count_that_is_too_small_loses_nothing_of_the_page_that_came():
    pages = Pages(lambda page: {"metrics": [row("a"), row("b")], "total_count": 1})
    assert [metric.name for metric in of_execution(pages, "e1")] == ["a", "b"]


@pytest.mark.parametrize("total", [1, 4999, 5000])
def test_a_count_that_is_too_small_hides_no_later_page(total):
    rows = [row(f"m{number}") for number in range(5003)]
    pages = Pages(
        lambda page: {"metrics": rows[5000 * (page - 1) : 5000 * page], "total_count": total}
    )
    assert len(of_execution(pages, "e1")) == 5003


@pytest.mark.parametrize("total", [1, 5000])
def test_a_platform_that_heeds_no_page_gives_all_it_counts_and_nothing_is_missing(total):
    rows = [row(f"m{number}") for number in range(5000)]
    pages = Pages(lambda page: {"metrics": rows, "total_count": total})
    assert len(of_execution(pages, "e1")) == 5000


@pytest.mark.parametrize("total", [1, 3])
def test_of_lists_the_platform_may_count_lists_or_values(total):
    listed = {"metrics": [row_of_list("loss", [3, 2, 1])], "total_count": total}
    empty = {"metrics": [], "total_count": total}
    pages = Pages(
        lambda page: {"metrics": [], "total_count": 0},
        lambda page: listed if page == 1 else empty,
    )
    found = of_execution(pages, "e1")
    assert [(metric.name, metric.position, metric.value) for metric in found] == [
        ("loss", 0, 3.0),
        ("loss", 1, 2.0),
        ("loss", 2, 1.0),
    ]


@pytest.mark.parametrize("answer", [None, [], {"metrics": None}, {"total_count": 0}, "x"])
def test_what_holds_no_list_of_metrics_is_an_error(answer):
    with pytest.raises(BadAnswer):
        of_execution(Pages(lambda page: answer), "e1")


def test_a_number_that_is_none_keeps_its_token():
    pages = Pages(lambda page: {"metrics": [row("f1", "NaN")], "total_count": 1})
    (metric,) = of_execution(pages, "e1")
    assert (metric.value, metric.value_text) == (None, "NaN")


def test_the_pass_over_all_ends_as_soon_as_every_pipeline_is_known_to_record():
    pages = Pages(lambda page: {"metrics": [row("f1", pipeline=f"p{page}")], "total_count": 1000})
    assert recording_pipelines(pages, known=frozenset({"p1", "p2"})) == {"p1", "p2"}
    assert len(pages.asked) == 2


def test_the_pass_over_all_names_only_pipelines_that_record():
    pages = Pages(lambda page: {"metrics": [row("f1", pipeline="p1")], "total_count": 1})
    assert recording_pipelines(pages, known=frozenset({"p1", "p2"})) == {"p1"}
