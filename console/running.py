"""`madoguchi up`, `down` and `status`."""

import json
from typing import TYPE_CHECKING

import click

from console.helping import example

if TYPE_CHECKING:
    from console.city import City


@click.command(epilog=example("madoguchi up"))
def up() -> None:
    """Start the city on this machine and leave it running.

    PostgreSQL, Kafka, a mail catcher and a small OpenID provider are started unless MADOGUCHI_POSTGRES_DSN,
    MADOGUCHI_KAFKA_BOOTSTRAP, MADOGUCHI_SMTP_URL and MADOGUCHI_OIDC_ISSUER name servers you have. Data, logs and notes are kept in MADOGUCHI_HOME (default: .madoguchi).
    A city that runs already is left as it is.
    """
    from console.starting import city_up
    from console.terminal import say
    from deploy.local import LocalSettings

    show_addresses(city_up(LocalSettings(), say))


@click.command(epilog=example("madoguchi down", "madoguchi down --reset"))
@click.option("--reset", is_flag=True, help="Delete the data too; the downloaded Kafka stays.")
def down(reset: bool) -> None:  # noqa: FBT001
    """Stop everything that `up` has started; the data stays."""
    from console.starting import city_down
    from console.terminal import say
    from deploy.local import LocalSettings

    city_down(LocalSettings(), say, reset=reset)
    say("all is stopped" + (" and its data deleted" if reset else ""))


@click.command(epilog=example("madoguchi status", "madoguchi status --json | jq '.[] | select(.state != \"ready\")'"))
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def status(as_json: bool) -> None:  # noqa: FBT001
    """Show what runs: servers and services, with process, port, address and restarts."""
    from console.state import COLUMNS, advice, lines
    from console.terminal import out, table
    from deploy.local import LocalSettings

    found = lines(LocalSettings())
    if as_json:
        out.print_json(json.dumps(found))
        return
    table(
        "",
        COLUMNS,
        [["" if line[column] is None else str(line[column]) for column in COLUMNS] for line in found],
        numbers=("pid", "port"),
    )
    if said := advice(found):
        out.print(said, markup=False)


def show_addresses(city: "City") -> None:
    """Where everything is."""
    from console.terminal import table

    rows = [(name, place.url, f"{place.url}/health/ready") for name, place in city.services.items()]
    table("The city is up", ("service", "address", "health"), rows)
    table("", ("what", "where"), places_of(city))
    show_accounts(city)


def show_accounts(city: "City") -> None:
    """Who can sign in at the desk, where the provider is our own."""
    from console.terminal import table
    from deploy.local.accounts import accounts_in

    if not (city.home.identity / "accounts.json").exists():
        return
    rows = [
        (
            one.staff,
            one.password,
            ", ".join(one.roles),
            ", ".join(one.departments[:2]) + (" …" if one.departments[2:] else ""),
        )
        for one in accounts_in(city.home.identity).accounts
    ]
    table(f"Sign in at {city.service('desk').url}/login", ("staff", "password", "roles", "departments"), rows)


def places_of(city: "City") -> list[tuple[str, str]]:
    """Servers and folders."""
    from urllib.parse import urlsplit

    return [
        ("Kafka", city.kafka.bootstrap),
        ("PostgreSQL", urlsplit(city.admin_dsn).netloc.rpartition("@")[2]),
        ("mail", str(city.mail_folder or "your own mail server")),
        ("logs", str(city.log_folder)),
    ]
