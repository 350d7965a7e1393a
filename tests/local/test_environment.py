"""What a service's process is told: its own settings, and nobody else's secrets."""

from pathlib import Path

import pytest

from chassis.broker import Broker
from deploy.grants import SERVICES
from deploy.local.services import Plan, environment_of

SECRETS = (
    "MADOGUCHI_KEYRING_PASSPHRASE",
    "MADOGUCHI_TOKEN",
    "MADOGUCHI_POSTGRES_DSN",
    "MADOGUCHI_KAFKA_PASSWORD",
    "MADOGUCHI_NOTIFY_SMTP_PASSWORD",
    "MADOGUCHI_INTAKE_TOKEN_KEY",
    "MADOGUCHI_INTAKE_PASSWORD",
)
SECRET = "postgresql://u" + ":sEcret@h/d"
"""In two parts: no login stands in a file, not even one that is none."""


def plan(home: Path) -> Plan:
    """Of servers without logins: nothing is started."""
    passwords = dict.fromkeys(SERVICES, "made")
    dsn = "postgresql://h/postgres"
    return Plan(
        settings={"home": str(home)},
        kafka=Broker("k:1"),
        postgres_dsn=dsn,
        smtp_url="",
        mail_folder=None,
        passwords=passwords,
    )


@pytest.mark.parametrize("service", ["intake", "routing", "notify", "archive"])
def test_a_service_inherits_no_secret_of_an_operator_or_of_another_service(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever makes back-ups of keys by a script has their passphrase in the environment that `madoguchi up` is started from."""
    for name in SECRETS:
        monkeypatch.setenv(name, SECRET)

    told = environment_of(plan(tmp_path), service, 1)

    assert {name for name, value in told.items() if value == SECRET} == {
        name for name in SECRETS if name.startswith(f"MADOGUCHI_{service.upper()}_")
    }


def test_what_an_operator_sets_for_a_service_reaches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADOGUCHI_ROUTING_LOG_LEVEL", "debug")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_on")

    told = environment_of(plan(tmp_path), "routing", 1)

    assert (told["MADOGUCHI_ROUTING_LOG_LEVEL"], told["OTEL_TRACES_SAMPLER"]) == ("debug", "always_on")
