"""`make_app`: the routes."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import BaseModel, ConfigDict, Field

from faceir import __version__
from faceir.errors import FaceirError
from faceir.web.engine import EngineLike, MakeStream, as_json, find
from faceir.web.guard import Guard
from faceir.web.metrics import StreamCollector
from faceir.web.pictures import BOUNDARY, film, jpeg
from faceir.web.webrtc import Viewers, installed

if TYPE_CHECKING:
    from faceir.runtime.live.state import StreamState

__all__ = ["NewStream", "Offer", "make_app"]

_NAME = r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$"
_WIDTH = Annotated[int, Query(ge=0, le=8192, description="Most pixels across; 0 = as it is.")]


class NewStream(BaseModel):
    """What is sent to add a stream."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=_NAME, max_length=64)
    uri: str = Field(min_length=1, max_length=2048)


class Offer(BaseModel):
    """What a viewer sends to be shown a stream by WebRTC."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["offer"]
    sdp: str = Field(min_length=1, max_length=65_536)
    width: int = Field(640, ge=16, le=1920, description="Most pixels across.")


def make_app(
    engine: EngineLike,
    make_stream: MakeStream | None = None,
    *,
    token: str | None = None,
    title: str = "faceir",
) -> FastAPI:
    """The web side of `engine`; `make_stream` makes what its `add` takes, without it no streams can be added.

    With a `token` every request but those for the page itself and /health must bring it. Passwords and
    tokens in addresses are never shown.
    """
    viewers = Viewers(engine)

    @asynccontextmanager
    async def serving(_: FastAPI) -> AsyncIterator[None]:
        yield
        await viewers.close()

    # No docs: their pages fetch from outside.
    app = FastAPI(title=title, version=__version__, docs_url=None, redoc_url=None, lifespan=serving)
    app.state.viewers = viewers
    registry = CollectorRegistry(auto_describe=False)
    registry.register(StreamCollector(engine))

    @app.exception_handler(FaceirError)
    def _mistake(_: Request, error: FaceirError) -> Response:
        from faceir.runtime.sources import public_text

        return JSONResponse({"detail": public_text(str(error))}, 400)

    @app.get("/", response_class=HTMLResponse)
    def page() -> HTMLResponse:
        nonce = secrets.token_urlsafe(16)
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
            "img-src blob: data:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
        )
        headers = {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
        return HTMLResponse(
            _page().replace("NONCE", nonce).replace("WEBRTC", str(installed()).lower()), headers=headers
        )

    @app.get("/health")
    def health() -> dict[str, Any]:
        """That the server lives, and how many streams play; no names."""
        states = [s for s in engine.states() if s.condition != "removed"]
        return {"ok": True, "streams": len(states), "playing": sum(s.condition == "playing" for s in states)}

    router = _guarded(engine, make_stream, token, registry)

    @router.post("/streams/{name}/webrtc")
    async def webrtc(name: str, offer: Offer) -> dict[str, str]:
        """The answer to a viewer's offer, with which the live picture begins."""
        _known(engine, name)
        if not installed():
            raise HTTPException(501, "WebRTC is not installed here; type: pip install 'faceir[webrtc]'")
        return await viewers.answer(name, offer.sdp, offer.width)

    app.include_router(router)
    return app


@cache
def _page() -> str:
    return (files("faceir.web") / "page.html").read_text("utf-8")


def _guarded(
    engine: EngineLike, make_stream: MakeStream | None, token: str | None, registry: CollectorRegistry
) -> APIRouter:
    """The routes that ask for the token."""
    router = APIRouter(dependencies=[Depends(Guard(token))])

    @router.get("/streams")
    def streams() -> list[dict[str, Any]]:
        return [as_json(s) for s in engine.states() if s.condition != "removed"]

    @router.post("/streams", status_code=201)
    def add(new: NewStream) -> dict[str, str]:
        if make_stream is None:
            raise HTTPException(403, "streams cannot be added here")
        if find(engine, new.name) is not None:
            raise HTTPException(409, f"there is a stream called {new.name} already; take another name")
        engine.add(make_stream(new.name, new.uri))
        return {"name": new.name}

    @router.delete("/streams/{name}", status_code=204)
    def remove(name: str) -> Response:
        _known(engine, name)
        engine.remove(name)
        return Response(status_code=204)

    @router.get("/streams/{name}/picture.jpg")
    def picture(name: str, width: _WIDTH = 0) -> Response:
        state = _known(engine, name)
        frame = engine.last(name)
        if frame is None:
            raise HTTPException(404, f"{name} has shown no frame so far; it is {state.condition}")
        return Response(jpeg(frame, width), media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    @router.get("/streams/{name}/debug")
    def debug(name: str) -> list[dict[str, str]]:
        """What each stage did to the last frame."""
        from faceir.runtime.live.watch import debug_rows
        from faceir.runtime.sources import public_text

        rows = debug_rows(_known(engine, name), engine.last(name))
        return [{"stage": stage, "says": public_text(words)} for stage, words in rows]

    @router.get("/streams/{name}/live.mjpg")
    def live(name: str, width: _WIDTH = 0) -> Response:
        _known(engine, name)
        kind = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
        return StreamingResponse(film(engine, name, width), media_type=kind, headers={"Cache-Control": "no-store"})

    @router.get("/metrics")
    def metrics() -> Response:
        return PlainTextResponse(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router


def _known(engine: EngineLike, name: str) -> StreamState:
    """The state of the stream `name`, or 404 with words."""
    state = find(engine, name)
    if state is None:
        names = ", ".join(s.name for s in engine.states() if s.condition != "removed") or "none"
        raise HTTPException(404, f"there is no stream called {name}; there are: {names}")
    return state
