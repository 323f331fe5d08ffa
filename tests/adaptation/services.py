"""The shipped profiles of services, for the families that the tests need."""

from __future__ import annotations

from typing import Any, Final

from glmgate.adaptation.fit import Fitted, fit
from glmgate.adaptation.profile import Profile, shipped, shipped_names
from glmgate.wire.engine import Generation
from glmgate.wire.members import plain
from tests.adaptation.requests import chat

SERVICES: Final = tuple(name for name in shipped_names() if not name.startswith("embedded"))
GLM_SERVICES: Final = ("zai", "bigmodel", "zai-coding")
MODELS: Final = {
    "zai": ("glm-4-plus", "glm-4.5", "glm-4.6", "glm-4.6v", "glm-4.7", "glm-5", "glm-5.1", "glm-5.2", "glm-5.3"),
    "openai": ("gpt-4o", "gpt-5", "o3"),
    "vllm": ("zai-org/GLM-4.6", "Qwen/Qwen3-8B", "zai-org/GLM-5.2"),
}
"""Names of models that stand for the families of each service; others have no families."""


def service(name: str, model: str = "glm-4.6") -> Profile:
    """The profile of a service for a model."""
    return shipped(name).for_family(model)


def every_profile() -> list[tuple[str, Profile]]:
    """Every shipped profile for every family, with a name to tell them apart."""
    return [(f"{name}/{model}", service(name, model)) for name in shipped_names() for model in _models(name)]


def _models(name: str) -> tuple[str, ...]:
    family_of = "zai" if name in GLM_SERVICES else "vllm" if name == "sglang" else name
    return MODELS.get(family_of, ("glm-4.6",))


def sent(profile: Profile, **members: object) -> dict[str, Any]:
    """What is sent for a chat request with these members."""
    return plain(fit(chat(**members), profile).request)


def fitted(profile: Profile, **members: object) -> Fitted[Generation]:
    """A chat request with these members, fitted."""
    return fit(chat(**members), profile)
