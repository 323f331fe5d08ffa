"""Tests of `glmgate projects`, through its commands and on a real database."""

from __future__ import annotations

from tests.cli.program import Program


def test_create_prints_the_id_alone(program: Program) -> None:
    """A script can take standard output as the id."""
    project_id = program.said("projects", "create", "--name", "Web", "--rpm", "5").removesuffix("\n")
    made = program.json("projects", "show", project_id)
    assert made == {
        "id": project_id,
        "name": "Web",
        "organisation": "default",
        "created_at": made["created_at"],
        "archived_at": None,
        "terms": {"rpm": 5},
    }


def test_list_shows_all_with_their_terms(program: Program) -> None:
    """In aligned columns, archived ones too, and the same as JSON."""
    first = program.said("projects", "create", "--name", "Web", "--budget", "10USD/day").strip()
    program.said("projects", "archive", first)
    head, default, web = program.said("projects", "list").splitlines()
    assert head.split() == ["ID", "NAME", "CREATED", "STATE", "TERMS"]
    assert default.startswith("default")
    assert "archived" in web
    assert web.endswith("budgets 10USD/day")
    assert {line.index("Default" if line is default else "Web") for line in (default, web)} == {head.index("NAME")}
    assert [each["id"] for each in program.json("projects", "list")] == ["default", first]


def test_update_sets_and_takes_back(program: Program) -> None:
    """What is named changes, everything else stays."""
    project_id = program.said("projects", "create", "--name", "Web", "--rpm", "5", "--tag", "x").strip()
    after = program.json("projects", "update", project_id, "--name", "Other", "--tpm", "9", "--unset", "rpm")
    assert (after["name"], after["terms"]) == ("Other", {"tpm": 9, "tags": ["x"]})
    assert program.json("projects", "show", project_id) == after


def test_show_is_a_sheet(program: Program) -> None:
    """A line for each fact, terms under the names of their flags."""
    project_id = program.said("projects", "create", "--name", "Web", "--in-flight", "5").strip()
    lines = dict(line.split(maxsplit=1) for line in program.said("projects", "show", project_id).splitlines())
    assert lines | {"created": ""} == {
        "id": project_id,
        "name": "Web",
        "created": "",
        "state": "open",
        "in-flight": "5",
    }


def test_archive_lasts(program: Program) -> None:
    """The project's keys are told as archived, and nothing is made or changed in it any more."""
    project_id = program.said("projects", "create", "--name", "Web").strip()
    program.said("keys", "create", "--name", "a", "--project", project_id)
    assert program.json("projects", "archive", project_id)["archived_at"] is not None
    assert [key["state"] for key in program.json("keys", "list")] == ["archived"]
    for arguments in (("keys", "create", "--project", project_id), ("projects", "update", project_id)):
        result = program.run(*arguments, "--name", "b")
        assert result.exit_code == 1
        assert "is archived" in result.stderr


def test_mistakes_are_told(program: Program) -> None:
    """An id that is not there, nothing to change, the project that stays, no name."""
    for arguments, said in (
        (("show", "nope"), "no project 'nope'"),
        (("update", "default"), "Nothing was given"),
        (("archive", "default"), "cannot be archived"),
        (("create", "--name", " "), "A project's name"),
    ):
        result = program.run("projects", *arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        assert said in result.stderr
