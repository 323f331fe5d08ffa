"""What goes with a request: its ids, and the books of one that is put down nowhere."""

from __future__ import annotations

import dataclasses

from glmgate.wire.charge import NO_CHARGE
from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.engine import Call, Caller, Note, Place
from glmgate.wire.terms import Scope, Terms


def call() -> Call:
    """A call."""
    return Call(request_id="same", caller=Caller("k"), surface="openai")


def test_a_request_has_an_id_of_its_own_whatever_its_client_calls_it() -> None:
    """Clients use theirs again."""
    assert call().uid != call().uid


def test_each_attempt_of_a_request_has_another_id() -> None:
    """Those that are made for a shared call, too: it is a copy, and counts on."""
    first = call()
    shared = dataclasses.replace(first, attempts=[], charges=[])
    ids = [first.entry_id(), shared.entry_id(), first.entry_id()]
    assert ids == [f"{first.uid}.{number}" for number in range(3)]


async def test_a_call_without_books_can_be_told_everything() -> None:
    """And nothing comes of it."""
    asked = call()
    place, request = Place("d", "u", "m"), ChatRequest(model="m", messages=[])
    await asked.spending.attempt(asked, place, request, NO_CHARGE)
    asked.spending.settled(asked, NO_CHARGE, NO_CHARGE)
    entry = await asked.books.reserve(asked, place, request)
    entry.saw((Delta(content="x"),))
    entry.whole(Usage(1))
    entry.ended()
    entry.failed(ValueError())
    entry.left()
    assert asked.charges == []


def test_a_change_is_reported_once() -> None:
    """However often it is made."""
    asked = call()
    for _ in range(2):
        asked.note(Note("n", "emulated"))
    assert [str(note) for note in asked.notes] == ["n=emulated"]


def test_a_member_that_was_obeyed_is_not_reported_as_left_out() -> None:
    """Whoever asks a deployment afterwards may leave it out; other changes of it are still true."""
    asked = call()
    notes = (Note("a", "omitted"), Note("b", "omitted", exact=False), Note("b", "mapped"))
    assert asked.unsaid(notes) == notes
    asked.obeyed |= {"b"}
    assert asked.unsaid(notes) == (notes[0], notes[2])


def test_a_callers_tags_are_those_of_all_its_terms() -> None:
    """In the order of its terms, the widest first, and each once."""
    terms = [Terms(tags=tags) for tags in (("acme", "web"), (), ("web", "test"))]
    scopes = (Scope("organisation", "o", terms[0]), Scope("project", "p", terms[1]), Scope("key", "k", terms[2]))
    assert Caller("k", scopes=scopes).tags == ("acme", "web", "test")
    assert Caller("k").tags == ()
