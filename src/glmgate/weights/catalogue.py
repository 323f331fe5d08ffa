"""The models that can be pulled, by name: data in `catalogue.toml`, read once.

Where a hub's host is and what is on disk is not known here.
"""

from __future__ import annotations

import difflib
import tomllib
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from glmgate import weights
from glmgate.weights.errors import UnknownModel
from glmgate.weights.projector import projector_name

HubKind = Literal["huggingface", "modelscope"]


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model that can be pulled. Sizes in bytes; `machine_gb` in GB, None where no page says it.

    `huggingface` and `modelscope` are repositories there, empty where there is none; `file` is a pattern for the name
    of the one file. `verified`: somebody fetched it and it answered. A model that reads images has a `projector`, a
    pattern like `file` for a file in the same repository, of `projector_bytes`.
    """

    name: str
    huggingface: str
    file: str
    bytes: int
    architecture: str
    licence: str
    verified: bool
    modelscope: str = ""
    machine_gb: int | None = None
    remark: str = ""
    projector: str = ""
    projector_bytes: int = 0

    @property
    def all_bytes(self) -> int:
        """What is fetched, the projector included."""
        return self.bytes + self.projector_bytes

    def of_projector(self) -> Entry | None:
        """The projector as a file of its own to fetch; None for a model that reads text only."""
        if not self.projector:
            return None
        return msgspec.structs.replace(
            self,
            name=projector_name(self.name),
            file=self.projector,
            bytes=self.projector_bytes,
            projector="",
            projector_bytes=0,
        )

    def repository(self, hub: HubKind) -> str:
        """Its repository on that hub; empty where there is none."""
        return self.huggingface if hub == "huggingface" else self.modelscope


@cache
def entries() -> tuple[Entry, ...]:
    """All of them, in the order of the file: a family's smallest first."""
    text = (resources.files(weights) / "catalogue.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text)["models"], tuple[Entry, ...])


def find(name: str) -> Entry:
    """The model of that name, case ignored. Raises UnknownModel with the nearest name."""
    for entry in entries():
        if entry.name == name.casefold():
            return entry
    names = [entry.name for entry in entries()]
    # A name that is cut short is nearer to its own end than to another name of its length.
    begun = [known for known in names if known.startswith(name.casefold())]
    near = begun or difflib.get_close_matches(name.casefold(), names, n=1)
    known = f"Do you mean {near[0]}?" if near else f"Known are: {', '.join(names)}."
    raise UnknownModel(f"The catalogue has no model {name!r}. {known}")
