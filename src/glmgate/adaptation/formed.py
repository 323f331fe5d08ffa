"""The emulation of a response format beside tools: calls run free, and text is made anew under the format.

With both, the engine lets the format win, and a call becomes impossible (measured on its chat route).
"""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from glmgate.adaptation.profile import Profile
from glmgate.adaptation.second_call import SecondCall
from glmgate.wire.chat import ChatRequest


class Formed(SecondCall):
    """A call of one of `names`, or JSON that follows `schema`."""

    __slots__ = ("_schema",)

    def __init__(self, names: tuple[str, ...], schema: dict[str, Any], profile: Profile) -> None:
        super().__init__(names, profile)
        self._schema = schema

    @override
    def second_request(self, request: ChatRequest) -> ChatRequest:
        return self.constrained(request, self._schema)
