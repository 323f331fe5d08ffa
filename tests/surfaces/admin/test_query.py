"""Parameters behind the question mark become a typed value, or are refused by their name."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.errors import InvalidRequest
from glmgate.surfaces.admin.query import Listed, read_query

WORDS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters=","), min_size=1), max_size=4)


class Asked(Listed, frozen=True, kw_only=True):
    """One parameter of each sort."""

    names: tuple[str, ...] = ()
    flag: bool = False


def test_values_get_their_types() -> None:
    """Numbers, words, switches and lists."""
    assert read_query("limit=5&after=a%20b&flag=true&names[]=x", Asked) == Asked(
        limit=5, after="a b", flag=True, names=("x",)
    )
    assert read_query("", Asked) == Asked()


@given(WORDS)
def test_lists_are_read_as_every_client_writes_them(words: list[str]) -> None:
    """With brackets, escaped or not, without, and with commas."""
    expected = Asked(names=tuple(words))
    for name in ("names[]", "names%5B%5D", "names"):
        assert read_query("&".join(f"{name}={quote(word, safe='')}" for word in words), Asked) == expected
    assert read_query(f"names={','.join(quote(word, safe='') for word in words)}", Asked) == expected


@pytest.mark.parametrize(
    ("text", "param"),
    [
        ("colour=red", "colour"),
        ("limit=many", "limit"),
        ("limit=5&limit=5", "limit"),
        ("flag=perhaps", "flag"),
        ("a[b][c]=d", "a[b][c]"),
        ("limit[gte]=5", "limit"),
    ],
)
def test_what_is_not_right_is_told(text: str, param: str) -> None:
    """By its name."""
    with pytest.raises(InvalidRequest) as caught:
        read_query(text, Asked)
    assert caught.value.param == param


@pytest.mark.parametrize("text", ["after=%ff", "&".join(["names=a"] * 2000)], ids=["no text", "too many"])
def test_what_cannot_be_read_is_told(text: str) -> None:
    """Not UTF-8, or more than anybody needs."""
    with pytest.raises(InvalidRequest, match="question mark"):
        read_query(text, Asked)
