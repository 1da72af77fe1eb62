"""Runs a program on a terminal of its own and types an answer to each of its questions.

    typed.py ANSWER... -- COMMAND...

A question ends with ": ". Each answer gets a return after it; "^C" is the interrupt key. What the terminal shows goes to
stdout; the exit status is the program's, or 128 and the signal that ended it.
"""
import os
import pty
import signal
import sys

split = sys.argv.index("--")
answers, command = sys.argv[1:split], sys.argv[split + 1:]
pid, terminal = pty.fork()
if pid == 0:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs ignore it
    os.execvp(command[0], command)
signal.alarm(30)
shown = waiting = b""
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:  # the program is gone
        break
    if not piece:
        break
    shown += piece
    waiting += piece
    if waiting.endswith(b": ") and answers:
        answer = answers.pop(0)
        os.write(terminal, b"\x03" if answer == "^C" else answer.encode() + b"\r")
        waiting = b""
sys.stdout.write(shown.decode(errors="replace"))
sys.stdout.flush()
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(status if status >= 0 else 128 - status)
