"""Taking in changed settings while requests run: asked by a signal, or because a file has changed.

What a change means for who answers is decided where the catalogue is made (`routes`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from glmgate.errors import GlmgateError, SettingsError
from glmgate.settings import Settings
from glmgate.telemetry.log import get_logger

Reread = Callable[[], Settings]
"""Reads all settings anew; raises SettingsError."""

POLL_S: Final = 0.5

# What was built from these stands for as long as the process does.
_FIXED: Final = ("server", "storage", "engine", "log", "reasoning", "cache", "limits", "hub", "master_key", "proxies")


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do `work` in the background while the block runs."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Reloads:
    """Watches the files of the settings. `apply` makes settings those that hold, or raises and changes nothing."""

    def __init__(
        self,
        settings: Settings,
        *,
        reread: Reread,
        apply: Callable[[Settings], Awaitable[None]],
        poll_s: float = POLL_S,
    ) -> None:
        self.settings = settings
        self._reread = reread
        self._apply = apply
        self._poll_s = poll_s
        self._asked = asyncio.Event()
        self._known = _looks(settings.files)
        self._log = get_logger("glmgate.settings")

    def ask(self) -> None:
        """Reload soon, changed or not."""
        self._asked.set()

    async def take(self, settings: Settings) -> None:
        """Let settings hold that another process of ours has read and found good. Raises what `apply` raises."""
        await self._apply(settings)
        self.settings = settings

    async def run(self) -> None:
        """Reload whenever it is asked for or a file has changed, until this is cancelled."""
        while True:
            if await self._pause() or await self._has_changed():
                await self.reload()

    async def reload(self) -> bool:
        """Read the settings and let them hold. False when they are refused; the old ones then still hold."""
        self._known = await asyncio.to_thread(_looks, self.settings.files)
        try:
            wanted = replace(await asyncio.to_thread(self._read), models=self.settings.models)
            kept = replace(wanted, **{name: getattr(self.settings, name) for name in _FIXED})
            await self._apply(kept)
        except GlmgateError as error:
            self._log.error("settings refused, the old ones stay", reason=error.message)
            return False
        except Exception:  # noqa: BLE001 -- a fault of ours: it is told, and changes are taken in again later
            self._log.exception("settings could not be taken in, the old ones stay")
            return False
        await self._hold(kept, wanted)
        return True

    def _read(self) -> Settings:
        if self.settings.file is not None and not self.settings.file.is_file():
            raise SettingsError(f"The settings file {str(self.settings.file)!r} is gone.")
        return self._reread()

    async def _hold(self, kept: Settings, wanted: Settings) -> None:
        """These settings hold now; what else was wanted is told."""
        if fixed := list(_changed(self.settings, wanted)):
            self._log.warning("settings that need a restart have changed", settings=fixed)
        if kept.files != self.settings.files:
            self._known = await asyncio.to_thread(_looks, kept.files)
        self.settings = kept
        self._log.info(
            "settings reloaded",
            upstreams=[each.name for each in kept.upstreams] + [each.upstream.name for each in kept.found],
            models=[each.name for each in kept.routed],
        )

    async def _has_changed(self) -> bool:
        """Whether a file is another one than before, and finished: one that is being written changes again."""
        now = await asyncio.to_thread(_looks, self.settings.files)
        while now != self._known:
            await asyncio.sleep(self._poll_s)
            before, now = now, await asyncio.to_thread(_looks, self.settings.files)
            if before == now:
                return True
        return False

    async def _pause(self) -> bool:
        """Wait for the next look; True when a reload is asked for."""
        try:
            async with asyncio.timeout(self._poll_s):
                await self._asked.wait()
        except TimeoutError:
            return False
        self._asked.clear()
        return True


def _looks(files: Sequence[Path]) -> list[tuple[int, int, int] | None]:
    """What files look like from outside; None for one that is not there."""
    return [_look(file) for file in files]


def _look(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _changed(before: Settings, after: Settings) -> Iterator[str]:
    """The settings that have changed and cannot be taken in, without their values."""
    for name in _FIXED:
        old, new = getattr(before, name), getattr(after, name)
        if name in {"hub", "master_key", "proxies"}:
            if old != new:
                yield {"hub": "[pull]", "master_key": "[server] master_key"}.get(name, "the proxies")
            continue
        for each in fields(old):
            if getattr(old, each.name) != getattr(new, each.name):
                yield f"[{name}] {each.name}"
