#!/bin/bash
# Goal: every shape of upload that the specification allows, by hand with curl: one request, POST and PUT,
# streamed, in chunks, resumed, cancelled, mounted, empty and larger than a gigabyte; what comes back is what went in.
. "$(dirname "$0")/lib.sh"
server_setup && server_start || exit 1
octets=(-H 'Content-Type: application/octet-stream')

# begin REPOSITORY: an upload session; its address is left in $location.
begin() {
    request POST "/v2/$1/blobs/uploads/"
    location=$(header Location)
}
# reads_back REPOSITORY DIGEST FILE
reads_back() {
    request GET "/v2/$1/blobs/$2"
    status_is 200 && body_is_file "$3"
}

head -c 1000000 /dev/urandom >"$WORK/a"
a=$(digest_of "$WORK/a")

begin up/one
check "POST begins a session" status_is 202
check "the session has an address" says /v2/up/one/blobs/uploads/ header Location
check "nothing has arrived yet" header_is Range 0-0
check "the session has an id" says - header Docker-Upload-UUID
request PUT "$(with "$location" "digest=$a")" "${octets[@]}" --data-binary "@$WORK/a"
check "one PUT with the whole body finishes it" status_is 201
check "the answer names the digest" header_is Docker-Content-Digest "$a"
request GET "$(header Location)"
check "the blob's Location works as given" body_is_file "$WORK/a"

head -c 900000 /dev/urandom >"$WORK/b"
b=$(digest_of "$WORK/b")
request POST "/v2/up/one/blobs/uploads/?digest=$b" "${octets[@]}" --data-binary "@$WORK/b"
check "POST with digest and body answers 201" status_is 201
check "and the blob reads back" reads_back up/one "$b" "$WORK/b"

head -c 3000000 /dev/urandom >"$WORK/c"
c=$(digest_of "$WORK/c")
begin up/stream
request PATCH "$location" "${octets[@]}" -H 'Transfer-Encoding: chunked' --data-binary "@$WORK/c"
check "a body of unknown length is streamed in" status_is 202
check "the answer says how much is kept" header_is Range 0-2999999
location=$(header Location)
request PUT "$(with "$location" "digest=$c")" -H 'Content-Length: 0'
check "and an empty PUT finishes it" status_is 201
check "the streamed blob reads back" reads_back up/stream "$c" "$WORK/c"

split -b 1000000 "$WORK/c" "$WORK/part."
begin up/chunks
request PATCH "$location" "${octets[@]}" -H 'Content-Range: 0-999999' --data-binary "@$WORK/part.aa"
check "the first chunk is taken" status_is 202
location=$(header Location)
request PATCH "$location" "${octets[@]}" -H 'Content-Range: 2000000-2999999' --data-binary "@$WORK/part.ac"
check "a chunk after a gap is refused" status_is 416
request GET "$location"
check "the session tells where it stands" header_is Range 0-999999
request PATCH "$location" "${octets[@]}" -H 'Content-Range: 1000000-1999999' --data-binary "@$WORK/part.ab"
check "the chunk that fits is taken" status_is 202
location=$(header Location)
request PUT "$(with "$location" "digest=$c")" "${octets[@]}" -H 'Content-Range: 2000000-2999999' --data-binary "@$WORK/part.ac"
check "the last chunk may come with the PUT" status_is 201
check "the blob of chunks reads back" reads_back up/chunks "$c" "$WORK/c"

begin up/cut
kept=0
timeout 2 curl -sS --cacert "$CA" --user "$ALICE:$ALICE_PASSWORD" --limit-rate 200k -X PATCH "${octets[@]}" -T "$WORK/c" \
    "$([[ $location == /* ]] && echo "https://$REG")$location" >"$WORK/cut.out" 2>&1
# cut_settled: the server has noticed the cut, and says how many bytes it kept.
cut_settled() {
    request GET "$location"
    [[ $STATUS == 204 && $(header Range) =~ ^0-([0-9]+)$ ]] || return 1
    kept=$((BASH_REMATCH[1] + 1))
    ((kept > 1)) && location=$(header Location)
}
check "after a cut connection the session keeps what arrived" eventually cut_settled
tail -c +$((kept + 1)) "$WORK/c" >"$WORK/rest"
request PATCH "$location" "${octets[@]}" -H "Content-Range: $kept-2999999" --data-binary "@$WORK/rest"
check "and the rest is taken from there ($kept bytes were kept)" status_is 202
location=$(header Location)
request PUT "$(with "$location" "digest=$c")" -H 'Content-Length: 0'
check "the resumed upload finishes" status_is 201
check "the resumed blob reads back" reads_back up/cut "$c" "$WORK/c"

begin up/wrong
request PUT "$(with "$location" "digest=$a")" "${octets[@]}" --data-binary "@$WORK/b"
check "a body that is not its digest's: DIGEST_INVALID" error_is 400 DIGEST_INVALID
request HEAD "/v2/up/wrong/blobs/$a"
check "and nothing is kept of it" status_is 404

begin up/cancel
request DELETE "$location"
check "an upload can be cancelled" status_is 204
request GET "$location"
check "and is gone: BLOB_UPLOAD_UNKNOWN" error_is 404 BLOB_UPLOAD_UNKNOWN

: >"$WORK/empty"
empty=$(digest_of "$WORK/empty")
blob_push up/empty "$WORK/empty"
check "a blob of no bytes is pushed" status_is 201
request GET "/v2/up/empty/blobs/$empty"
check "and has the length 0" header_is Content-Length 0

long=sha512:$(sha512sum "$WORK/a" | cut -d' ' -f1)
begin up/long
request PUT "$(with "$location" "digest=$long")" "${octets[@]}" --data-binary "@$WORK/a"
check "sha512 is accepted" status_is 201
check "sha512 is answered under sha512" header_is Docker-Content-Digest "$long"
check "and reads back" reads_back up/long "$long" "$WORK/a"

request POST "/v2/up/mounted/blobs/uploads/?mount=$a&from=up/one"
check "a blob is mounted from another repository" status_is 201
check "the mount's Location is the blob's" says "/v2/up/mounted/blobs/$a" header Location
check "the mounted blob reads back" reads_back up/mounted "$a" "$WORK/a"
request POST "/v2/up/mounted/blobs/uploads/?mount=sha256:$(printf 'f%.0s' {1..64})&from=up/one"
check "a mount of what is not there begins an ordinary upload" status_is 202
request DELETE "$(header Location)"

# 1.25 GiB, past every size that a 32-bit count or a spooling server trips over.
truncate -s 1342177280 "$WORK/big"
printf 'end' >>"$WORK/big"
big=$(digest_of "$WORK/big")
begin up/big
request PATCH "$location" "${octets[@]}" -T "$WORK/big"
check "a layer of 1.25 GiB is streamed in" status_is 202
location=$(header Location)
request PUT "$(with "$location" "digest=$big")" -H 'Content-Length: 0'
check "and finished" status_is 201
request HEAD "/v2/up/big/blobs/$big"
check "its length is told" header_is Content-Length 1342177283
check "it comes back whole" reads_back up/big "$big" "$WORK/big"
rm "$WORK/big" "$BODY"
finish
