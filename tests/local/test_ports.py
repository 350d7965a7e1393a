import socket
from collections.abc import Generator
from pathlib import Path

import pytest

from deploy.local import StackError, ports, status, up
from deploy.local.ports import choose, free_port
from deploy.local.services import ServiceNote
from deploy.local.supervisor import with_ports
from tests.local.conftest import settings_in, silent


@pytest.fixture
def taken() -> Generator[int]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_a_wanted_port_that_is_taken_is_refused_naming_the_variable(taken: int) -> None:
    with pytest.raises(StackError, match=rf"port {taken} is taken .* set MADOGUCHI_KAFKA_PORT"):
        choose("MADOGUCHI_KAFKA_PORT", wanted=taken, last=None)


def test_the_port_of_last_time_is_taken_again() -> None:
    port = free_port()

    assert choose("MADOGUCHI_KAFKA_PORT", wanted=None, last=port) == port


def test_a_port_of_last_time_that_somebody_else_took_is_given_up(taken: int) -> None:
    assert choose("MADOGUCHI_KAFKA_PORT", wanted=None, last=taken) != taken


def test_no_port_is_given_to_two_servers_though_neither_listens_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "HIGHEST", ports.LOWEST + 30)

    given = [free_port() for _ in range(15)]

    assert len(set(given)) == len(given)


def test_a_port_that_two_services_had_stays_with_one_of_them() -> None:
    had = {"desk": ServiceNote(port=27873, restarts=160), "notify": ServiceNote(port=27873), "intake": ServiceNote()}

    assert with_ports(had) == {"desk": ServiceNote(port=27873), "notify": ServiceNote(), "intake": ServiceNote()}


def test_up_refuses_a_taken_port(tmp_path: Path, taken: int) -> None:
    settings = settings_in(tmp_path).model_copy(
        update={"smtp_port": taken, "kafka_bootstrap": "127.0.0.1:1", "oidc_issuer": "http://127.0.0.1:1"}
    )
    settings = settings.model_validate({**settings.model_dump(), "postgres_dsn": "postgresql://127.0.0.1:1/none"})

    with pytest.raises(StackError, match="MADOGUCHI_SMTP_PORT"):
        up(settings, silent)

    assert [server.state for server in status(settings)] == ["yours", "yours", "stopped", "yours"]
