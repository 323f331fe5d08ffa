"""Tokenizers of families: the models whose weights are here count for services that do not tell their tokens.

Only a child that runs anyway is asked. The built-in models are of no service's family.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from glmgate.adaptation.profile import Profile
from glmgate.engines.embedded.engine import EmbeddedEngine
from glmgate.engines.embedded.interfaces import Supervision
from glmgate.engines.embedded.spec import LocalModel
from glmgate.policy.reasoning import family_of
from glmgate.routing.adapted import Adapted
from glmgate.wire.chat import ChatRequest
from glmgate.wire.engine import Call, Caller, Generation
from glmgate.wire.tokenizer import TokenizerRequest

_OURSELVES: Final = Caller("")
_MEMBERS: Final = tuple(
    name for name in TokenizerRequest.__struct_fields__ if name not in {"model", "unknown", "request_id", "user_id"}
)


@dataclass(frozen=True, slots=True)
class _Member:
    """A model that may count. `reader` makes a prompt of a request as the model would read it."""

    model: LocalModel
    engine: EmbeddedEngine
    reader: Adapted


@dataclass(frozen=True, slots=True)
class Families:
    """Counts by the models that were added. Implements `policy.estimates.Tokenizer`."""

    supervisor: Supervision
    _members: dict[str, list[_Member]] = field(default_factory=dict)

    def add(self, model: LocalModel, profile: Profile) -> None:
        """That model may count for its family; `profile` is what it takes."""
        engine = EmbeddedEngine(model, self.supervisor, starts=False)
        self._members.setdefault(family_of(model.name), []).append(_Member(model, engine, Adapted(engine, profile)))

    def knows(self, model: str) -> bool:
        """Whether the child of a model of that family runs."""
        return bool(self._members) and self._running(model) is not None

    async def answer(self, model: str, text: str) -> int | None:
        """The tokens of the text as it stands. Raises GlmgateError where the child does not say."""
        member = self._running(model)
        return None if member is None else await member.engine.tokens(text)

    async def prompt(self, model: str, request: Generation) -> int | None:
        """The tokens of the prompt: of messages, as the model's own template writes them. Raises GlmgateError."""
        member = self._running(model)
        if member is None:
            return None
        if isinstance(request, ChatRequest):
            members = {name: getattr(request, name) for name in _MEMBERS}
            asked = TokenizerRequest(model=member.model.name, **members)
            return await member.reader.count(Call("", _OURSELVES, "openai"), asked)
        return await member.engine.tokens(request.prompt) if isinstance(request.prompt, str) else None

    def _running(self, model: str) -> _Member | None:
        members = self._members.get(family_of(model), ())
        return next((each for each in members if self.supervisor.runs(each.model)), None)
