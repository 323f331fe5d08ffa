"""`python -m bench.adaptation`: what it costs to fit a request to a service and to make its stream regular.

CPU time of one core, the best of several rounds, beside what the body's JSON costs by itself in the same run: the
ratios hold on any machine. A part of `make bench`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from glmgate.adaptation.fit import fit
from glmgate.adaptation.profile import Profile, shipped
from glmgate.engines.upstream.answer import Reading
from glmgate.engines.upstream.chunks import ChunkReader
from glmgate.wire.answers import ChunkWriter, Head
from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.members import plain, read

ROUNDS = 9
CHUNKS = 200
# What a GLM model of our own has that must stay text in a prompt.
SPECIAL = ("<|user|>", "<|assistant|>", "<|system|>", "<think>", "</think>", "<tool_call>", "[gMASK]", "<sop>")


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds of one thing that adaptation does, of the JSON alone, and of all that is done with the bytes."""

    name: str
    adaptation: float
    json: float
    whole: float

    @property
    def row(self) -> str:
        """A line of the table."""
        ratio, share = self.adaptation / self.json, 100 * self.adaptation / self.whole
        return f"{self.name:<28} {self.adaptation:>8.2f} {self.json:>8.2f} {ratio:>7.2f} {share:>7.0f} %"


def profiles() -> dict[str, Profile]:
    """The ones that are measured: our own engine's with a model's facts, and services'."""
    own = shipped("embedded").for_model(
        guarded=SPECIAL, context_length=131_072, vocabulary=151_552, longest_token=128, dimensions=4096
    )
    glm = {name: shipped(name).for_family("glm-4.6") for name in ("zai", "vllm")}
    return {"embedded": own, **glm, "openai": shipped("openai").for_family("gpt-5")}


def body() -> bytes:
    """A plain request: ten messages, two tools, streamed."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": "You help people with their plans."}]
    for place in range(2):
        call = {"name": "get_weather", "arguments": '{"city": "Rome", "unit": "celsius"}'}
        messages += [
            {"role": "user", "content": "What is the weather in Rome, and what should I wear there tomorrow? " * 3},
            {"role": "assistant", "tool_calls": [{"id": f"call_{place}", "type": "function", "function": call}]},
            {"role": "tool", "tool_call_id": f"call_{place}", "content": "Sunny, 22 degrees, a light wind."},
            {"role": "assistant", "content": "It is sunny at 22 degrees; a light jacket will do. " * 4},
        ]
    messages.append({"role": "user", "content": "And in Oslo?"})
    parameters = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
        "required": ["city"],
    }
    tools = [
        {"type": "function", "function": {"name": name, "description": "What it is like", "parameters": parameters}}
        for name in ("get_weather", "get_forecast")
    ]
    document = {"model": "glm-4.6", "messages": messages, "tools": tools, "temperature": 0.7, "stream": True}
    return msgspec.json.encode(document)


def chunk(place: int) -> bytes:
    """One piece of an answer, as a service sends it."""
    delta = {"role": "assistant", "content": f" word{place}"}
    document = {"id": "2026", "created": 1, "object": "chat.completion.chunk", "model": "glm-4.6"}
    return b"data: " + msgspec.json.encode(document | {"choices": [{"index": 0, "delta": delta}]}) + b"\n\n"


def cpu_us(work: Callable[[], object], *, times: int) -> float:
    """Microseconds of one run of `work`: the best of some rounds, so that what else the machine does counts little."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(times):
            work()
        best = min(best, (time.process_time() - start) / times)
    return best * 1e6


def of_a_request(name: str, profile: Profile) -> Cost:
    """Fitting, and undoing at the end of an answer; the whole reads the body before and writes it after."""
    data = body()
    request = read(data, ChatRequest)
    end = Delta(content="Cool.", finish_reason="stop", usage=Usage(prompt=100, completion=10))

    def adapted() -> tuple[Delta, ...]:
        undo = fit(request, profile).undo
        return undo.feed(end) + undo.close()

    def whole() -> bytes:
        return msgspec.json.encode(plain(fit(read(data, ChatRequest), profile).request))

    json = cpu_us(lambda: msgspec.json.encode(msgspec.json.decode(data)), times=300)
    return Cost(name, cpu_us(adapted, times=300), json, cpu_us(whole, times=200))


def of_a_chunk(name: str, profile: Profile) -> Cost:
    """Reading a chunk and undoing on it, of a stream; the whole writes it for a client."""
    data = [chunk(place) for place in range(CHUNKS)]
    request = read(body(), ChatRequest)

    def regular() -> list[Delta]:
        reader, undo = ChunkReader(Reading(profile=profile)), fit(request, profile).undo
        return [after for piece in data for delta in reader.feed(piece) for after in undo.feed(delta)]

    def whole() -> bytes:
        writer = ChunkWriter(Head(surface="openai", id="chatcmpl-1", created=1, model="glm-4.6"))
        return b"".join(writer.write((delta,)) for delta in deltas)

    deltas = regular()
    assert "".join(delta.content or "" for delta in deltas).startswith(" word0 word1")
    beside = cpu_us(lambda: fit(request, profile), times=50)
    repaired = (cpu_us(regular, times=10) - beside) / CHUNKS
    json = cpu_us(lambda: [msgspec.json.decode(piece[6:]) for piece in data], times=20) / CHUNKS
    return Cost(name, repaired, json, repaired + cpu_us(whole, times=10) / CHUNKS)


def main() -> None:
    """Measure and print."""
    print(f"{'adaptation, µs of CPU':<28} {'ours':>8} {'JSON':>8} {'ratio':>7} {'share of the whole':>9}")
    for name, profile in profiles().items():
        print(f"{of_a_request(f'request, {name}', profile).row}   goal <= 60 µs", flush=True)
    for name, profile in profiles().items():
        print(f"{of_a_chunk(f'chunk of a stream, {name}', profile).row}   goal <= 8 µs", flush=True)


if __name__ == "__main__":
    main()
