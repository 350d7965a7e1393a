"""The `madoguchi` command. Every command imports what it needs when it runs, so that `--help` is quick."""

import logging
import sys

import click

from console.helping import example
from console.lazily import commands

COMMANDS = {
    "up": "console.running:up",
    "down": "console.running:down",
    "status": "console.running:status",
    "token": "console.tokens:token",
    "demo": "console.demo:demo",
    "import": "console.importing:import_",
    "reconcile": "console.reconciling:reconcile",
    "parked": "console.parking:parked",
    "redrive": "console.parking:redrive",
    "lane": "console.lanes:lane",
    "doctor": "console.doctor:doctor",
    "bench": "console.bench:bench",
    "city": "console.cities:city",
    "rules": "console.rules:rules",
    "overlay": "console.overlays:overlay",
    "organisation": "console.organisation:organisation",
    "keys": "console.keys:keys",
    "channel": "console.channels:channel",
}
"""In the order in which a newcomer needs them."""


@click.command(
    cls=commands(COMMANDS),
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=example(
        "madoguchi demo          everything, once, on this machine",
        "madoguchi up            start it and leave it running",
        "madoguchi COMMAND -h    what a command does, with an example",
    ),
)
@click.version_option(package_name="madoguchi")
def cli() -> None:
    """Madoguchi: from any channel of a city hall to the department that decides, and into the archive."""


def main() -> None:
    """Run the command; an expected error is one sentence and exit code 1."""
    # What aiokafka says of a broker that is away, a dozen lines a second, comes as an exception too, and that is explained.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        cli.main(standalone_mode=True)
    except Exception as error:
        from console.errors import explained

        trouble = explained(_first(error))
        if trouble is None:
            raise
        trouble.show()
        sys.exit(trouble.exit_code)


def _first(error: Exception) -> Exception:
    """The first error of a group of them, as task groups raise."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    main()
