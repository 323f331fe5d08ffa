"""Tool calls in one piece."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from glmgate.surfaces.whole_calls import WholeCalls
from glmgate.wire.delta import Delta, ToolCallDelta, Usage
from glmgate.wire.fold import Fold


def _piece(index: int, arguments: str, *, name: str | None = None, choice: int = 0) -> Delta:
    call_id = None if name is None else f"call_{index}"
    return Delta(choice=choice, tool_calls=(ToolCallDelta(index, id=call_id, name=name, arguments=arguments),))


END = Delta(finish_reason="tool_calls", usage=Usage(3, 4))


def test_text_is_not_held_back() -> None:
    """Only calls wait."""
    deltas = [Delta(reasoning="a"), Delta(content="b")]
    assert WholeCalls().feed(deltas) == deltas


def test_call_leaves_whole_before_the_end() -> None:
    """Its pieces become one, and the end comes after it."""
    calls = WholeCalls()
    assert calls.feed([_piece(0, "", name="f"), _piece(0, '{"a"'), _piece(0, ":1}")]) == []
    whole = ToolCallDelta(0, id="call_0", name="f", arguments='{"a":1}')
    assert calls.feed([END]) == [
        Delta(tool_calls=(whole,), finish_reason="tool_calls", usage=Usage(3, 4)),
    ]


def test_next_call_lets_the_one_before_go() -> None:
    """A client sees each call as soon as it is whole."""
    calls = WholeCalls()
    calls.feed([_piece(0, "{}", name="f")])
    [left] = calls.feed([_piece(1, "{", name="g")])
    assert left.tool_calls == (ToolCallDelta(0, id="call_0", name="f", arguments="{}"),)


def test_each_choice_has_its_own_calls() -> None:
    """Choices arrive mixed when they are generated at once."""
    calls = WholeCalls()
    calls.feed([_piece(0, "{", name="f"), _piece(0, "[", name="g", choice=1), _piece(0, "}"), _piece(0, "]", choice=1)])
    [left] = calls.feed([Delta(choice=1, finish_reason="tool_calls")])
    assert left.tool_calls[0].arguments == "[]"


def test_a_tool_that_the_service_runs_does_not_wait() -> None:
    """Its pieces leave at once, in their order; the call before them is whole, and what it still gets is not lost."""
    native = [ToolCallDelta(1, native={"type": "web_browser"}), ToolCallDelta(2, native={"type": "web_browser"})]
    calls = WholeCalls()
    assert calls.feed([_piece(0, "{", name="f")]) == []
    assert calls.feed([Delta(tool_calls=(native[0],))]) == [
        Delta(tool_calls=(ToolCallDelta(0, id="call_0", name="f", arguments="{"),)),
        Delta(tool_calls=(native[0],)),
    ]
    assert calls.feed([Delta(tool_calls=(native[1],))]) == [Delta(tool_calls=(native[1],))]
    assert calls.feed([_piece(0, "}"), END]) == [
        msgspec.structs.replace(END, tool_calls=(ToolCallDelta(0, arguments="}"),))
    ]


PIECES = st.lists(
    st.one_of(
        st.builds(Delta, content=st.text(min_size=1, max_size=3)),
        st.tuples(st.integers(0, 2), st.integers(0, 1), st.text(max_size=3)),
    ),
    max_size=12,
)


@given(PIECES)
def test_fold_of_whole_calls_is_the_fold_of_pieces(items: list[Delta | tuple[int, int, str]]) -> None:
    """Nothing is lost, doubled or put in another order, whatever the pieces."""
    deltas: list[Delta] = []
    newest: dict[int, int] = {}
    for item in items:
        if isinstance(item, Delta):
            deltas.append(item)
            continue
        step, choice, text = item
        index = newest.get(choice, -1) + (1 if step == 0 or choice not in newest else 0)
        name = f"f{index}" if newest.get(choice) != index else None
        newest[choice] = index
        deltas.append(_piece(index, text, name=name, choice=choice))
    deltas += [Delta(choice=0, finish_reason="stop"), Delta(choice=1, finish_reason="stop")]
    plain, whole, calls = Fold(), Fold(), WholeCalls()
    for delta in deltas:
        plain.feed(delta)
        for left in calls.feed([delta]):
            assert len(left.tool_calls) <= 1
            whole.feed(left)
    assert whole.result() == plain.result()
