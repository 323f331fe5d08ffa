"""What the doctor looks at and what it finds, as values. How they are shown is in `table` and `as_json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from glmgate.adaptation.profile import Profile
from glmgate.engines.upstream.probes import Listing
from glmgate.engines.upstream.reach import Reach
from glmgate.engines.upstream.replies import Said
from glmgate.engines.upstream.secret import Secret
from glmgate.engines.upstream.surfaces import Place, Server

Check = Literal[
    "proxy",
    "dns",
    "connect",
    "tls",
    "clock",
    "models",
    "server",
    "answer",
    "thinking",
    "tools",
    "json",
    "stream",
    "limits",
]
Level = Literal["ok", "note", "bad", "skipped"]
"""Well; good to know; wrong; not looked at."""


UNKNOWN: Final = "generic"
"""The profile of what nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. `where` is a host or a URL; `figures` are for programs."""

    check: Check
    where: str
    level: Level
    text: str
    figures: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A credential and where it should work; without a `place` it is tried wherever it may belong.

    `profile` and `model` where somebody chose them, and the models that are `routed` there. `only`: nowhere else is
    asked.
    """

    name: str
    reference: str = ""
    credential: Secret | None = None
    place: Place | None = None
    profile: Profile | None = None
    model: str = ""
    routed: tuple[str, ...] = ()
    only: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    """A place that was asked, and what it said; `said` is None where no question got there."""

    place: Place
    said: Said | None = None
    model: str = ""

    @property
    def works(self) -> bool:
        """Whether it answered."""
        return self.said is not None and self.said.trouble is None


@dataclass(slots=True)
class Examined:
    """All that was found about a subject. `limits`: so many at once went well, and so many did not."""

    subject: Subject
    reached: dict[str, Reach] = field(default_factory=dict)
    tried: list[Tried] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    listing: Listing | None = None
    server: tuple[Server, str] | None = None
    skew_s: float | None = None
    stream: Said | None = None
    limits: tuple[int, int] | None = None
    spent: bool = False

    @property
    def best(self) -> Tried | None:
        """Where it works: the place that was named, else the first other one."""
        return next((each for each in self.tried if each.works), None)

    @property
    def answers(self) -> bool:
        """Whether it works where it should: at the place that was named, or anywhere where none was."""
        best = self.best
        return best is not None and self.subject.place in {None, best.place}

    @property
    def profile(self) -> str | None:
        """The profile that fits where it works; None where it works nowhere."""
        if self.best is None:
            return None
        return self.best.place.profile or (self.server[0].profile if self.server else UNKNOWN)

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong."""
        return self.answers and all(finding.level != "bad" for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do. `name` is the word for programs."""

    name: str
    text: str
