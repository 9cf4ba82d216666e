"""Messages to a web address."""

from __future__ import annotations

import logging
import re
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from faceir.errors import InputError
from faceir.runtime.sources import public_name, public_text

__all__ = ["Webhook", "is_header", "with_login"]

_log = logging.getLogger(__name__)
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110's token
_DO = "in user and password write @ as %40, / as %2F, : as %3A and % as %25"
_TRY_AGAIN = (408, 425, 429)  # and all of 500 and above


def with_login(url: str, headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The address without user and password, and `headers` with these as HTTP's basic authentication.

    What is no letter or digit in them is written with %, as in `https://me:a%40b@host/`. Raises `InputError`, which
    shows no secret, for what is no address of the web and for two logins.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number
        good = False
    if not good or not url.isprintable() or " " in url:
        wanted = "an address that begins with http:// or https://"
        raise InputError("webhook", f"is {public_name(url)!r}", wanted, _DO if "@" in url else "")
    for place, (name, value) in enumerate(headers.items(), 1):
        if not is_header(name, value):
            raise InputError("webhook", f"the {place}. of its headers is none", "a name and a value of ASCII letters")
    login, is_login, host = parts.netloc.rpartition("@")
    if not is_login:
        return url, dict(headers)
    user, password = (unquote(part) for part in login.partition(":")[::2])
    if ":" in user or not (user + password).isprintable():
        raise InputError("webhook", "has a user with : or a login with control characters", "user:password@", _DO)
    if "authorization" in (name.lower() for name in headers):
        raise InputError("webhook", "has a user in its address and an Authorization header", "one of them")
    basic = b64encode(f"{user}:{password}".encode()).decode()
    return urlunsplit(parts._replace(netloc=host)), {**headers, "Authorization": f"Basic {basic}"}


def is_header(name: str, value: str) -> bool:
    """Whether these can be sent as a header."""
    return bool(_NAME.fullmatch(name)) and bool(value.strip()) and value.isascii() and value.isprintable()


class _Stay(HTTPRedirectHandler):
    """Goes nowhere else: what follows a 301 is a GET without the message, and takes the login along."""

    def redirect_request(self, *_: Any) -> None:
        """None: the answer is what it is."""


class Webhook:
    """A `Carrier` that posts each message as JSON to `url`; an answer of 200..299 says that it was taken.

    Answers that say "later" and a server that is away are tried again; one that says "never", such as 301, 400 or
    404, is counted as refused and told once for each status. `url` may bring user and password, see `with_login`.
    Neither they nor values of `headers` are ever shown. Raises `InputError` for an address or header that is none.
    """

    def __init__(self, url: str, headers: Mapping[str, str] | None = None, timeout_s: float = 5.0) -> None:
        self._url, own = with_login(url, headers or {})
        self._headers = {"Content-Type": "application/json", **own}
        self._timeout_s, self.refused = timeout_s, 0
        self._opener = build_opener(_Stay)
        self._told: set[int] = set()

    def deliver(self, messages: Sequence[bytes], timeout_s: float) -> int:
        """Post one after another; how many were taken or refused before one was not."""
        done, until_s = 0, time.monotonic() + timeout_s
        for message in messages:
            left_s = until_s - time.monotonic()
            if done and left_s <= 0:
                break
            try:
                self._post(message, min(max(left_s, 0.1), self._timeout_s))
            except OSError:
                if done == 0:
                    raise
                break
            done += 1
        return done

    def _post(self, message: bytes, timeout_s: float) -> None:
        from urllib.error import HTTPError, URLError

        request = Request(self._url, message, dict(self._headers), method="POST")
        try:
            with self._opener.open(request, timeout=timeout_s):
                return
        except HTTPError as error:
            with error:
                if error.code >= 500 or error.code in _TRY_AGAIN:
                    raise ConnectionError(f"webhook answers {error.code} {error.reason}") from None
                new = error.headers.get("Location", "")
                self._refused(error.code, f"{error.reason}, see {public_text(new)}" if new else error.reason)
        except (URLError, HTTPException) as error:
            raise ConnectionError(f"webhook cannot be reached ({getattr(error, 'reason', error)})") from None

    def _refused(self, code: int, reason: str) -> None:
        self.refused += 1
        if code not in self._told:
            self._told.add(code)
            _log.warning("webhook refuses messages: %d %s", code, reason)

    def close(self) -> None:
        """Nothing is kept open."""
