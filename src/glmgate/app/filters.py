"""From settings to the filters of the gateway: those that ask somebody get who is asked.

Made anew at every reload; requests that run keep the old ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from glmgate.engines.moderation.service import ServiceModerator
from glmgate.engines.moderation.webhook import Webhook
from glmgate.engines.upstream.settings import Upstream
from glmgate.gateway.asking import ModelModerator
from glmgate.gateway.filtering import Filters
from glmgate.policy.filters.chain import Filter, HookFilter, names
from glmgate.policy.keys import Key
from glmgate.routing.catalogue import Catalogue
from glmgate.routing.judged import BookedModerator
from glmgate.settings import Settings
from glmgate.settings.filters import HookSettings
from glmgate.transport.interfaces import Transport
from glmgate.wire.engine import Place
from glmgate.wire.moderation import Moderator

MODERATIONS: Final = "moderations"
"""What the ledger calls the model of a service that is asked for none."""


def filters_of(settings: Settings, *, transport: Transport, catalogue: Callable[[], Catalogue]) -> Filters:
    """The filters of these settings. `catalogue` is asked whenever a model judges."""
    known: dict[str, Filter] = {each.name: each for each in settings.filters.inline}
    for hook in settings.filters.hooks:
        known[hook.name] = HookFilter(
            name=hook.name,
            hook=_moderator(hook, settings, transport, catalogue),
            side=hook.side,
            timeout_s=hook.timeout_s,
            is_open=hook.is_open,
            every=hook.every,
        )
    return Filters(known, settings.filtering.default, settings.filtering.sensitive_word_check)


def missing(keys: Iterable[Key], known: Filters) -> tuple[str, ...]:
    """The filters that terms of live keys name and the settings do not have: requests of those keys are refused."""
    wanted = {name for key in keys if key.revoked_at is None for name in names((), key.scopes)}
    return tuple(sorted(wanted - known.known.keys()))


def _moderator(
    hook: HookSettings, settings: Settings, transport: Transport, catalogue: Callable[[], Catalogue]
) -> Moderator:
    if hook.url is not None:
        return Webhook(hook.name, hook.url, transport=transport, secret=hook.secret, timeout_s=hook.timeout_s)
    if hook.upstream is None:
        return ModelModerator(hook.model or "", catalogue)
    service = next(each for each in settings.upstreams if each.name == hook.upstream)
    model = hook.model or MODERATIONS
    return BookedModerator(
        ServiceModerator(
            Upstream(name=service.name, base_url=service.base_url, profile=service.profile, timeouts=service.timeouts),
            model=hook.model,
            secret=service.credentials[0].secret if service.credentials else None,
            transport=transport,
        ),
        Place(f"{service.name}/{model}", service.name, model),
    )
