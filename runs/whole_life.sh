#!/usr/bin/env bash
# The whole life of a model, from labelled pictures to a model card:
#   train (regularised) -> evaluate -> prune -> retrain (taught by the unpruned net) -> INT8 -> evaluate -> bench -> card
#
#   runs/whole_life.sh DATASET OUT
#
# Call it again after a crash, a power cut or Ctrl-C: what is finished is not done again, a training goes on where it was.
# DATASET holds images/ and labels/ (KITTI), or folders of such, and a manifest.csv with the splits train and val.
# Change it by environment variables:
#   SPEC, RETRAIN_SPEC    experiment specs, as shipped in specs/
#   TRAIN_SET, RETRAIN_SET  more changes to them, one FIELD=VALUE a line
#   KEEP_MACS             share of the multiply-accumulates that pruning leaves   (0.28)
#   MAX_DROP              points of accuracy that INT8 may cost before it is trained quantisation-aware   (0.5)
#   SOURCES               sources.toml with the origin and terms of the pictures, for the card   (DATASET's, if any)
#   STRESS                camera faults to evaluate under: all, none, or one that evaluate knows   (all)
#   FACEIR                the command   (faceir, else the one in .venv)
set -euo pipefail

if [[ $# -ne 2 ]]; then
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
data=$(realpath "$1") out=$(realpath -m "$2")  # where the caller stands, before the next line
cd "$(dirname "${BASH_SOURCE[0]}")/.."
spec=${SPEC:-specs/train_ir_half.txt}
retrain_spec=${RETRAIN_SPEC:-specs/train_ir_pruned.txt}
keep_macs=${KEEP_MACS:-0.28}
max_drop=${MAX_DROP:-0.5}
stress=${STRESS:-all}
sources=${SOURCES:-$data/sources.toml}
faceir=${FACEIR:-$(command -v faceir || echo .venv/bin/faceir)}
mkdir -p "$out"

# step RESULT WORDS COMMAND...: does it unless RESULT, which every command writes whole or not at all, is there.
step() {
    local result=$1 words=$2
    shift 2
    if [[ -e $result ]]; then
        echo "== $words: done before, $result"
        return
    fi
    echo "== $words"
    "$@"
    [[ -e $result ]] || { echo "error: $words ended without writing $result" >&2; exit 1; }
}

# changes LINES: `--set FIELD=VALUE` for each line, into the array `set_args`.
changes() {
    set_args=(--set "dataset_config.data_sources.0.image_directory_path=$data"
              --set "dataset_config.validation_data_source.image_directory_path=$data")
    local line
    while IFS= read -r line; do
        [[ -z $line ]] || set_args+=(--set "$line")
    done <<< "$1"
}

judge() { # judge MODEL NAME
    local faults=(--stress "$stress")
    [[ $stress != none ]] || faults=()
    step "$out/$2.json" "evaluate $2" \
        "$faceir" evaluate -m "$1" -d "$data" --split val "${faults[@]}" --json "$out/$2.json" --report "$out/$2.html"
}

unpruned=$out/unpruned/weights/unpruned.safetensors
changes "${TRAIN_SET:-}"
step "$unpruned" "train" "$faceir" train -e "$spec" -r "$out/unpruned" -n unpruned "${set_args[@]}"
judge "$unpruned" unpruned

cut=$out/cut.safetensors
step "$cut" "prune to $keep_macs of the multiply-accumulates" \
    "$faceir" prune -m "$unpruned" -o "$cut" --keep-macs "$keep_macs" --importance taylor -e "$out/unpruned/experiment_spec.txt" \
    -nf 16 --plan "$out/plan.json" --picture "$out/plan.png"

pruned=$out/pruned/weights/pruned.safetensors
changes "model_config.pretrained_model_file=$cut
model_config.load_graph=true
training_config.distillation.teacher_model_file=$unpruned
${RETRAIN_SET:-}"
step "$pruned" "retrain" "$faceir" train -e "$retrain_spec" -r "$out/pruned" -n pruned "${set_args[@]}"
judge "$pruned" pruned

int8=$out/pruned_int8.onnx qat=$out/qat/weights/qat.safetensors
calibrate() { # calibrate CHECKPOINT: gated, so that it writes nothing when INT8 costs too much
    "$faceir" calibrate -m "$1" -o "$int8" --cal-image-dir "$data" --cal-cache-file "$out/calibration.txt" \
        -d "$data" --split val --max-drop "$max_drop"
}
quantise() {
    local code=0
    if [[ ! -e $qat ]]; then
        calibrate "$pruned" || code=$?
        [[ $code -ne 0 ]] || return 0
        echo "== INT8 costs more than $max_drop points (or failed): training quantisation-aware"
        changes "model_config.pretrained_model_file=$pruned
model_config.load_graph=true
training_config.distillation.teacher_model_file=$unpruned
training_config.enable_qat=true
training_config.precision=FP32
training_config.num_epochs=1
${RETRAIN_SET:-}"
        step "$qat" "retrain, quantisation-aware" \
            "$faceir" train -e "$retrain_spec" -r "$out/qat" -n qat "${set_args[@]}"
    fi
    calibrate "$qat"
}
step "$int8" "INT8" quantise
judge "$int8" pruned_int8

rivals=(-m "$int8")
if [[ -e $qat ]]; then
    echo "== no fast graph: export would calibrate anew, and the gate asked for the ranges that training learnt"
else
    fused=$out/pruned_int8_fused.onnx
    step "$fused" "the fast graph for faceir's own runtime" \
        "$faceir" export -m "$pruned" -o "$fused" --data-type int8 --cal-image-dir "$data" --fused
    rivals=(-m "$fused" --vs "$int8")
fi
step "$out/deepstream/config_infer_primary_faceir.txt" "files for DeepStream" \
    "$faceir" export -m "$pruned" -o "$out/deepstream/pruned.onnx" --gen-ds-config
step "$out/bench.json" "bench" \
    "$faceir" bench "${rivals[@]}" --json "$out/bench.json"

card=("$faceir" card -m "$int8" -m "$unpruned" -e "$out/pruned_int8.json" -e "$out/unpruned.json" -o "$out/MODEL_CARD.md")
[[ ! -e $sources ]] || card+=(--sources "$sources")
step "$out/MODEL_CARD.md" "model card" "${card[@]}"
echo "== all done: $out"
