# shellcheck shell=bash
# Sourced by the tests of the images: one line per check, and how many failed.
failed=0
_log=$(mktemp)

# check NAME COMMAND…: ok if the command succeeds; its last lines are shown if it does not.
check() {
  local name=$1
  shift
  if "$@" >"$_log" 2>&1; then
    printf 'ok      %s\n' "$name"
  else
    printf 'FAILED  %s\n' "$name"
    tail -n 8 "$_log" | sed 's/^/        /'
    failed=$((failed + 1))
  fi
}

# measure NAME COMMAND…: the same, with the last line that the command writes.
measure() {
  local name=$1 before=$failed
  check "$@" >"$_log.out"
  if [ "$failed" = "$before" ]; then
    printf 'ok      %s: %s\n' "$name" "$(tail -n 1 "$_log")"
  else
    cat "$_log.out"
  fi
}

# gives WANTED COMMAND…: whether the command succeeds and writes just this.
gives() {
  local wanted=$1 found
  shift
  found=$("$@") || return 1
  if [ "$found" != "$wanted" ]; then
    printf 'wanted %s\nfound  %s\n' "$wanted" "$found"
    return 1
  fi
}

# exits CODE COMMAND…: whether the command ends with this code.
exits() {
  local wanted=$1 code=0
  shift
  "$@" || code=$?
  if [ "$code" != "$wanted" ]; then
    printf 'exit code %s, not %s\n' "$code" "$wanted"
    return 1
  fi
}

# fails COMMAND…: whether the command fails.
fails() { ! "$@"; }

# Say how it went and end with it.
conclude() {
  rm -f "$_log" "$_log.out"
  if [ "$failed" -gt 0 ]; then
    printf '%s checks FAILED\n' "$failed"
    exit 1
  fi
  printf 'all checks ok\n'
}
