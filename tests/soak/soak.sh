#!/bin/bash
# Goal: half an hour of everything at once, with kills, ends with every acknowledged object intact, flat memory and the
# descriptors of the start. The work is soak.py's; the samples are left in $SOAK_OUT.
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=tests/e2e/images.sh
. "$(dirname "$0")/../e2e/images.sh"
export REG CA WORK BUILD ALICE ALICE_PASSWORD
server_setup && make_layout "$WORK/layout" && trust_by_docker "$REG" || exit 1
mkdir -p "$WORK/certs" "${SOAK_OUT:=$WORK/out}" && cp "$CA" "$WORK/certs/"
export SOAK_OUT SOAK_MINUTES="${SOAK_MINUTES:-30}" SOAK_SEED="${SOAK_SEED:-$RANDOM}"
server_config extra="access: {file: $WORK/access.yml}
"
# Small grace, fast sweeps: all that is deleted comes back while clients push it again.
sed -i "s|^  delete:|  maintenance:\n    garbagecollection: {grace: 20s, interval: 2s, rate: 2000}\n    uploadpurging: {age: 5m, interval: 30s}\n  delete:|" "$WORK/config.yml"
python3 -B "$TESTS/soak/soak.py"
code=$?
cp "$LOG" "$SOAK_OUT/server.log"
check "the soak ends with everything intact" [ $code = 0 ]
finish
