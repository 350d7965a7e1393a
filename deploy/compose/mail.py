"""The mail catcher for other containers: `deploy.local.mail` listens on 127.0.0.1 only, where nobody else reaches it.

Run it with `python -m deploy.compose.mail --port N --folder DIR`. Whoever reaches the port can leave mail: publish it nowhere.
"""

import argparse
import asyncio
import signal
from pathlib import Path

from aiosmtpd.smtp import SMTP

from deploy.local.mail import Letterbox


async def serve(port: int, folder: Path) -> None:
    """Take mail on every address of this container until told to stop."""
    for shelf in range(256):
        (folder / f"{shelf:02x}").mkdir(parents=True, exist_ok=True)
    loop, letterbox, stopped = asyncio.get_running_loop(), Letterbox(folder), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    server = await loop.create_server(lambda: SMTP(letterbox, hostname="localhost", loop=loop), "0.0.0.0", port)
    await stopped.wait()
    server.close()


def main() -> None:
    """The mail catcher as a program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.folder))


if __name__ == "__main__":
    main()
