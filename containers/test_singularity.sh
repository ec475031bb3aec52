#!/usr/bin/env bash
# Check the definition `singularity` without Apptainer: its sections are run in a squashfs of the
# image, under the conditions of Apptainer. Says at the end what that leaves open. Needs root,
# podman and squashfs-tools.
#   containers/test_singularity.sh [IMAGE]     default: what test_image.sh builds
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=containers/checks.sh
. "$here/checks.sh"
export CONTAINERS_CONF=${CONTAINERS_CONF:-$here/podman.conf}
image=${1:-localhost/bids_brainage:test}
recipe=$(dirname "$here")/singularity
uid=12345
# Not in /tmp, since that is bound into the container.
work=$(mktemp -d /var/tmp/singularity.XXXXXX)
trap 'rm -rf "$work"' EXIT
say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*"; }
if ! command -v mksquashfs >/dev/null; then
  say "installing squashfs-tools"
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends squashfs-tools >"$work/apt.log" 2>&1
fi

# section NAME: the lines below %NAME.
section() {
  awk -v name="%$1" '/^%/ { inside = $1 == name; next } inside' "$recipe"
}
parses() { [ -n "$(section "$1")" ] && section "$1" | sh -n; }
header() { sed -n "s/^$1: *//p" "$recipe"; }

say "definition"
version=$(podman image inspect \
  --format '{{index .Config.Labels "org.opencontainers.image.version"}}' "$image")
check "bootstrapped from the image of this version" \
  gives "docker bids/bids_brainage:$version" echo "$(header Bootstrap) $(header From)"
check "sections are the five known ones" \
  gives "%environment %help %labels %runscript %test" \
  echo "$(grep -o '^%[a-z]*' "$recipe" | sort | tr '\n' ' ' | sed 's/ $//')"
for name in environment runscript test; do
  check "%$name is not empty and parses" parses "$name"
done
check "%help tells of --nv" grep -q -- --nv <(section help)
check "label version is that of the image" gives "$version" \
  sed -n 's/^ *Version //p' <(section labels)

say "squashfs of the image"
mkdir "$work"/{root,data,out,home,tmp,pwd}
holder=$(podman create "$image")
podman export "$holder" | tar -xf - -C "$work/root"
podman rm "$holder" >/dev/null
mksquashfs "$work/root" "$work/root.sqfs" -comp zstd -Xcompression-level 3 -no-progress \
  -all-root >"$work/squashfs.log"
rm -rf "$work/root"
say "size, compressed: $(($(stat -c %s "$work/root.sqfs") / 1000000)) MB"
podman run --rm --network=none --user 0:0 -v "$work/data:/data" -v "$here/datasets.py:/datasets.py:ro" \
  --entrypoint /opt/bids_brainage/bin/python "$image" /datasets.py /data
chown -R "$uid:$uid" "$work"/{out,home,tmp,pwd}

# What the image sets, over it the caller's environment, here with what could mislead Python and the
# App, and over both %environment: that is how Apptainer has them win.
mapfile -t image_env < <(podman image inspect --format '{{range .Config.Env}}{{println .}}{{end}}' \
  "$image" | grep '=')
mkdir -p "$work/home/poison"
echo 'raise SystemExit("a module of the caller was imported")' >"$work/home/poison/numpy.py"
for minor in 11 12 13 14; do
  mkdir -p "$work/home/.local/lib/python3.$minor/site-packages"
  cp "$work/home/poison/numpy.py" "$work/home/.local/lib/python3.$minor/site-packages/"
done
chown -R "$uid:$uid" "$work/home"
home_mode=
# contained SECTION ARGUMENT…: run a section, or with - a command, as Apptainer would.
contained() {
  local body='exec "$@"' name=$1
  if [ "$name" != - ]; then body=$(section "$name"); fi
  (
    cd "$work/pwd"
    env "${image_env[@]}" PYTHONPATH=/home/somebody/poison PYTHONHOME=/nowhere \
      TEMPLATEFLOW_HOME=/home/somebody/none HOME=/home/somebody USER=somebody TMPDIR= \
      "$here/sif_like.sh" "$work/root.sqfs" "$uid" \
      "$work/home:/home/somebody$home_mode $work/tmp:/tmp $work/pwd:$work/pwd $work/data:/data:ro $work/out:/out" \
      -- /bin/sh -c "$(section environment)
$body" "$name" "${@:2}"
  )
}
listing() { (cd "$work/home" && find . | sort); }
before=$(listing)

say "as Apptainer runs it"
check "%test" contained test
check "%runscript --version" gives "bids_brainage $version" contained runscript --version
check "%runscript hands the exit code on" exits 2 contained runscript --no-such-option
check "bids_brainage is found by exec" gives "bids_brainage $version" \
  contained - bids_brainage --version
check "root cannot be written" fails contained - touch /opt/written
check "participant 01" contained runscript /data/cross /out/first participant \
  --participant-label 01
check "group" contained runscript /data/cross /out/first group
check "nothing is written to HOME" gives "$before" listing
check "only matplotlib's cache is left in /tmp" gives "matplotlib-$uid" ls -A "$work/tmp"
home_mode=:ro
check "participant 01, HOME read-only" contained runscript /data/cross /out/second participant \
  --participant-label 01
mkdir -m 777 "$work/out/podman"
check "participant 01 by podman" podman run --rm --read-only --network=none --user "$uid:$uid" \
  -v "$work/data/cross:/data:ro" -v "$work/out/podman:/out" "$image" /data /out participant \
  --participant-label 01
table=sub-01/sub-01_desc-brainage_predictions.tsv
check "predictions are those of podman, byte for byte" \
  cmp "$work/out/first/$table" "$work/out/podman/$table"

cat <<'X'
not done here, for want of Apptainer: building a SIF from the definition, its own parsing of the
definition, the order in which it sets the environment (taken from its documentation), --cleanenv,
--nv and a GPU, user namespaces, and the image of the registry that From: names.
X
conclude
