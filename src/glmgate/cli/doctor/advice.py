"""What to do about what was found, in `words`. Only decided here: the first rule that fits says the most.

Nothing is asked, and no service is known by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from glmgate.adaptation.profile import shipped_names
from glmgate.cli.chat.visible import one_line
from glmgate.cli.doctor import telling
from glmgate.cli.doctor.findings import UNKNOWN, Advice, Examined, Tried
from glmgate.cli.doctor.words import words
from glmgate.engines.upstream.reach import Reach
from glmgate.engines.upstream.replies import Said, Trouble
from glmgate.engines.upstream.surfaces import Directory, Place, shape_of

# Of several places that refuse, each with its reason, the one that tells most about the key.
_TELLING: Final[tuple[Trouble, ...]] = (
    "quota",
    "rate",
    "overload",
    "retired",
    "model",
    "permission",
    "filtered",
    "invalid",
    "context",
    "conflict",
    "broken",
    "silent",
    "moved",
    "authentication",
    "no_service",
    "unreachable",
)


# Refusals that may be due to the place and not to the key, so that another place where it works is the answer.
_OF_PLACE: Final = frozenset({"quota", "authentication", "keyless", "permission", "no_service", "moved"})


def advice(examined: Examined, known: Directory, *, now: float, most: int) -> tuple[Advice, ...]:
    """What to do, the most important first. `most`: the requests that there were."""
    beside = (_server, _stream, _limits, _clock, _open)
    return (
        *_main(examined, known),
        *(each for rule in beside for each in rule(examined)),
        *_certificates(examined, now),
        *([Advice("spent", _said("beside", "spent", most=most))] if examined.spent else []),
    )


def _main(examined: Examined, known: Directory) -> Iterator[Advice]:
    named, best = examined.subject.place, examined.best
    if best is None:
        yield from _ways(examined, everywhere=named is None)
        yield from _nowhere(examined, known)
    elif named is None:
        yield Advice("works", _said("beside", "works", url=best.place.base_url, settings=_settings(best.place)))
    elif best.place != named:
        yield from _ways(examined, everywhere=False)
        refused = next((each for each in examined.tried if each.place == named and each.said is not None), None)
        told = None if refused is None else _refused(refused, examined)
        yield _elsewhere(named, best) if told is None or told.name in _OF_PLACE else told


def _ways(examined: Examined, *, everywhere: bool) -> Iterator[Advice]:
    """About origins that one does not get to: that of the named place, or all."""
    named = examined.subject.place
    for origin, reach in examined.reached.items():
        if reach.fault is not None and (everywhere or (named is not None and named.origin == origin)):
            yield _way(reach)


def _way(reach: Reach) -> Advice:
    assert reach.fault is not None
    kind = reach.fault.certificate or reach.fault.kind
    text = _said(
        "ways",
        kind,
        host=telling.host_of(reach.origin),
        origin=reach.origin,
        detail=one_line(reach.fault.detail, longest=120),
        proxy=str(reach.hop or ""),
    )
    return Advice(f"way_{kind}", text)


def _nowhere(examined: Examined, known: Directory) -> Iterator[Advice]:
    """About a key that works nowhere."""
    asked = [tried for tried in examined.tried if tried.said is not None]
    if asked:
        told = _refused(_most_telling(examined, asked), examined)
        yield told
        credential = examined.subject.credential
        shape = "" if credential is None else shape_of(credential.reveal(), known)
        if told.name == "authentication" and shape:
            yield Advice(f"shape_{shape}", _said("shapes", shape))
    elif any(reach.fault is None for reach in examined.reached.values()) and not examined.spent:
        yield Advice("no_model", _said("nowhere", "no_model"))


def _refused(told: Tried, examined: Examined) -> Advice:
    """About the refusal of a place."""
    said, trouble = _trouble(told)
    name = words().codes.get(said.code, trouble) if trouble == "quota" else trouble
    if name == "authentication" and examined.subject.credential is None:
        name = "keyless"
    listed = examined.listing.models if examined.listing else ()
    text = _said(
        "nowhere",
        name,
        url=told.place.base_url,
        model=told.model,
        detail=one_line(said.message, longest=120),
        console=f": {told.place.console}" if told.place.console else "",
        models=f" It lists: {', '.join(one_line(each, longest=60) for each in listed[:8])}." if listed else "",
    )
    return Advice(name, text)


def _trouble(tried: Tried) -> tuple[Said, str]:
    """What a place that refused said, and what its trouble is."""
    assert tried.said is not None
    assert tried.said.trouble is not None
    return tried.said, tried.said.trouble


def _most_telling(examined: Examined, asked: list[Tried]) -> Tried:
    """The refusal that tells most; where a place was named, that one's, unless others know more about the key."""

    def rank(tried: Tried) -> tuple[bool, int]:
        assert tried.said is not None
        assert tried.said.trouble is not None
        trouble = tried.said.trouble
        # That the named place is no service or refuses the key may be due to the place; what it says else counts.
        is_named = tried.place == examined.subject.place and trouble not in {"authentication", "no_service"}
        return not is_named, _TELLING.index(trouble)

    return min(asked, key=rank)


def _elsewhere(named: Place, best: Tried) -> Advice:
    place = best.place
    if not place.surface:
        return Advice("other_path", _said("elsewhere", "path", url=place.base_url))
    texts = words().elsewhere
    if named.service != place.service:
        title = place.title
        return Advice(
            "other_service", _said("elsewhere", "service", url=place.base_url, title=title, profile=_profile(place))
        )
    name = place.surface if named.surface and place.surface in texts else "path"
    return Advice(f"other_{name}", _said("elsewhere", name, url=place.base_url, profile=_profile(place)))


def _server(examined: Examined) -> Iterator[Advice]:
    """About the profile that fits what was recognised."""
    given = examined.subject.profile
    if examined.best is None:
        return
    if examined.server is None:
        if given is None and not examined.best.place.profile:
            yield Advice("profile", _said("beside", "unknown", profile=UNKNOWN))
        return
    server, version = examined.server
    title = f"{server.title} {version}".strip()
    if given is None:
        yield Advice("profile", _said("beside", "profile", server=title, profile=server.profile))
    elif given.name in shipped_names() and given.name != server.profile:
        text = _said("beside", "other_profile", server=title, profile=server.profile, given=given.name)
        yield Advice("other_profile", text)


def _stream(examined: Examined) -> Iterator[Advice]:
    """About streams that break where plain answers come."""
    broken = next((each for each in examined.findings if each.check == "stream" and each.level == "bad"), None)
    if broken is not None:
        yield Advice("stream", _said("beside", "stream", detail=broken.text))


def _limits(examined: Examined) -> Iterator[Advice]:
    """About how many at the same time fit."""
    if examined.limits is not None:
        least, tried = examined.limits
        yield Advice("concurrency", _said("beside", "concurrency", least=least, most=tried))


def _clock(examined: Examined) -> Iterator[Advice]:
    """About this machine's clock."""
    if examined.skew_s is not None and abs(examined.skew_s) > telling.SKEW_S:
        direction = "ahead" if examined.skew_s > 0 else "behind"
        yield Advice("clock", _said("beside", "clock", skew=f"{abs(examined.skew_s):.0f}", direction=direction))


def _open(examined: Examined) -> Iterator[Advice]:
    """About a key that anybody on the way can read."""
    for finding in examined.findings:
        if finding.check == "tls" and finding.figures.get("version", "") is None:
            yield Advice("open", _said("beside", "open", host=finding.where))


def _certificates(examined: Examined, now: float) -> Iterator[Advice]:
    """About certificates that end soon."""
    for reach in examined.reached.values():
        days = telling.days_left(reach, now)
        if days is not None and days < telling.CERTIFICATE_DAYS:
            host = telling.host_of(reach.origin)
            yield Advice("certificate_ends", _said("beside", "certificate_ends", host=host, days=days))


def _settings(place: Place) -> str:
    return f", {_profile(place)}" if place.profile else ""


def _profile(place: Place) -> str:
    return f'profile = "{place.profile}"' if place.profile else words().beside["no_profile"]


def _said(table: str, name: str, **parts: object) -> str:
    texts: dict[str, str] = getattr(words(), table)
    return texts[name].format(**parts)
