"""Does a registry hold what it may, and nothing else? And does it go on working? Answers are lists of what is wrong."""
import json
import subprocess

import workload
from registry import BUILD, Gone
from workload import OCI_INDEX, OCI_MANIFEST, Client, Refused, content, digest_of, image_of

ACCEPT = [("Accept", f"{OCI_MANIFEST}, {OCI_INDEX}")]


class Problem(Exception):
    """A reading that cannot be made sense of."""


def get(registry, path, headers=()):
    """The answer, or None for 404."""
    answer = registry.ask("GET", path, headers)
    if answer.status == 404:
        answer.error_code()
        return None
    if answer.status not in (200, 204):
        raise Problem(f"GET {path}: {answer!r}")
    return answer


def see(registry, key):
    """The value of one thing; for an upload its offset."""
    if key[0] == "upload":
        answer = get(registry, key[1])
        return None if answer is None else workload.offset_of(answer)
    kind, repository, name = key
    path = f"/v2/{repository}/{'blobs' if kind == 'blob' else 'manifests'}/{name}"
    answer = get(registry, path, ACCEPT)
    if answer is None:
        return None
    if kind == "blob":
        return answer.body
    if kind == "manifest":
        return answer.header("content-type"), answer.body
    if digest_of(answer.body) != answer.header("docker-content-digest"):
        raise Problem(f"{key}: bytes of another digest than it says")
    return digest_of(answer.body)


def brief(value):
    return f"{len(value)} bytes" if isinstance(value, bytes) else repr(value)[:100]


def upload_allowed(offset, values):
    """What was asked of an upload and not answered leaves it between what it was and what it would be; finishing may
    also leave it empty (storage/DESIGN.md, Durability)."""
    lengths = [len(value) for value in values if value is not None]
    if offset is None:
        return None in values
    return bool(lengths) and (min(lengths) <= offset <= max(lengths) or (offset == 0 and None in values))


def check_things(registry, expected, torn, leftovers):
    seen, wrong = {}, []
    for key, values in expected.allowed.items():
        seen[key] = see(registry, key)
        if key[0] == "upload":
            left_empty = leftovers and seen[key] == 0 and None in values
            if not torn and not left_empty and not upload_allowed(seen[key], values):
                wrong.append(f"{key} is at {seen[key]}, not one of {[brief(value) for value in values]}")
        elif seen[key] not in values:
            wrong.append(f"{key} is {brief(seen[key])}, not one of {[brief(value) for value in values]}")
    wrong.extend(expected.halves(seen))
    return seen, wrong


def listing(registry, path, member):
    answer = get(registry, path)
    return None if answer is None else json.loads(answer.body)[member] or []


def check_lists(registry, seen):
    """Catalog, tags and referrers hold what was seen one by one."""
    wrong = []
    manifests = {}
    for key, value in seen.items():
        if key[0] == "manifest" and value is not None:
            manifests.setdefault(key[1], {})[key[2]] = value
    catalog = listing(registry, "/v2/_catalog", "repositories")
    if catalog != sorted(manifests):
        wrong.append(f"the catalog has {catalog}, not {sorted(manifests)}")
    for repository in {key[1] for key in seen if key[0] == "tag"}:
        tags = sorted(key[2] for key, value in seen.items() if key[:2] == ("tag", repository) and value is not None)
        listed = listing(registry, f"/v2/{repository}/tags/list", "tags") or []
        if listed != tags:
            wrong.append(f"{repository} lists the tags {listed}, not {tags}")
    for repository, held in manifests.items():
        for subject in {key[2] for key in seen if key[:2] == ("manifest", repository)}:
            attached = sorted(digest for digest, (_, body) in held.items()
                              if json.loads(body).get("subject", {}).get("digest") == subject)
            listed = sorted(entry["digest"] for entry in listing(registry, f"/v2/{repository}/referrers/{subject}", "manifests"))
            if listed != attached:
                wrong.append(f"{repository}@{subject} has the referrers {listed}, not {attached}")
    return wrong


def finish_uploads(client, seen, expected, torn):
    """Every upload that is there goes on from its offset to a blob. Where a power cut tore its bytes, the digest tells."""
    wrong = []
    for key, offset in seen.items():
        if key[0] != "upload" or offset is None or expected.allowed[key] == [None]:
            continue
        repository = key[1].split("/v2/")[1].split("/blobs/")[0]
        data = max((value for value in expected.allowed[key] if value is not None), key=len) + content("its end", 50)
        answer = client.registry.ask("PUT", workload.with_digest(key[1], digest_of(data)), (), data[offset:])
        if answer.status != 201 and not (torn and answer.status == 400 and answer.error_code() == "DIGEST_INVALID"):
            wrong.append(f"an upload at {offset} does not go on: {answer!r}")
        elif answer.status == 201 and see(client.registry, ("blob", repository, digest_of(data))) != data:
            wrong.append("an upload that went on ends in other bytes")
    return wrong


def push_again(client, expected):
    """All blobs, and a new image that names some of them, in every repository there was."""
    wrong = []
    repositories = {}
    for key, values in expected.allowed.items():
        for value in values:
            if key[0] == "blob" and value is not None:
                repositories.setdefault(key[1], []).append(value)
    try:
        for repository, blobs in repositories.items():
            for data in blobs:
                client.push_blob_at_once(repository, data)
            client.put_manifest(repository, "again", image_of(blobs[0], blobs))
            client.push_image(repository, "fresh", "fresh")
            if see(client.registry, ("blob", repository, digest_of(blobs[0]))) != blobs[0]:
                wrong.append("what was pushed again has other bytes")
            client.delete_tag(repository, "again")
    except (Refused, Gone) as error:
        wrong.append(f"pushing again: {error}")
    return wrong


def check_metadata(data):
    """All tables against each other, by a program of its own, while no server runs."""
    result = subprocess.run([f"{BUILD}/crash/check", data], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, check=False)
    return [] if result.returncode == 0 else [f"metadata: {result.stdout[-1000:]}"]


def check(registry, expected, torn=False, leftovers=False):
    """Everything, on a running registry. `torn`: after a power cut uploads need not know all they were given, and may be
    back. `leftovers`: where removing fails, the empty upload of a blob that is there may stay until it is purged."""
    client = Client(registry, workload.new_ledger())
    try:
        seen, wrong = check_things(registry, expected, torn, leftovers)
        wrong += check_lists(registry, seen)
        wrong += finish_uploads(client, seen, expected, torn)
        return wrong + push_again(client, expected)
    except (Problem, Gone) as error:
        return [str(error)]
