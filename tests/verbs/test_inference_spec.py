"""`faceir detect -e`: TAO's inference spec, run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from faceir import cli
from faceir.contract import Contract
from faceir.errors import ModelError, SpecError
from faceir.flow import Image
from faceir.verbs.inference_spec import read_wishes

CLASS = """classwise_bbox_handler_config {{ key: "{0}" value {{
  confidence_model: "aggregate_cov" output_map: "{1}" bbox_color {{ R: 10 G: 20 B: 30 }}
  clustering_config {{
    clustering_algorithm: NMS coverage_threshold: 0.5 nms_iou_threshold: 0.5 nms_confidence_threshold: 0.6
  }}
}} }}
"""


def spec(folder: Path, model: str = "", classes: str = "face", handler: str = "", size_wh: str = "384 240") -> Path:
    """An inference spec that names `model`, a part of the file's text."""
    width, height = size_wh.split()
    targets = "".join(f'target_classes: "{name}"\n' for name in classes.split())
    handler = handler or CLASS.format("face", "Gesicht")
    path = folder / "inference.txt"
    path.write_text(
        f"inferencer_config {{\n{targets}image_width: {width} image_height: {height} gpu_index: 0\n{model}\n}}\n"
        f"bbox_handler_config {{ kitti_dump: true overlay_linewidth: 2\n{handler} }}\n"
    )
    return path


@pytest.fixture
def picture(tmp_path: Path, square_picture: Callable[..., Image]) -> Path:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), square_picture(1))
    return path


def faceir(*arguments: object) -> int:
    with pytest.raises(SystemExit) as done:
        cli.main([str(a) for a in arguments])
    return int(done.value.code or 0)


def test_model_names_and_colours_are_the_spec_s(tmp_path: Path, square_model: Path, picture: Path) -> None:
    written, out = spec(tmp_path, f'tlt_config {{ model: "{square_model}" }}'), tmp_path / "out"
    assert faceir("detect", picture, "-e", written, "-o", out, "--threads", 1) == 0
    assert (out / "labels" / "a.txt").read_text().split()[0] == "Gesicht"
    drawn = cv2.imread(str(out / "a.png"))
    assert (drawn == (30, 20, 10)).all(axis=2).any(), "BGR"
    (line,) = (json.loads(text) for text in (out / "detections.jsonl").read_text().splitlines())
    assert len(line["faces"]) == 1


@pytest.mark.parametrize(
    ("kitti", "made"), [("true", ["detections.jsonl", "labels/a.txt"]), ("false", ["detections.jsonl"])]
)
def test_what_is_written(kitti: str, made: list[str], tmp_path: Path, square_model: Path, picture: Path) -> None:
    written, out = spec(tmp_path, handler="disable_overlay: true " + CLASS.format("default", "")), tmp_path / "out"
    written.write_text(written.read_text().replace("kitti_dump: true", f"kitti_dump: {kitti}"))
    assert faceir("detect", picture, "-e", written, "-m", square_model, "-o", out, "--threads", 1) == 0
    assert sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()) == made


def test_only_some_classes(tmp_path: Path) -> None:
    both = CLASS.format("face", "") + CLASS.format("cap", "hat") + 'postproc_classes: "cap"'
    wishes = read_wishes(spec(tmp_path, classes="face cap", handler=both))
    assert (wishes.names, wishes.shown) == (("face", "hat"), {1})
    with pytest.raises(SpecError, match="postproc_classes"):
        read_wishes(spec(tmp_path, handler=CLASS.format("face", "") + 'postproc_classes: "cap"'))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ('tlt_config { model: "w/model.hdf5" }', "tlt_config.model=w/model.hdf5 cannot be used"),
        ('tensorrt_config { trt_engine: "a.trt.int8" }', "trt_engine=a.trt.int8"),
        ("", "names no model"),
    ],
)
def test_models_that_only_tao_opens(
    model: str, said: str, tmp_path: Path, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert faceir("detect", picture, "-e", spec(tmp_path, model), "-o", tmp_path / "out") == 1
    err = capsys.readouterr().err
    assert said in err
    assert "-m default" in err


def test_the_packaged_model_stands_in(
    tmp_path: Path, square_model: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `-m default`, which the refusal above names; for a spec of another size as well."""
    monkeypatch.setattr("faceir.runtime.detector.default_model", lambda: square_model)
    written = spec(tmp_path, 'tlt_config { model: "w/model.hdf5" }', size_wh="736 416")
    assert faceir("detect", picture, "-e", written, "-m", "default", "-o", tmp_path / "out", "--threads", 1) == 0
    assert (tmp_path / "out" / "labels" / "a.txt").read_text().split()[0] == "Gesicht"


def test_the_model_has_to_be_the_spec_s_but_for_a_stand_in(tmp_path: Path) -> None:
    wishes = read_wishes(spec(tmp_path, size_wh="736 416"))
    with pytest.raises(ModelError, match="736 x 416"):
        wishes.contract(Contract(), "m", stand_in=False)
    made = wishes.contract(Contract(), "m", stand_in=True)
    assert (made.classes, made.fit, made.cluster[0].algorithm) == (("Gesicht",), Contract().fit, "nms")
    assert wishes.contract(None, "m", stand_in=False).fit.size_wh == (736, 416)
    two = read_wishes(spec(tmp_path, classes="a b", handler=CLASS.format("default", "")))
    with pytest.raises(ModelError, match="target_classes are 2, the model has 1"):
        two.contract(Contract(), "m", stand_in=True)


def test_a_spec_that_breaks_a_rule_is_named(tmp_path: Path) -> None:
    path = spec(tmp_path, classes="face hand")
    with pytest.raises(SpecError, match="no `hand`; wanted one entry per class of inferencer_config") as error:
        read_wishes(path)
    assert error.value.where.startswith(f"{path}: bbox_handler_config")
