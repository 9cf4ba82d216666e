"""`Tracker`: gives the faces of a stream numbers that stay, and bridges the frames in which one is missed."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from faceir import boxes
from faceir.boxes import FloatArray
from faceir.contract import Contract
from faceir.detections import Detections
from faceir.errors import InputError
from faceir.flow import FAILED, UNSEEN, Frame
from faceir.runtime.track import kalman
from faceir.runtime.track.assign import assign
from faceir.runtime.track.kalman import Array, Belief

__all__ = ["TrackSettings", "Tracker", "two_stage"]

_Ints = npt.NDArray[np.int64]
_Mask = npt.NDArray[np.bool_]

_USUAL_STEP_S = 1 / 25  # between two frames, until the stream has shown its own
_LOST_S = 2.0  # nobody is expected back at the same place after so long without a look, unless `hold_s` says so
_TREND_S = 0.1  # for so long the trend of a size is believed without a look
_ROUNDING_S = 1e-6  # of times that are sums of steps
_NOBODY = Detections()


@dataclass(frozen=True)
class TrackSettings:
    """How faces are followed. Raises `InputError` for values outside of what is stated."""

    high: float | tuple[float, ...] = 0.0
    """Faces from this score up go first, start tracks and always go on; below, they only carry tracks on, or are left
    out. 0..1, one for all classes or one each. 0: every face is such, and there is one stage. See `two_stage`."""
    low: float = 0.1
    """Faces below this score are left out, 0..1."""
    min_iou: float = 0.2
    """Least overlap of a face from `high` up with where its track is expected, 0..1."""
    min_iou_low: float = 0.5
    """The like of a face below `high`."""
    confirm_hits: int = 2
    """A track gets its number when it was found in so many looked-at frames in a row; 1 = at once."""
    hold_s: float = 1.0
    """A track not found for longer is forgotten, seconds; 0 = at the first miss."""
    hold_frames: int | None = None
    """The like in frames, at the rate at which they usually come, in place of `hold_s`; None = `hold_s` counts."""
    emit_held: bool = False
    """Give out numbered tracks that were not found, at the place where they are expected, as redaction needs; with
    `confirm_hits` 1 also of faces seen only once. The score is that of the last face, fading to 0 over `hold_s`."""
    emit_unseen: bool = False
    """The like, but only in frames that the detector was not asked about, and only tracks that the last looked-at
    frame showed: what DeepStream draws with `interval`."""
    smooth: float = 0.0
    """Share of the old box, moved on at its speed, in the new one, 0 (off) up to below 1, after 1/30 s. 0.5 about
    halves the trembling of the detector, 0.8 divides it by 4 but swings wide where a head turns back."""

    def __post_init__(self) -> None:
        high = self.high if isinstance(self.high, tuple) else (self.high,)
        shares = {"low": self.low, "min_iou": self.min_iou, "min_iou_low": self.min_iou_low}
        for name, value in [*(("high", value) for value in high), *shares.items()]:
            if not 0 <= value <= 1:
                raise InputError(f"TrackSettings.{name}", f"is {value}", "0..1")
        if not high:
            raise InputError("TrackSettings.high", "is empty", "one score, or one for each class")
        if not 0 <= self.smooth < 1:
            raise InputError("TrackSettings.smooth", f"is {self.smooth}", "0 (off) up to below 1")
        if not self.confirm_hits >= 1:
            raise InputError("TrackSettings.confirm_hits", f"is {self.confirm_hits}", "1 or more")
        if not 0 <= self.hold_s < np.inf:
            raise InputError("TrackSettings.hold_s", f"is {self.hold_s}", "0 seconds or more")
        if self.hold_frames is not None and not self.hold_frames >= 0:
            raise InputError("TrackSettings.hold_frames", f"is {self.hold_frames}", "0 frames or more")


def two_stage(contract: Contract, settings: TrackSettings) -> tuple[Contract, TrackSettings]:
    """The contract to detect with and the settings to track with, so that weak faces reach the tracker.

    A detector leaves out faces below its threshold, so a tracker behind it sees none to carry tracks on with. Here
    that threshold becomes `settings.low`, and the one it was becomes `settings.high`: what comes out of the tracker
    is what the detector alone would give, and the weak faces that belong to a track. That holds to the last digit
    while `low` is not below the contract's `coverage_threshold`; below it more cells vote on a face's score.

    DBSCAN's threshold is no score (`Contract.with_threshold`), so such a contract stays as it is, with one stage.
    """
    if any(params.algorithm == "dbscan" for params in contract.cluster):
        return contract, replace(settings, high=0.0)
    high = tuple(float(np.clip(params.confidence_threshold, 0, 1)) for params in contract.cluster)
    return contract.with_threshold(min(settings.low, *high)), replace(settings, high=high)


@dataclass
class _Tracks:
    """All tracks of a stream, oldest first; each array has one row a track."""

    belief: Belief
    shown: Array
    """Smoothed boxes, as `Belief.place`."""
    ids: _Ints
    """-1 until it is confirmed."""
    labels: _Ints
    scores: npt.NDArray[np.float32]
    """Of the last face."""
    hits: _Ints
    """Looked-at frames in which it was found."""
    misses: _Ints
    """Looked-at frames since it was found."""
    missed_s: npt.NDArray[np.float64]
    """Seconds since it was found."""

    @staticmethod
    def of(faces: Detections) -> _Tracks:
        belief, none = kalman.start(faces.xyxy), np.zeros(len(faces), np.int64)
        return _Tracks(
            belief, belief.place.copy(), none - 1, faces.labels.copy(), faces.scores.copy(), none, none.copy(),
            np.zeros(len(faces)),
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: npt.NDArray[np.generic]) -> _Tracks:
        return _Tracks(*(getattr(self, f.name)[index] for f in fields(self)))

    def __add__(self, other: _Tracks) -> _Tracks:
        rows = [np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)[1:]]
        return _Tracks(self.belief + other.belief, *rows)


class Tracker:
    """A stage that puts track ids on the faces of one stream, as ByteTrack does (Zhang et al. 2022, arXiv 2110.06864).

    Every track expects its face at a place (`kalman`); found faces go to the tracks that they overlap most, in all:
    first those from `settings.high` up, then, for tracks that got none, the weaker ones, as a face that turns away or
    is half hidden keeps its place but loses its score. Classes do not mix. What is left from `high` up starts tracks,
    in an order that does not depend on that of the detections. Ids count up from `first_id` and never come again.

    Faces come out in the order they went in: those from `high` up, -1 while their track has no number yet; weaker
    ones if they carry a track on; regions to ignore untouched. After them, if asked for, the held ones, by age.

    Frames may be missing, for what counts is `Frame.time_s`. Time that stands still or runs back counts as the step
    before. Frames that are `UNSEEN` or `FAILED` move tracks on and are no misses; faces that they carry pass
    untouched. A track not found for 2 s, or `hold_s` if that is longer, is forgotten before the next look, so a film
    of fewer frames than one in 2 s needs a longer `hold_s`, or `hold_frames`.
    """

    def __init__(self, settings: TrackSettings | None = None, first_id: int = 1) -> None:
        self.settings = settings or TrackSettings()
        self.held: tuple[int, ...] = ()
        """Ids that the last frame was given without their being found in it."""
        self._high = np.atleast_1d(np.asarray(self.settings.high, np.float32))
        self._next_id = first_id
        self._tracks = _Tracks.of(_NOBODY)
        self._time_s: float | None = None
        self._step_s = self._usual_s = _USUAL_STEP_S
        self._frames = 0  # that came after another

    def __call__(self, frame: Frame) -> Frame:
        """The same frame with track ids, boxes smoothed and held ones added, as the settings say."""
        self._move_on(frame.time_s)
        found = frame.detections
        looked = not (UNSEEN in frame.events or FAILED in frame.events)
        if looked:
            track_of, passing = self._follow(found)
            mine = np.flatnonzero(track_of >= 0)
            xyxy = self._smoothed(found.xyxy, mine, track_of[mine], frame)
            ids = np.where(found.labels < 0, found.track_ids, -1)
            ids[mine] = self._tracks.ids[track_of[mine]]
            found = replace(found, xyxy=xyxy, track_ids=ids)
            found = found if passing.all() else found[passing]
        held = self._held(looked, frame)
        self.held = tuple(held.track_ids.tolist())
        found = Detections.concat([found, held]) if len(held) else found
        return frame if found is frame.detections else frame.with_detections(found)

    def _move_on(self, time_s: float) -> None:
        """Every track to where it is expected at `time_s`."""
        step_s = 0.0 if self._time_s is None else time_s - self._time_s
        self._time_s = time_s
        if step_s > 0:
            self._frames += 1
            # The mean of the first frames, then of about the last 30; a camera that was away for long counts little.
            shown_s = step_s if self._frames == 1 else min(step_s, 2 * self._usual_s)
            self._usual_s += (shown_s - self._usual_s) / min(self._frames, 30)
        self._step_s = step_s = step_s if step_s > 0 else self._step_s
        tracks = self._tracks
        tracks.missed_s += step_s
        # Held for frames, it may still be found in the one after the last miss.
        lost_s = max(_LOST_S, self._hold_s + (0 if self.settings.hold_frames is None else self._usual_s)) + _ROUNDING_S
        if tracks.missed_s.max(initial=0) > lost_s:
            self._tracks = tracks = tracks[tracks.missed_s <= lost_s]
        # Afterwards the size stays, as a trend of it would soon blow the box up or make it vanish.
        tracks.belief.speed[tracks.missed_s > _TREND_S, 2:] = 0
        tracks.belief = kalman.predict(tracks.belief, step_s)
        tracks.shown = kalman.move(tracks.shown, tracks.belief.speed, step_s)

    @property
    def _hold_s(self) -> float:
        """Seconds for which a track is kept that is not found; frames count half a step more, as they come unevenly."""
        frames = self.settings.hold_frames
        return self.settings.hold_s if frames is None else (frames + 0.5) * self._usual_s

    def _follow(self, found: Detections) -> tuple[_Ints, _Mask]:
        """Track of each face `[N]`, -1 = none, and whether it goes on; tracks are updated, begun and forgotten."""
        tracks, s = self._tracks, self.settings
        real = found.labels >= 0
        strong = real & (found.scores >= np.take(self._high, found.labels, mode="clip"))
        weak = real & ~strong & (found.scores >= s.low)
        track_of = np.full(len(found), -1, np.int64)
        if len(tracks) and len(found):
            overlap = boxes.iou(found.xyxy, tracks.belief.xyxy)
            overlap[found.labels[:, None] != tracks.labels] = 0
            numbered, free = tracks.ids >= 0, np.ones(len(tracks), np.bool_)
            for faces, some, least in (
                (strong, numbered, s.min_iou),
                (weak, numbered, s.min_iou_low),
                (strong, ~numbered, s.min_iou),
            ):
                rows, columns = np.flatnonzero(faces & (track_of < 0)), np.flatnonzero(some & free)
                if len(rows) and len(columns):
                    r, c = assign(overlap[rows][:, columns] - np.float32(least))
                    track_of[rows[r]] = columns[c]
                    free[columns[c]] = False
        hit = np.flatnonzero(track_of >= 0)
        self._found(track_of[hit], found.xyxy[hit], found.scores[hit])
        passing = ~real | strong | (track_of >= 0)
        track_of = self._forget(track_of)
        return self._begin(found, strong, track_of), passing

    def _found(self, index: _Ints, xyxy: FloatArray, scores: npt.NDArray[np.float32]) -> None:
        """Tracks `index` `[P]` were found at `xyxy` `[P,4]` with `scores` `[P]`, the others missed."""
        tracks = self._tracks
        tracks.misses += 1
        if len(index) == 0:
            return
        belief = kalman.update(tracks.belief[index], xyxy)
        for f in fields(belief):
            getattr(tracks.belief, f.name)[index] = getattr(belief, f.name)
        tracks.scores[index] = scores
        tracks.hits[index] += 1
        tracks.misses[index] = 0
        tracks.missed_s[index] = 0

    def _forget(self, track_of: _Ints) -> _Ints:
        """Drop tracks that were missed too long, or before they had a number; `track_of` of what is left."""
        tracks = self._tracks
        stay = (tracks.misses == 0) | ((tracks.ids >= 0) & (tracks.missed_s <= self._hold_s + _ROUNDING_S))
        if stay.all():
            return track_of
        self._tracks = tracks[stay]
        place = np.append(np.cumsum(stay) - 1, -1)  # the last for faces without a track
        return np.asarray(place[track_of], np.int64)

    def _begin(self, found: Detections, strong: _Mask, track_of: _Ints) -> _Ints:
        """Start tracks at strong faces that have none, and number those found often enough; `track_of` with them."""
        new = np.flatnonzero(strong & (track_of < 0))
        if len(new):
            new = new[np.lexsort((*found.xyxy[new].T, -found.scores[new]))]
            track_of[new] = len(self._tracks) + np.arange(len(new))
            begun = _Tracks.of(found[new])
            begun.hits += 1
            self._tracks = self._tracks + begun
        tracks = self._tracks
        ripe = np.flatnonzero((tracks.ids < 0) & (tracks.hits >= self.settings.confirm_hits))
        tracks.ids[ripe] = self._next_id + np.arange(len(ripe))
        self._next_id += len(ripe)
        return track_of

    def _smoothed(self, xyxy: FloatArray, mine: _Ints, track_of: _Ints, frame: Frame) -> FloatArray:
        """Boxes `[N,4]` of which those at `mine` `[P]`, of tracks `track_of` `[P]`, are mixed with those shown before.

        Mixed ones are cut at the picture's edges.
        """
        if len(mine) == 0:
            return xyxy
        shown, place = self._tracks.shown, kalman.to_place(xyxy[mine])
        if self.settings.smooth == 0:
            shown[track_of] = place
            return xyxy
        kept = self.settings.smooth ** (kalman.RATE * self._step_s)
        shown[track_of] += (1 - kept) * (place - shown[track_of])
        smoothed = xyxy.copy()
        smoothed[mine] = boxes.clip(kalman.to_xyxy(shown[track_of]), frame.gray.shape[::-1])
        return smoothed

    def _held(self, looked: bool, frame: Frame) -> Detections:
        """Numbered tracks to give out though they were not found, cut at the picture's edges."""
        tracks, s = self._tracks, self.settings
        if not s.emit_held and (looked or not s.emit_unseen):
            return _NOBODY
        held = (tracks.ids >= 0) & (tracks.missed_s > 0) & (tracks.missed_s <= self._hold_s + _ROUNDING_S)
        if not s.emit_held:
            held &= tracks.misses == 0
        if not held.any():
            return _NOBODY
        xyxy = boxes.clip(kalman.to_xyxy(tracks.shown), frame.gray.shape[::-1])
        held &= boxes.area(xyxy) > 0
        left = 1 - np.minimum(tracks.missed_s[held] / max(self._hold_s, _ROUNDING_S), 1)
        return Detections(xyxy[held], tracks.scores[held] * left, tracks.labels[held], tracks.ids[held])
