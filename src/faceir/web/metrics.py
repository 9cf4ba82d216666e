"""The engine's state as Prometheus metrics, read anew each time they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from faceir.web.engine import EngineLike

__all__ = ["StreamCollector"]

_COUNTERS = {
    "frames_in": ("frames_decoded", "Frames decoded."),
    "frames_out": ("frames_sent", "Frames given to the sinks."),
    "dropped": ("frames_dropped", "Frames left out because they were too old when their turn came."),
    "filtered": ("frames_filtered", "Frames held back by a stage."),
    "lost": ("frames_lost", "Frames held back because a stage failed."),
    "unseen": ("frames_unseen", "Frames given out without asking the detector."),
    "dark": ("frames_dark", "Frames too dark to see a face in."),
    "failed": ("frames_failed", "Frames of which the detector failed or took too long."),
    "faces": ("faces_found", "Faces on all frames together."),
    "sink_dropped": ("sink_frames_dropped", "Frames that sinks were too slow or too broken to take."),
    "reconnects": ("reconnects", "Times that the stream was lost."),
}
_GAUGES = {
    "fps_in": ("decoded_frames_per_second", "Frames decoded a second, over the last seconds."),
    "fps_out": ("sent_frames_per_second", "Frames given to the sinks a second, over the last seconds."),
    "age_s": ("last_frame_age_seconds", "Since the last frame arrived."),
    "since_s": ("condition_seconds", "How long the stream has been in its condition."),
}
_LATENCIES = {"0.5": "latency_p50_ms", "0.99": "latency_p99_ms"}


class StreamCollector:
    """Turns the states of `engine` into metrics; register it with a prometheus_client registry."""

    def __init__(self, engine: EngineLike) -> None:
        self._engine = engine

    def describe(self) -> list[Metric]:
        """Nothing ahead of time, so that the engine is not asked while it is set up."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All metrics, each with a sample for each stream."""
        from faceir.runtime.live.state import Condition

        states = [s for s in self._engine.states() if s.condition != "removed"]
        for field, (name, text) in _COUNTERS.items():
            counter = CounterMetricFamily(f"faceir_{name}", text, labels=["stream"])
            for state in states:
                counter.add_metric([state.name], getattr(state, field))
            yield counter
        for field, (name, text) in _GAUGES.items():
            gauge = GaugeMetricFamily(f"faceir_stream_{name}", text, labels=["stream"])
            for state in states:
                gauge.add_metric([state.name], getattr(state, field))
            yield gauge
        text = "From the decoded picture to the sinks, over the last seconds."
        latency = GaugeMetricFamily("faceir_stream_latency_seconds", text, labels=["stream", "quantile"])
        condition = GaugeMetricFamily("faceir_stream_condition", "1 for what it is in.", labels=["stream", "condition"])
        errors = GaugeMetricFamily("faceir_stream_broken_sinks", "Sinks that failed.", labels=["stream"])
        text = "How long a part that hangs has not returned; nothing for those that work."
        hanging = GaugeMetricFamily("faceir_stream_hanging_seconds", text, labels=["stream", "part"])
        for state in states:
            for quantile, field in _LATENCIES.items():
                latency.add_metric([state.name, quantile], getattr(state, field) / 1000)
            for known in get_args(Condition):
                condition.add_metric([state.name, known], float(known == state.condition))
            errors.add_metric([state.name], len(state.sink_errors))
            longest: dict[str, float] = {}
            for hang in state.hanging:  # two sinks may be of one kind
                longest[hang.part] = max(hang.for_s, longest.get(hang.part, 0.0))
            for part, for_s in longest.items():
                hanging.add_metric([state.name, part], for_s)
        yield from (latency, condition, errors, hanging)
