"""Tests of the audit log's chain: any change to it is found, and the first wrong row is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from glmgate.errors import InvalidRequest
from glmgate.policy.audit import BEGIN, Act, Broken, Entry, Verifier, act, digest, facts, following
from glmgate.policy.keys import Key, MasterKey
from glmgate.policy.organisation import Organisation, Project, ServiceAccount
from glmgate.wire.terms import Terms

WORDS = st.text(max_size=8)
FACTS = st.none() | st.dictionaries(WORDS, WORDS | st.integers() | st.none(), max_size=3)
ACTS = st.builds(Act, WORDS, WORDS, WORDS, FACTS, FACTS)
CHAINS = st.lists(st.tuples(ACTS, st.floats(0, 2e9)), min_size=1, max_size=6)
KEY = Key(id="a1", name="one", created_at=5.0, terms=Terms(rpm=5))
PROJECT = Project(id="proj_1", name="Web", created_at=5.0)


def chain(acts: Sequence[tuple[Act, float]]) -> list[Entry]:
    """The rows for acts."""
    entries: list[Entry] = []
    for done, at in acts:
        entries.append(following(entries[-1] if entries else None, done, at=at))
    return entries


def broken(entries: Sequence[Entry], head: str | None = None) -> Broken | None:
    """What a verifier finds."""
    verifier = Verifier(head)
    verifier.feed(entries)
    return verifier.end()


@given(CHAINS)
def test_an_untouched_log_is_right(acts: list[tuple[Act, float]]) -> None:
    """Fed at once or row by row; its head is the last row's digest."""
    entries = chain(acts)
    verifier = Verifier(entries[-1].digest)
    for entry in entries:
        verifier.feed([entry])
    assert verifier.end() is None
    assert (verifier.entries, verifier.head) == (len(entries), entries[-1].digest)


@given(CHAINS, st.data())
def test_any_changed_member_is_found(acts: list[tuple[Act, float]], data: st.DataObject) -> None:
    """In any row, whichever member it is; the row is named, or the one that can no longer follow it."""
    entries = chain(acts)
    place = data.draw(st.integers(0, len(entries) - 1))
    name = data.draw(st.sampled_from([field.name for field in fields(Entry)]))
    value = getattr(entries[place], name)
    if isinstance(value, float):
        other: object = data.draw(st.floats(0, 2e9))
    elif isinstance(value, int):
        other = data.draw(st.integers(0, 99))
    else:
        other = data.draw(WORDS)
    assume(other != value)
    entries[place] = replace(entries[place], **{name: other})  # type: ignore[arg-type] # of the member's type
    found = broken(entries)
    assert found is not None
    assert found.seq in {place + 1, other}


@given(CHAINS, st.data())
def test_any_missing_row_is_found(acts: list[tuple[Act, float]], data: st.DataObject) -> None:
    """Wherever rows were taken out but at the end, which needs the head; also when the others were numbered anew."""
    entries = chain(acts)
    head = entries[-1].digest
    first = data.draw(st.integers(0, len(entries) - 1))
    last = data.draw(st.integers(first + 1, len(entries)))
    left = entries[:first] + entries[last:]
    renumbered = [replace(entry, seq=number) for number, entry in enumerate(left, 1)]
    for log in (left, renumbered):
        found = broken(log, head)
        assert found is not None
        assert found.seq == first + 1
        assert (broken(log) is None) == (last == len(entries))


@given(CHAINS, ACTS, st.data())
def test_any_row_put_in_is_found(acts: list[tuple[Act, float]], more: Act, data: st.DataObject) -> None:
    """Even one that follows the row before it as it should."""
    entries = chain(acts)
    place = data.draw(st.integers(0, len(entries) - 1))
    forged = following(entries[place - 1] if place else None, more, at=1.0)
    assume(forged.digest != entries[place].digest)
    after = [replace(entry, seq=entry.seq + 1) for entry in entries[place:]]
    for log in ([*entries[:place], forged, *entries[place:]], [*entries[:place], forged, *after]):
        found = broken(log)
        assert found is not None
        assert found.seq in {place + 1, place + 2}


@given(CHAINS, st.data())
def test_rows_that_changed_places_are_found(acts: list[tuple[Act, float]], data: st.DataObject) -> None:
    """Under their own numbers and under each other's."""
    assume(len(acts) > 1)
    entries = chain(acts)
    place = data.draw(st.integers(0, len(entries) - 2))
    one, other = entries[place : place + 2]
    for pair in ([other, one], [replace(other, seq=one.seq), replace(one, seq=other.seq)]):
        found = broken([*entries[:place], *pair, *entries[place + 2 :]])
        assert found is not None
        assert found.seq == place + 1


def test_a_log_written_anew_is_found_by_its_old_head() -> None:
    """A chain that is right in itself proves nothing about one that was there before."""
    entries = chain([(Act("me", "project.created", "p1"), 1.0), (Act("me", "project.archived", "p1"), 2.0)])
    forged = chain([(Act("you", "project.created", "p1"), 1.0), (Act("me", "project.archived", "p1"), 2.0)])
    assert broken(forged) is None
    found = broken(forged, entries[1].digest)
    assert found is not None
    assert "cut or written anew" in found.why


def test_a_log_that_has_grown_still_has_its_old_head() -> None:
    """The digest that was kept is that of a row in it; the head of an empty log is in every log."""
    entries = chain([(Act("me", "project.created", f"p{number}"), 1.0) for number in range(3)])
    assert broken(entries, entries[1].digest.upper()) is None
    assert broken(entries, BEGIN) is None
    assert broken([], BEGIN) is None


def test_an_empty_log_is_right_but_for_a_head() -> None:
    """There is nothing wrong with it, unless something was there."""
    assert broken([]) is None
    found = broken([], "a" * 64)
    assert found is not None
    assert found.seq == 1


@pytest.mark.parametrize("head", ["", "abc", "g" * 64])
def test_what_is_no_digest_is_told(head: str) -> None:
    """Not compared in vain."""
    with pytest.raises(InvalidRequest, match="no digest"):
        Verifier(head)


def test_the_digest_does_not_depend_on_the_order_of_facts() -> None:
    """The same facts give the same row."""
    one = following(None, Act("me", "x", "s", {"a": 1, "b": 2}), at=1.0)
    other = following(None, Act("me", "x", "s", {"b": 2, "a": 1}), at=1.0)
    assert one == other
    assert digest(one) == one.digest


def test_an_act_shows_no_secret() -> None:
    """A key's facts are those that its row has, without anything that opens a door."""
    text = KEY.text(MasterKey.from_text("m" * 32))
    entry = following(None, act("me", "api_key.created", None, KEY), at=1.0)
    assert text.partition(".")[2] not in repr(entry)
    assert entry.before is None
    assert entry.after is not None
    assert msgspec.json.decode(entry.after) == facts(KEY)
    assert facts(KEY)["terms"] == {"rpm": 5}


@pytest.mark.parametrize(
    ("done", "project"),
    [
        (act("me", "api_key.created", None, KEY), "default"),
        (act("me", "project.updated", PROJECT, replace(PROJECT, name="Other")), "proj_1"),
        (act("me", "rate_limit.updated", PROJECT, PROJECT), "proj_1"),
        (
            act("me", "service_account.deleted", ServiceAccount(id="s", name="r", project="p2", created_at=1.0), None),
            "p2",
        ),
        (act("me", "organization.updated", None, Organisation(id="default", name="A", created_at=1.0)), None),
    ],
    ids=["key", "project", "rates", "account", "organisation"],
)
def test_an_act_knows_its_project(done: Act, project: str | None) -> None:
    """From what was before or after it."""
    assert following(None, done, at=1.0).project == project
