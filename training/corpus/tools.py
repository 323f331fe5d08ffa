"""Conversations in which tools are offered: one call, several, none that fits, and the answer after a result.

How tools look and what they are asked is data of `tool_kinds`.
"""

from __future__ import annotations

import dataclasses
import json
import random
from dataclasses import dataclass

from training.conversation import Call, Conversation, Json, Message, assistant, calling, tool_result, user
from training.corpus import values
from training.corpus.chat import one_turn
from training.corpus.phrasing import framed, varied
from training.corpus.tool_kinds import KINDS, UNIT, WEATHER, Kind, Parameter, schema
from training.corpus.values import Split

NO_TOOL = "I am sorry, none of my tools can do that."
NO_TOOL_THOUGHT = "The user wants {}. No tool of mine fits, so I say so."
# What the server's `embedded` profile adds to the last turn where a call is required and none came.
FORCED = "Call one of these functions now: {names}. Answer with nothing but the JSON of the call."
# The tool of the first seed page, as it stands there.
PAGE_TOOL = schema("get_weather", "Get weather information for specified location",
                   {"location": WEATHER.parameters[0]}, ["location"])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Offer:
    """One tool as it is offered: its kind, its name and the names of its parameters."""

    kind: Kind
    name: str
    keys: tuple[str, ...]
    json: Json
    has_unit: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to a tool: its words, the wish in them, the values, and the call that it needs."""

    question: str
    wish: str
    values: tuple[object, ...]
    call: Call


def offer(rng: random.Random, kind: Kind) -> Offer:
    """Return a tool of a kind under one of its names."""
    keys = tuple(rng.choice(parameter.names) for parameter in kind.parameters)
    name = rng.choice(kind.names)
    parameters = dict(zip(keys, kind.parameters, strict=True))
    has_unit = kind is WEATHER and rng.random() < 0.2
    if has_unit:
        parameters["unit"] = UNIT
    if rng.random() < 0.3:
        parameters = {key: dataclasses.replace(parameter, about="") for key, parameter in parameters.items()}
    return Offer(kind, name, keys, schema(name, _about(rng, kind, name), parameters, list(keys)), has_unit)


def _about(rng: random.Random, kind: Kind, name: str) -> str:
    """Return what a tool says of itself: mostly what it does, often little more than its name, or nothing.

    With the full descriptions alone, a tool of few words was taken for one that does not fit.
    """
    if rng.random() < 0.55:
        return rng.choice(kind.about)
    plain = name.replace("_", " ")
    return rng.choice(("", f"The {name} of a place", plain, plain.capitalize(), f"Calls {name}", f"Get the {plain}"))


def page_offer() -> Offer:
    """Return the tool of the seed page."""
    return Offer(WEATHER, "get_weather", ("location",), PAGE_TOOL)


def invented_offer(rng: random.Random, split: Split) -> Offer:
    """Return a tool that no one has heard of, asked for by its name and its keys."""
    parts = [values.pick(rng, values.WORDS + values.OBJECTS, split) for _ in range(rng.choice((1, 2)))]
    name = "_".join([rng.choice(("get", "set", "find", "make", "run", "check")), *parts])
    keys = rng.sample([values.invented(rng, split), "value", "name", "item", "id", "key"], rng.choice((1, 1, 2)))
    shown = " and ".join(f"{key} {{{place}}}" for place, key in enumerate(keys))
    parameters = tuple(Parameter((key,), "string", f"The {key}", _thing) for key in keys)
    ways = tuple(form.format(name, shown) for form in ("Call {} with {}.", "Use {} with {}.", "Run {} for {}"))
    kind = Kind((name,), (f"Does {' '.join(parts)}",), parameters, ways, ways[:1], f"{name} with {shown}", _done_word,
                f"{name} says: {{result}}.")  # fmt: skip
    return Offer(kind, name, tuple(keys), schema(name, kind.about[0], dict(zip(keys, parameters, strict=True)), keys))


def _thing(rng: random.Random, split: Split) -> str:
    draw = rng.random()
    if draw < 0.3:
        return str(values.number(rng))
    return values.invented(rng, split) if draw < 0.6 else values.pick(rng, values.WORDS, split)


def _done_word(rng: random.Random, split: Split) -> str:
    return values.pick(rng, values.WORDS, split)


def ask(rng: random.Random, offered: Offer, split: Split) -> Asked:
    """Return a question that needs the offered tool."""
    kind = offered.kind
    made = tuple(parameter.make(rng, split) for parameter in kind.parameters)
    form = rng.choice(kind.held_out_ways if split == "held_out" else kind.ways)
    if kind is WEATHER and rng.random() < 0.2:
        form, made = _careless(rng, form, made)
    arguments: Json = dict(zip(offered.keys, made, strict=True))
    question = form.format(*made)
    if offered.has_unit and rng.random() < 0.5:
        unit = str(UNIT.make(rng, split))
        question = question.rstrip("?.") + f" in {unit}?"
        arguments["unit"] = unit
    return Asked(framed(rng, question), kind.wish.format(*made), made, Call(offered.name, arguments))


def _careless(rng: random.Random, form: str, made: tuple[object, ...]) -> tuple[str, tuple[object, ...]]:
    """Return a question in small letters or without its stop; the value as well, or as it is usually written."""
    if rng.random() < 0.5:
        return form.rstrip("?."), made
    return form.lower(), tuple(str(value).lower() for value in made) if rng.random() < 0.5 else made


def _thought(asked: Asked) -> str:
    return f"The user wants {asked.wish}. I call {asked.call.name}."


def _answer(asked: Asked, kind: Kind, result: str) -> Message:
    thought = "The tool has answered. I tell the user."
    return assistant(kind.answer.format(*asked.values, result=result), thought)


def _result(rng: random.Random, offered: Offer, asked: Asked, split: Split) -> tuple[str, str]:
    """Return what the tool gives back, and the words of it that the answer repeats."""
    result = offered.kind.result(rng, split)
    if offered.kind is WEATHER and rng.random() < 0.35:
        return f"Weather in {asked.values[0]}: {result}", result
    if offered.kind is WEATHER and rng.random() < 0.25:
        sky, degrees = result.rsplit(", ", 1)
        given = {"temperature": int(degrees.removesuffix("°C")), "condition": sky}
        return json.dumps(given, ensure_ascii=False), result
    if rng.random() < 0.2:
        return json.dumps({rng.choice(("result", "value", "answer")): result}, ensure_ascii=False), result
    return result, result


def one_call(rng: random.Random, offered: Offer, split: Split) -> list[Message]:
    """Return a question and its call, mostly with result and answer."""
    asked = ask(rng, offered, split)
    turns = [user(asked.question), calling(asked.call, thought=_thought(asked))]
    if rng.random() < 0.6:
        result, words = _result(rng, offered, asked, split)
        turns += [tool_result(result), _answer(asked, offered.kind, words)]
    return turns


def two_calls(rng: random.Random, offered: Offer, split: Split) -> list[Message]:
    """Return a question for the weather in two places, and both calls."""
    places = [values.city(rng, split) for _ in range(2)]
    way = rng.choice(
        ("What is the weather in {} and {}?", "How's the weather in {} and in {}?", "Weather in {} and {}?")
    )
    calls = tuple(Call(offered.name, {offered.keys[0]: place}) for place in places)
    thought = f"The user wants the weather in {places[0]} and {places[1]}. I call {offered.name} twice."
    turns = [user(way.format(*places)), calling(*calls, thought=thought)]
    if rng.random() < 0.5:
        results = [WEATHER.result(rng, split) for _ in places]
        words = " ".join(f"The weather in {place}: {sky}." for place, sky in zip(places, results, strict=True))
        answer = assistant(words, "The tool has answered twice. I tell the user.")
        turns += [tool_result(results[0]), tool_result(results[1]), answer]
    return turns


def _chat_turn(rng: random.Random, split: Split) -> tuple[str, str, str]:
    """Return an exchange that has nothing to do with tools."""
    while True:
        question, thought, answer = one_turn(rng, split)
        if "tool" not in thought:
            return question, thought, answer


def which_place(rng: random.Random) -> list[Message]:
    """Return a question for the weather that names no place, and the question back."""
    question = varied(rng, rng.choice(("How's the weather?", "What's the weather like?", "What is the weather today?")))
    return [user(question), assistant("Which place do you mean?", "The user names no place. I ask for it.")]


def no_call(rng: random.Random, offers: list[Offer], split: Split, *, small_talk: float = 0.5) -> list[Message]:
    """Return a question that no offered tool answers: small talk (so often), or the wish for another tool."""
    if rng.random() < small_talk:
        question, thought, answer = _chat_turn(rng, split)
        return [user(question), assistant(answer, thought)]
    taken = {offered.kind.names for offered in offers}
    kind = rng.choice([kind for kind in KINDS if kind.names not in taken])
    asked = ask(rng, offer(rng, kind), split)
    return [user(varied(rng, asked.question)), assistant(NO_TOOL, NO_TOOL_THOUGHT.format(asked.wish))]


def _offers(rng: random.Random, split: Split) -> list[Offer]:
    draw = rng.random()
    if draw < 0.2:
        return [page_offer()]
    kinds = rng.sample(KINDS, rng.choice((1, 1, 2, 2, 3, 3)))
    offers = [offer(rng, kind) for kind in kinds]
    if draw < 0.4:
        offers[rng.randrange(len(offers))] = invented_offer(rng, split)
    return offers


def tools(rng: random.Random, split: Split) -> Conversation:
    """Return a conversation with tools: one to three questions."""
    offers = _offers(rng, split)
    turns: list[Message] = []
    for _ in range(rng.choice((1, 2, 3))):
        if turns and turns[-1].calls:
            break
        draw = rng.random()
        chosen = rng.choice(offers)
        if draw < 0.02 and len(offers) == 1 and chosen.kind is WEATHER:
            turns += which_place(rng)
        elif draw < 0.38:
            # The wish for another tool is the hardest of all: the model has to see that nothing fits.
            turns += no_call(rng, offers, split, small_talk=0.25)
        elif draw < 0.48 and chosen.kind is WEATHER:
            turns += two_calls(rng, chosen, split)
        else:
            turns += one_call(rng, chosen, split)
    return Conversation(tuple(turns), tuple(item.json for item in offers), thinking=rng.random() < 0.5)


def forced(rng: random.Random, split: Split) -> Conversation:
    """Return a question under the order to call, as the server writes it where a call is required, and its JSON."""
    offers = _offers(rng, split)
    chosen = rng.choice(offers)
    asked = ask(rng, chosen, split)
    order = FORCED.format(names=", ".join(item.name for item in offers))
    made: Json = asked.call.arguments
    if len(offers) > 1:
        made = {"name": asked.call.name, "arguments": made}
    turns = (user(f"{asked.question}\n\n{order}"), assistant(json.dumps(made, ensure_ascii=False)))
    # The engine may leave out the tools where none may be called.
    shown = () if rng.random() < 0.2 else tuple(item.json for item in offers)
    return Conversation(turns, shown, thinking=False)
