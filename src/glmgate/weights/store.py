"""The folder of pulled models: which are there, whence each came, and how one is removed.

A model is `NAME.gguf` with `NAME.json` beside it; what still comes is `NAME.CHECKSUM.part`. One that reads images has
its projector there under `NAME.mmproj`. Nothing is fetched here.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from glmgate.weights.errors import UnknownModel
from glmgate.weights.part import sync_folder
from glmgate.weights.projector import is_projector_name, projector_name

_WEIGHTS: Final = ".gguf"


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Whence a model came, as it is kept beside it."""

    hub: str
    repository: str
    file: str
    sha256: str
    bytes: int
    licence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredModel:
    """A model that is whole. `origin` is None for a file that somebody put there by hand."""

    name: str
    path: Path
    bytes: int
    since: float
    origin: Origin | None


class Store:
    """The models in one folder, which need not exist."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def models(self) -> tuple[StoredModel, ...]:
        """What is here, the newest first."""
        found = []
        for path in sorted(self.folder.glob(f"*{_WEIGHTS}")):
            if is_projector_name(path.stem):
                continue
            with contextlib.suppress(FileNotFoundError):  # removed while we look
                state = path.stat()
                found.append(
                    StoredModel(
                        name=path.stem,
                        path=path,
                        bytes=state.st_size,
                        since=state.st_mtime,
                        origin=self._origin(path.stem),
                    )
                )
        return tuple(sorted(found, key=lambda model: -model.since))

    def find(self, name: str) -> StoredModel | None:
        """The model of that name, case ignored; None where there is none."""
        return next((model for model in self.models() if model.name.casefold() == name.casefold()), None)

    def path(self, name: str) -> Path:
        """Where a model of that name lies, or will."""
        return self.folder / f"{name}{_WEIGHTS}"

    def part(self, name: str, sha256: str) -> Path:
        """Where a file comes: by its checksum, so that another version never goes on with this one."""
        return self.folder / f"{name}.{sha256[:16]}.part"

    def parts(self, name: str) -> tuple[Path, ...]:
        """What came of a model and is not whole."""
        ends = (part for part in self.folder.glob("*.part") if part.name.rsplit(".", 2)[0] == name)
        return tuple(sorted(ends))

    def note(self, name: str, origin: Origin) -> None:
        """Keep whence a model comes."""
        path = self.folder / f"{name}.json"
        new = path.with_suffix(".json.new")
        with new.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(origin)))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)

    def remove(self, name: str) -> int:
        """Remove a model and all that came of it; the bytes that this frees. Raises UnknownModel."""
        model = self.find(name)
        exact = model.name if model else name
        second = projector_name(exact)
        projector = [path for path in (self.path(second),) if path.exists()]
        paths = [*([model.path] if model else []), *projector, *self.parts(exact), *self.parts(second)]
        if not paths:
            there = ", ".join(each.name for each in self.models()) or "none"
            raise UnknownModel(f"No model {name!r} was pulled. Those that were: {there}.")
        freed = 0
        for path in [*paths, self.folder / f"{exact}.json", self.folder / f"{second}.json"]:
            with contextlib.suppress(FileNotFoundError):
                freed += path.stat().st_size
                path.unlink()
        sync_folder(self.folder)
        return freed

    def _origin(self, name: str) -> Origin | None:
        try:
            return msgspec.json.decode((self.folder / f"{name}.json").read_bytes(), type=Origin)
        except (FileNotFoundError, msgspec.MsgspecError):  # a note is for people: without it, the model still runs
            return None
