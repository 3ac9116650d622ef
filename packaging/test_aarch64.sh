#!/usr/bin/env bash
# Installs the aarch64 wheel into a Debian for arm64 under emulation, and compares what it computes
# there with what it computes here:
#
#     packaging/test_aarch64.sh [WHEEL]     without one, the wheel is built
#
# The system, some 1.3 GB, stays in build/debian-arm64. Needs root, for chroot and for registering
# the emulator, and what aarch64_tools.sh installs; says what is missing where it cannot run.
# Emulation says nothing about speed.
set -euo pipefail
wheel=${1:+$(realpath "$1")}
cd "$(dirname "$0")/.."
system=$PWD/build/debian-arm64 work=$PWD/build/aarch64-sdk bin=$PWD/.venv/bin
python=3.11 # Debian 12's

skip() {
  echo "the SDK's aarch64 test is skipped: $1"
  exit 0
}
[[ $(id -u) == 0 ]] || skip "it needs root"
for tool in debootstrap qemu-aarch64-static; do
  command -v $tool >/dev/null || skip "there is no $tool"
done

# The kernel has to know the emulator, and to keep it open (F), since it is not within the system.
formats=/proc/sys/fs/binfmt_misc
[[ -e $formats/register ]] || mount -t binfmt_misc binfmt_misc $formats || skip "no $formats"
if [[ ! -e $formats/qemu-aarch64 ]]; then
  header='\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
  mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
  echo ":qemu-aarch64:M::$header:$mask:$(command -v qemu-aarch64-static):F" >$formats/register
fi

if [[ ! -e $system/complete ]]; then
  rm -rf "$system"
  packages=python3,python3-venv,python3-gi,python3-gst-1.0,gir1.2-gst-plugins-base-1.0
  packages+=,gstreamer1.0-tools,gstreamer1.0-plugins-base,gstreamer1.0-python3-plugin-loader
  debootstrap --arch=arm64 --variant=minbase --include=$packages bookworm "$system" >&2
  touch "$system/complete"
fi

rm -rf "$work" "$system/check"
mkdir -p "$work" "$system/check/wheels"
if [[ -z $wheel ]]; then
  packaging/wheels.sh "$work/dist" aarch64
  wheel=$(ls "$work"/dist/*.whl)
fi
cp "$wheel" packaging/aarch64_check.py "$system/check"
cp --parents README.md packaging/readme_check.py examples/images/chelsea{,_mask}.png "$system/check"
# What the wheel needs, for aarch64. pyvips comes as source, and is pure Python without libvips.
constraints=packaging/constraints/$python-newest.txt
"$bin/pip" wheel --quiet --no-deps --no-cache-dir --constraint "$constraints" \
  --wheel-dir "$system/check/wheels" pyvips
platforms=()
for glibc in 36 34 31 28 27 24 17; do platforms+=(--platform manylinux_2_${glibc}_aarch64); done
"$bin/pip" download --quiet --only-binary :all: --python-version $python "${platforms[@]}" \
  --platform manylinux2014_aarch64 --implementation cp --find-links "$system/check/wheels" \
  --constraint "$constraints" --dest "$system/check/wheels" "$wheel[video]"

within() { chroot "$system" /usr/bin/env -i PATH=/check/venv/bin:/usr/bin:/bin HOME=/root "$@"; }
within python3 -m venv --system-site-packages /check/venv # GStreamer's Python is Debian's
within pip install --quiet --no-index --find-links /check/wheels "/check/${wheel##*/}[video]"

"$bin/python" packaging/aarch64_check.py write "$work/here.npz"
within python /check/aarch64_check.py write /check/there.npz
"$bin/python" packaging/aarch64_check.py compare "$work/here.npz" "$system/check/there.npz"

within sh -euc '
  cd /check
  inpaint-sdk --version
  python packaging/readme_check.py
  python aarch64_check.py pictures scans
  inpaint-sdk restore scans --mask mask.png -o restored
  ls restored/*.png
  eval "$(inpaint-sdk gstreamer)"
  gst-launch-1.0 -q videotestsrc num-buffers=3 ! video/x-raw,width=64,height=48 ! videoconvert ! \
    inpaintrestore model=photo mask=/check/mask.png ! videoconvert ! filesink location=frames
  test -s frames
'
echo "the SDK on aarch64: all as here"
