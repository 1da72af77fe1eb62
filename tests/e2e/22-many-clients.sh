#!/bin/bash
# Goal: 64 clients push and pull different and identical images at once, over TLS with passwords: no error, every
# byte right, each blob on disk once, no upload left over, all tags listed; the same after SIGKILL.
. "$(dirname "$0")/lib.sh"
export REG CA ALICE ALICE_PASSWORD
server_setup && server_start || exit 1

crowd() { python3 -B "$TESTS/e2e/crowd.py" >"$WORK/blobs"; }
blob_files() { find "$WORK/data/blobs" -type f; }
check "64 clients push and pull at once" crowd || exit 1

blobs=$(cat "$WORK/blobs")
check "there are as many blob files as there are different blobs ($blobs)" [ "$(blob_files | wc -l)" = "$blobs" ]
named_rightly() { blob_files | while read -r file; do [[ $(digest_of "$file") == "sha256:${file##*/}" ]] || echo "$file"; done; }
check "each holds what its name says" [ -z "$(named_rightly)" ]
check "no upload is left over" [ -z "$(ls "$WORK/data/uploads")" ]

lists_are_right() {
    local own
    request GET '/v2/_catalog?n=100'
    own=$(printf '"crowd/own-%02d",' {0..63})
    json_is .repositories "[\"crowd/common\",${own%,}]" || return 1
    request GET '/v2/crowd/common/tags/list'
    own=$(printf '"from-%02d",' {0..63})
    json_is .tags "[$own\"latest\",\"same\"]" || return 1
    for n in {00..63}; do
        request GET "/v2/crowd/own-$n/tags/list"
        json_is .tags '["v1"]' || return 1
    done
}
check "all repositories and tags are listed" lists_are_right
server_kill
server_start
check "and so they are after SIGKILL" lists_are_right
check "the server's log has no error" fails grep -E 'level=error| error ' "$LOG"
finish
