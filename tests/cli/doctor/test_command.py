"""Tests of `glmgate doctor` as it is called: against services on loopback that have one fault each."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from glmgate.cli.main import main
from tests.cli.doctor.loopback import (
    KEY,
    NO_CREDIT,
    Asked,
    Reply,
    Rule,
    Service,
    answer,
    events,
    message,
    models,
    refused,
    serving,
    well,
)
from tests.services import KEYS, KINDS, ServiceName, running

GENERAL, CODING, ANTHROPIC = "/api/paas/v4", "/api/coding/paas/v4", "/api/anthropic"


def doctor(*arguments: str, **variables: str) -> Result:
    """The program, with the key in a variable."""
    return CliRunner().invoke(main, ["doctor", *arguments], env={"TEST_KEY": KEY, **variables})


def look(service: Service, path: str = "/v1", *arguments: str) -> Result:
    """A look at a service on loopback, which never takes the program down."""
    result = doctor("--key", "env:TEST_KEY", "--base-url", service.url + path, "--timeout", "5", *arguments)
    assert result.exit_code in {0, 1}, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def found(result: Result) -> dict[str, Any]:
    """The only subject of a report in JSON."""
    [subject] = json.loads(result.stdout)["subjects"]
    assert isinstance(subject, dict)
    return subject


def levels(subject: dict[str, Any], *checks: str) -> list[str]:
    """The levels of these checks, in their order."""
    return [each["level"] for each in subject["findings"] if each["check"] in checks]


def advised(subject: dict[str, Any]) -> list[str]:
    """The names of what is advised."""
    return [each["name"] for each in subject["advice"]]


def test_all_is_well() -> None:
    """Status 0; what works, which models there are, and nothing to do but what to write into the settings."""
    with serving(well("/v1", "some-model", "text-embedding", owner="vllm")) as service:
        result = look(service)
    assert result.exit_code == 0
    assert "All is well." in result.stdout
    assert 'This is vLLM: profile = "vllm" fits it.' in result.stdout
    assert {each.body["model"] for each in service.questions} == {"some-model"}


def test_json_is_for_programs() -> None:
    """One object on standard output; what works is in it, and how much was spent."""
    with serving(well(owner="vllm")) as service:
        result = look(service, "/v1", "--json")
    report = json.loads(result.stdout)
    assert report["well"] is True
    assert report["requests"] == {"used": len(service.questions), "most": 10, "tokens_each": 16}
    subject = found(result)
    assert subject["works_on"] == [f"{service.url}/v1"]
    assert (subject["profile"], subject["models"], subject["key"]) == ("vllm", ["some-model"], "env:TEST_KEY")
    assert levels(subject, "answer", "thinking", "tools", "json", "stream") == ["ok", "note", "ok", "ok", "ok"]


def test_the_cost_is_said_first() -> None:
    """Before anything is asked, on standard error, so that standard output stays the report's."""
    with serving(well()) as service:
        result = look(service, "/v1", "--json")
        assert result.stderr.startswith("This sends at most 10 requests of at most 16 tokens each, to 127.0.0.1:")
        more = look(service, "/v1", "--json", "--limits")
    assert "and 14 more for --limits, up to 8 at the same time" in more.stderr


def test_a_coding_key_on_the_general_surface_is_told() -> None:
    """Code 1113 comes as 429 and means here: the wrong surface. The right one stands in the advice."""
    rules: dict[str, Rule] = {
        f"{GENERAL}/chat/completions": NO_CREDIT,
        f"{CODING}/chat/completions": answer,
        f"{ANTHROPIC}/v1/messages": message,
    }
    with serving(rules) as service:
        result = look(service, GENERAL)
        report = found(look(service, GENERAL, "--json"))
    assert result.exit_code == 1
    assert f'This is a coding-plan key: use {service.url}{CODING} (profile = "zai-coding").' in result.stdout
    assert report["works_on"] == [service.url + CODING, service.url + ANTHROPIC]
    assert advised(report) == ["other_coding"]
    assert report["profile"] == "zai-coding"


def test_a_general_key_on_the_coding_surface_is_told() -> None:
    """And the other way round."""
    rules: dict[str, Rule] = {f"{GENERAL}/chat/completions": answer, f"{CODING}/chat/completions": NO_CREDIT}
    with serving(rules) as service:
        result = look(service, CODING)
    assert f"without a coding plan: use {service.url}{GENERAL} " in result.stdout


@pytest.mark.parametrize(("reply", "name"), [(refused(429, "1302"), "rate"), (refused(429, "1308"), "used_up")])
def test_a_busy_key_is_not_taken_for_one_on_the_wrong_surface(reply: Reply, name: str) -> None:
    """That it works elsewhere just now says nothing then."""
    rules: dict[str, Rule] = {f"{GENERAL}/chat/completions": answer, f"{CODING}/chat/completions": reply}
    with serving(rules) as service:
        report = found(look(service, CODING, "--json"))
    assert (report["well"], advised(report)) == (False, [name])


def test_an_account_without_money_is_told() -> None:
    """Where 1113 comes from everywhere, no surface helps."""
    rules: dict[str, Rule] = {f"{path}/chat/completions": NO_CREDIT for path in (GENERAL, CODING)}
    with serving(rules | {f"{ANTHROPIC}/v1/messages": NO_CREDIT}) as service:
        report = found(look(service, GENERAL, "--json"))
    assert advised(report) == ["quota"]
    assert report["works_on"] == []


def test_only_asks_nowhere_else() -> None:
    """With --only the key goes to the named place alone."""
    rules: dict[str, Rule] = {f"{GENERAL}/chat/completions": NO_CREDIT, f"{CODING}/chat/completions": answer}
    with serving(rules) as service:
        assert look(service, GENERAL, "--only").exit_code == 1
    assert {each.path for each in service.questions} == {f"{GENERAL}/chat/completions"}


def test_a_key_that_is_refused_everywhere_is_told() -> None:
    """With what its form tells: half a key, a token, somebody else's."""
    rules: dict[str, Rule] = {f"{path}/chat/completions": refused(401, "1000") for path in (GENERAL, CODING)}
    with serving(rules | {f"{ANTHROPIC}/v1/messages": refused(401, "1000")}) as service:
        half = doctor("--key", KEY.partition(".")[0], "--base-url", service.url + GENERAL, "--json")
        none = doctor("--base-url", service.url + GENERAL, "--json")
    assert advised(found(half)) == ["authentication", "shape_undotted"]
    assert advised(found(none)) == ["keyless"]


@pytest.mark.parametrize(
    ("reply", "name", "words"),
    [
        (refused(429, "1302", "Rate limit reached for requests"), "rate", "the limit is reached (429, code 1302"),
        (refused(429, "1305"), "overload", "overloaded"),
        (refused(429, "1308", "Usage limit reached, resets at 2026-11-23 02:00"), "used_up", "resets at 2026-11-23"),
        (refused(429, "1309"), "ended", "1309"),
        (refused(429, "1311"), "not_in_plan", "1311"),
        (refused(400, "1211", "模型不存在"), "model", "the model is not known there"),
        (refused(400, "1301"), "filtered", "filter"),
        (refused(403, "1220"), "permission", "may not do this"),
        (refused(500, "500"), "broken", "the service failed (500"),
        (Reply(b"<html>bad gateway</html>", 502), "overload", "502"),
        (Reply(b"<!doctype html><p>Welcome", headers={"Content-Type": "text/html"}), "no_service", "a web page"),
        (Reply(b""), "no_service", "an empty answer"),
        (Reply([1, 2]), "no_service", "no such service"),
        (Reply(status=307, headers={"Location": "https://elsewhere.test/v1"}), "moved", "https://elsewhere.test/v1"),
    ],
)
def test_each_refusal_has_its_advice(reply: Reply, name: str, words: str) -> None:
    """By the body's code before the status."""
    with serving({f"{GENERAL}/chat/completions": reply}) as service:
        result = look(service, GENERAL, "--only", "--json")
    assert result.exit_code == 1
    assert advised(found(result)) == [name]
    [asked] = [each for each in found(result)["findings"] if each["check"] == "answer"]
    assert asked["level"] == "bad"
    assert words in asked["text"]


def test_a_page_in_place_of_a_service_is_told() -> None:
    """A base URL of a web site: there is neither a list of models nor an answer."""
    page = Reply(b"<!doctype html><p>Welcome", headers={"Content-Type": "text/html"})
    with serving({"/v1/models": page}) as service:
        report = found(look(service, "/v1", "--json"))
    assert advised(report) == ["no_service"]
    assert service.questions == []


def test_a_list_of_models_is_not_needed_where_models_are_known() -> None:
    """Some surfaces have none; that is a note, and a usual model is asked."""
    with serving({f"{GENERAL}/chat/completions": answer}) as service:
        report = found(look(service, GENERAL, "--only", "--json"))
    assert report["well"] is True
    assert levels(report, "models") == ["note"]
    assert {each.body["model"] for each in service.questions} == {"glm-4.6"}


def test_a_list_of_models_is_needed_where_nothing_is_known() -> None:
    """404 for the list: whom to ask has to be said."""
    with serving({"/v1/chat/completions": answer}) as service:
        report = found(look(service, "/v1", "--json"))
        assert advised(report) == ["no_model"]
        assert service.questions == []
        assert look(service, "/v1", "--model", "theirs").exit_code == 0
    assert {each.body["model"] for each in service.questions} == {"theirs"}


def test_a_base_url_without_its_path_is_told() -> None:
    """`http://host:port` in place of `http://host:port/v1`."""
    with serving(well()) as service:
        result = look(service, "")
    assert result.exit_code == 1
    assert f"The base URL is not whole: use {service.url}/v1." in result.stdout


@pytest.mark.parametrize(
    ("rules", "profile"),
    [
        (well(owner="llamacpp"), "llama-server"),
        (well(owner="sglang"), "sglang"),
        (well(owner="library"), "ollama"),
        (well() | {"/props": Reply({"default_generation_settings": {}})}, "llama-server"),
        (well() | {"/version": Reply({"version": "0.32.0"})}, "vllm"),
        (well() | {"/api/version": Reply({"version": "0.9"})}, "ollama"),
        (well() | {"/get_model_info": Reply({"model_path": "m", "is_generation": True})}, "sglang"),
        (well(owner="glmgate"), "generic"),
        (well(), "generic"),
    ],
)
def test_the_kind_of_a_server_is_recognised(rules: dict[str, Rule], profile: str) -> None:
    """By whose models it lists, or by what it serves beside the API."""
    with serving(rules) as service:
        report = found(look(service, "/v1", "--json"))
    assert report["profile"] == profile
    assert advised(report) == ["profile"]
    assert f'profile = "{profile}"' in report["advice"][0]["text"]


def test_no_more_is_asked_than_was_said() -> None:
    """Ten requests, each of 16 tokens, even where every surface answers."""
    rules = well(GENERAL) | well(CODING) | {f"{ANTHROPIC}/v1/messages": message}
    with serving(rules) as service:
        assert look(service, GENERAL).exit_code == 0
        assert 0 < len(service.questions) <= 10
        assert {each.body["max_tokens"] for each in service.questions} == {16}
        before = len(service.questions)
        less = look(service, GENERAL, "--requests", "3", "--json")
        assert len(service.questions) - before == 3
    assert "spent" in advised(found(less))


def test_limits_are_tried_only_when_asked_for() -> None:
    """At most 14 more, 8 of them at the same time; two are refused where one is allowed."""
    busy = threading.Lock()

    def one_at_a_time(asked: Asked) -> Reply:
        if not busy.acquire(blocking=False):
            return refused(429, "1302", "Rate limit reached for requests")
        try:
            time.sleep(0.1)
            return answer(asked)
        finally:
            busy.release()

    with serving({f"{GENERAL}/chat/completions": one_at_a_time}) as service:
        usual = found(look(service, GENERAL, "--only", "--json"))
        assert service.most_together == 1
        report = found(look(service, GENERAL, "--only", "--json", "--limits"))
    assert levels(usual, "limits") == ["skipped"]
    assert advised(report) == ["concurrency"]
    assert "concurrency = 1 in [[upstreams]]" in report["advice"][0]["text"]
    assert service.most_together == 2
    with serving({f"{GENERAL}/chat/completions": answer}) as generous:
        report = found(look(generous, GENERAL, "--only", "--json", "--limits"))
    assert levels(report, "limits") == ["ok"]
    assert generous.most_together <= 8
    assert len(generous.questions) <= 10 + 14


def test_limits_that_a_service_tells_are_shown() -> None:
    """In headers, without a request more."""

    def telling(asked: Asked) -> Reply:
        reply = answer(asked)
        return Reply(reply.body, reply.status, {**reply.headers, "x-ratelimit-limit-requests": "60"})

    with serving({"/v1/models": models("m"), "/v1/chat/completions": telling}) as service:
        assert "x-ratelimit-limit-requests: 60" in look(service).stdout


def test_the_key_is_in_no_output() -> None:
    """Not even where the service repeats it, whole or in parts, wherever it can."""
    secret = KEY.partition(".")[2]
    loud = refused(401, secret, f"Incorrect key {KEY}: its secret {secret} is wrong", x_ratelimit_key=KEY)
    rules: dict[str, Rule] = {"/v1/models": models(KEY, f"a-{secret}"), "/v1/chat/completions": loud}
    with serving(rules) as service:
        for arguments in ((), ("--json",), ("--model", KEY)):
            given = doctor("--key", KEY, "--base-url", f"{service.url}/v1", *arguments)
            said = given.stdout + given.stderr
            assert "[key]" in said
            assert not [part for part in (KEY, *KEY.split(".")) if part in said]
    assert {each.headers["authorization"] for each in service.asked} == {f"Bearer {KEY}"}


def test_a_dead_host_is_told() -> None:
    """Nobody listens: one line with what to do, and no request."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        report = found(doctor("--base-url", url, "--json"))
    assert advised(report) == ["way_refused"]


def test_a_name_that_is_not_found_is_told() -> None:
    """Without a network that is every name; the key alone is tried wherever it may belong."""
    result = doctor("--key", "env:TEST_KEY", "--json")
    assert result.exit_code == 1
    report = found(result)
    assert advised(report) == ["way_dns", "way_dns"]
    assert levels(report, "dns") == ["bad", "bad"]


def test_a_slow_service_is_not_waited_for() -> None:
    """Half a second here; the advice names the flag."""
    with serving({f"{GENERAL}/chat/completions": Reply({}, wait_s=3)}) as service:
        began = time.monotonic()
        result = doctor("--base-url", service.url + GENERAL, "--only", "--timeout", "0.5", "--json")
        assert time.monotonic() - began < 3
    report = found(result)
    assert advised(report) == ["silent"]
    assert "--timeout" in report["advice"][0]["text"]


@pytest.mark.parametrize("name", sorted(KINDS))
def test_no_service_refuses_a_question_of_the_doctors(name: ServiceName, tmp_path: Path) -> None:
    """Each as strict as the real one: asked as its profile says, it refuses nothing but paths that it does not have."""
    with running(name) as service:
        text = f'[[upstreams]]\nname = "it"\nprofile = "{name}"\nbase_url = "{service.base_url}"\n'
        (tmp_path / "glmgate.toml").write_text(text + 'credentials = ["env:THEIR_KEY"]\n')
        result = doctor("--json", GLMGATE_HOME=str(tmp_path), THEIR_KEY=KEYS[0])
    assert result.exit_code == 0, result.output
    assert levels(found(result), "thinking", "tools", "json", "stream").count("skipped") == 0
    assert [line for line in service.refusals if "no such path" not in line] == []


@contextmanager
def talking(data: bytes) -> Iterator[str]:
    """A port where everybody is told the same bytes, whatever they say."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                try:
                    client, _ = server.accept()
                except TimeoutError:
                    continue
                with client:
                    client.sendall(data)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}{GENERAL}"
        finally:
            stop.set()
            thread.join()


@pytest.mark.parametrize("data", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"])
def test_what_is_no_web_server_is_told(data: bytes) -> None:
    """Nothing, another protocol, or half an answer: never a traceback."""
    with talking(data) as url:
        result = doctor("--base-url", url, "--only", "--timeout", "2", "--json")
    assert result.exit_code == 1
    assert set(advised(found(result))) <= {"unreachable", "no_service", "silent"}
    assert advised(found(result))


def test_a_wrong_clock_is_told() -> None:
    """The service's date is an hour away: signed tokens would be refused."""
    late = Reply({"data": [{"id": "m"}]}, headers={"Date": formatdate(time.time() + 3600, usegmt=True)})
    with serving({"/v1/models": late, "/v1/chat/completions": answer}) as service:
        result = look(service, "/v1", "--json")
    assert result.exit_code == 1
    report = found(result)
    assert levels(report, "clock") == ["bad"]
    assert [each["text"] for each in report["advice"] if "s behind" in each["text"]]


def test_a_stream_that_breaks_is_told() -> None:
    """Plain answers come, streamed ones end without a finish reason."""

    def broken(asked: Asked) -> Reply:
        return events({"content": "O"}, finish=None) if asked.body.get("stream") else answer(asked)

    with serving({"/v1/models": models("m"), "/v1/chat/completions": broken}) as service:
        report = found(look(service, "/v1", "--json"))
    assert levels(report, "stream") == ["bad"]
    assert advised(report) == ["profile", "stream"]


def test_a_proxy_is_used_and_said() -> None:
    """As the environment names it, for the way and for the questions; its password is never shown."""
    with serving({f"http://service.test{path}": rule for path, rule in well().items()}) as proxy:
        url = proxy.url.replace("http://", "http://someone:pass-word-1@")
        result = doctor("--base-url", "http://service.test/v1", "--json", http_proxy=url)
    assert result.exit_code == 0
    assert levels(found(result), "proxy", "tls") == ["ok", "note"]
    assert "open" in advised(found(result))
    assert "pass-word-1" not in result.output
    assert proxy.questions


def test_a_dead_proxy_is_told() -> None:
    """With the name of the variable to look at."""
    result = doctor("--base-url", "http://service.test/v1", "--json", HTTP_PROXY="http://127.0.0.1:9")
    report = found(result)
    assert advised(report) == ["way_proxy"]
    assert "127.0.0.1:9" in report["advice"][0]["text"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--base-url", "ftp://x"), "must be a URL"),
        (("--base-url", "https://x/v1/chat/completions"), "leave '/chat/completions' away"),
        (("--base-url", "https://me:sesame@x/v1"), "holds a user or a password"),
        (("--key", ""), "--key is empty"),
        (("--key", "Bearer sesame"), "give only what comes after it"),
        (("--key", "sesa\u00fcme"), "Give the key alone"),
        (("--key", "env:NO_SUCH_VARIABLE"), "NO_SUCH_VARIABLE, which is not set"),
        (("--key", "file:no/such/file"), "no/such/file"),
        (("--key", "k", "--only"), "--only needs --base-url"),
        (("--requests", "0"), "0 is not in the range"),
        (("--timeout", "nan"), "nan"),
        ((), "There is nothing to look at"),
    ],
)
def test_flags_that_are_wrong_are_status_2(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    """With what to write, and without the secret that may stand in them."""
    result = doctor(*arguments, GLMGATE_HOME=str(tmp_path))
    assert result.exit_code == 2
    assert words in result.stderr
    assert "sesame" not in result.output


def test_the_settings_upstreams_are_looked_at(tmp_path: Path) -> None:
    """Each credential of each of them; one that is not well is enough for status 1."""
    with serving(well()) as good, serving({}) as bad:
        text = f"""
            [[upstreams]]
            name = "good"
            base_url = "{good.url}/v1"
            credentials = ["env:TEST_KEY", "env:OTHER_KEY"]

            [[upstreams]]
            name = "bad"
            profile = "vllm"
            base_url = "{bad.url}/v1"
        """
        (tmp_path / "glmgate.toml").write_text(text)
        result = doctor("--json", GLMGATE_HOME=str(tmp_path), OTHER_KEY="another-key")
        shown = doctor(GLMGATE_HOME=str(tmp_path), OTHER_KEY="another-key")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert [(each["name"], each["key"], each["well"]) for each in report["subjects"]] == [
        ("good", "env:TEST_KEY", True),
        ("good", "env:OTHER_KEY", True),
        ("bad", None, False),
    ]
    assert report["requests"]["used"] <= 10
    assert "another-key" not in shown.output
    assert (shown.stdout.count("All is well."), shown.stdout.count("Something is wrong.")) == (2, 1)


def test_what_a_model_cannot_do_is_no_fault() -> None:
    """It answers and refuses the rest: notes, and a stream that is refused is wrong."""

    def plain(asked: Asked) -> Reply:
        more = asked.body.keys() - {"model", "messages", "max_tokens", "stream"}
        return refused(400, "unsupported", f"unknown members: {sorted(more)}") if more else answer(asked)

    def whole(asked: Asked) -> Reply:
        return refused(400, "", "no streams here") if asked.body.get("stream") else answer(asked)

    with serving({"/v1/models": models("m"), "/v1/chat/completions": plain}) as service:
        report = found(look(service, "/v1", "--json"))
    assert report["well"] is True
    assert levels(report, "thinking", "tools", "json", "stream") == ["note", "note", "note", "ok"]
    with serving({"/v1/models": models("m"), "/v1/chat/completions": whole}) as service:
        report = found(look(service, "/v1", "--json"))
    assert levels(report, "stream") == ["bad"]
    assert "no streams here" in report["advice"][-1]["text"]


def test_a_model_without_a_switch_is_not_asked_to_think() -> None:
    """Its family has none: one request less, and it is said."""
    with serving({f"{GENERAL}/chat/completions": answer}) as service:
        report = found(look(service, GENERAL, "--only", "--json", "--model", "glm-4-plus"))
    assert levels(report, "thinking") == ["skipped"]
    assert len(service.questions) == 4


def test_the_routed_models_are_asked(tmp_path: Path) -> None:
    """By their names there, and it is told where the service does not list one of them."""
    with serving(well("/v1", "cheap", "usual")) as service:
        text = f"""
            [[upstreams]]
            name = "mine"
            base_url = "{service.url}/v1"

            [[models]]
            name = "glm-4.6"
            route = [{{ upstream = "mine", model = "usual" }}, {{ upstream = "mine", model = "gone", priority = 2 }}]
        """
        (tmp_path / "glmgate.toml").write_text(text)
        report = found(doctor("--json", GLMGATE_HOME=str(tmp_path)))
    assert {each.body["model"] for each in service.questions} == {"usual"}
    assert [each["text"] for each in report["findings"] if "unlisted" in each["figures"]] == [
        "routed there, but not listed: gone"
    ]


def test_a_profile_that_does_not_fit_is_told(tmp_path: Path) -> None:
    """The settings say one kind of server, another one answers."""
    with serving(well(owner="sglang")) as service:
        text = f'[[upstreams]]\nname = "mine"\nprofile = "vllm"\nbase_url = "{service.url}/v1"\n'
        (tmp_path / "glmgate.toml").write_text(text)
        report = found(doctor("--json", GLMGATE_HOME=str(tmp_path)))
    assert advised(report) == ["other_profile"]
    assert 'profile = "sglang" fits it, the settings say "vllm"' in report["advice"][0]["text"]


def test_a_key_of_our_own_is_not_shown_to_services(tmp_path: Path) -> None:
    """ZAI_API_KEY also holds clients' keys: one of this machine's server stays here."""
    made = CliRunner().invoke(main, ["keys", "create", "--name", "mine"], env={"GLMGATE_HOME": str(tmp_path)})
    key = next(word for word in made.output.split() if word.count(".") == 1 and len(word) > 40)
    result = doctor(GLMGATE_HOME=str(tmp_path), ZAI_API_KEY=key)
    assert result.exit_code == 2
    assert "ZAI_API_KEY holds a key of this machine's own server" in result.stderr
    foreign = doctor("--json", GLMGATE_HOME=str(tmp_path), ZAI_API_KEY=KEY)
    assert found(foreign)["name"] == "ZAI_API_KEY"
