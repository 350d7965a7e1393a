"""What every command pays before it does anything, and whom the clients of this machine trust."""

import ssl
import subprocess
import sys

import pytest

from access.issuer import trust
from console.plain import PLAIN
from tests.conftest import ROOT


@pytest.mark.parametrize("module", ["console.city", "console.keys", "deploy.local.supervisor", "deploy.local.mail"])
def test_what_reads_where_a_city_is_loads_no_client_of_kafka_no_contract_and_nothing_of_keys(module: str) -> None:
    heavy = {"aiokafka", "confluent_kafka", "cryptography", "contracts.topics", "sealing", "fastapi", "opentelemetry"}
    program = f"import sys, {module}, deploy.local.services; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)

    assert set(done.stdout.split()) & heavy == set()


def test_a_client_of_this_machine_trusts_nobody_over_tls() -> None:
    assert (PLAIN.verify_mode, PLAIN.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert PLAIN.cert_store_stats()["x509"] == 0


def test_a_provider_is_checked_by_what_the_machine_trusts_which_is_read_once() -> None:
    assert (trust().verify_mode, trust().check_hostname) == (ssl.CERT_REQUIRED, True)
    assert trust() is trust()
