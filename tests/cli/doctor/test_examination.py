"""Tests of the order of an examination, with several services on loopback in place of those of the package."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from glmgate.adaptation.profile import shipped
from glmgate.cli.doctor.advice import advice
from glmgate.cli.doctor.examination import Examination, Means
from glmgate.cli.doctor.findings import Examined, Finding, Subject
from glmgate.engines.upstream.probes import Asker, Budget
from glmgate.engines.upstream.secret import Secret
from glmgate.engines.upstream.surfaces import Directory, Service, directory, place_of
from glmgate.transport.aiohttp import AiohttpTransport
from tests.cli.doctor.loopback import KEY, NO_CREDIT, Rule, answer, message, refused, serving, well

GENERAL, CODING, ANTHROPIC = "/api/paas/v4", "/api/coding/paas/v4", "/api/anthropic"


class Quiet:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.findings: list[Finding] = []

    def begins(self, what: str) -> None:
        """Something is looked at."""
        self.lines.append(what)

    def found(self, finding: Finding) -> None:
        """Something was found."""
        self.findings.append(finding)


def known(*origins: str) -> Directory:
    """The package's directory, with services at these origins."""
    usual = directory()
    services = tuple(
        Service(name=each.name, title=each.title, origin=origin, console=each.console, profiles=each.profiles)
        for each, origin in zip(usual.services, origins, strict=True)
    )
    return Directory(
        dialects=usual.dialects,
        services=services,
        surfaces=usual.surfaces,
        servers=usual.servers,
        shapes=usual.shapes,
        silent=usual.silent,
    )


@asynccontextmanager
async def examining(places: Directory, *, most: int = 10) -> AsyncIterator[tuple[Examination, Budget, Quiet]]:
    """An examination, its budget and its watch."""
    transport, budget, watch = AiohttpTransport(keep_connections=False), Budget(most), Quiet()
    try:
        asker = Asker(transport, budget, timeout_s=5)
        yield Examination(Means(asker=asker, known=places, watch=watch, timeout_s=5)), budget, watch
    finally:
        await transport.aclose()


def advised(examined: Examined, places: Directory) -> dict[str, str]:
    """What to do, by name."""
    return {each.name: each.text for each in advice(examined, places, now=0.0, most=10)}


def surfaces(general: Rule, coding: Rule, blocks: Rule) -> dict[str, Rule]:
    """What the three surfaces of a service answer."""
    return {
        f"{GENERAL}/chat/completions": general,
        f"{CODING}/chat/completions": coding,
        f"{ANTHROPIC}/v1/messages": blocks,
    }


UNKNOWN_KEY = surfaces(*[refused(401, "1000", "no such key")] * 3)
CODING_KEY = surfaces(NO_CREDIT, answer, message)


async def test_a_key_alone_is_tried_on_every_surface_of_every_service() -> None:
    """Six questions, then four about what works: ten. What it is and how to use it is said."""
    with serving(UNKNOWN_KEY) as first, serving(CODING_KEY) as second:
        places = known(first.url, second.url)
        async with examining(places) as (examination, budget, _):
            [examined] = await examination.examine([Subject(name="--key", credential=Secret(KEY))])
        assert [len(service.questions) for service in (first, second)] == [3, 7]
        assert budget.used == 10
        assert (examined.is_well, examined.spent) == (True, False)
        assert examined.best is not None
        assert examined.best.place.base_url == second.url + CODING
        works = advised(examined, places)["works"]
        assert works == f'Use it as base_url = "{second.url}{CODING}", profile = "zai-coding".'


async def test_a_key_of_the_other_service_is_told() -> None:
    """Named is one service, the key works on the other one."""
    with serving(UNKNOWN_KEY) as first, serving(surfaces(answer, NO_CREDIT, NO_CREDIT)) as second:
        places = known(first.url, second.url)
        subject = Subject(name="zai", credential=Secret(KEY), place=place_of(first.url + GENERAL, places))
        async with examining(places) as (examination, _, _):
            [examined] = await examination.examine([subject])
        assert not examined.is_well
        told = advised(examined, places)["other_service"]
        assert f'use {second.url}{GENERAL} (profile = "bigmodel")' in told
        assert told.startswith("This is a key of BigModel")


async def test_a_key_that_works_only_for_another_kind_of_client_is_told() -> None:
    """The surface with blocks of content is none that glmgate or OpenAI's clients speak."""
    with serving(surfaces(NO_CREDIT, NO_CREDIT, message)) as service:
        places = known(service.url, "http://127.0.0.1:9")
        subject = Subject(name="zai", credential=Secret(KEY), place=place_of(service.url + GENERAL, places))
        async with examining(places) as (examination, budget, _):
            [examined] = await examination.examine([subject])
        assert "ANTHROPIC_BASE_URL" in advised(examined, places)["other_anthropic"]
        assert budget.used == 3


async def test_a_key_without_money_says_where_to_get_some() -> None:
    """Where one service knows the key and the other does not, the one that knows it tells more."""
    with serving(UNKNOWN_KEY) as first, serving(surfaces(*[NO_CREDIT] * 3)) as second:
        places = known(first.url, second.url)
        async with examining(places) as (examination, _, _):
            [examined] = await examination.examine([Subject(name="--key", credential=Secret(KEY))])
        assert advised(examined, places) == {"quota": advised(examined, places)["quota"]}
        assert places.services[1].console in advised(examined, places)["quota"]


async def test_one_dead_service_is_no_fault_where_the_other_answers() -> None:
    """It is noted; nothing is wrong with the key."""
    with serving(CODING_KEY) as service:
        places = known(service.url, "http://127.0.0.1:9")
        async with examining(places) as (examination, _, watch):
            [examined] = await examination.examine([Subject(name="--key", credential=Secret(KEY))])
        assert examined.is_well
        assert [each.level for each in examined.findings if "fault" in each.figures] == ["note"]
        assert "way_refused" not in advised(examined, places)
        assert watch.findings == examined.findings


async def test_of_several_keys_each_is_tried_before_one_is_looked_into() -> None:
    """With few requests it is more to know which of them work."""
    with serving(well()) as service:
        place = place_of(f"{service.url}/v1", directory())
        subjects = [Subject(name=name, credential=Secret(KEY), place=place) for name in "abc"]
        async with examining(directory(), most=4) as (examination, _, _):
            found = await examination.examine(subjects)
        assert [each.answers for each in found] == [True] * 3
        assert [each.spent for each in found] == [True] * 3
        assert len(service.questions) == 4
        connects = [finding for each in found for finding in each.findings if finding.check == "connect"]
        assert len({tuple(finding.figures.items()) for finding in connects}) == 1  # gone there once


@pytest.mark.parametrize("profile", ["vllm", "zai"])
async def test_a_chosen_profile_says_how_to_ask(profile: str) -> None:
    """The switch for thinking is that of the profile; what follows is asked with thinking off."""
    member = shipped(profile).thinking.member
    with serving(well()) as service:
        place = place_of(f"{service.url}/v1", directory())
        subject = Subject(name="mine", place=place, profile=shipped(profile))
        async with examining(directory()) as (examination, _, _):
            await examination.examine([subject])
        asked = [each.body for each in service.questions]
        assert [member in body for body in asked] == [False, True, True, True, True]
        assert asked[1][member] != asked[2][member] == asked[4][member]
