"""A process that records noise for tests to end by force.

recorder.py PATH CODEC HOW   HOW: kill (by itself, SIGKILL), term (SIGTERM as an exception), wait (for a signal),
                             full (its files may grow to 300,000 bytes; prints the error)
"""

import os
import resource
import signal
import sys
import time

import numpy as np

from faceir.errors import FaceirError
from faceir.flow import Frame
from faceir.runtime.sinks import AnnotatedVideo, Coding

path, codec, how = sys.argv[1:]
if how == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
if how == "term":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
noise = np.random.default_rng(0).integers(0, 255, (160, 192, 3), np.uint8)
with AnnotatedVideo(path, coding=Coding(codec), live=True) as sink:
    for n in range(150):
        image = np.roll(noise, n, axis=1)
        frame = Frame.of(image, source="cam", index=n, time_s=1.7e9 + n / 25, arrived_s=100 + n / 25)
        try:
            sink.write(frame)
        except FaceirError as error:
            print(error, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    if how == "term":
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
    os.kill(os.getpid(), signal.SIGKILL)
