"""The banner of `glmgate serve`: where it answers, with which key, which models, which engine, and a first call.

A pure function from facts to text; who gathers the facts and prints it is `serve`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from glmgate import __version__

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 -- shown, not bound


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """A model that really answers. `remark` says what its users have to know, in a few words.

    `stands_in`: it may answer the names of other models of its kind.
    """

    name: str
    kind: Literal["chat", "embedding"]
    remark: str = ""
    aliases: tuple[str, ...] = ()
    stands_in: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A service that is asked. `variable`: the one in the environment that its key was found in."""

    name: str
    base_url: str
    credentials: int = 1
    variable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a start is about.

    `new_key`: the whole key, on the start that made it. `key_ids`: those of the live keys. `auth`: keys are asked for.
    `engine`: what answers; `engine_missing`: why nothing does. `stand_ins`: whose model names are answered as well,
    such as "GLM and OpenAI". `demonstration`: the first chat model is the small built-in one. `program`: how this
    program is called from where its user stands. `upstreams` are configured services, `environment` those whose keys
    were found; `usual` is the model that is asked for in the example then.
    """

    host: str
    port: int
    auth: bool = True
    new_key: str | None = field(default=None, repr=False)
    key_ids: tuple[str, ...] = ()
    models: tuple[ServedModel, ...] = ()
    engine: str = ""
    engine_missing: str | None = None
    stand_ins: str = ""
    demonstration: bool = False
    program: str = "glmgate"
    upstreams: tuple[Upstream, ...] = ()
    environment: tuple[Upstream, ...] = ()
    usual: str = ""


def banner(facts: Facts) -> str:
    """The text for whoever started the server. It holds the key only where `new_key` does."""
    parts = [*_routed(facts), _addresses(facts), _table(facts), *_warnings(facts)]
    if model := _asked(facts):
        parts.append(_example(facts, model))
    return "\n\n".join(parts) + "\n"


def _routed(facts: Facts) -> list[str]:
    """The first line where a key in the environment decides who answers: nobody has configured that."""
    if not facts.environment:
        return []
    places = ", else to ".join(f"{each.name} ({each.base_url}, key in {each.variable})" for each in facts.environment)
    routed = f"are routed to {places}. `--local` prevents it."
    if not (here := _standing(facts)):
        return [f"GLM names {routed}"]
    answered = " and ".join(f"of {kind} models by {name}" for kind, name in here.items())
    return [f"GLM names are answered here, those {answered}; others {routed}"]


def _standing(facts: Facts) -> dict[str, str]:
    """Which model of each kind answers the names of others, the first of its kind."""
    return {model.kind: model.name for model in reversed(facts.models) if model.stands_in} if facts.stand_ins else {}


def _root(facts: Facts) -> str:
    host = _ANYWHERE.get(facts.host, facts.host)
    return f"http://[{host}]:{facts.port}" if ":" in host else f"http://{host}:{facts.port}"


def _addresses(facts: Facts) -> str:
    root = _root(facts)
    lines = [
        f"glmgate {__version__} is ready.",
        "",
        f"  OpenAI           {root}/v1",
        f"  Z.AI, BigModel   {root}/api/paas/v4",
    ]
    if facts.host in _ANYWHERE:
        lines.append("  It listens on every address of this machine.")
    return "\n".join(lines)


def _table(facts: Facts) -> str:
    models = [_model(model) for model in facts.models]
    whose = "GLM names that nobody here answers" if _standing(facts) else "every GLM name"
    services = [_service(upstream, whose) for upstream in (*facts.upstreams, *facts.environment)]
    engine = facts.engine if facts.engine_missing is None else f"none: {facts.engine_missing}"
    rows = [("Key", _key(facts)), ("Models", "\n           ".join(models) or "none"), ("Engine", engine)]
    if services:
        rows.append(("Services", "\n           ".join(services)))
    return "\n".join(f"  {name:<8} {text}" for name, text in rows)


def _model(model: ServedModel) -> str:
    also = f"also {', '.join(model.aliases)}" if model.aliases else ""
    return f"{model.name} ({', '.join(part for part in (model.kind, model.remark, also) if part)})"


def _service(upstream: Upstream, whose: str) -> str:
    if upstream.variable:
        return f"{upstream.name}: {upstream.base_url}, {whose}, key in {upstream.variable}"
    keys = {0: "no credential", 1: "1 credential"}.get(upstream.credentials, f"{upstream.credentials} credentials")
    return f"{upstream.name}: {upstream.base_url}, {keys}"


def _key(facts: Facts) -> str:
    if not facts.auth:
        return "none is asked for (--no-auth); only programs of this machine may call"
    if facts.new_key:
        shown = facts.new_key.partition(".")[0]
        return f"{facts.new_key}\n           made now; `{facts.program} keys show {shown}` prints it again"
    if not facts.key_ids:
        return f"none; `{facts.program} keys create --name NAME` makes one"
    first, *more = facts.key_ids
    rest = f" (and {len(more)} more: `{facts.program} keys list`)" if more else ""
    return (
        f"{first}{rest}\n           `{facts.program} keys show {first}` prints it\n"
        f"           `{facts.program} keys create --name NAME` makes another"
    )


def _warnings(facts: Facts) -> list[str]:
    if not facts.stand_ins:
        return []
    standing = _standing(facts)
    lines = _stand_ins(facts, standing.get("chat"), standing.get("embedding"))
    if (chat := standing.get("chat")) and facts.demonstration:
        lines += [
            f"  {chat} is a small demonstration model: it shows that everything works, not what GLM can do.",
            f"  `{facts.program} models` lists real ones, `{facts.program} serve --model NAME` fetches one.",
        ]
    return ["\n".join(lines)] if lines else []


def _stand_ins(facts: Facts, chat: str | None, embedding: str | None) -> list[str]:
    """Who answers the names of others, where anybody does."""
    whose, chat = ("OpenAI", facts.usual) if facts.usual else (facts.stand_ins, chat)
    if chat is None or whose not in facts.stand_ins:
        return []
    lines = [f"  Names of {whose} chat models are answered by {chat}; each answer's `model` says so."]
    if embedding is not None:
        lines.append(f"  Names of embedding models are answered by {embedding}.")
    return lines


def _example(facts: Facts, model: str) -> str:
    key = facts.new_key or ("THE KEY" if facts.auth else "none")
    return f"""  Try it (pip install openai):

from openai import OpenAI

client = OpenAI(api_key="{key}", base_url="{_root(facts)}/v1")
answer = client.chat.completions.create(model="{model}", messages=[{{"role": "user", "content": "Hello!"}}])
print(answer.choices[0].message.content)"""


def _first_chat(facts: Facts) -> ServedModel | None:
    return next((model for model in facts.models if model.kind == "chat"), None)


def _asked(facts: Facts) -> str:
    """The model that the example asks for; empty where none chats."""
    chat = _first_chat(facts)
    return facts.usual or (chat.name if chat else "")
