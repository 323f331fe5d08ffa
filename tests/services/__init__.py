"""Loopback services, one for each profile, as strict as the real ones. `service("zai")` is all that most tests need."""

from tests.services.answers import Answer, ScriptedCall, ScriptedTool, vector_of
from tests.services.breaks import BREAKS, Break, BreakKind
from tests.services.kinds import KINDS, ServiceName
from tests.services.service import KEYS, Heard, Service, running, service

__all__ = [
    "BREAKS",
    "KEYS",
    "KINDS",
    "Answer",
    "Break",
    "BreakKind",
    "Heard",
    "ScriptedCall",
    "ScriptedTool",
    "Service",
    "ServiceName",
    "running",
    "service",
    "vector_of",
]
