"""What the first page promises."""

from __future__ import annotations

from tests.docs.pages import README, fences


def test_the_first_two_commands() -> None:
    """The first command starts the product, the second runs its tests."""
    own = [fence for fence in fences("sh", "python", "text", "js") if fence.page == README]
    assert [fence.text for fence in own[:2]] == ["make serve\n", "make test\n"]


def test_both_dialects_are_shown() -> None:
    """The example is run under both base paths."""
    texts = [fence.text for fence in fences("python") if fence.page == README]
    assert any("/api/paas/v4/" in text for text in texts)
    assert any('/v1"' in text for text in texts)
