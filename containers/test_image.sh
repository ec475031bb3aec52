#!/usr/bin/env bash
# Build the image from nothing and run the acceptance sequence of BIDS Apps in it, beside the same
# runs outside of it. Needs root, Python 3.11 or newer, Debian's mirror and a Python package
# registry; an image registry is used where there is one. Settings are variables:
#   BASE_IMAGE      base to build on (default: the one of Dockerfile, else made by make_base.sh)
#   TORCH_INDEX     as in Dockerfile; empty: torch as pip finds it here
#   TEMPLATES       a TemplateFlow home whose files go into the image (default: none)
#   NAME            what the image is called (default: localhost/bids_brainage:test)
#   IMAGE           test this image, build none
#   VENV            environment with the package to compare with (default: one is made)
#   PYTHON          Python it is made with (default: python3)
#   KEEP            folder for all that is made (default: one that is removed)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tree=$(dirname "$here")
# shellcheck source=containers/checks.sh
. "$here/checks.sh"
export CONTAINERS_CONF=${CONTAINERS_CONF:-$here/podman.conf}
uid=12345
# From derivatives only the order of sums can differ. Raw images are registered and segmented, which
# makes more of the last digits that another CPU or C library rounds otherwise: the tolerance is
# a little less than twice what one voxel more by 1 comes to, which is measured as well.
years=0.01
raw_years=0.25
if [ -n "${KEEP:-}" ]; then
  work=$KEEP
  mkdir -p "$work"
else
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*"; }

# ---- tools, base, image
missing=()
for tool in podman runc debootstrap; do
  command -v "$tool" >/dev/null || missing+=("$tool")
done
if [ ${#missing[@]} -gt 0 ]; then
  say "installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" buildah >"$work/apt.log" 2>&1
fi
if [ -z "${IMAGE:-}" ]; then
  if [ -z "${BASE_IMAGE:-}" ]; then
    BASE_IMAGE=$(sed -n 's/^ARG BASE_IMAGE=//p' "$tree/Dockerfile")
    if ! timeout 300 podman pull --quiet "$BASE_IMAGE" >"$work/pull.log" 2>&1; then
      BASE_IMAGE=localhost/python-slim:bookworm
      if ! podman image exists "$BASE_IMAGE"; then
        say "no image registry: making a base by debootstrap"
        "$here/make_base.sh" "$BASE_IMAGE" >/dev/null
      fi
    fi
  fi
  # The tree at this moment, with templates beside an empty placeholder as TemplateFlow has them.
  context=$work/context
  rm -rf "$context"
  mkdir "$context"
  cp -r "$tree"/{Dockerfile,.dockerignore,pyproject.toml,constraints.txt,README.md,LICENSE} \
    "$tree"/{bids_brainage,containers} "$context"
  if [ -n "${TEMPLATES:-}" ]; then cp -r "$TEMPLATES"/tpl-* "$context/containers/templateflow"; fi
  chmod -R u+w "$context"
  mkdir "$context/containers/templateflow/tpl-Placeholder"
  : >"$context/containers/templateflow/tpl-Placeholder/tpl-Placeholder_res-01_T1w.nii.gz"
  # shellcheck source=containers/package_access.sh
  . "$here/package_access.sh" "$work"
  if [ -n "${TORCH_INDEX+set}" ]; then BUILD_FLAGS+=(--build-arg "TORCH_INDEX=$TORCH_INDEX"); fi
  IMAGE=${NAME:-localhost/bids_brainage:test}
  say "building on $BASE_IMAGE"
  if ! podman build --layers --pull-never "${BUILD_FLAGS[@]}" --build-arg "BASE_IMAGE=$BASE_IMAGE" \
    -t "$IMAGE" "$context" >"$work/build.log" 2>&1; then
    tail -n 30 "$work/build.log"
    exit 1
  fi
  grep -h '^brain templates:' "$work/build.log" || true
fi

# ---- the same package outside of the image, and datasets
if [ -z "${VENV:-}" ]; then
  say "installing the package beside the image"
  VENV=$work/venv
  "${PYTHON:-python3}" -m venv "$VENV"
  index=${TORCH_INDEX-$(sed -n 's/^ARG TORCH_INDEX=//p' "$tree/Dockerfile")}
  constraints=$tree/constraints.txt
  "$VENV/bin/python" -m pip install -qq -c "$constraints" \
    ${index:+--extra-index-url "$index"} torch
  "$VENV/bin/python" -m pip install -qq -c "$constraints" "${context:-$tree}"
fi
native=$VENV/bin/bids_brainage
version=$("$VENV/bin/python" -c 'import bids_brainage; print(bids_brainage.__version__)')
say "writing datasets"
rm -rf "$work/data" "$work/out" "$work/templates"
"$VENV/bin/python" "$here/datasets.py" "$work/data"
# Outside of the image the same brain templates: those that the image has.
holder=$(podman create "$IMAGE")
podman cp "$holder:/opt/templateflow" "$work/templates"
podman rm "$holder" >/dev/null
export TEMPLATEFLOW_HOME=$work/templates
# Modes and times too: the App may change neither.
state() { (cd "$work/data" && find . -printf '%p %m %s %T@\n' | sort && find . -type f -print0 \
  | sort -z | xargs -0 sha256sum); }
digest() { state | sha256sum; }
before=$(digest)

# ---- how the App is run
# cage: any user id without an entry, nothing writable but /tmp and OUTPUT_DIR, no network.
cage() {
  podman run --rm --read-only --read-only-tmpfs=false --tmpfs /tmp:rw,mode=1777 --network=none \
    --user "$uid:$uid" --passwd=false "$@"
}
# app NAME DATASET ARGUMENT…: in the image, with an OUTPUT_DIR that belongs to the user id.
app() {
  local out=$work/out/$1 data=$work/data/$2
  shift 2
  install -d -o "$uid" -g "$uid" "$out"
  cage -v "$data:/data:ro" -v "$out:/out:rw" "$IMAGE" /data /out "$@"
}
# same NAME DATASET ARGUMENT…: outside of it.
same() {
  local out=$work/out/$1-native data=$work/data/$2
  shift 2
  "$native" "$data" "$out" "$@"
}
both() {
  local title=$1
  shift
  check "$title, in the image" app "$@"
  check "$title, outside of it" same "$@"
}
inside() { cage --entrypoint "$1" "$IMAGE" "${@:2}"; }
field() { podman image inspect --format "$1" "$IMAGE"; }
compare() { "$VENV/bin/python" "$here/compare.py" "$work/out/$1" "$work/out/$2" "${@:3}"; }

say "what the image is"
label() { field "{{index .Config.Labels \"org.opencontainers.image.$1\"}}"; }
check "--version is that of the package" gives "bids_brainage $version" cage "$IMAGE" --version
check "label version is that of the package" gives "$version" label version
for name in title description licenses source revision documentation; do
  check "label $name is there" test -n "$(label "$name")"
done
check "default user is not root" gives 1000:1000 field '{{.Config.User}}'
check "no HEALTHCHECK" fails grep -qi '"healthcheck"' <(podman image inspect "$IMAGE")
check "bash and ps are there" inside bash -c 'ps -o pid= -p $$'
check "login shell finds bids_brainage" gives /usr/local/bin/bids_brainage \
  inside bash -lc 'command -v bids_brainage'
check "login shell finds brainage" gives /usr/local/bin/brainage \
  inside bash -lc 'command -v brainage'
check "installed from a wheel, not from the tree" inside /opt/bids_brainage/bin/python -c \
  'import json, importlib.metadata as m; d = m.distribution("bids_brainage"); \
assert json.loads(d.read_text("direct_url.json"))["url"].endswith(".whl")'
check "no empty file among the templates" gives "" inside find /opt/templateflow -type f -size 0
check "nothing can be downloaded by pip: it is not there" \
  fails inside /opt/bids_brainage/bin/python -m pip --version
check "shipped models are whole" cage --entrypoint brainage "$IMAGE" models verify
check "a made-up person gets the stored ages" cage --entrypoint brainage "$IMAGE" self-test --device cpu
bytes=$(field '{{.Size}}')
say "size: $((bytes / 1000000)) MB"

say "cross-sectional dataset"
both "participant 01" cross cross participant --participant-label 01
both "participant 02" cross cross participant --participant-label 02
both "group" cross cross group
measure "ages from derivatives differ by at most $years years" compare cross cross-native \
  "$years" 01 02

say "longitudinal dataset"
both "participant 01" long long participant --participant-label 01
both "participant 02" long long participant --participant-label 02
both "group" long long group
measure "ages from derivatives differ by at most $years years" compare long long-native "$years" 01 02
check "every session has its headline" gives 4 grep -c "[[:blank:]]fusion[[:blank:]]" \
  "$work/out/long/group_brainage.tsv"

say "raw images"
both "participant 03" raw cross participant --participant-label 03 --models mavae volumes
measure "ages from raw images differ by at most $raw_years years" \
  compare raw raw-native "$raw_years" 03
check "one voxel changed, outside" same nudged nudged participant --models mavae volumes
measure "that alone moves ages by less than $raw_years years" \
  compare raw-native nudged-native "$raw_years" 03

say "extraction and prediction apart"
check "participant --stage extract" app stages cross participant --stage extract \
  --participant-label 01 02
check "participant --stage predict" app stages cross participant --stage predict
check "group" app stages cross group
measure "ages are those of one step" compare stages cross 0 01 02

say "what goes wrong does so as outside"
check "unknown option ends with 2, in the image" exits 2 app wrong cross participant --no-such-option
check "unknown option ends with 2, outside" exits 2 same wrong cross participant --no-such-option
check "absent BIDS_DIR ends with 66, in the image" exits 66 \
  cage "$IMAGE" /absent /tmp/out participant
check "absent BIDS_DIR ends with 66, outside" exits 66 \
  "$native" "$work/absent" "$work/out/absent" participant
mkdir "$work/out/closed"
check "OUTPUT_DIR of another user ends with 73" exits 73 \
  cage -v "$work/data/cross:/data:ro" -v "$work/out/closed:/out" "$IMAGE" /data /out participant \
  --participant-label 01

say "what is written, and where"
install -d -o "$uid" -g "$uid" "$work/out/homeless"
check "HOME unset, user id unknown" cage -v "$work/data/cross:/data:ro" -v "$work/out/homeless:/out" \
  --entrypoint env "$IMAGE" -u HOME -u MPLCONFIGDIR -u TEMPLATEFLOW_HOME \
  bids_brainage /data /out participant group --participant-label 01
# Root, and a root that can be written: nothing holds the App back but itself.
touched() {
  local found
  podman rm --force --ignore free >/dev/null
  podman run --name free --network=none --user 0:0 -v "$work/data/cross:/data" \
    -v "$work/out/free:/out" "$IMAGE" /data /out participant group --participant-label 01 || return 1
  # Mount points and what podman itself puts there aside.
  found=$(podman diff free | grep -vE '^. /(data|out|dev|etc|proc|run|sys|tmp|tmp/matplotlib(/.*)?)$' \
    | grep -vE '^. /(etc/(hosts|hostname|resolv.conf|mtab|passwd)|run/(.containerenv|secrets))$')
  podman rm --force free >/dev/null
  printf '%s\n' "$found"
  [ -z "$found" ]
}
mkdir -p "$work/out/free"
check "as root on a writable root nothing is written but OUTPUT_DIR and /tmp/matplotlib" touched
check "the datasets are as they were" gives "$before" digest
conclude
