from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Experiment(_message.Message):
    __slots__ = ("random_seed", "dataset_config", "augmentation_config", "postprocessing_config", "model_config", "evaluation_config", "cost_function_config", "training_config", "bbox_rasterizer_config", "loss_mask_label_filter", "dataset_export_config")
    RANDOM_SEED_FIELD_NUMBER: _ClassVar[int]
    DATASET_CONFIG_FIELD_NUMBER: _ClassVar[int]
    AUGMENTATION_CONFIG_FIELD_NUMBER: _ClassVar[int]
    POSTPROCESSING_CONFIG_FIELD_NUMBER: _ClassVar[int]
    MODEL_CONFIG_FIELD_NUMBER: _ClassVar[int]
    EVALUATION_CONFIG_FIELD_NUMBER: _ClassVar[int]
    COST_FUNCTION_CONFIG_FIELD_NUMBER: _ClassVar[int]
    TRAINING_CONFIG_FIELD_NUMBER: _ClassVar[int]
    BBOX_RASTERIZER_CONFIG_FIELD_NUMBER: _ClassVar[int]
    LOSS_MASK_LABEL_FILTER_FIELD_NUMBER: _ClassVar[int]
    DATASET_EXPORT_CONFIG_FIELD_NUMBER: _ClassVar[int]
    random_seed: int
    dataset_config: DatasetConfig
    augmentation_config: AugmentationConfig
    postprocessing_config: PostProcessingConfig
    model_config: ModelConfig
    evaluation_config: EvaluationConfig
    cost_function_config: CostFunctionConfig
    training_config: TrainingConfig
    bbox_rasterizer_config: BboxRasterizerConfig
    loss_mask_label_filter: ObjectiveLabelFilter
    dataset_export_config: _containers.RepeatedCompositeFieldContainer[DatasetExportConfig]
    def __init__(self, random_seed: _Optional[int] = ..., dataset_config: _Optional[_Union[DatasetConfig, _Mapping]] = ..., augmentation_config: _Optional[_Union[AugmentationConfig, _Mapping]] = ..., postprocessing_config: _Optional[_Union[PostProcessingConfig, _Mapping]] = ..., model_config: _Optional[_Union[ModelConfig, _Mapping]] = ..., evaluation_config: _Optional[_Union[EvaluationConfig, _Mapping]] = ..., cost_function_config: _Optional[_Union[CostFunctionConfig, _Mapping]] = ..., training_config: _Optional[_Union[TrainingConfig, _Mapping]] = ..., bbox_rasterizer_config: _Optional[_Union[BboxRasterizerConfig, _Mapping]] = ..., loss_mask_label_filter: _Optional[_Union[ObjectiveLabelFilter, _Mapping]] = ..., dataset_export_config: _Optional[_Iterable[_Union[DatasetExportConfig, _Mapping]]] = ...) -> None: ...

class DatasetConfig(_message.Message):
    __slots__ = ("data_sources", "image_extension", "target_class_mapping", "validation_fold", "validation_data_source", "dataloader_mode", "sampling_mode")
    class DATALOADER_MODE(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MULTISOURCE: _ClassVar[DatasetConfig.DATALOADER_MODE]
        LEGACY: _ClassVar[DatasetConfig.DATALOADER_MODE]
        DEFAULT: _ClassVar[DatasetConfig.DATALOADER_MODE]
    MULTISOURCE: DatasetConfig.DATALOADER_MODE
    LEGACY: DatasetConfig.DATALOADER_MODE
    DEFAULT: DatasetConfig.DATALOADER_MODE
    class SAMPLING_MODE(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        USER_DEFINED: _ClassVar[DatasetConfig.SAMPLING_MODE]
        PROPORTIONAL: _ClassVar[DatasetConfig.SAMPLING_MODE]
        UNIFORM: _ClassVar[DatasetConfig.SAMPLING_MODE]
    USER_DEFINED: DatasetConfig.SAMPLING_MODE
    PROPORTIONAL: DatasetConfig.SAMPLING_MODE
    UNIFORM: DatasetConfig.SAMPLING_MODE
    class TargetClassMappingEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    DATA_SOURCES_FIELD_NUMBER: _ClassVar[int]
    IMAGE_EXTENSION_FIELD_NUMBER: _ClassVar[int]
    TARGET_CLASS_MAPPING_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_FOLD_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_DATA_SOURCE_FIELD_NUMBER: _ClassVar[int]
    DATALOADER_MODE_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_MODE_FIELD_NUMBER: _ClassVar[int]
    data_sources: _containers.RepeatedCompositeFieldContainer[DataSource]
    image_extension: str
    target_class_mapping: _containers.ScalarMap[str, str]
    validation_fold: int
    validation_data_source: DataSource
    dataloader_mode: DatasetConfig.DATALOADER_MODE
    sampling_mode: DatasetConfig.SAMPLING_MODE
    def __init__(self, data_sources: _Optional[_Iterable[_Union[DataSource, _Mapping]]] = ..., image_extension: _Optional[str] = ..., target_class_mapping: _Optional[_Mapping[str, str]] = ..., validation_fold: _Optional[int] = ..., validation_data_source: _Optional[_Union[DataSource, _Mapping]] = ..., dataloader_mode: _Optional[_Union[DatasetConfig.DATALOADER_MODE, str]] = ..., sampling_mode: _Optional[_Union[DatasetConfig.SAMPLING_MODE, str]] = ...) -> None: ...

class DataSource(_message.Message):
    __slots__ = ("tfrecords_path", "image_directory_path", "source_weight", "split", "terms", "exclude_set", "sampling_ratio")
    TFRECORDS_PATH_FIELD_NUMBER: _ClassVar[int]
    IMAGE_DIRECTORY_PATH_FIELD_NUMBER: _ClassVar[int]
    SOURCE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_SET_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_RATIO_FIELD_NUMBER: _ClassVar[int]
    tfrecords_path: str
    image_directory_path: str
    source_weight: float
    split: str
    terms: _containers.RepeatedScalarFieldContainer[str]
    exclude_set: _containers.RepeatedScalarFieldContainer[str]
    sampling_ratio: float
    def __init__(self, tfrecords_path: _Optional[str] = ..., image_directory_path: _Optional[str] = ..., source_weight: _Optional[float] = ..., split: _Optional[str] = ..., terms: _Optional[_Iterable[str]] = ..., exclude_set: _Optional[_Iterable[str]] = ..., sampling_ratio: _Optional[float] = ...) -> None: ...

class DatasetExportConfig(_message.Message):
    __slots__ = ("coco_config", "kitti_config", "sample_modifier_config", "image_directory_path", "target_class_mapping")
    class SampleModifierConfig(_message.Message):
        __slots__ = ("filter_samples_containing_only", "dominant_target_classes", "minimum_target_class_imbalance", "num_duplicates", "max_training_samples", "source_to_target_class_mapping")
        class MinimumTargetClassImbalanceEntry(_message.Message):
            __slots__ = ("key", "value")
            KEY_FIELD_NUMBER: _ClassVar[int]
            VALUE_FIELD_NUMBER: _ClassVar[int]
            key: str
            value: float
            def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
        class SourceToTargetClassMappingEntry(_message.Message):
            __slots__ = ("key", "value")
            KEY_FIELD_NUMBER: _ClassVar[int]
            VALUE_FIELD_NUMBER: _ClassVar[int]
            key: str
            value: str
            def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
        FILTER_SAMPLES_CONTAINING_ONLY_FIELD_NUMBER: _ClassVar[int]
        DOMINANT_TARGET_CLASSES_FIELD_NUMBER: _ClassVar[int]
        MINIMUM_TARGET_CLASS_IMBALANCE_FIELD_NUMBER: _ClassVar[int]
        NUM_DUPLICATES_FIELD_NUMBER: _ClassVar[int]
        MAX_TRAINING_SAMPLES_FIELD_NUMBER: _ClassVar[int]
        SOURCE_TO_TARGET_CLASS_MAPPING_FIELD_NUMBER: _ClassVar[int]
        filter_samples_containing_only: _containers.RepeatedScalarFieldContainer[str]
        dominant_target_classes: _containers.RepeatedScalarFieldContainer[str]
        minimum_target_class_imbalance: _containers.ScalarMap[str, float]
        num_duplicates: int
        max_training_samples: int
        source_to_target_class_mapping: _containers.ScalarMap[str, str]
        def __init__(self, filter_samples_containing_only: _Optional[_Iterable[str]] = ..., dominant_target_classes: _Optional[_Iterable[str]] = ..., minimum_target_class_imbalance: _Optional[_Mapping[str, float]] = ..., num_duplicates: _Optional[int] = ..., max_training_samples: _Optional[int] = ..., source_to_target_class_mapping: _Optional[_Mapping[str, str]] = ...) -> None: ...
    class TargetClassMappingEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    COCO_CONFIG_FIELD_NUMBER: _ClassVar[int]
    KITTI_CONFIG_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_MODIFIER_CONFIG_FIELD_NUMBER: _ClassVar[int]
    IMAGE_DIRECTORY_PATH_FIELD_NUMBER: _ClassVar[int]
    TARGET_CLASS_MAPPING_FIELD_NUMBER: _ClassVar[int]
    coco_config: COCOConfig
    kitti_config: KITTIConfig
    sample_modifier_config: DatasetExportConfig.SampleModifierConfig
    image_directory_path: str
    target_class_mapping: _containers.ScalarMap[str, str]
    def __init__(self, coco_config: _Optional[_Union[COCOConfig, _Mapping]] = ..., kitti_config: _Optional[_Union[KITTIConfig, _Mapping]] = ..., sample_modifier_config: _Optional[_Union[DatasetExportConfig.SampleModifierConfig, _Mapping]] = ..., image_directory_path: _Optional[str] = ..., target_class_mapping: _Optional[_Mapping[str, str]] = ...) -> None: ...

class KITTIConfig(_message.Message):
    __slots__ = ("root_directory_path", "image_dir_name", "label_dir_name", "point_clouds_dir", "calibrations_dir", "kitti_sequence_to_frames_file", "image_extension", "num_partitions", "num_shards", "partition_mode", "val_split")
    ROOT_DIRECTORY_PATH_FIELD_NUMBER: _ClassVar[int]
    IMAGE_DIR_NAME_FIELD_NUMBER: _ClassVar[int]
    LABEL_DIR_NAME_FIELD_NUMBER: _ClassVar[int]
    POINT_CLOUDS_DIR_FIELD_NUMBER: _ClassVar[int]
    CALIBRATIONS_DIR_FIELD_NUMBER: _ClassVar[int]
    KITTI_SEQUENCE_TO_FRAMES_FILE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_EXTENSION_FIELD_NUMBER: _ClassVar[int]
    NUM_PARTITIONS_FIELD_NUMBER: _ClassVar[int]
    NUM_SHARDS_FIELD_NUMBER: _ClassVar[int]
    PARTITION_MODE_FIELD_NUMBER: _ClassVar[int]
    VAL_SPLIT_FIELD_NUMBER: _ClassVar[int]
    root_directory_path: str
    image_dir_name: str
    label_dir_name: str
    point_clouds_dir: str
    calibrations_dir: str
    kitti_sequence_to_frames_file: str
    image_extension: str
    num_partitions: int
    num_shards: int
    partition_mode: str
    val_split: float
    def __init__(self, root_directory_path: _Optional[str] = ..., image_dir_name: _Optional[str] = ..., label_dir_name: _Optional[str] = ..., point_clouds_dir: _Optional[str] = ..., calibrations_dir: _Optional[str] = ..., kitti_sequence_to_frames_file: _Optional[str] = ..., image_extension: _Optional[str] = ..., num_partitions: _Optional[int] = ..., num_shards: _Optional[int] = ..., partition_mode: _Optional[str] = ..., val_split: _Optional[float] = ...) -> None: ...

class COCOConfig(_message.Message):
    __slots__ = ("root_directory_path", "img_dir_names", "annotation_files", "num_partitions", "num_shards")
    ROOT_DIRECTORY_PATH_FIELD_NUMBER: _ClassVar[int]
    IMG_DIR_NAMES_FIELD_NUMBER: _ClassVar[int]
    ANNOTATION_FILES_FIELD_NUMBER: _ClassVar[int]
    NUM_PARTITIONS_FIELD_NUMBER: _ClassVar[int]
    NUM_SHARDS_FIELD_NUMBER: _ClassVar[int]
    root_directory_path: str
    img_dir_names: _containers.RepeatedScalarFieldContainer[str]
    annotation_files: _containers.RepeatedScalarFieldContainer[str]
    num_partitions: int
    num_shards: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, root_directory_path: _Optional[str] = ..., img_dir_names: _Optional[_Iterable[str]] = ..., annotation_files: _Optional[_Iterable[str]] = ..., num_partitions: _Optional[int] = ..., num_shards: _Optional[_Iterable[int]] = ...) -> None: ...

class AugmentationConfig(_message.Message):
    __slots__ = ("preprocessing", "spatial_augmentation", "color_augmentation", "face_crops", "face_zoom", "infrared", "occluders")
    class Preprocessing(_message.Message):
        __slots__ = ("output_image_width", "output_image_height", "output_image_min", "output_image_max", "enable_auto_resize", "output_image_channel", "crop_left", "crop_top", "crop_right", "crop_bottom", "min_bbox_width", "min_bbox_height", "scale_width", "scale_height", "maintain_aspect_ratio")
        OUTPUT_IMAGE_WIDTH_FIELD_NUMBER: _ClassVar[int]
        OUTPUT_IMAGE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
        OUTPUT_IMAGE_MIN_FIELD_NUMBER: _ClassVar[int]
        OUTPUT_IMAGE_MAX_FIELD_NUMBER: _ClassVar[int]
        ENABLE_AUTO_RESIZE_FIELD_NUMBER: _ClassVar[int]
        OUTPUT_IMAGE_CHANNEL_FIELD_NUMBER: _ClassVar[int]
        CROP_LEFT_FIELD_NUMBER: _ClassVar[int]
        CROP_TOP_FIELD_NUMBER: _ClassVar[int]
        CROP_RIGHT_FIELD_NUMBER: _ClassVar[int]
        CROP_BOTTOM_FIELD_NUMBER: _ClassVar[int]
        MIN_BBOX_WIDTH_FIELD_NUMBER: _ClassVar[int]
        MIN_BBOX_HEIGHT_FIELD_NUMBER: _ClassVar[int]
        SCALE_WIDTH_FIELD_NUMBER: _ClassVar[int]
        SCALE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
        MAINTAIN_ASPECT_RATIO_FIELD_NUMBER: _ClassVar[int]
        output_image_width: int
        output_image_height: int
        output_image_min: int
        output_image_max: int
        enable_auto_resize: bool
        output_image_channel: int
        crop_left: int
        crop_top: int
        crop_right: int
        crop_bottom: int
        min_bbox_width: float
        min_bbox_height: float
        scale_width: float
        scale_height: float
        maintain_aspect_ratio: bool
        def __init__(self, output_image_width: _Optional[int] = ..., output_image_height: _Optional[int] = ..., output_image_min: _Optional[int] = ..., output_image_max: _Optional[int] = ..., enable_auto_resize: _Optional[bool] = ..., output_image_channel: _Optional[int] = ..., crop_left: _Optional[int] = ..., crop_top: _Optional[int] = ..., crop_right: _Optional[int] = ..., crop_bottom: _Optional[int] = ..., min_bbox_width: _Optional[float] = ..., min_bbox_height: _Optional[float] = ..., scale_width: _Optional[float] = ..., scale_height: _Optional[float] = ..., maintain_aspect_ratio: _Optional[bool] = ...) -> None: ...
    class SpatialAugmentation(_message.Message):
        __slots__ = ("hflip_probability", "vflip_probability", "zoom_min", "zoom_max", "translate_max_x", "translate_max_y", "rotate_rad_max", "rotate_probability", "mosaic_probability")
        HFLIP_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
        VFLIP_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
        ZOOM_MIN_FIELD_NUMBER: _ClassVar[int]
        ZOOM_MAX_FIELD_NUMBER: _ClassVar[int]
        TRANSLATE_MAX_X_FIELD_NUMBER: _ClassVar[int]
        TRANSLATE_MAX_Y_FIELD_NUMBER: _ClassVar[int]
        ROTATE_RAD_MAX_FIELD_NUMBER: _ClassVar[int]
        ROTATE_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
        MOSAIC_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
        hflip_probability: float
        vflip_probability: float
        zoom_min: float
        zoom_max: float
        translate_max_x: float
        translate_max_y: float
        rotate_rad_max: float
        rotate_probability: float
        mosaic_probability: float
        def __init__(self, hflip_probability: _Optional[float] = ..., vflip_probability: _Optional[float] = ..., zoom_min: _Optional[float] = ..., zoom_max: _Optional[float] = ..., translate_max_x: _Optional[float] = ..., translate_max_y: _Optional[float] = ..., rotate_rad_max: _Optional[float] = ..., rotate_probability: _Optional[float] = ..., mosaic_probability: _Optional[float] = ...) -> None: ...
    class ColorAugmentation(_message.Message):
        __slots__ = ("color_shift_stddev", "hue_rotation_max", "saturation_shift_max", "contrast_scale_max", "contrast_center")
        COLOR_SHIFT_STDDEV_FIELD_NUMBER: _ClassVar[int]
        HUE_ROTATION_MAX_FIELD_NUMBER: _ClassVar[int]
        SATURATION_SHIFT_MAX_FIELD_NUMBER: _ClassVar[int]
        CONTRAST_SCALE_MAX_FIELD_NUMBER: _ClassVar[int]
        CONTRAST_CENTER_FIELD_NUMBER: _ClassVar[int]
        color_shift_stddev: float
        hue_rotation_max: float
        saturation_shift_max: float
        contrast_scale_max: float
        contrast_center: float
        def __init__(self, color_shift_stddev: _Optional[float] = ..., hue_rotation_max: _Optional[float] = ..., saturation_shift_max: _Optional[float] = ..., contrast_scale_max: _Optional[float] = ..., contrast_center: _Optional[float] = ...) -> None: ...
    PREPROCESSING_FIELD_NUMBER: _ClassVar[int]
    SPATIAL_AUGMENTATION_FIELD_NUMBER: _ClassVar[int]
    COLOR_AUGMENTATION_FIELD_NUMBER: _ClassVar[int]
    FACE_CROPS_FIELD_NUMBER: _ClassVar[int]
    FACE_ZOOM_FIELD_NUMBER: _ClassVar[int]
    INFRARED_FIELD_NUMBER: _ClassVar[int]
    OCCLUDERS_FIELD_NUMBER: _ClassVar[int]
    preprocessing: AugmentationConfig.Preprocessing
    spatial_augmentation: AugmentationConfig.SpatialAugmentation
    color_augmentation: AugmentationConfig.ColorAugmentation
    face_crops: FaceCrops
    face_zoom: FaceZoom
    infrared: Infrared
    occluders: Occluders
    def __init__(self, preprocessing: _Optional[_Union[AugmentationConfig.Preprocessing, _Mapping]] = ..., spatial_augmentation: _Optional[_Union[AugmentationConfig.SpatialAugmentation, _Mapping]] = ..., color_augmentation: _Optional[_Union[AugmentationConfig.ColorAugmentation, _Mapping]] = ..., face_crops: _Optional[_Union[FaceCrops, _Mapping]] = ..., face_zoom: _Optional[_Union[FaceZoom, _Mapping]] = ..., infrared: _Optional[_Union[Infrared, _Mapping]] = ..., occluders: _Optional[_Union[Occluders, _Mapping]] = ...) -> None: ...

class FaceCrops(_message.Message):
    __slots__ = ("width", "height", "probability", "until_progress", "clutter_probability", "min_face_height", "max_face_height")
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    UNTIL_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    CLUTTER_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    MIN_FACE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    MAX_FACE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    width: int
    height: int
    probability: float
    until_progress: float
    clutter_probability: float
    min_face_height: float
    max_face_height: float
    def __init__(self, width: _Optional[int] = ..., height: _Optional[int] = ..., probability: _Optional[float] = ..., until_progress: _Optional[float] = ..., clutter_probability: _Optional[float] = ..., min_face_height: _Optional[float] = ..., max_face_height: _Optional[float] = ...) -> None: ...

class FaceZoom(_message.Message):
    __slots__ = ("enabled", "min_face_height", "max_face_height")
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    MIN_FACE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    MAX_FACE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    min_face_height: float
    max_face_height: float
    def __init__(self, enabled: _Optional[bool] = ..., min_face_height: _Optional[float] = ..., max_face_height: _Optional[float] = ...) -> None: ...

class Infrared(_message.Message):
    __slots__ = ("probability", "red_weight_min", "red_weight_max", "illumination_probability", "darkness_probability", "light_min", "noise_probability", "noise_sigma_max", "blur_probability", "blur_sigma_max", "over_exposure_probability", "gain_max", "gamma_min", "gamma_max", "jpeg_probability", "jpeg_quality_min", "occluder_probability", "aspect_jitter_max", "distance_falloff_probability", "vignette_probability", "vignette_light_min", "pupil_probability", "glint_probability", "strobe_probability", "dark_gain_probability", "stripe_probability", "stripe_sigma_max", "video_probability", "video_quality_min", "ignore_snr_below", "sensor_scale_min")
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    RED_WEIGHT_MIN_FIELD_NUMBER: _ClassVar[int]
    RED_WEIGHT_MAX_FIELD_NUMBER: _ClassVar[int]
    ILLUMINATION_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    DARKNESS_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    LIGHT_MIN_FIELD_NUMBER: _ClassVar[int]
    NOISE_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    NOISE_SIGMA_MAX_FIELD_NUMBER: _ClassVar[int]
    BLUR_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    BLUR_SIGMA_MAX_FIELD_NUMBER: _ClassVar[int]
    OVER_EXPOSURE_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    GAIN_MAX_FIELD_NUMBER: _ClassVar[int]
    GAMMA_MIN_FIELD_NUMBER: _ClassVar[int]
    GAMMA_MAX_FIELD_NUMBER: _ClassVar[int]
    JPEG_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    JPEG_QUALITY_MIN_FIELD_NUMBER: _ClassVar[int]
    OCCLUDER_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    ASPECT_JITTER_MAX_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FALLOFF_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    VIGNETTE_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    VIGNETTE_LIGHT_MIN_FIELD_NUMBER: _ClassVar[int]
    PUPIL_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    GLINT_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    STROBE_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    DARK_GAIN_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    STRIPE_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    STRIPE_SIGMA_MAX_FIELD_NUMBER: _ClassVar[int]
    VIDEO_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    VIDEO_QUALITY_MIN_FIELD_NUMBER: _ClassVar[int]
    IGNORE_SNR_BELOW_FIELD_NUMBER: _ClassVar[int]
    SENSOR_SCALE_MIN_FIELD_NUMBER: _ClassVar[int]
    probability: float
    red_weight_min: float
    red_weight_max: float
    illumination_probability: float
    darkness_probability: float
    light_min: float
    noise_probability: float
    noise_sigma_max: float
    blur_probability: float
    blur_sigma_max: float
    over_exposure_probability: float
    gain_max: float
    gamma_min: float
    gamma_max: float
    jpeg_probability: float
    jpeg_quality_min: int
    occluder_probability: float
    aspect_jitter_max: float
    distance_falloff_probability: float
    vignette_probability: float
    vignette_light_min: float
    pupil_probability: float
    glint_probability: float
    strobe_probability: float
    dark_gain_probability: float
    stripe_probability: float
    stripe_sigma_max: float
    video_probability: float
    video_quality_min: int
    ignore_snr_below: float
    sensor_scale_min: float
    def __init__(self, probability: _Optional[float] = ..., red_weight_min: _Optional[float] = ..., red_weight_max: _Optional[float] = ..., illumination_probability: _Optional[float] = ..., darkness_probability: _Optional[float] = ..., light_min: _Optional[float] = ..., noise_probability: _Optional[float] = ..., noise_sigma_max: _Optional[float] = ..., blur_probability: _Optional[float] = ..., blur_sigma_max: _Optional[float] = ..., over_exposure_probability: _Optional[float] = ..., gain_max: _Optional[float] = ..., gamma_min: _Optional[float] = ..., gamma_max: _Optional[float] = ..., jpeg_probability: _Optional[float] = ..., jpeg_quality_min: _Optional[int] = ..., occluder_probability: _Optional[float] = ..., aspect_jitter_max: _Optional[float] = ..., distance_falloff_probability: _Optional[float] = ..., vignette_probability: _Optional[float] = ..., vignette_light_min: _Optional[float] = ..., pupil_probability: _Optional[float] = ..., glint_probability: _Optional[float] = ..., strobe_probability: _Optional[float] = ..., dark_gain_probability: _Optional[float] = ..., stripe_probability: _Optional[float] = ..., stripe_sigma_max: _Optional[float] = ..., video_probability: _Optional[float] = ..., video_quality_min: _Optional[int] = ..., ignore_snr_below: _Optional[float] = ..., sensor_scale_min: _Optional[float] = ...) -> None: ...

class Occluders(_message.Message):
    __slots__ = ("patch_weight", "cap_weight", "hand_weight", "seat_weight", "back_of_head_weight", "head_weight", "distractor_probability", "passenger_probability")
    PATCH_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    CAP_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    HAND_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SEAT_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    BACK_OF_HEAD_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    HEAD_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    DISTRACTOR_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    PASSENGER_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    patch_weight: float
    cap_weight: float
    hand_weight: float
    seat_weight: float
    back_of_head_weight: float
    head_weight: float
    distractor_probability: float
    passenger_probability: float
    def __init__(self, patch_weight: _Optional[float] = ..., cap_weight: _Optional[float] = ..., hand_weight: _Optional[float] = ..., seat_weight: _Optional[float] = ..., back_of_head_weight: _Optional[float] = ..., head_weight: _Optional[float] = ..., distractor_probability: _Optional[float] = ..., passenger_probability: _Optional[float] = ...) -> None: ...

class PostProcessingConfig(_message.Message):
    __slots__ = ("target_class_config",)
    class TargetClassConfig(_message.Message):
        __slots__ = ("clustering_config", "confidence_config")
        CLUSTERING_CONFIG_FIELD_NUMBER: _ClassVar[int]
        CONFIDENCE_CONFIG_FIELD_NUMBER: _ClassVar[int]
        clustering_config: ClusteringConfig
        confidence_config: ConfidenceConfig
        def __init__(self, clustering_config: _Optional[_Union[ClusteringConfig, _Mapping]] = ..., confidence_config: _Optional[_Union[ConfidenceConfig, _Mapping]] = ...) -> None: ...
    class TargetClassConfigEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: PostProcessingConfig.TargetClassConfig
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[PostProcessingConfig.TargetClassConfig, _Mapping]] = ...) -> None: ...
    TARGET_CLASS_CONFIG_FIELD_NUMBER: _ClassVar[int]
    target_class_config: _containers.MessageMap[str, PostProcessingConfig.TargetClassConfig]
    def __init__(self, target_class_config: _Optional[_Mapping[str, PostProcessingConfig.TargetClassConfig]] = ...) -> None: ...

class ClusteringConfig(_message.Message):
    __slots__ = ("coverage_threshold", "minimum_bounding_box_height", "clustering_algorithm", "dbscan_eps", "dbscan_min_samples", "neighborhood_size", "dbscan_confidence_threshold", "nms_iou_threshold", "nms_confidence_threshold", "group_threshold", "top_k", "nms_vote", "nms_vote_weight", "nms_vote_share", "nms_nested_factor")
    class ClusteringAlgorithm(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        DBSCAN: _ClassVar[ClusteringConfig.ClusteringAlgorithm]
        NMS: _ClassVar[ClusteringConfig.ClusteringAlgorithm]
        HYBRID: _ClassVar[ClusteringConfig.ClusteringAlgorithm]
        GROUP_RECTANGLES: _ClassVar[ClusteringConfig.ClusteringAlgorithm]
        NONE: _ClassVar[ClusteringConfig.ClusteringAlgorithm]
    DBSCAN: ClusteringConfig.ClusteringAlgorithm
    NMS: ClusteringConfig.ClusteringAlgorithm
    HYBRID: ClusteringConfig.ClusteringAlgorithm
    GROUP_RECTANGLES: ClusteringConfig.ClusteringAlgorithm
    NONE: ClusteringConfig.ClusteringAlgorithm
    COVERAGE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_BOUNDING_BOX_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    CLUSTERING_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    DBSCAN_EPS_FIELD_NUMBER: _ClassVar[int]
    DBSCAN_MIN_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    NEIGHBORHOOD_SIZE_FIELD_NUMBER: _ClassVar[int]
    DBSCAN_CONFIDENCE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    NMS_IOU_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    NMS_CONFIDENCE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    GROUP_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    NMS_VOTE_FIELD_NUMBER: _ClassVar[int]
    NMS_VOTE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    NMS_VOTE_SHARE_FIELD_NUMBER: _ClassVar[int]
    NMS_NESTED_FACTOR_FIELD_NUMBER: _ClassVar[int]
    coverage_threshold: float
    minimum_bounding_box_height: float
    clustering_algorithm: ClusteringConfig.ClusteringAlgorithm
    dbscan_eps: float
    dbscan_min_samples: float
    neighborhood_size: float
    dbscan_confidence_threshold: float
    nms_iou_threshold: float
    nms_confidence_threshold: float
    group_threshold: int
    top_k: int
    nms_vote: bool
    nms_vote_weight: float
    nms_vote_share: float
    nms_nested_factor: float
    def __init__(self, coverage_threshold: _Optional[float] = ..., minimum_bounding_box_height: _Optional[float] = ..., clustering_algorithm: _Optional[_Union[ClusteringConfig.ClusteringAlgorithm, str]] = ..., dbscan_eps: _Optional[float] = ..., dbscan_min_samples: _Optional[float] = ..., neighborhood_size: _Optional[float] = ..., dbscan_confidence_threshold: _Optional[float] = ..., nms_iou_threshold: _Optional[float] = ..., nms_confidence_threshold: _Optional[float] = ..., group_threshold: _Optional[int] = ..., top_k: _Optional[int] = ..., nms_vote: _Optional[bool] = ..., nms_vote_weight: _Optional[float] = ..., nms_vote_share: _Optional[float] = ..., nms_nested_factor: _Optional[float] = ...) -> None: ...

class ConfidenceConfig(_message.Message):
    __slots__ = ("confidence_threshold", "confidence_model_filename", "normalization_mode")
    CONFIDENCE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_MODEL_FILENAME_FIELD_NUMBER: _ClassVar[int]
    NORMALIZATION_MODE_FIELD_NUMBER: _ClassVar[int]
    confidence_threshold: float
    confidence_model_filename: str
    normalization_mode: str
    def __init__(self, confidence_threshold: _Optional[float] = ..., confidence_model_filename: _Optional[str] = ..., normalization_mode: _Optional[str] = ...) -> None: ...

class ModelConfig(_message.Message):
    __slots__ = ("pretrained_model_file", "freeze_pretrained_layers", "allow_loaded_model_modification", "num_layers", "use_pooling", "use_batch_norm", "dropout_rate", "activation", "objective_set", "training_precision", "freeze_bn", "freeze_blocks", "arch", "load_graph", "all_projections", "width_multiplier", "widen_pretrained", "widen_noise")
    class Activation(_message.Message):
        __slots__ = ("activation_type", "activation_parameters")
        class ActivationParametersEntry(_message.Message):
            __slots__ = ("key", "value")
            KEY_FIELD_NUMBER: _ClassVar[int]
            VALUE_FIELD_NUMBER: _ClassVar[int]
            key: str
            value: float
            def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
        ACTIVATION_TYPE_FIELD_NUMBER: _ClassVar[int]
        ACTIVATION_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
        activation_type: str
        activation_parameters: _containers.ScalarMap[str, float]
        def __init__(self, activation_type: _Optional[str] = ..., activation_parameters: _Optional[_Mapping[str, float]] = ...) -> None: ...
    class BboxObjective(_message.Message):
        __slots__ = ("input", "scale", "offset")
        INPUT_FIELD_NUMBER: _ClassVar[int]
        SCALE_FIELD_NUMBER: _ClassVar[int]
        OFFSET_FIELD_NUMBER: _ClassVar[int]
        input: str
        scale: float
        offset: float
        def __init__(self, input: _Optional[str] = ..., scale: _Optional[float] = ..., offset: _Optional[float] = ...) -> None: ...
    class CovObjective(_message.Message):
        __slots__ = ("input",)
        INPUT_FIELD_NUMBER: _ClassVar[int]
        input: str
        def __init__(self, input: _Optional[str] = ...) -> None: ...
    class ObjectiveSet(_message.Message):
        __slots__ = ("bbox", "cov")
        BBOX_FIELD_NUMBER: _ClassVar[int]
        COV_FIELD_NUMBER: _ClassVar[int]
        bbox: ModelConfig.BboxObjective
        cov: ModelConfig.CovObjective
        def __init__(self, bbox: _Optional[_Union[ModelConfig.BboxObjective, _Mapping]] = ..., cov: _Optional[_Union[ModelConfig.CovObjective, _Mapping]] = ...) -> None: ...
    class TrainingPrecision(_message.Message):
        __slots__ = ("backend_floatx",)
        class BackendFloatx(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
            __slots__ = ()
            FLOAT32: _ClassVar[ModelConfig.TrainingPrecision.BackendFloatx]
            FLOAT16: _ClassVar[ModelConfig.TrainingPrecision.BackendFloatx]
            INVALID: _ClassVar[ModelConfig.TrainingPrecision.BackendFloatx]
        FLOAT32: ModelConfig.TrainingPrecision.BackendFloatx
        FLOAT16: ModelConfig.TrainingPrecision.BackendFloatx
        INVALID: ModelConfig.TrainingPrecision.BackendFloatx
        BACKEND_FLOATX_FIELD_NUMBER: _ClassVar[int]
        backend_floatx: ModelConfig.TrainingPrecision.BackendFloatx
        def __init__(self, backend_floatx: _Optional[_Union[ModelConfig.TrainingPrecision.BackendFloatx, str]] = ...) -> None: ...
    PRETRAINED_MODEL_FILE_FIELD_NUMBER: _ClassVar[int]
    FREEZE_PRETRAINED_LAYERS_FIELD_NUMBER: _ClassVar[int]
    ALLOW_LOADED_MODEL_MODIFICATION_FIELD_NUMBER: _ClassVar[int]
    NUM_LAYERS_FIELD_NUMBER: _ClassVar[int]
    USE_POOLING_FIELD_NUMBER: _ClassVar[int]
    USE_BATCH_NORM_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_RATE_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    OBJECTIVE_SET_FIELD_NUMBER: _ClassVar[int]
    TRAINING_PRECISION_FIELD_NUMBER: _ClassVar[int]
    FREEZE_BN_FIELD_NUMBER: _ClassVar[int]
    FREEZE_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    ARCH_FIELD_NUMBER: _ClassVar[int]
    LOAD_GRAPH_FIELD_NUMBER: _ClassVar[int]
    ALL_PROJECTIONS_FIELD_NUMBER: _ClassVar[int]
    WIDTH_MULTIPLIER_FIELD_NUMBER: _ClassVar[int]
    WIDEN_PRETRAINED_FIELD_NUMBER: _ClassVar[int]
    WIDEN_NOISE_FIELD_NUMBER: _ClassVar[int]
    pretrained_model_file: str
    freeze_pretrained_layers: bool
    allow_loaded_model_modification: bool
    num_layers: int
    use_pooling: bool
    use_batch_norm: bool
    dropout_rate: float
    activation: ModelConfig.Activation
    objective_set: ModelConfig.ObjectiveSet
    training_precision: ModelConfig.TrainingPrecision
    freeze_bn: bool
    freeze_blocks: _containers.RepeatedScalarFieldContainer[float]
    arch: str
    load_graph: bool
    all_projections: bool
    width_multiplier: float
    widen_pretrained: bool
    widen_noise: float
    def __init__(self, pretrained_model_file: _Optional[str] = ..., freeze_pretrained_layers: _Optional[bool] = ..., allow_loaded_model_modification: _Optional[bool] = ..., num_layers: _Optional[int] = ..., use_pooling: _Optional[bool] = ..., use_batch_norm: _Optional[bool] = ..., dropout_rate: _Optional[float] = ..., activation: _Optional[_Union[ModelConfig.Activation, _Mapping]] = ..., objective_set: _Optional[_Union[ModelConfig.ObjectiveSet, _Mapping]] = ..., training_precision: _Optional[_Union[ModelConfig.TrainingPrecision, _Mapping]] = ..., freeze_bn: _Optional[bool] = ..., freeze_blocks: _Optional[_Iterable[float]] = ..., arch: _Optional[str] = ..., load_graph: _Optional[bool] = ..., all_projections: _Optional[bool] = ..., width_multiplier: _Optional[float] = ..., widen_pretrained: _Optional[bool] = ..., widen_noise: _Optional[float] = ...) -> None: ...

class EvaluationConfig(_message.Message):
    __slots__ = ("validation_period_during_training", "first_validation_epoch", "early_stopping_patience_steps", "minimum_detection_ground_truth_overlap", "evaluation_box_config", "average_precision_mode")
    class AP_MODE(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SAMPLE: _ClassVar[EvaluationConfig.AP_MODE]
        INTEGRATE: _ClassVar[EvaluationConfig.AP_MODE]
    SAMPLE: EvaluationConfig.AP_MODE
    INTEGRATE: EvaluationConfig.AP_MODE
    class MinimumDetectionGroundTruthOverlapEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class EvaluationBoxConfig(_message.Message):
        __slots__ = ("minimum_height", "maximum_height", "minimum_width", "maximum_width")
        MINIMUM_HEIGHT_FIELD_NUMBER: _ClassVar[int]
        MAXIMUM_HEIGHT_FIELD_NUMBER: _ClassVar[int]
        MINIMUM_WIDTH_FIELD_NUMBER: _ClassVar[int]
        MAXIMUM_WIDTH_FIELD_NUMBER: _ClassVar[int]
        minimum_height: float
        maximum_height: float
        minimum_width: float
        maximum_width: float
        def __init__(self, minimum_height: _Optional[float] = ..., maximum_height: _Optional[float] = ..., minimum_width: _Optional[float] = ..., maximum_width: _Optional[float] = ...) -> None: ...
    class EvaluationBoxConfigEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: EvaluationConfig.EvaluationBoxConfig
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[EvaluationConfig.EvaluationBoxConfig, _Mapping]] = ...) -> None: ...
    VALIDATION_PERIOD_DURING_TRAINING_FIELD_NUMBER: _ClassVar[int]
    FIRST_VALIDATION_EPOCH_FIELD_NUMBER: _ClassVar[int]
    EARLY_STOPPING_PATIENCE_STEPS_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_DETECTION_GROUND_TRUTH_OVERLAP_FIELD_NUMBER: _ClassVar[int]
    EVALUATION_BOX_CONFIG_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_PRECISION_MODE_FIELD_NUMBER: _ClassVar[int]
    validation_period_during_training: int
    first_validation_epoch: int
    early_stopping_patience_steps: int
    minimum_detection_ground_truth_overlap: _containers.ScalarMap[str, float]
    evaluation_box_config: _containers.MessageMap[str, EvaluationConfig.EvaluationBoxConfig]
    average_precision_mode: EvaluationConfig.AP_MODE
    def __init__(self, validation_period_during_training: _Optional[int] = ..., first_validation_epoch: _Optional[int] = ..., early_stopping_patience_steps: _Optional[int] = ..., minimum_detection_ground_truth_overlap: _Optional[_Mapping[str, float]] = ..., evaluation_box_config: _Optional[_Mapping[str, EvaluationConfig.EvaluationBoxConfig]] = ..., average_precision_mode: _Optional[_Union[EvaluationConfig.AP_MODE, str]] = ...) -> None: ...

class CostFunctionConfig(_message.Message):
    __slots__ = ("target_classes", "enable_autoweighting", "max_objective_weight", "min_objective_weight", "giou_weight", "focal_gamma")
    class TargetClass(_message.Message):
        __slots__ = ("name", "class_weight", "coverage_foreground_weight", "objectives")
        class Objective(_message.Message):
            __slots__ = ("name", "initial_weight", "weight_target")
            NAME_FIELD_NUMBER: _ClassVar[int]
            INITIAL_WEIGHT_FIELD_NUMBER: _ClassVar[int]
            WEIGHT_TARGET_FIELD_NUMBER: _ClassVar[int]
            name: str
            initial_weight: float
            weight_target: float
            def __init__(self, name: _Optional[str] = ..., initial_weight: _Optional[float] = ..., weight_target: _Optional[float] = ...) -> None: ...
        NAME_FIELD_NUMBER: _ClassVar[int]
        CLASS_WEIGHT_FIELD_NUMBER: _ClassVar[int]
        COVERAGE_FOREGROUND_WEIGHT_FIELD_NUMBER: _ClassVar[int]
        OBJECTIVES_FIELD_NUMBER: _ClassVar[int]
        name: str
        class_weight: float
        coverage_foreground_weight: float
        objectives: _containers.RepeatedCompositeFieldContainer[CostFunctionConfig.TargetClass.Objective]
        def __init__(self, name: _Optional[str] = ..., class_weight: _Optional[float] = ..., coverage_foreground_weight: _Optional[float] = ..., objectives: _Optional[_Iterable[_Union[CostFunctionConfig.TargetClass.Objective, _Mapping]]] = ...) -> None: ...
    TARGET_CLASSES_FIELD_NUMBER: _ClassVar[int]
    ENABLE_AUTOWEIGHTING_FIELD_NUMBER: _ClassVar[int]
    MAX_OBJECTIVE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    MIN_OBJECTIVE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    GIOU_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    FOCAL_GAMMA_FIELD_NUMBER: _ClassVar[int]
    target_classes: _containers.RepeatedCompositeFieldContainer[CostFunctionConfig.TargetClass]
    enable_autoweighting: bool
    max_objective_weight: float
    min_objective_weight: float
    giou_weight: float
    focal_gamma: float
    def __init__(self, target_classes: _Optional[_Iterable[_Union[CostFunctionConfig.TargetClass, _Mapping]]] = ..., enable_autoweighting: _Optional[bool] = ..., max_objective_weight: _Optional[float] = ..., min_objective_weight: _Optional[float] = ..., giou_weight: _Optional[float] = ..., focal_gamma: _Optional[float] = ...) -> None: ...

class TrainingConfig(_message.Message):
    __slots__ = ("batch_size_per_gpu", "num_epochs", "learning_rate", "regularizer", "optimizer", "cost_scaling", "checkpoint_interval", "enable_qat", "visualizer", "precision", "num_workers", "max_samples_per_epoch", "keep_checkpoints", "ignore_face_height_below", "ignore_occlusion_above", "ignore_visible_below", "ema_decay", "clip_gradient_norm", "accumulate_batches", "distillation")
    class Precision(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        AUTO: _ClassVar[TrainingConfig.Precision]
        FP32: _ClassVar[TrainingConfig.Precision]
        BF16: _ClassVar[TrainingConfig.Precision]
        FP16: _ClassVar[TrainingConfig.Precision]
    AUTO: TrainingConfig.Precision
    FP32: TrainingConfig.Precision
    BF16: TrainingConfig.Precision
    FP16: TrainingConfig.Precision
    BATCH_SIZE_PER_GPU_FIELD_NUMBER: _ClassVar[int]
    NUM_EPOCHS_FIELD_NUMBER: _ClassVar[int]
    LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    REGULARIZER_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_FIELD_NUMBER: _ClassVar[int]
    COST_SCALING_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    ENABLE_QAT_FIELD_NUMBER: _ClassVar[int]
    VISUALIZER_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    NUM_WORKERS_FIELD_NUMBER: _ClassVar[int]
    MAX_SAMPLES_PER_EPOCH_FIELD_NUMBER: _ClassVar[int]
    KEEP_CHECKPOINTS_FIELD_NUMBER: _ClassVar[int]
    IGNORE_FACE_HEIGHT_BELOW_FIELD_NUMBER: _ClassVar[int]
    IGNORE_OCCLUSION_ABOVE_FIELD_NUMBER: _ClassVar[int]
    IGNORE_VISIBLE_BELOW_FIELD_NUMBER: _ClassVar[int]
    EMA_DECAY_FIELD_NUMBER: _ClassVar[int]
    CLIP_GRADIENT_NORM_FIELD_NUMBER: _ClassVar[int]
    ACCUMULATE_BATCHES_FIELD_NUMBER: _ClassVar[int]
    DISTILLATION_FIELD_NUMBER: _ClassVar[int]
    batch_size_per_gpu: int
    num_epochs: int
    learning_rate: LearningRateConfig
    regularizer: RegularizerConfig
    optimizer: OptimizerConfig
    cost_scaling: CostScalingConfig
    checkpoint_interval: int
    enable_qat: bool
    visualizer: VisualizerConfig
    precision: TrainingConfig.Precision
    num_workers: int
    max_samples_per_epoch: int
    keep_checkpoints: int
    ignore_face_height_below: float
    ignore_occlusion_above: int
    ignore_visible_below: float
    ema_decay: float
    clip_gradient_norm: float
    accumulate_batches: int
    distillation: Distillation
    def __init__(self, batch_size_per_gpu: _Optional[int] = ..., num_epochs: _Optional[int] = ..., learning_rate: _Optional[_Union[LearningRateConfig, _Mapping]] = ..., regularizer: _Optional[_Union[RegularizerConfig, _Mapping]] = ..., optimizer: _Optional[_Union[OptimizerConfig, _Mapping]] = ..., cost_scaling: _Optional[_Union[CostScalingConfig, _Mapping]] = ..., checkpoint_interval: _Optional[int] = ..., enable_qat: _Optional[bool] = ..., visualizer: _Optional[_Union[VisualizerConfig, _Mapping]] = ..., precision: _Optional[_Union[TrainingConfig.Precision, str]] = ..., num_workers: _Optional[int] = ..., max_samples_per_epoch: _Optional[int] = ..., keep_checkpoints: _Optional[int] = ..., ignore_face_height_below: _Optional[float] = ..., ignore_occlusion_above: _Optional[int] = ..., ignore_visible_below: _Optional[float] = ..., ema_decay: _Optional[float] = ..., clip_gradient_norm: _Optional[float] = ..., accumulate_batches: _Optional[int] = ..., distillation: _Optional[_Union[Distillation, _Mapping]] = ...) -> None: ...

class Distillation(_message.Message):
    __slots__ = ("teacher_model_file", "cov_weight", "bbox_weight", "feature_weight", "feature_layer")
    TEACHER_MODEL_FILE_FIELD_NUMBER: _ClassVar[int]
    COV_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    BBOX_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    FEATURE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    FEATURE_LAYER_FIELD_NUMBER: _ClassVar[int]
    teacher_model_file: str
    cov_weight: float
    bbox_weight: float
    feature_weight: float
    feature_layer: str
    def __init__(self, teacher_model_file: _Optional[str] = ..., cov_weight: _Optional[float] = ..., bbox_weight: _Optional[float] = ..., feature_weight: _Optional[float] = ..., feature_layer: _Optional[str] = ...) -> None: ...

class LearningRateConfig(_message.Message):
    __slots__ = ("soft_start_annealing_schedule", "early_stopping_annealing_schedule", "soft_start_cosine_annealing_schedule")
    SOFT_START_ANNEALING_SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    EARLY_STOPPING_ANNEALING_SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    SOFT_START_COSINE_ANNEALING_SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    soft_start_annealing_schedule: SoftStartAnnealingScheduleConfig
    early_stopping_annealing_schedule: EarlyStoppingAnnealingScheduleConfig
    soft_start_cosine_annealing_schedule: SoftStartCosineAnnealingScheduleConfig
    def __init__(self, soft_start_annealing_schedule: _Optional[_Union[SoftStartAnnealingScheduleConfig, _Mapping]] = ..., early_stopping_annealing_schedule: _Optional[_Union[EarlyStoppingAnnealingScheduleConfig, _Mapping]] = ..., soft_start_cosine_annealing_schedule: _Optional[_Union[SoftStartCosineAnnealingScheduleConfig, _Mapping]] = ...) -> None: ...

class SoftStartAnnealingScheduleConfig(_message.Message):
    __slots__ = ("min_learning_rate", "max_learning_rate", "soft_start", "annealing")
    MIN_LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    MAX_LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    SOFT_START_FIELD_NUMBER: _ClassVar[int]
    ANNEALING_FIELD_NUMBER: _ClassVar[int]
    min_learning_rate: float
    max_learning_rate: float
    soft_start: float
    annealing: float
    def __init__(self, min_learning_rate: _Optional[float] = ..., max_learning_rate: _Optional[float] = ..., soft_start: _Optional[float] = ..., annealing: _Optional[float] = ...) -> None: ...

class SoftStartCosineAnnealingScheduleConfig(_message.Message):
    __slots__ = ("min_learning_rate", "max_learning_rate", "soft_start")
    MIN_LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    MAX_LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    SOFT_START_FIELD_NUMBER: _ClassVar[int]
    min_learning_rate: float
    max_learning_rate: float
    soft_start: float
    def __init__(self, min_learning_rate: _Optional[float] = ..., max_learning_rate: _Optional[float] = ..., soft_start: _Optional[float] = ...) -> None: ...

class EarlyStoppingAnnealingScheduleConfig(_message.Message):
    __slots__ = ("min_learning_rate", "max_learning_rate", "soft_start_epochs", "annealing_epochs", "patience_steps")
    MIN_LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    MAX_LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    SOFT_START_EPOCHS_FIELD_NUMBER: _ClassVar[int]
    ANNEALING_EPOCHS_FIELD_NUMBER: _ClassVar[int]
    PATIENCE_STEPS_FIELD_NUMBER: _ClassVar[int]
    min_learning_rate: float
    max_learning_rate: float
    soft_start_epochs: int
    annealing_epochs: int
    patience_steps: int
    def __init__(self, min_learning_rate: _Optional[float] = ..., max_learning_rate: _Optional[float] = ..., soft_start_epochs: _Optional[int] = ..., annealing_epochs: _Optional[int] = ..., patience_steps: _Optional[int] = ...) -> None: ...

class RegularizerConfig(_message.Message):
    __slots__ = ("type", "weight")
    class RegularizationType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        NO_REG: _ClassVar[RegularizerConfig.RegularizationType]
        L1: _ClassVar[RegularizerConfig.RegularizationType]
        L2: _ClassVar[RegularizerConfig.RegularizationType]
    NO_REG: RegularizerConfig.RegularizationType
    L1: RegularizerConfig.RegularizationType
    L2: RegularizerConfig.RegularizationType
    TYPE_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    type: RegularizerConfig.RegularizationType
    weight: float
    def __init__(self, type: _Optional[_Union[RegularizerConfig.RegularizationType, str]] = ..., weight: _Optional[float] = ...) -> None: ...

class OptimizerConfig(_message.Message):
    __slots__ = ("adam",)
    ADAM_FIELD_NUMBER: _ClassVar[int]
    adam: AdamOptimizerConfig
    def __init__(self, adam: _Optional[_Union[AdamOptimizerConfig, _Mapping]] = ...) -> None: ...

class AdamOptimizerConfig(_message.Message):
    __slots__ = ("epsilon", "beta1", "beta2")
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    BETA1_FIELD_NUMBER: _ClassVar[int]
    BETA2_FIELD_NUMBER: _ClassVar[int]
    epsilon: float
    beta1: float
    beta2: float
    def __init__(self, epsilon: _Optional[float] = ..., beta1: _Optional[float] = ..., beta2: _Optional[float] = ...) -> None: ...

class CostScalingConfig(_message.Message):
    __slots__ = ("enabled", "initial_exponent", "increment", "decrement")
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    INITIAL_EXPONENT_FIELD_NUMBER: _ClassVar[int]
    INCREMENT_FIELD_NUMBER: _ClassVar[int]
    DECREMENT_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    initial_exponent: float
    increment: float
    decrement: float
    def __init__(self, enabled: _Optional[bool] = ..., initial_exponent: _Optional[float] = ..., increment: _Optional[float] = ..., decrement: _Optional[float] = ...) -> None: ...

class VisualizerConfig(_message.Message):
    __slots__ = ("enabled", "num_images", "scalar_logging_frequency", "infrequent_logging_frequency", "target_class_config", "wandb_config", "clearml_config")
    class TargetClassConfig(_message.Message):
        __slots__ = ("coverage_threshold",)
        COVERAGE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
        coverage_threshold: float
        def __init__(self, coverage_threshold: _Optional[float] = ...) -> None: ...
    class TargetClassConfigEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: VisualizerConfig.TargetClassConfig
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[VisualizerConfig.TargetClassConfig, _Mapping]] = ...) -> None: ...
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    NUM_IMAGES_FIELD_NUMBER: _ClassVar[int]
    SCALAR_LOGGING_FREQUENCY_FIELD_NUMBER: _ClassVar[int]
    INFREQUENT_LOGGING_FREQUENCY_FIELD_NUMBER: _ClassVar[int]
    TARGET_CLASS_CONFIG_FIELD_NUMBER: _ClassVar[int]
    WANDB_CONFIG_FIELD_NUMBER: _ClassVar[int]
    CLEARML_CONFIG_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    num_images: int
    scalar_logging_frequency: int
    infrequent_logging_frequency: int
    target_class_config: _containers.MessageMap[str, VisualizerConfig.TargetClassConfig]
    wandb_config: WandBConfig
    clearml_config: ClearMLConfig
    def __init__(self, enabled: _Optional[bool] = ..., num_images: _Optional[int] = ..., scalar_logging_frequency: _Optional[int] = ..., infrequent_logging_frequency: _Optional[int] = ..., target_class_config: _Optional[_Mapping[str, VisualizerConfig.TargetClassConfig]] = ..., wandb_config: _Optional[_Union[WandBConfig, _Mapping]] = ..., clearml_config: _Optional[_Union[ClearMLConfig, _Mapping]] = ...) -> None: ...

class WandBConfig(_message.Message):
    __slots__ = ("enabled", "key", "project", "entity", "reinit", "name", "tags", "wandb_dir", "notes", "mode")
    class MODE(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ONLINE: _ClassVar[WandBConfig.MODE]
        OFFLINE: _ClassVar[WandBConfig.MODE]
        DISABLED: _ClassVar[WandBConfig.MODE]
    ONLINE: WandBConfig.MODE
    OFFLINE: WandBConfig.MODE
    DISABLED: WandBConfig.MODE
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    REINIT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    WANDB_DIR_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    key: str
    project: str
    entity: str
    reinit: bool
    name: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    wandb_dir: str
    notes: str
    mode: WandBConfig.MODE
    def __init__(self, enabled: _Optional[bool] = ..., key: _Optional[str] = ..., project: _Optional[str] = ..., entity: _Optional[str] = ..., reinit: _Optional[bool] = ..., name: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., wandb_dir: _Optional[str] = ..., notes: _Optional[str] = ..., mode: _Optional[_Union[WandBConfig.MODE, str]] = ...) -> None: ...

class ClearMLConfig(_message.Message):
    __slots__ = ("project", "task", "tags", "reuse_last_task_id", "continue_last_task", "deferred_init")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    REUSE_LAST_TASK_ID_FIELD_NUMBER: _ClassVar[int]
    CONTINUE_LAST_TASK_FIELD_NUMBER: _ClassVar[int]
    DEFERRED_INIT_FIELD_NUMBER: _ClassVar[int]
    project: str
    task: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    reuse_last_task_id: bool
    continue_last_task: bool
    deferred_init: bool
    def __init__(self, project: _Optional[str] = ..., task: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., reuse_last_task_id: _Optional[bool] = ..., continue_last_task: _Optional[bool] = ..., deferred_init: _Optional[bool] = ...) -> None: ...

class BboxRasterizerConfig(_message.Message):
    __slots__ = ("target_class_config", "deadzone_radius")
    class TargetClassConfig(_message.Message):
        __slots__ = ("cov_center_x", "cov_center_y", "cov_radius_x", "cov_radius_y", "bbox_min_radius")
        COV_CENTER_X_FIELD_NUMBER: _ClassVar[int]
        COV_CENTER_Y_FIELD_NUMBER: _ClassVar[int]
        COV_RADIUS_X_FIELD_NUMBER: _ClassVar[int]
        COV_RADIUS_Y_FIELD_NUMBER: _ClassVar[int]
        BBOX_MIN_RADIUS_FIELD_NUMBER: _ClassVar[int]
        cov_center_x: float
        cov_center_y: float
        cov_radius_x: float
        cov_radius_y: float
        bbox_min_radius: float
        def __init__(self, cov_center_x: _Optional[float] = ..., cov_center_y: _Optional[float] = ..., cov_radius_x: _Optional[float] = ..., cov_radius_y: _Optional[float] = ..., bbox_min_radius: _Optional[float] = ...) -> None: ...
    class TargetClassConfigEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: BboxRasterizerConfig.TargetClassConfig
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[BboxRasterizerConfig.TargetClassConfig, _Mapping]] = ...) -> None: ...
    TARGET_CLASS_CONFIG_FIELD_NUMBER: _ClassVar[int]
    DEADZONE_RADIUS_FIELD_NUMBER: _ClassVar[int]
    target_class_config: _containers.MessageMap[str, BboxRasterizerConfig.TargetClassConfig]
    deadzone_radius: float
    def __init__(self, target_class_config: _Optional[_Mapping[str, BboxRasterizerConfig.TargetClassConfig]] = ..., deadzone_radius: _Optional[float] = ...) -> None: ...

class ObjectiveLabelFilter(_message.Message):
    __slots__ = ("objective_label_filter_configs", "mask_multiplier", "preserve_ground_truth")
    class ObjectiveLabelFilterConfig(_message.Message):
        __slots__ = ("label_filter", "target_class_names", "objective_names")
        LABEL_FILTER_FIELD_NUMBER: _ClassVar[int]
        TARGET_CLASS_NAMES_FIELD_NUMBER: _ClassVar[int]
        OBJECTIVE_NAMES_FIELD_NUMBER: _ClassVar[int]
        label_filter: LabelFilter
        target_class_names: _containers.RepeatedScalarFieldContainer[str]
        objective_names: _containers.RepeatedScalarFieldContainer[str]
        def __init__(self, label_filter: _Optional[_Union[LabelFilter, _Mapping]] = ..., target_class_names: _Optional[_Iterable[str]] = ..., objective_names: _Optional[_Iterable[str]] = ...) -> None: ...
    OBJECTIVE_LABEL_FILTER_CONFIGS_FIELD_NUMBER: _ClassVar[int]
    MASK_MULTIPLIER_FIELD_NUMBER: _ClassVar[int]
    PRESERVE_GROUND_TRUTH_FIELD_NUMBER: _ClassVar[int]
    objective_label_filter_configs: _containers.RepeatedCompositeFieldContainer[ObjectiveLabelFilter.ObjectiveLabelFilterConfig]
    mask_multiplier: float
    preserve_ground_truth: bool
    def __init__(self, objective_label_filter_configs: _Optional[_Iterable[_Union[ObjectiveLabelFilter.ObjectiveLabelFilterConfig, _Mapping]]] = ..., mask_multiplier: _Optional[float] = ..., preserve_ground_truth: _Optional[bool] = ...) -> None: ...

class LabelFilter(_message.Message):
    __slots__ = ("bbox_dimensions_label_filter", "bbox_crop_label_filter", "source_class_label_filter")
    class BboxDimensionsLabelFilter(_message.Message):
        __slots__ = ("min_width", "min_height", "max_width", "max_height")
        MIN_WIDTH_FIELD_NUMBER: _ClassVar[int]
        MIN_HEIGHT_FIELD_NUMBER: _ClassVar[int]
        MAX_WIDTH_FIELD_NUMBER: _ClassVar[int]
        MAX_HEIGHT_FIELD_NUMBER: _ClassVar[int]
        min_width: float
        min_height: float
        max_width: float
        max_height: float
        def __init__(self, min_width: _Optional[float] = ..., min_height: _Optional[float] = ..., max_width: _Optional[float] = ..., max_height: _Optional[float] = ...) -> None: ...
    class BboxCropLabelFilter(_message.Message):
        __slots__ = ("crop_left", "crop_right", "crop_top", "crop_bottom")
        CROP_LEFT_FIELD_NUMBER: _ClassVar[int]
        CROP_RIGHT_FIELD_NUMBER: _ClassVar[int]
        CROP_TOP_FIELD_NUMBER: _ClassVar[int]
        CROP_BOTTOM_FIELD_NUMBER: _ClassVar[int]
        crop_left: float
        crop_right: float
        crop_top: float
        crop_bottom: float
        def __init__(self, crop_left: _Optional[float] = ..., crop_right: _Optional[float] = ..., crop_top: _Optional[float] = ..., crop_bottom: _Optional[float] = ...) -> None: ...
    class SourceClassLabelFilter(_message.Message):
        __slots__ = ("source_class_names",)
        SOURCE_CLASS_NAMES_FIELD_NUMBER: _ClassVar[int]
        source_class_names: _containers.RepeatedScalarFieldContainer[str]
        def __init__(self, source_class_names: _Optional[_Iterable[str]] = ...) -> None: ...
    BBOX_DIMENSIONS_LABEL_FILTER_FIELD_NUMBER: _ClassVar[int]
    BBOX_CROP_LABEL_FILTER_FIELD_NUMBER: _ClassVar[int]
    SOURCE_CLASS_LABEL_FILTER_FIELD_NUMBER: _ClassVar[int]
    bbox_dimensions_label_filter: LabelFilter.BboxDimensionsLabelFilter
    bbox_crop_label_filter: LabelFilter.BboxCropLabelFilter
    source_class_label_filter: LabelFilter.SourceClassLabelFilter
    def __init__(self, bbox_dimensions_label_filter: _Optional[_Union[LabelFilter.BboxDimensionsLabelFilter, _Mapping]] = ..., bbox_crop_label_filter: _Optional[_Union[LabelFilter.BboxCropLabelFilter, _Mapping]] = ..., source_class_label_filter: _Optional[_Union[LabelFilter.SourceClassLabelFilter, _Mapping]] = ...) -> None: ...

class Inference(_message.Message):
    __slots__ = ("inferencer_config", "bbox_handler_config")
    INFERENCER_CONFIG_FIELD_NUMBER: _ClassVar[int]
    BBOX_HANDLER_CONFIG_FIELD_NUMBER: _ClassVar[int]
    inferencer_config: InferencerConfig
    bbox_handler_config: BboxHandlerConfig
    def __init__(self, inferencer_config: _Optional[_Union[InferencerConfig, _Mapping]] = ..., bbox_handler_config: _Optional[_Union[BboxHandlerConfig, _Mapping]] = ...) -> None: ...

class InferencerConfig(_message.Message):
    __slots__ = ("tlt_config", "tensorrt_config", "input_nodes", "output_nodes", "batch_size", "image_height", "image_width", "image_channels", "gpu_index", "target_classes", "stride")
    TLT_CONFIG_FIELD_NUMBER: _ClassVar[int]
    TENSORRT_CONFIG_FIELD_NUMBER: _ClassVar[int]
    INPUT_NODES_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_NODES_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_WIDTH_FIELD_NUMBER: _ClassVar[int]
    IMAGE_CHANNELS_FIELD_NUMBER: _ClassVar[int]
    GPU_INDEX_FIELD_NUMBER: _ClassVar[int]
    TARGET_CLASSES_FIELD_NUMBER: _ClassVar[int]
    STRIDE_FIELD_NUMBER: _ClassVar[int]
    tlt_config: TLTConfig
    tensorrt_config: TensorRTConfig
    input_nodes: _containers.RepeatedScalarFieldContainer[str]
    output_nodes: _containers.RepeatedScalarFieldContainer[str]
    batch_size: int
    image_height: int
    image_width: int
    image_channels: int
    gpu_index: int
    target_classes: _containers.RepeatedScalarFieldContainer[str]
    stride: int
    def __init__(self, tlt_config: _Optional[_Union[TLTConfig, _Mapping]] = ..., tensorrt_config: _Optional[_Union[TensorRTConfig, _Mapping]] = ..., input_nodes: _Optional[_Iterable[str]] = ..., output_nodes: _Optional[_Iterable[str]] = ..., batch_size: _Optional[int] = ..., image_height: _Optional[int] = ..., image_width: _Optional[int] = ..., image_channels: _Optional[int] = ..., gpu_index: _Optional[int] = ..., target_classes: _Optional[_Iterable[str]] = ..., stride: _Optional[int] = ...) -> None: ...

class TLTConfig(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    def __init__(self, model: _Optional[str] = ...) -> None: ...

class TensorRTConfig(_message.Message):
    __slots__ = ("parser", "caffemodel", "prototxt", "uff_model", "etlt_model", "backend_data_type", "save_engine", "trt_engine", "calibrator_config")
    class Parser(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ETLT: _ClassVar[TensorRTConfig.Parser]
        UFF: _ClassVar[TensorRTConfig.Parser]
        CAFFE: _ClassVar[TensorRTConfig.Parser]
    ETLT: TensorRTConfig.Parser
    UFF: TensorRTConfig.Parser
    CAFFE: TensorRTConfig.Parser
    class BackendDataType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FP32: _ClassVar[TensorRTConfig.BackendDataType]
        FP16: _ClassVar[TensorRTConfig.BackendDataType]
        INT8: _ClassVar[TensorRTConfig.BackendDataType]
    FP32: TensorRTConfig.BackendDataType
    FP16: TensorRTConfig.BackendDataType
    INT8: TensorRTConfig.BackendDataType
    PARSER_FIELD_NUMBER: _ClassVar[int]
    CAFFEMODEL_FIELD_NUMBER: _ClassVar[int]
    PROTOTXT_FIELD_NUMBER: _ClassVar[int]
    UFF_MODEL_FIELD_NUMBER: _ClassVar[int]
    ETLT_MODEL_FIELD_NUMBER: _ClassVar[int]
    BACKEND_DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SAVE_ENGINE_FIELD_NUMBER: _ClassVar[int]
    TRT_ENGINE_FIELD_NUMBER: _ClassVar[int]
    CALIBRATOR_CONFIG_FIELD_NUMBER: _ClassVar[int]
    parser: TensorRTConfig.Parser
    caffemodel: str
    prototxt: str
    uff_model: str
    etlt_model: str
    backend_data_type: TensorRTConfig.BackendDataType
    save_engine: bool
    trt_engine: str
    calibrator_config: CalibratorConfig
    def __init__(self, parser: _Optional[_Union[TensorRTConfig.Parser, str]] = ..., caffemodel: _Optional[str] = ..., prototxt: _Optional[str] = ..., uff_model: _Optional[str] = ..., etlt_model: _Optional[str] = ..., backend_data_type: _Optional[_Union[TensorRTConfig.BackendDataType, str]] = ..., save_engine: _Optional[bool] = ..., trt_engine: _Optional[str] = ..., calibrator_config: _Optional[_Union[CalibratorConfig, _Mapping]] = ...) -> None: ...

class CalibratorConfig(_message.Message):
    __slots__ = ("calibration_cache", "calibration_tensorfile", "n_batches")
    CALIBRATION_CACHE_FIELD_NUMBER: _ClassVar[int]
    CALIBRATION_TENSORFILE_FIELD_NUMBER: _ClassVar[int]
    N_BATCHES_FIELD_NUMBER: _ClassVar[int]
    calibration_cache: str
    calibration_tensorfile: str
    n_batches: int
    def __init__(self, calibration_cache: _Optional[str] = ..., calibration_tensorfile: _Optional[str] = ..., n_batches: _Optional[int] = ...) -> None: ...

class BboxHandlerConfig(_message.Message):
    __slots__ = ("kitti_dump", "disable_overlay", "overlay_linewidth", "classwise_bbox_handler_config", "postproc_classes", "wandb_config")
    class ClasswiseBboxHandlerConfigEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ClasswiseBboxHandlerConfig
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ClasswiseBboxHandlerConfig, _Mapping]] = ...) -> None: ...
    KITTI_DUMP_FIELD_NUMBER: _ClassVar[int]
    DISABLE_OVERLAY_FIELD_NUMBER: _ClassVar[int]
    OVERLAY_LINEWIDTH_FIELD_NUMBER: _ClassVar[int]
    CLASSWISE_BBOX_HANDLER_CONFIG_FIELD_NUMBER: _ClassVar[int]
    POSTPROC_CLASSES_FIELD_NUMBER: _ClassVar[int]
    WANDB_CONFIG_FIELD_NUMBER: _ClassVar[int]
    kitti_dump: bool
    disable_overlay: bool
    overlay_linewidth: int
    classwise_bbox_handler_config: _containers.MessageMap[str, ClasswiseBboxHandlerConfig]
    postproc_classes: _containers.RepeatedScalarFieldContainer[str]
    wandb_config: WandBConfig
    def __init__(self, kitti_dump: _Optional[bool] = ..., disable_overlay: _Optional[bool] = ..., overlay_linewidth: _Optional[int] = ..., classwise_bbox_handler_config: _Optional[_Mapping[str, ClasswiseBboxHandlerConfig]] = ..., postproc_classes: _Optional[_Iterable[str]] = ..., wandb_config: _Optional[_Union[WandBConfig, _Mapping]] = ...) -> None: ...

class ClasswiseBboxHandlerConfig(_message.Message):
    __slots__ = ("clustering_config", "confidence_model", "output_map", "confidence_threshold", "bbox_color")
    class BboxColor(_message.Message):
        __slots__ = ("R", "G", "B")
        R_FIELD_NUMBER: _ClassVar[int]
        G_FIELD_NUMBER: _ClassVar[int]
        B_FIELD_NUMBER: _ClassVar[int]
        R: int
        G: int
        B: int
        def __init__(self, R: _Optional[int] = ..., G: _Optional[int] = ..., B: _Optional[int] = ...) -> None: ...
    CLUSTERING_CONFIG_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_MODEL_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_MAP_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    BBOX_COLOR_FIELD_NUMBER: _ClassVar[int]
    clustering_config: ClusteringConfig
    confidence_model: str
    output_map: str
    confidence_threshold: float
    bbox_color: ClasswiseBboxHandlerConfig.BboxColor
    def __init__(self, clustering_config: _Optional[_Union[ClusteringConfig, _Mapping]] = ..., confidence_model: _Optional[str] = ..., output_map: _Optional[str] = ..., confidence_threshold: _Optional[float] = ..., bbox_color: _Optional[_Union[ClasswiseBboxHandlerConfig.BboxColor, _Mapping]] = ...) -> None: ...
