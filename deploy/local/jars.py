"""The jars of Apache Kafka: exactly those in `kafka.lock`, each by its SHA-256."""

import hashlib
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

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


def ensure_jars(folder: Path, say: Say, pinned: Sequence[Jar]) -> tuple[Path, ...]:
    """The `pinned` jars in `folder`: missing ones are downloaded, all are verified unless unchanged since."""
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / ".lock", say):
        _download([jar for jar in pinned if not (folder / jar.file).exists()], folder, say)
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
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != jar.sha256:
        message = (
            f"{jar.file} is not the jar that kafka.lock pins (SHA-256 {actual} instead of {jar.sha256}): "
            f"delete the folder {path.parent} and run again"
        )
        raise StackError(message)


def _download(missing: Sequence[Jar], folder: Path, say: Say) -> None:
    """Fetch into `.incoming` and move each jar over once it is right, so that a broken download leaves nothing."""
    if not missing:
        return
    say(f"downloading {len(missing)} jars of Apache Kafka (about 44 MB in all, once)")
    incoming = folder / ".incoming"
    shutil.rmtree(incoming, ignore_errors=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        fetched = pool.map(partial(_fetch, incoming=incoming, folder=folder), missing)
        for number, jar in enumerate(fetched, start=1):
            say(f"{number}/{len(missing)} {jar.file}")
    shutil.rmtree(incoming, ignore_errors=True)


def _fetch(jar: Jar, *, incoming: Path, folder: Path) -> Jar:
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=incoming, timeout=TIMEOUT)
    try:
        path = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    except (OSError, RuntimeError) as error:
        message = (
            f"{jar.file} ({jar.coordinate}) could not be downloaded: {error}\n"
            f"Check the network and run again; what has arrived in {folder} is kept"
        )
        raise StackError(message) from error
    _check(path, jar)
    path.replace(folder / jar.file)
    return jar
