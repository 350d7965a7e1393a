"""Where the data of the local servers lives, and the settings that say so."""

import fcntl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.addresses import Dsn
from chassis.broker import Broker, Mechanism, Security
from deploy.local.addresses import Bootstrap, Port

Say = Callable[[str], None]


class StackError(Exception):
    """A local server cannot be had; the message says what went wrong and what to do."""


def project_home() -> Path:
    """`.madoguchi` beside the nearest `pyproject.toml` above the current folder, else in the current folder."""
    here = Path.cwd()
    root = next((folder for folder in (here, *here.parents) if (folder / "pyproject.toml").exists()), here)
    return root / ".madoguchi"


class LocalSettings(BaseSettings):
    """What of the local servers can be set, each as `MADOGUCHI_<NAME>`; a server given by address is not started."""

    model_config = SettingsConfigDict(env_prefix="MADOGUCHI_", extra="ignore", env_ignore_empty=True)

    home: Path = Field(default_factory=project_home)
    jars: Path | None = None
    kafka_bootstrap: Bootstrap | None = None
    kafka_security: Security = "PLAINTEXT"
    kafka_user: str = ""
    kafka_password: SecretStr = SecretStr("")
    kafka_ca: str | None = None
    kafka_mechanism: Mechanism = "SCRAM-SHA-512"
    postgres_dsn: Dsn | None = None
    smtp_url: str | None = None
    kafka_port: Port | None = None
    kafka_open: bool = False
    """Let everybody into our own broker without a login: for measuring programs of others beside ours, nothing else."""
    kafka_tls: bool = True
    """Whether our own broker speaks TLS; not where everybody may enter it."""
    postgres_port: Port | None = None
    postgres_options: str = ""
    """Settings of our own PostgreSQL in place of ours, such as `fsync=off shared_buffers=1GB`."""
    smtp_port: Port | None = None
    oidc_issuer: str | None = None
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_port: Port | None = None
    java_options: str = "-Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
    """Of the broker: one that serves a laptop for minutes starts with half the CPU (3.4 s of 6.6) when it compiles once."""

    @property
    def broker(self) -> Broker | None:
        """A Kafka of your own, as its administrator; without a login nobody has one, and there are no ACLs."""
        if self.kafka_bootstrap is None:
            return None
        password = self.kafka_password.get_secret_value()
        return Broker(
            self.kafka_bootstrap, self.kafka_security, self.kafka_user, password, self.kafka_ca, self.kafka_mechanism
        )


@dataclass(frozen=True, slots=True)
class Home:
    """The one folder with everything the local servers keep."""

    root: Path
    postgres: Path
    kafka: Path
    jars: Path
    mail: Path
    log: Path
    run: Path
    keyring: Path
    edge_keyring: Path
    number_keyring: Path
    identity: Path
    certificates: Path


@dataclass(frozen=True, slots=True)
class Certificates:
    """Where they are. `authority` is what clients are given; the other two are for their owner, key and certificate in one file."""

    authority: Path
    signing: Path
    server: Path


def certificates_in(folder: Path) -> Certificates:
    """The files of a folder of certificates, whether or not they are there."""
    return Certificates(folder / "ca.pem", folder / "ca-key.pem", folder / "kafka.pem")


def home_of(settings: LocalSettings) -> Home:
    """The folders that `settings` name, as absolute paths; nothing is created."""
    root = settings.home.expanduser().resolve()
    jars = settings.jars.expanduser().resolve() if settings.jars else root / "jars"
    return Home(
        root=root,
        postgres=root / "postgres",
        kafka=root / "kafka",
        jars=jars,
        mail=root / "mail",
        log=root / "log",
        run=root / "run",
        keyring=root / "keyring",
        edge_keyring=root / "keyring-edge",
        number_keyring=root / "keyring-numbers",
        identity=root / "identity",
        certificates=root / "certificates",
    )


def prepare(home: Home) -> None:
    """Create the folders that are written to."""
    try:
        for folder in (home.root, home.jars, home.log, home.run):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"cannot create {error.filename} ({error.strerror}): set MADOGUCHI_HOME to a folder you may write to"
        raise StackError(message) from error


@contextmanager
def locked(path: Path, say: Say) -> Generator[None]:
    """Hold the lock file `path`; the kernel lets go of it however this process ends."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another command is at work here: waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
