"""The rows of the contract's table of differences (section 5), each for the services that it concerns."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from glmgate.adaptation.fit import fit, fit_embeddings
from glmgate.adaptation.profile import parse
from glmgate.errors import InvalidRequest, UnsupportedValue
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.members import convert, plain
from tests.adaptation.requests import chat, completion, noted
from tests.adaptation.services import GLM_SERVICES, SERVICES, fitted, sent, service

USER = {"role": "user", "content": "Hello"}
WEATHER = {"type": "function", "function": {"name": "weather"}}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB"
OTHERS = tuple(name for name in SERVICES if name not in GLM_SERVICES)


def exactness(profile_name: str, **members: object) -> dict[str, bool]:
    """The report: each note, and whether it is exact."""
    return {str(note): note.exact for note in fitted(service(profile_name), **members).notes}


@pytest.mark.parametrize("name", GLM_SERVICES)
@pytest.mark.parametrize("model", ["glm-4-plus", "glm-4.6", "glm-5.3"])
def test_row_t1_a_temperature_of_zero_is_greedy(name: str, model: str) -> None:
    """It is not sent, because older models refuse it; `do_sample: false` is, and stays what it was when given."""
    zero = fitted(service(name, model), temperature=0)
    assert (plain(zero.request).get("temperature"), plain(zero.request)["do_sample"]) == (None, False)
    assert noted(zero) == ["temperature=do_sample"]
    assert all(note.exact for note in zero.notes)
    sdk = sent(service(name, model), temperature=0.01, do_sample=False)  # what the vendor's SDKs make of 0
    assert (sdk["temperature"], sdk["do_sample"]) == (0.01, False)


@pytest.mark.parametrize("name", GLM_SERVICES)
def test_row_t1_zero_wins_over_sampling(name: str) -> None:
    """Both cannot be had; the report has both changes."""
    both = fitted(service(name), temperature=0, do_sample=True)
    assert plain(both.request)["do_sample"] is False
    assert noted(both) == ["temperature=do_sample", "do_sample=true->false"]


@pytest.mark.parametrize("name", OTHERS)
def test_row_t1_elsewhere_greedy_is_a_temperature_of_zero(name: str) -> None:
    """`do_sample` is no member there; the likeliest token is asked for by the temperature."""
    greedy = fitted(service(name), do_sample=False, temperature=0.8, top_p=0.5)
    body = plain(greedy.request)
    assert (body["temperature"], "do_sample" in body, "top_p" in body) == (0, False, False)
    assert noted(greedy) == ["do_sample=temperature", "temperature=0.8->0", "top_p=omitted"]
    assert sent(service(name), temperature=0)["temperature"] == 0


@pytest.mark.parametrize("name", GLM_SERVICES)
@pytest.mark.parametrize(("given", "kept"), [(1.7, 1), (2, 1), (1, 1), (0.7, 0.7)])
def test_row_t2_temperatures_above_one_are_clamped(name: str, given: float, kept: float) -> None:
    """GLM takes at most 1; what is changed is said, and not exact."""
    after = fitted(service(name), temperature=given)
    assert plain(after.request)["temperature"] == kept
    assert [(str(note), note.exact) for note in after.notes] == (
        [(f"temperature={given:g}->1", False)] if given > 1 else []
    )


def test_row_t2_temperatures_can_be_scaled() -> None:
    """A user's profile may halve them instead."""
    text = 'extends = "zai"\n[numbers.temperature]\nover = "scale"\n'
    profile = parse(text, origin="profile of a user")
    assert [sent(profile, temperature=value).get("temperature") for value in (2, 1.5, 1, 0.5)] == [1, 0.75, 0.5, 0.25]
    assert sent(profile, temperature=0)["do_sample"] is False


@pytest.mark.parametrize("name", OTHERS)
def test_row_t2_others_take_the_whole_range(name: str) -> None:
    """Nothing is clamped where nothing has to be."""
    assert (sent(service(name), temperature=1.7)["temperature"], exactness(name, temperature=1.7)) == (1.7, {})


def test_row_t2_the_oldest_models_take_no_end_of_the_range() -> None:
    """Before 4.5 a temperature of 1 is refused."""
    assert sent(service("bigmodel", "GLM-4-Plus"), temperature=1)["temperature"] == 0.99


@pytest.mark.parametrize(
    ("name", "lowest"),
    [
        *((name, 0.01) for name in GLM_SERVICES),
        ("vllm", 0.01),
        *((name, 0.000001) for name in ("sglang", "llama-server", "ollama", "generic")),
        ("openai", 0),
    ],
)
def test_row_t3_a_nucleus_of_nothing_is_clamped(name: str, lowest: float) -> None:
    """GLM and vLLM refuse a `top_p` of 0; 1 is within all ranges."""
    assert sent(service(name), top_p=0)["top_p"] == lowest
    assert sent(service(name), top_p=1)["top_p"] == 1


@pytest.mark.parametrize("name", SERVICES)
def test_row_t4_what_is_absent_is_left_to_the_model(name: str) -> None:
    """A plain request is sent as it came, with nothing to report."""
    plain_one = fitted(service(name))
    assert plain(plain_one.request) == {"model": "m", "messages": [USER]}
    assert plain_one.notes == ()


@pytest.mark.parametrize("name", SERVICES)
def test_row_c4_no_tools_are_no_choice(name: str) -> None:
    """An empty list of tools, and a choice among them, are both left out."""
    body = sent(service(name), tools=[], tool_choice="auto", parallel_tool_calls=True)
    assert {"tools", "tool_choice", "parallel_tool_calls"}.isdisjoint(body)
    assert "tool_choice" not in sent(service(name), tool_choice="auto")


@pytest.mark.parametrize("name", SERVICES)
def test_row_c6_functions_are_whole(name: str) -> None:
    """Description and parameters are filled in; what the service may know beside them stays."""
    (tool,) = sent(service(name), tools=[WEATHER])["tools"]
    filled = {"name": "weather", "description": "", "parameters": {"type": "object", "properties": {}}}
    assert tool == {"type": "function", "function": filled}


@pytest.mark.parametrize("name", SERVICES)
def test_row_c6_strictness_goes_where_it_is_known(name: str) -> None:
    """`strict` is a member of one service only; elsewhere it is taken out and said."""
    strict = {"type": "function", "function": {"name": "weather", "strict": True}}
    after = fitted(service(name), tools=[strict])
    is_sent = plain(after.request)["tools"][0]["function"].get("strict", False)
    assert is_sent is (name == "openai")
    assert ("tools.function.strict=partly" in noted(after)) is (name != "openai")


@pytest.mark.parametrize("name", GLM_SERVICES)
def test_row_c6_the_services_own_tools_are_passed(name: str) -> None:
    """With all that they hold; those that only some models run are left out, and said."""
    search = {"type": "web_search", "web_search": {"enable": True, "novelty": 1}}
    after = fitted(service(name), tools=[search, {"type": "web_browser"}])
    assert plain(after.request)["tools"] == [search]
    assert noted(after) == ["tools.web_browser=omitted"]
    browser = sent(service(name, "glm-4-alltools"), tools=[{"type": "web_browser"}])
    assert browser["tools"] == [{"type": "web_browser"}]


@pytest.mark.parametrize("name", SERVICES)
def test_row_c9_the_history_is_regular(name: str) -> None:
    """Null becomes the empty text, and lists of text in an assistant's or a tool's turn become one text."""
    call = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    texts = [{"type": "text", "text": "Sunny"}, {"type": "text", "text": "22"}]
    turns = [USER, {"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "1", "content": texts}]
    after = fitted(service(name), messages=turns)
    assert [message["content"] for message in plain(after.request)["messages"]] == ["Hello", "", "Sunny\n22"]
    assert noted(after) == ["messages.content=joined"]


@pytest.mark.parametrize(("name", "model"), [(name, "glm-4.6") for name in GLM_SERVICES])
def test_row_c9_text_models_read_strings(name: str, model: str) -> None:
    """OpenAI's applications send a list of parts of text."""
    turn = {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}
    assert sent(service(name, model), messages=[turn])["messages"][0]["content"] == "one\ntwo"


@pytest.mark.parametrize("name", ["zai", "openai", "vllm"])
def test_row_c9_consecutive_turns_stay(name: str) -> None:
    """Services take them; only our own engine does not."""
    turns = [USER, {"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]
    assert len(sent(service(name), messages=turns)["messages"]) == 3


@pytest.mark.parametrize("name", GLM_SERVICES)
def test_row_c10_calls_arrive_in_pieces(name: str) -> None:
    """From 4.6 on that must be asked for; a caller who says something else is obeyed."""
    streamed = fitted(service(name), stream=True, tools=[WEATHER])
    assert plain(streamed.request)["tool_stream"] is True
    assert [(str(note), note.exact) for note in streamed.notes] == [("tool_stream=added", True)]
    assert sent(service(name), stream=True, tools=[WEATHER], tool_stream=False)["tool_stream"] is False
    for members in ({"tools": [WEATHER]}, {"stream": True}):
        assert "tool_stream" not in sent(service(name), **members)


@pytest.mark.parametrize(
    ("name", "model"), [("zai", "glm-4.5"), ("zai", "glm-4-plus"), *((name, "m") for name in OTHERS)]
)
def test_row_c10_others_need_not_be_asked(name: str, model: str) -> None:
    """The word is none of theirs, so it is taken out, exactly."""
    assert "tool_stream" not in sent(service(name, model), stream=True, tools=[WEATHER])
    after = fitted(service(name, model), stream=True, tools=[WEATHER], tool_stream=True)
    assert ("tool_stream" in plain(after.request), noted(after)) == (False, ["tool_stream=omitted"])


@pytest.mark.parametrize("name", GLM_SERVICES)
def test_row_n2_what_is_ignored_there_is_told(name: str) -> None:
    """Penalties and biases are taken out and reported, exactly when they are the default."""
    members: dict[str, Any] = {"frequency_penalty": 0.5, "presence_penalty": 0, "logit_bias": {"1": 5}}
    after = fitted(service(name), **members)
    assert set(plain(after.request)) == {"model", "messages"}
    assert [(str(note), note.exact) for note in after.notes] == [
        ("frequency_penalty=omitted", False),
        ("presence_penalty=omitted", True),
        ("logit_bias=omitted", False),
    ]


@pytest.mark.parametrize("name", GLM_SERVICES)
def test_row_n2_log_probabilities_are_refused(name: str) -> None:
    """Whoever asks for them reads them; `false` asks for nothing."""
    with pytest.raises(UnsupportedValue) as raised:
        fitted(service(name), logprobs=True, top_logprobs=3)
    assert raised.value.param == "logprobs"
    assert "logprobs" not in sent(service(name), logprobs=False)


@pytest.mark.parametrize("name", ["vllm", "sglang", "openai", "llama-server", "generic"])
def test_row_n2_others_have_them(name: str) -> None:
    """They are passed."""
    members: dict[str, Any] = {"frequency_penalty": 0.5, "logprobs": True, "top_logprobs": 2, "logit_bias": {"1": 5}}
    assert {key: sent(service(name), **members)[key] for key in members} == members


@pytest.mark.parametrize("name", SERVICES)
def test_row_n3_seeds_are_passed(name: str) -> None:
    """GLM's SDKs send them too; where a seed has 32 bits only, it is mapped into them."""
    assert sent(service(name), seed=7)["seed"] == 7
    large = sent(service(name), seed=2**40 + 1)["seed"]
    assert large == (2**40 + 1) % (2**32 - 1) if name == "llama-server" else 2**40 + 1


@pytest.mark.parametrize("name", SERVICES)
def test_row_n4_both_limits_are_one(name: str) -> None:
    """The smaller of both, under the name that the service knows."""
    known, other = ("max_completion_tokens", "max_tokens")[:: 1 if name == "openai" else -1]
    body = sent(service(name, "m"), max_tokens=2000, max_completion_tokens=1000)
    assert (body[known], other in body) == (1000, False)
    assert sent(service(name, "m"), **{other: 600})[known] == 600
    assert exactness(name, **{other: 600}) == {f"{other}={known}": True}


@pytest.mark.parametrize(
    ("model", "most"),
    [
        ("glm-4-plus", 4095),
        ("glm-4-32b-0414-128k", 16384),
        ("glm-4.5-air", 98304),
        ("glm-4.5v", 16384),
        ("glm-4.6v", 32768),
    ],
)
@pytest.mark.parametrize("name", GLM_SERVICES)
def test_row_n5_limits_above_the_models_are_clamped(name: str, model: str, most: int) -> None:
    """Nothing is lost by it: the answer would end there anyway."""
    after = fitted(service(name, model), max_tokens=200_000)
    assert plain(after.request)["max_tokens"] == most
    assert [(str(note), note.exact) for note in after.notes] == [(f"max_tokens=200000->{most}", True)]


@pytest.mark.parametrize("name", SERVICES)
def test_row_n7_developers_are_the_system(name: str) -> None:
    """But for the service that has the role."""
    after = fitted(service(name), messages=[{"role": "developer", "content": "Be brief"}, USER])
    role = plain(after.request)["messages"][0]["role"]
    assert role == ("developer" if name == "openai" else "system")
    assert noted(after) == ([] if name == "openai" else ["messages.role=developer->system"])


SYSTEMS = [{"role": "system", "content": "a"}, USER, {"role": "system", "content": "b"}]


@pytest.mark.parametrize("name", SERVICES)
def test_row_n8_system_messages_stay_where_they_are(name: str) -> None:
    """Several of them, and late ones, are accepted."""
    assert sent(service(name), messages=SYSTEMS)["messages"] == SYSTEMS


@pytest.mark.parametrize("name", ["vllm", "sglang"])
def test_row_n8_templates_that_need_one_get_one(name: str) -> None:
    """All at the beginning, in their order; not exact when one was moved."""
    moved = fitted(service(name, "Qwen/Qwen3-8B"), messages=SYSTEMS)
    assert plain(moved.request)["messages"] == [{"role": "system", "content": "a\n\nb"}, USER]
    assert [(str(note), note.exact) for note in moved.notes] == [("messages.role=joined", False)]
    together = fitted(service(name, "Qwen/Qwen3-8B"), messages=[SYSTEMS[0], SYSTEMS[2], USER])
    assert [(str(note), note.exact) for note in together.notes] == [("messages.role=joined", True)]
    assert fitted(service(name, "Qwen/Qwen3-8B"), messages=[SYSTEMS[0], USER]).notes == ()


@pytest.mark.parametrize("name", GLM_SERVICES)
def test_row_n9_somebody_asks(name: str) -> None:
    """GLM wants a message that is neither the system's nor the assistant's."""
    for spoken in ([SYSTEMS[0]], [SYSTEMS[0], {"role": "assistant", "content": "b"}]):
        after = fitted(service(name), messages=spoken)
        assert plain(after.request)["messages"] == [*spoken, {"role": "user", "content": " "}]
        assert [(str(note), note.exact) for note in after.notes] == [("messages=user_added", False)]
    assert sent(service("openai"), messages=[SYSTEMS[0]])["messages"] == [SYSTEMS[0]]


@pytest.mark.parametrize("name", GLM_SERVICES)
@pytest.mark.parametrize("member", ["user", "safety_identifier", "user_id"])
def test_row_n10_the_user_has_one_name(name: str, member: str) -> None:
    """Whatever it is called, GLM gets `user_id`."""
    after = fitted(service(name), **{member: "somebody"})
    body = plain(after.request)
    assert (body["user_id"], {"user", "safety_identifier"} & set(body)) == ("somebody", set())
    assert noted(after) == ([] if member == "user_id" else [f"{member}=user_id"])


@pytest.mark.parametrize("value", ["a", "", "x" * 129])
def test_row_n10_names_out_of_bounds_are_digests(value: str) -> None:
    """6 to 128 characters are taken; a digest is of the same user each time."""
    after = fitted(service("zai"), user=value)
    assert (len(plain(after.request)["user_id"]), noted(after)) == (32, ["user=user_id", "user_id=hashed"])
    assert plain(after.request) == sent(service("zai"), user=value)


@pytest.mark.parametrize("name", ["openai", "vllm", "sglang", "generic"])
def test_row_n10_elsewhere_it_is_user(name: str) -> None:
    """A GLM application's name for it is mapped."""
    assert sent(service(name), user="a")["user"] == "a"
    assert sent(service(name), user_id="somebody")["user"] == "somebody"


def test_row_n10_holds_for_the_other_requests() -> None:
    """Text completions and embeddings have a user too."""
    vector = convert({"model": "m", "input": "a", "user": "somebody"}, EmbeddingsRequest)
    assert plain(fit_embeddings(vector, service("zai"))[0])["user_id"] == "somebody"
    assert plain(fit(completion(user="somebody"), service("vllm")).request)["user"] == "somebody"


UNKNOWN_THERE: dict[str, Any] = {
    "metadata": {"a": "b"},
    "store": True,
    "service_tier": "flex",
    "prediction": {"type": "content", "content": "a"},
    "verbosity": "low",
    "modalities": ["text", "audio"],
    "prompt_cache_key": "k",
    "prompt_cache_retention": "24h",
    "moderation": {},
}
EXACT = {"metadata", "prompt_cache_key", "prompt_cache_retention"}


@pytest.mark.parametrize("name", GLM_SERVICES)
@pytest.mark.parametrize("member", [*UNKNOWN_THERE])
def test_row_n11_what_is_ignored_in_silence_is_told(name: str, member: str) -> None:
    """It would be answered with 200 and no effect; exact where there is none to miss."""
    after = fitted(service(name), **{member: UNKNOWN_THERE[member]})
    assert member not in plain(after.request)
    assert [(str(note), note.exact) for note in after.notes] == [(f"{member}=omitted", member in EXACT)]


@pytest.mark.parametrize("member", [*UNKNOWN_THERE])
def test_row_n11_whose_members_they_are_gets_them(member: str) -> None:
    """They are passed as they came."""
    assert sent(service("openai"), **{member: UNKNOWN_THERE[member]})[member] == UNKNOWN_THERE[member]


@pytest.mark.parametrize(("name", "engine"), [("zai", "search_pro_jina"), ("bigmodel", "search_std")])
def test_row_n11_searching_is_a_tool(name: str, engine: str) -> None:
    """OpenAI's options become the service's tool; what it has no word for is told."""
    options = {"search_context_size": "high", "user_location": {"type": "approximate"}}
    after = fitted(service(name), web_search_options=options)
    search = {"enable": True, "search_engine": engine, "search_result": True, "content_size": "high"}
    assert plain(after.request)["tools"] == [{"type": "web_search", "web_search": search}]
    assert noted(after) == ["web_search_options=web_search", "web_search_options.user_location=omitted"]
    assert sent(service("openai"), web_search_options=options)["web_search_options"] == options


@pytest.mark.parametrize(
    ("name", "model", "effort", "body"),
    [
        ("zai", "glm-4.6", "none", {"thinking": {"type": "disabled"}}),
        ("zai", "glm-4.6", "low", {"thinking": {"type": "enabled"}}),
        ("zai", "glm-4-plus", "low", {}),
        ("bigmodel", "glm-5.2", "none", {"reasoning_effort": "none"}),
        ("zai", "glm-5.2", "medium", {"reasoning_effort": "medium"}),
        ("zai", "glm-5.3", "none", {"reasoning_effort": "low"}),
        ("zai", "glm-5.3", "medium", {"reasoning_effort": "high"}),
        ("zai", "glm-5.3", "xhigh", {"reasoning_effort": "max"}),
        ("zai-coding", "glm-5.3", "none", {"thinking": {"type": "disabled"}}),
        ("vllm", "glm-4.6", "none", {"chat_template_kwargs": {"enable_thinking": False}}),
        ("sglang", "glm-4.6", "high", {"chat_template_kwargs": {"enable_thinking": True}}),
        ("llama-server", "m", "minimal", {"chat_template_kwargs": {"enable_thinking": False}}),
        ("openai", "gpt-5", "minimal", {"reasoning_effort": "minimal"}),
        ("openai", "gpt-4o", "low", {}),
        ("ollama", "m", "xhigh", {"reasoning_effort": "high"}),
        ("generic", "m", "medium", {"reasoning_effort": "medium"}),
    ],
)
def test_row_n12_efforts_are_the_services_words(name: str, model: str, effort: str, body: dict[str, Any]) -> None:
    """Each effort, where there are degrees; on or off, where there are none; told whenever it is another word."""
    after = fitted(service(name, model), reasoning_effort=effort)
    words = {"thinking", "reasoning_effort", "chat_template_kwargs"}
    assert {key: value for key, value in plain(after.request).items() if key in words} == body
    assert bool(after.notes) is (body != {"reasoning_effort": effort})


@pytest.mark.parametrize(
    ("name", "model", "body", "notes"),
    [
        ("zai", "glm-4.6", {"thinking": {"type": "disabled"}}, []),
        ("zai", "glm-5.3", {"reasoning_effort": "low"}, ["thinking=disabled->low"]),
        ("vllm", "glm-4.6", {"chat_template_kwargs": {"enable_thinking": False}}, []),
        ("openai", "gpt-5", {"reasoning_effort": "none"}, ["thinking=disabled->none"]),
        ("openai", "gpt-4o", {}, ["thinking=omitted"]),
        ("zai", "glm-4-plus", {}, ["thinking=omitted"]),
    ],
)
def test_row_n12_thinking_is_turned_off_everywhere(
    name: str, model: str, body: dict[str, Any], notes: list[str]
) -> None:
    """GLM's own word, the template's switch and the efforts' word for it all mean the same."""
    words = {"thinking", "reasoning_effort", "chat_template_kwargs"}
    for members in ({"thinking": {"type": "disabled"}}, {"thinking": {"type": "disabled"}, "stream": True}):
        after = fitted(service(name, model), **members)
        assert {key: value for key, value in plain(after.request).items() if key in words} == body
        assert noted(after) == notes


@pytest.mark.parametrize("name", GLM_SERVICES)
def test_row_n13_a_small_answer_is_not_eaten_by_thoughts(name: str) -> None:
    """Below the threshold nothing is thought, and it is said; the caller's limit stays as it is."""
    small = fitted(service(name), max_tokens=100)
    assert (plain(small.request)["thinking"], plain(small.request)["max_tokens"]) == ({"type": "disabled"}, 100)
    assert [(str(note), note.exact) for note in small.notes] == [("thinking=enabled->disabled", False)]
    assert "thinking" not in sent(service(name), max_tokens=512)
    assert "thinking" not in sent(service(name))


@pytest.mark.parametrize(
    "members", [{"thinking": {"type": "enabled"}}, {"reasoning_effort": "high"}, {"thinking": {"type": "disabled"}}]
)
def test_row_n13_who_asks_for_thoughts_gets_them(members: dict[str, Any]) -> None:
    """The rule is for those who say nothing about them."""
    asked = sent(service("zai"), max_tokens=16, **members)
    assert asked["thinking"] == (members.get("thinking") or {"type": "enabled"})
    assert "thinking=enabled->disabled" not in noted(fitted(service("zai"), max_tokens=16, **members))


def test_row_n13_as_few_thoughts_as_there_can_be() -> None:
    """Where thinking cannot be turned off, the least of it is asked for."""
    after = fitted(service("zai", "glm-5.3"), max_tokens=100)
    assert (plain(after.request)["reasoning_effort"], noted(after)) == ("low", ["thinking=enabled->low"])
    assert sent(service("zai", "glm-4-plus"), max_tokens=100)["max_tokens"] == 100


THOUGHTS = [USER, {"role": "assistant", "content": "Hi", "reasoning_content": "A greeting."}, USER]


@pytest.mark.parametrize(
    ("name", "member"),
    [*((name, "reasoning_content") for name in GLM_SERVICES), ("vllm", "reasoning"), ("ollama", "reasoning")],
)
@pytest.mark.parametrize("given", ["reasoning_content", "reasoning"])
def test_row_n14_earlier_thoughts_have_the_name_that_is_read(name: str, member: str, given: str) -> None:
    """Another name is dropped in silence by some; both are taken from callers."""
    turns = [USER, {"role": "assistant", "content": "Hi", given: "A greeting."}, USER]
    after = fitted(service(name), messages=turns)
    message = plain(after.request)["messages"][1]
    assert {key: message.get(key) for key in ("reasoning", "reasoning_content") if key in message} == {
        member: "A greeting."
    }
    assert all(note.exact for note in after.notes)


def test_row_n14_where_there_are_none_they_are_left_out() -> None:
    """And it is said."""
    after = fitted(service("openai"), messages=THOUGHTS)
    assert "reasoning_content" not in plain(after.request)["messages"][1]
    assert [(str(note), note.exact) for note in after.notes] == [("messages.reasoning_content=omitted", False)]


@pytest.mark.parametrize("name", GLM_SERVICES)
def test_preserved_thinking_is_passed(name: str) -> None:
    """`clear_thinking: false` keeps earlier thoughts, in GLM's member or the template's (contract 3.1)."""
    for members in ({"thinking": {"clear_thinking": False}}, {"chat_template_kwargs": {"clear_thinking": False}}):
        assert sent(service(name), **members)["thinking"] == {"clear_thinking": False}
    assert "thinking.clear_thinking=omitted" in noted(fitted(service("openai"), thinking={"clear_thinking": False}))


@pytest.mark.parametrize("name", SERVICES)
def test_the_request_id_goes_where_it_is_read(name: str) -> None:
    """Elsewhere it is only echoed by us, and an unknown member there (contract 3.1, distributed facts 2)."""
    is_read = name in (*GLM_SERVICES, "vllm")
    assert sent(service(name), request_id="abcdef").get("request_id") == ("abcdef" if is_read else None)
    assert service(name).request_id is is_read


IMAGES = ("glm-4.6v", "glm-4.5v", "glm-5.3-flash")


def image(url: str, **members: object) -> dict[str, Any]:
    """A user's turn with an image."""
    return {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url} | members}]}


@pytest.mark.parametrize("model", IMAGES)
@pytest.mark.parametrize("name", GLM_SERVICES)
def test_row_i1_images_are_bare_base64(name: str, model: str) -> None:
    """GLM refuses data URLs and OpenAI's `detail`; what is said of them is exact but for a detail that was chosen."""
    for detail, exact in (("auto", True), ("high", False)):
        after = fitted(service(name, model), messages=[image(f"data:image/png;base64,{PNG}", detail=detail)])
        assert plain(after.request)["messages"] == [image(PNG)]
        assert [(str(note), note.exact) for note in after.notes] == [
            ("messages.content.image_url=base64", True),
            ("messages.content.image_url.detail=omitted", exact),
        ]


@pytest.mark.parametrize("name", ["openai", "vllm", "sglang", "llama-server", "ollama", "generic"])
def test_row_i1_elsewhere_images_are_data_urls(name: str) -> None:
    """GLM's SDKs strip the type; it is found in the image's first bytes."""
    turns = sent(service(name), messages=[image(PNG)])["messages"]
    assert turns == [image(f"data:image/png;base64,{PNG}")]
    assert sent(service(name), messages=turns)["messages"] == turns


@pytest.mark.parametrize("name", ["zai", "openai", "vllm"])
def test_row_i1_addresses_are_passed(name: str) -> None:
    """Nothing is fetched."""
    turns = [image("https://example.org/a.png")]
    assert sent(service(name, "glm-4.6v"), messages=turns)["messages"] == turns


@pytest.mark.parametrize("name", GLM_SERVICES)
def test_row_i1_text_models_refuse_images(name: str) -> None:
    """Naming the part."""
    with pytest.raises(UnsupportedValue) as raised:
        fitted(service(name), messages=[image(PNG)])
    assert raised.value.param == "messages[0].content[0].type"


@pytest.mark.parametrize(
    "part", [{"type": "file", "file": {"file_id": "f"}}, {"type": "file", "file": {"file_data": "d"}}]
)
def test_row_i2_files_have_the_same_names(part: dict[str, Any]) -> None:
    """Since 2026 GLM has OpenAI's names."""
    turns = [{"role": "user", "content": [{"type": "text", "text": "Read"}, part]}]
    for profile in (service("zai", "glm-4.6v"), service("openai")):
        assert sent(profile, messages=turns)["messages"] == turns


def test_row_i2_older_files_are_translated() -> None:
    """GLM's former name for a file by its address."""
    turn = {"role": "user", "content": [{"type": "file_url", "file_url": {"url": "https://example.org/a.pdf"}}]}
    after = fitted(service("zai", "glm-4.6v"), messages=[turn])
    part = {"type": "file", "file": {"file_url": "https://example.org/a.pdf"}}
    assert plain(after.request)["messages"][0]["content"] == [part]
    assert noted(after) == ["messages.content.file_url=file"]


def test_row_i2_sounds_are_passed_where_they_are_heard() -> None:
    """And refused elsewhere."""
    turn = {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "d", "format": "wav"}}]}
    for profile in (service("bigmodel", "glm-4-voice"), service("openai")):
        assert sent(profile, messages=[turn])["messages"] == [turn]
    with pytest.raises(UnsupportedValue):
        fitted(service("zai", "glm-4.6v"), messages=[turn])


NESTED: list[tuple[str, dict[str, Any]]] = [
    ("novelty", {"novelty": 1}),
    ("messages.novelty", {"messages": [USER | {"novelty": 1}]}),
    ("tools.novelty", {"tools": [WEATHER | {"novelty": 1}]}),
    ("tools.function.novelty", {"tools": [{"type": "function", "function": {"name": "f", "novelty": 1}}]}),
    (
        "messages.tool_calls.function.novelty",
        {"messages": [USER, {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {
            "name": "f", "arguments": "{}", "novelty": 1}}]}, {"role": "tool", "tool_call_id": "1", "content": "a"}]},
    ),
]  # fmt: skip


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize(("path", "members"), NESTED)
def test_unknown_members_are_passed_or_told(name: str, path: str, members: dict[str, Any]) -> None:
    """Open services get them at every level; from closed ones they are kept, with a report that is not exact."""
    after = fitted(service(name), **members)
    is_sent = b'"novelty":1' in msgspec.json.encode(plain(after.request))
    assert is_sent is service(name).open
    assert [(str(note), note.exact) for note in after.notes] == ([] if is_sent else [(f"{path}=omitted", False)])


def test_bad_images_are_refused() -> None:
    """Neither an address nor base64, or an image whose type cannot be told."""
    for url in ("ftp://example.org/a.png", "", "data:image/png,%89PNG"):
        with pytest.raises(InvalidRequest) as raised:
            fit(chat(messages=[image(url)]), service("zai", "glm-4.6v"))
        assert raised.value.param == "messages[0].content[0].image_url.url"
    with pytest.raises(InvalidRequest, match="without its type"):
        fit(chat(messages=[image("AAAAAAAAAAAA")]), service("openai"))
