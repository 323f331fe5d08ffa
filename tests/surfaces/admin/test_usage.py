"""Usage and costs over HTTP: the ledger's sums in OpenAI's buckets."""

from __future__ import annotations

from typing import Any

import pytest

from glmgate.policy.ledger import Amount
from glmgate.policy.usage import Dimension, UsageQuery, UsageRow
from glmgate.wire.delta import Usage
from tests.surfaces.admin.office import Office

DAY = 86_400
NOON = 1_800_000_000 // DAY * DAY + DAY // 2
MIDNIGHT = NOON - DAY // 2


def row(day: int, **members: Any) -> UsageRow:
    """A day's sums."""
    start = float(MIDNIGHT + day * DAY)
    return UsageRow(start=start, end=start + DAY, **({"group": {}} | members))


async def asked(office: Office, path: str) -> tuple[Any, UsageQuery]:
    """The answer, and what the ledger was asked for it."""
    answer = await office.got("GET", path)
    return answer, office.reports.asked[-1]


async def test_completions_in_days(office: Office) -> None:
    """Every day has its bucket, also one without usage; what OpenAI has no word for stands in `glmgate`."""
    usage = Usage(prompt=100, completion=20, cached=30, reasoning=5)
    office.reports.rows = (row(1, usage=usage, requests=3, attempts=4, unpriced=1, estimated=2),)
    path = f"/usage/completions?start_time={MIDNIGHT}&end_time={MIDNIGHT + 3 * DAY}"
    answer, query = await asked(office, path)
    assert (answer["object"], answer["has_more"], answer["next_page"]) == ("page", False, None)
    assert [bucket["start_time"] for bucket in answer["data"]] == [MIDNIGHT, MIDNIGHT + DAY, MIDNIGHT + 2 * DAY]
    assert [len(bucket["results"]) for bucket in answer["data"]] == [0, 1, 0]
    assert answer["data"][1]["results"] == [
        {
            "object": "organization.usage.completions.result",
            "input_tokens": 100,
            "output_tokens": 20,
            "input_cached_tokens": 30,
            "input_uncached_tokens": 70,
            "num_model_requests": 3,
            "project_id": None,
            "api_key_id": None,
            "model": None,
            "glmgate": {"attempts": 4, "unpriced": 1, "estimated": 2, "reasoning_tokens": 5},
        }
    ]
    assert (query.width, query.group_by) == ("1d", ())
    assert query.filters == {"endpoint": ("chat", "completions")}


async def test_embeddings_have_their_own(office: Office) -> None:
    """Tokens that were read, and nothing that was written."""
    office.reports.rows = (row(0, usage=Usage(prompt=7), requests=2, attempts=2),)
    answer, query = await asked(office, f"/usage/embeddings?start_time={NOON}&end_time={NOON + 60}")
    (result,) = answer["data"][0]["results"]
    assert (result["object"], result["input_tokens"]) == ("organization.usage.embeddings.result", 7)
    assert "output_tokens" not in result
    assert query.filters == {"endpoint": ("embeddings", "rerank")}


async def test_costs_tell_each_currency(office: Office) -> None:
    """Never mixed, in units and not in nano-units; where no price is known there is no amount, which is not zero."""
    amounts = (Amount("CNY", 1_500_000_000), Amount("USD", 250_000))
    office.reports.rows = (row(0, amounts=amounts, attempts=2), row(1, attempts=1, unpriced=1))
    answer, query = await asked(office, f"/costs?start_time={MIDNIGHT}&end_time={MIDNIGHT + 2 * DAY}")
    priced, unpriced = (bucket["results"] for bucket in answer["data"])
    assert [result["amount"] for result in priced] == [
        {"value": 1.5, "currency": "cny"},
        {"value": 0.00025, "currency": "usd"},
    ]
    assert [(result["amount"], result["glmgate"]["unpriced"]) for result in unpriced] == [(None, 1)]
    assert {result["object"] for result in (*priced, *unpriced)} == {"organization.costs.result"}
    assert query.filters == {}


async def test_groups_and_filters(office: Office) -> None:
    """Are asked of the ledger, and their values stand in the results."""
    group: dict[Dimension, str] = {"project": "p", "key": "k", "model": "glm-4.6"}
    office.reports.rows = (row(0, group=group),)
    span = f"start_time={MIDNIGHT}&end_time={MIDNIGHT + DAY}"
    groups = "group_by[]=project_id&group_by[]=api_key_id&group_by[]=model"
    filters = "project_ids[]=p&api_key_ids[]=k&models[]=glm-4.6&models[]=glm-5"
    answer, query = await asked(office, f"/usage/completions?{span}&{groups}&{filters}")
    (result,) = answer["data"][0]["results"]
    assert (result["project_id"], result["api_key_id"], result["model"]) == ("p", "k", "glm-4.6")
    assert query.group_by == ("project", "key", "model")
    expected = {"project": ("p",), "key": ("k",), "model": ("glm-4.6", "glm-5"), "endpoint": ("chat", "completions")}
    assert query.filters == expected
    answer, query = await asked(office, f"/costs?{span}&group_by[]=line_item&line_items[]=glm-4.6")
    assert answer["data"][0]["results"][0]["line_item"] == "glm-4.6"
    assert (query.group_by, query.filters) == (("model",), {"model": ("glm-4.6",)})


@pytest.mark.parametrize(("width", "seconds", "usual"), [("1m", 60, 60), ("1h", 3600, 24), ("1d", DAY, 7)])
async def test_pages_end(office: Office, width: str, seconds: int, usual: int) -> None:
    """Each bucket once, from the start to the end, in OpenAI's number for a page."""
    end = MIDNIGHT + (2 * usual + 3) * seconds
    path = f"/usage/completions?start_time={MIDNIGHT + 1}&end_time={end}&bucket_width={width}"
    starts: list[int] = []
    page = ""
    while True:
        answer = await office.got("GET", path + page)
        assert len(answer["data"]) <= usual
        starts += [bucket["start_time"] for bucket in answer["data"]]
        if not answer["has_more"]:
            break
        page = f"&page={answer['next_page']}"
    assert answer["next_page"] is None
    assert starts == list(range(MIDNIGHT, end, seconds))


async def test_a_query_without_an_end_goes_on_to_now(office: Office) -> None:
    """The last bucket is the one that is running."""
    _, query = await asked(office, "/costs?start_time=1700000000&limit=180")
    assert query.end == 1_700_000_000 // DAY * DAY + 180 * DAY


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("", "start_time"),
        ("start_time=5&end_time=5", "start_time"),
        ("start_time=-5", "start_time"),
        ("start_time=99999999999999", "start_time"),
        ("start_time=5&limit=0", "limit"),
        ("start_time=5&limit=32", "limit"),
        ("start_time=5&bucket_width=1m&limit=1441", "limit"),
        ("start_time=5&bucket_width=1w", "bucket_width"),
        ("start_time=5&group_by[]=user_id", "group_by[0]"),
        ("start_time=5&user_ids[]=u", "user_ids"),
        ("start_time=5&batch=true", "batch"),
        ("start_time=5&page=nope", "page"),
        ("start_time=500000&page=page_5", "page"),
    ],
)
async def test_mistakes_are_told(office: Office, query: str, param: str) -> None:
    """With the parameter; a filter that is not known would answer something else."""
    status, _, told, message = await office.refused("GET", f"/usage/completions?{query}")
    assert (status, told) == (400, param), message
