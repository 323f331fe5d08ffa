"""What stands in a vendor's catalogue and is not served here: it answers 501, so that clients know where they are.

The paths themselves are data (`catalogue.toml`), taken from the vendors' SDKs and documentation.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

from glmgate.errors import UnsupportedEndpoint
from glmgate.surfaces.exchange import Exchange
from glmgate.surfaces.table import Route


@dataclass(frozen=True, slots=True)
class Unserved:
    """One method of one path that is known; `hint` says what to use instead, or is empty."""

    method: str
    path: str
    family: str
    vendor: str
    hint: str
    rooted: bool

    async def __call__(self, exchange: Exchange) -> None:
        """Refuse, as an endpoint."""
        place = exchange.request.place
        raise UnsupportedEndpoint(
            f"{self.method} {place.base}{self.path} stands in {self.vendor}'s catalogue but is not served here."
            + (f" {self.hint}" if self.hint else "")
        )


def load() -> tuple[Unserved, ...]:
    """All entries of the data file."""
    text = resources.files(__package__).joinpath("catalogue.toml").read_text(encoding="utf-8")
    families = tomllib.loads(text)["family"]
    return tuple(entry for name, family in families.items() for entry in _entries(name, family))


def routes() -> tuple[Route, ...]:
    """The entries as routes. They need no key: the answer is the same for everybody."""
    return tuple(
        Route(
            method=entry.method,
            path=entry.path,
            endpoint=entry,
            summary=f"Not served ({entry.family})",
            access="open",
            rooted=entry.rooted,
            served=False,
        )
        for entry in load()
    )


def _entries(name: str, family: dict[str, object]) -> Iterator[Unserved]:
    paths = family["paths"]
    assert isinstance(paths, list)
    for line in paths:
        *methods, path = str(line).split()
        for method in methods:
            yield Unserved(
                method=method,
                path=path,
                family=name,
                vendor=str(family["vendor"]),
                hint=str(family.get("hint", "")),
                rooted=bool(family.get("rooted", False)),
            )
