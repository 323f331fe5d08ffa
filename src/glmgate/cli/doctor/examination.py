"""The order in which things are looked at: the way, the places, then what the model can do where the key works.

What is seen becomes findings in `telling`; nothing is printed here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from glmgate.adaptation.profile import Profile, shipped, shipped_names
from glmgate.cli.doctor import telling
from glmgate.cli.doctor.findings import UNKNOWN, Examined, Finding, Level, Subject, Tried
from glmgate.engines.upstream import probes
from glmgate.engines.upstream.probes import Asker, BudgetSpent, Listing, Target
from glmgate.engines.upstream.reach import Hop, Reach, reach
from glmgate.engines.upstream.replies import Answer, Said
from glmgate.engines.upstream.surfaces import Directory, Place, known_places, others
from glmgate.transport.proxies import Proxies

ROUNDS: Final = (2, 4, 8)
"""So many at the same time, one round after the other, when limits are tried."""


class Watch(Protocol):
    """Who is told how it goes."""

    def begins(self, what: str) -> None:
        """Something is looked at now, which may take a while."""
        ...

    def found(self, finding: Finding) -> None:
        """Something was found."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What an examination is done with. `limits` asks what limits are tried with; None: they are not."""

    asker: Asker
    known: Directory
    watch: Watch
    proxies: Proxies = field(default_factory=Proxies)
    limits: Asker | None = None
    timeout_s: float = 30.0
    now: Callable[[], float] = time.time


class Examination:
    """Looks at subjects. Each origin is gone to once."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._reached: dict[str, Reach] = {}

    async def examine(self, subjects: Sequence[Subject]) -> list[Examined]:
        """All that can be found about them: first whether each works at all, then what can be done there.

        Where else one works that works is asked only when it is the only one: requests are few.
        """
        found = [Examined(subject) for subject in subjects]
        for examined in found:
            await self._while_paid(examined, self._places(examined, everywhere=len(found) == 1))
        for examined in found:
            if examined.best is not None:
                await self._while_paid(examined, self._abilities(examined, examined.best))
        return found

    async def _while_paid(self, examined: Examined, step: Awaitable[None]) -> None:
        try:
            await step
        except BudgetSpent:
            examined.spent = True

    async def _places(self, examined: Examined, *, everywhere: bool) -> None:
        named = examined.subject.place
        for place in self._candidates(examined.subject):
            if place != named and examined.answers and named is not None and not everywhere:
                return
            await self._try(place, examined)
        if examined.best is None:
            # Nowhere: what was only to be noted as long as another service might answer is now what is wrong.
            examined.findings[:] = [
                replace(each, level="bad") if "fault" in each.figures else each for each in examined.findings
            ]

    def _candidates(self, subject: Subject) -> tuple[Place, ...]:
        if subject.place is None:
            return known_places(self._means.known)
        return (subject.place, *(() if subject.only else others(subject.place, self._means.known)))

    async def _try(self, place: Place, examined: Examined) -> None:
        if not await self._way(place, examined):
            examined.tried.append(Tried(place))
            return
        target = self._target(place, examined.subject)
        listing = await self._models(target, examined) if place.dialect == "chat" else None
        if not place.profile and listing is not None:
            target = await self._recognised(target, listing, examined)
        target = self._with_model(target, listing, examined)
        if not target.model:
            self._nobody(place, listing, examined)
            return
        self._means.watch.begins(f"asking {target.model} at {place.base_url}")
        said = await self._means.asker.ask(target)
        examined.tried.append(Tried(place, said, target.model))
        self._clock(place, said, examined)
        self._add(examined, telling.answered(examined.tried[-1], named=place == examined.subject.place))

    def _nobody(self, place: Place, listing: Listing | None, examined: Examined) -> None:
        """No model is known to ask: what the list was refused with tells about the key, but that there is none."""
        told = listing.said if listing is not None and listing.said.trouble and listing.said.status != 404 else None
        examined.tried.append(Tried(place, told))
        text = "not asked: no model is known" if told is None else telling.refusal(told)
        level: Level = "bad" if place == examined.subject.place else "note"
        self._add(examined, Finding(check="answer", where=place.base_url, level=level, text=text))

    async def _way(self, place: Place, examined: Examined) -> bool:
        """Whether one gets to the place's origin."""
        origin = place.origin
        if origin not in self._reached:
            self._means.watch.begins(f"going to {origin}")
            proxy = self._means.proxies.for_url(place.base_url)
            self._reached[origin] = await reach(
                origin, hop=None if proxy is None else Hop.of(proxy), timeout_s=min(10.0, self._means.timeout_s)
            )
        if origin not in examined.reached:
            examined.reached[origin] = self._reached[origin]
            needed = examined.subject.place is not None and examined.subject.place.origin == origin
            for finding in telling.way(self._reached[origin], now=self._means.now()):
                # That one of several services cannot be reached is no fault where another one answers.
                self._add(examined, finding if needed or finding.level != "bad" else replace(finding, level="note"))
        return self._reached[origin].fault is None

    async def _models(self, target: Target, examined: Examined) -> Listing:
        self._means.watch.begins(f"listing the models of {target.place.base_url}")
        listing = await self._means.asker.models(target)
        self._clock(target.place, listing.said, examined)
        self._add(examined, telling.listed(listing, target.place.base_url))
        if target.place == examined.subject.place:
            for finding in telling.unlisted(listing, examined.subject.routed, target.place.base_url):
                self._add(examined, finding)
        if examined.listing is None or (examined.listing.said.trouble is not None and listing.said.trouble is None):
            examined.listing = listing
        return listing

    async def _recognised(self, target: Target, listing: Listing, examined: Examined) -> Target:
        """The target with the profile of what is recognised there."""
        found = await self._means.asker.server(listing, target, self._means.known)
        if found is None:
            return target
        server, version = found
        title = f"{server.title} {version}".strip()
        examined.server = found
        where, figures = target.place.root, {"profile": server.profile, "title": title}
        self._add(examined, Finding(check="server", where=where, level="ok", text=title, figures=figures))
        return target if examined.subject.profile is not None else replace(target, profile=_profile(server.profile))

    def _target(self, place: Place, subject: Subject) -> Target:
        profile = subject.profile if subject.profile is not None and place == subject.place else _profile(place.profile)
        return Target(place=place, profile=profile, credential=subject.credential)

    def _with_model(self, target: Target, listing: Listing | None, examined: Examined) -> Target:
        listed = [name for name in (listing.chat if listing else ()) if self._means.known.chats(name)]
        usual = [name for name in target.place.models if not listed or name in listed]
        routed = examined.subject.routed if target.place == examined.subject.place else ()
        model = next((name for name in (examined.subject.model, *routed, *usual, *listed) if name), "")
        return replace(target, model=model, profile=target.profile.for_family(model))

    async def _abilities(self, examined: Examined, best: Tried) -> None:
        place = best.place
        if place.dialect != "chat":
            return
        target = self._target(place, examined.subject)
        if examined.server is not None and not place.profile and examined.subject.profile is None:
            target = replace(target, profile=_profile(examined.server[0].profile))
        target = replace(target, model=best.model, profile=target.profile.for_family(best.model))
        assert best.said is not None
        told = telling.told_limits(place.base_url, best.said)
        if told.level == "ok" or self._means.limits is None:
            self._add(examined, told)
        quiet = await self._thinking(target, best.said.answer or Answer(), examined)
        await self._asked(target, examined, telling.tools, {**quiet, **probes.tools()})
        await self._asked(target, examined, telling.json, {**quiet, **probes.json_object()})
        self._means.watch.begins(f"asking {target.model} for a stream")
        examined.stream = await self._means.asker.ask_stream(target, **quiet)
        self._add(examined, telling.streamed(place.base_url, examined.stream))
        if self._means.limits is not None:
            await self._limits(self._means.limits, target, examined)

    async def _thinking(self, target: Target, default: Answer, examined: Examined) -> dict[str, object]:
        """Tries the switch, and answers the members that turn thinking off for what comes after."""
        where, on = target.place.base_url, not default.reasoning
        members = probes.thinking(target.profile, on=on)
        if not members:
            text = "thinks by itself" if default.reasoning else "does not think by itself"
            text += "; its profile knows no switch for that"
            self._add(examined, Finding(check="thinking", where=where, level="skipped", text=text))
            return {}
        self._means.watch.begins(f"asking {target.model} with thinking {'on' if on else 'off'}")
        said = await self._means.asker.ask(target, **members)
        self._add(examined, telling.thought(where, default=default, switched=said, on=on))
        if said.trouble is not None:
            return {}
        return members if not on else probes.thinking(target.profile, on=False)

    async def _asked(
        self, target: Target, examined: Examined, tell: Callable[[str, Said], Finding], members: dict[str, object]
    ) -> None:
        self._means.watch.begins(f"asking {target.model} with {', '.join(sorted(members.keys() - {'messages'}))}")
        self._add(examined, tell(target.place.base_url, await self._means.asker.ask(target, **members)))

    async def _limits(self, asker: Asker, target: Target, examined: Examined) -> None:
        """More at the same time in each round, until one is refused."""
        rounds: list[list[Said]] = []
        for count in ROUNDS:
            self._means.watch.begins(f"asking {count} times at once")
            rounds.append(list(await asyncio.gather(*(asker.ask(target) for _ in range(count)))))
            if any(said.trouble for said in rounds[-1]):
                well = len(rounds[-2]) if len(rounds) > 1 else 1
                examined.limits = (well, len(rounds[-1]))
                break
        self._add(examined, telling.limits(target.place.base_url, rounds))

    def _clock(self, place: Place, said: Said, examined: Examined) -> None:
        seconds = telling.skew(said)
        if seconds is not None and examined.skew_s is None:
            examined.skew_s = seconds
            self._add(examined, telling.clock(telling.host_of(place.base_url), seconds))

    def _add(self, examined: Examined, finding: Finding) -> None:
        examined.findings.append(finding)
        self._means.watch.found(finding)


def _profile(name: str) -> Profile:
    return shipped(name if name in shipped_names() else UNKNOWN)
