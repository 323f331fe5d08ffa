"""`[[prices]]` of a settings file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from glmgate.errors import SettingsError
from glmgate.policy.prices import OWN, Prices, Rates
from glmgate.settings import load
from glmgate.settings.prices import prices

FILE = Path("/etc/glmgate.toml")
UPSTREAMS = ["zai", "Local-vLLM"]
GLM: dict[str, object] = {"model": "glm-4.6", "currency": "USD"}


def read(*tables: dict[str, object]) -> Prices:
    """Prices of a file."""
    return prices(tables, UPSTREAMS, file=FILE)


def test_a_price_says_what_each_kind_costs() -> None:
    """Numbers and texts are both exact: 0.1 is a tenth, as it was written."""
    found = read(
        GLM
        | {"upstream": "ZAI", "since": date(2026, 6, 1), "input": 0.1, "cached_input": "0.011", "output": 2}
        | {"reasoning": 2.2, "call": "0.000000001", "image": 0.01, "second": 1e-3}
    ).price("zai", "glm-4.6", 2e9)
    assert found is not None
    assert found.name == "zai/glm-4.6@2026-06-01"
    assert found.rates == Rates(
        prompt=100_000_000,
        answer=2_000_000_000,
        cached=11_000_000,
        reasoning=2_200_000_000,
        call=1,
        image=10_000_000,
        second=1_000_000,
    )


def test_a_local_model_has_a_price_when_it_is_said() -> None:
    """It stands for what the machine costs."""
    assert read(GLM | {"local": True, "input": 1}).price(OWN, "glm-4.6", 0) is not None


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"model": "m"}, "has no currency"),
        ({"currency": "USD"}, "has no model"),
        (GLM | {"currency": "usd"}, "three capital letters"),
        (GLM | {"currency": "$"}, "three capital letters"),
        (GLM | {"model": "glm-*-air"}, "a star may stand at its end only"),
        (GLM | {"model": " "}, "give a name"),
        (GLM | {"upstream": "zay"}, "which is no upstream. Do you mean zai?"),
        (GLM | {"upstream": "zai", "local": True}, "keep one"),
        (GLM | {"since": "soon"}, "it must be a date"),
        (GLM | {"input": "cheap"}, "a number such as 0.6"),
        (GLM | {"input": "-1"}, "not negative"),
        (GLM | {"input": -1}, "must not be negative"),
        (GLM | {"output": "0.0000000001"}, "nine decimals"),
        (GLM | {"outputs": 1}, "Do you mean output?"),
    ],
)
def test_a_wrong_price_is_refused_with_what_is_wrong(table: dict[str, object], said: str) -> None:
    """And where it stands."""
    with pytest.raises(SettingsError, match=rf"\[\[prices\]\] 1:.*{said}"):
        read(table)


def test_prices_that_contradict_each_other_are_refused() -> None:
    """Whatever they say: one of them would never hold."""
    with pytest.raises(SettingsError, match=r"glmgate.toml: \[\[prices\]\]: .*'\*/glm-4.6@always' is given twice"):
        read(GLM, GLM | {"input": 1})


def test_without_upstreams_none_can_be_named() -> None:
    """The message says so."""
    with pytest.raises(SettingsError, match=r"There are no \[\[upstreams\]\]\."):
        prices([GLM | {"upstream": "zai"}], [], file=FILE)


def test_a_file_with_prices_alone_leaves_the_services_of_the_environment(tmp_path: Path) -> None:
    """They are no services, and may name those that are found."""
    file = tmp_path / "glmgate.toml"
    file.write_text(
        '[[prices]]\nmodel = "glm-*"\nupstream = "zai"\ncurrency = "USD"\nsince = 2026-01-01\ninput = 0.6\n',
        encoding="utf-8",
    )
    settings = load(environment={"ZAI_API_KEY": "secret"}, home=tmp_path)
    assert [each.upstream.name for each in settings.found] == ["zai"]
    found = settings.prices.price("zai", "glm-4.6", 2e9)
    assert found is not None
    assert found.rates.prompt == 600_000_000
