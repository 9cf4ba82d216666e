"""`faceir evaluate -e`: judged as the validation of a training by the same spec would, and what the spec says told."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="a training's validation")

from faceir import spec as specs
from faceir.cli import main
from faceir.cluster import ClusterParams
from faceir.contract import Contract
from faceir.data import kitti
from faceir.errors import InputError, ModelError, SpecError
from faceir.evaluate import LEAST_SCORE
from faceir.evaluate.document import Evaluation
from faceir.fit import Fit
from faceir.runtime.detector import Detector
from faceir.train.detector import TorchDetector
from faceir.train.model import Architecture, GridBoxNet
from faceir.train.setup import judge_of
from faceir.train.sources import find_data
from faceir.verbs.evaluate_spec import Exam, read_exam
from faceir.verbs.open import Opened, open_detector
from tests.conftest import write_square_model
from tests.train.specs import disc_spec
from tests.verbs.test_evaluate import model, night  # noqa: F401  # fixtures

Run = Callable[..., tuple[int, str, str]]
BLOCK = "dataset_config.validation_data_source.image_directory_path"


@pytest.fixture
def spec(night: Path, tmp_path: Path) -> Path:  # noqa: F811
    """A spec for the squares of `night`, which it trains and validates on."""
    path = tmp_path / "spec.txt"
    text = disc_spec(night).replace("output_image_width: 96 output_image_height: 64", "output_image_width: 384 "
                                    "output_image_height: 240")  # fmt: skip
    text = text.replace(
        "dataset_config {", f'dataset_config {{ validation_data_source {{ image_directory_path: "{night}" }}'
    )
    path.write_text(text)
    return path


@pytest.fixture
def faceir(model: Path, spec: Path, capfd: pytest.CaptureFixture[str]) -> Run:  # noqa: F811
    """`faceir evaluate -m MODEL -e SPEC` with these fields of the spec and options."""

    def run(*arguments: object, fields: tuple[str, ...] = (), judged: Path | None = None) -> tuple[int, str, str]:
        changed = [part for one in fields for part in ("--set", one)]
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main(["evaluate", "-m", str(judged or model), "-e", str(spec), "--rounds", "0", *changed,
                  *map(str, arguments)])  # fmt: skip
        told = capfd.readouterr()
        return int(left.value.code or 0), told.out, told.err

    return run


def fold(number: int) -> tuple[str, ...]:
    return (f"dataset_config.validation_fold={number}",)


def test_the_spec_names_pictures_and_what_counts(faceir: Run, spec: Path, night: Path, tmp_path: Path) -> None:  # noqa: F811
    code, out, err = faceir("--json", tmp_path / "e.json")
    assert (code, err) == (0, "")
    first = out.splitlines()[0]
    assert first.startswith(f"by {spec}: 30 pictures of validation_data_source ({night}); IoU above 0.5; ")
    assert "faces below 8 px, of an occlusion above 5 or less than 60 % inside ignored; square.onnx clustered" in first
    assert first.endswith("AP as SAMPLE, 11 points")
    assert "not obeyed:" not in out
    e = Evaluation.read(tmp_path / "e.json")
    assert (e.scores.tp, e.scores.fp, e.scores.fn) == (20, 1, 4)
    assert (e.settings.min_height, e.settings.iou_threshold, e.dataset.name) == (8.0, 0.5, "night")
    assert e.settings.spec == "face clustered by nms, coverage_threshold 0.1, nms_iou_threshold 0.4"
    assert re.search(r"face +0\.5 +\d+\.\d\d +95\.24 +83\.33 +80\.00", out)


def test_a_fold_holds_out_what_the_training_does(faceir: Run, spec: Path, tmp_path: Path) -> None:
    exam = read_exam(spec, fold(2))
    held = list(find_data(specs.load(spec, fold(2))).validation)
    assert exam.items("", ())[0] == held
    assert len(held) == 4
    code, out, _ = faceir("--json", tmp_path / "e.json", fields=fold(2))
    assert code == 0
    assert "4 pictures of validation_fold 2 of data_sources (" in out
    assert Evaluation.read(tmp_path / "e.json").dataset.pictures == 4
    with pytest.raises(InputError, match="would change what validation_fold holds out"):
        exam.items("val", ())


def test_the_numbers_are_those_of_the_training(
    faceir: Run, spec: Path, model: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    """A net that finds what the model finds, judged in a training by the same spec."""
    fields = (
        "evaluation_config.minimum_detection_ground_truth_overlap.face=0.9",
        "evaluation_config.evaluation_box_config.face.minimum_height=20",
        "evaluation_config.average_precision_mode=INTEGRATE",
        "training_config.ignore_occlusion_above=1",
    )
    read = specs.load(spec, fields)
    detector = Detector(model)
    detector.contract = replace(detector.contract, cluster=specs.cluster_params(read)).with_threshold(LEAST_SCORE)
    monkeypatch.setattr(TorchDetector, "__call__", lambda _, images: detector(images))
    judge = judge_of(read, find_data(read).validation)
    judge = replace(judge, contract=replace(judge.contract, fit=detector.contract.fit))
    scores = judge(GridBoxNet(Architecture.resnet18(width_multiplier=0.125)))
    out = faceir(fields=fields)[1]
    assert 0 < scores["ap"] < 1
    numbers = " +".join(f"{100 * scores[key]:.2f}" for key in ("ap", "precision", "recall", "accuracy"))
    assert re.search(rf"face +0\.9 +{numbers} +{scores['threshold']:.3f}\n", out.replace(" \n", "\n"))
    assert f"as INTEGRATE, the area under the curve: {100 * scores['ap']:.2f} %" in out


def test_what_is_typed_wins(faceir: Run, night: Path, tmp_path: Path) -> None:  # noqa: F811
    _, out, _ = faceir("--min-height", 30, "--max-occlusion", 1, "--min-visible", 0.5, "--threshold", 0.3)
    assert "faces below 30 px, of an occlusion above 1 or less than 50 % inside ignored" in out
    assert "threshold 0.3 (given)" in out
    other = tmp_path / "other"
    for part in ("images", "labels"):
        (other / part).mkdir(parents=True)
    for path in (*(night / "hall").glob("*/*_0001.*"),):
        (other / path.parent.name / path.name).write_bytes(path.read_bytes())
    code, out, _ = faceir("-d", other, fields=fold(0))
    assert code == 0
    assert f"1 pictures of -d ({other});" in out
    assert "30 pictures of validation_data_source" in faceir("--split", "val", "--terms", "free")[1]
    assert "holds no labelled picture" in faceir("--split", "test")[2]
    assert "12 pictures of validation_data_source" in faceir("--source", "hall")[1]


def test_overlaps_and_limits_are_obeyed_in_all_tables(faceir: Run, tmp_path: Path) -> None:
    overlap = "evaluation_config.minimum_detection_ground_truth_overlap.face=0.999"
    _, out, _ = faceir("--json", tmp_path / "a.json", fields=(overlap,))
    assert "IoU above 0.999" in out
    assert Evaluation.read(tmp_path / "a.json").settings.iou_threshold == 0.999
    box = "evaluation_config.evaluation_box_config.face."
    _, out, _ = faceir("--json", tmp_path / "b.json", fields=(f"{box}minimum_height=65",))
    assert "boxes from 65 px high;" in out
    b = Evaluation.read(tmp_path / "b.json")
    assert (b.scores.faces, b.scores.tp, b.scores.fp, b.dataset.regions_ignored) == (0, 0, 0, 24)
    assert b.settings.spec.startswith("boxes from 65 px high; face clustered by nms")
    assert "mean AP of 0 classes with faces, as SAMPLE, 11 points: - %" in out
    _, out, _ = faceir(fields=(f"{box}maximum_width=64.5", f"{box}minimum_height=60"))
    assert "boxes 0 to 64.5 px wide and from 60 px high;" in out
    code, _, err = faceir("--baseline", tmp_path / "a.json", fields=(overlap, f"{box}minimum_height=20"))
    assert code == 1
    assert "spec 'face clustered by nms" in err


CLUSTERING = "postprocessing_config.target_class_config.face.clustering_config."


def test_clustering_and_threshold(faceir: Run, tmp_path: Path, model: Path) -> None:  # noqa: F811
    """The spec's threshold, else the model's own where its algorithm stays, else that of the best accuracy."""
    _, out, _ = faceir()
    assert "square.onnx clustered by postprocessing_config (nms) instead of its own (nms)" in out
    assert "threshold 0.5 (the model's own)" in out
    assert "threshold 0.7 (the spec's)" in faceir(fields=(f"{CLUSTERING}nms_confidence_threshold=0.7",))[1]
    dbscan = (f"{CLUSTERING}clustering_algorithm=DBSCAN", f"{CLUSTERING}dbscan_confidence_threshold=0.9",
              f"{CLUSTERING}dbscan_min_samples=0")  # fmt: skip
    _, out, _ = faceir("--json", tmp_path / "e.json", "--vs", model, fields=dbscan)
    assert out.splitlines()[0].count("square.onnx clustered by postprocessing_config (dbscan) instead of") == 2
    assert "(best accuracy on these pictures)" in out
    contract = Evaluation.read(tmp_path / "e.json").model.contract
    assert contract is None  # it states no threshold that is a score
    same = write_square_model(tmp_path / "same.onnx", replace(Contract(), cluster=read_cluster(faceir, tmp_path)))
    assert "clustered by postprocessing_config (nms), as its own" in faceir(judged=same)[1]


def read_cluster(_: Run, folder: Path) -> tuple[ClusterParams, ...]:
    return specs.cluster_params(specs.load(folder / "spec.txt"))


def test_a_model_that_states_nothing_is_taken_as_the_spec_s(faceir: Run, tmp_path: Path) -> None:
    """As an ONNX file of TAO's."""
    plain = write_square_model(tmp_path / "plain.onnx", metadata="")
    code, out, _ = faceir(judged=plain)
    assert code == 0
    assert "plain.onnx, which states nothing itself, taken to find face in this order" in out
    assert "30 pictures, 24 faces" in out
    with pytest.raises(ModelError, match="carries no contract"):
        open_detector(plain)
    broken = write_square_model(tmp_path / "broken.onnx", metadata="{")
    assert "its contract cannot be read" in faceir(judged=broken)[2]


def test_stored_detections_cluster_by_themselves(faceir: Run, night: Path, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "found").mkdir()
    for item in kitti.find(night):
        data = (item.label_data() or b"").decode()
        (tmp_path / "found" / item.label.name).write_text(data.replace("\n", " 0.9\n"))
    code, out, err = faceir(judged=tmp_path / "found")
    assert (code, err) == (0, "")
    assert "not obeyed: postprocessing_config: found clusters by itself" in out
    assert re.search(r"face +0\.5 +100\.00 +100\.00 +100\.00 +100\.00", out)


def exam_of(spec: Path, *names: str) -> Exam:
    """The spec's exam, for these classes."""
    read = specs.load(spec)
    config = read.cost_function_config
    for name in names:
        one = config.target_classes[0] if name == "face" else config.target_classes.add()
        one.CopyFrom(config.target_classes[0])
        one.name = name
        read.postprocessing_config.target_class_config[name].CopyFrom(
            read.postprocessing_config.target_class_config["face"]
        )
        read.dataset_config.target_class_mapping[name] = name
    read.evaluation_config.minimum_detection_ground_truth_overlap[names[-1]] = 0.7
    read.evaluation_config.evaluation_box_config[names[-1]].minimum_height = 20
    return Exam(spec, read, judge_of(read, ()))


class Blind:
    """Finds nothing."""

    def __call__(self, images: list[object]) -> list[object]:
        return [() for _ in images]


def opened(*classes: str, fit: Fit | None = None) -> Opened:
    contract = Contract(classes, fit or Fit((384, 240), True), (ClusterParams(),) * len(classes))
    return Opened(Blind(), contract, 0.5, "net", None)


def test_classes_are_matched_by_name_in_the_model_s_order(spec: Path) -> None:
    exam = exam_of(spec, "face", "hand")
    fitted = exam.fitted(opened("Hand", "face"))
    assert fitted.judge.overlaps == (0.7, 0.5)
    assert [bounds.min_wh for bounds in fitted.judge.bounds] == [(0, 20), (0, 0)]
    assert fitted.judge.class_mapping == {"face": "face", "hand": "Hand"}
    assert fitted.contract.classes == ("Hand", "face")
    assert (exam.overlap, exam_of(spec, "face").overlap) == (0.5, 0.7)
    for others in (("face",), ("face", "foot"), ("face", "hand", "foot")):
        with pytest.raises(ModelError, match=r"net: finds face.*wanted face, hand, which .*spec\.txt trains"):
            exam.fitted(opened(*others))


def test_what_cannot_be_obeyed_is_told(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    exam = exam_of(spec, "face", "hand")
    pre = exam.spec.augmentation_config.preprocessing
    pre.crop_right, pre.crop_bottom, pre.output_image_width, pre.maintain_aspect_ratio = 100, 100, 736, False
    exam = replace(exam, judge=judge_of(exam.spec, ()))
    exam = exam.fitted(opened("face", "hand"))
    exam.tell(Console(highlight=False, markup=False, width=400), "3 pictures", exam.rules)
    out = capsys.readouterr().out.splitlines()
    assert "IoU above 0.5 for face, 0.7 for hand; boxes of any size for face, from 20 px high for hand;" in out[0]
    assert len(out) == 4
    assert out[1].startswith(
        "not obeyed: augmentation_config.preprocessing makes pictures 736x240: net takes 384x240 with the aspect kept"
    )
    assert "overlap differs between classes: tables over all of them take 0.5, the table by class" in out[2]
    assert "scale_* and crop_*: pictures are judged whole" in out[3]


def test_without_pictures_to_validate_on(spec: Path) -> None:
    exam = read_exam(spec, ())
    exam.spec.dataset_config.ClearField("validation_data_source")
    with pytest.raises(SpecError, match="names no pictures to validate on") as error:
        exam.items("", ())
    assert f"--set {BLOCK}=FOLDER" in error.value.do


def test_mistakes_are_one_line(faceir: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    nowhere = tmp_path / "nowhere"
    for arguments, fields, says in (
        (("--stress", "noise"), (), "--stress: judges as it does everywhere, not by a spec; wanted no -e"),
        ((), (f"{BLOCK}={nowhere}",), f"{BLOCK}: {nowhere} is not a folder"),
        ((), ("no_such_block=1",), "no_such_block"),
    ):
        code, _, err = faceir(*arguments, fields=fields)
        assert (code, err.count("\n")) == (1, 1)
        assert says in err
    for arguments, says in (
        ((), "-d: is missing; wanted a folder of labelled pictures; or name an experiment spec with -e"),
        (("--set", "a=1"), "--set: changes a spec, and there is none"),
    ):
        with pytest.raises(SystemExit):
            main(["evaluate", "-m", "default", *arguments])
        assert says in capfd.readouterr().err
