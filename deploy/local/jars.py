"""The jars of Apache Kafka: exactly those in `kafka.lock`, each by its SHA-256."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from deploy.local.disk import blamed, is_full
from deploy.local.home import Say, StackError, locked

LOCK = Path(__file__).parent / "kafka.lock"
AT_ONCE = 4
TIMEOUT = 30

Verified = dict[str, tuple[str, int, int]]
"""Of every jar found right: SHA-256, and the size and time of change by which a later start sees that it still is."""

VERIFIED = TypeAdapter(Verified)


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock file."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def coordinate(self) -> str:
        """The name in full."""
        return f"{self.group}:{self.artifact}:{self.version}"

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.artifact}-{self.version}.jar"


def read_lock(path: Path = LOCK) -> tuple[Jar, ...]:
    """Every jar that belongs on the class path."""
    return tuple(_jar(line) for line in path.read_text().splitlines() if line and not line.startswith("#"))


def ensure_jars(
    folder: Path, say: Say, pinned: Sequence[Jar], repositories: Mapping[str, str] | None = None
) -> tuple[Path, ...]:
    """The `pinned` jars in `folder`: missing ones are downloaded, all are verified unless unchanged since.

    `repositories` are Maven repositories (address by name) in place of the public one. Raises StackError.
    """
    with blamed(folder, "MADOGUCHI_JARS"):
        return _ensure(folder, say, pinned, repositories)


def _ensure(folder: Path, say: Say, pinned: Sequence[Jar], repositories: Mapping[str, str] | None) -> tuple[Path, ...]:
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / ".lock", say):
        _download([jar for jar in pinned if not (folder / jar.file).exists()], folder, say, repositories)
        known = _read_verified(folder)
        found = {jar.file: _verify(folder / jar.file, jar, known) for jar in pinned}
        if found != known:
            (folder / "verified.json").write_bytes(VERIFIED.dump_json(found))
    return tuple(folder / jar.file for jar in pinned)


def _jar(line: str) -> Jar:
    coordinate, sha256 = line.split()
    group, artifact, version = coordinate.split(":")
    return Jar(group, artifact, version, sha256)


def _read_verified(folder: Path) -> Verified:
    try:
        return VERIFIED.validate_json((folder / "verified.json").read_bytes())
    except (FileNotFoundError, ValidationError):
        return {}


def _verify(path: Path, jar: Jar, known: Verified) -> tuple[str, int, int]:
    stat = path.stat()
    expected = (jar.sha256, stat.st_size, stat.st_mtime_ns)
    if known.get(jar.file) != expected:
        _check(path, jar)
    return expected


def _check(path: Path, jar: Jar) -> None:
    if wrong := _differs(path, jar):
        message = (
            f"{jar.file} is not the jar that kafka.lock pins ({wrong}): delete the folder {path.parent} and run again"
        )
        raise StackError(message)


def _check_arrived(path: Path, jar: Jar, folder: Path) -> None:
    """It is not kept, so there is nothing to delete: what can be mended is where it came from, or another way for it to come."""
    if wrong := _differs(path, jar):
        message = (
            f"What arrived as {jar.file} ({jar.coordinate}) is not the jar that kafka.lock pins ({wrong}); it was not kept. Run again. "
            "When it arrives so once more, a proxy or mirror between here and the Maven repository gives out another file: ask whoever "
            f"runs it, or put {jar.file} from a machine where Madoguchi runs into {folder}, or set MADOGUCHI_KAFKA_BOOTSTRAP "
            "to a Kafka that you have"
        )
        raise StackError(message)


def _differs(path: Path, jar: Jar) -> str | None:
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    return None if actual == jar.sha256 else f"SHA-256 {actual} instead of {jar.sha256}"


def _download(missing: Sequence[Jar], folder: Path, say: Say, repositories: Mapping[str, str] | None) -> None:
    """Fetch into `.incoming` and move each jar over once it is right, so that a broken download leaves nothing."""
    if not missing:
        return
    say(f"downloading {len(missing)} jars of Apache Kafka (about 44 MB in all, once)")
    incoming = folder / ".incoming"
    shutil.rmtree(incoming, ignore_errors=True)
    fetch = partial(_fetch, incoming=incoming, folder=folder, repositories=repositories)
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for number, jar in enumerate(pool.map(fetch, missing), start=1):
                say(f"{number}/{len(missing)} {jar.file}")
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _fetch(jar: Jar, *, incoming: Path, folder: Path, repositories: Mapping[str, str] | None) -> Jar:
    from jgo.maven import MavenContext

    context = MavenContext(
        repo_cache=incoming, timeout=TIMEOUT, remote_repos=dict(repositories) if repositories else None
    )
    try:
        path = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    except (OSError, RuntimeError) as error:
        if isinstance(error, OSError) and is_full(error):
            raise
        message = (
            f"{jar.file} ({jar.coordinate}) could not be downloaded: {error}\n"
            f"Check the network and run again; what has arrived in {folder} is kept"
        )
        raise StackError(message) from error
    _check_arrived(path, jar, folder)
    path.replace(folder / jar.file)
    return jar
