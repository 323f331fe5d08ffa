"""Findings from what was seen: each a line of text and figures. What to do about them is decided in `advice`."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec

from glmgate.cli.chat.visible import one_line
from glmgate.cli.doctor.findings import Check, Finding, Level, Tried
from glmgate.cli.doctor.words import words
from glmgate.engines.upstream.probes import Listing
from glmgate.engines.upstream.reach import Fault, Reach, Tls
from glmgate.engines.upstream.replies import Answer, Said

SKEW_S: Final = 60.0
"""Clocks may differ by so much: the tokens that the GLM SDKs sign end after 210 s (contract 1.1)."""
CERTIFICATE_DAYS: Final = 14
_SHOWN_MODELS: Final = 8


def host_of(url: str) -> str:
    """The host of a URL, with its port where it has one."""
    return urlsplit(url).netloc.rpartition("@")[2]


def way(reach: Reach, *, now: float) -> Iterator[Finding]:
    """The steps to an origin, as far as they were made; the one that failed last."""
    where, to = host_of(reach.origin), "the proxy" if reach.hop else "it"
    if reach.hop is not None:
        yield Finding(check="proxy", where=where, level="ok", text=f"asked through {reach.hop}")
    if reach.dns_ms is not None:
        figures: dict[str, object] = {"addresses": list(reach.addresses), "ms": reach.dns_ms}
        text = f"{', '.join(reach.addresses)} in {reach.dns_ms:.0f} ms"
        yield Finding(check="dns", where=str(reach.hop or where), level="ok", text=text, figures=figures)
    if reach.connect_ms is not None:
        text = f"{to} takes connections, {reach.connect_ms:.0f} ms"
        yield Finding(check="connect", where=where, level="ok", text=text, figures={"ms": reach.connect_ms})
    if reach.tls is not None:
        yield _tls(reach, reach.tls, now)
    elif _is_open(reach):
        yield Finding(check="tls", where=where, level="note", text="none is used", figures={"version": None})
    if reach.fault is not None:
        yield _fault(reach.fault, where)


def days_left(reach: Reach, now: float) -> int | None:
    """Whole days until the certificate ends; None without one."""
    return None if reach.tls is None or not reach.tls.ends_at else int((reach.tls.ends_at - now) // 86400)


def listed(listing: Listing, where: str) -> Finding:
    """The models that a service lists."""
    if listing.said.trouble is not None:
        text = f"not listed: {refusal(listing.said)}"
        return Finding(check="models", where=where, level="note", text=text, figures=_figures(listing.said))
    shown = ", ".join(one_line(name, longest=60) for name in listing.models[:_SHOWN_MODELS])
    more = len(listing.models) - _SHOWN_MODELS
    text = (shown + (f" and {more} more" if more > 0 else "")) or "an empty list"
    return Finding(check="models", where=where, level="ok", text=text, figures={"models": list(listing.models)})


def unlisted(listing: Listing, routed: Sequence[str], where: str) -> Iterator[Finding]:
    """The models that the settings ask for there and that are not in its list."""
    names = {name.casefold() for name in listing.models}
    missing = [name for name in routed if name.casefold() not in names]
    if names and missing:
        text = f"routed there, but not listed: {', '.join(missing)}"
        yield Finding(check="models", where=where, level="note", text=text, figures={"unlisted": missing})


def answered(tried: Tried, *, named: bool) -> Finding:
    """What came of the plain question. A refusal is wrong only where the key should work."""
    where, said = tried.place.base_url, tried.said
    if said is None:
        return Finding(check="answer", where=where, level="skipped", text="not asked")
    if said.trouble is not None:
        level: Level = "bad" if named else "note"
        return Finding(check="answer", where=where, level=level, text=refusal(said), figures=_figures(said))
    answer = said.answer or Answer()
    text = f"yes, {one_line(answer.model or tried.model, longest=60)} in {said.ms:.0f} ms"
    if not answer.content and answer.reasoning:
        text += "; the 16 tokens went into thinking"
    return Finding(check="answer", where=where, level="ok", text=text, figures=_figures(said) | {"model": tried.model})


def thought(where: str, *, default: Answer, switched: Said, on: bool) -> Finding:
    """Whether the model thinks by itself, and whether it obeys the switch."""
    usual = "thinks by itself" if default.reasoning else "does not think by itself"
    figures = _figures(switched) | {"by_itself": bool(default.reasoning)}
    if switched.trouble is not None:
        text = f"{usual}; the switch is refused: {refusal(switched)}"
        return Finding(check="thinking", where=where, level="note", text=text, figures=figures | {"switch": "refused"})
    obeyed = bool(switched.answer and switched.answer.reasoning) is on
    word = "on" if on else "off"
    text = f"{usual}; turned {word}: {'obeyed' if obeyed else 'no difference seen'}"
    figures |= {"switch": "obeyed" if obeyed else "ignored"}
    return Finding(check="thinking", where=where, level="ok" if obeyed else "note", text=text, figures=figures)


def tools(where: str, said: Said) -> Finding:
    """Whether a function was called."""
    if said.trouble is not None:
        return _refused("tools", where, said)
    if said.answer is not None and said.answer.called:
        return Finding(check="tools", where=where, level="ok", text="called", figures=_figures(said))
    text = "taken, but no call within 16 tokens"
    return Finding(check="tools", where=where, level="note", text=text, figures=_figures(said))


def json(where: str, said: Said) -> Finding:
    """Whether JSON came when JSON was asked for."""
    if said.trouble is not None:
        return _refused("json", where, said)
    content = said.answer.content if said.answer else ""
    try:
        is_object = isinstance(msgspec.json.decode(content.encode()), dict)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        is_object = False
    if is_object:
        return Finding(check="json", where=where, level="ok", text="an object", figures=_figures(said))
    cut = said.answer is not None and said.answer.finish == "length"
    text = "taken; 16 tokens were not enough for the answer" if cut else "taken, but the answer is none"
    text += f": {one_line(content, longest=40)!r}" if content else ", no text came"
    return Finding(check="json", where=where, level="note", text=text, figures=_figures(said))


def streamed(where: str, said: Said) -> Finding:
    """Whether a stream ended as streams do."""
    if said.trouble is not None:
        text = f"no: {refusal(said)}"
        return Finding(check="stream", where=where, level="bad", text=text, figures=_figures(said))
    answer = said.answer or Answer()
    figures = _figures(said) | {"first_ms": said.first_ms, "events": answer.pieces, "finish": answer.finish}
    if not answer.finish or answer.finish.startswith("error"):
        text = "broken off: " + (answer.finish or "no finish reason")
        return Finding(check="stream", where=where, level="bad", text=text, figures=figures)
    text = f"{answer.pieces} events, the first after {said.first_ms or 0:.0f} ms"
    return Finding(check="stream", where=where, level="ok", text=text, figures=figures)


def limits(where: str, rounds: list[list[Said]]) -> Finding:
    """How many at the same time went well. Each round had more of them than the one before."""
    least = max((len(each) for each in rounds if not any(said.trouble for said in each)), default=1)
    last = rounds[-1]
    troubled = [said for said in last if said.trouble is not None]
    figures: dict[str, object] = {"together": least}
    if not troubled:
        return Finding(check="limits", where=where, level="ok", text=f"{least} at the same time", figures=figures)
    figures |= {"refused_of": [len(troubled), len(last)], "code": troubled[0].code}
    text = f"{least} at the same time; of {len(last)}, {len(troubled)} were refused: {refusal(troubled[0])}"
    return Finding(check="limits", where=where, level="note", text=text, figures=figures)


def told_limits(where: str, said: Said) -> Finding:
    """The limits that the service tells by itself, in headers."""
    told = {name: one_line(value, longest=40) for name, value in said.headers.items() if "ratelimit" in name}
    if told:
        text = "; ".join(f"{name}: {value}" for name, value in sorted(told.items()))
        return Finding(check="limits", where=where, level="ok", text=text, figures=told)
    return Finding(check="limits", where=where, level="skipped", text="the service tells none; --limits tries them")


def skew(said: Said) -> float | None:
    """By how many seconds our clock is ahead of the service's; None where it tells no time."""
    try:
        theirs = parsedate_to_datetime(said.headers["date"])
    except (KeyError, ValueError):
        return None
    # Its date has whole seconds, cut off (RFC 9110, 5.6.7): in the middle it is half a second later.
    return said.asked_at - (theirs.replace(tzinfo=theirs.tzinfo or UTC).timestamp() + 0.5)


def clock(where: str, seconds: float) -> Finding:
    """Whether the clocks agree."""
    level: Level = "ok" if abs(seconds) <= SKEW_S else "bad"
    side = "ahead of" if seconds > 0 else "behind"
    text = "agrees with the service's" if abs(seconds) < 2 else f"{abs(seconds):.0f} s {side} the service's"
    return Finding(check="clock", where=where, level=level, text=text, figures={"ahead_s": round(seconds, 1)})


def refusal(said: Said) -> str:
    """Why a question was not answered: our words, then the service's."""
    assert said.trouble is not None
    status = f"{said.status}" if said.status else ""
    code = f"code {one_line(said.code, longest=40)}" if said.code else ""
    told = ", ".join(part for part in (status, code, one_line(said.message, longest=160)) if part)
    return words().troubles[said.trouble] + (f" ({told})" if told else "")


def _refused(check: Check, where: str, said: Said) -> Finding:
    return Finding(check=check, where=where, level="note", text=f"no: {refusal(said)}", figures=_figures(said))


def _figures(said: Said) -> dict[str, object]:
    told = {"trouble": said.trouble, "status": said.status, "code": said.code or None, "ms": said.ms}
    return {name: value for name, value in told.items() if value is not None}


def _fault(fault: Fault, where: str) -> Finding:
    checks: Mapping[str, Check] = {"dns": "dns", "proxy": "proxy", "certificate": "tls", "tls": "tls"}
    text = f"{words().faults[fault.kind]}: {one_line(fault.detail)}"
    figures = {"fault": fault.kind, "certificate": fault.certificate}
    return Finding(check=checks.get(fault.kind, "connect"), where=where, level="bad", text=text, figures=figures)


def _is_open(reach: Reach) -> bool:
    """Whether what is sent there leaves this machine, or goes to a proxy, without TLS."""
    addresses = [ipaddress.ip_address(each.partition("%")[0]) for each in reach.addresses]
    stays = reach.hop is None and all(address.is_loopback for address in addresses)
    return reach.connect_ms is not None and reach.origin.startswith("http:") and not stays


def _tls(reach: Reach, tls: Tls, now: float) -> Finding:
    ends = datetime.fromtimestamp(tls.ends_at, UTC).date()
    days = days_left(reach, now)
    text = f"{tls.version}, certificate of {one_line(tls.issuer, longest=40)} until {ends} ({days} days)"
    level: Level = "note" if days is not None and days < CERTIFICATE_DAYS else "ok"
    figures = {"version": tls.version, "issuer": tls.issuer, "days": days}
    return Finding(check="tls", where=host_of(reach.origin), level=level, text=text, figures=figures)
