"""A spec for the tests' discs."""

from pathlib import Path


def disc_spec(folder: Path) -> str:
    return f"""
random_seed: 1
dataset_config {{
  data_sources {{ image_directory_path: "{folder}" }}
  target_class_mapping {{ key: "face" value: "face" }}
}}
augmentation_config {{
  preprocessing {{
    output_image_width: 96 output_image_height: 64 output_image_channel: 3
    enable_auto_resize: true maintain_aspect_ratio: true
  }}
  spatial_augmentation {{ hflip_probability: 0.5 zoom_min: 1.0 zoom_max: 1.0 }}
}}
postprocessing_config {{
  target_class_config {{
    key: "face"
    value {{ clustering_config {{ coverage_threshold: 0.1 clustering_algorithm: NMS nms_iou_threshold: 0.4 }} }}
  }}
}}
model_config {{ arch: "resnet" num_layers: 18 use_batch_norm: true all_projections: true width_multiplier: 0.125 }}
evaluation_config {{
  validation_period_during_training: 1
  minimum_detection_ground_truth_overlap {{ key: "face" value: 0.5 }}
}}
cost_function_config {{
  target_classes {{
    name: "face" class_weight: 1.0 coverage_foreground_weight: 0.5
    objectives {{ name: "cov" initial_weight: 2.0 weight_target: 1.0 }}
    objectives {{ name: "bbox" initial_weight: 1.0 weight_target: 10.0 }}
  }}
}}
training_config {{
  batch_size_per_gpu: 4 num_epochs: 3 checkpoint_interval: 1 precision: FP32 num_workers: 0
  learning_rate {{
    soft_start_annealing_schedule {{ min_learning_rate: 1e-4 max_learning_rate: 3e-3 soft_start: 0.1 annealing: 0.6 }}
  }}
  regularizer {{ type: L1 weight: 3e-9 }}
  optimizer {{ adam {{ epsilon: 1e-8 beta1: 0.9 beta2: 0.999 }} }}
}}
bbox_rasterizer_config {{
  target_class_config {{
    key: "face"
    value {{ cov_center_x: 0.5 cov_center_y: 0.5 cov_radius_x: 0.4 cov_radius_y: 0.4 bbox_min_radius: 1.0 }}
  }}
  deadzone_radius: 0.67
}}
"""
