#!/bin/bash
# Goal: a crowd hurts nobody. A thousand idle connections and ten thousand connects, more clients than descriptors, two
# thousand wrong passwords at once, a disk that stands still: who is served goes on being served, the others wait or are
# told when to come again, and afterwards descriptors and memory are as before.
. "$(dirname "$0")/lib.sh"
server_setup && server_config tls=no extra=$'access:\n  throttle:\n    address: 3000\n    user: 3000\n' || exit 1
crowd() { python3 "$TESTS/e2e/overload.py" "$@"; }
figures() { grep -v '^FAILED' "$WORK/check.out" | sed 's/^/    /'; }
metric_is_over() { (($(curl -sS http://127.0.0.1:5001/metrics | sed -n "s/^$1 //p") > $2)); }
export REGISTRY_HTTP_DEBUG_ADDR=127.0.0.1:5001 REGISTRY_HTTP_DEBUG_PROMETHEUS_ENABLED=true

check "the server starts" server_start
check "1,000 idle connections and 10,000 connects leave nothing behind" crowd idle "$SERVER_PID"
figures
check "the address that had enough is in the log, once" log_says "192.0.2.1 has 1000 connections, as many as an address may have"
check "and counted" metric_is_over berth_connections_refused_total 0
check "2,000 wrong passwords at once leave nothing behind" crowd guess "$SERVER_PID"
figures
check "the server stops" server_stop

# Root would raise the limit; without that right it has to do with it.
few_descriptors() { server_start setpriv --bounding-set=-sys_resource --inh-caps=-sys_resource bash -c 'ulimit -n 256; exec "$@"' -; }
check "the server starts with 256 descriptors" few_descriptors
granted=$(curl -sS http://127.0.0.1:5001/metrics | sed -n 's/^berth_connections_limit //p')
check "it grants as many connections as leave descriptors for blobs and uploads" test "$granted" -ge 64 -a "$granted" -le 96
check "more clients than that wait, who is connected pushes and pulls, and then they get their turn" crowd few "$SERVER_PID" "$granted"
figures
check "that it was full is in the log" log_says "$granted connections are open, as many as may be"
check "the server stops" server_stop

# Every fsync takes half a second: the disk's threads wait for it, and the queue behind them fills.
if [[ -z ${SANITIZER_SLOW:-} ]]; then
    check "the server starts on a disk that is slow to sync, with a short queue" server_start env REGISTRY_HTTP_LIMITS_QUEUE=4 \
        strace -D -f -qq -o /dev/null -e trace=fsync -e inject=fsync:delay_enter=500000
    check "what has begun ends well, what is new is put off and goes through when tried again" crowd queue "$SERVER_PID"
    figures
    check "which is counted" metric_is_over berth_queue_refused_total 0
fi
finish
