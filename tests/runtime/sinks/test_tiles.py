from __future__ import annotations

import time

import numpy as np
import pytest

from faceir.detections import Detections
from faceir.errors import InputError
from faceir.flow import Frame
from faceir.runtime.draw import Osd
from faceir.runtime.sinks import Tiles
from faceir.testing import ListSink
from tests.runtime.sinks.test_messages import wait_for


def frame(brightness: int, source: str, size_wh: tuple[int, int] = (160, 120)) -> Frame:
    return Frame.of(np.full((size_wh[1], size_wh[0]), brightness, np.uint8), source=source)


def test_streams_lie_row_by_row_and_the_rest_is_not_shown() -> None:
    tiles = Tiles(2, 2, (321, 241), ListSink(), streams=("c", "a"))
    for brightness, name in ((50, "a"), (100, "b"), (150, "c"), (200, "d"), (250, "e")):
        tiles.write(frame(brightness, name))
    picture = tiles.compose()
    assert picture.shape == (241, 321, 3)
    middles = picture[[60, 60, 180, 180], [80, 240, 80, 240]]
    np.testing.assert_allclose(middles[:, 0], [150, 50, 100, 200], atol=1)
    tiles.forget("a")
    middles = tiles.compose()[[60, 60, 180, 180], [80, 240, 80, 240]]
    np.testing.assert_allclose(middles[:, 0], [150, 100, 200, 250], atol=1)


def test_proportions_are_kept_and_faces_drawn() -> None:
    tiles = Tiles(1, 1, (400, 100), ListSink(), osd=Osd(text=False, box_rgb=(255, 0, 0)))
    tiles.write(frame(200, "a", (100, 100)).with_detections(Detections([[20, 40, 80, 90]])))
    picture = tiles.compose()
    assert picture[50, 60].tolist() == picture[50, 340].tolist() != [200] * 3  # to the left and right is nothing
    assert picture[60, 200].tolist() == [200] * 3
    assert picture[70, 150 + 20].tolist() == [255, 0, 0]


def test_a_stream_that_stays_away_is_dimmed_and_named() -> None:
    tiles = Tiles(1, 2, (400, 150), ListSink(), streams=("late", "gone"), offline_s=0.05)
    tiles.write(frame(210, "gone"))
    assert tiles.compose()[75, 300, 0] == 210
    time.sleep(0.1)
    picture = tiles.compose()
    assert picture[75, 300, 0] == 70
    for half in (picture[:30, :200], picture[:30, 200:]):
        assert (half[..., 0].astype(int) - half[..., 1] > 60).any()  # red letters
    tiles.write(frame(210, "gone"))
    assert tiles.compose()[75, 300, 0] == 210


def test_the_rate_is_steady_whatever_comes_in() -> None:
    sink = ListSink()
    with Tiles(1, 2, (64, 32), sink, rate=50, osd=Osd(clock=True)) as tiles:
        for n in range(30):
            tiles.write(frame(n, "ab"[n % 2]))
        wait_for(lambda: len(sink.frames) > 40)
    assert sink.closed
    arrived = np.array([f.arrived_s for f in sink.frames])
    ticks = np.array([f.index for f in sink.frames]) / 50
    assert np.median(np.abs(arrived - arrived[0] - (ticks - ticks[0]))) < 0.02
    assert (np.diff(ticks) > 0).all()
    assert sink.frames[-1].source == "tiles"


class Broken(ListSink):
    def write(self, frame: Frame) -> None:
        super().write(frame)
        if len(self.frames) == 2:
            raise InputError("disk", "full")


def test_what_the_sink_raises_the_next_write_raises_once() -> None:
    sink = Broken()
    with Tiles(1, 1, (32, 32), sink, rate=100) as tiles:
        wait_for(lambda: len(sink.frames) > 4)
        with pytest.raises(InputError, match="disk: full"):
            tiles.write(frame(0, "a"))
        tiles.write(frame(0, "a"))


@pytest.mark.parametrize(("rows", "columns", "rate"), [(0, 1, 25), (1, 0, 25), (9, 9, 25), (1, 1, 0)])
def test_impossible_tiles(rows: int, columns: int, rate: float) -> None:
    with pytest.raises(InputError, match="tiles"):
        Tiles(rows, columns, (100, 100), ListSink(), rate=rate)
