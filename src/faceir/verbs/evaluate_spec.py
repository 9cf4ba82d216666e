"""An experiment spec as `faceir evaluate -e` obeys it: which pictures, which classes, and what counts as right.

All of it is what a training's validation does, by the same code; what cannot be obeyed here is told.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceir.errors import InputError, ModelError, SpecError, need

if TYPE_CHECKING:
    from rich.console import Console

    from faceir.cluster import ClusterParams
    from faceir.contract import Contract
    from faceir.data import kitti
    from faceir.data.guidelines import Rules
    from faceir.evaluate import Judged
    from faceir.spec import Experiment
    from faceir.train.validate import Judge
    from faceir.verbs.open import Opened

__all__ = ["Exam", "read_exam"]


@dataclass(frozen=True)
class Exam:
    """What an experiment spec asks of whoever is judged by it."""

    path: Path
    """Of the spec."""
    spec: Experiment
    judge: Judge
    """A training's, its classes in the order of the model's contract once there is one (`fitted`)."""
    notes: tuple[str, ...] = ()
    """What cannot be obeyed, a sentence each."""
    told: tuple[str, ...] = ()
    """What the spec changes of the models that are judged, once they are there."""

    @property
    def rules(self) -> Rules:
        """Which labelled faces are ignored."""
        return self.judge.rules

    @property
    def contract(self) -> Contract:
        """What a net trained by the spec promises; stands in for a model that states nothing itself."""
        return self.judge.contract

    @property
    def overlap(self) -> float:
        """The IoU above which a face is right in tables over all classes; 0.5 where classes differ."""
        return self.judge.overlaps[0] if len(set(self.judge.overlaps)) == 1 else 0.5

    def items(self, split: str, terms: Sequence[str]) -> tuple[list[kitti.Item], Path]:
        """The validation pictures, of this `split` and these `terms` where any are named, and the folder of all.

        Raises `SpecError` when the spec names none.
        """
        from faceir.spec import Experiment
        from faceir.train.sources import find_validation

        spec = Experiment()
        spec.CopyFrom(self.spec)
        config = spec.dataset_config
        kind = config.WhichOneof("dataset_split_type")
        if kind is None:
            raise SpecError(
                f"{self.path}: dataset_config", "names no pictures to validate on",
                "validation_data_source, or validation_fold",
                "name a folder: -d FOLDER, or --set dataset_config.validation_data_source.image_directory_path=FOLDER",
            )  # fmt: skip
        if kind == "validation_fold":
            if split or terms:
                raise InputError(
                    "--split, --terms", "would change what validation_fold holds out", "the fold as training deals it",
                    "leave them out, or name a folder with -d",
                )  # fmt: skip
            return list(find_validation(spec)), _over([one.image_directory_path for one in config.data_sources])
        source = config.validation_data_source
        source.split = split or source.split
        if terms:
            source.terms[:] = terms
        return list(find_validation(spec)), Path(source.image_directory_path)

    def where_from(self) -> str:
        """What the pictures are, for people."""
        config = self.spec.dataset_config
        if config.HasField("validation_data_source"):
            return "validation_data_source"
        return f"validation_fold {config.validation_fold} of data_sources"

    def fitted(self, opened: Opened) -> Exam:
        """The same for the classes that `opened` finds, in its order; raises `ModelError` when these are others."""
        ours, theirs = self.contract.classes, opened.contract.classes
        place = {name.lower(): n for n, name in enumerate(ours)}
        if sorted(place) != sorted(name.lower() for name in theirs):
            raise ModelError(
                opened.name, f"finds {', '.join(theirs)}", f"{', '.join(ours)}, which {self.path} trains",
                "name another model; or judge without -e: -d FOLDER",
            )  # fmt: skip
        order = [place[name.lower()] for name in theirs]
        spelt = {ours[n]: name for n, name in zip(order, theirs, strict=True)}
        wanted, fit = self.contract.fit, opened.contract.fit
        judge = replace(
            self.judge,
            overlaps=tuple(self.judge.overlaps[n] for n in order),
            bounds=tuple(self.judge.bounds[n] for n in order),
            class_mapping={label: spelt[name] for label, name in self.judge.class_mapping.items()},
            contract=replace(opened.contract, cluster=tuple(self.contract.cluster[n] for n in order)),
        )
        notes, told = list(self.notes), list(self.told)
        if opened.contract is self.contract:
            told.append(f"{opened.name}, which states nothing itself, taken to find {', '.join(theirs)} in this order")
        if fit != wanted:
            came, has = (
                f"{one.size_wh[0]}x{one.size_wh[1]}{' with the aspect kept' if one.keep_aspect else ''}"
                for one in (wanted, fit)
            )
            notes.append(
                f"augmentation_config.preprocessing makes pictures {came}: {opened.name} takes {has}, and all heights "
                "and box limits are in its pixels"
            )
        return replace(self, judge=judge, notes=tuple(notes), told=tuple(told))

    def clustered(self, opened: Opened) -> tuple[Opened, Exam]:
        """`opened` with the clustering of postprocessing_config, and with what the spec says of a threshold.

        Where the spec states none, the model's own stays if its algorithm does, else it is that of the best accuracy.
        """
        from faceir.evaluate import LEAST_SCORE

        wanted, own = self.contract.cluster, opened.contract.cluster
        changeable: Any = opened.detector
        if getattr(changeable, "contract", None) is None:
            note = f"postprocessing_config: {opened.name} clusters by itself"
            return opened, replace(self, notes=(*self.notes, note))
        contract = replace(opened.contract, cluster=wanted)
        changeable.contract = contract.with_threshold(LEAST_SCORE)
        stated = _stated_threshold(wanted)
        threshold = stated
        if stated is None and wanted[0].algorithm == own[0].algorithm != "dbscan":
            threshold = opened.threshold
        told = f"{opened.name} clustered by postprocessing_config ({_names(wanted)}) instead of its own ({_names(own)})"
        if wanted == own:
            told = f"{opened.name} clustered by postprocessing_config ({_names(wanted)}), as its own"
        return replace(opened, contract=contract, threshold=threshold), replace(self, told=(*self.told, told))

    def rule(self, opened: Opened) -> str | None:
        """Who states the threshold of a model that was `clustered`, if it is the spec."""
        stated = _stated_threshold(opened.contract.cluster)
        return "the spec's" if stated is not None and opened.threshold == stated else None

    def bounded(self, pictures: Sequence[Judged]) -> list[Judged]:
        """The same without what is found beyond evaluation_box_config; labels there may be missed at no cost."""
        import numpy as np

        from faceir.evaluate.judged import counted_of
        from faceir.train.validate import within

        kept = []
        for p in pictures:
            scale = np.array([p.scale if p.scale_x is None else p.scale_x, p.scale])
            counted = counted_of(p) & within(self.judge.bounds, p.truth, scale)
            kept.append(replace(p, counted=counted, found=p.found[within(self.judge.bounds, p.found, scale)]))
        return kept

    def stated(self) -> str:
        """What the spec asks for beyond the settings of every evaluation, the same for the same wishes."""
        parts = [*self._limits()]
        if len(set(self.judge.overlaps)) > 1:
            parts.append(self._overlaps())
        standard = type(self.contract.cluster[0])()
        for name, one in zip(self.contract.classes, self.contract.cluster, strict=True):
            values = {f.name: getattr(one, f.name) for f in fields(one)}
            other = (
                f"{key} {value}"
                for key, value in values.items()
                if key != "algorithm" and value != getattr(standard, key)
            )
            parts.append(f"{name} clustered by {', '.join((one.algorithm, *other))}")
        return "; ".join(parts)

    def tell(self, console: Console, pictures: str, rules: Rules) -> None:
        """What the spec changed, as one line, and one for each field that is not obeyed."""
        parts = [pictures, self._overlaps(), *self._limits()]
        parts.append(
            f"faces below {rules.min_height:g} px, of an occlusion above {rules.max_occlusion} or less than "
            f"{100 * rules.min_visible:g} % inside ignored"
        )
        parts += [*self.told, f"AP as {self._mode()}"]
        console.print(f"by {self.path}: {'; '.join(parts)}", soft_wrap=True)
        for note in self._unheard():
            console.print(f"not obeyed: {note}", soft_wrap=True)

    def _overlaps(self) -> str:
        if len(set(self.judge.overlaps)) == 1:
            return f"IoU above {self.overlap:g}"
        each = zip(self.contract.classes, self.judge.overlaps, strict=True)
        return "IoU above " + ", ".join(f"{iou:g} for {name}" for name, iou in each)

    def _limits(self) -> Iterator[str]:
        """Box limits as text, those of all classes once."""
        texts = {}
        for name, one in zip(self.contract.classes, self.judge.bounds, strict=True):
            ranges = [
                f"{low:g} to {high:g} px {side}" if high < _NO_LIMIT else f"from {low:g} px {side}"
                for low, high, side in zip(one.min_wh, one.max_wh, ("wide", "high"), strict=True)
                if low > 0 or high < _NO_LIMIT
            ]
            texts[name] = " and ".join(ranges)
        if len(set(texts.values())) == 1:
            text = next(iter(texts.values()))
            if text:
                yield f"boxes {text}"
            return
        yield "boxes " + ", ".join(f"{text or 'of any size'} for {name}" for name, text in texts.items())

    def _mode(self) -> str:
        return "SAMPLE, 11 points" if self.judge.eleven_point else "INTEGRATE, the area under the curve"

    def _unheard(self) -> Iterator[str]:
        yield from self.notes
        if len(set(self.judge.overlaps)) > 1:
            yield (
                "evaluation_config.minimum_detection_ground_truth_overlap differs between classes: tables over all of "
                f"them take {self.overlap:g}, the table by class each one's own"
            )
        preparation = self.judge.preparation
        if preparation != type(preparation)():
            yield (
                "augmentation_config.preprocessing.scale_* and crop_*: pictures are judged whole and as they are, "
                "where training validates on what is cut out"
            )

    def print_classes(self, pictures: Sequence[Judged], console: Console) -> None:
        """The numbers of a training's validation, each class; `pictures` as `judge` gives them, not `bounded`."""
        import numpy as np
        from rich.table import Table

        seen = [(p.truth, p.found, np.array([p.scale if p.scale_x is None else p.scale_x, p.scale])) for p in pictures]
        each = self.judge.each(seen)
        table = Table("by class", box=None, pad_edge=False)
        for heading in ("IoU above", "AP %", "precision %", "recall %", "accuracy %", "best at"):
            table.add_column(heading, justify="right")
        for name, iou, one in zip(self.contract.classes, self.judge.overlaps, each, strict=True):
            rates = (_percent(one[rate]) for rate in ("ap", "precision", "recall", "accuracy"))
            at = one["threshold"]
            table.add_row(name, f"{iou:g}", *rates, "-" if at is None else f"{at:.3f}")
        given = [ap for one in each if (ap := one["ap"]) is not None]
        mean = _percent(float(np.mean(given)) if given else None)
        console.print(table)
        console.print(
            f"mean AP of {len(given)} class{'' if len(given) == 1 else 'es'} with faces, as {self._mode()}: {mean} %",
            soft_wrap=True,
        )


_NO_LIMIT = 9999.0


def read_exam(path: Path, overrides: Sequence[str]) -> Exam:
    """The spec at `path`, these fields changed; raises `SpecError` for one that training would refuse as well."""
    need("train")
    from faceir import spec as specs
    from faceir.train.setup import judge_of

    spec = specs.load(path, overrides)
    specs.check(spec)
    return Exam(path, spec, judge_of(spec, ()))


def _over(folders: Sequence[str]) -> Path:
    """The folder that holds all of these."""
    return Path(folders[0]) if len(folders) == 1 else Path(os.path.commonpath([Path(f).resolve() for f in folders]))


def _stated_threshold(cluster: Sequence[ClusterParams]) -> float | None:
    """The least score that the spec states, where it is one for all classes; DBSCAN's is of no score."""
    stated = {one.confidence_threshold for one in cluster}
    one = stated.pop()
    return one if not stated and one > 0 and all(c.algorithm != "dbscan" for c in cluster) else None


def _names(cluster: Sequence[ClusterParams]) -> str:
    return ", ".join(dict.fromkeys(one.algorithm for one in cluster))


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f}"
