"""How an address, or a text about one, is shown to others: without what its user alone should know.

Everything that shows, logs or hands out an address or an error goes through here. Where it is not clear whether
something is secret it is taken away: rather one name too many than one password.
"""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from urllib.parse import unquote

__all__ = ["PublicTrace", "public_name", "public_text"]

_SECRET = re.compile(
    r"pass|pwd|token|auth|secret|credential|signature|session|user|usr|login|cookie|bearer|jwt|otp$|key$"
    r"|^(?:pw|sig|sid|hash|pin)$",
    re.IGNORECASE,
)
"""Names whose values nobody else should see."""
_HOST = re.compile(r"(?:\[[^\]]*\]|[^:\[\]]*)(?::\d+)?")
_SCHEME = r"[a-z][a-z0-9+.-]{0,20}://"
# An address with what may be a login with blanks in it, or a word.
_PART = re.compile(
    rf"{_SCHEME}(?:[^@/\n]{{0,200}}:[^@/\n]{{0,200}}@)?\S*|(?:(?!{_SCHEME})\S)+", re.IGNORECASE | re.ASCII
)


def public_name(where: str) -> str:
    """An address without user and password, for labels, logs and messages; a path as it is.

    What its query, fragment or path calls a password, a token or the like, as in `?token=`, becomes `***`.
    """
    scheme, mark, rest = where.partition("://")
    return f"{scheme}://{_shown(rest)}" if mark else where


def public_text(text: str) -> str:
    """A text, such as an error of a library, in which each address is as by `public_name`.

    What it calls a password, a token or the like becomes `***` outside addresses too, as in `user=...`.
    """
    return _PART.sub(lambda part: public_name(part[0]) if "://" in part[0] else _word(part[0]), text)


@dataclass(frozen=True)
class PublicTrace:
    """An error with its traceback, as `public_text`, for the log, which makes a text of it only when it writes it."""

    error: BaseException

    def __str__(self) -> str:
        return public_text("".join(traceback.format_exception(self.error)).rstrip())


def _shown(rest: str) -> str:
    """What follows `://`."""
    kept = rest.rstrip(":.,;)>'\"")
    rest, end = kept, rest[len(kept) :]  # of the sentence around it
    authority = _cut(rest, "[/?#]")[0]
    if "@" in authority or not _HOST.fullmatch(authority):  # a login, which may have / ? # or @ in it
        rest = rest.rpartition("@")[2]
    head, tail = _cut(rest, "[?#]")
    if ":" in _cut(head, "/")[0]:  # a port, or user and the beginning of a password of digits and /
        head = head.rpartition("@")[2]
    host, path = _cut(head, "/")
    if not _HOST.fullmatch(host):  # user and password, and the host is missing
        host = f"{host.partition(':')[0]}:***"
    return host + _masked(path, "/&;") + tail[:1] + _masked(tail[1:], "&;") + end


def _cut(text: str, at: str) -> tuple[str, str]:
    """What stands before the first of `at`, and the rest."""
    found = re.search(at, text)
    return (text, "") if found is None else (text[: found.start()], text[found.start() :])


def _word(word: str) -> str:
    """A word that is no address."""
    if ":" in word.partition("@")[0].partition("/")[0] and "@" in word:
        word = word.rpartition("@")[2]
    return _masked(word, "?&;") if "=" in word else word


def _masked(text: str, separators: str) -> str:
    """`text` with `***` for the values that are secret, or hold an address with a password."""
    return "".join(_pair(part) for part in re.split(f"([{separators}])", text))


def _pair(part: str) -> str:
    """`name=value`, of which the value may go on, as a query with its fragment: `name=value#name=value`."""
    done = ""
    while "=" in part:
        name, _, value = part.partition("=")
        if "@" in name:
            break
        if value and (_SECRET.search(re.split("[?#/]", unquote(name))[-1]) or "@" in unquote(value)):
            return f"{done}{name}=***"
        value, rest = _cut(value, "[?#]")
        done, part = f"{done}{name}={value}{rest[:1]}", rest[1:]
    return done + ("***" if "@" in part else part)
