#!/usr/bin/env bash
# Files over 2 MiB do not belong in git; the embedded model's weights, in models/, are the one exception.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! git rev-parse --is-inside-work-tree >/dev/null 2>&1; then exit 0; fi # a source archive
large=$(git ls-files -z -- ':(exclude)models/' | xargs -0 -r sh -c 'find "$@" -maxdepth 0 -type f -size +2048k' sh)
if [ -n "$large" ]; then
  printf 'over 2 MiB, too large for git (DVC keeps data; models/ keeps the embedded weights):\n%s\n' "$large" >&2
  exit 1
fi
