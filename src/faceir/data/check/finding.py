"""What a rule finds, and what each rule stands for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

__all__ = ["RULES", "SEVERITIES", "Change", "Finding", "Rule", "Severity", "Xyxy", "ranked"]

Severity: TypeAlias = Literal["error", "warning", "note"]
Xyxy: TypeAlias = tuple[float, float, float, float]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""The worst first."""


@dataclass(frozen=True)
class Rule:
    """One guideline. `why` says what goes wrong without it, `do` how to mend it, `option` what has to be asked for."""

    severity: Severity
    title: str
    why: str
    do: str
    option: str = ""
    """Without which nobody looks; "" = always looked for."""


_DETECTOR, _DUPLICATES = "--detector default", "--duplicates"
RULES: dict[str, Rule] = {
    "picture-unreadable": Rule(
        "error", "picture cannot be read", "Training stops at it.", "Copy it again, or remove it."
    ),
    "picture-cut-short": Rule(
        "error", "picture ends too early", "Its lower part decodes as gray.", "Copy it again, or remove it."
    ),
    "orientation-flag": Rule(
        "warning",
        "picture turned by its Exif flag",
        "Some programs obey the flag and some do not, so boxes lie right for one half of them.",
        "Turn the pixels and remove the flag; then draw the boxes on the turned picture.",
    ),
    "label-missing": Rule(
        "error", "no label file", "Nobody can tell an unlabelled picture from one without faces.",
        "Label it, or write an empty file where there is no face.",
    ),
    "label-unreadable": Rule("error", "label line cannot be read", "Training stops at it.", "Write it as KITTI does."),
    "label-orphan": Rule(
        "warning", "label file without a picture", "Its faces are never trained.", "Find the picture."
    ),
    "label-shared": Rule(
        "error", "one label file for two pictures", "Its faces are trained on both, and lie in one of them at most.",
        "Rename one picture and give it a label file of its own.",
    ),
    "label-empty": Rule(
        "note", "label file without a line", "It says that there is no face.", "Look whether that is so."
    ),
    "class-case": Rule(
        "note", "class name in other letters", "Programs that compare letters strictly drop the box.",
        "Write the class as it is.",
    ),
    "class-unknown": Rule(
        "warning", "class that is not trained", "Boxes of other classes are left out without a word.",
        "Rename it, name it with --class, or map it in the spec.",
    ),
    "box-outside": Rule(
        "error", "box reaches out of the picture", "The label is of another picture or of another size of it.",
        "Cut the box at the edge, or scale it.",
    ),
    "cut-at-edge": Rule(
        "warning", "less than 60 % of the face is in the picture", "The guidelines leave such pictures out.",
        "Leave the picture out, or ignore the face as DontCare.",
    ),
    "occlusion-missing": Rule(
        "note", "occlusion level unknown", "Faces that can hardly be seen are trained like all others.",
        "Give a level from 0 (nothing hidden) to 9.",
    ),
    "occlusion-range": Rule("error", "occlusion level outside 0..9", "Training stops at it.", "Give a level 0..9."),
    "occlusion-untrained": Rule(
        "note", "occlusion level 6 to 9", "The face is neither trained nor counted.", "Nothing, if the level is right."
    ),
    "box-duplicate": Rule(
        "error", "two boxes on one face", "The second counts as a face that nobody can find.", "Remove one."
    ),
    "box-nested": Rule(
        "warning", "box inside another box", "Seldom are two faces there; mostly one is boxed twice.",
        "Remove the wrong one.",
    ),
    "box-size": Rule("warning", "box too small to be a face", "There is nothing in it to learn.", "Remove it."),
    "box-aspect": Rule(
        "warning", "box too long to be a face", "A face is about 0.8 times as wide as it is high.", "Draw it anew."
    ),
    "box-not-tight": Rule(
        "warning", "box not tight", "The detector sees the face elsewhere or at another size.",
        "Take the detector's box.", _DETECTOR,
    ),
    "face-unlabelled": Rule(
        "warning", "face without a label", "Training teaches that there is no face.",
        "Add a box, or a DontCare region.", _DETECTOR,
    ),
    "face-unseen": Rule(
        "warning", "label where no face is seen", "The detector sees nothing there at any score.",
        "Remove the box.", _DETECTOR,
    ),
    "class-wrong": Rule(
        "warning", "face under another class", "The detector is sure of a face in a box of another class.",
        "Rename it.", _DETECTOR,
    ),
    "boxes-loose": Rule(
        "note", "boxes of a set are drawn otherwise",
        "All of them differ from the detector's by the same share: another way to draw, not a slip.",
        "Scale them all, when the sets are to be mixed.", _DETECTOR,
    ),
    "picture-duplicate": Rule("warning", "the same file twice", "It weighs twice.", "Remove one.", _DUPLICATES),
    "picture-alike": Rule(
        "note", "pictures that look alike", "They weigh twice, as neighbouring frames of a film do.",
        "Keep one of them.", _DUPLICATES,
    ),
    "picture-across-splits": Rule(
        "error", "one picture in two splits", "Validation tests what training saw.", "Move both into one split.",
        _DUPLICATES,
    ),
}  # fmt: skip
"""Of each code, in the order in which they are told."""


@dataclass(frozen=True)
class Change:
    """One change of a label file: `line` 1.. is replaced by `text` or removed (None); line 0 adds `text` at the end."""

    line: int
    text: str | None


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or may be."""

    code: str
    """Key of `RULES`."""
    picture: str
    """Path below the data set's folder, as all paths here."""
    label: str
    words: str
    """What is wrong, in words."""
    score: float = 0.5
    """0..1, how bad or how sure among those of the same severity."""
    line: int = 0
    """Of the label file, from 1; 0 = no line."""
    xyxy: Xyxy | None = None
    """The box in question, pixels of the picture."""
    suggested: Xyxy | None = None
    """A better box."""
    change: Change | None = None
    """What accepting it does to the label file; None = a person has to mend it."""
    other: str = ""
    """The other picture of a pair."""

    @property
    def severity(self) -> Severity:
        """That of its rule."""
        return RULES[self.code].severity

    @property
    def rank(self) -> tuple[int, float]:
        """Sorts the worst first."""
        return SEVERITIES.index(self.severity), -self.score

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {"severity": self.severity, **asdict(self)}


def ranked(findings: list[Finding]) -> list[Finding]:
    """The worst first; equal ones by picture and line."""
    return sorted(findings, key=lambda f: (*f.rank, f.picture, f.line, f.code))
