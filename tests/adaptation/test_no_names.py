"""No company's name stands in code that is for all services: services and models are data."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

import glmgate

PACKAGES = ("adaptation", "routing", "engines", "gateway")
NAMES = re.compile(
    r"z\.ai|\bzai\b|zhipu|bigmodel|openai|anthropic|mistral|ollama|\bglm-|qwen|vllm|sglang|\bgpt-", re.IGNORECASE
)
# The setting `[aliases] openai` says whether the names of that catalogue are answered; its name goes all the way down.
SETTING = {"routing/names.py": {"openai"}, "routing/catalogue.py": {"openai"}}
COMMENTS = re.compile(r'""".*?"""|#[^\n]*', re.DOTALL)
FILES = sorted(
    path
    for package in PACKAGES
    for path in Path(str(resources.files(glmgate) / package)).rglob("*.py")
    if path.is_file()
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_service_is_named_in_code(path: Path) -> None:
    """What is true of one service stands in its profile, where a user can change it."""
    code = COMMENTS.sub("", path.read_text(encoding="utf-8"))
    assert set(NAMES.findall(code)) <= SETTING.get(f"{path.parent.name}/{path.name}", set())


def test_names_would_be_found() -> None:
    """The test sees what it looks for, in code only."""
    code = COMMENTS.sub("", 'x = "https://api.z.ai/api"  # vLLM\nif model.startswith("glm-4"):')
    assert NAMES.findall(code) == ["z.ai", "glm-"]
    assert len(FILES) > 40
