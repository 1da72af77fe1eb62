"""What the tests of uploads share: bytes to push, the requests, and what must be true afterwards."""
import wire

DATA = bytes(range(256)) * 40
DIGEST = wire.sha256(DATA)
ZERO = "sha256:" + "0" * 64


def status_of(server, place):
    """Where an upload stands: the Range of a 204."""
    answer = server.ask("GET", place)
    wire.equal(answer.status, 204, answer)
    wire.true(answer.header("docker-upload-uuid"), f"no id in {answer!r}")
    return answer.header("range")


def patch(server, place, data, content_range=None):
    headers = [("Content-Type", "application/octet-stream")]
    if content_range:
        headers.append(("Content-Range", content_range))
    return server.ask("PATCH", place, headers, data)


def put(server, place, digest, data=b"", content_range=None):
    return server.ask("PUT", wire.add_query(place, f"digest={digest}"), [("Content-Range", content_range)] if content_range else [], data)


def stored(server, repository, data, digest=None):
    answer = server.ask("GET", f"/v2/{repository}/blobs/{digest or wire.sha256(data)}")
    wire.equal((answer.status, answer.body), (200, data))


def absent(server, repository, digest):
    wire.equal(server.ask("HEAD", f"/v2/{repository}/blobs/{digest}").status, 404)
