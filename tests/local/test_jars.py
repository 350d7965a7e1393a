import hashlib
from pathlib import Path

import pytest

from deploy.local import StackError
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


def test_the_lock_pins_the_broker_and_every_jar_by_a_whole_sha256() -> None:
    jars = read_lock()

    assert [jar.version for jar in jars if jar.artifact == "kafka_2.13"] == ["4.3.1"]
    assert {len(jar.sha256) for jar in jars} == {64}
    assert len({jar.file for jar in jars}) == len(jars)
