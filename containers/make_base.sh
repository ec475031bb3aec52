#!/usr/bin/env bash
# Make a base image for Dockerfile where no image registry can be reached: Debian by debootstrap,
# with Debian's Python. Needs root, podman, debootstrap and a Debian mirror; takes some minutes.
#   containers/make_base.sh [NAME]     SUITE=bookworm MIRROR=http://deb.debian.org/debian
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
name=${1:-localhost/python-slim:bookworm}
suite=${SUITE:-bookworm}
mirror=${MIRROR:-http://deb.debian.org/debian}
export CONTAINERS_CONF=${CONTAINERS_CONF:-$here/podman.conf}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
if ! debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv \
  "$suite" "$root" "$mirror" >"$work/log" 2>&1; then
  tail -n 20 "$work/log" >&2
  exit 1
fi
cat >"$root/etc/apt/sources.list" <<X
deb $mirror $suite main
deb $mirror $suite-updates main
deb ${mirror%/debian}/debian-security $suite-security main
X
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/tmp/* \
  "$root"/usr/share/{doc,info,locale,man}/*
: >"$root/etc/hostname"
: >"$root/etc/resolv.conf"
tar -C "$root" -cf - . | podman import --quiet \
  --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
  --change 'ENV LANG=C.UTF-8' --change 'CMD ["python3"]' - "$name"
