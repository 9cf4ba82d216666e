"""Reading labelled pictures in shuffled order from shards against the same pictures as files.

    python benchmarks/bench_shards.py [--dataset FOLDER] [--pictures 2000] [--rounds 5]

Both sides alternate on the same order; what is told is the median ratio, once for the bytes alone and once with the
pictures decoded. Then the memory that a process takes for an index of 10^7 pictures.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from faceir.data import kitti, shards
from faceir.data.pack import Limit, pack

MANY = 10_000_000


def pictures(folder: Path, number: int) -> Path:
    """Pictures of 352x264 with noise, a label each."""
    rng = np.random.default_rng(0)
    for sub in ("images", "labels"):
        (folder / sub).mkdir(parents=True)
    for n in range(number):
        small = rng.integers(0, 255, (66, 88, 3)).astype(np.uint8)
        cv2.imwrite(str(folder / "images" / f"{n:06d}.jpg"), cv2.resize(small, (352, 264)))
        (folder / "labels" / f"{n:06d}.txt").write_text("face 0 0 0 9 9 60 60 0 0 0 0 0 0 0\n")
    return folder


def seconds(items: Sequence[kitti.Item], order: Sequence[int], decode: bool) -> float:
    began = time.perf_counter()
    for n in order:
        item = items[n]
        if decode:
            _ = kitti.read_frame(item, {"face": "face"}, ("face",)).rgb
        else:
            item.label_data()
            item.picture_data()
    return time.perf_counter() - began


def resident_mb() -> tuple[float, float]:
    """Resident memory of this process: its own, and mapped files, which processes share."""
    stated = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    own, *mapped = (int(stated[key].split()[0]) / 1024 for key in ("RssAnon", "RssFile", "RssShmem"))
    return own, sum(mapped)


def large(folder: Path) -> None:
    """Look at 20,000 of `MANY` pictures in a pass's order, over rows that hold nothing."""
    from faceir.train.loader import Mixture

    with (folder / shards.ROWS).open("wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(shards.ROW), "fortran_order": False, "shape": (MANY,)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + MANY * shards.ROW.itemsize)
    (folder / shards.INDEX).write_text(
        f'{{"format": 1, "pictures": {MANY}, "groups": [], "shards": [{{"name": "a.tar", "pictures": {MANY}}}]}}'
    )
    before = resident_mb()
    found, order = shards.Shards(folder), Mixture().order(MANY, 0, 0)
    began = time.perf_counter()
    for place in range(20_000):
        _ = found.rows[order[place]].item()
    each = (time.perf_counter() - began) / 20_000
    own, mapped = (after - was for after, was in zip(resident_mb(), before, strict=True))
    print(f"10^7 pictures: {own:.1f} MB of the process's own, {mapped:.0f} MB mapped and shared (of 320 MB)")
    print(f"               {1e6 * each:.0f} us to find a picture's place in the pass and its row")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        folder = given.dataset or pictures(top / "plain", given.pictures)
        items = list(islice(kitti.walk(folder), given.pictures))
        began = time.perf_counter()
        made = pack(items, folder, top / "shards", Limit(1000))
        rate = made.pictures / (time.perf_counter() - began)
        print(f"packed {made.pictures} pictures into {made.shards} shards, {rate:.0f} a second")
        packed = shards.find(top / "shards")
        order = np.random.default_rng(0).permutation(min(len(items), len(packed))).tolist()
        for decode in (False, True):
            ratios = [seconds(items, order, decode) / seconds(packed, order, decode) for _ in range(given.rounds)]
            what = "decoded" if decode else "bytes alone"
            print(f"{what}: shards {np.median(ratios):.2f} x the speed of files ({min(ratios):.2f}..{max(ratios):.2f})")
        (top / "large").mkdir()
        large(top / "large")


if __name__ == "__main__":
    main()
