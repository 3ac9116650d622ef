#!/usr/bin/env bash
# Measures benchmarks/results on this machine, but for loads of servers and clusters and for counted
# instructions, and writes the tables anew:
#
#     benchmarks/repeat/results.sh DATA WEIGHTS NAME [REMARKS]
#
# DATA: folder with photos, paris, masks, film, polyu, rice1/test, rice2/test. WEIGHTS: SpA-GAN's
# released weights, spagan_rice1.pth and spagan_rice2.pth, and FFDNet's, ffdnet_color.npz. NAME: the
# machine's, for the files' names. On an idle machine; files that are complete are kept, so delete
# what is to be measured again. The largest scan takes 6 GB of memory.
set -euo pipefail
data=$1 weights=$2 name=$3 remarks=${4:-}
cd "$(dirname "$0")/../.."
bin=.venv/bin results=benchmarks/results work=build/repeat
mkdir -p "$work"

missing() { # FILE: whether it is not there, or not complete
  [[ ! -e $1 ]] || grep -q '"complete": false' "$1"
}
bench() { # COMMAND FILE OPTIONS...
  local command=$1 file=$2
  shift 2
  if missing "$file"; then
    "$bin/inpaint-bench" "$command" --remarks "$remarks" "$@" -o "$file"
  fi
}

for number in 1 2; do
  file=$work/spa-gan-$number.onnx
  [[ -e $file ]] || "$bin/python" -m inpaint_export.survey.comparators.spagan_onnx \
    "$weights/spagan_rice$number.pth" "$file"
done
kodak=(--models photo --precisions fp32,int8 --peers opencv-telea,opencv-ns --holes 10-20,30-40
  --pictures "$data/photos/kodak24" --masks "$data/masks" --threads 2)
bench run "$results/run-kodak24-$name.json" "${kodak[@]}" --sizes own
# Small and thin damage, in the precisions that users get.
small=(--models photo --precisions fp32,int8 --peers opencv-telea,opencv-ns
  --pictures "$data/photos/kodak24" --threads 2)
bench run "$results/run-kodak24-small-$name.json" "${small[@]}" --holes 1-5,5-10 \
  --masks "$data/masks" --sizes own
bench quality "$results/quality-kodak24-small.json" "${small[@]}" --holes 1-5,5-10 \
  --masks "$data/masks"
for pixels in 2 4 8; do
  lines=$work/lines-of-$pixels-px
  "$bin/python" -m inpaint_eval.lines "$lines" --width "$pixels"
  bench run "$results/run-kodak24-lines-$pixels-$name.json" "${small[@]}" --holes 0-20 \
    --masks "$lines" --sizes own
  bench quality "$results/quality-kodak24-lines-$pixels.json" "${small[@]}" --holes 0-20 \
    --masks "$lines"
done
bench run "$results/run-clouds-$name.json" --models cloud-thin,cloud-thick --peers "" \
  --onnx "spa-gan=$work/spa-gan-1.onnx" --scopes network --sizes 256 --holes 10-20 --threads 2
bench quality "$results/quality-kodak24.json" "${kodak[@]}" --gallery "$work/gallery"
bench quality "$results/quality-rice1.json" --models cloud-thin --pairs "$data/rice1/test" \
  --onnx "spa-gan=$work/spa-gan-1.onnx"
bench quality "$results/quality-rice2.json" --models cloud-thick --pairs "$data/rice2/test" \
  --onnx "spa-gan=$work/spa-gan-2.onnx"
codebook=export/warm_starts/photo-codebook.onnx # not bundled
for set in kodak24 paris; do
  [[ $set == paris ]] && pictures=$data/paris || pictures=$data/photos/$set
  large=(--models $codebook,photo-staged,photo --peers "" --pictures "$pictures")
  bench quality "$results/quality-$set-wide.json" "${large[@]}" --masks "$data/masks" --holes 40-60
  bench quality "$results/quality-$set-centre.json" "${large[@]}" --kinds centre --holes 20-30
done
if missing "$results/noise-clean.json"; then
  "$bin/inpaint-export" eval sdk/inpaint_sdk/models/clean.onnx --data "$data" --noise \
    --weights "$weights" -o "$results/noise-clean.json"
fi
if missing "$results/reading-text-line.json"; then
  "$bin/inpaint-export" eval sdk/inpaint_sdk/models/text-line.onnx --data "$data" \
    -o "$results/reading-text-line.json"
fi
if missing "$results/damage-film.json"; then
  "$bin/inpaint-export" eval sdk/inpaint_sdk/models/damage.onnx --data "$data" \
    --film -o "$results/damage-film.json"
fi
if missing "$results/restoration-film.json"; then
  "$bin/inpaint-export" eval sdk/inpaint_sdk/models/film.onnx --data "$data" \
    --film -o "$results/restoration-film.json"
fi
bench kernels "$results/kernels-$name.json" --threads 2
models=photo,$codebook,photo-staged,cloud-thin,cloud-thick,clean,damage,film
bench roofline "$results/roofline.json" --models $models --sizes 256,512 \
  --devices orin-nano,orin-nano-super,agx-orin,thor
bench sdk "$results/sdk-$name.json"
mapfile -t filled < <(grep -l "<!-- inpaint-bench: " README.md benchmarks/README.md docs/*.md docs/models/*.md)
"$bin/inpaint-bench" tables "${filled[@]}"
