#!/usr/bin/env bash
# Brings .venv in step with requirements.lock and pyproject.toml; says nothing and takes no time when it already is.
# PYTHON=/path/to/python3.12 chooses the interpreter, VENV=... another folder than .venv, TORCH_INDEX_URL=... the index
# that PyTorch is taken from.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${VENV:-.venv}
log=$venv/setup.log
seconds_to_read=30

has_all_we_need() {
  "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

# 3.11 first: it is what our figures were measured with.
find_python() {
  local candidate
  for candidate in ${PYTHON:-python3.11 /usr/bin/python3.11 python3.12 /usr/bin/python3.12 python3.13 python3 python}; do
    if has_all_we_need "$candidate"; then echo "$candidate"; return; fi
  done
  {
    echo "ReelOps needs Python 3.11, 3.12 or 3.13 with its venv module; ${PYTHON:-no python3 or python here} is not that."
    echo "Install it (Debian 13: apt install python3 python3-venv; Debian 12: apt install python3.11 python3.11-venv;"
    echo "Ubuntu 24.04: apt install python3.12 python3.12-venv; macOS: brew install python@3.12)"
    echo "or name one: make PYTHON=/path/to/python3.12 ..."
  } >&2
  return 1
}

# What the environment was made from, and where: an environment that was moved does not work.
wanted_state() {
  echo "$PWD"
  cksum requirements.lock pyproject.toml
}

is_the_wanted_python() {
  [ -z "${PYTHON:-}" ] || [ "$($venv/bin/python --version)" = "$("$PYTHON" --version 2>/dev/null)" ]
}

make_venv() {
  if [ -x $venv/bin/python ] && has_all_we_need $venv/bin/python && is_the_wanted_python; then
    # Ours, but from another place: its scripts point there.
    if [ ! -f $venv/ready ] || [ "$(head -n 1 $venv/ready)" = "$PWD" ]; then return; fi
  fi
  local python
  python=$(find_python)
  echo "making $venv with $("$python" --version)"
  "$python" -m venv --clear $venv
}

pip() {
  $venv/bin/python -m pip install --progress-bar off "$@"
}

has_nvidia_gpu() {
  [ -e /proc/driver/nvidia ] || command -v nvidia-smi >/dev/null
}

# PyTorch comes in builds for processors and for GPUs, which pip cannot tell apart by the machine.
choose_torch() {
  local wanted
  wanted=$(grep -m 1 '^torch==' requirements.lock)
  if $venv/bin/python -m pip freeze 2>/dev/null | grep -q "^$wanted\(+\|$\)"; then return; fi
  if [ -n "${TORCH_INDEX_URL:-}" ]; then
    echo "installing $wanted from TORCH_INDEX_URL"
    pip --no-compile --no-deps -i "$TORCH_INDEX_URL" "$wanted" >>$log 2>&1 || return_with_log "PyTorch could not be installed"
  elif [ "$(uname -sm)" = "Linux x86_64" ] && ! has_nvidia_gpu; then
    pip --no-compile --no-deps "$wanted+cpu" >>$log 2>&1 || tell_of_large_torch
  fi
}

tell_of_large_torch() {
  {
    echo "There is no NVIDIA GPU here, but pip finds only PyTorch's build for such GPUs. It works here, too, but takes"
    echo "2.5 GB more to download and 3.7 GB more on the disk. For the build without that, stop here (Ctrl-C) and give the"
    echo "index of PyTorch's CPU builds (its address: pytorch.org, Get Started, Compute Platform CPU):"
    echo "    TORCH_INDEX_URL=... make setup"
  } >&2
  if [ -t 0 ] && [ -t 2 ]; then
    echo "Going on in $seconds_to_read s; Enter goes on at once." >&2
    read -r -t $seconds_to_read || true
  fi
}

# pip names every package it collects and then installs in silence for minutes; people need one line now and then.
show_progress() {
  awk -v total="$(grep -c == requirements.lock)" '
    /^(Collecting|Requirement already satisfied:) .*\(from -r requirements\.lock/ {
      if (++seen % 50 == 0) { printf "  %d of %d packages found\n", seen, total; fflush() }
    }
    /^Installing collected packages/ { print "  all found, installing (a few minutes)"; fflush() }'
}

return_with_log() {
  grep -v 'is ignored' $log | tail -n 15 >&2
  echo "$1; the whole log is in $log. Mend what it names (network? disk?), then run make again." >&2
  return 1
}

install() {
  echo "installing $(grep -c == requirements.lock) packages into $venv (first time: a few minutes; log: $log)"
  : >$log
  choose_torch
  # pip would compile all files one after the other; see compile_bytecode.
  pip --no-compile --requirement requirements.lock 2>&1 | tee -a $log | show_progress ||
    return_with_log "The installation stopped"
  pip --quiet --quiet --no-deps --no-build-isolation --editable . >>$log 2>&1 ||
    return_with_log "reelops itself could not be installed"
}

# Python keeps the bytecode of what it imports, unless PYTHONDONTWRITEBYTECODE is set, as in many containers: it would then
# compile thousands of files at each start, which takes longer than a clip does.
compile_bytecode() {
  if [ -z "${PYTHONDONTWRITEBYTECODE:-}" ]; then return; fi
  echo "compiling the packages once on all cores, as PYTHONDONTWRITEBYTECODE keeps Python from it (about a minute)"
  # Packages bring tests of syntax that this Python does not know; they are not ours to mend.
  $venv/bin/python -m compileall -q -j 0 -x 'site-packages/.*/tests?/' $venv/lib >>$log 2>&1 || true
}

if [ -x $venv/bin/python ] && [ "$(cat $venv/ready 2>/dev/null)" = "$(wanted_state)" ] && is_the_wanted_python; then
  exit 0
fi
make_venv
install
compile_bytecode
wanted_state >$venv/ready
echo "ready"
