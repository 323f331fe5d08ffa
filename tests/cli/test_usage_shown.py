"""Usage as text: what stands in which column, what is marked, and how long bars are."""

from __future__ import annotations

import csv
import io
import json

from glmgate.cli.usage_shown import Shown, as_csv, as_json, as_table
from glmgate.policy.ledger import Amount
from glmgate.policy.usage import UsageRow
from glmgate.wire.delta import Usage

DAY = 86400.0
NANO = 10**9


def row(model: str, *amounts: Amount, tokens: int = 1000, estimated: int = 0, unpriced: int = 0) -> UsageRow:
    """A row of one model."""
    return UsageRow(
        start=0, end=DAY, group={"model": model}, requests=1, attempts=1, amounts=amounts,
        usage=Usage(tokens, tokens // 2, tokens // 4), estimated=estimated, unpriced=unpriced,
    )  # fmt: skip


def shown(*rows: UsageRow) -> Shown:
    """Rows by model."""
    return Shown(start=0, end=DAY, by=("model",), rows=rows, of="attempts", key_names={})


def table(*rows: UsageRow, columns: int = 100) -> list[str]:
    """The lines of the table."""
    return as_table(shown(*rows), columns=columns, block="#").splitlines()


def test_a_table_has_a_head_rows_and_a_sum() -> None:
    """Numbers with commas, money with four decimals."""
    lines = table(row("glm-4.6", Amount("USD", 3 * NANO), tokens=4000), row("glm-4.5", Amount("USD", NANO)))
    assert lines[0].split() == ["MODEL", "REQUESTS", "CALLS", "INPUT", "CACHED", "OUTPUT", "USD"]
    assert lines[1].split()[:7] == ["glm-4.6", "1", "1", "4,000", "1,000", "2,000", "3.0000"]
    assert lines[3].split() == ["all", "2", "2", "5,000", "1,250", "2,500", "4.0000"]
    assert len(lines) == 4


def test_one_row_needs_no_sum() -> None:
    """It would say the same again."""
    assert len(table(row("glm-4.6"))) == 2


def test_bars_are_as_long_as_the_money() -> None:
    """The longest one has the whole width; they are equal in proportion."""
    lines = table(row("a", Amount("USD", 3 * NANO)), row("b", Amount("USD", NANO)), row("c", Amount("USD", 0)))
    assert [line.count("#") for line in lines[1:]] == [30, 10, 0, 0]


def test_bars_are_of_tokens_where_there_are_several_currencies() -> None:
    """Or none: what cannot be compared is not compared."""
    mixed = table(row("a", Amount("USD", NANO), tokens=100), row("b", Amount("CNY", NANO), tokens=200))
    assert mixed[1].count("#") * 2 == mixed[2].count("#")
    assert table(row("a", tokens=100), row("b", tokens=200))[2].count("#") == 30


def test_each_currency_has_a_column() -> None:
    """Empty where there is nothing in it."""
    lines = table(row("a", Amount("CNY", 7 * NANO), Amount("USD", NANO)), row("b", Amount("USD", NANO)))
    assert lines[0].split()[-2:] == ["CNY", "USD"]
    assert "7.0000  1.0000" in lines[1]
    assert "7.0000" not in lines[2]


def test_estimates_and_missing_prices_are_marked() -> None:
    """And told below, in numbers."""
    lines = table(row("a", Amount("USD", NANO), estimated=2), row("b", unpriced=1_200))
    assert lines[1].split()[3:7] == ["~1,000", "250", "~500", "~1.0000"]
    assert "~" not in lines[2]
    assert lines[-2].startswith("~ The tokens of 2 calls were told by no service")
    assert lines[-1].startswith("1,200 calls have no price")


def test_names_are_cut_before_numbers() -> None:
    """On a narrow terminal, and where they are very long; wide characters count twice."""
    name = "a-very-long-name-of-a-model-that-somebody-has-made-up"
    wide = table(row(name), row("名" * 30), columns=200)
    assert wide[1].startswith(f"{name[:39]}…  ")
    assert wide[2].startswith("名" * 19 + "…")
    narrow = table(row(name, Amount("USD", NANO)), columns=64)
    assert len(narrow[1]) <= 64
    assert narrow[1].endswith("1.0000")


def test_a_name_does_not_move_the_cursor() -> None:
    """A caller may have made it up."""
    assert "\x1b" not in "".join(table(row("glm\x1b[2J")))


def test_json_has_exact_money() -> None:
    """As text, since numbers of JSON are not exact; at least two decimals."""
    found = json.loads(as_json(shown(row("a", Amount("USD", 1), Amount("CNY", -5 * NANO // 2)))))
    assert found["rows"][0]["amounts"] == {"USD": "0.000000001", "CNY": "-2.50"}
    assert (found["of"], found["by"], found["end"]) == ("attempts", ["model"], DAY)


def test_csv_is_no_formula() -> None:
    """A spreadsheet would run it."""
    (found,) = csv.DictReader(io.StringIO(as_csv(shown(row("=1+1", Amount("USD", NANO))))))
    assert (found["model"], found["amount_usd"]) == ("'=1+1", "1.00")
