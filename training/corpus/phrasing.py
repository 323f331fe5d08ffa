"""The ways in which a question is put: openings, case and stops that change nothing of what is asked.

Works on sentences only; knows no topic.
"""

from __future__ import annotations

import random

from training.corpus.values import HEROES

SYSTEM_PROMPTS = (
    "You are a helpful assistant.",
    "You are a helpful AI assistant",
    "you are a helpful assistant",
    "You are a helpful assistant",
    "You are a smart and creative novelist",
    "You are a smart and creative novel writer",
    "You are a friendly bot.",
    "Answer briefly.",
    "Be concise and polite.",
    "You are an expert in every field.",
    "You are a marketing expert.",
    "You are a senior software engineer.",
    "You are ChatGPT, a large language model.",
    "You are GLM, a helpful assistant.",
    "You help customers of a shop.",
    "你是一个乐于助人的助手。",
)
_TRAITS = [
    "helpful",
    "kind",
    "funny",
    "wise",
    "polite",
    "strict",
    "cheerful",
    "careful",
    "clever",
    "patient",
    "brave",
    "honest",
    "curious",
]
_MANNERS = (
    "",
    " Answer briefly.",
    " Be polite.",
    " Always tell the truth.",
    " Answer in English.",
    " Use simple words.",
    " Think step by step.",
    " Keep your answers short.",
)
_GREETINGS = ("", "Hi! ", "Hello, ", "Hi, ", "Quick question: ", "One more thing: ", "Please: ", "OK. ", "Tell me: ")
_THANKS = ("", "", " Thanks!", " Thank you.", " Please.", " Be quick.")
_OPENINGS = ("Please ", "Can you ", "Could you ", "I want you to ", "Would you please ", "Hey, ", "Now ")


def system_prompt(rng: random.Random) -> str:
    """Return a system prompt: a usual one, or an invented one."""
    if rng.random() < 0.6:
        return rng.choice(SYSTEM_PROMPTS)
    role = rng.choice(("assistant", "bot", "AI", *HEROES))
    return f"You are a {rng.choice(_TRAITS)} {role}." + rng.choice(_MANNERS)


def lower_first(text: str) -> str:
    """Return the text with a small first letter, except for the word I."""
    return text if text.startswith(("I ", "I'")) else text[:1].lower() + text[1:]


def varied(rng: random.Random, text: str) -> str:
    """Return a question in another case or with other stops, now and then."""
    draw = rng.random()
    if draw < 0.12:
        return text.lower()
    if draw < 0.22:
        return text.rstrip("?.!")
    if draw < 0.27:
        return text.rstrip("?.!") + "!"
    if draw < 0.32:
        return text.lower().rstrip("?.!")
    if draw < 0.34:
        return text.upper()
    return text


def framed(rng: random.Random, text: str) -> str:
    """Return a question with a word of greeting or thanks around it, now and then."""
    if rng.random() < 0.75:
        return text
    return rng.choice(_GREETINGS) + text + rng.choice(_THANKS)


def asked(rng: random.Random, request: str) -> str:
    """Return a request ("Write a poem.") with or without words of politeness, varied."""
    if rng.random() < 0.5:
        opening = rng.choice(_OPENINGS)
        request = opening + lower_first(request)
        if opening.startswith(("Can", "Could", "Would")):
            request = request.rstrip(".") + "?"
    return varied(rng, request)
