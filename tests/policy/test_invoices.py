"""Invoices as CSV, whatever their columns are called."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from glmgate.errors import InvalidRequest
from glmgate.policy.invoices import InvoiceLine, read_invoice

DAY = date(2026, 6, 1)


@pytest.mark.parametrize(
    "text",
    [
        "day,model,input_tokens,cached_tokens,output_tokens,amount,currency\n2026-06-01,glm-4.6,100,20,10,0.5,USD\n",
        (
            "\ufeffDate;Model Name;Prompt Tokens;Cached Tokens;Completion Tokens;Cost;Currency\r\n"
            "2026/06/01 10:00;glm-4.6;100;20;10;0.5;usd\r\n"
        ),
        "日期,模型名称,输入Tokens,缓存Tokens,输出Tokens,金额(USD),币种\n20260601,glm-4.6,100,20,10,0.5,USD\n",
        'date\tmodel\tinput\tcached\toutput\ttotal\n2026-6-1\tglm-4.6\t"100"\t20\t10\t$0.5\n',
    ],
)
def test_a_line_is_read_under_every_name(text: str) -> None:
    """With commas, semicolons or tabs; days in several spellings."""
    assert read_invoice(text) == (
        InvoiceLine(
            number=2, day=DAY, model="glm-4.6", input=100, cached=20, output=10, amount=Decimal("0.5"), currency="USD"
        ),
    )


def test_what_an_invoice_does_not_say_is_not_known() -> None:
    """Tokens alone, or amounts alone; a currency may be given from outside."""
    (line,) = read_invoice("day,model,input tokens\n2026-06-01,m,\n")
    assert (line.input, line.output, line.amount, line.currency) == (None, None, None, None)
    (line,) = read_invoice('day,model,amount\n2026-06-01,m,"1,234.50"\n', currency="CNY")
    assert (line.amount, line.currency) == (Decimal("1234.50"), "CNY")


def test_sums_and_blank_lines_are_left_out() -> None:
    """They have no day or no model."""
    text = "day,model,amount\n2026-06-01,m,1\n\n2026-06-01,,1\nTotal,,2\n"
    assert [line.number for line in read_invoice(text)] == [2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("a,b\n1,2\n", "'a', 'b'"),
        ("day,model\n2026-06-01,m\n", "tokens or an amount"),
        ("day,model,amount\n2026-13-01,m,1\n", "Line 2 .* '2026-13-01'"),
        ("day,model,amount\n0001-01-01,m,1\n", "Line 2 .* '0001-01-01'"),
        ("day,model,amount\n9999-12-31,m,1\n", "Line 2 .* '9999-12-31'"),
        ("day,model,amount\n2026-06-01,m,1e99999999\n", "Line 2 .* '1e99999999'"),
        ("day,model,amount,input\n2026-06-01,m,1,1e999999\n", "Line 2 .* '1e999999'"),
        ("day,model,amount\n2026-06-01," + "m" * 200_000 + ",1\n", "no CSV: field larger"),
        ("day,model,amount\n2026-06-01,m,1\n2026-06-01,m,1-2\n", "Line 3 .* '1-2'"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(text: str, said: str) -> None:
    """And what would be right."""
    with pytest.raises(InvalidRequest, match=said):
        read_invoice(text)
