"""Groups of an application file that DeepStream does not know."""

from __future__ import annotations

from faceir.runtime.deepstream.keys import GroupKeys, Kept, yes

__all__ = ["OWN"]

_PLACES = (
    yes("enable flag 1"),
    yes("name text -", "in events and totals; without it the group's"),
)
_OUT = (
    yes("enable flag 1"),
    yes("source-id int -1 -1..", "the stream of that number alone, -1: all"),
)
OWN: Kept = (
    GroupKeys("redact", (
        yes("enable flag 1"),
        yes("mode text blur", "blur, pixelate, solid"),
        yes("strength float 0.5 0..1", "side of a block as a share of the face's longer side"),
        yes("grow float 0.25 0..", "covered beyond the box on each side, share of its width and height"),
        yes("shape text box", "box, ellipse"),
        yes("hold-s float 0.5 0..", "seconds for which a face stays covered where it is missed"),
        yes("drift float 1.0 0..", "how fast it may move meanwhile, its own sizes a second"),
        yes("fail-safe flag 1", "cover the whole picture when nothing is known of its faces"),
        yes("sure float 0.0 0..1", "faces that score less and have no track are covered, but not handed on"),
    ), ours=True),
    GroupKeys("watchdog", (
        yes("stall-s float 2.0 0.1..3600",
            "seconds after which a frame goes on without faces, and a stage holds up its own stream alone"),
        yes("patience-s float 10.0 0.1..3600",
            "seconds for which files wait for a sink that does not return; then it is cut off until it does"),
        yes("leave-s float 10.0 0.1..3600",
            "seconds that sinks have to finish when all ends; for one that hangs 1 s at most"),
    ), ours=True),
    GroupKeys("lineN", (
        *_PLACES, yes("points floats -", "x1;y1;x2;y2, from and to, shares of the picture's width and height"),
    ), ours=True),
    GroupKeys("zoneN", (
        *_PLACES, yes("points floats -", "x1;y1;x2;y2;x3;y3 and more, its corners, shares as of lines"),
    ), ours=True),
    GroupKeys("jsonlN", (
        *_OUT, yes("output-file path -", "must be there; a line of JSON a frame; of cameras it is continued"),
    ), ours=True),
    GroupKeys("csvN", (
        *_OUT, yes("output-file path -", "must be there; a row a face; of cameras it is continued"),
    ), ours=True),
    GroupKeys("hlsN", (
        *_OUT,
        yes("output-folder path -", "must be there; FOLDER/STREAM/index.m3u8 for each stream, for any web server"),
        yes("codec int 1 1,2", "1 H.264, 2 H.265"),
        yes("bitrate int 0 0..", "bits/s, 0: even quality"),
        yes("segment-s float 2.0 0.2..60", "seconds a segment lasts, about"),
        yes("keep int 6 2..", "segments that are listed; those before are deleted"),
    ), ours=True),
    GroupKeys("webhookN", (
        *_OUT,
        yes("url text -", "must be there; http(s)://[user:password@]HOST/..., is posted what a line of [jsonlN] says"),
        yes("headers texts -", "Name: value with ; between, as for a token; never shown"),
        yes("timeout-s float 5.0 0.1..", "seconds to wait for an answer; what was not taken waits on disk"),
        yes("frame-interval int 1 1..", "every N-th frame of each stream"),
        yes("faces-only flag 0", "of those only frames with faces"),
    ), ours=True),
)  # fmt: skip
