"""The view: what is shown, in which order, and that it fits."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.cli.chat.visible import visible
from glmgate.cli.top.values import Credential, Engine, Minute, Now, Request, Upstream
from glmgate.cli.top.view import Look, lines

ONE = Request("k-1", "glm-4.6", "zai/glm-4.6", "chat", "streaming", 12.34, 60, 20.5)
TWO = Request("k-2", "tiny", "tiny", "chat", "queued", 1.0, 0, 0.0)
NOW = Now(
    in_flight=2,
    tokens_per_s=20.5,
    requests=(ONE, TWO),
    upstreams=(Upstream("zai", 3, (Credential(0, 2, 4), Credential(1, 0, 1, parked=True))),),
    breakers={"zai/glm-4.6": "open", "zai/glm-4.5": "closed"},
    engines=(Engine("tiny", "ready", 1, 4, 2),),
    minute=Minute(30, 1, 1000, 500),
)


def rows(look: Look, now: Now = NOW) -> list[str]:
    """The keys of the requests, in the order in which they stand."""
    return [found[0] for line in lines(now, look) if (found := re.search(r"k-\d", line))]


def test_everything_is_shown() -> None:
    """Sums, engines, upstreams with their slots, breakers that are not closed, and the requests."""
    text = "\n".join(lines(NOW, Look()))
    assert "2 in flight, 20.5 tokens/s" in text
    assert "Last minute: 30 requests, 1 with an error, 1000 tokens in, 500 out" in text
    assert "tiny: ready, 1 of 4 slots, 2 waiting" in text
    assert "zai: slots 2/4, 0/1 parked, 3 waiting" in text
    assert "zai/glm-4.6: breaker open" in text
    assert "zai/glm-4.5" not in text
    assert re.search(r"12\.3 s streaming +60 +20\.5 k-1 +glm-4\.6 +zai/glm-4\.6", text)


def test_a_server_without_work_says_so() -> None:
    """In a word, not with an empty table alone."""
    assert lines(Now(in_flight=0), Look())[-1] == "Nothing is under way."


@pytest.mark.parametrize(
    ("keys", "order"),
    [
        ([], ["k-1", "k-2"]),
        (["up"], ["k-2", "k-1"]),
        (["up", "down"], ["k-1", "k-2"]),
        (["right", "right", "right", "right"], ["k-2", "k-1"]),
        (["left", "left", "left"], ["k-2", "k-1"]),
        ([""], ["k-1", "k-2"]),
    ],
)
def test_keys_sort(keys: list[str], order: list[str]) -> None:
    """By age first; left and right choose the column, up and down the way; round and round."""
    look = Look()
    for key in keys:
        look = look.pressed(key)
    assert rows(look) == order


def test_the_column_that_sorts_is_marked() -> None:
    """So that one sees what an arrow has done."""
    assert any("AGE▼" in line for line in lines(NOW, Look()))
    assert any("STATE▲" in line for line in lines(NOW, Look().pressed("right").pressed("up")))


@given(st.integers(1, 200), st.integers(1, 60), st.integers(0, 80), st.text(max_size=40))
def test_it_fits_whatever_the_size_is(width: int, height: int, requests: int, name: str) -> None:
    """Wide characters are two columns wide, and what does not fit below is counted."""
    many = tuple(Request(model=name, deployment=name, age_s=float(each)) for each in range(requests))
    found = lines(Now(in_flight=requests, requests=many), Look(width, height))
    assert len(found) <= height
    assert all(len(line) <= width for line in found)
    assert all(visible(line) == line for line in found)


def test_wide_characters_keep_the_columns() -> None:
    """A Chinese name does not push the next column away."""
    now = Now(in_flight=2, requests=(Request(model="智谱" * 20, deployment="X"), Request(model="a", deployment="X")))
    first, second = (line for line in lines(now, Look()) if line.endswith("X"))
    assert len(second) - len(first) == 9


def test_what_does_not_fit_is_counted() -> None:
    """In the last line."""
    many = tuple(Request(key_id=f"k-{each}") for each in range(9))
    assert lines(Now(in_flight=9, requests=many), Look(height=6))[-1] == "… 8 more"


@pytest.mark.parametrize("name", ["\x1b[2J", "two\nlines", "\x9b31m", "\u202eabc"])
def test_a_callers_words_move_no_cursor(name: str) -> None:
    """A model's name is typed by a caller."""
    text = "".join(lines(Now(in_flight=1, requests=(Request(model=name),)), Look()))
    assert text.isprintable()


def test_colours_are_for_terminals_only() -> None:
    """A pipe gets text."""
    assert "\x1b" not in "".join(lines(NOW, Look()))
    assert "\x1b[31m" in "".join(lines(NOW, Look(colours=True)))
