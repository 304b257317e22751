"""Sockets of host services, as stand-ins, and whoever connects to them.

usage: services.py serve PATH...   listens at each path, made anew, and answers "answered"
       services.py ask PATH...     what each says: its answer, or the error's name, a line each
"""

import contextlib
import errno
import os
import selectors
import socket
import sys


def serve(paths):
    selector = selectors.DefaultSelector()
    for path in paths:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.lexists(path):
            os.unlink(path)
        listener = socket.socket(socket.AF_UNIX)
        # Under another name first: who sees the socket may connect.
        listener.bind(path + ".new")
        listener.listen()
        os.rename(path + ".new", path)
        selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            connection, _ = key.fileobj.accept()
            with contextlib.suppress(OSError), connection:
                # Whoever only looks whether somebody is there has gone again.
                connection.sendall(b"answered\n")


def ask(path):
    with socket.socket(socket.AF_UNIX) as asker:
        try:
            asker.connect(path)
            return asker.recv(100).decode().strip()
        except OSError as error:
            return errno.errorcode[error.errno]


if sys.argv[1] == "serve":
    serve(sys.argv[2:])
for path in sys.argv[2:]:
    print(ask(path))
