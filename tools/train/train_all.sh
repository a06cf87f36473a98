#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Trains the four bundled models on one GPU, in about nine minutes on an H200:  train_all.sh DATA OUT
# DATA holds glue/, squad/ and text/ (corpora.py names the files). Logs lie beside the models.
set -eu
data=$1 out=$2 here=$(dirname "$0")
mkdir -p "$out"
export OMP_NUM_THREADS=2 PYTHONUNBUFFERED=1

train() {  # train NAME SCRIPT OPTIONS...: writes OUT/NAME and OUT/NAME.log
    name=$1 script=$2
    shift 2
    python3 "$here/$script" --device cuda --out "$out/$name" "$@" > "$out/$name.log" 2>&1
}

wait_for() {  # wait_for PID...: ends the script when one of them failed
    for pid in "$@"; do wait "$pid" || { echo "a training failed; see the logs in $out" >&2; exit 1; }; done
}

(
    for seed in 1 2 3 4; do
        train "stories-teacher$seed" train_stories.py --text "$data/text/tinystories.txt" --seed $seed --hidden 512 \
            --tokens 2e7 --batch-tokens 8192 --dropout 0.2 --weight-decay 0.2 &
        jobs="${jobs-} $!"
    done
    wait_for $jobs
    train stories-small train_stories.py --text "$data/text/tinystories.txt" --tokens 3.6e7 --dropout 0.05 \
        --teachers "$out"/stories-teacher[1-4]
) &
stories=$!
(
    train fill-small train_encoder.py --data "$data" --steps 5500
    train answer-small train_answer.py --data "$data" --start "$out/fill-small" &
    answer=$!
    train sst2-small train_sst2.py --data "$data" --start "$out/fill-small" &
    wait_for $answer $!
) &
wait_for $stories $!
tail -n 3 "$out"/*.log
