"""The settings of pulling models, section `[pull]`: types, defaults and what each means.

Only values live here; `glmgate.settings` reads them from file, environment and flags.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsSettings:
    """Where models are fetched from."""

    hub: Annotated[Literal["huggingface", "modelscope"], "The hub that models are fetched from."] = "huggingface"
    mirror: Annotated[
        str,
        "URL of a mirror that is asked instead of the hub, with the hub's paths; "
        "empty: HF_ENDPOINT for Hugging Face where that is set, else the hub itself.",
    ] = ""
    token: Annotated[
        str | None, "The hub's access token, as env:NAME or file:PATH; for repositories that ask for one."
    ] = None
