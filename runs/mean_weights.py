"""The mean of two checkpoints of one net, the second trained on from the first: often better than both.

    python runs/mean_weights.py FIRST.safetensors SECOND.safetensors -o MEAN.safetensors [--share 0.5]

The nets must have the same widths; all numbers, BN statistics too, are averaged, `--share` being the second's weight.
Spec, data and contract are the second's. After Wortsman et al., Model soups, 2022, and Izmailov et al., SWA, 2018.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from faceir.errors import FaceirError, ModelError
from faceir.train import checkpoint


def mean(first: Path, second: Path, share: float, output: Path) -> None:
    """Write `(1 - share) * first + share * second` to `output`; raises `ModelError` for nets of different widths."""
    one, two = checkpoint.load(first), checkpoint.load(second)
    if one.net.architecture != two.net.architecture:
        raise ModelError(second, "has other widths than the first", str(one.net.architecture))
    before = one.net.state_dict()
    two.net.load_state_dict(
        {
            name: value.lerp(before[name], 1 - share) if value.is_floating_point() else value
            for name, value in two.net.state_dict().items()
        }
    )
    checkpoint.save(output, replace(two, scores={}))  # those were the second net's


def main() -> None:
    """Read the arguments and write the mean."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.5, help="weight of the second, 0..1")
    args = parser.parse_args()
    try:
        mean(args.first, args.second, args.share, args.output)
    except FaceirError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
