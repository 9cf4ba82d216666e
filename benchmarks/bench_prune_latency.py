"""Predicted times of nets (the sum over their layers) against measured ones, in OpenVINO on this machine.

python benchmarks/bench_prune_latency.py [--precision int8] [--size 384x240] [CHECKPOINT ...]

Widths of the unpruned net at several multipliers, and of the checkpoints. Layers are measured anew, not taken from the
user's table. The spread of the ratio is what `--latency-ms` must correct.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from faceir.train import checkpoint
from faceir.train.model import Architecture
from faceir.train.prune import PRECISIONS, LayerTimes, cost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="*", type=Path)
    parser.add_argument("--precision", choices=PRECISIONS, default="int8")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--size", default="384x240")
    a = parser.parse_args()
    width, height = (int(side) for side in a.size.split("x"))
    nets = {f"width {w}": Architecture.resnet18(width_multiplier=w) for w in (0.125, 0.25, 0.375, 0.5)}
    nets |= {path.name: checkpoint.load(path).net.architecture for path in a.checkpoints}
    with tempfile.TemporaryDirectory() as folder:
        times = LayerTimes((width, height), a.precision, a.threads, Path(folder))
        print(f"{a.precision}, {a.threads} thread(s), {times.machine}")
        print(f"{'net':<26}{'MMAC':>8}{'predicted ms':>14}{'measured ms':>13}{'measured/predicted':>20}")
        for name, net in nets.items():
            predicted, measured = times.net_ms(net), times.measured_ms(net)
            macs = cost(net, (width, height)).macs / 1e6
            print(f"{name:<26}{macs:>8.0f}{predicted:>14.3f}{measured:>13.3f}{measured / predicted:>20.2f}", flush=True)


if __name__ == "__main__":
    main()
