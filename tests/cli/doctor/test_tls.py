"""Tests of what `glmgate doctor` says about TLS: real certificates, each wrong in one way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.doctor.certificates import Authority, needed
from tests.cli.doctor.loopback import KEY, serving, tunnel, well

pytestmark = needed


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority, made once."""
    return Authority(tmp_path_factory.mktemp("authority"))


def doctor(url: str, trusted: Path | None, **variables: str) -> tuple[int, dict[str, Any]]:
    """A process of its own: OpenSSL reads whom to trust from the environment when it starts."""
    environment = {**os.environ, "TEST_KEY": KEY, **variables} | ({"SSL_CERT_FILE": str(trusted)} if trusted else {})
    command = [sys.executable, "-m", "glmgate", "doctor", "--key", "env:TEST_KEY", "--base-url", url, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    [subject] = json.loads(done.stdout)["subjects"]
    return done.returncode, subject


def tls(subject: dict[str, Any]) -> dict[str, Any]:
    """What is said about TLS."""
    [finding] = [each for each in subject["findings"] if each["check"] == "tls"]
    assert isinstance(finding, dict)
    return finding


def test_a_good_certificate_is_shown(authority: Authority) -> None:
    """The version, who issued it, and how long it lasts."""
    with serving(well(), context=authority.server(ends_in=91)) as service:
        status, subject = doctor(f"{service.url}/v1", authority.file)
    assert (status, subject["well"], tls(subject)["level"]) == (0, True, "ok")
    assert tls(subject)["figures"] == {"version": "TLSv1.3", "issuer": "Test Authority", "days": 90}


def test_a_certificate_that_ends_soon_is_noted(authority: Authority) -> None:
    """All is well today; in a week it will not be."""
    with serving(well(), context=authority.server(ends_in=8)) as service:
        status, subject = doctor(f"{service.url}/v1", authority.file)
    assert (status, tls(subject)["level"]) == (0, "note")
    assert "ends in 7 days" in next(each["text"] for each in subject["advice"] if each["name"] == "certificate_ends")


@pytest.mark.parametrize(
    ("wrong", "name", "words"),
    [
        ({"begins_in": -60, "ends_in": -30}, "way_expired", "has expired"),
        ({"begins_in": 30, "ends_in": 60}, "way_early", "clock is behind"),
        ({"names": "DNS:another.test"}, "way_name", "is not for 127.0.0.1"),
    ],
)
def test_a_wrong_certificate_is_told(authority: Authority, wrong: dict[str, Any], name: str, words: str) -> None:
    """With what is wrong with it; no question goes there, so the key does not either."""
    with serving(well(), context=authority.server(**wrong)) as service:
        status, subject = doctor(f"{service.url}/v1", authority.file)
    assert (status, tls(subject)["level"], service.asked) == (1, "bad", [])
    [advice] = subject["advice"]
    assert advice["name"] == name
    assert words in advice["text"]


@pytest.mark.parametrize(("itself", "name"), [(True, "way_own"), (False, "way_issuer")])
def test_a_certificate_of_nobody_we_know_is_told(authority: Authority, *, itself: bool, name: str) -> None:
    """Signed by itself, or by an authority that is not installed: SSL_CERT_FILE helps with both."""
    with serving(well(), context=authority.itself() if itself else authority.server()) as service:
        status, subject = doctor(f"{service.url}/v1", None)
    assert (status, service.asked) == (1, [])
    [advice] = subject["advice"]
    assert advice["name"] == name
    assert "SSL_CERT_FILE" in advice["text"]


def test_tls_goes_through_a_proxy(authority: Authority) -> None:
    """The certificate is the service's, not the proxy's; the service's name is looked up by the proxy."""
    with (
        serving(well(), context=authority.server(names="DNS:service.test")) as service,
        tunnel(int(service.url.rpartition(":")[2])) as (proxy, wanted),
    ):
        status, subject = doctor("https://service.test/v1", authority.file, HTTPS_PROXY=proxy)
    assert (status, tls(subject)["level"]) == (0, "ok")
    assert [each["text"] for each in subject["findings"] if each["check"] == "proxy"] == [
        f"asked through {proxy.removeprefix('http://')}"
    ]
    assert set(wanted) == {"service.test:443"}
    assert service.questions


def test_https_where_no_tls_is_spoken_is_told() -> None:
    """`https://` in place of `http://`."""
    with serving(well()) as service:
        status, subject = doctor(f"{service.url}/v1".replace("http:", "https:"), None)
    assert status == 1
    assert [each["name"] for each in subject["advice"]] == ["way_tls"]
