"""When an upstream may be asked again: from headers, and from times that stand in its messages. Reads no clock.

Which words come before such a time, and in which zone it is when it names none, is in the profiles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from glmgate.transport.retry_after import retry_after_s

# As some write lengths of time: "6m0s", "1h2m3.5s", "120ms".
_LENGTH: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?", re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,16}(?:\.\d+)?", re.ASCII)
_ZONE: Final = re.compile(r"(?P<sign>[+-])(?P<hours>[01]?\d|2[0-3]):?(?P<minutes>[0-5]\d)?", re.ASCII)
_MOMENT: Final = re.compile(
    r"(?P<when>\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*\(?(?P<utc>Z|UTC|GMT)?\s*"
    r"(?P<offset>[+-]\d{1,2}(?::?\d{2})?)?\)?",
    re.ASCII | re.IGNORECASE,
)
_KINDS_OF_LIMITS: Final = ("requests", "tokens", "input-tokens", "output-tokens")

_LONGEST_S: Final = 400 * 86400.0
"""A year and a little: what is later is taken for a mistake."""


def asked_to_wait_s(headers: Mapping[str, str], *, now: float) -> float | None:
    """The seconds that headers (names in lower case) ask to wait; None when they do not say. `now` is Unix time."""
    waits = (
        _milliseconds(headers.get("retry-after-ms", "")),
        retry_after_s(headers["retry-after"], now=now) if "retry-after" in headers else None,
        _of_limits(headers, now),
    )
    found = next((wait for wait in waits if wait is not None), None)
    return found if found is not None and found <= _LONGEST_S else None


def stated(message: str, patterns: Iterable[re.Pattern[str]], *, zone: str, now: float) -> float | None:
    """The Unix time that a message names as the end of a limit; None when there is none, or it has passed."""
    for pattern in patterns:
        if (match := pattern.search(message)) is None:
            continue
        when = _moment(match[1], zone)
        if when is not None and now < when <= now + _LONGEST_S:
            return when
    return None


def _of_limits(headers: Mapping[str, str], now: float) -> float | None:
    """What `x-ratelimit-reset…` headers say; of several limits the one that is used up and opens last."""
    waits = [
        wait
        for kind in _KINDS_OF_LIMITS
        if headers.get(f"x-ratelimit-remaining-{kind}", "").strip() == "0"
        and (wait := _until(headers.get(f"x-ratelimit-reset-{kind}", ""), now)) is not None
    ]
    return max(waits) if waits else _until(headers.get("x-ratelimit-reset", ""), now)


def _until(text: str, now: float) -> float | None:
    """Seconds from a length of time, a number of seconds, or a moment in Unix seconds or milliseconds."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return _from_now(float(text), now)
    if text and (match := _LENGTH.fullmatch(text)):
        hours, minutes, seconds, milliseconds = (float(part or 0) for part in match.groups())
        return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000
    moment = _moment(text, "+00:00") if text else None
    return None if moment is None else max(0.0, moment - now)


def _from_now(number: float, now: float) -> float:
    if number > 1e12:
        number /= 1000
    return max(0.0, number - now) if number > 1e9 else number


def _milliseconds(text: str) -> float | None:
    text = text.strip()
    return float(text) / 1000 if _NUMBER.fullmatch(text) else None


def _moment(text: str, zone: str) -> float | None:
    """A date and time as Unix time; `zone` (`+08:00`) holds where it names none."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        number = float(text)
        return number / 1000 if number > 1e12 else number
    if (match := _MOMENT.fullmatch(text)) is None:
        return None
    try:
        when = datetime.fromisoformat(match["when"])
    except ValueError:
        return None
    named = match["offset"] or ("+00:00" if match["utc"] else zone)
    return when.replace(tzinfo=_zone(named)).timestamp()


def _zone(text: str) -> timezone:
    match = _ZONE.fullmatch(text.strip())
    if match is None:
        return UTC
    offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
    return timezone(-offset if match["sign"] == "-" else offset)
