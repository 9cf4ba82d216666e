from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceir.errors import InputError
from faceir.runtime.sinks.spool import Spool

WRITER = """
import os, signal, sys
from faceir.runtime.sinks.spool import Spool
spool = Spool(sys.argv[1])
for n in range(500):
    spool.append(b"%d" % n)
    if n == 300:
        spool.taken(spool.first(100))
os.kill(os.getpid(), signal.SIGKILL)
"""


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")), st.integers(0, 9), st.none())))
def test_it_is_a_queue_however_often_it_is_opened(
    tmp_path_factory: pytest.TempPathFactory, steps: list[object]
) -> None:
    path = tmp_path_factory.mktemp("spool") / "s"
    spool, model = Spool(path, limit_bytes=200), list[bytes]()
    for step in steps:
        if isinstance(step, bytes):
            fits = sum(len(m) + 1 for m in [*model, step]) <= 200
            assert spool.append(step) == fits
            model += [step] if fits else []
        elif isinstance(step, int):
            assert spool.first(step) == model[:step]
            spool.taken(model[:step])
            del model[:step]
        else:
            spool.close()
            assert path.exists() == bool(model)
            spool = Spool(path, limit_bytes=200)
        assert len(spool) == len(model)
        assert path.stat().st_size <= 2 * 200 + 21
    spool.close()


def test_killed_by_force_it_has_lost_nothing(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", WRITER, str(tmp_path / "s")], check=False)
    assert done.returncode == -9
    spool = Spool(tmp_path / "s")
    assert spool.first(1000) == [b"%d" % n for n in range(100, 500)]
    spool.close()


@pytest.mark.parametrize("torn", [1, 7, 12, 25])
def test_torn_at_any_byte_whole_messages_remain(tmp_path: Path, torn: int) -> None:
    spool = Spool(tmp_path / "s")
    for n in range(4):
        spool.append(b"message %d" % n)
    data = (tmp_path / "s").read_bytes()
    spool.close()
    (tmp_path / "t").write_bytes(data[:-torn])
    again = Spool(tmp_path / "t")
    kept = 4 - (torn + 9) // 10
    assert again.first(10) == [b"message %d" % n for n in range(kept)]
    again.append(b"next")
    assert again.first(10)[kept:] == [b"next"]
    again.close()


def test_a_message_larger_than_a_chunk(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s")
    spool.append(b"x" * 1_000_000)
    spool.append(b"y")
    assert [len(m) for m in spool.first(9)] == [1_000_000, 1] or [len(m) for m in spool.first(9)] == [1_000_000]
    spool.taken(spool.first(1))
    assert spool.first(9) == [b"y"]
    spool.close()


def test_two_runs_cannot_share_one(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s")
    with pytest.raises(InputError, match="used by another run"):
        Spool(tmp_path / "s")
    spool.close()
    Spool(tmp_path / "s").close()


def test_a_full_disk_keeps_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path / "s")
    spool.append(b"a")

    def full(file: int, data: bytes, offset: int) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(InputError, match="the disk is full"):  # noqa: PT012
        patch.setattr(os, "pwrite", full)
        spool.append(b"b")
    spool.append(b"c")
    assert spool.first(9) == [b"a", b"c"]
    spool.close()


def test_no_spool(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("a file of the user that is none of our business\n")
    with pytest.raises(InputError, match="is no spool"):
        Spool(tmp_path / "s")
    assert (tmp_path / "s").read_text().startswith("a file of the user")
    with pytest.raises(InputError, match="cannot be made"):
        Spool(tmp_path / "s" / "under a file")
