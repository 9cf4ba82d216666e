"""`Server`: an app on a port of this machine, beside whatever else the program does."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import uvicorn

from faceir.errors import InputError
from faceir.web.guard import is_loopback

if TYPE_CHECKING:
    from fastapi import FastAPI
    from typing_extensions import Self

__all__ = ["Server"]

_START_S = 10.0
_LEAVE_S = 2  # films are open-ended: they are cut off


class Server:
    """Serves `app` in a thread of its own while in `with`; `url` tells where.

    By default only this machine reaches it. Raises `InputError` for a port that is taken, and for a `host` that
    others reach when there is no `token`: faces are nobody else's business. Port 0 takes a free one.
    """

    def __init__(self, app: FastAPI, host: str = "127.0.0.1", port: int = 8000, token: str | None = None) -> None:
        if not is_loopback(host) and not token:
            raise InputError(host, "would show the streams to everyone who reaches it", "a token, or 127.0.0.1")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
        except (OSError, OverflowError) as error:
            self._socket.close()
            raise InputError(
                f"{host}:{port}", f"cannot be served on ({error})", "a free port of this machine"
            ) from error
        named = f"[{host}]" if ":" in host else host
        self.url = f"http://{named}:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=_LEAVE_S)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="faceir web", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        deadline_s = time.monotonic() + _START_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline_s:
                raise InputError(self.url, "the server did not start", "see the log")
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(_START_S)
        self._socket.close()
