"""Accounts as a test needs them, put into a store without an administrator."""

from __future__ import annotations

from glmgate.policy.audit import Subject
from glmgate.policy.interfaces import AccountStore, Changes


async def put(store: AccountStore, *subjects: Subject) -> None:
    """Keep subjects, in the places of those with their ids."""

    def work(rows: Changes) -> None:
        for subject in subjects:
            rows.put(subject)

    await store.change(work)
