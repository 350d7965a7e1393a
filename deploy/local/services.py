"""The five services as processes of this machine: what each is told, where it listens, how it is found again.

`supervisor` keeps them running; this module is what the supervisor and whoever starts or asks it have in common.
"""

import http.client
import json
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import psutil
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from chassis.broker import Broker
from deploy.databases import ServiceDatabase, dsn_of
from deploy.grants import SERVICES
from deploy.local import identity, keyrings
from deploy.local.home import Home, LocalSettings, StackError, home_of
from deploy.local.process import alive, write_private
from deploy.local.stack import Stack
from deploy.principals import PRINCIPALS

PACKAGES = Path(__file__).parents[2]
SUPERVISOR = "deploy.local.supervisor"

State = Literal["ready", "waiting", "starting", "stopped"]


@dataclass(frozen=True, slots=True)
class ServiceNote:
    """What `run/services.json` says of one service; the port stays when it stops."""

    pid: int = 0
    port: int = 0
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class ServiceState:
    """One service as it is now; `waiting` names what it is not ready for."""

    name: str
    state: State
    note: ServiceNote
    waiting: tuple[str, ...] = ()


class Plan(BaseModel):
    """What the supervisor must know, kept in `run/city.json`, readable by its owner only."""

    model_config = ConfigDict(frozen=True)

    settings: dict[str, Any]
    kafka: Broker = Broker("")
    postgres_dsn: str
    smtp_url: str
    mail_folder: Path | None
    issuer: str = ""
    passwords: dict[str, str]

    def local(self) -> LocalSettings:
        """The settings that the servers were started with, whatever the environment says now."""
        return LocalSettings(**self.settings)

    def dsn(self, service: str) -> str:
        """Where a service keeps its state, as its own role."""
        return dsn_of(self.postgres_dsn, database_of(service, self.passwords[service]))

    def broker(self, user: str) -> Broker:
        """Kafka as one of those who have a login; without any where nobody has one."""
        if self.kafka.security == "PLAINTEXT":
            return self.kafka
        return replace(self.kafka, user=user, password=self.passwords[user], mechanism="SCRAM-SHA-512")


NOTES = TypeAdapter(dict[str, ServiceNote])
PASSWORDS = TypeAdapter(dict[str, str])


def plan_of(settings: LocalSettings, stack: Stack, passwords: Mapping[str, str]) -> Plan:
    """The plan for servers that run."""
    dsn = settings.postgres_dsn.get_secret_value() if settings.postgres_dsn else None
    password, secret = settings.kafka_password.get_secret_value(), settings.oidc_client_secret.get_secret_value()
    return Plan(
        settings=settings.model_dump(mode="json")
        | {
            "postgres_dsn": dsn,
            "kafka_password": password,
            "oidc_client_secret": secret,
            "home": str(home_of(settings).root),
        },
        kafka=stack.kafka,
        postgres_dsn=stack.postgres_dsn,
        smtp_url=stack.smtp_url,
        mail_folder=stack.mail_folder,
        issuer=stack.issuer,
        passwords=dict(passwords),
    )


def plan_path(home: Home) -> Path:
    """Where the plan is kept; a supervisor is recognised by it among its arguments."""
    return home.run / "city.json"


def read_plan(home: Home) -> Plan | None:
    """The plan, if a city was ever started here."""
    try:
        return Plan.model_validate_json(plan_path(home).read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        message = f"{plan_path(home)} is damaged: delete it and run `madoguchi up`"
        raise StackError(message) from error


def write_plan(home: Home, plan: Plan) -> None:
    """Replace the plan, and the password file for whoever wants to look into a database with `psql`."""
    write_private(password_file(home), "".join(map(_pgpass, map(plan.dsn, SERVICES))).encode())
    write_private(plan_path(home), plan.model_dump_json(indent=2).encode())


def password_file(home: Home) -> Path:
    """In the format of PGPASSFILE."""
    return home.run / "pgpass"


def _pgpass(dsn: str) -> str:
    parts = urlsplit(dsn)
    return f"{parts.hostname}:{parts.port or 5432}:{parts.path.strip('/')}:{parts.username}:{parts.password}\n"


def read_notes(home: Home) -> dict[str, ServiceNote]:
    """What is noted of every service; an empty note where nothing is."""
    try:
        found = NOTES.validate_json((home.run / "services.json").read_bytes())
    except (FileNotFoundError, ValidationError):
        found = {}
    return {name: found.get(name, ServiceNote()) for name in SERVICES}


def write_notes(home: Home, notes: Mapping[str, ServiceNote]) -> None:
    """Replace the notes."""
    write_private(home.run / "services.json", NOTES.dump_json(dict(notes), indent=2))


def passwords_in(home: Home) -> dict[str, str]:
    """The password of every service and of who else has a login, made up once and kept in `run/databases.json`.

    A service has one password, of its role in PostgreSQL and its login on Kafka: one process holds both.
    """
    path = home.run / "databases.json"
    kept = PASSWORDS.validate_json(path.read_bytes()) if path.exists() else {}
    missing = {name: secrets.token_urlsafe(24) for name in PRINCIPALS if name not in kept}
    if missing:
        write_private(path, PASSWORDS.dump_json(kept | missing, indent=2))
    return kept | missing


def database_of(service: str, password: str) -> ServiceDatabase:
    """The database and the role of a service."""
    return ServiceDatabase(service, f"madoguchi_{service}", f"madoguchi_{service}", password)


def mark_of(home: Home, service: str) -> Path:
    """What a service's process is recognised by among its arguments; the service itself ignores it."""
    return home.run / f"{service}.service"


def command_of(home: Home, service: str) -> list[str]:
    """How a service is started."""
    return [sys.executable, "-m", f"services.{service}.app", "run", str(mark_of(home, service))]


def environment_of(plan: Plan, service: str, port: int) -> dict[str, str]:
    """The environment of a service: this one's, and what the service must know.

    Not what is for the administrator (the address of the databases, the passphrase of back-ups of keys) or for another service.
    """
    prefix, broker = f"MADOGUCHI_{service.upper()}_", plan.broker(service)
    inherited = {
        name: value
        for name, value in os.environ.items()  # noqa: TID251  a child's environment, nothing is read from it
        if name.startswith(prefix) or not name.startswith("MADOGUCHI_")
    }
    told = {**keyrings.addresses(home_of(plan.local()), service), **sign_in_of(plan, service, port)}
    authority = {f"{prefix}KAFKA_CA": broker.ca} if broker.ca else {}
    return (
        inherited
        | authority
        | {
            "PYTHONPATH": str(PACKAGES),
            f"{prefix}KAFKA_BOOTSTRAP": broker.bootstrap,
            f"{prefix}KAFKA_SECURITY": broker.security,
            f"{prefix}KAFKA_USER": broker.user,
            f"{prefix}KAFKA_PASSWORD": broker.password,
            f"{prefix}POSTGRES_DSN": plan.dsn(service),
            f"{prefix}HTTP_PORT": str(port),
            "MADOGUCHI_NOTIFY_SMTP_URL": plan.smtp_url,
        }
        | {f"{prefix}{name.upper()}": value for name, value in told.items()}
    )


def sign_in_of(plan: Plan, service: str, port: int) -> Mapping[str, str]:
    """What a service is told of the provider: the desk, as its client, all that signing in needs; others whose tokens they believe."""
    if service in identity.BELIEVE_TOKENS:
        return {"oidc_issuer": plan.issuer}
    if service != "desk":
        return {}
    told = identity.client_of(home_of(plan.local()), plan.local(), plan.issuer)
    return {**told, "public_url": f"http://127.0.0.1:{port}"}


def supervisors(home: Home) -> list[int]:
    """The supervisors that work for this home: one, or none."""
    return _find(SUPERVISOR, plan_path(home))


def processes_of(home: Home, service: str) -> list[int]:
    """The processes of a service, whether or not anybody noted them: a killed supervisor leaves some behind."""
    return _find(f"services.{service}.app", mark_of(home, service))


def _find(module: str, mark: Path) -> list[int]:
    wanted = {module, str(mark)}
    found = psutil.process_iter(["cmdline", "status"])
    return [
        process.pid
        for process in found
        if process.info["status"] != psutil.STATUS_ZOMBIE and wanted <= set(process.info["cmdline"] or ())
    ]


def service_states(home: Home) -> list[ServiceState]:
    """Every service as it is now."""
    return [_state(home, name, note) for name, note in read_notes(home).items()]


def _state(home: Home, name: str, note: ServiceNote) -> ServiceState:
    if not alive(note.pid, mark_of(home, name)):
        return ServiceState(name, "stopped", note)
    status, waiting = _ask(note.port)
    return ServiceState(
        name, "ready" if status == http.client.OK else "waiting" if status else "starting", note, waiting
    )


def _ask(port: int) -> tuple[int, tuple[str, ...]]:
    """The answer of `/health/ready`: status and what is waited for; status 0 when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        return answer.status, tuple(json.loads(answer.read()).get("waiting", ()))
    except (OSError, http.client.HTTPException, ValueError):
        return 0, ()
    finally:
        connection.close()
