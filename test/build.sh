#!/bin/sh
# Builds crib: TypeScript to dist/, then one file each for the programs that run on their own.
set -eu
cd "$(dirname "$0")/.."

bin=node_modules/.bin
"$bin/tsc" -p tsconfig.json

# CommonJS packages inside an ES module bundle call require; the source map keeps stack traces readable.
banner="import { createRequire as cribRequire } from 'node:module'; const require = cribRequire(import.meta.url);"
missing=

bundle() {
  name=$1 entry=$2
  if [ ! -f "$entry" ]; then
    missing="$missing $entry"
    return
  fi
  "$bin/esbuild" "$entry" --bundle --platform=node --format=esm --target=node20 --external:koffi --minify-whitespace --sourcemap \
    --banner:js="$banner" --outfile="dist/bundle/$name.js.new" --log-level=warning
  mv "dist/bundle/$name.js.new" "dist/bundle/$name.js"
  mv "dist/bundle/$name.js.new.map" "dist/bundle/$name.js.map"
}

mkdir -p dist/bundle
bundle cribd cri/cli/main.ts
bundle keeper runtime/keeper/main.ts
bundle unpack runtime/images/unpack/main.ts
bundle pod-worker cri/kubernetes/pod-worker.ts

if [ -n "$missing" ]; then
  echo "build: no bundle made of$missing: there is no such file" >&2
  exit 1
fi
date +%s >dist/.built
