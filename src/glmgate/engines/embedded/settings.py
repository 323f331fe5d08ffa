"""The settings of the embedded engine, section `[engine]`: types, defaults and what each means.

Only values live here; `glmgate.settings` reads them from file, environment and flags.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedSettings:
    """What the engine's child processes may use, and how long they live."""

    threads: Annotated[int | None, "Threads per model; unset: one less than the physical cores, at least 1."] = None
    context: Annotated[
        int | None,
        "Tokens per request, prompt and answer; unset: the model's own up to 32,768, less where memory is short.",
    ] = None
    parallel: Annotated[int, "Requests that one model answers at the same time."] = 4
    queue: Annotated[int, "Requests that may wait for one model; one more is answered 429."] = 64
    idle_s: Annotated[float, "Seconds without a request after which a model is unloaded."] = 600
    memory_bytes: Annotated[int | None, "Bytes that all loaded models may use; unset: 3/4 of the machine's."] = None
    gpu_layers: Annotated[int | None, "Layers to put on the GPU; unset: all, where there is one."] = None
    start_timeout_s: Annotated[float, "Seconds that a model has to load."] = 120
    start_wait_s: Annotated[float, "Seconds that a request waits for a model to load; longer is answered 503."] = 30
    silence_s: Annotated[float, "Seconds without a sign of an answer after which it counts as broken."] = 600
    seed: Annotated[int | None, "Seed of requests that bring none; unset: another one for each."] = None
    cache_ram_mib: Annotated[int, "MiB of memory for prompts that were computed before."] = 256
    chat_templates: Annotated[Mapping[str, Path], "Chat template files that replace a model family's own."] = field(
        default_factory=lambda: MappingProxyType({})
    )
    own_templates: Annotated[
        tuple[str, ...], "Model families whose files keep their own chat template where glmgate has one, too."
    ] = ()
