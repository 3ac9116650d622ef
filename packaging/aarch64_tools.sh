#!/usr/bin/env bash
# Installs what the aarch64 tests need of Debian, where it may: the cross-compiler, the emulators,
# debootstrap. What could not be installed, the tests themselves miss and say so.
set -euo pipefail

declare -A packages=(
  [aarch64-linux-gnu-g++]=g++-aarch64-linux-gnu
  [qemu-aarch64]=qemu-user
  [qemu-aarch64-static]=qemu-user-static
  [debootstrap]=debootstrap
)
missing=()
for tool in "${!packages[@]}"; do
  command -v "$tool" >/dev/null || missing+=("${packages[$tool]}")
done
((${#missing[@]})) || exit 0
if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
  echo "not installed, for want of root or apt-get: ${missing[*]}" >&2
  exit 0
fi
echo "installing ${missing[*]}"
{ apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install \
  --no-install-recommends "${missing[@]}" >/dev/null; } || echo "they could not be installed" >&2
