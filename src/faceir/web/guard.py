"""Who may ask: a bearer token, and no other web site through the user's browser."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from fastapi import HTTPException, Request

__all__ = ["Guard", "is_loopback"]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_READING = ("GET", "HEAD", "OPTIONS")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`."""
    return host in _LOOPBACK


class Guard:
    """Lets a request through, or raises 401 or 403.

    Without a token only requests that name this machine are let in, so that a web site whose name was made to point
    here (DNS rebinding) gets nothing; and none may change anything from another site's page.
    """

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: Request) -> None:
        """Raise unless `request` may be answered."""
        host = request.headers.get("host", "")
        if self._token is None and not is_loopback(urlsplit(f"//{host}").hostname or ""):
            raise HTTPException(403, f"this server answers to 127.0.0.1 and localhost, not to {host}; set a token")
        origin = request.headers.get("origin")
        if request.method not in _READING and origin is not None and urlsplit(origin).netloc != host:
            raise HTTPException(403, f"a page of {origin} may not change anything here")
        if self._token is not None:
            scheme, _, given = request.headers.get("authorization", "").partition(" ")
            good = hmac.compare_digest(given.strip().encode(), self._token.encode())
            if scheme.lower() != "bearer" or not good:
                hint = {"WWW-Authenticate": "Bearer"}
                raise HTTPException(401, "wanted: the header Authorization: Bearer TOKEN", hint)
