#!/bin/sh
# Runs one dlpulse command for cron. Silent when well; prints the command's output and passes its exit code when not.
# Own PATH, environment file, log, and a lock: a command that is still running is not started a second time.
set -u
umask 077
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
PATH="$root/.venv/bin:/usr/local/bin:/usr/bin:/bin"
export PATH

settings="${DLPULSE_ENV:-${XDG_CONFIG_HOME:-$HOME/.config}/dlpulse/env}"
if [ -f "$settings" ]; then
    set -a
    # shellcheck source=/dev/null
    . "$settings"
    set +a
fi

exec python -P -m cron.job "$@"
