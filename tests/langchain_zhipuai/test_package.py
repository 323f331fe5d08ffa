"""What the package exports, and what it says where its libraries are missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import langchain_zhipuai
from langchain_zhipuai import chat_models, embeddings

WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == {library!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
import langchain_zhipuai
"""


def test_the_two_classes_are_at_the_top_and_where_the_old_package_had_them() -> None:
    """The seeds import them from `chat_models` and `embeddings.base`."""
    assert set(langchain_zhipuai.__all__) == {"ChatZhipuAI", "ZhipuAIEmbeddings"}
    assert chat_models.ChatZhipuAI is langchain_zhipuai.ChatZhipuAI
    assert embeddings.base.ZhipuAIEmbeddings is langchain_zhipuai.ZhipuAIEmbeddings


@pytest.mark.parametrize("library", ["langchain_core", "openai"])
def test_a_missing_library_is_named_with_what_to_install(library: str) -> None:
    """Whoever installed glmgate without the extra reads what to do."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(library=library)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "pip install 'glmgate[langchain]'" in done.stderr.splitlines()[-1]
    assert library in done.stderr.splitlines()[-1]


def test_another_missing_module_is_not_hidden() -> None:
    """A fault of the package itself is told as it is."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(library="langchain_zhipuai.client")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'langchain_zhipuai.client'"
