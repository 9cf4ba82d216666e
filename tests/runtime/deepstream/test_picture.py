from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from faceir.errors import InputError
from faceir.runtime.deepstream.picture import save_picture
from faceir.runtime.deepstream.plan import Plan, Step

STEPS = tuple(Step(f"step{n}", ("a $ in a $ path", "x" * 80)) for n in range(3))


def test_all_boxes_are_there(tmp_path: Path) -> None:
    path = tmp_path / "plan.svg"
    sources = tuple(Step(f"source{n}") for n in range(20))
    save_picture(Plan(sources, STEPS, (Step("sink0"),)), path, "title")
    text = path.read_text()
    for wanted in ("title", "source4", "and 15 more", "step2", "sink0", "a $ in a $ path", "x" * 34):
        assert f"<!-- {wanted} -->" in text
    assert "source5" not in text
    assert [p.name for p in tmp_path.iterdir()] == ["plan.svg"]


@pytest.mark.parametrize("plan", [Plan((), (), ()), Plan(STEPS[:1], STEPS, ())])
def test_little_is_drawn_too(tmp_path: Path, plan: Plan) -> None:
    save_picture(plan, tmp_path / "plan.png", "")
    image = cv2.imread(str(tmp_path / "plan.png"))
    assert image is not None
    assert image.size > 0


def test_what_cannot_be_drawn(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"wanted \.png \.svg \.pdf"):
        save_picture(Plan((), (), ()), tmp_path / "plan.gif", "")
    with pytest.raises(InputError, match="cannot be written"):
        save_picture(Plan((), (), ()), tmp_path / "no" / "plan.png", "")
