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
    # It may hold a token, and the shell runs what stands in it: nobody else may read or write it.
    others=$(find -L "$settings" -prune \( ! -user "$(id -u)" -o -perm -040 -o -perm -020 -o -perm -004 -o -perm -002 \)) || exit 1
    if [ -n "$others" ]; then
        echo "dlpulse: $settings must be yours alone, as it may hold a token: chmod 600 '$settings'" >&2
        exit 1
    fi
    set -a
    # shellcheck source=/dev/null
    . "$settings"
    set +a
fi

exec "${DLPULSE_PYTHON:-python}" -P -m cron.job "$@"
