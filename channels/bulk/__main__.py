"""`python -m channels.bulk FILE --mapping NAME --kafka HOST:PORT`."""

import argparse
import asyncio
import ssl
import sys
from pathlib import Path
from typing import Any

from channels.bulk.errors import BulkError
from channels.bulk.importing import import_file
from channels.bulk.mapping import known_mappings

_EXAMPLE = """\
example:
  python -m channels.bulk requests.csv.gz --mapping boston --kafka 127.0.0.1:9092 --seal file:///srv/edge/public

Running it again for the same file changes nothing: every row is counted once.
"""


def main(arguments: list[str] | None = None) -> int:
    """Import one file; 0 when every row is published, 1 when not."""
    chosen = _parser().parse_args(arguments)
    try:
        done = asyncio.run(
            import_file(
                chosen.file,
                chosen.mapping,
                _client(chosen),
                _progress,
                keyring=chosen.seal,
                rows=chosen.rows,
                on_trouble=_say,
            )
        )
    except BulkError as error:
        _say(str(error))
        return 1
    speed = done.published / done.seconds
    sys.stdout.write(f"{done.published} rows published as {done.source} in {done.seconds:.1f} s ({speed:.0f}/s)\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m channels.bulk",
        description="Publish a city's service requests, a CSV file (plain or gzip), as applications.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, help="the CSV file, with a header row")
    parser.add_argument("--mapping", required=True, help=f"what its columns mean: {', '.join(known_mappings())}")
    parser.add_argument("--kafka", required=True, metavar="HOST:PORT", help="a Kafka broker")
    parser.add_argument(
        "--seal", metavar="ADDRESS", help="the city's public keys for the edge: names and addresses are sealed by them"
    )
    parser.add_argument("--user", help="this channel's login there, by SCRAM-SHA-512")
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="its password, on the first line")
    parser.add_argument("--tls", action="store_true", help="encrypted, the broker's certificate checked")
    parser.add_argument("--ca", metavar="FILE", help="with --tls: PEM of what signs it; else what this machine trusts")
    parser.add_argument("--rows", type=int, metavar="N", help="stop after so many rows")
    return parser


def _client(chosen: argparse.Namespace) -> dict[str, Any]:
    """The settings of an aiokafka client."""
    if not chosen.user:
        return {"bootstrap_servers": chosen.kafka}
    return {
        "bootstrap_servers": chosen.kafka,
        "security_protocol": "SASL_SSL" if chosen.tls else "SASL_PLAINTEXT",
        "ssl_context": ssl.create_default_context(cafile=chosen.ca) if chosen.tls else None,
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": chosen.user,
        "sasl_plain_password": chosen.password_file.read_text(encoding="utf-8").splitlines()[0],
    }


def _progress(rows: int, bytes_read: int, bytes_total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{rows} rows, {100 * bytes_read // max(bytes_total, 1)} % of the file")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
