"""Check digits and forms of numbers: which part of what looks like one really is one.

Each function takes a folded match and gives the place of the number in it. Where there is none it gives the place from
which on to look again: a run of groups is looked at in parts of at most LONGEST_RUN signs, and a number may stand in
two of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from glmgate.policy.filters.expressions import Span

_DIGIT: Final = re.compile("[0-9]")
_WORD: Final = re.compile("[0-9A-Z]+")
LONGEST_RUN: Final = 64
_LONGEST_CARD: Final = 19
_LONGEST_IBAN: Final = 33
# Which lengths go with which first digits: the networks' ranges of ISO/IEC 7812.
_CARDS: Final = (
    (re.compile("4"), (19, 16, 13)),
    (re.compile("5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)"), (16,)),
    (re.compile("3[47]"), (15,)),
    (re.compile("3(?:0|6|8|9)"), (19, 18, 17, 16, 14)),
    (re.compile("35|6"), (19, 18, 17, 16)),
    (re.compile("5"), (19, 18, 17, 16, 15, 14, 13)),
)
_CHINA_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHINA_SIGNS: Final = "10X98765432"
# The lengths of the IBAN registry, by country.
_IBAN_LENGTHS: Final = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FO GL NL SD FK",
        19: "MK SI",
        20: "AT BA EE KZ LT LU XK MN",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        28: "AL AZ BY CY DO GT HU LB NI PL SV",
        27: "BI DJ FR GR IT MC MR SM",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def card(text: str) -> Span | int:
    """A payment card's number: whole groups of digits, of a length that goes with the first digits, with its check."""
    places = [found.start() for found in _DIGIT.finditer(text)]
    digits = "".join(text[place] for place in places)
    for first in _group_starts(places):
        for length in _card_lengths(digits[first : first + 4]):
            last = first + length - 1
            ends = last == len(places) - 1 or (last < len(places) and places[last + 1] > places[last] + 1)
            number = digits[first : last + 1]
            if ends and len(set(number)) > 1 and luhn(number):
                return places[first], places[last] + 1
    return _again(text, places, _LONGEST_CARD)


def _again(text: str, places: list[int], longest: int) -> int:
    """Behind the run; of a longer one, where the first group begins that the longest number could end behind it."""
    if len(places) < LONGEST_RUN:
        return len(text)
    return next((places[first] for first in _group_starts(places) if first > len(places) - longest), len(text))


def _group_starts(places: list[int]) -> Iterator[int]:
    return (at for at, place in enumerate(places) if at == 0 or places[at - 1] + 1 < place)


def _card_lengths(begin: str) -> tuple[int, ...]:
    return next((lengths for kind, lengths in _CARDS if kind.match(begin)), ())


def china_id(text: str) -> Span | int:
    """A Chinese resident's number (GB 11643): a day that was, and the check sign of ISO 7064, MOD 11-2."""
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return len(text)
    total = sum(weight * int(digit) for weight, digit in zip(_CHINA_WEIGHTS, text, strict=False))
    return (0, 18) if text[17].upper() == _CHINA_SIGNS[total % 11] else len(text)


def iban(text: str) -> Span | int:
    """An account's number (ISO 13616): of its country's length, with 97 as the check (ISO 7064)."""
    upper = text.upper()
    for word in _WORD.finditer(upper):
        begin = word.start()
        wanted = _IBAN_LENGTHS.get(upper[begin : begin + 2])
        if wanted is not None and (end := _iban_end(upper, begin, wanted)) is not None:
            return begin, end
    return _again(text, [place for place, sign in enumerate(text) if sign != " "], _LONGEST_IBAN)


def _iban_end(text: str, begin: int, wanted: int) -> int | None:
    """Where the number of the wanted length ends that begins there, if it is one."""
    places = [begin + at for at, sign in enumerate(text[begin : begin + 2 * wanted]) if sign != " "][:wanted]
    end = places[-1] + 1
    number = "".join(text[place] for place in places)
    is_whole = len(number) == wanted and not _WORD.match(text, end)
    return end if is_whole and _is_iban(number) else None


def _is_iban(number: str) -> bool:
    turned = number[4:] + number[:4]
    return number[2:4].isdigit() and int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1


def us_ssn(text: str) -> Span | int:
    """A number of the social security of the United States: those that are never given out are none."""
    area, group, serial = text[:3], text[4:6], text[7:]
    is_none = area in {"000", "666"} or area[0] == "9" or group == "00" or serial == "0000"
    return len(text) if is_none else (0, len(text))


def phone(text: str) -> Span | int:
    """An international number (E.164): at most 15 digits behind the sign of it, in whole groups, and at least 8."""
    sign = 2 if text.startswith("00") else 0
    places = [found.start() for found in _DIGIT.finditer(text)][sign:]
    for last in range(min(len(places), 15) - 1, 6, -1):
        if last == len(places) - 1 or places[last + 1] > places[last] + 1:
            return 0, places[last] + 1
    return len(text)
