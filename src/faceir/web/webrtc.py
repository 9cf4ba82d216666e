"""Live pictures by WebRTC: a peer connection for each viewer, straight from the engine's last frames."""

from __future__ import annotations

import asyncio
import re
import time
from fractions import Fraction
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from fastapi import HTTPException

from faceir.web.engine import EngineLike, find
from faceir.web.pictures import drawn

if TYPE_CHECKING:
    from aiortc import RTCPeerConnection
    from av import VideoFrame

    from faceir.flow import Frame

__all__ = ["MOST_VIEWERS", "Viewers", "installed"]

MOST_VIEWERS = 8
"""At once, of all streams together: each costs an encoder."""
_CONNECT_S = 15.0
"""A viewer who has not come through by then gives up its place."""
_MOST_FPS = 30.0
_AGAIN_S = 1.0
"""A picture that stands still is sent again, as one who came late or lost it would see nothing."""
_POLL_S = 0.01
_TIME_BASE = Fraction(1, 90_000)
_HIDDEN = re.compile(r"^a=(candidate:.*\.local .*|end-of-candidates)\r?\n", re.MULTILINE)
"""Browsers hide their addresses behind names that multicast DNS would have to find, which takes a second where it does.
They come to us anyway, and we answer to where they came from; so these are not all the ways there will be."""


def installed() -> bool:
    """Whether the extra `webrtc` is there."""
    return find_spec("aiortc") is not None


class Viewers:
    """Answers WebRTC offers with the live picture of a stream of `engine`; at most `most` connections at once.

    No server is asked for the way (STUN, TURN), so it works in a network without internet, and not through NAT. All
    methods run in one event loop.
    """

    def __init__(self, engine: EngineLike, most: int = MOST_VIEWERS) -> None:
        self._engine, self._most = engine, most
        self._peers: set[RTCPeerConnection] = set()
        self._leaving: set[asyncio.Task[None]] = set()
        """They have no place any more, but sockets still."""

    def __len__(self) -> int:
        return len(self._peers)

    async def answer(self, name: str, sdp: str, width: int) -> dict[str, str]:
        """The answer to an offer that wants the stream `name`, at most `width` pixels across.

        Raises `HTTPException`: 503 when there are `most` viewers already, 400 for an offer that cannot be answered.
        """
        from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

        if len(self) >= self._most:
            raise HTTPException(503, f"{self._most} viewers are here already, more are not served; take the pictures")
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))  # left out it would be a server of Google
        self._peers.add(peer)  # before the first await, so that there are never more
        try:
            await peer.setRemoteDescription(RTCSessionDescription(_HIDDEN.sub("", sdp), "offer"))
            self._give(peer, name, width)
            await peer.setLocalDescription(await peer.createAnswer())
        except BaseException as error:
            self._drop(peer)
            if isinstance(error, Exception):  # whatever a parser makes of a stranger's text
                raise HTTPException(400, f"the offer cannot be answered: {error or type(error).__name__}") from error
            raise
        asyncio.get_running_loop().call_later(_CONNECT_S, self._expire, peer)
        return {"type": peer.localDescription.type, "sdp": peer.localDescription.sdp}

    def _give(self, peer: RTCPeerConnection, name: str, width: int) -> None:
        """Have `peer` send the stream, and take nothing; what nobody reads would pile up."""
        if not any(way.kind == "video" for way in peer.getTransceivers()):
            raise ValueError("it wants no video")
        track = _track(self._engine, name, width)
        sender = peer.addTrack(track)
        for way in peer.getTransceivers():
            way.direction = "sendonly" if way.sender is sender else "inactive"

        def changed() -> None:
            if peer.connectionState in ("failed", "closed"):
                self._drop(peer)

        peer.on("connectionstatechange", changed)
        track.on("ended", lambda: self._drop(peer))

    def _expire(self, peer: RTCPeerConnection) -> None:
        if peer.connectionState != "connected":
            self._drop(peer)

    def _drop(self, peer: RTCPeerConnection) -> None:
        """Let `peer` have its place no more, and close it in a task of its own: half closed it would keep sockets."""
        if peer in self._peers:
            self._peers.discard(peer)
            task = asyncio.get_running_loop().create_task(peer.close())
            self._leaving.add(task)  # the loop itself keeps none alive
            task.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        """Send everybody away; returns when no socket is left, of those either that were leaving already."""
        for peer in list(self._peers):
            self._drop(peer)
        if self._leaving:
            await asyncio.wait(self._leaving)


def _track(engine: EngineLike, name: str, width: int) -> Any:
    """The stream `name` as a `MediaStreamTrack`; a function, as its base class is of an extra."""
    from aiortc import MediaStreamTrack
    from aiortc.mediastreams import MediaStreamError

    class Track(MediaStreamTrack):
        """Asked for a picture whenever the one before is encoded and sent: who is slow gets fewer of them."""

        kind = "video"

        def __init__(self) -> None:
            super().__init__()
            self._shown: Frame | None = None
            self._start_s = self._sent_s = time.monotonic()

        async def recv(self) -> VideoFrame:
            await asyncio.sleep(max(self._sent_s + 1 / _MOST_FPS - time.monotonic(), 0))
            while self.readyState == "live":
                state, frame = find(engine, name), engine.last(name)
                still = frame is self._shown and time.monotonic() < self._sent_s + _AGAIN_S
                if frame is not None and not still:
                    self._shown, self._sent_s = frame, time.monotonic()
                    picture = await asyncio.to_thread(_picture, frame, width)
                    picture.pts, picture.time_base = round((self._sent_s - self._start_s) / _TIME_BASE), _TIME_BASE
                    return picture
                if state is None or state.condition in ("ended", "failed"):
                    self.stop()
                else:
                    await asyncio.sleep(_POLL_S)
            raise MediaStreamError

    return Track()


def _picture(frame: Frame, width: int) -> VideoFrame:
    """`frame` with its faces drawn, for an encoder: 4:2:0, so with even sides."""
    import av
    import cv2

    image = drawn(frame, width)
    even = cv2.copyMakeBorder(image, 0, image.shape[0] % 2, 0, image.shape[1] % 2, cv2.BORDER_REPLICATE)
    return av.VideoFrame.from_ndarray(cv2.cvtColor(even, cv2.COLOR_RGB2YUV_I420), format="yuv420p")
