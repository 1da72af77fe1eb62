#!/usr/bin/env python3
"""`berth ctl`: how the server is, and what it is told while it serves: read-only and back, drained and back, more in the
log, files read again, log files opened again; and that nothing of it outlives a restart."""
import json
import os
import signal
import subprocess
import time

import wire

CONFIG = wire.CONFIG.replace("log: {{level: info}}", "log: {{level: info, file: {folder}/log, accesslog: {{file: {folder}/access}}}}")
READONLY = wire.CONFIG.replace("  delete: {{enabled: true}}", "  delete: {{enabled: true}}\n  maintenance: {{readonly: {{enabled: true}}}}")


def ctl(server, *words):
    """Exit status, output, errors."""
    result = subprocess.run([f"{wire.BUILD}/berth", "ctl", *words, "--config", f"{server.folder}/config.yml"],
                            capture_output=True, text=True, timeout=30, check=False)
    return result.returncode, result.stdout, result.stderr


def does(server, *words):
    status, output, error = ctl(server, *words)
    wire.equal((status, error), (0, ""))
    return output


def status(server):
    return json.loads(does(server, "status", "--json"))


def text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def is_closed(connection):
    """Did the server hang up?"""
    try:
        return connection.socket.recv(1) == b""
    except ConnectionResetError:
        return True


@wire.case("status tells people a line each, and programs an object, of the same things")
def _(server):
    wire.eventually(lambda: ctl(server, "status")[0] == 0, "it takes commands", wire.PATIENCE)
    lines = dict(line.split(None, 1) if " " in line.strip() else (line.strip(), "") for line in does(server, "status").splitlines())
    told = status(server)
    wire.equal(set(lines), set(told))
    wire.equal(lines["readonly"], "no")
    wire.equal((told["address"], told["tls"], told["ready"], told["draining"]), (f"127.0.0.1:{server.port}", False, True, False))
    wire.equal((told["log_level"], told["sweeper"], told["scrubber"], told["rules"]), ("info", "resting", "resting", 0))
    wire.equal(told["root_directory"], f"{server.folder}/data")
    with server.connect() as c:
        wire.equal(c.ask("GET", "/v2/").status, 200)
        wire.equal(status(server)["connections"], 1)
    server.begin("ctl/app")
    wire.true(status(server)["uploads"] >= 1, "no upload")


@wire.case("read-only refuses what writes with 405, lets read, and what operations would change; off ends that")
def _(server):
    address = server.begin("ctl/app")
    server.push_image("ctl/app", "v1")
    output = does(server, "read-only", "on")
    wire.true("after a restart it is writable again" in output, output)
    wire.refused(server.ask("POST", "/v2/ctl/app/blobs/uploads/"), 405, "UNSUPPORTED")
    wire.refused(server.ask("PATCH", address, body=b"more"), 405, "UNSUPPORTED")
    wire.refused(server.put_manifest("ctl/app", "v2", {"schemaVersion": 2}), 405, "UNSUPPORTED")
    wire.refused(server.ask("DELETE", "/v2/ctl/app/manifests/v1"), 405, "UNSUPPORTED")
    wire.equal(server.ask("GET", "/v2/ctl/app/manifests/v1").status, 200)
    told = status(server)
    wire.equal((told["readonly"], told["readonly_at_start"], told["sweeper"], told["scrubber"]), (True, False, "held: read-only", "held: read-only"))
    result = subprocess.run([f"{wire.BUILD}/berth", "gc", "--config", f"{server.folder}/config.yml"], capture_output=True, text=True, check=False)
    wire.true(result.returncode == 1 and "this server is read-only (storage.maintenance.readonly, or berth ctl read-only)" in result.stderr, result)
    wire.equal(does(server, "read-only", "off"), "writable\n")
    wire.equal(server.ask("PATCH", address, body=b"more").status, 202)
    does(server, "read-only", "on")
    server.restart()
    wire.eventually(lambda: ctl(server, "status")[0] == 0, "it takes commands", wire.PATIENCE)
    wire.equal(status(server)["readonly"], False)
    server.push_image("ctl/app", "v2")


@wire.case("a server that began read-only can be made writable until its restart")
def _(server):
    server.stop()
    server.configure(READONLY)
    server.start()
    wire.refused(server.ask("POST", "/v2/ctl/app/blobs/uploads/"), 405, "UNSUPPORTED")
    wire.eventually(lambda: ctl(server, "status")[0] == 0, "it takes commands", wire.PATIENCE)
    output = does(server, "read-only", "off")
    wire.true("after a restart it is read-only again, as the configuration says" in output, output)
    server.push_image("ctl/app", "v3")
    server.stop()
    server.configure(CONFIG)
    server.start()


@wire.case("drained it closes idle connections, serves new ones one request each, and undrain ends that")
def _(server):
    wire.eventually(lambda: ctl(server, "status")[0] == 0, "it takes commands", wire.PATIENCE)
    with server.connect() as idle, server.connect() as busy:
        wire.equal(idle.ask("GET", "/v2/").status, 200)
        busy.send(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n")
        wire.eventually(lambda: status(server)["connections"] == 2, "both are there", 10)
        status_, output, _error = ctl(server, "drain", "--timeout", "200ms")
        wire.equal(status_, 1)
        wire.true("1 connections are left" in output, output)
        wire.true(is_closed(idle), "an idle connection is left open")
        busy.send(f"Authorization: {wire.AUTHORIZATION}\r\n\r\n".encode())
        answer = busy.answer()
        wire.equal((answer.status, answer.header("connection")), (200, "close"))
    wire.true("0 connections are left" in does(server, "drain", "--timeout", "10s"), "it does not wait for them")
    told = status(server)
    wire.equal((told["ready"], told["draining"]), (False, True))
    wire.equal(server.ask("GET", "/v2/").header("connection"), "close")
    wire.equal(server.push_image("ctl/app", "drained")[:7], "sha256:")
    wire.equal(does(server, "undrain"), "ready again\n")
    wire.equal(status(server)["ready"], True)
    with server.connect() as c:
        wire.equal([c.ask("GET", "/v2/").status for _ in range(3)], [200] * 3)


@wire.case("the log tells more, or less, from now on")
def _(server):
    wire.equal(does(server, "log-level", "error"), "log level: error, was info\n")
    before = text(f"{server.folder}/log")
    wire.true("log level: error, was info" in before, before[-300:])
    does(server, "status")
    wire.equal(text(f"{server.folder}/log"), before)
    does(server, "log-level", "info")
    does(server, "status")
    wire.true("ctl: asked for by process" in text(f"{server.folder}/log")[len(before):], "it is still silent")


@wire.case("reload reads users, rules and certificates, and tells what is new and what is wrong")
def _(server):
    wire.true("new: nothing" in does(server, "reload"), "there is something new")
    server.add_user("newcomer", "a long password")
    wire.one_of(does(server, "reload").split("new: ")[1], ("users\n", "nothing\n"))  # it may have seen that by itself
    good = text(f"{server.folder}/htpasswd")
    with open(f"{server.folder}/htpasswd", "w", encoding="utf-8") as file:
        file.write("mallory:plain\n")
    code, _output, error = ctl(server, "reload")
    wire.equal(code, 1)
    wire.true("htpasswd:1" in error and "the users known before stay in force" in error, error)
    wire.equal(server.ask("GET", "/v2/").status, 200)
    with open(f"{server.folder}/htpasswd", "w", encoding="utf-8") as file:
        file.write(good)
    does(server, "reload")


@wire.case("rules in force are shown with where they come from")
def _(server):
    wire.equal(does(server, "rules"), "0 rules in force, from nowhere: who is logged in may do everything\n")
    server.configure(CONFIG + "access:\n  rules:\n    - {{subjects: [authenticated], actions: [pull]}}\n    - {{subjects: [root]}}\n")
    wire.true("new: access rules" in does(server, "reload") or status(server)["rules"] == 2, "they are not read")
    lines = does(server, "rules").splitlines()
    wire.equal(lines[0], f"2 rules in force, from the section access of {server.folder}/config.yml")
    wire.true("allow pull on" in lines[1] and "for authenticated" in lines[1] and len(lines) == 3, lines)
    server.configure(CONFIG)
    code, output, error = ctl(server, "reload")
    wire.equal(code, 0)
    wire.true("there are none any more" in error or "new: nothing" in output, (output, error))  # it may have seen that by itself


@wire.cases("log files that were moved are opened again: {0}", [("reopen-logs",), ("SIGUSR1",), ("by itself",)])
def _(server, how):
    log, access = f"{server.folder}/log", f"{server.folder}/access"
    for path in (log, access):
        os.rename(path, path + ".1")
    if how == "reopen-logs":
        wire.equal(does(server, how), "2 log files opened again\n")
    elif how == "SIGUSR1":
        server.process.send_signal(signal.SIGUSR1)
    wire.eventually(lambda: os.path.exists(log) and os.path.exists(access), "they are made anew", 10)
    wire.equal(os.stat(access).st_mode & 0o777, 0o640)
    server.ask("GET", "/v2/moved-logs")
    wire.eventually(lambda: "/v2/moved-logs" in text(access), "the access log goes on", 10)
    wire.eventually(lambda: "log files opened again" in text(log) or "ended with status" in text(log), "the log goes on", 10)


@wire.case("a log file that cannot be opened again is told, and the one before is used")
def _(server):
    access = f"{server.folder}/access"
    os.rename(access, access + ".2")
    os.symlink("/dev/null", access)
    code, _output, error = ctl(server, "reopen-logs")
    wire.equal(code, 1)
    wire.true("log.accesslog.file" in error and "it is a link" in error and "the file before stays in use" in error, error)
    server.ask("GET", "/v2/still-there")
    wire.eventually(lambda: "/v2/still-there" in text(access + ".2"), "its line is there", 10)
    os.remove(access)
    wire.eventually(lambda: os.path.exists(access), "it is made anew", 10)


@wire.cases("{0} is refused, with what there is", [
    (["dance"], 2, "berth ctl takes status | read-only on|off"), (["read-only"], 2, "berth ctl takes"), (["read-only", "maybe"], 2, "write `berth ctl read-only on` or `off`"),
    (["log-level", "loud"], 2, "`debug`"), (["status", "x"], 2, "berth ctl takes"), (["drain", "--timeout", "soon"], 2, "--timeout: not a duration")])
def _(server, words, code, wanted):
    got, output, error = ctl(server, *words)
    wire.equal((got, output), (code, ""))
    wire.true(wanted in error, error)


@wire.case("without a server it says so, with a status of its own")
def _(server):
    server.stop()
    code, output, error = ctl(server, "status")
    wire.equal((code, output), (3, ""))
    wire.true(f"no server serves the data directory {server.folder}/data just now; is this its configuration?" in error, error)
    began = time.monotonic()
    server.start()
    wire.eventually(lambda: ctl(server, "status")[0] == 0, "it is there", wire.PATIENCE)
    wire.true(time.monotonic() - began < wire.PATIENCE * 2, "it takes long")


wire.CONFIG, PLAIN = CONFIG, wire.CONFIG
wire.main()
