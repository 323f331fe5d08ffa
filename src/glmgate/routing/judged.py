"""A service's moderations in the books: each time that it is asked is one attempt of the request that it judges.

What is put down is decided by the books; what it says of texts is not looked at.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from glmgate.errors import GlmgateError
from glmgate.policy.attempts import AttemptWatch, Verdict, stop_of
from glmgate.wire.charge import Charge
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Attempt, Call, Generation, Place, Spending
from glmgate.wire.moderation import Direction, Judgement, Moderator, Passage

_log = logging.getLogger(__name__)


class BookedModerator(Moderator):
    """`moderator`, which answers at `place`. `timer` gives seconds of any origin."""

    def __init__(self, moderator: Moderator, place: Place, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._moderator = moderator
        self._place = place
        self._timer = timer

    async def judge(self, call: Call, direction: Direction, passages: tuple[Passage, ...]) -> Judgement:
        """What the moderator says. Raises what it raises, and Unavailable where nothing can be put down."""
        # Of no size: a service that tells of no tokens is not thought to bill any, so none are estimated.
        nothing = EmbeddingsRequest(model=self._place.model, input="")
        asking = replace(call, judging=True, spending=_Unrefused(call.spending))
        entry = await call.books.reserve(asking, self._place, nothing)
        watch, started = AttemptWatch(), self._timer()
        try:
            judgement = await self._moderator.judge(call, direction, passages)
        except BaseException as exc:
            entry.failed(exc)
            self._over(call, watch.stopped(stop_of(exc)), started, exc)
            raise
        entry.whole(judgement.usage)
        self._over(call, watch.whole(judgement.usage), started)
        return judgement

    def _over(self, call: Call, verdict: Verdict, started: float, error: BaseException | None = None) -> None:
        call.attempts.append(
            Attempt(
                deployment=self._place.deployment,
                credential=self._place.credential,
                outcome=verdict.outcome,
                seconds=self._timer() - started,
                usage=verdict.told,
                error_code=error.code if isinstance(error, GlmgateError) else None,
            )
        )


class _Unrefused(Spending):
    """What a request may spend, told of an attempt that it cannot refuse: a text is judged whatever is left."""

    def __init__(self, spending: Spending) -> None:
        self._spending = spending
        self._is_told = False

    async def attempt(
        self, call: Call, place: Place, request: Generation | EmbeddingsRequest, estimate: Charge
    ) -> None:
        """Reserve it where there is enough."""
        try:
            await self._spending.attempt(call, place, request, estimate)
            self._is_told = True
        except GlmgateError as error:
            _log.debug("a filter is asked beyond a budget: %s", error.code)

    def settled(self, call: Call, estimate: Charge, charge: Charge) -> None:
        """Pass it on; what nothing was kept for is in the ledger alone."""
        if self._is_told:
            self._spending.settled(call, estimate, charge)
