"""A ledger's sums, as a test wants them."""

from __future__ import annotations

from typing_extensions import override

from glmgate.policy.usage import OF_ATTEMPTS, OF_REQUESTS, Reports, UsageQuery, UsageRow


class FakeReports(Reports):
    """Answers every question with the same rows, those of its span, and remembers the questions."""

    def __init__(self, *rows: UsageRow) -> None:
        self.rows = rows
        self.asked: list[UsageQuery] = []

    @override
    async def attempts(self, query: UsageQuery) -> tuple[UsageRow, ...]:
        query.check(OF_ATTEMPTS)
        return self._answer(query)

    @override
    async def requests(self, query: UsageQuery) -> tuple[UsageRow, ...]:
        query.check(OF_REQUESTS)
        return self._answer(query)

    def _answer(self, query: UsageQuery) -> tuple[UsageRow, ...]:
        self.asked.append(query)
        start, end = query.span
        return tuple(row for row in self.rows if start <= row.start < end)
