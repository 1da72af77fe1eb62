#!/bin/bash
# Goal: berth doctor is silent on good set-ups, that of `make run` among them, finds mistakes that administrators make on
# real files, ports and processes, says what to do, changes nothing, and its remedies work.
. "$(dirname "$0")/lib.sh"
server_setup || exit 1
mkdir -m 0700 "$WORK/data"

doctor() { "$BUILD/berth" doctor "$@" >"$WORK/doctor" 2>&1; }
silent() { doctor "$@" && ! grep -E '^(error|warning) ' "$WORK/doctor"; }
# finds "TEXT" "REMEDY" [arguments]: both are said, the second in the line after the first.
finds() {
    local text=$1 remedy=$2
    shift 2
    doctor "$@"
    cat "$WORK/doctor"
    grep -F -A 1 -- "$text" "$WORK/doctor" | tail -n 1 | grep -qF -- "do: $remedy"
}

# --- good set-ups ---
check "a good set-up before the first start has no findings" silent "$WORK/config.yml" --host "$REG"
check "it says what it checked" grep -q '^checked: configuration, configuration file, data directory, file system, space' "$WORK/doctor"
check "and ends with the lines for Docker hosts" grep -q "/etc/docker/certs.d/$REG/ca.crt" "$WORK/doctor"
check "and the login" grep -q "docker login $REG" "$WORK/doctor"
check "the server starts" server_start
state() { find "$WORK/data" "$TLS_DIR" "$USERS" "$WORK/config.yml" ! -name lock.mdb ! -path "$WORK/data" -printf '%p %T@ %C@ %m\n' | sort; }
before=$(state)
check "beside a running server there are no findings either" silent "$WORK/config.yml" --host "$REG"
check "it says that the server runs" grep -q "a server runs on this data directory: process $SERVER_PID" "$WORK/doctor"
check "and the ports are its own" fails grep -q 'listens there' "$WORK/doctor"
after=$(state)
check "nothing has changed, and no file is left over" [ "$before" == "$after" ]
request GET /v2/
check "the server still serves" status_is 200
check "as JSON it is one object" "$BUILD/berth" doctor "$WORK/config.yml" --json
"$BUILD/berth" doctor "$WORK/config.yml" --json >"$WORK/json"
check "with what was checked" jq -e '.errors == 0 and (.checked | length) > 15 and (.clients | length) > 3' "$WORK/json"

# Another configuration wants the same port and the same data.
sed "s|$WORK/data|$WORK/other|" "$WORK/config.yml" >"$WORK/second.yml"
check "a port that is taken is found, with whose it is" finds "http.addr :$PORT: process $SERVER_PID (berth) listens there" \
    "stop process $SERVER_PID" "$WORK/second.yml"
check "that is an error" exits 1 "$BUILD/berth" doctor "$WORK/second.yml"
check "it stops" server_stop

# --- make run ---
export BERTH_DATA=$WORK/quick BERTH_ADDR=127.0.0.1:5877
BUILD=$(realpath "$BUILD") "$TESTS/../conf/quickstart.sh" >"$WORK/quick.log" 2>&1 </dev/null &
quick=$!
check "the set-up of make run serves" eventually grep -q 'serves .* with TLS' "$WORK/quick.log"
check "and the doctor has no findings in it" silent "$BERTH_DATA/config.yml"
kill "$quick"
wait "$quick"
unset BERTH_DATA BERTH_ADDR

# --- as another user ---
chmod 0755 "$WORK"
check "the user who will serve may not write the data" finds "user daemon, who serves, may not write $WORK/data" "chown -R" \
    "$WORK/config.yml" --user daemon
check "nor read the key" finds "user daemon, who serves, may not read $TLS_DIR/server.key" "chgrp" "$WORK/config.yml" --user daemon
remedy() { grep -F -A 1 -- "$1" "$WORK/doctor" | sed -n 's/^         do: //p' | tail -n 1; }
chmod 0755 "$TLS_DIR" && chgrp daemon "$WORK/config.yml"
for _ in 1 2 3 4 5 6; do
    doctor "$WORK/config.yml" --user daemon
    line=$(remedy "user daemon, who serves, may not")
    [[ -n $line ]] || break
    bash -c "$line"
done
check "its own remedies, typed one after the other, mend all that" silent "$WORK/config.yml" --user daemon --host "$REG"
start_as_daemon() {
    "$BUILD/berth" serve "$WORK/config.yml" --user daemon >>"$LOG" 2>&1 </dev/null &
    SERVER_PID=$!
    eventually listening_or_dead && server_running
}
check "and the server starts as that user" start_as_daemon
check "it stops" server_stop
check "without --user root takes the owner of the data for who serves" silent "$WORK/config.yml" --host "$REG"
as_daemon() { setpriv --reuid daemon --regid daemon --clear-groups -- "$@"; }
cp "$BUILD/berth" "$WORK/berth"
chmod 0755 "$WORK/berth"
daemon_doctor() { as_daemon "$WORK/berth" doctor "$@" >"$WORK/doctor" 2>&1; }
daemon_is_silent() { daemon_doctor "$WORK/config.yml" --host "$REG" && ! grep -E '^(error|warning) ' "$WORK/doctor"; }
check "daemon himself has no findings" daemon_is_silent
sed "s/:$PORT/:443/" "$WORK/config.yml" >"$WORK/low.yml"
chmod a+r "$WORK/low.yml"
daemon_doctor "$WORK/low.yml"
check "he is told that a low port is not for him" grep -q 'http.addr :443: ports below 1024 need root' "$WORK/doctor"

# --- certificates ---
chown -R root:root "$WORK/data" "$USERS" "$TLS_DIR"
tls_config() { sed "s|$TLS_DIR/server|$WORK/bad/server|" "$WORK/config.yml" >"$WORK/bad.yml"; }
mkdir -m 0700 "$WORK/bad"
tls_config
"$BUILD/berth-ca" init --dir "$WORK/bad" >/dev/null
"$BUILD/berth-ca" server --dir "$WORK/bad" elsewhere.example >/dev/null
check "a certificate for others is found" finds "does not cover $REG (--host)" "berth-ca server --force --dir $WORK/bad" "$WORK/bad.yml" --host "$REG"
line=$(remedy "does not cover $REG")
PATH=$BUILD:$PATH bash -c "$line" >/dev/null
check "and mended by the line that it gives" silent "$WORK/bad.yml" --host "$REG"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/bad/server.key" -out "$WORK/bad/server.crt" -days 90 -subj "/CN=$NAME" 2>/dev/null
check "one without names is found" finds "names its host in the subject only" "berth-ca server --force" "$WORK/bad.yml"
check "it is an authority's, too" finds "is an authority's certificate" "keep the authority's key elsewhere" "$WORK/bad.yml"
openssl genrsa -out "$WORK/bad/server.key" 2048 2>/dev/null
check "a key of another certificate is found" finds "not the key of the certificate beside it" "set http.tls.certificate and http.tls.key" "$WORK/bad.yml"

# --- users ---
htpasswd -bc "$WORK/weak" bob secret-password 2>/dev/null
sed "s|$USERS|$WORK/weak|" "$WORK/config.yml" >"$WORK/weak.yml"
chmod 0644 "$WORK/weak"
check "an MD5 hash is found by its name" finds "user bob: MD5 (apr1)" "berth-user passwd bob --file $WORK/weak" "$WORK/weak.yml"
check "an open user file is found" finds "everybody on this machine may read $WORK/weak" "chmod o-rwx $WORK/weak" "$WORK/weak.yml"
check "no hash and no password is shown" fails grep -q -e 'apr1\$' -e secret-password "$WORK/doctor"

# --- without anything ---
check "a configuration that is not there is found" finds "$WORK/none.yml: No such file" "check the path" "$WORK/none.yml"
export REGISTRY_HTTP_ADR=:1
check "an unknown variable is found" finds 'REGISTRY_HTTP_ADR: unknown variable' 'did you mean REGISTRY_HTTP_ADDR?' "$WORK/config.yml"
unset REGISTRY_HTTP_ADR
export REGISTRY_HTTP_HOST=https://nowhere.invalid
begun=$SECONDS
check "an http.host that the certificate does not cover is found" finds "does not cover nowhere.invalid (http.host)" "berth-ca server --force" "$WORK/config.yml"
check "and looking it up takes seconds at most, where no name service answers" [ $((SECONDS - begun)) -le "$PATIENCE" ]
unset REGISTRY_HTTP_HOST
check "a wrong --host is wrong usage" exits 2 "$BUILD/berth" doctor "$WORK/config.yml" --host 'no host'
finish
