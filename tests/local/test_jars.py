import contextlib
import functools
import hashlib
import resource
import threading
from collections.abc import Generator, Mapping
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.local import StackError
from deploy.local.disk import DiskFull
from deploy.local.jars import Jar, ensure_jars, read_lock
from tests.local.conftest import silent

CONTENT = b"a jar"
PINNED = Jar("org.example", "thing", "1.0", hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def jars(tmp_path: Path) -> Path:
    (tmp_path / PINNED.file).write_bytes(CONTENT)
    return tmp_path


def test_jars_that_are_as_pinned_become_the_class_path_in_the_order_of_the_lock(jars: Path) -> None:
    assert ensure_jars(jars, silent, [PINNED]) == (jars / "thing-1.0.jar",)


def test_a_jar_with_another_hash_is_refused_by_name_with_what_to_do(jars: Path) -> None:
    (jars / PINNED.file).write_bytes(b"another jar")

    with pytest.raises(StackError, match=rf"thing-1\.0\.jar .* delete the folder {jars} and run again"):
        ensure_jars(jars, silent, [PINNED])


def test_a_jar_changed_after_it_was_verified_is_refused(jars: Path) -> None:
    ensure_jars(jars, silent, [PINNED])
    (jars / PINNED.file).write_bytes(b"A JAR")

    with pytest.raises(StackError, match=r"thing-1\.0\.jar"):
        ensure_jars(jars, silent, [PINNED])


def test_a_jar_is_verified_again_when_the_lock_pins_another_hash(jars: Path) -> None:
    ensure_jars(jars, silent, [PINNED])

    with pytest.raises(StackError, match=r"thing-1\.0\.jar"):
        ensure_jars(jars, silent, [Jar(PINNED.group, PINNED.artifact, PINNED.version, "0" * 64)])


def test_a_missing_jar_that_cannot_be_downloaded_is_named_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")

    with pytest.raises(
        StackError, match=r"thing-1\.0\.jar .*could not be downloaded.*\nCheck the network and run again"
    ):
        ensure_jars(tmp_path, silent, [PINNED])

    assert list(tmp_path.glob("*.jar")) == []


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as it is called there
        """Say nothing."""


@pytest.fixture
def repository(tmp_path: Path) -> Generator[tuple[Path, Mapping[str, str]]]:
    """The place of the pinned jar in a Maven repository on this machine, and how that is named."""
    folder = tmp_path / "maven" / "org" / "example" / "thing" / "1.0"
    folder.mkdir(parents=True)
    (folder / PINNED.file).write_bytes(CONTENT)
    handler = functools.partial(Silent, directory=str(tmp_path / "maven"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder / PINNED.file, {"here": f"http://127.0.0.1:{server.server_port}"}
        server.shutdown()


@contextlib.contextmanager
def files_at_most(size: int) -> Generator[None]:
    """No file of this process may grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_missing_jar_is_downloaded_and_nothing_else_is_left(
    tmp_path: Path, repository: tuple[Path, Mapping[str, str]]
) -> None:
    jars = tmp_path / "jars"

    assert ensure_jars(jars, silent, [PINNED], repository[1]) == (jars / PINNED.file,)
    assert sorted(path.name for path in jars.iterdir()) == [".lock", PINNED.file, "verified.json"]


def test_a_jar_that_arrives_with_another_hash_is_not_kept_and_the_words_name_only_what_can_be_done(
    tmp_path: Path, repository: tuple[Path, Mapping[str, str]]
) -> None:
    published, maven = repository
    published.write_bytes(b"another jar")
    jars = tmp_path / "jars"

    with pytest.raises(StackError) as raised:
        ensure_jars(jars, silent, [PINNED], maven)

    said = str(raised.value)
    assert said.startswith("What arrived as thing-1.0.jar (org.example:thing:1.0) is not the jar that kafka.lock pins")
    assert "Run again." in said
    assert f"put thing-1.0.jar from a machine where Madoguchi runs into {jars}" in said
    assert "MADOGUCHI_KAFKA_BOOTSTRAP" in said
    assert ".incoming" not in said
    assert [path.name for path in jars.iterdir()] == [".lock"]
    published.write_bytes(CONTENT)
    assert ensure_jars(jars, silent, [PINNED], maven) == (jars / PINNED.file,)


def test_a_jar_that_cannot_be_written_is_no_matter_of_the_network(
    tmp_path: Path, repository: tuple[Path, Mapping[str, str]]
) -> None:
    published, maven = repository
    published.write_bytes(bytes(200_000))
    jars = tmp_path / "jars"

    with pytest.raises(DiskFull) as raised, files_at_most(100_000):
        ensure_jars(jars, silent, [PINNED], maven)

    assert f"A file in {jars} may not grow any more" in str(raised.value)
    assert "network" not in str(raised.value)
    assert [path.name for path in jars.iterdir()] == [".lock"]


def test_the_lock_pins_the_broker_and_every_jar_by_a_whole_sha256() -> None:
    jars = read_lock()

    assert [jar.version for jar in jars if jar.artifact == "kafka_2.13"] == ["4.3.1"]
    assert {len(jar.sha256) for jar in jars} == {64}
    assert len({jar.file for jar in jars}) == len(jars)
