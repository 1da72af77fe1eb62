"""What is read in the benchmark: one image with large layers, pushed to the registries and laid out for nginx."""
import hashlib
import http.client
import json
import os
import random
import ssl

MIB = 1 << 20
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
REPOSITORY = "bench/app"
TAG = "v1"
MANIFEST_PATH = f"/v2/{REPOSITORY}/manifests/{TAG}"
USER, PASSWORD = "bench", "correct horse"
SMALL_LAYERS = 5
COLD_LAYERS = 4  # together as large as the large one


class Content:
    """Files below `folder`, at the very paths of the registry's protocol, so that nginx can serve them as they are."""

    def __init__(self, folder, mebibytes):
        self.folder = folder
        self.blob_folder = f"{folder}/v2/{REPOSITORY}/blobs"
        os.makedirs(self.blob_folder)
        os.makedirs(os.path.dirname(folder + MANIFEST_PATH))
        noise = random.Random(1)
        small = [self.write([noise.randbytes(3000)]) for _ in range(SMALL_LAYERS + 1)]
        block = bytearray(noise.randbytes(MIB))
        large = self.write(self.stamped(block, 0, mebibytes))
        cold = [self.write(self.stamped(block, n + 1, mebibytes // COLD_LAYERS)) for n in range(COLD_LAYERS)]
        self.digests = [entry["digest"] for entry in (large, *small, *cold)]
        self.large_path = self.path(large)
        self.cold_paths = [self.path(entry) for entry in cold]
        self.manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": small[0],
                                    "layers": [*small[1:], large]}, indent=2).encode()
        with open(folder + MANIFEST_PATH, "wb") as file:
            file.write(self.manifest)

    @staticmethod
    def path(entry):
        return f"/v2/{REPOSITORY}/blobs/{entry['digest']}"

    @staticmethod
    def stamped(block, number, mebibytes):
        for n in range(mebibytes):
            block[:8] = (number << 32 | n).to_bytes(8, "little")
            yield block

    def write(self, pieces):
        checksum, size, unnamed = hashlib.sha256(), 0, f"{self.blob_folder}/new"
        with open(unnamed, "wb") as file:
            for piece in pieces:
                file.write(piece)
                checksum.update(piece)
                size += len(piece)
        digest = "sha256:" + checksum.hexdigest()
        os.rename(unnamed, f"{self.blob_folder}/{digest}")
        return {"mediaType": "application/octet-stream", "digest": digest, "size": size}

    def push(self, server):
        """All of it to a registry without auth."""
        context = ssl.create_default_context(cafile=f"{server.work}/tls/ca.crt")
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, blocksize=MIB)

        def ask(method, path, expected, body=b"", length=None, media_type="application/octet-stream"):
            connection.request(method, path, body, {"Content-Type": media_type, "Content-Length": str(length or len(body))})
            response = connection.getresponse()
            text = response.read()
            if response.status != expected:
                raise RuntimeError(f"{server.side}: {method} {path}: {response.status} {text[:300]!r}")
            return response.headers.get("Location", "")
        for digest in self.digests:
            session = ask("POST", f"/v2/{REPOSITORY}/blobs/uploads/", 202)
            name = f"{self.blob_folder}/{digest}"
            with open(name, "rb") as file:
                ask("PUT", session + ("&" if "?" in session else "?") + "digest=" + digest, 201, file,
                    os.path.getsize(name))
        ask("PUT", MANIFEST_PATH, 201, self.manifest, media_type=MANIFEST)
        connection.close()
