#!/usr/bin/env bash
# Run a command in a squashfs of the image as Apptainer does: read-only root, the caller's user id,
# network and environment, and folders of the host bound in. Needs root.
#   containers/sif_like.sh ROOT.sqfs UID "SOURCE:TARGET[:ro] …" -- COMMAND …
set -euo pipefail
image=$(realpath "$1")
user=$2
binds=$3
shift 4
# shellcheck disable=SC2016
exec unshare --mount bash -c '
  set -euo pipefail
  image=$1 user=$2 binds=$3 folder=$PWD
  shift 3
  top=$(mktemp -d)
  mount -t tmpfs tmpfs "$top"
  mkdir "$top"/{lower,upper,work,root}
  mount -t squashfs -o loop,ro "$image" "$top/lower"
  # Bind points that the image has not are laid under it.
  mkdir -p "$top"/upper/{dev,proc,sys}
  for bind in $binds; do mkdir -p "$top/upper$(cut -d: -f2 <<<"$bind")"; done
  mount -t overlay overlay \
    -o "lowerdir=$top/lower,upperdir=$top/upper,workdir=$top/work" "$top/root"
  for bind in $binds; do
    IFS=: read -r source target mode <<<"$bind"
    mount --bind "$source" "$top/root$target"
    if [ "$mode" = ro ]; then mount -o remount,bind,ro "$top/root$target"; fi
  done
  mount --rbind /dev "$top/root/dev"
  mount -t proc proc "$top/root/proc"
  mount -o remount,ro "$top/root"
  exec chroot --userspec="$user:$user" "$top/root" \
    /bin/sh -c "cd \"\$0\" 2>/dev/null || cd /; exec \"\$@\"" "$folder" "$@"
' _ "$image" "$user" "$binds" "$@"
