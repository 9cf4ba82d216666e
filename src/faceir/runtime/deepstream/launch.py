"""`App`: a configuration as streams of an engine, run until they end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from faceir.contract import Contract
from faceir.errors import InputError
from faceir.flow import Frame, Sink, Source, Stage
from faceir.runtime.count import LineCounter, ZoneCounter
from faceir.runtime.dark import DarkGate
from faceir.runtime.deepstream.app_config import AppConfig, SourceConfig
from faceir.runtime.deepstream.filter import FaceFilter
from faceir.runtime.deepstream.model import Net
from faceir.runtime.deepstream.outputs import Outputs, tiled
from faceir.runtime.deepstream.own_sinks import HlsConfig, LinesConfig
from faceir.runtime.live.engine import Engine, Stream
from faceir.runtime.live.state import Condition, StreamState
from faceir.runtime.live.watch import PerfLines
from faceir.runtime.pictures import PICTURES
from faceir.runtime.redact import Redactor
from faceir.runtime.sources import LiveOptions, Video, expand, is_device, is_url, open_live, open_source, public_name
from faceir.runtime.track import Tracker, TrackSettings, two_stage

__all__ = ["App"]

PUSH_TIMEOUT_S = 0.04
"""For a batched-push-timeout of -1: no camera that is away may hold up the others for ever."""
LOOK_S = 1.0
"""Between two looks at whether a stream is lost, where no **PERF lines are asked for."""


class App:
    """An application ready to run: `engine` has its streams, and takes others of `stream` while it runs.

    `net` is what `find_net` made of the configuration. Raises `SpecError`, `InputError` or `ModelError` for what
    cannot be set up; what befalls a stream or a sink later is in its state.
    """

    def __init__(self, config: AppConfig, net: Net, threads: int = 0, key: str | None = None) -> None:
        self._config = config
        live = config.loop or any(map(_is_live, config.sources))  # then what is written has no end of its own
        self._outputs = Outputs(config, net.contract.classes, live)
        contract, self._tracking = _tracking(config, net.contract)
        self._counters: dict[str, Sequence[Stage]] = {}
        paced = any(sink.kind == "rtsp" or (sink.kind == "file" and tiled(sink, config)) for sink in config.sinks)
        paced |= any(isinstance(sink, HlsConfig) for sink in config.own_sinks)
        streams = []
        for number, source in enumerate(config.sources):
            _refuse_overwriting(source, config)
            streams.append(self._stream(source, self._outputs.of(number), paced))
        self.engine = Engine(
            replace(net, contract=contract).open(config.infer, threads, key),
            batch_size=config.mux.batch_size or len(config.sources),
            push_timeout_s=PUSH_TIMEOUT_S if config.mux.push_timeout_s is None else config.mux.push_timeout_s,
            stall_s=config.watchdog.stall_s,
            patience_s=config.watchdog.patience_s,
            leave_s=config.watchdog.leave_s,
        )
        for stream in streams:
            self.engine.add(stream)

    def run(
        self,
        until: threading.Event | None = None,
        say: Callable[[str], object] | None = None,
        warn: Callable[[str], object] | None = None,
        *,
        stay: bool = False,
    ) -> list[StreamState]:
        """Run until the files end or `until` is set; each stream's last state. With `stay` only until it is set.

        `say` is given the **PERF lines, `warn` why a stream does not come, each reason once.
        """
        ended = threading.Event()
        perf = say if self._config.perf_interval_s else None
        teller = threading.Thread(target=self._tell, args=(ended, perf, warn), name="faceir perf", daemon=True)
        if perf or warn:
            teller.start()
        try:
            self.engine.run(until, stay)
        finally:
            ended.set()
            if teller.is_alive():
                teller.join()
        return self.engine.states()

    def _tell(
        self, ended: threading.Event, say: Callable[[str], object] | None, warn: Callable[[str], object] | None
    ) -> None:
        """A **PERF line at once, every so often, and at the end; beside them streams that are lost."""
        perf, lost, last = PerfLines(), dict[str, str](), False
        places = {source.name: f" ({public_name(source.where)})" for source in self._config.sources}
        while True:
            states = self.engine.states()
            if say is not None:
                for line in perf.lines(states):
                    say(line)
            for state in states:
                reason = state.last_error if state.condition in ("connecting", "reconnecting") else ""
                if warn is not None and reason and reason != lost.get(state.name):
                    warn(f"{state.name}{places.get(state.name, '')}: {state.condition}: {reason}")
                lost[state.name] = reason
            if last:
                return
            last = ended.wait(self._config.perf_interval_s or LOOK_S)

    def stream(self, name: str, where: str, allow_files: bool = False) -> Stream:
        """A further stream for `engine`, treated as the others; it goes to the sinks that take several.

        Raises `InputError` for what is not the address of a camera, or with `allow_files` of a file.
        """
        if not (is_url(where) or is_device(where) or allow_files):
            raise InputError(public_name(where), "is not a camera", "rtsp://..., http://... or /dev/video0")
        source = SourceConfig(
            name, "v4l2" if is_device(where) else "uri", where, LiveOptions.latency_ms, "tcp", 0, -1, None, None, "", 1
        )
        return self._stream(source, self._outputs.of_added(), paced=True)

    def totals(self, name: str) -> list[str]:
        """What was counted in a stream, a line for each line and zone."""
        said = []
        for counter in self._counters.get(name, ()):
            if isinstance(counter, LineCounter):
                said += [f"{line}: {count.ins} in, {count.outs} out" for line, count in counter.totals.items()]
            elif isinstance(counter, ZoneCounter):
                said += [f"{zone}: {stays.entries} entered, {stays.exits} left, {stays.dwell_s:.1f} s inside"
                         for zone, stays in counter.totals.items()]  # fmt: skip
        return said

    def _stream(self, source: SourceConfig, sinks: Sequence[Sink], paced: bool) -> Stream:
        """Nothing is opened yet, but what is wrong with its options is told."""
        report = partial(self._report, source.name)
        return Stream(
            source.name,
            _opener(source, self._config.loop, paced, report),
            self._stages(source),
            sinks,
            self._config.infer.interval,
            DarkGate().is_dark if self._config.dark_gate else None,
        )

    def _report(self, name: str, condition: Condition, reason: str) -> None:
        self.engine.report(name, condition, reason)

    def _stages(self, source: SourceConfig) -> list[Stage]:
        """What a frame goes through. Faces that the file filters out are made unreadable all the same."""
        config = self._config
        keep = FaceFilter(config.infer.attrs, config.infer.left_out, config.mux.frame)
        filters: list[Stage] = [] if keep.idle else [keep]
        track: list[Stage] = [] if self._tracking is None else [Tracker(self._tracking)]
        counters = self._counters[source.name] = config.places.counters()
        if config.redact is None:
            return [_Named(source.name), *filters, *track, *counters]
        return [_Named(source.name), *track, Redactor(config.redact), *filters, *counters]


def _tracking(config: AppConfig, contract: Contract) -> tuple[Contract, TrackSettings | None]:
    """The contract to detect with, and how to track; with a post-cluster-threshold weaker faces reach the tracker.

    Faces from that threshold up stay what they are, as cells of less coverage than the file wants have no vote.
    """
    if config.tracking is None:
        return contract, None
    settings = replace(config.tracking, emit_unseen=config.infer.interval > 0)
    weak = max(settings.low, *(params.coverage_threshold for params in contract.cluster))
    if min(params.confidence_threshold for params in contract.cluster) <= weak:
        return contract, settings
    contract, made = two_stage(contract, replace(settings, low=weak))
    return contract, replace(made, high=tuple(np.maximum(made.high, settings.high).reshape(-1).tolist()))


def _refuse_overwriting(source: SourceConfig, config: AppConfig) -> None:
    written = [(sink.name, sink.path) for sink in config.sinks if sink.kind == "file"]
    written += [(sink.name, sink.path) for sink in config.own_sinks if isinstance(sink, LinesConfig)]
    for name, path in written:
        if path.exists() and Path(source.where).exists() and path.samefile(source.where):
            raise InputError(path, f"is written by [{name}] and read by [{source.name}]", "another name")


def _is_live(source: SourceConfig) -> bool:
    return is_url(source.where) or is_device(source.where)


def _opener(
    source: SourceConfig, loop: bool, paced: bool, report: Callable[[Condition, str], None]
) -> Callable[[], Source]:
    """Opens the source when called; what is wrong with its options is told at once."""
    if _is_live(source):
        options = LiveOptions(
            transport=source.protocol,
            latency_ms=source.latency_ms,
            reconnect_attempts=source.reconnect_attempts,
            silent_s=source.reconnect_s or LiveOptions.silent_s,
            every=source.every,
            pixel_format=source.pixel_format or None,
            size_wh=source.size_wh,
            fps=round(source.fps) if source.fps else None,
        )
        return lambda: open_live(source.where, options, report)
    return lambda: _Paced(_open_file(source, loop)) if paced else _open_file(source, loop)


def _open_file(source: SourceConfig, loop: bool) -> Source:
    found = expand(source.where)
    if len(found) == 1 and Path(found[0]).suffix.lower() not in PICTURES:
        return Video(found[0], loops=None if loop else 1, every=source.every)
    return open_source(source.where)


class _Paced:
    """A file whose frames come at their own times, for those who look on; it drops none."""

    live = False

    def __init__(self, source: Source) -> None:
        self._source = source
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Wait no longer; the engine takes no frame after this."""
        self._stopped.set()

    def __iter__(self) -> Iterator[Frame]:
        start_s = time.monotonic()
        entered: Any = self._source if hasattr(self._source, "__enter__") else nullcontext()
        with entered:
            for frame in self._source:
                self._stopped.wait(max(start_s + frame.time_s - time.monotonic(), 0))
                yield frame


@dataclass(frozen=True)
class _Named:
    """A stage that calls frames after their stream: two streams may read one file."""

    name: str

    def __call__(self, frame: Frame) -> Frame:
        return replace(frame, luma=lambda: frame.gray, colour=lambda: frame.rgb, source=self.name)
