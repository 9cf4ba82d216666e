"""Rules of pruning against each other: loss and average precision of nets that were cut and not trained again.

python benchmarks/bench_prune_rules.py models/half_v0.safetensors specs/train_ir_pruned.txt ../shared/data \
    --sources ir_val_driver,ir_val_room --others 100 --shares 0.28,0.15
"""

from __future__ import annotations

import argparse

import numpy as np
import torch

from faceir import spec as specs
from faceir.data import kitti
from faceir.data.guidelines import Rules
from faceir.evaluate import LEAST_SCORE, evaluate, judge
from faceir.train import checkpoint, setup
from faceir.train import prune as pruning
from faceir.train.detector import TorchDetector

RULES = "l2:max,l2:L2,l2:energy,l2:rank,bn:none,bn:energy,taylor:none,taylor:max,taylor:energy"
SEED = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("spec", help="whose training data importance and statistics are taken from")
    parser.add_argument("dataset", help="a folder with a manifest.csv")
    parser.add_argument("--sources", default="", help="sets that are judged whole, each apart")
    parser.add_argument("--others", type=int, default=100, help="pictures of the split `val` outside of `ir_*`")
    parser.add_argument("--shares", default="0.28,0.15", help="of the multiply-accumulates")
    parser.add_argument("--rules", default=RULES, help="importance:scale,...; default all")
    parser.add_argument("--restate", action="store_true", help="show each also with BN's statistics taken anew")
    parser.add_argument("--batches", type=int, default=20)
    a = parser.parse_args()
    torch.set_num_threads(1)
    loaded = checkpoint.load(a.model)
    spec = specs.load(a.spec, ["training_config.precision=FP32", "model_config.pretrained_model_file="])
    training = setup.make_training(spec, setup.find_data(spec), torch.device("cpu"))
    steps = np.linspace(0, training.samples.total_steps - 1, 2 * a.batches).astype(int)
    batches = [training.samples[int(step)] for step in steps]
    for_importance, for_bn = batches[::2], batches[1::2]
    by_data = pruning.taylor(loaded.net, for_importance, pruning.loss_of(training, loaded.net))
    judged = {name: [i for i in kitti.find(a.dataset) if i.source == name] for name in a.sources.split(",") if name}
    rest = [i for i in kitti.find(a.dataset, kitti.Filter("val")) if not i.source.startswith("ir_")]
    picked = np.random.default_rng(SEED).choice(len(rest), min(a.others, len(rest)), replace=False)
    judged["val"] = [rest[n] for n in sorted(picked.tolist())]

    def scores(net) -> list[float]:
        detector = TorchDetector(net.eval(), loaded.contract.with_threshold(LEAST_SCORE))
        aps = []
        for name, items in judged.items():
            rules = Rules(min_height=32 if name == "val" else 16)
            found = evaluate(judge(items, detector, loaded.contract.fit, rules), rounds=0)
            aps.append(100 * (found.ap.value or 0.0))
        return aps

    loss = pruning.loss_of(training, loaded.net)

    def row(net) -> str:
        net.eval()
        with torch.no_grad():
            values = [float(loss(*net.logits(b.pictures.float() / 255), b.targets)) for b in for_bn[:8]]
        return f"{np.mean(values):>9.4f}" + "".join(f"{ap:>14.1f}" for ap in scores(net))

    size_wh = loaded.contract.fit.size_wh
    print(f"{'rule':<26}{'params %':>9}{'MACs %':>8}{'4b':>10}{'loss':>9}" + "".join(f"{name:>14}" for name in judged))
    print(f"{'whole':<26}{100:>9.1f}{100:>8.1f}{'':>10}{row(loaded.net)}", flush=True)
    for share in map(float, a.shares.split(",")):
        for importance, scale in (rule.split(":") for rule in a.rules.split(",")):
            plan = pruning.plan_for(
                loaded.net, size_wh, keep_macs=share, importance=importance, scale=scale,
                by_data=by_data if importance == "taylor" else None,
            )  # fmt: skip
            net = pruning.apply(loaded.net, plan)
            params, macs = pruning.shares(plan, size_wh)
            last = "/".join(map(str, plan.after.units[-1]))
            stated = f"{100 * params:>9.1f}{100 * macs:>8.1f}{last:>10}"
            print(f"{f'{importance} {scale}':<26}{stated}{row(net)}", flush=True)
            if a.restate:
                pruning.restate(net, for_bn)
                print(f"{f'{importance} {scale}, BN restated':<26}{stated}{row(net)}", flush=True)


if __name__ == "__main__":
    main()
