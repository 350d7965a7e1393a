import click
import pytest

from console.main import COMMANDS, cli
from tests.console.conftest import Terminal


def names() -> list[list[str]]:
    """Every command, and every command of a group."""
    found: list[list[str]] = []
    for name in COMMANDS:
        command = cli.get_command(CONTEXT, name)  # pyright: ignore[reportAttributeAccessIssue]
        found.append([name])
        if isinstance(command, click.Group):
            found += [[name, below] for below in command.list_commands(CONTEXT)]
    return found


CONTEXT = click.Context(cli)
ALL = names()


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_the_help_of_every_command_ends_with_an_example(nowhere: Terminal, command: list[str]) -> None:
    words = nowhere.ok(*command, "--help")

    assert f"Example:\n    madoguchi {' '.join(command)}" in words


@pytest.mark.parametrize(
    "command",
    [["import", __file__, "--mapping", "sample"], ["reconcile"], ["parked", "intake"], ["lane", "list"], ["doctor"]],
    ids=" ".join,
)
def test_a_command_that_needs_a_city_says_to_start_one(nowhere: Terminal, command: list[str]) -> None:
    answer = nowhere.run(*command)

    assert answer.code == 1
    assert answer.err == f"Error: No city runs in {nowhere.home}: run `madoguchi up` first.\n"


def test_an_unknown_mapping_is_refused_with_those_there_are(nowhere: Terminal) -> None:
    answer = nowhere.run("import", __file__, "--mapping", "atlantis")

    assert answer.code == 1
    assert "'atlantis'" in answer.err
    assert "boston" in answer.err


def test_a_file_without_a_mapping_is_a_wrong_use_of_demo(nowhere: Terminal) -> None:
    answer = nowhere.run("demo", "--file", __file__)

    assert answer.code == 2
    assert "--file and --mapping go together" in answer.err


def test_a_redrive_of_nothing_in_particular_is_refused(nowhere: Terminal) -> None:
    answer = nowhere.run("redrive", "intake")

    assert answer.code == 2
    assert "say --all" in answer.err


def test_down_where_nothing_runs_is_well(nowhere: Terminal) -> None:
    nowhere.ok("down")
