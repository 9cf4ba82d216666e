"""An engine over HTTP: its streams as JSON, metrics for Prometheus, live pictures, and a page that shows them."""

from __future__ import annotations

from faceir.web.app import make_app
from faceir.web.engine import EngineLike
from faceir.web.server import Server

__all__ = ["EngineLike", "Server", "make_app"]
