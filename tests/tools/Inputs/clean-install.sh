#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: clean-install.sh PACKAGE
#
# Installs a Debian package with apt in a fresh system of this distribution (a
# folder that goes away again), and runs the demo there as a user who is nobody
# special.
set -eu
package=$(realpath "$1")
. /etc/os-release
root=$(mktemp -d)
trap 'umount "$root/proc" 2>/dev/null || true; rm -rf --one-file-system "$root"' EXIT
# The archives of this machine, as apt knows them here.
mmdebstrap --quiet --mode=root --variant=apt \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --include=ca-certificates "$VERSION_CODENAME" "$root" \
  $(ls /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true)
[ ! -d /etc/apt/apt.conf.d ] || cp -rn /etc/apt/apt.conf.d "$root/etc/apt/"
cp /etc/resolv.conf /etc/hosts "$root/etc/"
mount -t proc proc "$root/proc"
cp "$package" "$root/tmp/"
in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp \
  DEBIAN_FRONTEND=noninteractive "$@"; }
in_root sh -c "apt-get -qq update &&
  apt-get -qq install -y '/tmp/$(basename "$package")'" >"$root/tmp/apt.log" 2>&1 || {
  tail -n 20 "$root/tmp/apt.log" >&2
  exit 1
}
in_root fencepost --version
chroot --userspec=nobody "$root" env -i PATH=/usr/bin:/bin HOME=/tmp \
  /usr/share/fencepost/demo/run /tmp/demo
