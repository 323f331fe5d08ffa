"""The administration: what an administrator's requests are asked of, in the hands of one administrator.

It holds together what `policy` decides and others keep; it decides nothing and knows neither HTTP nor SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

from typing_extensions import override

from glmgate.errors import PermissionRefused
from glmgate.policy.directory import Directory
from glmgate.policy.interfaces import AuditStore
from glmgate.policy.keyring import Keyring
from glmgate.policy.usage import Reports, UsageQuery, UsageRow
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


class NullReports(Reports):
    """Answers where no ledger is kept: nothing was used."""

    @override
    async def attempts(self, query: UsageQuery) -> tuple[UsageRow, ...]:
        return ()

    @override
    async def requests(self, query: UsageQuery) -> tuple[UsageRow, ...]:
        return ()


def check_administrator(caller: Caller, client: str | None) -> None:
    """PermissionRefused unless the caller's key is an administrator's and may be used from the address `client`."""
    if not caller.admin:
        raise PermissionRefused(
            "This path needs an administrator's key, and yours asks models: `glmgate keys create --name N --admin` "
            "makes one."
        )
    for scope in caller.scopes:
        if scope.terms.addresses and not _admits(scope.terms.addresses, client):
            raise PermissionRefused(f"This key may not be used from {client or 'an unknown address'!r}.")


def _admits(networks: tuple[str, ...], client: str | None) -> bool:
    try:
        address = ip_address(client or "")
    except ValueError:
        return False  # a socket without an address, or one that a proxy made up
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in ip_network(network) for network in networks)
