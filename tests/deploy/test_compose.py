"""docker-compose.yml beside the specification, the settings classes, `deploy.prepare` and the local broker."""

import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis.settings import ServiceSettings
from deploy import prepare
from deploy.databases import dsn_of
from deploy.grants import SERVICES
from deploy.local import kafka
from tests.deploy.reading import EXAMPLE, FILE, ROOT, compose, container, environment, example, variables
from tests.deploy.test_kafka import property_of

PREFIX = "MADOGUCHI_"
OURS = (*SERVICES, "prepare", "mail")


def settings_of(service: str) -> type[ServiceSettings]:
    return import_module(f"services.{service}.settings").Settings


def fields_in(name: str, prefix: str) -> dict[str, str]:
    """What a container is told, by the names of the fields; a variable without the prefix keeps its name."""
    return {key.removeprefix(prefix).lower(): value for key, value in environment(name).items()}


def test_the_file_is_valid_by_the_schema_of_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_docker_compose_reads_the_file(tmp_path: Path) -> None:
    if (
        not shutil.which("docker")
        or subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip("the Compose plugin of docker is not installed here")
    filled = tmp_path / "env"
    filled.write_text("".join(f"{name}={value}\n" for name, value in example().items()))

    done = subprocess.run(
        ["docker", "compose", "--env-file", str(filled), "--file", str(FILE), "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_told_all_it_must_know_and_nothing_it_does_not_read(service: str) -> None:
    settings = settings_of(service)
    told = fields_in(service, str(settings.model_config.get("env_prefix")))

    assert told.keys() <= settings.model_fields.keys()
    assert {name for name, field in settings.model_fields.items() if field.is_required()} <= told.keys()
    settings.model_validate(told)


def test_preparing_is_told_all_it_must_know_and_nothing_it_does_not_read() -> None:
    told = fields_in("prepare", PREFIX)

    assert told.keys() <= prepare.Settings.model_fields.keys()
    assert {name for name, field in prepare.Settings.model_fields.items() if field.is_required()} <= told.keys()
    prepare.Settings.model_validate(told)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_enters_the_database_that_preparing_makes_for_it(service: str) -> None:
    settings = prepare.Settings.model_validate(fields_in("prepare", PREFIX))
    made = next(found for found in settings.databases() if found.service == service)

    told = fields_in(service, f"{PREFIX}{service.upper()}_")

    assert told["postgres_dsn"] == dsn_of(settings.postgres_dsn.get_secret_value(), made)


@pytest.mark.parametrize("name", [*SERVICES, "prepare"])
def test_everybody_finds_kafka_where_it_says_it_is(name: str) -> None:
    prefix = PREFIX if name == "prepare" else f"{PREFIX}{name.upper()}_"

    assert (
        f"BROKER://{fields_in(name, prefix)['kafka_bootstrap']}" == environment("kafka")["KAFKA_ADVERTISED_LISTENERS"]
    )
    assert container("kafka")["hostname"] == "kafka"
    assert fields_in(name, prefix)["kafka_security"] == "SASL_PLAINTEXT"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_enters_kafka_with_the_login_that_preparing_makes_for_it(service: str) -> None:
    passwords = prepare.Settings.model_validate(fields_in("prepare", PREFIX)).passwords()

    told = fields_in(service, f"{PREFIX}{service.upper()}_")

    assert (told["kafka_user"], told["kafka_password"]) == (service, passwords[service])


def test_kafka_is_set_up_as_the_local_broker_that_all_tests_run_on() -> None:
    told = {property_of(key): value for key, value in environment("kafka").items()}
    one_node = (".replication.factor", ".min.isr", ".enable", ".listener.names", ".roles")
    guarded = {
        key for key in kafka.SETTINGS if any(word in key for word in ("security", "sasl", "super", "acl", "auth"))
    }
    password = environment("prepare")["MADOGUCHI_KAFKA_PASSWORD"]

    assert {key: told.get(key) for key in guarded} == {key: kafka.SETTINGS[key] for key in guarded}
    assert len(guarded) == 9
    for listener in ("broker", "controller"):
        assert told[f"listener.name.{listener}.plain.sasl.jaas.config"] == kafka.jaas(password)
    assert {key: told.get(key) for key in kafka.SETTINGS if key.endswith(one_node)} == {
        key: value for key, value in kafka.SETTINGS.items() if key.endswith(one_node)
    }
    assert told["log.dirs"] == "/var/lib/kafka/data"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_when_the_servers_are_healthy_and_all_is_prepared(service: str) -> None:
    assert container(service)["depends_on"] == {
        "kafka": {"condition": "service_healthy"},
        "postgres": {"condition": "service_healthy"},
        "prepare": {"condition": "service_completed_successfully"},
    }


def test_preparing_starts_when_the_servers_are_healthy_and_is_done_once() -> None:
    assert container("prepare")["depends_on"] == {
        "kafka": {"condition": "service_healthy"},
        "postgres": {"condition": "service_healthy"},
    }
    assert container("prepare")["restart"] == "no"


def test_whatever_runs_on_says_how_it_is_and_comes_back() -> None:
    running = {name: found for name, found in compose()["services"].items() if name != "prepare"}

    assert {name for name, found in running.items() if "healthcheck" not in found} == {"collector"}  # it has no shell
    assert {found["restart"] for found in running.values()} == {"unless-stopped"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_asked_for_its_health_where_it_listens(service: str) -> None:
    port = fields_in(service, f"{PREFIX}{service.upper()}_")["http_port"]

    assert f"http://127.0.0.1:{port}/health/ready" in container(service)["healthcheck"]["test"][-1]


def test_only_intake_and_desk_are_published_on_this_host_alone_at_the_port_they_listen_on() -> None:
    published = {name: found["ports"] for name, found in compose()["services"].items() if "ports" in found}

    assert published.keys() == {"intake", "desk"}
    for name, ports in published.items():
        told = fields_in(name, f"{PREFIX}{name.upper()}_")
        address, _, inside = ports[0].rsplit(":", 2)
        assert (len(ports), address, inside, told["http_host"]) == (1, "127.0.0.1", told["http_port"], "0.0.0.0")


def test_every_volume_is_declared_and_used() -> None:
    used = [volume.split(":")[0] for found in compose()["services"].values() for volume in found.get("volumes", ())]

    assert {name for name in used if not name.startswith(".")} == set(compose()["volumes"])
    assert all((ROOT / name).is_file() for name in used if name.startswith("."))


@pytest.mark.parametrize("service", SERVICES)
def test_a_folder_that_a_service_must_be_told_is_on_a_volume(service: str) -> None:
    settings = settings_of(service)
    told = fields_in(service, str(settings.model_config.get("env_prefix")))
    folders = [told[name] for name, field in settings.model_fields.items() if field.annotation is Path and name in told]
    mounts = [volume.split(":")[1] for volume in container(service).get("volumes", ())]

    assert all(any(Path(folder).is_relative_to(mount) for mount in mounts) for folder in folders)


HALVES = {
    "intake": {"keyring-public:ro", "edge-public:ro", "edge-private:ro", "numbers-public:ro"},
    "routing": set[str](),
    "desk": {"keyring-public:ro", "keyring-private:ro", "numbers-private:ro"},
    "notify": {"keyring-private:ro"},
    "archive": set[str](),
}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_holds_the_halves_of_keyrings_it_may_use_and_writes_none(service: str) -> None:
    volumes = [volume.split(":") for volume in container(service).get("volumes", ())]

    assert {f"{name}:{how}" for name, _, how in volumes} == HALVES[service]
    told = {value.removeprefix("file://") for name, value in environment(service).items() if name.endswith("KEYRING")}
    named = {
        place if place in told else place.rpartition("/")[0] for _, place, _ in volumes
    }  # a half, or what holds both
    assert named == told


def test_postgres_keeps_its_data_where_the_image_has_it_since_18() -> None:
    assert container("postgres")["image"] == "postgres:18"
    assert container("postgres")["volumes"] == ["postgres:/var/lib/postgresql"]


def test_every_image_has_a_version() -> None:
    tags = [found["image"].partition(":")[2] for found in compose()["services"].values()]
    bases = [line.split()[1] for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("FROM ")]

    assert all(tag and tag != "latest" for tag in tags)
    assert set(bases) == {"python:3.11-slim-bookworm"}


@pytest.mark.parametrize("name", OURS)
def test_our_containers_may_do_and_write_as_little_as_possible(name: str) -> None:
    found = container(name)

    assert (found["read_only"], found["cap_drop"]) == (True, ["ALL"])
    assert found["security_opt"] == ["no-new-privileges:true"]


def test_the_example_names_every_variable_and_leaves_every_secret_empty() -> None:
    required = {name for name, kind in variables().items() if kind == "?"}
    optional = {name for name, kind in variables().items() if kind == "-"}

    assert example().keys() == required
    sign_in = {f"{PREFIX}{name}" for name in ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "DESK_PUBLIC_URL")}
    assert {name for name in variables() if name.endswith("_PASSWORD")} == required - sign_in
    assert all(f"#{name}=" in EXAMPLE.read_text() for name in optional)


def test_telemetry_goes_where_the_collector_listens() -> None:
    config: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose/collector.yaml").read_text())
    port = config["receivers"]["otlp"]["protocols"]["http"]["endpoint"].rpartition(":")[2]

    told = {fields_in(service, f"{PREFIX}{service.upper()}_")["otlp_endpoint"] for service in SERVICES}

    assert told == {f"http://collector:{port}"}
    for pipeline in config["service"]["pipelines"].values():
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= config[kind].keys()


def test_mail_goes_where_the_mail_catcher_listens() -> None:
    command = container("mail")["command"]

    assert environment("notify")["MADOGUCHI_NOTIFY_SMTP_URL"] == f"smtp://mail:{command[command.index('--port') + 1]}"
    assert container("mail")["volumes"] == [f"mail:{command[command.index('--folder') + 1]}"]
