"""Groups of commands that are imported when they are asked for, so that `--help` is quick."""

import importlib
from collections.abc import Mapping

import click


def commands(found: Mapping[str, str]) -> type[click.Group]:
    """A group of commands, each `module:name`, in this order."""

    class Commands(click.Group):
        def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
            return list(found)

        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
            if cmd_name not in found:
                return None
            module, _, name = found[cmd_name].partition(":")
            return getattr(importlib.import_module(module), name)

    return Commands
