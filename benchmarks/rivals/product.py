"""This product: all its services, every one a process, with and without telemetry. Notify has no mail server: queued is its end."""

import asyncio
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from secrets import token_urlsafe

from benchmarks import workload
from benchmarks.processes import Command
from benchmarks.rivals import Rival
from benchmarks.servers import NO_PROVIDER, ROOT, Servers
from contracts.topics import CASES, INTAKE, NOTICES, TOPICS, Topic
from deploy.databases import ServiceDatabase, bring_up, create_databases, dsn_of
from deploy.grants import SERVICES
from deploy.local import LocalSettings, keyrings
from deploy.local.home import Home, home_of

PATIENCE = 1800
SAID: tuple[Topic, ...] = (INTAKE, CASES, NOTICES)
"""Where one event per application is said: accepted, case opened, notice queued."""

_SEEN = "SELECT topic, sum(seen)::bigint FROM chassis.lane GROUP BY topic"
_SAID = "SELECT coalesce(max(id), 0) FROM chassis.journal"
_PARKED = "SELECT count(*) FROM chassis.parked_event"
_COUNTS: Mapping[str, Mapping[str, str]] = {
    "intake": {
        "applications": "SELECT count(*) FROM application",
        "accepted": "SELECT count(*) FROM chassis.journal WHERE type = 'jp.madoguchi.application.accepted.v1'",
        "timeline: case": "SELECT count(DISTINCT application_id) FROM progress WHERE type = 'jp.madoguchi.case.opened.v1'",
        "timeline: notice": "SELECT count(DISTINCT application_id) FROM progress WHERE type = 'jp.madoguchi.notice.queued.v1'",
    },
    "routing": {
        "cases": "SELECT count(*) FROM routed_case WHERE department <> 'triage'",
        "opened": "SELECT count(*) FROM chassis.journal WHERE type = 'jp.madoguchi.case.opened.v1'",
    },
    "desk": {"items": "SELECT count(*) FROM case_item"},
    "notify": {
        "notices": "SELECT count(*) FROM notice WHERE state = 'queued'",
        "queued": "SELECT count(*) FROM chassis.journal WHERE type = 'jp.madoguchi.notice.queued.v1'",
    },
    "archive": {
        f"kept: {name}": f"SELECT count(DISTINCT subject) FROM event WHERE type = 'jp.madoguchi.{name}.v1'"
        for name in ("application.accepted", "case.opened", "notice.queued")
    },
}
"""Every one of these must be the number of applications."""

_ISSUER = {"oidc_issuer": NO_PROVIDER}
_CLIENT = {"oidc_client_id": "benchmark", "oidc_client_secret": token_urlsafe(), "public_url": NO_PROVIDER}
_NOBODY_SIGNS_IN: Mapping[str, Mapping[str, str]] = {
    "desk": _ISSUER | _CLIENT,
    "routing": _ISSUER,
    "archive": _ISSUER,
}
"""Services that staff come to do not start without a provider; none is asked, for nobody works here."""
_CITYS_OWN: Mapping[str, Mapping[str, str]] = {"intake": {"city_sources": '["/portal/applications"]'}}
"""The workload comes as the city's own."""


def database_of(service: str, password: str = "") -> ServiceDatabase:
    """The database of one service, the same name as in a city, on servers of our own."""
    return ServiceDatabase(service, f"madoguchi_{service}", f"madoguchi_{service}", password)


def _home(servers: Servers) -> Home:
    return home_of(LocalSettings(home=servers.folder))


async def prepare(servers: Servers) -> None:
    """Databases of this release, the topics, and keys."""
    keyrings.make_ahead(_home(servers), datetime.now(UTC))
    owned = tuple(database_of(name, servers.password) for name in SERVICES)
    await create_databases(servers.dsn, owned)
    await servers.topics(TOPICS)
    async with asyncio.TaskGroup() as tasks:
        for found in owned:
            tasks.create_task(bring_up(servers.dsn, found))


async def produce(servers: Servers, count: int) -> None:
    """Applications from their channel."""
    await asyncio.to_thread(workload.publish, servers.kafka, count)


def commands(servers: Servers, *, telemetry: bool) -> dict[str, Command]:
    """`python -m services.<name>.app run`."""
    return {name: _command(servers, name, telemetry=telemetry) for name in SERVICES}


async def progress(servers: Servers) -> Mapping[str, int]:
    """What intake has said, and the watermark of everyone who reads something of every application."""
    said = await servers.count(database_of("intake").name, _SAID)
    seen = {name: await _seen(servers, name) for name in SERVICES}
    return {"intake": said} | {
        f"{reader} < {topic.name}": seen[reader].get(topic.name, 0)
        for topic in SAID
        for reader in topic.readers
        if reader in SERVICES
    }


async def counters(servers: Servers) -> dict[str, int]:
    """Every table that must hold every application, and what must be nowhere: parked events, as `n` minus them."""
    found = {
        f"{name}: {what}": await servers.count(database_of(name).name, sql)
        for name in SERVICES
        for what, sql in _COUNTS[name].items()
    }
    parked = sum([await servers.count(database_of(name).name, _PARKED) for name in SERVICES])
    return found | {"intake: applications": found["intake: applications"] - parked}


async def _seen(servers: Servers, name: str) -> dict[str, int]:
    return {row[0]: row[1] for row in await servers.rows(database_of(name).name, _SEEN)}


def _command(servers: Servers, name: str, *, telemetry: bool) -> Command:
    prefix = f"MADOGUCHI_{name.upper()}"
    told = {
        "kafka_bootstrap": servers.kafka,
        "postgres_dsn": dsn_of(servers.dsn, database_of(name, servers.password)),
        "http_port": "0",
        "log_level": "info",
        **keyrings.addresses(_home(servers), name),
        **_NOBODY_SIGNS_IN.get(name, {}),
        **_CITYS_OWN.get(name, {}),
        **({"otlp_endpoint": servers.sink} if telemetry else {}),
    }
    environment = {f"{prefix}_{setting.upper()}": value for setting, value in told.items()}
    return Command((sys.executable, "-m", f"services.{name}.app", "run"), environment, ROOT)


PRODUCT = Rival(
    "product", prepare, produce, partial(commands, telemetry=True), progress, counters, limit=PATIENCE, exports=True
)
SILENT = Rival(
    "product-silent", prepare, produce, partial(commands, telemetry=False), progress, counters, limit=PATIENCE
)
