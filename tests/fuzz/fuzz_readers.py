"""Coverage-guided fuzzing of the label readers: `python -m tests.fuzz.fuzz_readers FORMAT [atheris' options]`.

Needs atheris (`pip install atheris`); without it says so and ends with 0. Stops at the first exception that is not a
`FaceirError`, and writes the bytes that led to it. `tests/data/test_formats.py` does the same blindly, for the suite.
"""

from __future__ import annotations

import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

PLACES = {
    "kitti": "labels/a.txt",
    "coco": "labels.json",
    "voc": "Annotations/a.xml",
    "yolo": "labels/a.txt",
    "wider": "wider_face_split/wider_face_val_bbx_gt.txt",
    "csv": "labels.csv",
    "tfrecords": "a.tfrecord",
}


def main() -> None:
    """Fuzz one format for as long as it goes well."""
    if find_spec("atheris") is None:
        print("atheris is not installed; type: pip install atheris")
        return
    if len(sys.argv) < 2 or sys.argv[1] not in PLACES:
        sys.exit(f"wanted one of {', '.join(PLACES)}")
    form = sys.argv.pop(1)
    import atheris

    with atheris.instrument_imports(include=["faceir"]):
        from faceir.data.entry import Classes, Entry
        from faceir.data.formats import FORMATS
        from faceir.errors import FaceirError

    import cv2
    import numpy as np

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / PLACES[form]
        path.parent.mkdir(parents=True, exist_ok=True)
        (folder / "images").mkdir()
        cv2.imwrite(str(folder / "images" / "a.png"), np.zeros((40, 60), np.uint8))

        def one(data: bytes) -> None:
            path.write_bytes(data)
            try:
                for came in FORMATS[form].read(folder, Classes(), None):
                    assert isinstance(came, Entry | FaceirError)
            except FaceirError:
                pass

        atheris.Setup(sys.argv, one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
