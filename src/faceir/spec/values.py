"""Spec messages to the values that the rest of faceir works with."""

from __future__ import annotations

from dataclasses import replace

from faceir.cluster import ClusterParams
from faceir.errors import SpecError
from faceir.gridbox import RasterParams
from faceir.spec.experiment_pb2 import ClusteringConfig, Experiment, Inference
from faceir.spec.schema import listed

__all__ = ["class_names", "cluster_params", "inference_cluster_params", "raster_params"]

_COST = "cost_function_config"


def class_names(spec: Experiment) -> tuple[str, ...]:
    """Names of the classes in the order of the network's channels."""
    return tuple(one.name for one in spec.cost_function_config.target_classes)


def raster_params(spec: Experiment) -> tuple[RasterParams, ...]:
    """How to rasterise each class, in class order; raises `SpecError` when a class is missing."""
    config = spec.bbox_rasterizer_config
    made = []
    for name in class_names(spec):
        if name not in config.target_class_config:
            raise _missing("bbox_rasterizer_config.target_class_config", name, list(config.target_class_config), _COST)
        one = config.target_class_config[name]
        made.append(
            RasterParams(
                cov_center_x=one.cov_center_x,
                cov_center_y=one.cov_center_y,
                cov_radius_x=one.cov_radius_x,
                cov_radius_y=one.cov_radius_y,
                bbox_min_radius=one.bbox_min_radius,
                deadzone_radius=config.deadzone_radius,
            )
        )
    return tuple(made)


def cluster_params(spec: Experiment) -> tuple[ClusterParams, ...]:
    """How to cluster each class, in class order; raises `SpecError` when a class is missing."""
    table = spec.postprocessing_config.target_class_config
    made = []
    for name in class_names(spec):
        if name not in table:
            raise _missing("postprocessing_config.target_class_config", name, list(table), _COST)
        made.append(_cluster(table[name].clustering_config))
    return tuple(made)


def inference_cluster_params(spec: Inference) -> tuple[ClusterParams, ...]:
    """How to cluster each class of `inferencer_config.target_classes`; the key `default` stands in, as in TAO."""
    table = spec.bbox_handler_config.classwise_bbox_handler_config
    made = []
    for name in spec.inferencer_config.target_classes:
        key = name if name in table else "default"
        if key not in table:
            raise _missing(
                "bbox_handler_config.classwise_bbox_handler_config",
                name,
                list(table),
                "inferencer_config.target_classes",
            )
        config = ClusteringConfig()
        config.CopyFrom(table[key].clustering_config)
        # TAO's specs of 2020 have one threshold beside `clustering_config`, whichever the algorithm.
        if table[key].HasField("confidence_threshold"):
            for field in ("dbscan_confidence_threshold", "nms_confidence_threshold"):
                if not config.HasField(field):
                    setattr(config, field, table[key].confidence_threshold)
        made.append(_cluster(config))
    return tuple(made)


def _cluster(config: ClusteringConfig) -> ClusterParams:
    # TAO's training code hands the NMS threshold to DBSCAN and the other way round; that is a slip of
    # positions there, and each algorithm gets its own here.
    dbscan, nms = config.dbscan_confidence_threshold, config.nms_confidence_threshold
    shared = ClusterParams(
        coverage_threshold=config.coverage_threshold,
        nms_iou_threshold=config.nms_iou_threshold,
        nms_vote=config.nms_vote,
        vote_weight=config.nms_vote_weight,
        vote_share=config.nms_vote_share,
        nested_factor=config.nms_nested_factor,
        eps=config.dbscan_eps,
        min_samples=config.dbscan_min_samples,
        group_threshold=config.group_threshold,
        min_height=config.minimum_bounding_box_height,
        top_k=config.top_k,
        confidence_threshold=nms,
    )
    match config.clustering_algorithm:
        case ClusteringConfig.NMS:
            return replace(shared, algorithm="nms")
        case ClusteringConfig.HYBRID:
            return replace(shared, algorithm="hybrid")
        case ClusteringConfig.GROUP_RECTANGLES:
            return replace(shared, algorithm="group_rectangles")
        case ClusteringConfig.NONE:
            return replace(shared, algorithm="none")
        case _:
            return replace(shared, algorithm="dbscan", confidence_threshold=dbscan)


def _missing(where: str, name: str, present: list[str], classes: str) -> SpecError:
    """`classes`: the key that says which classes there are."""
    has = f"has {listed(present)}" if present else "is empty"
    alike = [one for one in present if one.lower() == name.lower()]
    do = f"write the class as `{name}`: upper and lower case count" if alike else f'add an entry with key: "{name}"'
    return SpecError(where, f"{has}, but no `{name}`", f"one entry per class of {classes}", do)
