"""Messages to a web address."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from http.client import HTTPException

from faceir.errors import InputError

__all__ = ["Webhook"]

_log = logging.getLogger(__name__)
_TRY_AGAIN = (408, 425, 429)  # and all of 500 and above


class Webhook:
    """A `Carrier` that posts each message as JSON to `url`; an answer of 200..299 says that it was taken.

    Answers that say "later" and a server that is away are tried again; one that says "never", such as 400 or 404,
    is counted as refused and told once for each status.
    """

    def __init__(self, url: str, headers: Mapping[str, str] | None = None, timeout_s: float = 5.0) -> None:
        if not url.startswith(("http://", "https://")):
            raise InputError("webhook", f"is {url!r}", "an address that begins with http:// or https://")
        self.refused = 0
        self._url, self._headers, self._timeout_s = (
            url,
            {"Content-Type": "application/json", **(headers or {})},
            timeout_s,
        )
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
        from urllib.request import Request, urlopen

        request = Request(self._url, message, dict(self._headers), method="POST")
        try:
            with urlopen(request, timeout=timeout_s):
                return
        except HTTPError as error:
            with error:
                if error.code >= 500 or error.code in _TRY_AGAIN:
                    raise ConnectionError(f"webhook answers {error.code} {error.reason}") from None
                self._refused(error.code, error.reason)
        except (URLError, HTTPException) as error:
            raise ConnectionError(f"webhook cannot be reached ({getattr(error, 'reason', error)})") from None

    def _refused(self, code: int, reason: str) -> None:
        self.refused += 1
        if code not in self._told:
            self._told.add(code)
            _log.warning("webhook refuses messages: %d %s", code, reason)

    def close(self) -> None:
        """Nothing is kept open."""
