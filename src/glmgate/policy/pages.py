"""Pages of lists: which part is asked for. How a list is kept and sorted is its store's matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from glmgate.errors import InvalidRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a list: what stands after `after`, at most `limit`, the newest first or the oldest.

    Without `limit`, all of it. `after` is an id; one that never was is an InvalidRequest, one that was removed is not.
    Service accounts are listed the oldest first only.
    """

    after: str | None = None
    limit: int | None = None
    newest_first: bool = False


WHOLE: Final = Page()


def nothing_after(given: str) -> InvalidRequest:
    """The refusal of a place in a list that the list does not have."""
    return InvalidRequest(f"There is no {given!r} to go on after: give the last id of the page before.", param="after")
