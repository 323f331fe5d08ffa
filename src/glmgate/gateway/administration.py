"""The administration: what an administrator's requests are asked of, in the hands of one administrator.

It holds together what `policy` decides and others keep; it decides nothing and knows neither HTTP nor SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from glmgate.policy.directory import Directory
from glmgate.policy.interfaces import AuditStore
from glmgate.policy.keyring import Keyring
from glmgate.policy.usage import Reports
from glmgate.wire.engine import Caller


@dataclass(frozen=True, slots=True)
class Administration:
    """Keys, what they belong to, what was changed about them, and what was used."""

    keyring: Keyring
    directory: Directory
    audit: AuditStore
    reports: Reports

    def acting(self, caller: Caller) -> Administration:
        """The same administration; what it changes stands in the audit log under the caller's key."""
        return replace(self, keyring=self.keyring.acting(caller.key_id), directory=self.directory.acting(caller.key_id))
