"""TLS from both ends, for the scenarios about who may in: authorities and certificates made by openssl, and connections
whose answers are read strictly.

Where the registry is comes from the environment (lib.sh): REG, CA, WORK, TESTS.
"""
import base64
import functools
import os
import socket
import ssl
import subprocess
import sys

sys.path.insert(0, f"{os.environ['TESTS']}/wire")
# pylint: disable-next=wrong-import-position
from client import Connection, Failed, PATIENCE  # noqa: E402

NAME, _port = os.environ["REG"].rsplit(":", 1)
PORT = int(_port)
INSIDE, OUTSIDE = "192.0.2.1", "127.0.0.1"  # addresses of this machine (sandbox.sh)

CONFIGURATION = """[ca]
default_ca = this
[this]
database = {folder}/index.txt
serial = {folder}/serial
crlnumber = {folder}/crlnumber
new_certs_dir = {folder}
certificate = {folder}/ca.crt
private_key = {folder}/ca.key
default_md = sha256
default_days = 30
default_crl_days = 30
unique_subject = no
policy = any
[any]
commonName = supplied
"""
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"openssl {' '.join(arguments)}: {done.stderr}")
    return done.stdout


class Authority:
    """A private one in a folder of its own; certificate() is what clients show, as one file with the key."""

    def __init__(self, name):
        self.folder = f"{os.environ['WORK']}/authority-{name}"
        self.certificate = f"{self.folder}/ca.crt"
        os.mkdir(self.folder)
        for file, text in (("index.txt", ""), ("serial", "1000\n"), ("crlnumber", "01\n"), ("ca.cnf", CONFIGURATION.format(folder=self.folder))):
            with open(f"{self.folder}/{file}", "w", encoding="utf-8") as out:
                out.write(text)
        openssl("req", "-x509", *NEW_KEY, "-keyout", f"{self.folder}/ca.key", "-out", self.certificate, "-days", "30", "-subj", f"/CN={name}",
                "-addext", "keyUsage=keyCertSign,cRLSign")

    def issue(self, name, *more, extensions="extendedKeyUsage=clientAuth", file=None):
        """A certificate for `name`, in a file named like it or as told; `more` are arguments of `openssl ca`."""
        path = f"{self.folder}/{file or name}"
        with open(f"{path}.ext", "w", encoding="utf-8") as out:
            out.write(extensions + "\n")
        openssl("req", *NEW_KEY, "-keyout", f"{path}.key", "-subj", f"/CN={name}", "-out", f"{path}.csr")
        openssl("ca", "-batch", "-config", f"{self.folder}/ca.cnf", "-notext", "-in", f"{path}.csr", "-out", f"{path}.crt", "-extfile", f"{path}.ext", *more)
        with open(f"{path}.pem", "w", encoding="utf-8") as out:
            out.write(text_of(f"{path}.crt") + text_of(f"{path}.key"))
        return f"{path}.pem"

    def revoke(self, pem):
        openssl("ca", "-config", f"{self.folder}/ca.cnf", "-revoke", pem)

    def revocations(self):
        return openssl("ca", "-config", f"{self.folder}/ca.cnf", "-gencrl")


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def replace(path, text):
    """In one step, as editors and administrators should."""
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(f"{path}.new", path)


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@functools.cache
def context_of(certificate=None):
    """For connections that show this certificate, or none."""
    context = ssl.create_default_context(cafile=os.environ["CA"])
    if certificate:
        context.load_cert_chain(certificate)
    return context


class TlsConnection(Connection):
    """One connection to the registry, from `source` if given."""

    def __init__(self, context, authorization=None, source=None, session=None):  # pylint: disable=super-init-not-called
        plain = socket.create_connection((NAME, PORT), timeout=PATIENCE, source_address=source and (source, 0))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket = context.wrap_socket(plain, server_hostname=NAME, session=session)
        except BaseException:
            plain.close()
            raise
        self.authorization = authorization
        self.received = b""

    def compose(self, method, path, headers=(), body=None):
        return super().compose(method, path, [("Host", os.environ["REG"]), *headers], body)
