#!/usr/bin/env bash
# Lint and type-check the browser modules: tests/js/check.sh. Needs node 20.19 or newer and npm.
# The tools are installed into a temporary folder; nothing is written into the checkout.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
web="$here/../../explorer/app/web"

if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
  echo "tests/js/check.sh needs node 20.19 or newer." >&2
  exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here"/{package.json,package-lock.json,.npmrc,tsconfig.json,eslint.config.js} "$work"
cp -r "$web" "$work/web"
cd "$work"
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
npx --no-install eslint --max-warnings 0 web
npx --no-install tsc --project tsconfig.json
echo "Browser modules: no fault found in $(find web -name '*.js' | wc -l) files."
