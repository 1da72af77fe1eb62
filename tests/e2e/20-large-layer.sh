#!/bin/bash
# Goal: a layer of 12 GiB goes in and comes out whole, by a client that is quick and by one that pauses, while others
# crawl along for more than a minute without being cut; the server's memory stays under 120 MiB at its peak.
# BERTH_LARGE_GB sets another size. Needs that much disk and 2 GiB more where temporary files are.
# Time limit: 900
. "$(dirname "$0")/lib.sh"
size=${BERTH_LARGE_GB:-12}
export REG CA ALICE ALICE_PASSWORD

enough_room() {
    local there
    there=$(df --output=avail -BG "$WORK" | tail -n 1 | tr -dc 0-9)
    echo "$WORK has $there GiB left; set TMPDIR to a larger disk, or BERTH_LARGE_GB to a smaller size"
    ((there >= size + 2))
}
large() { python3 -B "$TESTS/e2e/large.py" "$@"; }
# Sanitizers keep what was freed and shadow the rest: their memory says nothing.
small_memory() {
    local peak
    peak=$(awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$SERVER_PID/status")
    echo "at its peak the server had $peak MiB"
    [[ -n $SANITIZER_SLOW ]] || ((peak < 120))
}

check "there is room for $size GiB" enough_room || exit 1
server_setup && server_start || exit 1
large steady crawl >"$WORK/steady" 2>&1 &
steady=$!
check "a quick client pushes $size GiB; it and one that pauses pull them, every byte right" large quick big "$size"
wait $steady
check "clients that are slow but steady are served to the end meanwhile" says "5 clients are done" cat "$WORK/steady"
check "in all this the server's memory stayed under 120 MiB" small_memory
check "no upload is left over" [ -z "$(ls "$WORK/data/uploads")" ]
check "the server stops" server_stop
rm -rf "$WORK/data"

check "an empty server starts" server_start
check "a client that pauses pushes $size GiB" large pausing big "$size"
check "and the server's memory stayed under 120 MiB" small_memory
finish
