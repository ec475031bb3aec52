# shellcheck shell=bash
# Sourced: sets BUILD_FLAGS, what lends a build step this machine's access to packages (pip's and
# apt's settings, certificates, local package folders) by mounts, so that none of it is in the image.
# usage: . package_access.sh FOLDER    FOLDER receives the pip settings and has to outlive the build
BUILD_FLAGS=(--network host)
for place in /etc/resolv.conf /etc/hosts /etc/apt/apt.conf /etc/apt/auth.conf; do
  if [ -f "$place" ]; then BUILD_FLAGS+=(-v "$place:$place:ro"); fi
done
# As overlays, since packages that are being installed may write there.
for place in /etc/apt/apt.conf.d /etc/apt/auth.conf.d /etc/ssl/certs; do
  if [ -d "$place" ]; then BUILD_FLAGS+=(-v "$place:$place:O"); fi
done
# All that pip is told here, by files and by the environment (which wins), as one file.
if pip=$(command -v pip3 || command -v pip); then
  "$pip" config list | sed -n "s/^\(global\|install\|:env:\)\.\([a-z-]*\)='\(.*\)'$/\1 \2 \3/p" \
    | sed 's/\\n/ /g' | awk '
        { rank = $1 == ":env:" ? 2 : 1; key = $2; $1 = $2 = ""
          if (rank >= best[key]) { best[key] = rank; value[key] = substr($0, 3) } }
        END { print "[global]"; for (key in value) print key " = " value[key] }' >"$1/pip.conf"
  BUILD_FLAGS+=(-v "$1/pip.conf:/etc/pip.conf:ro")
  # Local folders and files that the settings name; the pages of an index link to files beside it.
  while read -r place; do
    if [ -e "$place" ]; then BUILD_FLAGS+=(-v "$place:$place:ro"); fi
  done < <(sed -n 's/^[a-z-]* = //p' "$1/pip.conf" | tr ' ' '\n' | grep -E '^(file:/)?/' \
    | sed -E 's#^file://(/.+)/[^/]+/?$#\1#; s#^file://##' | grep -v '^/etc/ssl/certs/' | sort -u)
fi
