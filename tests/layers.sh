#!/bin/bash
# Checks every #include "…" and #include <…> against who may include whom (DESIGN.md): rooms, and one owner for each
# third-party library. Prints what breaks a rule; silent and successful otherwise.
set -eu -o pipefail
cd "$(dirname "$0")/.."
bad=0

complain() {
    echo "$1"
    bad=1
}

# The rooms that a file may include from, by the file's path.
rooms_of() {
    case $1 in
    registry/base/*) echo 'registry/base' ;;
    storage/upkeep/*) echo 'storage/upkeep storage storage/meta registry/base' ;;
    storage/distribution/*) echo 'storage/distribution storage storage/meta registry/base' ;;
    storage/backup/*) echo 'storage/backup storage storage/meta registry/base' ;;
    storage/*) echo 'storage storage/meta registry/base' ;;
    auth/*) echo 'auth registry/base' ;;
    tools/certificate/*) echo 'tools/certificate tools registry/base' ;;
    tools/ca/*) echo 'tools/ca tools/certificate tools auth registry/base' ;;
    tools/user/*) echo 'tools/user tools auth registry/base' ;;
    tools/trust/*) echo 'tools/trust tools registry/base' ;;
    tools/doctor/*) echo 'tools/doctor tools/certificate tools/trust tools auth storage registry/config registry/base' ;;
    tools/berth_*) echo 'tools tools/ca tools/certificate tools/user tools/trust auth registry/base' ;;
    tools/*) echo 'tools auth registry/base' ;;
    registry/client/*) echo 'registry/client registry/base' ;;
    registry/health/*) echo 'registry registry/observe registry/health registry/client registry/config registry/base' ;;
    registry/config/*) echo 'registry/config auth storage storage/upkeep registry/base' ;;
    registry/ops/*) echo 'registry registry/ops registry/api registry/config registry/client registry/events registry/observe registry/process registry/background registry/commands storage storage/meta storage/upkeep storage/backup storage/distribution registry/base' ;;
    registry/commands/command_doctor.c) echo 'registry registry/commands registry/process registry/config tools/doctor registry/base' ;;
    registry/*) echo 'registry registry/config registry/net registry/api registry/ops registry/client registry/health registry/events registry/observe registry/process registry/background registry/commands auth storage storage/meta storage/upkeep storage/backup storage/distribution registry/base' ;;
    tests/*) echo 'tests registry registry/config registry/net registry/api registry/ops registry/client registry/health registry/events registry/observe registry/process registry/background registry/commands auth storage storage/meta storage/upkeep storage/backup storage/distribution tools tools/ca tools/certificate tools/doctor tools/user tools/trust registry/base' ;;
    *) echo '' ;;
    esac
}

# header pattern | files that may include it
owners='
lmdb.h                          | storage/meta/meta_lmdb*.c storage/meta/meta_lmdb.h
argon2.h crypt.h                | auth/password.c
curl/*.h                        | registry/client/http_client*.c registry/client/http_client*.h
yaml.h                          | registry/config/config_tree.c
llhttp.h                        | registry/net/http1*.c registry/net/http1*.h
jansson.h                       | registry/client/remote*.c registry/client/login_file.c storage/manifest*.c storage/manifest_json.h storage/backup/backup_record.c tools/trust/*.c registry/events/event_references.c
h2o.h h2o/*.h                   | registry/*.c registry/*.h registry/observe/*.c registry/observe/*.h registry/net/*.c registry/net/*.h registry/api/*.c registry/api/*.h
openssl/*.h                     | registry/*.c registry/*.h registry/observe/*.c registry/observe/*.h registry/net/*.c registry/net/*.h registry/api/*.c registry/health/probe.c storage/digest*.c auth/*.c tools/*.c tools/*.h tools/certificate/*.c tools/certificate/*.h tools/trust/trust_files.c
'

check_room() {
    local file=$1 header=$2 room
    [[ -f $header ]] || { complain "$file: \"$header\" is not a path from the repository's root"; return; }
    for room in $(rooms_of "$file"); do
        [[ $room == tests && $header == tests/* ]] && return
        [[ ${header%/*} == "$room" ]] && return
    done
    complain "$file: may not include \"$header\""
}

check_owner() {
    local file=$1 header=$2 patterns files pattern allowed
    [[ $file == tests/* ]] && return
    while IFS='|' read -r patterns files; do
        for pattern in $patterns; do
            # shellcheck disable=SC2053 # patterns on purpose, here and below
            [[ $header == $pattern ]] || continue
            for allowed in $files; do
                # shellcheck disable=SC2053
                [[ $file == $allowed && ${file%/*} == "${allowed%/*}" ]] && return
            done
            complain "$file: only $(xargs <<<"$files") may include <$header>"
            return
        done
    done <<<"$owners"
}

files=0
set -f # patterns in the table above are not file names
while IFS=: read -r file _ line; do
    files=$((files + 1))
    case $line in
    *\"*\"*)
        header=${line#*\"}
        check_room "$file" "${header%%\"*}"
        ;;
    *\<*\>*)
        header=${line#*<}
        check_owner "$file" "${header%%>*}"
        ;;
    esac
done < <(set +f && grep -rnE '^[[:space:]]*#[[:space:]]*include' --include='*.[ch]' --include='*.def' registry storage auth tools tests)
((files > 0)) || complain "no #include found: is this the repository?"
exit $bad
