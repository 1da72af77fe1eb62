#!/bin/bash
# Goal: rules of retention delete old tags and nothing else: the dry run says why of each tag, the command and the server
# itself apply them, what was deleted can be put back, and then untagged manifests go and their space comes back.
. "$(dirname "$0")/lib.sh"
server_setup || exit 1

# rules [KEY: VALUE...]: writes the configuration with the lines below storage.maintenance.
configure() {
    server_config
    sed -i "s|^  delete:|  maintenance:\n$1\n  delete:|" "$WORK/config.yml"
}
RULES='    retention:\n      rules:\n        - repositories: [ci/**]\n          keeplast: 2\n          keepmatching: ["v*"]\n          olderthan: 1s\n        - repositories: ["**/daily"]\n          notpulledfor: 24h'
configure "$RULES"
server_start || exit 1
retention() { "$BUILD/berth" retention --config "$WORK/config.yml" "$@"; }
tags() { "$BUILD/berth" tags "$@" --config "$WORK/config.yml"; }

# image REPOSITORY TAG CONTENT
image() {
    printf '%s' "$3" >"$WORK/blob"
    blob_push "$1" "$WORK/blob"
    printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%d},"layers":[]}' \
        "$OCI_MANIFEST" "$(digest_of "$WORK/blob")" "${#3}" >"$WORK/manifest"
    manifest_push "$1" "$2" "$WORK/manifest" "$OCI_MANIFEST"
    [[ $STATUS == 201 ]] || show_answer
}
tags_are() { request GET "/v2/$1/tags/list"; json_is .tags "$2"; }
blob_file() { local hex; hex=$(printf '%s' "$1" | sha256sum | cut -d' ' -f1); echo "$WORK/data/blobs/sha256/${hex:0:2}/$hex"; }

image ci/app 1 "build 1"
image ci/app v1 "release"
sleep 1.1
image ci/app 2 "build 2"
sleep 1.1
image ci/app 3 "build 3"
image team/app 1 "by hand"
image team/daily 1 "pulled or not"
sleep 2.1

check "a dry run names what would go" says "ci/app:1 would go: moved 20" retention --dry-run
check "and that it was never pulled" says "not known to have been pulled ($WORK/config.yml:" retention --dry-run ci/app
check "and what the number keeps" says "ci/app:3 kept: one of the last 2" retention --dry-run
check "and what its name keeps" says "ci/app:v1 kept: its name matches v*" retention --dry-run
check "and what nobody can know not to be pulled" says "team/daily:1 kept: moved" retention --dry-run
check "and what no rule is for" says "team/app: all kept: no rule is for this repository" retention --dry-run
check "and how many" says "1 tags would go, 4 are kept by rules" retention --dry-run
check "and deletes nothing" tags_are ci/app '["1","2","3","v1"]'
check "a repository that is not there is said to be none" exits 3 retention --dry-run no/such
check "a name with a tag is refused" exits 2 retention ci/app:1
check "in another repository nothing is to go" says "0 tags deleted" retention team/daily
check "applied, the tag is deleted" says "ci/app:1 deleted: moved" retention
check "and no other" tags_are ci/app '["2","3","v1"]'
check "the history says by what" says "1 deleted by retention: sha256:" tags history ci/app
check "it can be put back" says "again" tags restore ci/app:1
check "and counts as moved just now" tags_are ci/app '["1","2","3","v1"]'

request GET /v2/team/daily/manifests/1 -H "Accept: $OCI_MANIFEST"
check "somebody pulls" status_is 200
request HEAD /v2/team/app/manifests/1 -H "Accept: $OCI_MANIFEST"
check "somebody else only looks" status_is 200
check "the server is stopped" server_stop
pulled() { [[ $(tags list "$1" --json | jq -r '.pulled != null') == "$2" ]]; }
check "a pull was noted" pulled team/daily true
check "a look was not" pulled team/app false
check "retention works without a server" says "0 tags deleted" retention team/daily

# By itself, once a second, with everything that follows.
configure "$(sed 's|retention:\\n|retention:\\n      enabled: true\\n      interval: 1s\\n|; s|keeplast: 2|keeplast: 1|' <<<"$RULES")\n    history:\n      keep: 1s\n    garbagecollection:\n      interval: 1s\n      grace: 1s\n      deleteuntagged: true"
log_mark
check "the server starts and applies the rules by itself" server_start
only_newest() { tags_are ci/app '["1","v1"]'; }
check "old builds go" eventually only_newest
check "the log says how many" log_says 'retention deleted [0-9]+ tags'
freed() { [[ ! -e $(blob_file "build 2") && ! -e $(blob_file "build 3") ]]; }
check "then their manifests and blobs go, too" eventually freed
check "what tags lead to stays" test -f "$(blob_file "release")"
check "nothing is left to put back" fails_saying "nothing is known" tags restore ci/app:2
check "the server is stopped" server_stop

refuses() { configure "    retention:\n$1"; fails_saying "$2" "$BUILD/berth" serve "$WORK/config.yml"; }
check "a rule that would delete everything is refused" refuses '      rules: [{repositories: ["**"]}]' "it would delete every tag; add what to keep"
check "so is an unknown key" refuses '      rules: [{repositories: ["**"], keepfirst: 2}]' "unknown key; did you mean"
check "and a key without a value" refuses '      rules: [{repositories: ["**"], olderthan: }]' "no value; "
check "and being enabled without rules" refuses '      enabled: true' "there are no rules"
configure '    retention:\n      enabled: false'
check "without rules the command says so" fails_saying "there are no rules; write some" retention
finish
