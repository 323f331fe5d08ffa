"""The settings of section `[filtering]`: types, defaults and what each means.

Only values live here; what `[[filters]]` may hold stands in `glmgate.settings.filters`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True, slots=True, kw_only=True)
class FilteringSettings:
    """Which filters hold for everybody, beside those of keys, projects and organisations."""

    default: Annotated[tuple[str, ...], "Names of [[filters]] that look at every request, in this order."] = ()
    sensitive_word_check: Annotated[
        str, "The filter that GLM's member `sensitive_word_check` switches on for a request; empty: none."
    ] = ""
