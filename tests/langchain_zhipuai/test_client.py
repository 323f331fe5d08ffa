"""Whom to ask, with which key: fields, environment, and the clients that come of them."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
from openai import APIConnectionError, DefaultAsyncHttpxClient, DefaultHttpxClient, OpenAI

from langchain_zhipuai import ChatZhipuAI, ZhipuAIEmbeddings
from langchain_zhipuai.client import BIGMODEL, ZAI, Clients
from tests.langchain_zhipuai.asking import key_of, model_of
from tests.services import KEYS, Service, running

VARIABLES = ("ZHIPUAI_API_KEY", "ZAI_API_KEY", "ZHIPUAI_API_BASE")


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def service() -> Iterator[Service]:
    """BigModel's service."""
    with running("bigmodel") as found:
        yield found


@pytest.mark.parametrize("kind", [ChatZhipuAI, ZhipuAIEmbeddings])
def test_names_and_aliases_mean_the_same(kind: type[ChatZhipuAI | ZhipuAIEmbeddings]) -> None:
    """The old package's users write either."""
    address = "http://127.0.0.1:9/v1"
    names: dict[str, Any] = {"zhipuai_api_key": "a.b", "zhipuai_api_base": address, "request_timeout": 3}
    by_name = kind(**names)
    by_alias = kind(api_key="a.b", base_url=address, timeout=3)
    assert by_name == by_alias
    assert by_name.zhipuai_api_base == address


@pytest.mark.parametrize("given", [{}, {"api_key": ""}, {"api_key": None}])
def test_no_key_is_that_of_the_environment(given: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The seed writes `api_key=""` and means its variable; an empty variable is none."""
    monkeypatch.setenv("ZAI_API_KEY", "zai.key")
    monkeypatch.setenv("ZHIPUAI_API_KEY", "")
    model = ChatZhipuAI(**given)
    assert (key_of(model), model.zhipuai_api_base) == ("zai.key", ZAI)
    monkeypatch.setenv("ZHIPUAI_API_KEY", "zhipu.key")
    model = ChatZhipuAI(**given)
    assert (key_of(model), model.zhipuai_api_base) == ("zhipu.key", BIGMODEL)


def test_a_given_key_wins_and_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the text of a model, nor where Z.AI's key is in the environment as well."""
    monkeypatch.setenv("ZAI_API_KEY", "zai.key")
    model = ChatZhipuAI(api_key="given.key")
    assert (key_of(model), model.zhipuai_api_base) == ("given.key", BIGMODEL)
    assert "given.key" not in repr(model)


def test_the_address_may_be_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument wins over it; it wins over what follows from the key."""
    monkeypatch.setenv("ZAI_API_KEY", "zai.key")
    monkeypatch.setenv("ZHIPUAI_API_BASE", "http://127.0.0.1:8000/v1")
    assert ChatZhipuAI().zhipuai_api_base == "http://127.0.0.1:8000/v1"
    assert ChatZhipuAI(base_url="http://127.0.0.1:9/v1").zhipuai_api_base == "http://127.0.0.1:9/v1"


@pytest.mark.parametrize("kind", [ChatZhipuAI, ZhipuAIEmbeddings])
def test_no_key_at_all_names_both_variables(kind: type[ChatZhipuAI | ZhipuAIEmbeddings]) -> None:
    """And the argument."""
    with pytest.raises(ValueError, match=r"api_key=.*ZHIPUAI_API_KEY.*ZAI_API_KEY"):
        kind()


def test_unknown_arguments_go_into_the_body_with_a_warning(service: Service) -> None:
    """As LangChain's models do; what is said twice is refused."""
    with pytest.warns(UserWarning, match="'watermark_enabled' is no parameter"):
        model = model_of(service, watermark_enabled=False)
    assert model.model_kwargs == {"watermark_enabled": False}
    model.invoke("Hello")
    assert service.last.body["watermark_enabled"] is False
    model.close()
    with pytest.raises(ValueError, match="'seed' is a field of its own"):
        ChatZhipuAI(api_key="a.b", seed=1, model_kwargs={"seed": 2})
    with pytest.raises(ValueError, match="'mood' is given twice"):
        model_of(service, mood=1, model_kwargs={"mood": 2})


@pytest.mark.parametrize("kind", [ChatZhipuAI, ZhipuAIEmbeddings])
def test_a_warning_points_at_the_line_that_made_it(kind: type[Any]) -> None:
    """Not at LangChain's."""
    with pytest.warns(UserWarning, match="'mood'") as caught:
        kind(api_key="a.b", mood=1)
    assert [each.filename for each in caught] == [__file__]


def test_headers_go_along_and_openai_s_own_stay_at_home(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK would send an organization of another vendor's to this one."""
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-secret")
    model = model_of(service, headers={"X-Team": "blue"})
    model.invoke("Hello", extra_headers={"X-Call": "one"})
    model.close()
    headers = service.last.headers
    assert (headers["x-team"], headers["x-call"], headers["authorization"]) == ("blue", "one", f"Bearer {KEYS[0]}")
    assert not [name for name in headers if name.startswith("openai")]


def test_copies_ask_with_their_own_settings(service: Service) -> None:
    """A copy of a model that was used shares no client that has the old key."""
    model = model_of(service)
    model.invoke("Hello")
    for other in (model.model_copy(), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):  # noqa: S301 - our own
        other.zhipuai_api_key = KEYS[1]
        other.invoke("Hello")
        assert service.last.credential == KEYS[1]
        other.close()
    model.invoke("Hello")
    assert service.last.credential == KEYS[0]
    model.close()


def test_each_event_loop_has_its_own_connections(service: Service) -> None:
    """`asyncio.run` twice with one model: connections of the first loop are not used in the second."""
    model = model_of(service)

    async def ask() -> str:
        try:
            return str((await model.ainvoke("Hello")).text)
        finally:
            await model.aclose()

    assert [asyncio.run(ask()), asyncio.run(ask())] == ["Hello from the service."] * 2


def test_a_given_client_is_used_and_stays_open(service: Service) -> None:
    """It is the caller's."""
    with DefaultHttpxClient(headers={"X-Mine": "yes"}) as mine:
        model = model_of(service, http_client=mine)
        model.invoke("Hello")
        model.close()
        assert service.last.headers["x-mine"] == "yes"
        assert not mine.is_closed


async def test_a_given_async_client_is_used_and_stays_open(service: Service) -> None:
    """It is the caller's."""
    async with DefaultAsyncHttpxClient(headers={"X-Mine": "yes"}) as mine:
        model = model_of(service, http_async_client=mine)
        await model.ainvoke("Hello")
        await model.aclose()
        assert service.last.headers["x-mine"] == "yes"
        assert not mine.is_closed


async def test_a_proxy_is_gone_through(service: Service) -> None:
    """Where nothing listens there, nothing is reached, in both ways of asking."""
    model = model_of(service, zhipuai_proxy="http://127.0.0.1:9", max_retries=0)
    with pytest.raises(APIConnectionError):
        model.invoke("Hello")
    with pytest.raises(APIConnectionError):
        await model.ainvoke("Hello")
    assert service.requests == []
    model.close()
    await model.aclose()


def test_a_client_is_forgotten_in_silence_once_its_loop_is_closed(service: Service) -> None:
    """Its connections cannot be closed in another loop, and nobody is told of a task that tried to."""
    models = [model_of(service)]
    complaints: list[dict[str, Any]] = []

    async def forget() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        models.clear()
        for _ in range(3):
            gc.collect()
            await asyncio.sleep(0)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the connection of the closed loop
        asyncio.run(models[0].ainvoke("Hello"))
        asyncio.run(forget())
    assert complaints == []


async def test_a_client_that_is_forgotten_in_its_loop_is_closed(service: Service) -> None:
    """So a program that makes a model for each question keeps no connections."""
    models = [model_of(service)]
    await models[0].ainvoke("Hello")
    pool = cast("Any", models[0]._async_openai)._client._transport._pool  # the only place where connections are seen
    assert len(pool.connections) == 1
    models.clear()
    for _ in range(5):
        gc.collect()
        await asyncio.sleep(0.01)
    assert pool.connections == []


def test_threads_share_one_client(service: Service) -> None:
    """Though all of them ask for it at once, as `batch` of a new model does; none gets nothing."""
    clients, settings = Clients(), model_of(service)._settings  # what every request asks with
    together = threading.Barrier(8)

    def ask(_: int) -> OpenAI:
        together.wait()
        return clients.for_threads(settings)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    clients.close()
    assert len(set(map(id, found))) == 1
    assert found[0] is not None


@pytest.mark.parametrize("kind", [ChatZhipuAI, ZhipuAIEmbeddings])
def test_an_error_does_not_show_the_key(kind: type[ChatZhipuAI | ZhipuAIEmbeddings]) -> None:
    """Pydantic's would show all that was given."""
    with pytest.raises(ValueError, match="'model' is a field") as caught:
        kind(api_key="given.key", model_kwargs={"model": "glm-4.6"})
    assert "given.key" not in str(caught.value)


@pytest.mark.parametrize("address", ["127.0.0.1:8000/v1", "localhost"])
def test_an_address_without_its_scheme_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK would say no more than that there is no connection."""
    with pytest.raises(ValueError, match=f"'{address}' is no address.*http://"):
        ChatZhipuAI(api_key="a.b", base_url=address)
    monkeypatch.setenv("ZHIPUAI_API_BASE", address)
    with pytest.raises(ValueError, match=f"'{address}' is no address.*http://"):
        ZhipuAIEmbeddings(api_key="a.b")


def test_settings_that_cannot_be_are_refused() -> None:
    """At the making, not at the first question."""
    with pytest.raises(ValueError, match="max_retries"):
        ChatZhipuAI(api_key="a.b", max_retries=-1)
