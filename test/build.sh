#!/bin/sh
# Builds crib: TypeScript to dist/, then one file each for the programs that run on their own.
set -eu
cd "$(dirname "$0")/.."

bin=node_modules/.bin
"$bin/tsc" -p tsconfig.json

# CommonJS: Node starts it in 6 ms less, and only of that V8's code can be kept. The source map keeps stack traces readable.
banner="'use strict'; const cribUrl = require('node:url').pathToFileURL(__filename).href;"
# esbuild's own way to import a default makes an accessor for each of a module's exports, at each import: 1.3 MB of them.
banner="$banner const cribESM = (exported) => Object.create(exported, { default: { value: exported } });"
missing=

bundle() {
  name=$1 entry=$2
  if [ ! -f "$entry" ]; then
    missing="$missing $entry"
    return
  fi
  "$bin/esbuild" "$entry" --bundle --platform=node --format=cjs --target=node20 --external:koffi \
    --external:@grpc/proto-loader --minify-whitespace --sourcemap \
    --define:import.meta.url=cribUrl --banner:js="$banner" --outfile="dist/bundle/$name.js.new" --log-level=warning
  sed 's/__toESM(require("/cribESM(require("/g' "dist/bundle/$name.js.new" >"dist/bundle/$name.js" # as long: the map fits
  rm "dist/bundle/$name.js.new"
  mv "dist/bundle/$name.js.new.map" "dist/bundle/$name.js.map"
}

mkdir -p dist/bundle
rm -f dist/bundle/*.cache
echo '{ "type": "commonjs" }' >dist/bundle/package.json
bundle cribd cri/cli/launch.ts
bundle cribd-main cri/cli/main.ts
bundle keeper runtime/keeper/main.ts
bundle unpack runtime/images/unpack/main.ts
bundle pod-worker cri/kubernetes/pod-worker.ts

if [ -n "$missing" ]; then
  echo "build: no bundle made of$missing: there is no such file" >&2
  exit 1
fi

# launch.ts reads its bytes as they are. esbuild escapes what is not ASCII in strings, not in regular expressions.
strange=$(LC_ALL=C tr -d '\000-\177' <dist/bundle/cribd-main.js)
if [ -n "$strange" ]; then
  echo "build: dist/bundle/cribd-main.js is not ASCII; write these with \\u: $strange" >&2
  exit 1
fi

# A daemon that has loaded all of itself and ends there: what it has called is in the cache, for the flags that crib starts with.
CRIB_WRITE_CODE_CACHE=1 cri/cli/crib serve --config /nonexistent 2>/dev/null ||
  [ -f dist/bundle/cribd-main.js.cache ] || { echo "build: no code cache was written" >&2; exit 1; }
date +%s >dist/.built
