"""KITTI labels: there and back, TAO's case rule, and every way a line can be wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceir.data import kitti
from faceir.detections import DONT_CARE, Detections
from faceir.errors import InputError
from tests.data.test_folder import LINE, make_set

FACE = {"face": "face"}


def parse(text: str) -> Detections:
    return kitti.parse_lines(text, FACE, ("face",), "a.txt")


def test_an_empty_file_holds_no_face():
    assert len(parse("")) == 0
    assert len(parse("\n  \n")) == 0


def test_a_line_is_a_face():
    face = parse(LINE)
    assert face.xyxy.tolist() == [[10, 20, 30, 50]]
    assert face.occlusion.tolist() == [0]
    assert face.scores.tolist() == [1.0]


def test_names_are_compared_in_lower_case_and_unmapped_ones_are_left_out():
    text = "\n".join(LINE.replace("face", name, 1) for name in ("Face", "FACE", "car"))
    assert len(parse(text)) == 2


def test_dont_care_is_a_region_to_ignore():
    assert parse(LINE.replace("face", "DontCare", 1)).labels.tolist() == [DONT_CARE]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("face 0 0 0 1 2 3", "has 7 fields"),
        (LINE + " 0.5 7", "has 17 fields"),
        ("0 0.5 0.5 0.2 0.2", "has 5 fields.*this is how YOLO writes them: type faceir dataset convert"),
        (LINE.replace("20.0", "nan"), "holds NaN"),
        (LINE.replace("20.0", "inf"), "holds NaN or infinity"),
        (LINE.replace("20.0", "x"), "is not a number"),
        (LINE.replace("30.0", "9.0"), "inverted or empty box"),
        (LINE.replace("50.0", "20.0"), "inverted or empty box"),
        (LINE + " 1.5", "score 1.5"),
        (LINE.replace("0.00 0", "0.00 12", 1), "occlusion 12"),
    ],
)
def test_a_wrong_line_is_named(line, says):
    with pytest.raises(InputError, match=says) as error:
        parse(LINE + "\n" + line)
    assert str(error.value).startswith("a.txt:2: ")


@given(
    st.lists(
        st.tuples(
            st.floats(0, 500, width=32), st.floats(0, 500, width=32), st.floats(1, 200, width=32),
            st.floats(1, 200, width=32), st.integers(-1, 9), st.floats(0, 1, width=32),
        ),
        max_size=5,
    ),
)  # fmt: skip
def test_what_is_written_reads_back(rows):
    faces = Detections(
        np.array([[x, y, x + w, y + h] for x, y, w, h, _, _ in rows], np.float32),
        occlusion=np.array([o for *_, o, _ in rows], np.int8),
        truncation=np.array([t for *_, t in rows], np.float32),
    )
    back = parse(kitti.format_lines(faces, ("face",), with_scores=False))
    assert np.allclose(back.xyxy, faces.xyxy, atol=1e-3)
    assert back.occlusion.tolist() == faces.occlusion.tolist()
    assert np.allclose(back.truncation, faces.truncation, atol=0.006)


def test_scores_are_the_sixteenth_field():
    found = Detections([[1, 2, 3, 4]], [0.25])
    line = kitti.format_lines(found, ("face",), with_scores=True)
    assert len(line.split()) == 16
    assert parse(line).scores.tolist() == [0.25]


def test_a_frame_shows_its_picture_and_its_faces(tmp_path):
    frame = next(iter(kitti.read(kitti.find(make_set(tmp_path)), FACE, ("face",))))
    assert frame.gray.shape == (40, 60)
    assert frame.rgb.shape == (40, 60, 3)
    assert len(frame.detections) == 1


@pytest.mark.parametrize("data", [b"", b"no picture"])
def test_an_unreadable_picture(tmp_path, data):
    (tmp_path / "x.jpg").write_bytes(data)
    with pytest.raises(InputError, match=r"x\.jpg"):
        kitti.read_image(tmp_path / "x.jpg")


def test_the_writer_writes_what_the_reader_reads(tmp_path):
    items = kitti.find(make_set(tmp_path / "in"))
    with kitti.Writer(tmp_path / "out") as writer:
        for frame in kitti.read(items, FACE, ("face",)):
            writer.write(frame)
    assert writer.written == 2
    assert kitti.read_labels(tmp_path / "out" / "labels" / "a.txt", FACE, ("face",)).xyxy.tolist() == [[10, 20, 30, 50]]
