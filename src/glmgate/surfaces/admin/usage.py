"""What was used and what it cost, in buckets of time, as OpenAI's administration tells it; the ledger's own sums."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from glmgate.errors import InvalidRequest
from glmgate.policy.usage import SECONDS, Dimension, UsageQuery, UsageRow
from glmgate.surfaces.admin.query import Query, read_query
from glmgate.surfaces.exchange import Exchange
from glmgate.wire.charge import NANO

_BUCKETS: Final[Mapping[str, tuple[int, int]]] = {"1d": (7, 31), "1h": (24, 168), "1m": (60, 1440)}
"""How many buckets a page has, and how many it may have (OpenAI's numbers)."""
_COST_BUCKETS: Final = (7, 180)
_PAGE: Final = "page_"
_DIMENSIONS: Final[Mapping[str, Dimension]] = {
    "project_id": "project",
    "api_key_id": "key",
    "model": "model",
    "line_item": "model",
}
Endpoints = tuple[str, ...]
Written = Callable[[UsageRow], Iterator[dict[str, Any]]]
"""How a row of the ledger's sums is written."""
_GENERATED: Final[Endpoints] = ("chat", "completions")
_EMBEDDED: Final[Endpoints] = ("embeddings", "rerank")
_LATEST: Final = 253_402_300_799  # the end of the year 9999


class Asked(Query, frozen=True, kw_only=True):
    """What costs and usage have in common."""

    start_time: int
    end_time: int | None = None
    limit: int | None = None
    page: str | None = None
    project_ids: tuple[str, ...] = ()
    api_key_ids: tuple[str, ...] = ()


class AskedUsage(Asked, frozen=True, kw_only=True):
    """Which usage."""

    bucket_width: Literal["1m", "1h", "1d"] = "1d"
    group_by: tuple[Literal["project_id", "api_key_id", "model"], ...] = ()
    models: tuple[str, ...] = ()


class AskedCosts(Asked, frozen=True, kw_only=True):
    """Which costs. A line of the bill is a model."""

    bucket_width: Literal["1d"] = "1d"
    group_by: tuple[Literal["project_id", "api_key_id", "line_item"], ...] = ()
    line_items: tuple[str, ...] = ()


async def completions(exchange: Exchange) -> None:
    """GET usage/completions: chat and completions."""
    asked = read_query(exchange.request.query, AskedUsage)
    await _answer(exchange, asked, asked.models, _GENERATED, _generated)


async def embeddings(exchange: Exchange) -> None:
    """GET usage/embeddings: embeddings, and reranking, which is made of them."""
    asked = read_query(exchange.request.query, AskedUsage)
    await _answer(exchange, asked, asked.models, _EMBEDDED, _embedded)


async def costs(exchange: Exchange) -> None:
    """GET costs: each currency by itself."""
    asked = read_query(exchange.request.query, AskedCosts)
    await _answer(exchange, asked, asked.line_items, (), _cost)


def _generated(row: UsageRow) -> Iterator[dict[str, Any]]:
    usage = row.usage
    yield {
        "object": "organization.usage.completions.result",
        "input_tokens": usage.prompt,
        "output_tokens": usage.completion,
        "input_cached_tokens": usage.cached,
        "input_uncached_tokens": usage.prompt - usage.cached,
        "num_model_requests": row.requests,
        "glmgate": _more(row) | {"reasoning_tokens": usage.reasoning},
    }


def _embedded(row: UsageRow) -> Iterator[dict[str, Any]]:
    yield {
        "object": "organization.usage.embeddings.result",
        "input_tokens": row.usage.prompt,
        "num_model_requests": row.requests,
        "glmgate": _more(row),
    }


def _cost(row: UsageRow) -> Iterator[dict[str, Any]]:
    amounts: list[dict[str, Any] | None] = [
        {"value": each.amount / NANO, "currency": each.currency.lower()} for each in row.amounts
    ]
    for amount in amounts or [None]:
        yield {"object": "organization.costs.result", "amount": amount, "glmgate": _more(row)}


async def _answer(
    exchange: Exchange, asked: AskedUsage | AskedCosts, models: tuple[str, ...], endpoints: Endpoints, written: Written
) -> None:
    start, end, more = _span(asked)
    filters: dict[Dimension, tuple[str, ...]] = {
        "project": asked.project_ids,
        "key": asked.api_key_ids,
        "model": models,
        "endpoint": endpoints,
    }
    query = UsageQuery(
        start=start,
        end=end,
        width=asked.bucket_width,
        group_by=tuple(dict.fromkeys(_DIMENSIONS[name] for name in asked.group_by)),
        filters={name: values for name, values in filters.items() if values},
    )
    found: dict[float, list[UsageRow]] = {}
    for row in await exchange.administration.reports.attempts(query):
        found.setdefault(row.start, []).append(row)
    await exchange.reply_json(
        {
            "object": "page",
            "data": [_bucket(*bucket, found.get(bucket[0], ()), asked.group_by, written) for bucket in query.buckets()],
            "has_more": more,
            "next_page": f"{_PAGE}{int(end)}" if more else None,
        }
    )


def _span(asked: AskedUsage | AskedCosts) -> tuple[int, int, bool]:
    """From where to where this page goes, and whether there is more behind it."""
    usual, most = _COST_BUCKETS if isinstance(asked, AskedCosts) else _BUCKETS[asked.bucket_width]
    limit = usual if asked.limit is None else asked.limit
    if not 1 <= limit <= most:
        raise InvalidRequest(
            f"'limit' is 1 to {most} with buckets of {asked.bucket_width}, not {limit}.", param="limit"
        )
    last = int(time.time()) + 1 if asked.end_time is None else asked.end_time
    if not 0 <= asked.start_time < last <= _LATEST:
        raise InvalidRequest(
            f"'start_time' ({asked.start_time}) and 'end_time' ({last}) are Unix seconds, the first before the second.",
            param="start_time",
        )
    seconds = SECONDS[asked.bucket_width]
    first = asked.start_time if asked.page is None else _place(asked.page, asked.start_time, last)
    end = first // seconds * seconds + limit * seconds
    return first, min(end, last), end < last


def _place(page: str, start: int, end: int) -> int:
    digits = page.removeprefix(_PAGE)
    if digits == page or not (digits.isascii() and digits.isdigit()) or not start <= int(digits[:18]) < end:
        raise InvalidRequest(f"{page!r} is no page of this query: give the 'next_page' of another.", param="page")
    return int(digits)


def _bucket(
    start: float, end: float, rows: Iterable[UsageRow], group_by: Sequence[str], written: Written
) -> dict[str, Any]:
    names = ("project_id", "api_key_id", "model", "line_item")
    results = []
    for row in rows:
        group = {name: row.group[_DIMENSIONS[name]] if name in group_by else None for name in names}
        results += [result | {name: group[name] for name in _members(result)} for result in written(row)]
    return {"object": "bucket", "start_time": int(start), "end_time": int(end), "results": results}


def _members(result: Mapping[str, Any]) -> tuple[str, ...]:
    return ("project_id", "api_key_id", "line_item" if "amount" in result else "model")


def _more(row: UsageRow) -> dict[str, Any]:
    """What OpenAI has no member for: attempts that nobody knows the price of, and those of which some was estimated."""
    return {"attempts": row.attempts, "unpriced": row.unpriced, "estimated": row.estimated}
