"""A provider in this process that goes away, comes back, changes its key, and says in tokens what the local one never would."""

import base64
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from joserfc import jwt
from joserfc.jwk import RSAKey

from deploy.local.ports import answers, free_port
from deploy.local.process import wait_for
from deploy.local.provider import LocalProvider, make_app
from tests.provider import Running


@dataclass(slots=True)
class Moving:
    """One that runs only within `up`; `told` replaces claims of ID tokens (None: left out), `documents` what a path answers."""

    local: LocalProvider
    port: int
    told: dict[str, Any] = field(default_factory=lambda: dict[str, Any]())
    documents: dict[str, Response] = field(default_factory=lambda: dict[str, Response]())

    def changes_key(self) -> None:
        """Sign by another key from now on; the one before is forgotten."""
        self.local.key = RSAKey.generate_key(2048)
        self.local.key.ensure_kid()

    @contextmanager
    def up(self) -> Generator[None]:
        """Answer, to the end of the block."""
        server = uvicorn.Server(uvicorn.Config(self._app(), port=self.port, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run)
        thread.start()
        assert wait_for(lambda: answers(self.port), seconds=30)
        try:
            yield
        finally:
            server.should_exit = True
            thread.join(20)

    def _app(self) -> FastAPI:
        app = make_app(self.local)

        @app.middleware("http")
        async def instead(request: Request, call_next: Any) -> Response:
            if found := self.documents.get(request.url.path):
                return found
            answer = await call_next(request)
            if request.url.path != "/token":
                return answer
            return JSONResponse(self._retold(json.loads(b"".join([part async for part in answer.body_iterator]))))

        return app

    def _retold(self, tokens: dict[str, Any]) -> dict[str, Any]:
        body = tokens["id_token"].split(".")[1]
        said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=="))
        claims = {name: value for name, value in (said | self.told).items() if value is not None}
        return tokens | {"id_token": jwt.encode({"alg": "RS256", "kid": self.local.key.kid}, claims, self.local.key)}


def moving(provider: Running) -> Moving:
    """With the accounts of the one that stays, and a key of its own."""
    port, key = free_port(), RSAKey.generate_key(2048)
    key.ensure_kid()
    return Moving(LocalProvider(f"http://127.0.0.1:{port}", provider.accounts, key), port)
