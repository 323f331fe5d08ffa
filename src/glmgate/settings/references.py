"""Secrets by reference: `env:NAME` and `file:PATH`, followed to what they stand for.

What a secret is used for is not known here, and none is ever part of a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from glmgate.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a secret is: a variable's name or a file's path."""

    kind: str
    where: str
    base: Path

    @property
    def file(self) -> Path | None:
        """The file that it stands in."""
        return self.base / Path(self.where).expanduser() if self.kind == "file" else None

    def __str__(self) -> str:
        return f"{self.kind}:{self.where}"


def reference(text: object, *, where: str, base: Path) -> Reference:
    """What the text refers to; `where` names the setting. Raises SettingsError, which does not repeat the text."""
    kind, _, rest = str(text).partition(":")
    if kind not in {"env", "file"} or not rest:
        # Without the value: it may be the secret itself.
        raise SettingsError(f"{where} is a reference, env:NAME or file:PATH, and never the secret itself.")
    return Reference(kind, rest, base)


def followed(found: Reference, environment: Mapping[str, str], *, where: str) -> str:
    """The secret. Raises SettingsError when nothing is there."""
    file = found.file
    if file is None:
        if found.where not in environment:
            raise SettingsError(f"{where} refers to the variable {found.where}, which is not set.")
        return environment[found.where]
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{where} refers to the file {str(file)!r}: {exc}.") from exc
