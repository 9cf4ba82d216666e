"""The labelled pictures that a spec names: found, parted, and checked before the first epoch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from faceir import spec as specs
from faceir.data import kitti, shards
from faceir.data.items import Numbers, Runs, count_sets, join, select
from faceir.data.sources import INTERNAL, Sources, find_sources, parse_sources
from faceir.detections import DONT_CARE
from faceir.errors import InputError, SpecError
from faceir.spec.experiment_pb2 import DatasetConfig, Experiment
from faceir.train.loader import Mixture

__all__ = [
    "FOLDS",
    "Data",
    "check_labels",
    "class_mapping",
    "find_data",
    "find_validation",
    "mixture",
    "tell_terms",
    "tell_unlabelled",
]

FOLDS = 7
FOLD_SHARE = 0.14
"""Share of the pictures that a `validation_fold` keeps for validation, the val_split of TAO's example specs."""


_LOOKED_AT = 2000
"""Label files in which names are looked for, when one is missing."""


@dataclass(frozen=True)
class Data:
    """The labelled pictures that a spec names."""

    training: Sequence[kitti.Item]
    weights: Runs[float]
    """Loss weight of each training picture, its source's."""
    validation: Sequence[kitti.Item]
    """Empty when the spec names none."""
    source_of: Runs[int]
    """Index of the data source of each training picture."""
    stated: Sources = field(default_factory=Sources)
    """What the `sources.toml` beside the data sources say."""
    validated: Sources = field(default_factory=Sources)
    """What the one beside the validation pictures says."""
    faces: Mapping[str, int] = field(default_factory=dict)
    """Faces to be trained of each set, as `check_labels` counted them; empty before."""
    internal: frozenset[str] = frozenset()
    """Sets with pictures whose manifest keeps them for validation, as `check_labels` found them."""
    unlabelled: tuple[str, ...] = ()
    """Classes that no label of the training pictures speaks of, as `check_labels` found them."""
    names: Mapping[str, int] = field(default_factory=dict)
    """Names in label files, most frequent first, and lines of each; only looked for when a class is unlabelled."""


def find_data(spec: Experiment) -> Data:
    """Find all pictures of a spec.

    `validation_fold` keeps a fixed seventh of them for validation, as TAO's converter does by its
    random partition; `validation_data_source` names others.
    """
    config = spec.dataset_config
    parts = [_find(source, f"dataset_config.data_sources.{n}") for n, source in enumerate(config.data_sources)]
    stated = find_sources(source.image_directory_path for source in config.data_sources)
    items, lengths = join(parts), tuple(len(part) for part in parts)
    weights = Runs(tuple(source.source_weight or 1.0 for source in config.data_sources), lengths)
    source_of = Runs(tuple(range(len(parts))), lengths)
    if not items:
        raise SpecError("dataset_config.data_sources", "is missing", "at least one", "name an image_directory_path")
    if config.HasField("validation_data_source"):
        validated = find_sources([config.validation_data_source.image_directory_path])
        return Data(items, weights, find_validation(spec), source_of, stated, validated)
    if not config.HasField("validation_fold"):
        return Data(items, weights, [], source_of, stated)
    share = round(FOLD_SHARE * len(items))
    order = np.random.default_rng(42).permutation(len(items))
    held_out = np.zeros(len(items), bool)
    held_out[order[config.validation_fold * share :][:share]] = True
    whole = Data(items, weights, select(items, np.flatnonzero(held_out)), source_of, stated, stated)
    return _keep(whole, np.flatnonzero(~held_out))


def find_validation(spec: Experiment) -> Sequence[kitti.Item]:
    """The pictures that a spec validates on alone; where it names others than its training's, those need not exist."""
    config = spec.dataset_config
    if config.HasField("validation_data_source"):
        return _find(config.validation_data_source, "dataset_config.validation_data_source")
    return find_data(spec).validation


def _keep(data: Data, numbers: Numbers) -> Data:
    """The same with only these training pictures, ascending."""
    training = select(data.training, numbers)
    return replace(data, training=training, weights=data.weights.kept(numbers), source_of=data.source_of.kept(numbers))


def _find(source: Any, where: str) -> Sequence[kitti.Item]:
    folder, where = source.image_directory_path, f"{where}.image_directory_path"
    if not folder:
        raise SpecError(
            where, "is missing", "the folder that holds images/ and labels/ in KITTI format",
            f"TFRecords are not needed: name the folder that they were made from, --set {where}=FOLDER",
        )  # fmt: skip
    want = kitti.Filter(source.split, tuple(source.terms), tuple(source.exclude_set))
    try:
        return shards.find(folder, want)
    except InputError as error:
        if error.where != str(Path(folder)):  # a file in it is broken
            raise
        do = "; ".join(text for text in (error.do, f"another folder: --set {where}=FOLDER") if text)
        raise SpecError(where, f"{folder} {error.came}", error.wanted, do) from None


def _without(data: Data, problems: Mapping[Path, InputError]) -> Data:
    """The same data but for these pictures."""

    def sound(items: Sequence[kitti.Item]) -> Numbers:
        return np.flatnonzero(np.fromiter((item.picture not in problems for item in items), bool, len(items)))

    kept = _keep(data, sound(data.training))
    return replace(kept, validation=select(data.validation, sound(data.validation)))


def mixture(spec: Experiment, source_of: Runs[int]) -> Mixture:
    """How often each source is drawn from, by `sampling_mode`."""
    config = spec.dataset_config
    sizes = source_of.lengths
    ratios = [source.sampling_ratio for source in config.data_sources]
    match config.sampling_mode:
        case DatasetConfig.UNIFORM:
            shares = tuple(float(size > 0) for size in sizes)
        case DatasetConfig.USER_DEFINED if len(set(ratios)) > 1:
            shares = tuple(float(size * ratio) for size, ratio in zip(sizes, ratios, strict=True))
        case _:
            return Mixture()
    return Mixture(source_of, shares) if len(shares) > 1 else Mixture()


def class_mapping(spec: Experiment) -> dict[str, str]:
    """Label names to classes that are trained; without a mapping names stand for themselves."""
    classes = specs.class_names(spec)
    stated = dict(spec.dataset_config.target_class_mapping) or {name: name for name in classes}
    return {source: target for source, target in stated.items() if target in classes}


def check_labels(data: Data, spec: Experiment) -> tuple[Data, dict[Path, InputError]]:
    """The data without faulty labels, its faces counted, and what is wrong with each picture that was left out.

    For before the first epoch, so that no run learns from nothing. Raises `InputError` at once when no label of the
    training pictures speaks of any class to be trained (names written otherwise, say), with the names that the labels
    hold. Where only some classes have none, they are named in the data (`tell_unlabelled`) and trained.
    """
    mapping, classes = class_mapping(spec), specs.class_names(spec)
    problems: dict[Path, InputError] = {}
    of_class, of_set, internal = Counter(dict.fromkeys(classes, 0)), Counter[str](), set[str]()
    items = join([data.training, data.validation])
    for number, item in enumerate(items):
        try:
            item.check()
            truth = kitti.read_truth(item, mapping, classes)
        except InputError as error:
            problems[item.picture] = error
            continue
        if item.about.get("terms") == INTERNAL:
            internal.add(item.source)
        faces = [classes[label] for label in truth.labels.tolist() if label != DONT_CARE]
        if number < len(data.training):
            of_class.update(faces)
            of_set[item.source] += len(faces)
    unlabelled = tuple(name for name, count in of_class.items() if not count)
    names = _names(data.training) if unlabelled else {}
    if len(unlabelled) == len(classes):
        raise InputError(
            "labels",
            f"none of {len(data.training)} files speaks of class {', '.join(unlabelled)}; they hold {_listed(names)}",
            f"names that dataset_config.target_class_mapping maps to {', '.join(unlabelled)}",
            "add a target_class_mapping entry",
        )
    sound = _without(data, problems) if problems else data
    sound = replace(sound, faces=of_set, internal=frozenset(internal), unlabelled=unlabelled, names=names)
    return sound, problems


def _names(items: Sequence[kitti.Item]) -> dict[str, int]:
    """First words of the label lines of some pictures, the most frequent first."""
    held = Counter(
        line.split()[0] for item in items[:_LOOKED_AT]
        for line in (item.label_data() or b"").decode(errors="replace").splitlines() if line.strip()
    )  # fmt: skip
    return dict(held.most_common())


def _listed(names: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in list(names.items())[:8]) or "no line at all"


def tell_unlabelled(data: Data, spec: Experiment) -> Iterator[str]:
    """What the plan says of classes that no label speaks of: what is learnt of them, and what would be read as one."""
    mapping = class_mapping(spec)
    for name in data.unlabelled:
        sources = ", ".join(source for source, target in mapping.items() if target == name)
        unread = {one: n for one, n in data.names.items() if one.lower() not in {m.lower() for m in mapping}}
        others = f", and names that are not mapped: {_listed(unread)}" if unread else ""
        yield (
            f"no label speaks of class {name} (written {sources}): it is learnt as what is never there; labels hold "
            f"{_listed({one: n for one, n in data.names.items() if one not in unread})}{others}"
        )


def tell_terms(data: Data, learnt: Mapping[str, Any]) -> Iterator[str]:
    """What the plan says of terms: sets that nobody states those of, and sets that are for validation only.

    `learnt` is what the checkpoint will say of its pictures (`provenance`), those of earlier weights included.
    """
    stated, sets = Sources(), list[str]()
    for part in (learnt, learnt.get("inherited", {})):
        stated = stated.over(parse_sources(part.get("sources", {}), "the weights before"))
        sets += part.get("sets", {})
    trained, validated = sorted(set(sets)), sorted(count_sets(data.validation).keys() - set(sets))
    unstated = [name or "a set without name" for name in trained if name not in stated.sets]
    if unstated:
        yield (
            f"nobody states those of {', '.join(unstated)}: what the weights may be used for is not known, and their "
            "card will say so; a sources.toml beside the pictures states them (docs/report.md)"
        )
    every = stated.over(data.stated).over(data.validated)
    for names, how in (
        (trained, "but is trained on: leave it out by exclude_set"),
        (validated, "as it is used here"),
    ):
        for name in names:
            if every.for_validation(name) or name in data.internal:
                yield f"{name} is for validation only ({_meaning(every, name)}), {how}"


def _meaning(stated: Sources, name: str) -> str:
    terms = stated.sets[name].terms if name in stated.sets else INTERNAL
    means = stated.terms[terms].means if terms in stated.terms else "no weights may learn from it"
    return f"{terms}: {means}"
