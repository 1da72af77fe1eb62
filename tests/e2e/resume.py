#!/usr/bin/env python3
"""A push that is cut and goes on. Content follows from SEED and SIZE (MiB); FILE keeps where the session is.

usage: resume.py begin REPOSITORY SEED SIZE FILE [RATE]   POST and PATCH, at RATE MiB a second if given
       resume.py cut REPOSITORY SEED SIZE FILE fin|rst     the same, but ends the connection in the middle of a chunk
       resume.py kept FILE                                 bytes that the server has
       resume.py end REPOSITORY SEED SIZE FILE             PATCH the rest, PUT, GET and compare
"""
import itertools
import socket
import struct
import sys
import time

from client import MIB, Client, Content, Refused

BUSY_SECONDS = 10  # a server may need a moment to notice that the one who wrote before is gone


def begin_session(repository, file):
    client = Client()
    session = client.start(repository)
    with open(file, "w", encoding="ascii") as kept:
        kept.write(session)
    return client, session


def session_of(file):
    with open(file, encoding="ascii") as kept:
        return kept.read()


def paced(pieces, rate):
    for piece in pieces:
        yield piece
        if rate:
            time.sleep(1 / rate)


def begin(repository, seed, size, file, rate="0"):
    client, session = begin_session(repository, file)
    client.send(session, paced(Content(seed, int(size) * MIB).pieces(), int(rate)))


def cut(repository, seed, size, file, how):
    """Announces a chunk of a mebibyte, sends half of it, and is gone: politely (FIN) or not (RST)."""
    client, session = begin_session(repository, file)
    pieces = Content(seed, int(size) * MIB).pieces()
    client.head("PATCH", session, {"Content-Type": "application/octet-stream", "Transfer-Encoding": "chunked"})
    for piece in itertools.islice(pieces, int(size) // 2):
        client.connection.send(b"%x\r\n%b\r\n" % (len(piece), bytes(piece)))
    client.connection.send(b"%x\r\n" % MIB)
    client.connection.send(next(pieces)[:MIB // 2])
    if how == "rst":
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def kept(file):
    print(Client().kept(session_of(file)))


def end(repository, seed, size, file):
    content, client, session = Content(seed, int(size) * MIB), Client(), session_of(file)
    until = time.monotonic() + BUSY_SECONDS
    while True:
        start = client.kept(session)
        if not 0 < start <= content.size:
            raise AssertionError(f"the server says that it has {start} bytes of {content.size}")
        try:
            session = client.send(session, content.pieces(start))
            break
        except (Refused, OSError):
            if time.monotonic() > until:
                raise
        time.sleep(0.2)
        client = Client()
    client.finish(session, content.digest())
    client.pull(repository, content)
    print(f"resumed at {start}")


{"begin": begin, "cut": cut, "kept": kept, "end": end}[sys.argv[1]](*sys.argv[2:])
