"""Sits at a terminal for a test: types into a command that runs on a real pty, and waits for what it shows.

    terminal.py COMMAND... -- STEP...

A step `>TEXT` waits until TEXT is shown after everything waited for so far; `<TEXT` types TEXT. Backslash
escapes are understood (`\\x03` is Ctrl-C). Then the terminal is hung up. The exit code says whether every
wait was over within its time; the transcript is printed in any case.
"""

import os
import pty
import select
import sys
import termios
import time

PATIENCE = 15.0

words = sys.argv[1:]
command, steps = words[: words.index("--")], words[words.index("--") + 1 :]

pid, terminal = pty.fork()
if pid == 0:
    # No echo: a step must not be satisfied by what another one has typed. ECHO=1 leaves it on,
    # to see what the command itself hides.
    if "ECHO" not in os.environ:
        mode = termios.tcgetattr(0)
        mode[3] &= ~termios.ECHO
        termios.tcsetattr(0, termios.TCSANOW, mode)
    os.execvp(command[0], command)

shown, seen = b"", 0


def read(deadline):
    global shown
    ready, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
    if not ready:
        return False
    try:
        data = os.read(terminal, 4096)
    except OSError:  # EIO: nobody has the terminal open any more
        return False
    shown += data
    return bool(data)


failure = None
for step in steps:
    text = step[1:].encode().decode("unicode_escape").encode()
    if step[0] == "<":
        os.write(terminal, text)
        continue
    deadline = time.monotonic() + PATIENCE
    while text not in shown[seen:]:
        if not read(deadline):
            failure = f"in vain: {step}"
            break
    if failure:
        break
    seen = shown.index(text, seen) + len(text)

os.close(terminal)  # hangs up: SIGHUP for the session
deadline = time.monotonic() + PATIENCE
while os.waitpid(pid, os.WNOHANG)[0] == 0:
    if time.monotonic() > deadline:
        failure = failure or "the command outlived its terminal"
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        break
    time.sleep(0.01)
sys.stdout.write(shown.decode(errors="replace"))
sys.exit(failure)
