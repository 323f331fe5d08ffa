"""A secret is shown nowhere."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import dataclass

import msgspec
import pytest

from glmgate.engines.upstream.secret import Secret
from glmgate.errors import SettingsError

TEXT = "id.hidden"


@dataclass(frozen=True)
class Holder:
    """Something that has a secret among its members."""

    secret: Secret


def test_it_is_revealed_only_when_asked() -> None:
    """Where a header is written."""
    assert Secret(TEXT).reveal() == TEXT


@pytest.mark.parametrize("shown", [repr, str, "{}".format, "{!r}".format, lambda s: f"{s}", lambda s: repr(Holder(s))])
def test_it_does_not_show_itself(shown: object) -> None:
    """However it is looked at."""
    assert callable(shown)
    assert "hidden" not in shown(Secret(TEXT))


@pytest.mark.parametrize("write", [pickle.dumps, copy.deepcopy, json.dumps, msgspec.json.encode, msgspec.to_builtins])
def test_it_is_not_written_down(write: object) -> None:
    """Neither into a file nor into a copy that could be."""
    assert callable(write)
    with pytest.raises(TypeError):
        write(Secret(TEXT))


def test_secrets_compare_by_their_text() -> None:
    """So that a reload knows which ones stay."""
    assert Secret(TEXT) == Secret("id.hidden")
    assert Secret(TEXT) != Secret("id.other")
    assert Secret(TEXT) != TEXT
    assert len({Secret(TEXT), Secret("id.hidden")}) == 1


def test_a_fingerprint_tells_secrets_apart() -> None:
    """And says nothing of them."""
    assert Secret(TEXT).fingerprint == Secret("id.hidden").fingerprint
    assert Secret(TEXT).fingerprint != Secret("id.other").fingerprint
    assert "hidden" not in Secret(TEXT).fingerprint


@pytest.mark.parametrize("text", ["", " ", "a b", "a\r\nX-Other: 1", "ключ", "a\x00"])
def test_what_no_header_can_hold_is_refused(text: str) -> None:
    """Without showing it."""
    with pytest.raises(SettingsError) as told:
        Secret(text)
    assert not text.strip() or text not in told.value.message
