#!/bin/bash
# Goal: a push that is cut in the middle goes on where the server says it stands, whoever was killed: the client, then
# the server; the server while the client sends; only the connection. The blob comes out right every time.
. "$(dirname "$0")/lib.sh"
export REG CA ALICE ALICE_PASSWORD
server_setup && server_start || exit 1
size=64
half=$((size * 524288 + 524288))

resume() { python3 -B "$TESTS/e2e/resume.py" "$@"; }
kept() { resume kept "$WORK/session" 2>/dev/null || echo 0; }
has() { (($(kept) >= $1)); }
has_exactly() { (($(kept) == $1)) || { kept; return 1; }; }
# begin SEED RATE: a push in the background, as $client.
begin() {
    rm -f "$WORK/session"
    python3 -B "$TESTS/e2e/resume.py" begin cut/app "$1" "$size" "$WORK/session" "$2" >"$WORK/begin" 2>&1 &
    client=$!
}
# wait_for PID: its exit status; 137 when it was killed.
wait_for() { wait "$1" 2>/dev/null; }

begin killed 20
check "a push is under way" eventually has 8000000
kill -KILL $client
wait_for $client
settled() { local before; before=$(kept); sleep 0.3; (($(kept) == before)); }
check "when its client is killed, the server soon has what it will have" eventually settled
before=$(kept)
server_kill
check "killed, too, the server starts again" server_start
check "it still has all $before bytes" has_exactly "$before"
check "the push goes on there and ends" says "resumed at $before" resume end cut/app killed "$size" "$WORK/session"
check "an upload that has ended is gone" fails_saying 404 resume kept "$WORK/session"

# At several moments of an upload that is paced, and of a larger one that goes as fast as it can: looked at on disk,
# because asking the server takes too long.
arrived() { [ -n "$(find "$WORK/data/uploads" -type f -size "+${1}c")" ]; }
for moment in 64:20:2000000 64:50:30000000 512:0:1000000 512:0:20000000 512:0:50000000; do
    IFS=: read -r size rate bytes <<<"$moment"
    begin "moment $moment" "$rate"
    check "another push is under way" eventually arrived "$bytes"
    server_kill
    check "the server is killed while the client sends, which fails" fails wait_for $client
    check "it starts again" server_start
    check "it has what it had" has "$bytes"
    check "the push goes on and ends" says "resumed at" resume end cut/app "moment $moment" "$size" "$WORK/session"
done
size=64

begin twice 20
check "a push is under way" eventually has 4000000
server_kill
wait_for $client
server_start
before=$(kept)
server_kill
check "killed twice in a row the server starts" server_start
check "and has what it had" has_exactly "$before"
check "the push goes on and ends" says "resumed at $before" resume end cut/app twice "$size" "$WORK/session"

check "a client goes in the middle of a chunk" resume cut cut/app fin "$size" "$WORK/session" fin
check "every byte that arrived is kept" eventually has_exactly $half
check "the push goes on and ends" says "resumed at $half" resume end cut/app fin "$size" "$WORK/session"
check "a connection is reset" resume cut cut/app rst "$size" "$WORK/session" rst
check "what arrived before is kept" eventually has 1
check "the push goes on and ends" says "resumed at" resume end cut/app rst "$size" "$WORK/session"

check "no upload is left over" [ -z "$(ls "$WORK/data/uploads")" ]
finish
