"""An administration in memory behind the real application, and an administrator who asks it over HTTP."""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from glmgate.gateway.administration import Administration
from glmgate.gateway.identify import Identify
from glmgate.policy import access
from glmgate.policy.directory import Directory
from glmgate.policy.keyring import KeyOrder, Keyring
from glmgate.policy.keys import Key, MasterKey
from glmgate.policy.memory_accounts import MemoryAccountStore
from glmgate.surfaces.application import build
from glmgate.surfaces.settings import ServerSettings
from glmgate.wire.engine import Caller
from tests.fakes.gateway import FakeGateway
from tests.fakes.reports import FakeReports
from tests.surfaces.asgi_client import AsgiClient, Response
from tests.surfaces.conftest import OPERATIONS


class KeyedGateway(FakeGateway):
    """A gateway that knows keys, as the real one does."""

    __slots__ = ("_identify",)

    def __init__(self, identify: Identify) -> None:
        super().__init__()
        self._identify = identify

    @override
    async def identify(self, authorization: str | None, *, client: str | None, admin: bool = False) -> Caller:
        caller = await self._identify(authorization)
        access.check_kind(caller, admin=admin)
        access.check_address(caller.scopes, client)
        return caller


class Office:
    """What is administered, and who asks for it: `root` is an administrator's key."""

    def __init__(self, root: Key, ring: Keyring, store: MemoryAccountStore, reports: FakeReports) -> None:
        self.root = root
        self.ring = ring
        self.store = store
        self.reports = reports
        master = MasterKey.from_text("m" * 32)
        gateway = KeyedGateway(Identify(store, master))
        administration = Administration(ring, Directory(store, ring), store, reports)
        self.client = AsgiClient(build(gateway, OPERATIONS, ServerSettings(), administration))

    async def ask(self, method: str, path: str, body: object = None, *, key: Key | None = None) -> Response:
        """A request to the administration, by its administrator or with another key."""
        headers = {"authorization": f"Bearer {self.ring.text(key or self.root)}", "host": "127.0.0.1:8000"}
        if method == "POST":
            return await self.client.post(f"/v1/organization{path}", {} if body is None else body, headers)
        return await self.client.get(f"/v1/organization{path}", headers, method=method)

    async def got(self, method: str, path: str, body: object = None) -> Any:
        """The answer to a request that succeeds."""
        answer = await self.ask(method, path, body)
        assert answer.status == 200, answer.body
        return answer.json()

    async def refused(self, method: str, path: str, body: object = None) -> tuple[int, str, str | None, str]:
        """Status, code, parameter and message of a request that fails."""
        answer = await self.ask(method, path, body)
        assert answer.status >= 400, answer.body
        error = answer.json()["error"]
        return answer.status, error["code"], error["param"], error["message"]

    async def paged(self, path: str, limit: int) -> list[str]:
        """The ids of a list, read page by page to its end."""
        seen: list[str] = []
        joint = "&" if "?" in path else "?"
        while True:
            after = f"&after={seen[-1]}" if seen else ""
            page = await self.got("GET", f"{path}{joint}limit={limit}{after}")
            ids = [each["id"] for each in page["data"]]
            assert len(ids) <= limit
            assert (page["first_id"], page["last_id"]) == ((ids[0], ids[-1]) if ids else (None, None))
            seen += ids
            if not page["has_more"]:
                return seen


async def opened(*, root_terms: dict[str, Any] | None = None) -> Office:
    """An office with one administrator and nothing else."""
    store = MemoryAccountStore()
    ring = Keyring(store, MasterKey.from_text("m" * 32))
    root = await ring.make(KeyOrder(name="root", kind="admin", terms=root_terms))
    return Office(root, ring, store, FakeReports())
