#!/usr/bin/env bash
# Property tests with many fresh examples, which CI, where the same ones are tried each time, cannot look for.
# A failure prints the example: add it to its test with @example. Usage: tests/wide.sh [examples] [pytest arguments]
set -euo pipefail
cd "$(dirname "$0")/.."
unset CI
export EXPLORER_WIDE_EXAMPLES="${1:-2000}"
shift || true
mapfile -t files < <(grep -rl --include='*.py' '^from hypothesis import' tests | grep -v -e /browser/ -e conftest)
exec "${PYTHON:-python}" -m pytest -q --hypothesis-seed=random "${@:-${files[@]}}"
