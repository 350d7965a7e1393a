"""An OTLP/HTTP collector that takes everything and keeps nothing: `python -m benchmarks.sink PORT`. GET tells how much came."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

taken = [0]


class Sink(BaseHTTPRequestHandler):
    """Takes traces and metrics."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Take one export."""
        self.rfile.read(int(self.headers["content-length"]))
        taken[0] += 1
        self._answer(b"", "application/x-protobuf")

    def do_GET(self) -> None:
        """How many exports came."""
        self._answer(str(taken[0]).encode(), "text/plain")

    def _answer(self, body: bytes, content_type: str) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Sink).serve_forever()
