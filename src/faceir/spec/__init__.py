"""The experiment spec: one schema (`experiment.proto`), read from TAO's text files, changed and checked."""

from faceir.spec.edit import override
from faceir.spec.experiment_pb2 import ClusteringConfig, DatasetExportConfig, Experiment, Inference
from faceir.spec.rules import check, check_inference, unread
from faceir.spec.text import load, load_dataset_export, load_inference, to_text
from faceir.spec.values import class_names, cluster_params, inference_cluster_params, raster_params

__all__ = [
    "ClusteringConfig",
    "DatasetExportConfig",
    "Experiment",
    "Inference",
    "check",
    "check_inference",
    "class_names",
    "cluster_params",
    "inference_cluster_params",
    "load",
    "load_dataset_export",
    "load_inference",
    "override",
    "raster_params",
    "to_text",
    "unread",
]
