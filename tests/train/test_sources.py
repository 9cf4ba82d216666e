"""The pictures that a spec names: found, parted, checked."""

import shutil
from dataclasses import fields

import pytest
import torch

from faceir import spec as specs
from faceir.data import kitti
from faceir.data.pack import Limit, pack
from faceir.errors import InputError, SpecError
from faceir.train import sources
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


def test_a_source_without_folder_says_so(tmp_path, disc_set):
    spec = load(tmp_path, disc_set)
    spec.dataset_config.data_sources[0].ClearField("image_directory_path")
    with pytest.raises(SpecError, match="TFRecords are not needed"):
        sources.find_data(spec)


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
