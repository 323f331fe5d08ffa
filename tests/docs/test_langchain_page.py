"""The page about LangChain has every field, and every exemption from the standard suites."""

from __future__ import annotations

import re
from typing import Final

from langchain_core.language_models import BaseChatModel
from pydantic import BaseModel

from langchain_zhipuai import ChatZhipuAI, ZhipuAIEmbeddings
from langchain_zhipuai.client import Account
from tests.docs.pages import DOCS, ROOT, rows, section, words

PAGE: Final = DOCS / "langchain.md"
STANDARD: Final = ROOT / "tests" / "langchain_zhipuai" / "standard"
EXEMPTED: Final = "## What LangChain's standard suite says"


def own(model: type[BaseModel], besides: type[BaseModel]) -> dict[str, str]:
    """The aliases of a model's fields that are not another's, by name."""
    return {name: field.alias or "" for name, field in model.model_fields.items() if name not in besides.model_fields}


def test_the_table_has_every_field_and_its_alias() -> None:
    """And no other."""
    listed: dict[str, str] = {}
    for names, alias, *_ in rows(section(PAGE, "### Fields"))[1:]:
        listed |= {name: "".join(words(alias)) for name in words(names)}
    assert listed == own(ChatZhipuAI, BaseChatModel)


def test_the_embeddings_table_has_theirs() -> None:
    """Beyond those of the account."""
    listed = {words(row[0])[0] for row in rows(section(PAGE, "## Embeddings"))[1:]}
    assert listed == set(own(ZhipuAIEmbeddings, Account))


def test_every_exemption_is_on_the_page() -> None:
    """Those that are expected to fail, by name, and no other test."""
    exempted: set[str] = set()
    for file in STANDARD.glob("test_*.py"):
        text = file.read_text(encoding="utf-8")
        exempted |= set(re.findall(r"mark\.xfail\(.*?def (test_\w+)\(", text, re.DOTALL))
    assert len(exempted) > 3
    assert {word for word in words(section(PAGE, EXEMPTED)) if word.startswith("test_")} == exempted
