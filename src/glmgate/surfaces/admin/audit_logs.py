"""The audit log, as OpenAI's administration lists it; the rows themselves stand in `glmgate`."""

from __future__ import annotations

import math
from typing import Annotated, Any, Final

import msgspec

from glmgate.errors import InvalidRequest
from glmgate.policy.audit import Entry
from glmgate.policy.audit_reading import Sought, newer, older
from glmgate.surfaces.admin import objects
from glmgate.surfaces.admin.query import Listed, read_query
from glmgate.surfaces.exchange import Exchange

_ID: Final = "audit_log-"
_CLI: Final = "cli:"


class Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A range of whole Unix seconds."""

    gt: int | None = None
    gte: int | None = None
    lt: int | None = None
    lte: int | None = None

    @property
    def since(self) -> float | None:
        """The first moment in it."""
        bounds = [bound for bound in (self.gte, None if self.gt is None else self.gt + 1) if bound is not None]
        return max(bounds, default=None)

    @property
    def until(self) -> float | None:
        """The last moment in it: a second ends just before the next one."""
        bounds = [bound for bound in (self.lt, None if self.lte is None else self.lte + 1) if bound is not None]
        return math.nextafter(min(bounds), -math.inf) if bounds else None


class ListedActs(Listed, frozen=True, kw_only=True):
    """Which acts."""

    before: str | None = None
    actor_ids: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()
    resource_ids: tuple[str, ...] = ()
    project_ids: tuple[str, ...] = ()
    effective_at: Span = Span()
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


async def list_acts(exchange: Exchange) -> None:
    """GET audit_logs: the newest first."""
    asked = read_query(exchange.request.query, ListedActs)
    if asked.after is not None and asked.before is not None:
        raise InvalidRequest("Give 'after' or 'before', not both.", param="before")
    sought = Sought(
        actors=asked.actor_ids,
        actions=asked.event_types,
        subjects=asked.resource_ids,
        projects=asked.project_ids,
        since=asked.effective_at.since,
        until=asked.effective_at.until,
    )
    store, most = exchange.administration.audit, asked.limit + 1
    if asked.before is None:
        start = None if asked.after is None else _seq(asked.after, "after")
        page = objects.listed(await older(store, sought, before=start, limit=most), asked.limit, _written)
    else:
        found = await newer(store, sought, after=_seq(asked.before, "before"), limit=most)
        page = objects.listed(found[-asked.limit :], asked.limit, _written) | {"has_more": len(found) > asked.limit}
    await exchange.reply_json(page)


def _written(entry: Entry) -> dict[str, Any]:
    before, after = (None if text is None else msgspec.json.decode(text) for text in (entry.before, entry.after))
    return {
        "id": f"{_ID}{entry.seq}",
        "object": "organization.audit_log",
        "type": entry.action,
        "effective_at": int(entry.at),
        "actor": _actor(entry.actor),
        "project": None if entry.project is None else {"id": entry.project, "name": None},
        entry.action: {"id": entry.subject} | _details(entry.action, before or {}, after or {}),
        "glmgate": {
            "seq": entry.seq,
            "at": entry.at,
            "actor": entry.actor,
            "subject": entry.subject,
            "before": before,
            "after": after,
            "previous": entry.previous,
            "digest": entry.digest,
        },
    }


def _actor(actor: str) -> dict[str, Any]:
    """An administrator's key; who had a shell on the machine had a session, as far as OpenAI's words go."""
    if actor.startswith(_CLI):
        return {"type": "session", "session": {"user": {"id": actor, "email": None}, "ip_address": None}}
    return {"type": "api_key", "api_key": {"id": actor, "type": "user", "user": None}}


def _details(action: str, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What OpenAI tells of an act of this sort."""
    match action:
        case "project.created":
            return {"data": {"name": after["name"], "title": after["name"]}}
        case "project.updated" if before["name"] != after["name"]:
            return {"changes_requested": {"title": after["name"]}}
        case "rate_limit.updated":
            terms = after["terms"]
            return {
                "changes_requested": {
                    "max_requests_per_1_minute": terms.get("rpm"),
                    "max_tokens_per_1_minute": terms.get("tpm"),
                }
            }
        case "service_account.created":
            return {"data": {"role": "member"}}
        case _:
            return {}


def _seq(given: str, name: str) -> int:
    digits = given.removeprefix(_ID)
    if digits == given or not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        raise InvalidRequest(f"{given!r} is no id of this list, such as {_ID}7.", param=name)
    return int(digits)
