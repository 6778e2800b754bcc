#!/usr/bin/env bash
# Usage: rounds.sh [N] [what pytest takes…]
#
# Plays the stories in the real editors N times (once if nothing is said) and says how each round went; 1 if any failed.
# Two at a time: a story waits for its editor most of the time, but types at a person's pace and has time limits, which
# four at a time on two cores do not keep. EDITOR_WORKERS says otherwise. Each editor's stories stay on one worker where the
# editor is heavy (conftest.py).
set -uo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-1}
shift || true
[[ -f .editors/env ]] && . .editors/env
python=${PYTHON:-.venv/bin/python}
[[ $python = */* ]] && python=$(cd "$(dirname "$python")" && pwd)/$(basename "$python")
failed=0
report=""
for ((round = 1; round <= rounds; round++)); do
  began=$SECONDS
  ((rounds == 1)) || echo "=== round $round of $rounds"
  if SLOW=1 "$python" -m pytest tests/editors -n "${EDITOR_WORKERS:-2}" --dist loadgroup --durations=12 "$@"; then
    report+="round $round of $rounds: passed in $((SECONDS - began)) s"$'\n'
  else
    report+="round $round of $rounds: FAILED in $((SECONDS - began)) s"$'\n'
    failed=1
  fi
done
((rounds == 1)) || printf '%s' "$report"
exit $failed
