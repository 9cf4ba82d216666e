"""The pictures that a spec names: found, parted, checked."""

import shutil
from dataclasses import fields

import pytest
import torch

from faceir import spec as specs
from faceir.data import kitti
from faceir.data.pack import Limit, pack
from faceir.errors import InputError, SpecError
from faceir.train import loop, sources
from faceir.train.loader import batches
from faceir.train.setup import make_training
from tests.train.test_setup import load

STATED = """
[terms.free]
means = "any use"
business = true
[sets.discs]
origin = "drawn"
terms = "free"
[sets.elsewhere]
origin = "not trained on"
terms = "free"
"""


def test_fold_0_holds_out_a_fixed_share(tmp_path, disc_set):
    spec = load(tmp_path, disc_set, "dataset_config.validation_fold=0")
    data, again = sources.find_data(spec), sources.find_data(spec)
    assert (len(data.training), len(data.validation)) == (5, 1)
    assert data == again
    assert not {i.picture for i in data.training} & {i.picture for i in data.validation}
    held = [sources.find_data(specs.override(spec, f"dataset_config.validation_fold={k}")).validation for k in range(6)]
    assert sorted(item.picture for fold in held for item in fold) == sorted((disc_set / "images").iterdir())


def test_every_faulty_label_is_found_and_can_be_left_out(tmp_path, disc_set):
    (disc_set / "labels" / "0.txt").write_text("face 1 2 3\n")
    (disc_set / "labels" / "1.txt").unlink()
    (disc_set / "images" / "2.png").write_bytes(b"")
    spec = load(tmp_path, disc_set)
    data = sources.find_data(spec)
    sound, problems = sources.check_labels(data, spec)
    assert sorted(p.name for p in problems) == ["0.png", "1.png", "2.png"]
    assert "0.txt:1: has 4 fields" in str(problems[disc_set / "images" / "0.png"])
    assert len(sound.training) == 3
    assert sound.faces == {"discs": 3}


def test_a_class_that_no_label_names_stops_before_epoch_1(tmp_path, disc_set):
    spec = load(tmp_path, disc_set)
    spec.dataset_config.target_class_mapping.clear()
    spec.dataset_config.target_class_mapping["visage"] = "face"
    with pytest.raises(InputError, match=r"speaks of class face; they hold face \(6\)"):
        sources.check_labels(sources.find_data(spec), spec)


def with_class(spec, name, *labels):
    """The spec with one class more, and the names in label files that stand for it."""
    config = spec.cost_function_config.target_classes.add()
    config.CopyFrom(spec.cost_function_config.target_classes[0])
    config.name = name
    spec.bbox_rasterizer_config.target_class_config[name].CopyFrom(
        spec.bbox_rasterizer_config.target_class_config["face"]
    )
    spec.postprocessing_config.target_class_config[name].CopyFrom(
        spec.postprocessing_config.target_class_config["face"]
    )
    for label in labels or (name,):
        spec.dataset_config.target_class_mapping[label] = name
    specs.check(spec)
    return spec


def test_a_class_without_label_is_told_where_another_has_some(tmp_path, disc_set):
    """As TAO, which trains it; one that only the pictures to validate on know counts as without."""
    spec = with_class(load(tmp_path, disc_set), "hand", "hand", "fist")
    data, problems = sources.check_labels(sources.find_data(spec), spec)
    assert problems == {}
    assert (data.unlabelled, data.names, data.faces) == (("hand",), {"face": 6}, {"discs": 6})
    told = (
        "no label speaks of class hand (written hand, fist): it is learnt as what is never there; labels hold face (6)"
    )
    assert [one.replace("fist, hand", "hand, fist") for one in sources.tell_unlabelled(data, spec)] == [told]
    (disc_set / "labels" / "0.txt").write_text("paw 0 0 0 1 1 30 30 0 0 0 0 0 0 0\n")
    (one,) = sources.tell_unlabelled(sources.check_labels(data, spec)[0], spec)
    assert one.endswith("labels hold face (5), and names that are not mapped: paw (1)")
    spec.dataset_config.validation_fold = 0
    data = sources.find_data(spec)
    (item,) = data.validation
    item.label.write_text("hand 0 0 0 1 1 30 30 0 0 0 0 0 0 0\n")
    assert sources.check_labels(data, spec)[0].unlabelled == ("hand",)
    data.training[0].label.write_text("FIST 0 0 0 1 1 30 30 0 0 0 0 0 0 0\n")
    data, _ = sources.check_labels(data, spec)
    assert (data.unlabelled, data.names) == ((), {})


def test_a_class_without_label_is_trained(tmp_path, disc_set):
    """It learns that nothing is there; the others are judged without it."""
    spec = with_class(load(tmp_path, disc_set, "dataset_config.validation_fold=0"), "hand")
    training = make_training(spec, sources.check_labels(sources.find_data(spec), spec)[0], torch.device("cpu"))
    *_, last = loop.run(training, tmp_path / "r")
    assert last.scores["ap"] == last.scores["ap face"]
    assert last.scores["ap hand"] is None


def test_several_classes_without_any_label_stop(tmp_path, disc_set):
    spec = with_class(load(tmp_path, disc_set), "hand")
    for path in (disc_set / "labels").iterdir():
        path.write_text("Visage 0 0 0 1 1 30 30 0 0 0 0 0 0 0\n")
    with pytest.raises(InputError, match=r"none of 6 files speaks of class face, hand; they hold Visage \(6\)"):
        sources.check_labels(sources.find_data(spec), spec)


def test_a_source_without_folder_says_so(tmp_path, disc_set):
    spec = load(tmp_path, disc_set)
    spec.dataset_config.data_sources[0].ClearField("image_directory_path")
    with pytest.raises(SpecError, match="TFRecords are not needed") as error:
        sources.find_data(spec)
    assert error.value.do.endswith("--set dataset_config.data_sources.0.image_directory_path=FOLDER")


FIELDS = (
    "dataset_config.data_sources.1.image_directory_path",
    "dataset_config.validation_data_source.image_directory_path",
)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("kind", ["missing", "a file", "empty"])
def test_a_wrong_folder_names_its_field(tmp_path, disc_set, field, kind):
    wrong = tmp_path / "wrong"
    if kind == "a file":
        wrong.write_text("records")
    elif kind == "empty":
        wrong.mkdir()
    spec = specs.override(load(tmp_path, disc_set), f"{field}={wrong}")
    said = {"missing": "is not a folder", "a file": "is a file", "empty": "holds no labelled picture: it is empty"}
    with pytest.raises(SpecError) as error:
        sources.find_data(spec)
    assert (error.value.where, error.value.came) == (field, f"{wrong} {said[kind]}")
    assert error.value.do == f"another folder: --set {field}=FOLDER"
    mended = specs.override(spec, f"{field}={disc_set}")  # as that says
    assert sources.find_data(mended)


def test_what_would_help_in_a_folder_is_said_as_well(tmp_path, disc_set):
    spec = load(tmp_path, disc_set / "images")
    with pytest.raises(SpecError, match="it is itself the folder images of the pictures") as error:
        sources.find_data(spec)
    assert error.value.do.startswith(f"name {disc_set}; another folder: --set dataset_config.data_sources.0.")


def test_a_broken_file_in_the_folder_is_told_by_its_own_name(tmp_path, disc_set):
    (disc_set / "manifest.csv").write_text("picture\n")
    with pytest.raises(InputError, match=r"discs/manifest\.csv: lacks the column"):
        sources.find_data(load(tmp_path, disc_set))


def test_validation_pictures_are_found_without_those_of_the_training(tmp_path, disc_set):
    spec = load(tmp_path, tmp_path / "nowhere")
    spec.dataset_config.validation_data_source.image_directory_path = str(disc_set)
    assert sources.find_validation(spec) == kitti.find(disc_set)
    spec = load(tmp_path, disc_set, "dataset_config.validation_fold=3")
    assert list(sources.find_validation(spec)) == list(sources.find_data(spec).validation)


def test_several_classes_of_which_labels_may_hold_more(tmp_path, disc_set):
    """A mapping may name classes that are not trained; their labels are left out."""
    spec = load(tmp_path, disc_set)
    spec.dataset_config.target_class_mapping["van"] = "car"
    (disc_set / "labels" / "0.txt").write_text("van 0 0 0 1 1 30 30 0 0 0 0 0 0 0\n")
    assert sources.check_labels(sources.find_data(spec), spec)[1] == {}
    spec.dataset_config.target_class_mapping.clear()
    assert sources.check_labels(sources.find_data(spec), spec)[1] == {}  # names stand for themselves


def test_shards_train_like_their_folder(tmp_path, disc_set):
    """Same order, same batches to the bit, in this process and in workers; same held-out pictures."""
    pack(kitti.walk(disc_set), disc_set, tmp_path / "shards", Limit(4))
    made = []
    for folder in (disc_set, tmp_path / "shards"):
        spec = load(tmp_path, folder, "dataset_config.validation_fold=0")
        data, problems = sources.check_labels(sources.find_data(spec), spec)
        assert problems == {}
        made.append(make_training(spec, data, torch.device("cpu")))
    plain, packed = made
    assert [i.picture.name for i in plain.validate.items] == [i.picture.name for i in packed.validate.items]
    assert plain.data == packed.data | {"sets": {"discs": 5}}
    steps = plain.samples.total_steps
    for one, alone, other in zip(
        batches(plain.samples, 0, 0), batches(packed.samples, 0, 0), batches(packed.samples, 0, 1), strict=True
    ):
        for batch in (alone, other):
            assert torch.equal(one.pictures, batch.pictures)
            for field in fields(one.targets):
                a, b = getattr(one.targets, field.name), getattr(batch.targets, field.name)
                assert a is b is None or torch.equal(a, b)
        steps -= 1
    assert steps == 0


def test_faulty_labels_in_shards_are_found_and_can_be_left_out(tmp_path, disc_set):
    (disc_set / "labels" / "0.txt").write_text("face 1 2 3\n")
    (disc_set / "labels" / "1.txt").unlink()
    pack(kitti.walk(disc_set), disc_set, tmp_path / "shards", Limit(4))
    spec = load(tmp_path, tmp_path / "shards")
    data = sources.find_data(spec)
    sound, problems = sources.check_labels(data, spec)
    assert sorted(p.name for p in problems) == ["0.png", "1.png"]
    assert len(sound.training) == len(sound.weights) == len(sound.source_of) == 4
    assert not {i.picture for i in sound.training} & set(problems)
    assert sound.faces == {"discs": 4}


def test_faces_of_the_validation_do_not_count(tmp_path, disc_set):
    spec = load(tmp_path, disc_set, "dataset_config.validation_fold=0")
    data, _ = sources.check_labels(sources.find_data(spec), spec)
    assert data.faces == {"discs": 5}


def test_what_lies_beside_the_data_sources_is_read(tmp_path, disc_set):
    """Of shards, too, and of a source that is named twice once."""
    (disc_set / "sources.toml").write_text(STATED)
    pack(kitti.walk(disc_set), disc_set, tmp_path / "shards", Limit(4))
    for folder in (disc_set, tmp_path / "shards"):
        spec = load(tmp_path, folder)
        spec.dataset_config.data_sources.add(image_directory_path=str(folder))
        assert sources.find_data(spec).stated.sets["discs"].origin == "drawn"
    (disc_set / "sources.toml").write_text("[sets")
    with pytest.raises(InputError, match=r"sources\.toml: cannot be read"):
        sources.find_data(load(tmp_path, disc_set))


def told_of(tmp_path, folder, *overrides, validation=None):
    spec = load(tmp_path, folder, *overrides)
    if validation is not None:
        spec.dataset_config.validation_data_source.image_directory_path = str(validation)
    data, _ = sources.check_labels(sources.find_data(spec), spec)
    return list(sources.tell_terms(data, make_training(spec, data, torch.device("cpu")).data))


def test_the_plan_tells_terms_that_nobody_states(tmp_path, disc_set):
    (told,) = told_of(tmp_path, disc_set)
    assert told.startswith("nobody states those of discs: what the weights may be used for is not known")
    (disc_set / "sources.toml").write_text(STATED)
    assert told_of(tmp_path, disc_set) == []


KEPT = STATED.replace("[sets.discs]", '[terms.internal]\nmeans = "never shown"\n[sets.discs]')


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        (KEPT.replace('"drawn"\nterms = "free"', '"drawn"\nterms = "internal"'), "internal: never shown"),
        (STATED.replace('"drawn"', '"drawn"\nuse = "validation"'), "free: any use"),
    ],
)
def test_the_plan_tells_what_is_for_validation_only(tmp_path, disc_set, stated, words):
    """Both where it is trained on and where it is validated on, and of shards alike."""
    (disc_set / "sources.toml").write_text(stated)
    pack(kitti.walk(disc_set), disc_set, tmp_path / "shards", Limit(4))
    for folder in (disc_set, tmp_path / "shards"):
        (told,) = told_of(tmp_path, folder)
        assert told.startswith(f"discs is for validation only ({words}), but is trained on: leave it out")
    other = tmp_path / "other"
    shutil.copytree(disc_set, other)
    (other / "sources.toml").write_text(STATED.replace("sets.discs", "sets.other"))
    (disc_set / "sources.toml").unlink()
    assert told_of(tmp_path, other, validation=disc_set) == []  # nobody says what discs is for
    (other / "sources.toml").write_text(stated.replace("sets.elsewhere", "sets.other"))
    assert told_of(tmp_path, other, validation=disc_set) == [
        f"discs is for validation only ({words}), as it is used here"
    ]


def test_the_plan_tells_what_a_manifest_calls_internal(tmp_path, disc_set):
    rows = [f"images/{n}.png,{'night' if n else 'day'},{'internal' if n else 'free'},train" for n in range(6)]
    (disc_set / "manifest.csv").write_text("\n".join(["picture,set,terms,split", *rows]) + "\n")
    unstated, internal = told_of(tmp_path, disc_set)
    assert unstated.startswith("nobody states those of day, night:")
    assert internal.startswith(
        "night is for validation only (internal: no weights may learn from it), but is trained on"
    )


def test_the_plan_tells_of_the_weights_before(tmp_path, disc_set):
    (disc_set / "sources.toml").write_text(STATED)
    spec = load(tmp_path, disc_set)
    data, _ = sources.check_labels(sources.find_data(spec), spec)
    learnt = make_training(spec, data, torch.device("cpu")).data
    (told,) = sources.tell_terms(data, learnt | {"inherited": {"sets": {"weights of x.onnx": 0}, "sources": {}}})
    assert "nobody states those of weights of x.onnx:" in told
