"""OpenAI's SDK administers a running server: everything goes round, shows in the log, and holds for every process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.stories.served import Served, administrator, await_true, run_glmgate, serving

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Served]]:
    """Two servers on one home, as two processes of one installation."""
    home = tmp_path_factory.mktemp("administration")
    with serving(home) as first, serving(home, key=first.key) as second:
        yield first, second


@pytest.fixture(scope="module")
def admin_key(pair: tuple[Served, Served]) -> str:
    """What opens the administration."""
    return administrator(pair[0])


@pytest.fixture(scope="module")
def client(pair: tuple[Served, Served], admin_key: str) -> OpenAI:
    """An administrator's SDK at the first server."""
    return OpenAI(base_url=pair[0].base("/v1"), api_key="", admin_api_key=admin_key, max_retries=0)


@pytest.fixture
def admin(client: OpenAI) -> Any:
    """The administration, in the SDK's words."""
    return client.admin.organization


def asks(served: Served, key: str) -> int:
    """The status of a request with a key that no engine is needed for."""
    try:
        OpenAI(base_url=served.base("/v1"), api_key=key, max_retries=0).models.list()
    except openai.APIStatusError as error:
        return error.status_code
    return 200


def test_projects_go_round(admin: Any) -> None:
    """Made, shown, changed, listed, archived."""
    made = admin.projects.create(name="Web", extra_body={"glmgate": {"terms": {"rpm": 5}}})
    assert (made.object, made.name, made.status, made.archived_at) == ("organization.project", "Web", "active", None)
    assert made.glmgate == {"terms": {"rpm": 5}}
    assert admin.projects.retrieve(made.id) == made
    assert admin.projects.update(made.id, name="Other").name == "Other"
    assert made.id in {project.id for project in admin.projects.list()}
    assert admin.projects.archive(made.id).status == "archived"
    assert made.id not in {project.id for project in admin.projects.list()}
    assert made.id in {project.id for project in admin.projects.list(include_archived=True)}


def test_keys_of_projects_go_round(client: OpenAI, admin: Any, pair: tuple[Served, Served]) -> None:
    """Listed, shown, changed, revoked; making one is ours, and the secret is shown once."""
    project = admin.projects.create(name="Keys")
    made: Any = client.post(
        f"/organization/projects/{project.id}/api_keys",
        body={"name": "a"},
        cast_to=object,
        options={"security": {"admin_api_key_auth": True}},
    )
    assert [asks(server, made["value"]) for server in pair] == [200, 200]
    (listed,) = admin.projects.api_keys.list(project.id)
    assert admin.projects.api_keys.retrieve(made["id"], project_id=project.id) == listed
    assert (listed.object, listed.name, listed.owner.type) == ("organization.project.api_key", "a", "user")
    assert made["value"].partition(".")[2] not in str(listed)
    changed = admin.projects.api_keys.update(made["id"], project_id=project.id, expires_in_seconds=3600)
    assert changed.expires_at == pytest.approx(time.time() + 3600, abs=60)
    gone = admin.projects.api_keys.delete(made["id"], project_id=project.id)
    assert (gone.id, gone.deleted) == (made["id"], True)
    await_true(lambda: [asks(server, made["value"]) for server in pair] == [401, 401], within_s=5)


def test_service_accounts_go_round(admin: Any, pair: tuple[Served, Served]) -> None:
    """Made with a key that works, shown, renamed, given one more key; both keys go with the account."""
    project = admin.projects.create(name="Robots")
    made = admin.projects.service_accounts.create(project.id, name="robot")
    assert (made.object, made.role) == ("organization.project.service_account", "member")
    assert made.api_key is not None
    assert asks(pair[1], made.api_key.value) == 200
    assert admin.projects.service_accounts.retrieve(made.id, project_id=project.id).name == "robot"
    assert admin.projects.service_accounts.update(made.id, project_id=project.id, name="arm").name == "arm"
    more = admin.projects.service_accounts.api_keys.create(made.id, project_id=project.id, name="more")
    assert [account.id for account in admin.projects.service_accounts.list(project.id)] == [made.id]
    owners = {key.owner.service_account.id for key in admin.projects.api_keys.list(project.id)}
    assert owners == {made.id}
    assert admin.projects.service_accounts.delete(made.id, project_id=project.id).deleted
    values = (made.api_key.value, more.value)
    await_true(lambda: [asks(pair[1], value) for value in values] == [401, 401], within_s=5)


def test_rate_limits_go_round(admin: Any) -> None:
    """What is set is listed."""
    project = admin.projects.create(name="Rates")
    (rate,) = admin.projects.rate_limits.list_rate_limits(project.id)
    assert rate.object == "project.rate_limit"
    # As its type says: numbers, also where there is no limit.
    assert type(rate).model_validate(rate.to_dict(), strict=True) == rate
    assert rate.max_requests_per_1_minute == rate.max_tokens_per_1_minute == 2**53 - 1
    set_to = {"max_requests_per_1_minute": 50, "max_tokens_per_1_minute": 9000}
    after = admin.projects.rate_limits.update_rate_limit(rate.id, project_id=project.id, **set_to)
    assert (after.max_requests_per_1_minute, after.max_tokens_per_1_minute) == (50, 9000)
    assert list(admin.projects.rate_limits.list_rate_limits(project.id)) == [after]


def test_administrators_keys_go_round(admin: Any, pair: tuple[Served, Served]) -> None:
    """Made, shown, listed, revoked; the new one administers too."""
    made = admin.admin_api_keys.create(name="second")
    second = OpenAI(base_url=pair[1].base("/v1"), api_key="", admin_api_key=made.value, max_retries=0)
    shown = second.admin.organization.admin_api_keys.retrieve(made.id)
    assert (shown.object, shown.name) == ("organization.admin_api_key", "second")
    assert made.id in {key.id for key in admin.admin_api_keys.list()}
    assert admin.admin_api_keys.delete(made.id).deleted
    assert made.id not in {key.id for key in admin.admin_api_keys.list()}


def test_every_list_ends(admin: Any) -> None:
    """The SDK reads each page by page, one item at a time, and sees each item once."""
    project = admin.projects.create(name="Pages")
    for number in range(3):
        admin.projects.service_accounts.create(project.id, name=f"r{number}")
    for read in (
        admin.projects.list,
        partial(admin.projects.api_keys.list, project.id),
        partial(admin.projects.service_accounts.list, project.id),
        admin.admin_api_keys.list,
        partial(admin.audit_logs.list, project_ids=[project.id]),
    ):
        one_by_one = [item.id for item in read(limit=1)]
        assert one_by_one == [item.id for item in read(limit=100)]
        assert len(set(one_by_one)) == len(one_by_one) > 0


def test_an_archived_project_is_closed_for_every_process(admin: Any, pair: tuple[Served, Served]) -> None:
    """Within a second, for keys that have just asked."""
    project = admin.projects.create(name="Closing")
    key = admin.projects.service_accounts.create(project.id, name="robot").api_key.value
    assert [asks(server, key) for server in pair] == [200, 200]
    admin.projects.archive(project.id)
    took = await_true(lambda: [asks(server, key) for server in pair] == [401, 401], within_s=5)
    assert took <= 1.5  # the last round of asking takes its time too


def test_keys_are_for_one_of_the_two(pair: tuple[Served, Served]) -> None:
    """A user's key does not administer; the SDK says what is wrong."""
    user = OpenAI(base_url=pair[0].base("/v1"), api_key="", admin_api_key=pair[0].key, max_retries=0)
    with pytest.raises(openai.PermissionDeniedError, match="administrator's key"):
        user.admin.organization.projects.list()


def test_mistakes_are_the_sdks_errors(admin: Any) -> None:
    """Of the class that OpenAI's would be."""
    with pytest.raises(openai.NotFoundError, match="'nope'"):
        admin.projects.retrieve("nope")
    with pytest.raises(openai.BadRequestError, match="'geography' is not served here"):
        admin.projects.create(name="a", geography="EU")
    with pytest.raises(openai.APIStatusError, match="not served here") as caught:
        admin.users.list()
    assert caught.value.status_code == 501


def test_the_log_has_each_act_and_is_whole(admin: Any, admin_key: str, pair: tuple[Served, Served]) -> None:
    """What was done over HTTP and at the machine, in one chain that verifies, with no secret in it."""
    before = [act.id for act in admin.audit_logs.list()]
    project = admin.projects.create(name="Logged")
    run_glmgate(pair[0], "projects", "update", project.id, "--rpm", "7")
    admin.projects.archive(project.id)
    acts = [act for act in admin.audit_logs.list(limit=50) if act.id not in before]
    assert [act.type for act in acts] == ["project.archived", "project.updated", "project.created"]
    assert [act.actor.type for act in acts] == ["api_key", "session", "api_key"]
    assert acts[0].actor.api_key.id == admin_key.partition(".")[0]
    assert acts[2].effective_at <= acts[0].effective_at
    head = acts[0].glmgate["digest"]
    assert f"Head: {head}" in run_glmgate(pair[1], "audit", "verify", "--head", acts[2].glmgate["digest"])
    assert admin_key.partition(".")[2] not in run_glmgate(pair[0], "audit", "list", "--json", "--limit", "1000")
