"""No camera is needed here: what FFmpeg is asked for is looked at, and what a device would answer is made up."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import av
import pytest

from faceir.errors import StreamError
from faceir.runtime.sources.device import FORMATS, open_device

Asked = list[dict[str, Any]]


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Asked]:
    """Makes `av.open` a device that has some formats, and returns the list of what it is asked for."""

    def make(*has: str, number: int = 0) -> Asked:
        asked: Asked = []

        def fake(where: str, **given: Any) -> str:
            asked.append({"where": where, **given})
            if number or given["options"]["input_format"] not in has:
                raise OSError(number or errno.EINVAL, "it says no", where)
            return "container"

        monkeypatch.setattr(av, "open", fake)
        return asked

    return make


def test_the_options_are_those_of_ffmpegs_v4l2(device: Callable[..., Asked]) -> None:
    asked = device("gray16le")
    assert open_device("/dev/video2", "Y16", (640, 480), 30, 2.0) == "container"
    options = {"input_format": "gray16le", "video_size": "640x480", "framerate": "30"}
    assert asked == [{"where": "/dev/video2", "format": "v4l2", "options": options, "timeout": (2.0, 2.0)}]


@pytest.mark.parametrize("name", FORMATS)
def test_formats_are_tried_in_order_until_the_device_has_one(device: Callable[..., Asked], name: str) -> None:
    asked = device(FORMATS[name])
    open_device("/dev/video0", None, None, None, 1.0)
    order = list(FORMATS.values())
    assert [each["options"] for each in asked] == [
        {"input_format": each} for each in order[: order.index(FORMATS[name]) + 1]
    ]


def test_a_device_without_a_known_format(device: Callable[..., Asked]) -> None:
    device()
    with pytest.raises(StreamError, match=r"gives none of GREY, .*YUYV \(it says no\); see what it has: v4l2-ctl"):
        open_device("/dev/video0", None, None, None, 1.0)
    with pytest.raises(StreamError, match=r"gives none of Y16 \("):
        open_device("/dev/video0", "Y16", None, None, 1.0)


@pytest.mark.parametrize(
    ("number", "said"), [(errno.ENOENT, "plug"), (errno.EBUSY, "another program"), (errno.EACCES, "usermod")]
)
def test_a_device_that_cannot_be_opened_is_asked_once(device: Callable[..., Asked], number: int, said: str) -> None:
    asked = device(number=number)
    with pytest.raises(StreamError, match=said):
        open_device("/dev/video0", None, None, None, 1.0)
    assert len(asked) == 1
