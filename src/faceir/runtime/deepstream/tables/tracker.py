"""The file that [tracker] ll-config-file names."""

from __future__ import annotations

from faceir.runtime.deepstream.keys import ANY, GroupKeys, Kept, mapped, no
from faceir.runtime.deepstream.tables import reasons as why

__all__ = ["TRACKER_FILE"]

_OVERLAP = "overlap alone tells which face is whose"
TRACKER_FILE: Kept = (
    GroupKeys("BaseConfig", (
        mapped("minDetectorConfidence float - -1..1", "faces that score less are left out; else weak ones below 0.1"),
    )),
    GroupKeys("TargetManagement", (
        mapped("probationAge int - 0..100000", "frames in which a face is found after the first to get its id, else 1"),
        mapped("maxShadowTrackingAge int - 0..100000", "frames for which a track is kept that is not found, else 1 s"),
        *no("a track without an id ends at its first miss", "earlyTerminationAge int 1"),
        *no(why.BOXES, "minTrackerConfidence float 0"),
        *no("boxes stay as they were found", "enableBboxUnClipping flag 0"),
        *no("there may be any number of tracks", "maxTargetsPerStream int 30"),
        *no("each face without a track starts one", "minIouDiff4NewTarget float 0", "minIou4TargetDuplicate float 1",
             "targetDuplicateRunInterval int 1"),
        *no("ids start again with each stream", "preserveStreamUpdateOrder flag 0"),
        *no("only what is found goes out; [redact] covers the rest", "outputShadowTracks flag 0",
             "outputTerminatedTracks flag 0", "terminatedTrackFilename text -", "shadowTrackFilename text -"),
    )),
    GroupKeys("DataAssociator", (
        mapped("associationMatcherType int 0 0,1", "1: in two stages, 0: in one; best in all, never greedy"),
        mapped("tentativeDetectorConfidence float - 0..1",
            "of two stages: faces that score less only carry tracks on, in the second"),
        mapped("minMatchingScore4Iou float - 0..1", "least overlap (IoU) with where a face is expected, else 0.2"),
        mapped("minMatchingScore4TentativeIou float - 0..1", "the like in the second stage, else 0.5"),
        *no("classes do not mix", "checkClassMatch flag 1"),
        *no("faces are looked for where they are expected", "usePrediction4Assoc flag 0"),
        *no(_OVERLAP, "dataAssociatorType int 0", "minMatchingScore4Overall float 0",
             "minMatchingScore4SizeSimilarity float 0", "minMatchingScore4VisualSimilarity float 0",
             "minMatchingScore4ReidSimilarity float 0", "matchingScoreWeight4Iou float 1",
             "matchingScoreWeight4SizeSimilarity float 0", "matchingScoreWeight4VisualSimilarity float 0",
             "matchingScoreWeight4ReidSimilarity float 0", "thresholdMahalanobis float -1"),
    )),
    GroupKeys("StateEstimator", ANY, "noise is a share of the face's height"),
    GroupKeys("TrajectoryManagement", ANY, "a track that has ended is not taken up again"),
    GroupKeys("VisualTracker", ANY, why.BOXES),
    GroupKeys("ReID", ANY, "faces are not told apart by their looks"),
    GroupKeys("Segmenter", ANY, "faces have no masks"),
    GroupKeys("ObjectModelProjection", ANY, "nothing is known of the camera's place"),
    GroupKeys("PoseEstimator", ANY, "faces have no joints"),
    GroupKeys("Communicator", ANY, "no tracks are shared between machines"),
)  # fmt: skip
"""Groups of the file that [tracker] ll-config-file names."""
