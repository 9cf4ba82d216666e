#!/usr/bin/env bash
# The whole life of a model in three minutes: the released pruned net goes on learning on a few made-up night scenes, and
# is judged, pruned further, retrained, quantised, exported, timed and described. It proves the way, not the model.
#   runs/smoke.sh [OUT]
set -euo pipefail
out=$(realpath -m "${1:-$(mktemp -d)}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
faceir=${FACEIR:-$(command -v faceir || echo .venv/bin/faceir)}
gently='augmentation_config.face_crops.until_progress=0
training_config.num_workers=0
training_config.batch_size_per_gpu=4
training_config.num_epochs=1
training_config.learning_rate.soft_start_annealing_schedule.max_learning_rate=2e-5
training_config.learning_rate.soft_start_annealing_schedule.min_learning_rate=1e-6'

[[ -d $out/data ]] || "$faceir" dataset make -o "$out/data" -n 40
export FACEIR=$faceir KEEP_MACS=0.9 STRESS=none MAX_DROP=${MAX_DROP:-10}
export TRAIN_SET="$gently
model_config.pretrained_model_file=models/pruned_v1.safetensors
model_config.load_graph=true"
export RETRAIN_SET=$gently
exec runs/whole_life.sh "$out/data" "$out"
