"""No secret of an address is shown, wherever it stands."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from faceir.runtime.sources import PublicTrace, public_name, public_text

MARK = "Q7x7Q"
"""Stands in each secret, and nowhere else."""
AROUND = st.text("ab1/=%+.~-@:#?&; !$'\"<>(),ö", max_size=6)
SECRETS = st.builds(lambda before, after: f"{before}{MARK}{after}", AROUND, AROUND)
NAMES = st.sampled_from(["password", "token", "auth", "user_pass", "api_key", "X-Amz-Signature", "pw", "Session"])
SCHEMES = st.sampled_from(["rtsp", "rtsps", "http", "https", "mqtt", "RTSP", "ftp"])


@pytest.mark.parametrize(
    ("where", "shown"),
    [
        ("rtsp://me:secret@host:554/a?channel=1", "rtsp://host:554/a?channel=1"),
        ("rtsp://me:se/cr@et@host:554/a?channel=1", "rtsp://host:554/a?channel=1"),
        ("rtsp://me:1/secret@host/a", "rtsp://host/a"),
        ("rtsp://me:se?cr#et@[::1]:554/a", "rtsp://[::1]:554/a"),
        ("rtsp://me:secret", "rtsp://me:***"),
        ("http://host/@me/a", "http://host/***/a"),
        ("http://host/a?password=s&fps=5", "http://host/a?password=***&fps=5"),
        ("http://host/a?fps=5&token=s/s=", "http://host/a?fps=5&token=***"),
        ("http://host/a?fps=5;AUTH=s", "http://host/a?fps=5;AUTH=***"),
        ("http://host/a?Api_Key=s&pwd=&x", "http://host/a?Api_Key=***&pwd=&x"),
        ("http://host/a?p%61ssword=s", "http://host/a?p%61ssword=***"),
        ("http://host/a?from=rtsp%3A%2F%2Fme%3As%40cam%2F", "http://host/a?from=***"),
        ("http://host:80/a?mail=a@b&n=1", "http://host:80/a?mail=***&n=1"),
        ("http://host/a#access_token=s", "http://host/a#access_token=***"),
        ("http://host/a?n=1#access_token=s", "http://host/a?n=1#access_token=***"),
        ("rtsp://host/user=me&password=s&channel=1.sdp", "rtsp://host/user=***&password=***&channel=1.sdp"),
        ("rtsp://host/user=me_password=s_channel=1/a", "rtsp://host/user=***/a"),
        ("http://host/password?monitor=1&keyframes=2", "http://host/password?monitor=1&keyframes=2"),
        ("/films/token=1.mp4", "/films/token=1.mp4"),
        ("", ""),
    ],
)
def test_addresses(where: str, shown: str) -> None:
    assert public_name(where) == shown
    assert public_name(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://bob:hunter2@cam/1: no answer", "rtsp://cam/1: no answer"),
        ("rtsp://cam:554: no stream (timed out)", "rtsp://cam:554: no stream (timed out)"),
        ("[Errno 5] error: 'http://h/a?token=x&n=1'", "[Errno 5] error: 'http://h/a?token=***&n=1'"),
        (
            "HTTP error 404 at uri=http://u:p@h/a, then http://u:p@g/b",
            "HTTP error 404 at uri=http://h/a, then http://g/b",
        ),
        ("URL can't contain control characters. '/hook?token=ab/cd ef'", None),
        ("rtsp://my cam:pass word@host/a is away", "rtsp://host/a is away"),
        ("me:word@host: refused", "host: refused"),
        ("/data/cam@2/a.mp4: disk is full", "/data/cam@2/a.mp4: disk is full"),
        ("[rtsp @ 0x55d] method DESCRIBE failed: 401", "[rtsp @ 0x55d] method DESCRIBE failed: 401"),
        ("app.txt:12: strength=2; wanted 0..1", "app.txt:12: strength=2; wanted 0..1"),
        ("", ""),
    ],
)
def test_texts(text: str, shown: str | None) -> None:
    made = public_text(text)
    assert made == shown or (shown is None and "ab/cd" not in made)
    assert public_text(made) == made


def addresses(scheme: str, name: str, secret: str) -> list[str]:
    """Addresses that hold `secret` where one may be, written as it should be."""
    quoted = quote(secret, safe="")
    return [
        f"{scheme}://me:{quoted}@host:554/a?n=1",
        f"{scheme}://{quoted}@host/@you",
        f"{scheme}://host/a?n=1&{name}={quoted}&m=2",
        f"{scheme}://host:80/a?n=1#{name}={quoted}",
        f"{scheme}://host/user=me&{name}={quoted}&channel=1.sdp",
        f"{scheme}://host/a?from={quote(f'rtsp://me:{quoted}@cam/', safe='')}",
    ]


@given(SCHEMES, NAMES, SECRETS)
@example("http", "token", f"/{MARK}?=")
def test_no_secret_comes_through(scheme: str, name: str, secret: str) -> None:
    for where in addresses(scheme, name, secret):
        shown = public_name(where)
        assert MARK not in shown
        assert public_name(shown) == shown
        for text in (f"{where}: no stream (401)", f"no stream at '{where}'; again", f"uri={where}", f"a\n({where})\nb"):
            made = public_text(text)
            assert MARK not in made
            assert public_text(made) == made


@given(SCHEMES, SECRETS)
def test_nor_a_password_that_nobody_quoted(scheme: str, secret: str) -> None:
    seeming, *_ = secret.replace("?", "/").replace("#", "/").split("/")
    assume(not seeming.isdecimal())  # me:12/... is a host with its port
    assert MARK not in public_name(f"{scheme}://me:{secret}@host/a?n=1")
    assert public_name(f"{scheme}://me:{secret}@host/a?n=1").endswith("host/a?n=1")
    assert MARK not in public_text(f"see {scheme}://me:{MARK}'pass\"word <@host/a?n=1 failed")


@given(st.text())
def test_any_text_will_do_and_one_without_marks_stays(text: str) -> None:
    for shown in (public_text, public_name):
        assert shown(shown(text)) == shown(text)
    if not set(text) & set("=@") and "://" not in text:
        assert public_text(text) == text


def test_a_traceback() -> None:
    try:
        raise ValueError(f"http://me:{MARK}@host/ is away")
    except ValueError as error:
        try:
            raise RuntimeError(f"token={MARK}") from error
        except RuntimeError as again:
            told = str(PublicTrace(again))
    assert MARK not in told.replace("{MARK}", "")
    assert "ValueError: http://host/ is away" in told
    assert "RuntimeError: token=***" in told
