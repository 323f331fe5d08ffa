"""Check digits: real numbers pass, and the same with one digit changed do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.policy.filters import digits

CARDS = [
    "4111111111111111",
    "5500005555555559",
    "2223003122003222",
    "378282246310005",
    "6200000000000005",
    "4222222222222",
]
IBANS = ["DE89370400440532013000", "GB82WEST12345698765432", "NO9386011117947", "FR1420041010050500013M02606"]


@pytest.mark.parametrize("number", CARDS)
def test_a_card_has_its_check_digit(number: str) -> None:
    """Alone, in groups, and with a date behind it."""
    assert digits.card(number) == (0, len(number))
    grouped = " ".join(number[at : at + 4] for at in range(0, len(number), 4))
    assert digits.card(grouped) == (0, len(grouped))
    assert digits.card(f"{number} 12") == (0, len(number))
    assert digits.card(f"77 {number}") == (3, 3 + len(number))


@given(st.sampled_from(CARDS), st.integers(0, 12), st.integers(1, 9))
def test_a_card_with_one_digit_changed_is_none(number: str, place: int, more: int) -> None:
    """Luhn's sum finds every single change."""
    changed = number[:place] + str((int(number[place]) + more) % 10) + number[place + 1 :]
    assert not digits.luhn(changed)
    assert digits.card(changed) == len(changed)


@pytest.mark.parametrize("number", ["0000000000000000", "1234567890123456", "9111111111111111"])
def test_what_no_network_gives_out_is_no_card(number: str) -> None:
    """Orders and times have many digits too."""
    assert digits.card(number) == len(number)


@pytest.mark.parametrize(
    ("number", "is_one"),
    [
        ("11010519491231002X", True),
        ("11010519491231002x", True),
        ("440524188001010014", True),
        ("110105194912310021", False),
        ("110105194902310026", False),
    ],
)
def test_a_chinese_number_has_a_day_and_a_check_sign(number: str, *, is_one: bool) -> None:
    """GB 11643's own examples; a day that never was makes none."""
    assert digits.china_id(number) == ((0, 18) if is_one else 18)


@pytest.mark.parametrize("number", IBANS)
def test_an_account_has_its_countrys_length_and_its_sum(number: str) -> None:
    """In groups of four too, and before other words."""
    grouped = " ".join(number[at : at + 4] for at in range(0, len(number), 4))
    assert digits.iban(number) == (0, len(number))
    assert digits.iban(f"{grouped} is mine") == (0, len(grouped))
    assert digits.iban(f"no1 {number}") == (4, 4 + len(number))
    assert digits.iban(number[:-1] + ("1" if number[-1] != "1" else "2")) == len(number)
    assert digits.iban(number + "9") == len(number) + 1


@pytest.mark.parametrize(
    ("number", "is_one"),
    [
        ("123-45-6789", True),
        ("000-45-6789", False),
        ("666-45-6789", False),
        ("900-45-6789", False),
        ("123-00-6789", False),
    ],
)
def test_numbers_that_are_never_given_out_are_none(number: str, *, is_one: bool) -> None:
    """Areas 000, 666 and 900 on, group 00, serial 0000."""
    assert digits.us_ssn(number) == ((0, 11) if is_one else 11)


@pytest.mark.parametrize(
    ("number", "length"),
    [("+44 20 7946 0958", 16), ("0044 20 7946 0958", 17), ("+1 (415) 555-2671 12345", 17), ("+123 4567", None)],
)
def test_a_phone_number_has_8_to_15_digits(number: str, length: int | None) -> None:
    """What is more belongs to something else."""
    assert digits.phone(number) == (len(number) if length is None else (0, length))


def test_a_number_in_two_parts_of_a_run_is_looked_at_again() -> None:
    """A run of groups may be longer than what is looked at at once."""
    run = " ".join(["1111"] * 16)
    assert len(run.replace(" ", "")) == digits.LONGEST_RUN
    again = digits.card(run)
    assert isinstance(again, int)
    assert run[again:] == "1111 1111 1111 1111"
    assert digits.card("1" * 64) == 64
