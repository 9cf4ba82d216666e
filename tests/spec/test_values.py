from __future__ import annotations

from pathlib import Path

import pytest

from faceir import spec
from faceir.cluster import ClusterParams
from faceir.errors import SpecError
from faceir.gridbox import RasterParams

SPECS = Path(__file__).with_name("specs")
CAR = "postprocessing_config.target_class_config.car.clustering_config"


def test_classes_keep_the_order_of_the_channels() -> None:
    assert spec.class_names(spec.load(SPECS / "kitti_train.txt")) == ("car", "cyclist", "pedestrian")
    assert spec.class_names(spec.Experiment()) == ()


def test_raster_params() -> None:
    mask, no_mask = spec.raster_params(spec.load(SPECS / "older_train.txt"))
    assert mask == RasterParams(0.5, 0.5, 0.4, 0.4, 1.0, 0.4)
    assert (no_mask.cov_radius_x, no_mask.deadzone_radius) == (1.0, 0.4)


def test_cluster_params_take_each_algorithms_own_threshold() -> None:
    car, _, pedestrian = spec.cluster_params(spec.load(SPECS / "kitti_train.txt"))
    assert (car.algorithm, car.confidence_threshold, car.eps, car.min_height) == ("dbscan", 0.9, 0.20000000298, 20)
    assert (pedestrian.algorithm, pedestrian.confidence_threshold, pedestrian.nms_iou_threshold) == ("nms", 0.4, 0.25)


@pytest.mark.parametrize(
    ("name", "algorithm", "threshold"),
    [
        ("DBSCAN", "dbscan", 0.9),
        ("NMS", "nms", 0.3),
        ("HYBRID", "hybrid", 0.3),
        ("GROUP_RECTANGLES", "group_rectangles", 0.3),
        ("NONE", "none", 0.3),
    ],
)
def test_every_algorithm_has_its_name(name: str, algorithm: str, threshold: float) -> None:
    changed = spec.load(SPECS / "kitti_train.txt", [f"{CAR}.clustering_algorithm={name}"])
    changed = spec.override(changed, f"{CAR}.nms_confidence_threshold=0.3")
    car = spec.cluster_params(changed)[0]
    assert (car.algorithm, car.confidence_threshold) == (algorithm, threshold)


def test_a_class_without_settings() -> None:
    changed = spec.load(SPECS / "kitti_train.txt", ["cost_function_config.target_classes.0.name=Car"])
    for convert in (spec.raster_params, spec.cluster_params):
        with pytest.raises(SpecError, match="upper and lower case count"):
            convert(changed)


def test_defaults_of_a_class_block_that_is_empty() -> None:
    changed = spec.override(spec.Experiment(), "cost_function_config.target_classes.0.name=face")
    changed = spec.override(changed, "bbox_rasterizer_config.target_class_config.face={}")
    changed = spec.override(changed, "postprocessing_config.target_class_config.face={}")
    assert spec.raster_params(changed) == (RasterParams(),)
    assert spec.cluster_params(changed) == (ClusterParams("dbscan", coverage_threshold=0.005),)


def test_inference_falls_back_on_default() -> None:
    car, cyclist = spec.inference_cluster_params(spec.load_inference(SPECS / "inference.txt"))
    assert (car.algorithm, car.confidence_threshold) == ("hybrid", 0.25)
    assert (cyclist.algorithm, cyclist.confidence_threshold) == ("dbscan", 0.9)


def test_older_inference_spec_has_one_threshold() -> None:
    mask, other = spec.inference_cluster_params(spec.load_inference(SPECS / "older_inference.txt"))
    assert (mask.algorithm, mask.confidence_threshold, mask.min_samples) == ("dbscan", 0.9, 0.05)
    assert (other.algorithm, other.confidence_threshold) == ("nms", 0.0)


def test_inference_without_settings_for_a_class() -> None:
    loaded = spec.load_inference(SPECS / "inference.txt")
    del loaded.bbox_handler_config.classwise_bbox_handler_config["default"]
    with pytest.raises(SpecError, match="no `cyclist`"):
        spec.inference_cluster_params(loaded)
