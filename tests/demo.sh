#!/bin/sh
# The demo: sample documents are made, ingested and searched three times, one of them is replaced in between; then they are
# served. DEMO_EXIT=1 ends it after the searches.
set -eu
data="$DEMO/data"
docs="$DEMO/documents"
plain="Who has to approve a business trip?"
filtered="What do I do when a laptop is stolen?"
changed="How much may a hotel night in Zurich cost?"
rm -rf "$DEMO"
mkdir -p "$docs"
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

say "Sample documents in $docs"
"$BIN" sample "$docs" | wc -l | sed 's/$/ files, PDF and Word, English and Chinese/'

say "Ingest them into the collection 'handbook'"
"$BIN" ingest "$docs" --data "$data" --collection handbook
before=$("$BIN" versions --data "$data" --collection handbook --json | python3 -c 'import json,sys
text = sys.stdin.read().strip()
rows = json.loads(text) if text[:1] in "[{" and "\n{" not in text else [json.loads(line) for line in text.splitlines()]
rows = rows.get("versions", [rows]) if isinstance(rows, dict) else rows
print(rows[0]["version"])')

say "A plain search: $plain"
"$BIN" search "$plain" --data "$data" --collection handbook -k 3

say "With a filter (PDF files only): $filtered"
"$BIN" search "$filtered" --data "$data" --collection handbook -k 3 --filter "uri LIKE '%.pdf'"

say "Replace one document by its second edition"
"$BIN" sample "$docs" --replacement
"$BIN" ingest "$docs" --data "$data" --collection handbook

say "The newest edition says: $changed"
"$BIN" search "$changed" --data "$data" --collection handbook -k 1
say "As of version $before, before it was replaced:"
"$BIN" search "$changed" --data "$data" --collection handbook -k 1 --as-of "$before"

[ "${DEMO_EXIT:-}" = 1 ] && exit 0
say "Serving http://127.0.0.1:7878 (Ctrl-C ends it)"
exec "$BIN" serve --data "$data"
