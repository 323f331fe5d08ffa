"""The tools that conversations know: their names, parameters, the questions they answer and what they give back.

Data with the makers of its values; conversations are made of it in `tools`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from training.conversation import Json
from training.corpus import values
from training.corpus.values import Split

Maker = Callable[[random.Random, Split], object]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter: the names it may bear, what it is, and how a value is made."""

    names: tuple[str, ...]
    kind: str
    about: str
    make: Maker
    enum: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of tool; slots in questions, thoughts and answers are the parameters by their place: {0}, {1}."""

    names: tuple[str, ...]
    about: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    ways: tuple[str, ...]
    held_out_ways: tuple[str, ...]
    wish: str
    result: Callable[[random.Random, Split], str]
    answer: str
    extras: tuple[Parameter, ...] = field(default=())


def _place(rng: random.Random, split: Split) -> str:
    if rng.random() < 0.08:
        return values.chinese(rng, split)
    return values.city(rng, split)


def _phrase(rng: random.Random, split: Split) -> str:
    count = rng.choice((1, 1, 2, 3))
    words = [
        values.pick(rng, values.WORDS + values.OBJECTS, split) if rng.random() < 0.7 else values.invented(rng, split)
        for _ in range(count)
    ]
    return " ".join(words)


def _symbol(rng: random.Random, _split: Split) -> str:
    return "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=rng.choice((3, 4, 4))))


def _currency(rng: random.Random, _split: Split) -> str:
    return rng.choice(("USD", "EUR", "GBP", "CNY", "JPY", "CHF", "INR", "BRL"))


def _amount(rng: random.Random, _split: Split) -> int:
    return values.number(rng)


def _few(rng: random.Random, _split: Split) -> int:
    return rng.randint(1, 20)


def _clock(rng: random.Random, _split: Split) -> str:
    return f"{rng.randint(0, 23)}:{rng.randint(0, 59):02}"


def _sum(rng: random.Random, _split: Split) -> str:
    return f"{rng.randint(1, 99)} {rng.choice('+-*/')} {rng.randint(1, 99)}"


def _country(rng: random.Random, split: Split) -> str:
    return values.pick(rng, values.COUNTRIES, split)


def _colour(rng: random.Random, split: Split) -> str:
    return values.pick(rng, values.COLOURS, split)


def _language(rng: random.Random, _split: Split) -> str:
    return rng.choice(("French", "German", "Spanish", "Italian", "Chinese", "Japanese", "Russian", "Greek"))


def _sky(rng: random.Random, _split: Split) -> str:
    sky = rng.choice(("Sunny", "Cloudy", "Rainy", "Windy", "Snowy", "Foggy", "Clear", "Light rain"))
    return f"{sky}, {rng.randint(-9, 39)}°C"


def _done(rng: random.Random, _split: Split) -> str:
    return rng.choice(("ok", "done", "success", "OK, done"))


def _fact(rng: random.Random, split: Split) -> str:
    return f"{_phrase(rng, split)} {values.number(rng)}"


def _plain_number(rng: random.Random, _split: Split) -> str:
    return str(values.number(rng))


def _price(rng: random.Random, _split: Split) -> str:
    return f"{rng.randint(1, 999)}.{rng.randint(0, 99):02}"


def _text(names: str, about: str, make: Maker) -> Parameter:
    return Parameter(tuple(names.split()), "string", about, make)


WEATHER = Kind(
    names=(
        "get_weather",
        "get_weather",
        "get_current_weather",
        "weather",
        "getWeather",
        "fetch_weather",
        "weather_lookup",
    ),
    about=(
        "Get weather information for specified location",
        "Get the current weather",
        "Weather of a city",
        "Get the current weather in a given location",
        "Returns the weather at a place",
    ),
    parameters=(_text("location location city place", "Location name, e.g.: Beijing, Shanghai", _place),),
    ways=(
        "How's the weather in {0} today?",
        "How's the weather in {0}?",
        "What is the weather in {0}?",
        "What's the weather like in {0}?",
        "What's the weather like in {0} today?",
        "Weather in {0}?",
        "Is it raining in {0}?",
        "Tell me the weather in {0}.",
        "How is the weather in {0} right now?",
        "Do I need an umbrella in {0}?",
        "I am in {0}. What is the weather?",
        "What is the temperature in {0}?",
        "Check the weather in {0} please.",
        "{0}今天天气怎么样？",
        "{0}的天气如何？",
        "What will the weather be in {0}?",
        "Is it cold in {0}?",
        "Is it sunny in {0} today?",
        "Will it rain in {0}?",
        "Give me the weather in {0}.",
        "Weather report for {0}",
        "Look up the weather for {0}.",
        "How warm is it in {0}?",
        "weather {0}",
        "Tell me how the weather is in {0}.",
        "I want to know the weather in {0}.",
    ),
    held_out_ways=(
        "Will it be warm in {0} today?",
        "Give me the weather for {0}.",
        "Please look up the weather in {0}.",
    ),
    wish="the weather in {0}",
    result=_sky,
    answer="The weather in {0}: {result}.",
)

KINDS = (
    WEATHER,
    Kind(
        names=("get_time", "get_current_time", "current_time", "clock"),
        about=("Get the current time in a city", "Returns the local time of a place", "Current time"),
        parameters=(_text("city location timezone place", "City name", _place),),
        ways=(
            "What time is it in {0}?",
            "Tell me the time in {0}.",
            "What's the time in {0}?",
            "Current time in {0}?",
            "How late is it in {0} now?",
            "Which time do they have in {0}?",
            "Give me the time in {0}.",
            "Look up the time in {0}.",
            "time in {0}",
        ),
        held_out_ways=("Which time is it in {0} now?", "How late is it in {0}?"),
        wish="the time in {0}",
        result=_clock,
        answer="The time in {0}: {result}.",
    ),
    Kind(
        names=("get_stock_price", "stock_price", "get_quote", "stock"),
        about=("Get the price of a stock", "Current stock price of a symbol", "Look up a share price"),
        parameters=(_text("symbol ticker stock", "Ticker symbol", _symbol),),
        ways=(
            "What is the stock price of {0}?",
            "How much is {0} stock?",
            "Price of {0} shares?",
            "Look up the stock {0}.",
            "Get the price of {0}.",
            "How is {0} doing today?",
            "Give me the share price of {0}.",
            "What does a share of {0} cost?",
            "stock price {0}",
        ),
        held_out_ways=("How is the {0} share doing?", "Get me the stock price of {0}."),
        wish="the stock price of {0}",
        result=_price,
        answer="The stock price of {0}: {result}.",
    ),
    Kind(
        names=("convert_currency", "currency_converter", "exchange", "convert_money"),
        about=("Convert an amount of money", "Convert between currencies", "Currency conversion"),
        parameters=(
            Parameter(("amount", "value"), "number", "Amount of money", _amount),
            _text("from_currency from source", "Currency to convert from", _currency),
            _text("to_currency to target", "Currency to convert to", _currency),
        ),
        ways=(
            "Convert {0} {1} to {2}.",
            "How much is {0} {1} in {2}?",
            "What are {0} {1} in {2}?",
            "Change {0} {1} to {2}.",
            "Exchange {0} {1} for {2}.",
            "How many {2} are {0} {1}?",
            "Turn {0} {1} into {2}.",
            "{0} {1} in {2}?",
        ),
        held_out_ways=("Change {0} {1} into {2} please.",),
        wish="{0} {1} in {2}",
        result=_price,
        answer="{0} {1} in {2}: {result}.",
    ),
    Kind(
        names=("web_search", "search", "search_web", "google"),
        about=("Search the web", "Find pages about a topic", "Web search"),
        parameters=(_text("query q text", "What to search for", _phrase),),
        ways=(
            "Search for {0}.",
            "Search the web for {0}.",
            "Find pages about {0}.",
            "Google {0}.",
            "Look for {0} on the web.",
            "Search the internet for {0}.",
            "Please find {0}.",
            "Do a search for {0}.",
            "web search {0}",
        ),
        held_out_ways=("Please search the net for {0}.",),
        wish="a search for {0}",
        result=_fact,
        answer="The search for {0} found: {result}.",
    ),
    Kind(
        names=("calculate", "calculator", "evaluate", "math"),
        about=("Evaluate an expression", "A calculator", "Compute arithmetic"),
        parameters=(_text("expression formula input", "Arithmetic expression", _sum),),
        ways=(
            "Calculate {0}.",
            "What is {0}?",
            "Compute {0}.",
            "How much is {0}?",
            "Work out {0}.",
            "Evaluate {0}.",
            "Tell me {0}.",
            "Give me the result of {0}.",
            "What does {0} give?",
        ),
        held_out_ways=("Work out {0} for me.",),
        wish="the value of {0}",
        result=_plain_number,
        answer="The value of {0}: {result}.",
    ),
    Kind(
        names=("translate", "translate_text", "translator"),
        about=("Translate a text", "Translate text into a language"),
        parameters=(
            _text("text content", "Text to translate", _phrase),
            _text("language target_language to", "Language to translate into", _language),
        ),
        ways=(
            "Translate {0} into {1}.",
            "Translate '{0}' to {1}.",
            "Say {0} in {1}.",
            "What is {0} in {1}?",
            "How do you say {0} in {1}?",
            "Turn {0} into {1}.",
            "Put the words {0} in {1}.",
            "{0} in {1}, please.",
        ),
        held_out_ways=("Put {0} into {1}.",),
        wish="{0} in {1}",
        result=_phrase,
        answer="{0} in {1}: {result}.",
    ),
    Kind(
        names=("set_alarm", "alarm", "wake_me"),
        about=("Set an alarm", "Sets the alarm clock"),
        parameters=(_text("time at", "Time of the alarm", _clock),),
        ways=(
            "Set an alarm for {0}.",
            "Wake me at {0}.",
            "Alarm at {0}.",
            "Wake me up at {0}.",
            "Let me sleep until {0}.",
            "Ring at {0}.",
            "I have to get up at {0}.",
            "Put the alarm on {0}.",
            "alarm {0}",
        ),
        held_out_ways=("Let the alarm ring at {0}.",),
        wish="an alarm at {0}",
        result=_done,
        answer="The alarm at {0}: {result}.",
    ),
    Kind(
        names=("play_music", "play_song", "play"),
        about=("Play a song", "Plays music"),
        parameters=(_text("title song name", "Title of the song", _phrase),),
        ways=(
            "Play {0}.",
            "Play the song {0}.",
            "I want to hear {0}.",
            "Put on {0}.",
            "Let me listen to {0}.",
            "Start the song {0}.",
            "Please play {0} for me.",
            "Can I hear {0}?",
            "music: {0}",
        ),
        held_out_ways=("Let me hear the song {0}.",),
        wish="the song {0}",
        result=_done,
        answer="The song {0}: {result}.",
    ),
    Kind(
        names=("order_item", "order", "buy", "place_order"),
        about=("Order something from the shop", "Place an order"),
        parameters=(
            _text("item product article", "What to order", _phrase),
            Parameter(("quantity", "count", "amount"), "integer", "How many", _few),
        ),
        ways=(
            "Order {1} of {0}.",
            "Buy {0}, {1} pieces.",
            "I want {1} times {0}.",
            "Order {1} x {0}",
            "Get me {1} of {0}.",
            "Please buy {1} of {0}.",
            "I need {1} of {0}.",
            "{1} times {0}, please.",
            "Put {1} of {0} in the basket.",
        ),
        held_out_ways=("Please get me {1} of {0}.",),
        wish="{1} of {0}",
        result=_done,
        answer="The order of {1} of {0}: {result}.",
    ),
    Kind(
        names=("get_population", "population", "country_population"),
        about=("Get the population of a country", "How many people live in a country"),
        parameters=(_text("country nation name", "Country name", _country),),
        ways=(
            "How many people live in {0}?",
            "What is the population of {0}?",
            "Population of {0}?",
            "How big is the population of {0}?",
            "How many inhabitants has {0}?",
            "Tell me the population of {0}.",
            "How many people has {0}?",
            "population {0}",
        ),
        held_out_ways=("Tell me how many people {0} has.",),
        wish="the population of {0}",
        result=_plain_number,
        answer="The population of {0}: {result}.",
    ),
    Kind(
        names=("call_contact", "phone", "make_call"),
        about=("Call a person", "Makes a phone call"),
        parameters=(_text("name contact person", "Who to call", values.person),),
        ways=(
            "Call {0}.",
            "Phone {0}.",
            "Please call {0} now.",
            "I want to talk to {0}.",
            "Ring {0}.",
            "Make a call to {0}.",
            "Get {0} on the phone.",
            "Dial {0}.",
            "call {0}",
        ),
        held_out_ways=("Give {0} a call.",),
        wish="a call to {0}",
        result=_done,
        answer="The call to {0}: {result}.",
    ),
    Kind(
        names=("send_message", "send_email", "send_mail", "message"),
        about=("Send a message to a person", "Sends an email"),
        parameters=(
            _text("to recipient name", "Who gets it", values.person),
            _text("text subject content message", "What it says", _phrase),
        ),
        ways=(
            "Send {0} a message: {1}.",
            "Write to {0} that {1}.",
            "Tell {0}: {1}.",
            "Send an email to {0} about {1}.",
            "Send {0} the words {1}.",
            "Message {0}: {1}",
            "Let {0} know: {1}.",
            "Mail {0} about {1}.",
            "Write {0} a message: {1}.",
        ),
        held_out_ways=("Send to {0} the words {1}.",),
        wish="a message to {0}: {1}",
        result=_done,
        answer="The message to {0}: {result}.",
    ),
    Kind(
        names=("set_light", "light", "lamp_colour"),
        about=("Set the colour of a light", "Controls the lamps"),
        parameters=(
            _text("room place", "Name of the room", _phrase),
            _text("color colour", "Colour of the light", _colour),
        ),
        ways=(
            "Make the light in the {0} {1}.",
            "Set the {0} light to {1}.",
            "Light in the {0}: {1}.",
            "Turn the light in the {0} {1}.",
            "I want {1} light in the {0}.",
            "Change the {0} lamp to {1}.",
            "Let the {0} shine in {1}.",
            "Switch the light of the {0} to {1}.",
        ),
        held_out_ways=("Turn the light of the {0} {1}.",),
        wish="{1} light in the {0}",
        result=_done,
        answer="The light in the {0}: {result}.",
    ),
)

UNIT = Parameter(
    ("unit",),
    "string",
    "Temperature unit",
    lambda rng, _: rng.choice(("celsius", "fahrenheit")),
    ("celsius", "fahrenheit"),
)


def schema(name: str, about: str, parameters: dict[str, Parameter], required: list[str]) -> Json:
    """Return a tool as the API has it."""
    properties: Json = {}
    for key, parameter in parameters.items():
        described: Json = {"type": parameter.kind}
        if parameter.about:
            described["description"] = parameter.about
        if parameter.enum:
            described["enum"] = list(parameter.enum)
        properties[key] = described
    function: Json = {
        "name": name,
        "description": about,
        "parameters": {"type": "object", "properties": properties, "required": required},
    }
    return {"type": "function", "function": function}
