"""The paths of the administration that are served, as data. What is only known stands in `catalogue`."""

from __future__ import annotations

from functools import partial
from typing import Final

from glmgate.surfaces.admin import api_keys, audit_logs, projects, service_accounts, usage
from glmgate.surfaces.admin.bodies import (
    KeyUpdate,
    NewKey,
    NewProject,
    NewServiceAccount,
    NewServiceKey,
    ProjectUpdate,
    RateLimitUpdate,
    ServiceAccountUpdate,
)
from glmgate.surfaces.table import Route

_PROJECTS: Final = "/organization/projects"
_PROJECT: Final = f"{_PROJECTS}/{{project_id}}"
_KEYS: Final = f"{_PROJECT}/api_keys"
_KEY: Final = f"{_KEYS}/{{api_key_id}}"
_ACCOUNTS: Final = f"{_PROJECT}/service_accounts"
_ACCOUNT: Final = f"{_ACCOUNTS}/{{service_account_id}}"
_RATES: Final = f"{_PROJECT}/rate_limits"
_ADMINS: Final = "/organization/admin_api_keys"
_ADMIN: Final = f"{_ADMINS}/{{key_id}}"

_route: Final = partial(Route, access="admin")

ADMINISTRATION: Final[tuple[Route, ...]] = (
    _route("GET", _PROJECTS, projects.list_projects, "List projects"),
    _route("POST", _PROJECTS, projects.create, "Make a project", body=NewProject),
    _route("GET", _PROJECT, projects.retrieve, "Show a project"),
    _route("POST", _PROJECT, projects.update, "Change a project", body=ProjectUpdate),
    _route("POST", f"{_PROJECT}/archive", projects.archive, "Close a project"),
    _route("GET", _RATES, projects.list_rates, "Show a project's rates"),
    _route("POST", f"{_RATES}/{{rate_limit_id}}", projects.update_rate, "Change its rates", body=RateLimitUpdate),
    _route("GET", _KEYS, api_keys.list_keys, "List a project's keys"),
    _route("POST", _KEYS, api_keys.create, "Make a key (not OpenAI's)", body=NewKey),
    _route("GET", _KEY, api_keys.retrieve, "Show a key"),
    _route("POST", _KEY, api_keys.update, "Change a key", body=KeyUpdate),
    _route("DELETE", _KEY, api_keys.delete, "Revoke a key"),
    _route("GET", _ACCOUNTS, service_accounts.list_accounts, "List service accounts"),
    _route("POST", _ACCOUNTS, service_accounts.create, "Make a service account and its key", body=NewServiceAccount),
    _route("GET", _ACCOUNT, service_accounts.retrieve, "Show a service account"),
    _route("POST", _ACCOUNT, service_accounts.update, "Rename a service account", body=ServiceAccountUpdate),
    _route("DELETE", _ACCOUNT, service_accounts.delete, "Remove a service account and revoke its keys"),
    _route("POST", f"{_ACCOUNT}/api_keys", service_accounts.create_key, "Make one more key", body=NewServiceKey),
    _route("GET", _ADMINS, api_keys.list_admin, "List administrators' keys"),
    _route("POST", _ADMINS, api_keys.create_admin, "Make an administrator's key", body=NewKey),
    _route("GET", _ADMIN, api_keys.retrieve_admin, "Show an administrator's key"),
    _route("DELETE", _ADMIN, api_keys.delete_admin, "Revoke an administrator's key"),
    _route("GET", "/organization/audit_logs", audit_logs.list_acts, "List administrative acts"),
    _route("GET", "/organization/usage/completions", usage.completions, "Tokens of generated text"),
    _route("GET", "/organization/usage/embeddings", usage.embeddings, "Tokens of embeddings"),
    _route("GET", "/organization/costs", usage.costs, "Money"),
)
