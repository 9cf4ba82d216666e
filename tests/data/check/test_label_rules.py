"""Each rule is broken by its own mistake, and good labels break none."""

import pytest

from faceir.data.check.finding import RULES
from faceir.data.check.label_rules import LABEL_RULES
from tests.data.check.samples import codes, labelled, line

GOOD = line((100, 100, 140, 150))


def test_a_good_label_breaks_no_rule():
    assert codes(LABEL_RULES, labelled(GOOD, line((200, 100, 240, 150), occlusion=5))) == set()
    assert codes(LABEL_RULES, labelled(GOOD, line((0, 0, 400, 90), name="DontCare", occlusion=-1))) == set()


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ([], {"label-empty"}),
        ([GOOD, "face 0 0 0 1 2 3"], {"label-unreadable"}),
        ([GOOD, line((100, 100, 90, 150))], {"label-unreadable"}),
        ([GOOD, line((1, 1, 2, "x"))], {"label-unreadable"}),
        ([line((100, 100, 140, 150), name="Face")], {"class-case"}),
        ([line((100, 100, 140, 150), name="fcae")], {"class-unknown"}),
        ([line((380, 100, 420, 150))], {"box-outside", "cut-at-edge"}),
        ([line((370, 100, 410, 150))], {"box-outside"}),
        ([line((410, 100, 450, 150))], {"box-outside", "cut-at-edge"}),
        ([line((100, 100, 140, 150), truncation=0.5)], {"cut-at-edge"}),
        ([line((0, 100, 18, 150))], {"cut-at-edge"}),
        ([line((100, 280, 140, 300))], {"cut-at-edge"}),
        ([line((0, 100, 36, 150))], set()),
        ([line((100, 100, 140, 150), occlusion=-1)], {"occlusion-missing"}),
        ([line((100, 100, 140, 150), occlusion=12)], {"occlusion-range"}),
        ([line((100, 100, 140, 150), occlusion=2.5)], {"occlusion-range"}),
        ([line((100, 100, 140, 150), occlusion=6)], {"occlusion-untrained"}),
        ([GOOD, line((101, 99, 141, 151))], {"box-duplicate"}),
        ([GOOD, line((105, 105, 125, 130))], {"box-nested"}),
        ([GOOD, line((135, 100, 175, 150))], set()),
        ([line((100, 100, 102, 102))], {"box-size"}),
        ([line((100, 100, 300, 150))], {"box-aspect"}),
    ],
)
def test_mistakes(lines, wanted):
    assert codes(LABEL_RULES, labelled(*lines)) == wanted


@pytest.mark.parametrize(
    ("known", "wanted"),
    [
        ({"picture_error": "is empty", "size_wh": None}, "picture-unreadable"),
        ({"whole": False}, "picture-cut-short"),
        ({"orientation": 6}, "orientation-flag"),
        ({"sha256": None, "rows": ()}, "label-missing"),
        ({"label_error": "is no text", "rows": ()}, "label-unreadable"),
    ],
)
def test_mistakes_of_files(known, wanted):
    assert codes(LABEL_RULES, labelled(GOOD, **known)) == {wanted}


def test_boxes_of_the_unturned_picture_are_worse_than_the_flag():
    # Turned by 90 degrees the picture is 300 x 400; the box fits 400 x 300.
    (fits,) = LABEL_RULES["orientation-flag"](labelled(GOOD, size_wh=(300, 400), orientation=6))
    (swapped,) = LABEL_RULES["orientation-flag"](labelled(line((320, 10, 390, 90)), size_wh=(300, 400), orientation=6))
    assert swapped.score > fits.score
    assert "unturned" in swapped.words


def test_a_broken_line_hides_none_of_the_others():
    picture = labelled("nonsense", line((410, 100, 450, 150)), line((100, 100, 140, 150), occlusion=10))
    assert [row.line for row in picture.rows] == [2, 3]
    assert codes(LABEL_RULES, picture) == {"label-unreadable", "box-outside", "cut-at-edge", "occlusion-range"}


@pytest.mark.parametrize(
    ("code", "bad"),
    [
        ("class-case", line((100, 100, 140, 150), name="FACE")),
        ("box-outside", line((370, 100, 410, 150))),
        ("cut-at-edge", line((100, 100, 140, 150), truncation=0.9)),
        ("box-size", line((100, 100, 102, 102))),
    ],
)
def test_what_a_change_writes_breaks_the_rule_no_more(code, bad):
    (finding,) = LABEL_RULES[code](labelled(bad))
    assert finding.change is not None
    assert code not in codes(LABEL_RULES, labelled(finding.change.text))


def test_every_rule_is_told_of():
    assert LABEL_RULES.keys() < RULES.keys()
    assert all(rule.title and rule.why and rule.do for rule in RULES.values())
