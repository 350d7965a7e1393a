"""HTTP servers of a few lines, for the errors that an emulator does not make, and for a Vault."""

import base64
import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Said = tuple[int, dict[str, Any]]
Answer = Callable[[str, str, dict[str, str], bytes], Said]
"""(method, path, headers in lower case, body) → (status, JSON)."""


@contextmanager
def speaking(answer: Answer) -> Generator[str]:
    """A server at host:port that answers so."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, said = answer(self.command, self.path, headers, body)
            content = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_PUT = do_GET = do_POST  # noqa: N815  http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name above
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class Transit:
    """Vault's Transit engine as its API is published: paths, headers, bodies, the words of its errors.

    developer.hashicorp.com/vault/api-docs/secret/transit; the words from sdk/helper/keysutil/policy.go and builtin/logical/transit.
    """

    def __init__(self, token: str) -> None:
        self.policies: dict[str, set[str] | None] = {token: None}
        self.keys: dict[str, list[bytes]] = {}
        self.oldest = 1
        self.instead: Said | None = None
        self.namespaces: list[str | None] = []

    def __call__(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Said:
        self.namespaces.append(headers.get("x-vault-namespace"))
        if self.instead:
            return self.instead
        match [method, *path.removeprefix("/v1/").split("/")]:
            case ["POST" | "PUT", "transit", "datakey", "plaintext", name]:
                return self._allowed(headers, f"datakey {name}") or self._datakey(name, json.loads(body))
            case ["POST" | "PUT", "transit", "decrypt", name]:
                return self._allowed(headers, f"decrypt {name}") or self._decrypt(name, json.loads(body))
            case _:
                return errors(404, f'no handler for route "{path}". route entry not found.')

    def rotate(self, name: str) -> None:
        self.keys.setdefault(name, []).append(AESGCM.generate_key(256))

    def _allowed(self, headers: dict[str, str], what: str) -> Said | None:
        token = headers.get("x-vault-token", "")
        if headers.get("x-vault-request") != "true" or token not in self.policies:
            return errors(403, "permission denied")
        policy = self.policies[token]
        allowed = policy is None or any(what.startswith(start) for start in policy)
        return None if allowed else errors(403, "1 error occurred:\n\t* permission denied\n\n")

    def _datakey(self, name: str, body: dict[str, Any]) -> Said:
        # What datakey does not know it ignores, as Vault does; nothing of ours may rely on it.
        assert set(body) <= {"context", "nonce", "bits", "padding_scheme"}, body
        if name not in self.keys:
            return errors(400, "encryption key not found")
        version, secret, nonce = len(self.keys[name]), AESGCM.generate_key(256), AESGCM.generate_key(128)[:12]
        text = base64.b64encode(secret)
        sealed = base64.b64encode(nonce + AESGCM(self.keys[name][-1]).encrypt(nonce, secret, None)).decode()
        return 200, {
            "data": {"ciphertext": f"vault:v{version}:{sealed}", "key_version": version, "plaintext": text.decode()}
        }

    def _decrypt(self, name: str, body: dict[str, Any]) -> Said:
        assert set(body) == {"ciphertext"}, body
        if name not in self.keys:
            return errors(400, "encryption key not found")
        prefix, _, sealed = str(body["ciphertext"]).partition(":")[2].partition(":")
        version = int(prefix.removeprefix("v"))
        if version > len(self.keys[name]):
            return errors(400, "invalid ciphertext: version is too new")
        if version < self.oldest:
            return errors(400, "ciphertext or signature version is disallowed by policy (too old)")
        try:
            raw = base64.b64decode(sealed, validate=True)
            secret = AESGCM(self.keys[name][version - 1]).decrypt(raw[:12], raw[12:], None)
        except InvalidTag:
            return errors(400, "cipher: message authentication failed")
        except ValueError:
            return errors(400, "invalid ciphertext: could not decode base64")
        return 200, {"data": {"plaintext": base64.b64encode(secret).decode()}}


def errors(status: int, *words: str) -> Said:
    """Vault's errors."""
    return status, {"errors": list(words)}
