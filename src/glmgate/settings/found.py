"""The service that is used where nothing is configured: the one whose key stands in the environment.

Whether the key is one of our own is seen where keys are (`glmgate.app`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from glmgate.adaptation.profile import shipped
from glmgate.engines.upstream.secret import Secret
from glmgate.settings.upstreams import Credential, UpstreamSettings, Usual, services


@dataclass(frozen=True, slots=True)
class Found:
    """A service whose key was found in a variable."""

    variable: str
    upstream: UpstreamSettings
    usual: Usual


def found(environment: Mapping[str, str]) -> tuple[Found, ...]:
    """Every service whose key is in the environment, the preferred one first."""
    return tuple(_found(usual, text) for usual in services().environment if (text := _key(environment, usual)))


def _key(environment: Mapping[str, str], usual: Usual) -> str:
    """The key; empty when what stands there cannot be one."""
    text = environment.get(usual.variable, "").strip()
    return text if text.isascii() and text.isprintable() and " " not in text else ""


def _found(usual: Usual, text: str) -> Found:
    return Found(
        variable=usual.variable,
        upstream=UpstreamSettings(
            name=usual.profile,
            profile=shipped(usual.profile),
            base_url=services().base_urls[usual.profile],
            credentials=(Credential(f"env:{usual.variable}", Secret(text)),),
        ),
        usual=usual,
    )
