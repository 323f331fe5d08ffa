"""An embedding engine under a name that promises certain sizes of vectors."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import msgspec

from glmgate.errors import InvalidRequest
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import Call, Deltas, Engine, Generation
from glmgate.wire.tokenizer import TokenizerRequest


class Dimensions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The size of a name's vectors when none is asked for, and the sizes that may be asked for ([]: any)."""

    default: int
    allowed: tuple[int, ...] = ()


class Sized:
    """`engine`, with the sizes of `dimensions`."""

    def __init__(self, engine: Engine, dimensions: Dimensions) -> None:
        self._engine = engine
        self._dimensions = dimensions

    def stream(self, call: Call, request: Generation) -> AbstractAsyncContextManager[Deltas]:
        """As the engine does."""
        return self._engine.stream(call, request)

    async def embed(self, call: Call, request: EmbeddingsRequest) -> Embeddings:
        """Embed in the size that is asked for, or else in the name's own. Raises InvalidRequest when it has no such."""
        wanted = self._dimensions.default if request.dimensions is None else request.dimensions
        allowed = self._dimensions.allowed
        if allowed and wanted not in allowed:
            raise InvalidRequest(
                f"'dimensions' is {wanted}, but {request.model!r} has {' or '.join(map(str, allowed))}.",
                param="dimensions",
            )
        return await self._engine.embed(call, msgspec.structs.replace(request, dimensions=wanted))

    async def count(self, call: Call, request: TokenizerRequest) -> int:
        """As the engine does."""
        return await self._engine.count(call, request)
