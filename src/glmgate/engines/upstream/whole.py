"""A plain answer of an upstream: its body in, one delta for each choice out, which holds all of it.

A body with status 200 that is an error, a page or nothing raises what it means.
"""

from __future__ import annotations

import msgspec

from glmgate.engines.upstream import failures
from glmgate.engines.upstream.answer import Answer, Reading
from glmgate.engines.upstream.frames import Unreadable, document
from glmgate.engines.upstream.reported import of_body
from glmgate.errors import EngineFailed, GlmgateError
from glmgate.wire.delta import Delta


def read(body: bytes, reading: Reading) -> tuple[Delta, ...]:
    """The whole answer. Raises what its error means; EngineFailed when it is none."""
    answer = Answer(reading)
    try:
        pieces = {delta.choice: delta for delta in answer.feed(document(body))}
    except Unreadable as exc:
        raise no_answer(body, reading) from exc
    answer.end_unnamed()
    return tuple(_merged(pieces.get(end.choice), end) for end in answer.close())


def no_answer(body: bytes, reading: Reading) -> GlmgateError:
    """What a body with status 200 means that has not the shape of what was asked for."""
    reported = of_body(body)
    if reported.is_page:
        return failures.no_json(200)
    if reported.codes:
        return failures.within(reading.profile, reported, now=reading.now(), secret=reading.secret)
    return unreadable()


def unreadable() -> EngineFailed:
    """What came back cannot be read; another try may bring something better."""
    return EngineFailed("The service that answers for this model sent something that cannot be read. Try again.")


def _merged(piece: Delta | None, end: Delta) -> Delta:
    if piece is None:
        return end
    return msgspec.structs.replace(
        piece,
        tool_calls=(*piece.tool_calls, *end.tool_calls),
        finish_reason=end.finish_reason,
        usage=end.usage,
        extra=piece.extra or end.extra,
    )
