#!/usr/bin/env bash
# Brings .venv in step with requirements.lock and pyproject.toml; says nothing and takes no time when it already is.
# PYTHON=/path/to/python3.11 chooses the interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv
log=$venv/setup.log

has_all_we_need() {
  "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1
}

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3.11 /usr/bin/python3.11 python3 python}; do
    if has_all_we_need "$candidate"; then echo "$candidate"; return; fi
  done
  {
    echo "ReelOps needs Python 3.11 with its venv module; ${PYTHON:-none of python3.11, python3 and python here} is that."
    echo "Install it (Debian, Ubuntu: apt install python3.11 python3.11-venv; macOS: brew install python@3.11)"
    echo "or name one: make PYTHON=/path/to/python3.11 ..."
  } >&2
  return 1
}

# What the environment was made from, and where: an environment that was moved does not work.
wanted_state() {
  echo "$PWD"
  cksum requirements.lock pyproject.toml
}

make_venv() {
  if [ -x $venv/bin/python ] && has_all_we_need $venv/bin/python; then
    # Ours, but from another place: its scripts point there.
    if [ ! -f $venv/ready ] || [ "$(head -n 1 $venv/ready)" = "$PWD" ]; then return; fi
  fi
  local python
  python=$(find_python)
  echo "making $venv with $("$python" --version)"
  "$python" -m venv --clear $venv
}

# pip names every package it collects and then installs in silence for minutes; people need one line now and then.
show_progress() {
  awk -v total="$(grep -c == requirements.lock)" '
    /^(Collecting|Requirement already satisfied:) .*\(from -r requirements\.lock/ {
      if (++seen % 50 == 0) { printf "  %d of %d packages found\n", seen, total; fflush() }
    }
    /^Installing collected packages/ { print "  all found, installing (a few minutes)"; fflush() }'
}

install() {
  echo "installing $(grep -c == requirements.lock) packages into $venv (first time: a few minutes; log: $log)"
  # pip would compile all files one after the other; see compile_bytecode.
  if ! $venv/bin/python -m pip install --no-compile --progress-bar off --requirement requirements.lock 2>&1 |
    tee $log | show_progress; then
    grep -v 'is ignored' $log | tail -n 15 >&2
    echo "The installation stopped; the whole log is in $log. Mend what it names (network? disk?), then run make again." >&2
    return 1
  fi
  if ! $venv/bin/python -m pip install -qq --no-deps --no-build-isolation --editable . >>$log 2>&1; then
    tail -n 15 $log >&2
    echo "reelops itself could not be installed; the whole log is in $log." >&2
    return 1
  fi
}

# Python keeps the bytecode of what it imports, unless PYTHONDONTWRITEBYTECODE is set, as in many containers: it would then
# compile thousands of files at each start, which takes longer than a clip does.
compile_bytecode() {
  if [ -z "${PYTHONDONTWRITEBYTECODE:-}" ]; then return; fi
  echo "compiling the packages once on all cores, as PYTHONDONTWRITEBYTECODE keeps Python from it (about a minute)"
  # Packages bring tests of syntax that this Python does not know; they are not ours to mend.
  $venv/bin/python -m compileall -q -j 0 -x 'site-packages/.*/tests?/' $venv/lib >>$log 2>&1 || true
}

if [ -x $venv/bin/python ] && [ "$(cat $venv/ready 2>/dev/null)" = "$(wanted_state)" ]; then exit 0; fi
make_venv
install
compile_bytecode
wanted_state >$venv/ready
echo "ready"
