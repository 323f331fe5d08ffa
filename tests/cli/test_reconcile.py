"""`glmgate reconcile` on a real database: what an invoice says beside the ledger."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.spent import Program, spent

HEAD = "Date,Model,Input Tokens,Cached Tokens,Output Tokens,Amount,Currency\n"
RIGHT = "2026-11-01,glm-4.6,20,0,10,0.00004,USD\n"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program, after a day with two calls and a day with one that nobody told the tokens of."""
    made = Program(tmp_path / "home")
    made.configure()
    made.put(
        [
            *spent(1, "2026-11-01", 20_000), *spent(2, "2026-11-01", 20_000),
            *spent(3, "2026-11-02", 20_000, estimated=True), *spent(4, "2026-11-09", 20_000),
        ]
    )  # fmt: skip
    return made


def invoice(program: Program, *lines: str, head: str = HEAD, encoding: str = "utf-8") -> str:
    """An invoice of these lines."""
    path = program.home / "invoice.csv"
    path.write_bytes((head + "".join(lines)).encode(encoding))
    return str(path)


def test_equal_is_said(program: Program) -> None:
    """In one line, for the days of the invoice alone."""
    said = program.said("reconcile", invoice(program, RIGHT), "--upstream", "zai")
    assert said == "The ledger says the same as all 1 lines of the invoice.\n"


def test_differences_are_explained_row_by_row(program: Program) -> None:
    """What each of the two says, by how much they differ, and why that may be."""
    lines = (RIGHT, "2026-11-02,glm-4.6,14,0,6,0.000026,USD\n", "2026-11-03,glm-4.6,1,0,1,0.000003,USD\n")
    said = program.said("reconcile", invoice(program, *lines), "--upstream", "zai").splitlines()
    assert said == [
        "2026-11-02  glm-4.6",
        "  invoice  input 14, cached 0, output 6, USD 0.000026",
        "  ledger   input 10, cached 0, output 5, USD 0.00002",
        "  differs  +5 tokens, USD +0.000006",
        "  - 1 calls of which the service told no tokens, 15 tokens by estimate",
        "2026-11-03  glm-4.6",
        "  invoice  input 1, cached 0, output 1, USD 0.000003",
        "  ledger   nothing",
        "  differs  +2 tokens, USD +0.000003",
        "  - the ledger has nothing of it: was it asked past this server, or by another one?",
    ]


def test_json_has_the_same(program: Program) -> None:
    """With kinds of reasons that programs can read."""
    line = "2026-11-01,glm-4.6,20,0,10,0.00005,USD\n"
    (found,) = json.loads(program.said("reconcile", invoice(program, line), "--upstream", "zai", "--json"))
    assert (found["day"], found["tokens"], found["amounts"]) == ("2026-11-01", 0, {"USD": "0.00001"})
    assert [reason["kind"] for reason in found["reasons"]] == ["price"]
    assert found["ledger"]["amounts"] == {"USD": "0.00004"}


def test_days_are_those_of_the_service(program: Program) -> None:
    """Noon in UTC is the evening of the same day in Shanghai, and the next day in Kiribati."""
    for zone, day in (("Asia/Shanghai", "2026-11-01"), ("Pacific/Kiritimati", "2026-11-02")):
        line = RIGHT.replace("2026-11-01", day)
        said = program.said("reconcile", invoice(program, line), "--upstream", "zai", "--time-zone", zone)
        assert said.startswith("The ledger says the same")


def test_a_chinese_invoice_is_read(program: Program) -> None:
    """In the encoding that spreadsheets there still write."""
    head = "日期,模型,输入Tokens,输出Tokens,金额\n"
    path = invoice(program, "2026-11-01,glm-4.6,20,10,0.00004\n", head=head, encoding="gb18030")
    assert "the same" in program.said("reconcile", path, "--upstream", "zai", "--currency", "usd")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--upstream", "zay"], "--upstream 'zay' is no upstream. Do you mean zai?"),
        (["--upstream", "zai", "--time-zone", "Mars/Base"], "'Mars/Base' is no time zone"),
        ([], "Missing option '--upstream'"),
    ],
)
def test_what_is_wrong_is_told(program: Program, arguments: list[str], message: str) -> None:
    """With what to do."""
    result = program.run("reconcile", invoice(program, RIGHT), *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_an_empty_invoice_is_told(program: Program) -> None:
    """A file of sums alone compares nothing."""
    result = program.run("reconcile", invoice(program, "Total,,,,,5,USD\n"), "--upstream", "zai")
    assert result.exit_code == 1
    assert "has no line with a day and a model" in result.stderr
