#!/bin/sh
# The workload report: replace this by your own program.
#
# Its settings are variables, what it writes becomes log events, and what it leaves in $ARTIFACTS is
# saved. An exit code other than 0 fails the run.
set -eu

echo "run $RUN_ID greets $NAME"
greeting="$ARTIFACTS/greeting.txt"
printf 'Hello, %s! This is the run of %s.\n' "$NAME" "$SCHEDULED_TIME" > "$greeting"

# A gate is a condition that a good run meets; one that does not fails the run.
characters=$(wc -m < "$greeting")
printf '[{"name": "characters", "value": %d, "op": ">=", "limit": 20}]\n' "$characters" \
  > "$ARTIFACTS/gates.json"
