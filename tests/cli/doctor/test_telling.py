"""Tests of findings: what is said about what was seen."""

from __future__ import annotations

import pytest

from glmgate.cli.doctor import telling
from glmgate.cli.doctor.findings import Tried
from glmgate.cli.doctor.words import words
from glmgate.engines.upstream.probes import Listing
from glmgate.engines.upstream.replies import Answer, Said, Trouble
from glmgate.engines.upstream.surfaces import Place, directory

PLACE = Place(base_url="https://service.test/v1", title="a service")
WELL = Said(status=200, answer=Answer(content="OK", finish="stop"))


@pytest.mark.parametrize("trouble", Trouble.__args__[0].__args__ + Trouble.__args__[1].__args__)
def test_every_trouble_has_words(trouble: Trouble) -> None:
    """And advice for where a key works nowhere."""
    assert telling.refusal(Said(trouble=trouble)) == words().troubles[trouble]
    assert trouble in words().nowhere


def test_every_code_has_words() -> None:
    """Those that say more than that there is no money."""
    assert set(words().codes.values()) <= set(words().nowhere)


def test_every_form_of_a_key_has_words() -> None:
    """The forms are data, so are the words: they have to go together."""
    assert {shape.name for shape in directory().shapes} == set(words().shapes)
    assert {surface.name for surface in directory().surfaces} <= set(words().elsewhere)


@pytest.mark.parametrize(
    ("date", "ours", "seconds"),
    [
        ("Tue, 15 Nov 1994 08:12:31 GMT", 784887151.5, 0.0),
        ("Tue, 15 Nov 1994 08:12:31 GMT", 784887251.5, 100.0),
        ("Tue, 15 Nov 1994 10:12:31 +0200", 784887151.5, 0.0),
        ("yesterday", 0.0, None),
        (None, 0.0, None),
    ],
)
def test_clocks_are_compared_by_the_date_of_a_reply(date: str | None, ours: float, seconds: float | None) -> None:
    """Positive where ours is ahead; a date that cannot be read says nothing."""
    headers = {} if date is None else {"date": date}
    assert telling.skew(Said(headers=headers, asked_at=ours)) == seconds


@pytest.mark.parametrize(("seconds", "level"), [(0.4, "ok"), (-59.0, "ok"), (61.0, "bad"), (-3600.0, "bad")])
def test_a_clock_may_be_a_minute_wrong(seconds: float, level: str) -> None:
    """The tokens that GLM's SDKs sign end after 210 s."""
    assert telling.clock("service.test", seconds).level == level


def test_text_of_services_is_one_visible_line() -> None:
    """What a service writes cannot move the cursor, nor fill the screen."""
    said = Said(trouble="invalid", status=400, code="\x1b[2J", message="a\nb" + "c" * 500)
    line = telling.refusal(said)
    assert "\x1b" not in line
    assert "\n" not in line
    assert len(line) < 300


def test_a_long_list_of_models_is_cut_for_people_only() -> None:
    """Programs get all."""
    names = tuple(f"model-{number}" for number in range(20))
    finding = telling.listed(Listing(said=WELL, models=names), "https://service.test/v1")
    assert finding.text.endswith("model-7 and 12 more")
    assert finding.figures["models"] == list(names)


def test_an_answer_that_was_all_thinking_says_so() -> None:
    """Sixteen tokens are soon thought."""
    said = Said(status=200, answer=Answer(reasoning="hm", finish="length"))
    finding = telling.answered(Tried(PLACE, said, "m"), named=True)
    assert (finding.level, finding.text) == ("ok", "yes, m in 0 ms; the 16 tokens went into thinking")


@pytest.mark.parametrize(
    ("default", "switched", "on", "level", "words_"),
    [
        ("", "hm", True, "ok", "does not think by itself; turned on: obeyed"),
        ("", "", True, "note", "does not think by itself; turned on: no difference seen"),
        ("hm", "", False, "ok", "thinks by itself; turned off: obeyed"),
        ("hm", "hm", False, "note", "thinks by itself; turned off: no difference seen"),
    ],
)
def test_thinking_is_what_changes_with_the_switch(
    default: str, switched: str, *, on: bool, level: str, words_: str
) -> None:
    """Turned the other way than it is by itself."""
    said = Said(status=200, answer=Answer(reasoning=switched))
    finding = telling.thought("x", default=Answer(reasoning=default), switched=said, on=on)
    assert (finding.level, finding.text) == (level, words_)


@pytest.mark.parametrize(
    ("content", "level"), [('{"ok": true}', "ok"), ("[1]", "note"), ("```json\n{}", "note"), ("", "note")]
)
def test_json_is_an_object(content: str, level: str) -> None:
    """With nothing around it."""
    assert telling.json("x", Said(status=200, answer=Answer(content=content))).level == level


def test_limits_are_the_largest_round_that_went_well() -> None:
    """And who was refused in the next."""
    busy = Said(trouble="rate", status=429, code="1302")
    finding = telling.limits("x", [[WELL] * 2, [WELL] * 3 + [busy]])
    assert finding.figures == {"together": 2, "refused_of": [1, 4], "code": "1302"}
    assert telling.limits("x", [[busy] * 2]).figures["together"] == 1
    assert telling.limits("x", [[WELL] * 2, [WELL] * 4, [WELL] * 8]).level == "ok"
