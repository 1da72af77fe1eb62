# shellcheck shell=bash
# What every scenario uses: checks that count, a server of its own, and requests that can be asked about.
#
#   . "$(dirname "$0")/lib.sh"
#   server_setup; server_start                   a TLS server with users on every address of this machine
#   request GET /v2/                             sets $STATUS, $HEAD (file), $BODY (file)
#   check "the root answers {}" body_is '{}'
#   finish                                       must be the last line
#
# Runs inside sandbox.sh, which gives $WORK, a fresh folder, and cleans up. A scenario that stops before
# `finish` counts as failed, and so does one whose server log holds a sanitizer's report.
set -u -o pipefail

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PORT=5000
NAME=registry.test
REG=$NAME:$PORT
TLS_DIR=$WORK/tls
CA=$TLS_DIR/ca.crt
USERS=$WORK/htpasswd
# Names and passwords the scenarios log in with.
ALICE=alice
ALICE_PASSWORD='correct horse, battery'
LOG=$WORK/server.log
OCI_MANIFEST=application/vnd.oci.image.manifest.v1+json
OCI_INDEX=application/vnd.oci.image.index.v1+json
DOCKER_MANIFEST=application/vnd.docker.distribution.manifest.v2+json
DOCKER_LIST=application/vnd.docker.distribution.manifest.list.v2+json
export TESTS OCI_MANIFEST OCI_INDEX DOCKER_MANIFEST DOCKER_LIST # some scenarios use them
HEAD=$WORK/head
BODY=$WORK/body
STATUS=
SERVER_PID=
MARK=0
# Seconds to wait for a server to start or stop; sanitizers are slow.
PATIENCE=${SANITIZER_SLOW:-10}
passed=0
failed=0
finished=

# check "sentence" COMMAND...: the sentence holds when the command succeeds.
check() {
    local sentence=$1
    shift
    if "$@" >"$WORK/check.out" 2>&1 </dev/null; then
        passed=$((passed + 1))
        return 0
    fi
    failed=$((failed + 1))
    printf 'FAILED: %s\n        %s\n' "$sentence" "$*"
    tail -n 30 "$WORK/check.out" | sed 's/^/        | /'
    return 1
}

# fails COMMAND...: the command fails. fails_saying TEXT COMMAND...: and its output holds TEXT.
fails() { ! "$@"; }
fails_saying() {
    local text=$1 code=0
    shift
    "$@" >"$WORK/said" 2>&1 || code=$?
    cat "$WORK/said"
    [[ $code -ne 0 ]] && grep -qiF -- "$text" "$WORK/said"
}
# exits CODE COMMAND...: the command ends with that very exit status.
exits() {
    local wanted=$1 code=0
    shift
    "$@" || code=$?
    [[ $code == "$wanted" ]] || { echo "exit status $code, not $wanted"; return 1; }
}
# says TEXT COMMAND...: the command succeeds and prints TEXT somewhere.
says() {
    local text=$1
    shift
    "$@" >"$WORK/said" 2>&1 || { cat "$WORK/said"; return 1; }
    cat "$WORK/said"
    grep -qF -- "$text" "$WORK/said"
}

# eventually COMMAND...: succeeds within PATIENCE seconds.
eventually() {
    local until=$((SECONDS + PATIENCE))
    until "$@"; do
        ((SECONDS < until)) || return 1
        sleep 0.1
    done
}

# within MILLISECONDS COMMAND...: succeeds, and has not taken longer.
within() {
    local until=$((${EPOCHREALTIME/./} / 1000 + $1))
    shift
    until "$@"; do
        ((${EPOCHREALTIME/./} / 1000 < until)) || return 1
        sleep 0.05
    done
    ((${EPOCHREALTIME/./} / 1000 < until))
}

finish() {
    server_running && { check "the server stops when told to" server_stop; }
    finished=yes
    exit 0
}

# Totals are the last line whatever happened.
conclude() {
    [[ -n $finished ]] || { echo "FAILED: the scenario stopped before its end"; failed=$((failed + 1)); }
    if [[ -f $LOG ]] && grep -m 1 -A 40 -E 'ERROR: (Address|Leak|Thread)Sanitizer|WARNING: ThreadSanitizer|runtime error:' "$LOG"; then
        echo "FAILED: a sanitizer complained in the server's log, see above"
        failed=$((failed + 1))
    fi
    if ((failed > 0)) && [[ -f $LOG ]]; then
        echo "--- the end of the server's log"
        tail -n 20 "$LOG" | cut -c 1-300
    fi
    echo "$passed passed, $failed failed"
    ((failed == 0)) || exit 1
}
trap conclude EXIT

# --- the server -------------------------------------------------------------------------------------------

# Certificates, users and a configuration file with TLS and passwords.
server_setup() {
    "$BUILD/berth-ca" init --dir "$TLS_DIR" >/dev/null || return 1
    "$BUILD/berth-ca" server --dir "$TLS_DIR" "$NAME" registry6.test localhost 127.0.0.1 ::1 192.0.2.1 2001:db8::5 >/dev/null || return 1
    user_set add "$ALICE" "$ALICE_PASSWORD" || return 1
    server_config
}

# user_set add|passwd NAME PASSWORD: passwords go in on standard input.
user_set() { printf '%s\n' "$3" | "$BUILD/berth-user" "$1" "$2" --file "$USERS" --password-stdin >/dev/null; }

# server_config [tls=no] [auth=no] [addr=TEXT] [net=unix] [delete=false] [extra=LINES]
server_config() {
    local tls=yes auth=yes addr=:$PORT net=tcp delete=true extra='' word
    for word; do
        case $word in
        tls=* | auth=* | addr=* | net=* | delete=* | extra=*) local "${word?}" ;;
        *) echo "server_config: $word?"; return 1 ;;
        esac
    done
    {
        printf 'version: 0.1\nlog:\n  level: info\n'
        printf 'storage:\n  filesystem:\n    rootdirectory: %s\n  delete:\n    enabled: %s\n' "$WORK/data" "$delete"
        printf 'http:\n  addr: "%s"\n  net: %s\n' "$addr" "$net"
        [[ $tls == no ]] || printf '  tls:\n    certificate: %s\n    key: %s\n' "$TLS_DIR/server.crt" "$TLS_DIR/server.key"
        [[ $auth == no ]] || printf 'auth:\n  htpasswd:\n    realm: Registry Realm\n    path: %s\n' "$USERS"
        printf '%s' "$extra"
    } >"$WORK/config.yml"
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null || [[ -S $WORK/berth.sock ]]; }
server_running() { [[ -n $SERVER_PID ]] && kill -0 "$SERVER_PID" 2>/dev/null; }
listening_or_dead() { listening || ! server_running; }

# Arguments, if any, are put in front: server_start env REGISTRY_HTTP_ADDR=:5001
server_start() {
    rm -f "$WORK/berth.sock"
    "$@" "$BUILD/berth" serve "$WORK/config.yml" >>"$LOG" 2>&1 </dev/null &
    SERVER_PID=$!
    if ! eventually listening_or_dead || ! server_running; then
        echo "the server does not start:"
        tail -n 20 "$LOG"
        return 1
    fi
}

# SIGTERM, and the exit status; 137 if it had to be killed.
server_stop() {
    local pid=$SERVER_PID until=$((SECONDS + 40))
    SERVER_PID=
    kill -TERM "$pid" || return 1
    while kill -0 "$pid" 2>/dev/null; do
        if ((SECONDS >= until)); then
            kill -KILL "$pid"
            echo "the server did not stop in time"
        fi
        sleep 0.05
    done
    wait "$pid"
}

# log_mark; log_says REGEX: a line that the server has logged since the mark matches.
log_mark() { MARK=$(wc -l <"$LOG"); }
log_says() { grep -E -m 1 -- "$1" <(tail -n "+$((MARK + 1))" "$LOG"); }

server_kill() {
    local pid=$SERVER_PID
    SERVER_PID=
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
    return 0
}

# --- requests by hand -------------------------------------------------------------------------------------

# request METHOD PATH-OR-URL [curl arguments]: as alice. Always succeeds; ask about the answer afterwards.
request() { request_as "$ALICE:$ALICE_PASSWORD" "$@"; }

# request_as USER:PASSWORD METHOD PATH-OR-URL [curl arguments]; an empty USER:PASSWORD sends none.
request_as() {
    local who=$1 method=$2 url=$3 arguments
    shift 3
    [[ $url == /* ]] && url=https://$REG$url
    if [[ $method == HEAD ]]; then arguments=(--head); else arguments=(-X "$method"); fi
    [[ -n $who ]] && arguments+=(--user "$who")
    : >"$BODY"
    STATUS=$(curl -sS --cacert "$CA" --path-as-is --max-time 120 "${arguments[@]}" -D "$HEAD" -o "$BODY" -w '%{http_code}' "$@" "$url" 2>"$WORK/curl.err")
    tr -d '\r' <"$HEAD" >"$HEAD.lf" 2>/dev/null && mv "$HEAD.lf" "$HEAD"
    return 0
}

# The last value of a header of the last answer.
header() { sed -n "s/^$1: *//Ip" "$HEAD" | tail -n 1; }

show_answer() {
    echo "status $STATUS"
    cat "$WORK/curl.err" "$HEAD"
    head -c 2000 "$BODY"
}
status_is() { [[ $STATUS == "$1" ]] || { show_answer; return 1; }; }
header_is() { [[ $(header "$1") == "$2" ]] || { show_answer; return 1; }; }
body_is() { [[ $(cat "$BODY") == "$1" ]] || { show_answer; return 1; }; }
body_is_file() { cmp "$1" "$BODY"; }
# error_is STATUS CODE: an OCI error body with that code.
error_is() {
    if ! jq -e --arg code "$2" '.errors[0] | .code == $code and (.message | length > 0)' "$BODY" >/dev/null || [[ $STATUS != "$1" ]]; then
        show_answer
        return 1
    fi
}
# json_is FILTER VALUE, of the last body.
json_is() { [[ $(jq -c "$1" "$BODY") == "$2" ]] || { show_answer; return 1; }; }

digest_of() { echo "sha256:$(sha256sum "$1" | cut -d' ' -f1)"; }

# blob_push REPOSITORY FILE: POST and one PUT.
blob_push() {
    local to
    request POST "/v2/$1/blobs/uploads/"
    to=$(header Location)
    request PUT "$(with "$to" "digest=$(digest_of "$2")")" -H 'Content-Type: application/octet-stream' --data-binary "@$2"
}
# with LOCATION QUERY: the Location with a query added, whether it has one or not.
with() { if [[ $1 == *\?* ]]; then echo "$1&$2"; else echo "$1?$2"; fi; }
# manifest_push REPOSITORY REFERENCE FILE MEDIA-TYPE [curl arguments]
manifest_push() {
    local repository=$1 reference=$2 file=$3 type=$4
    shift 4
    request PUT "/v2/$repository/manifests/$reference" -H "Content-Type: $type" --data-binary "@$file" "$@"
}
