"""What a tool gives: a value for programs, a text for models."""

from __future__ import annotations

import copy
import pickle

import pytest

from langchain_zhipuai.agent_toolkits import BaseToolOutput


def test_its_text() -> None:
    """The value's own; JSON where it was asked for, with characters as they are."""
    assert str(BaseToolOutput({"a": 1})) == "{'a': 1}"
    assert str(BaseToolOutput({"städte": ["北京"]}, format="json")) == '{\n  "städte": [\n    "北京"\n  ]\n}'


def test_its_value_has_another_name() -> None:
    """It follows the value; no other name is there."""
    output = BaseToolOutput([1], data_alias="rows", source="a table")
    output.data = [2]
    assert (output.rows, output.extras) == ([2], {"source": "a table"})
    with pytest.raises(AttributeError, match="'columns'"):
        _ = output.columns


def test_an_alias_that_is_taken() -> None:
    """It would never be reached."""
    with pytest.raises(ValueError, match="data_alias 'format'"):
        BaseToolOutput(1, data_alias="format")


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda output: pickle.loads(pickle.dumps(output))])  # noqa: S301
def test_it_can_be_copied(copied: type) -> None:
    """Intermediate steps are stored and copied by those who keep them."""
    again = copied(BaseToolOutput([1], data_alias="rows"))
    assert (again.rows, repr(again)) == ([1], "BaseToolOutput([1])")
