"""A connector says its last words to a keeper that is busy, and then another one comes.

usage: goodbye.py KEEPER

Prints what the keeper answers to each, and in between which state it shows.
"""

import json
import os
import signal
import socket
import sys

keeper = int(sys.argv[1])


def visitor():
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(os.path.expanduser("~/.vpnns-default/control"))
    return connection


def say(connection, **words):
    connection.send(json.dumps({"v": 1, **words}).encode())


def answer(connection):
    return json.loads(connection.recv(100_000))


def register(connection):
    say(connection, do="connect", profile="test", server=None)


first = visitor()
register(first)
print(answer(first)["is"])
os.kill(keeper, signal.SIGSTOP)
for number in range(20):
    say(first, do="log", text=f"line {number}")
say(first, do="finish", reason="it is over", hint=None)
first.close()
observer = visitor()
say(observer, do="status")
second = visitor()
register(second)
os.kill(keeper, signal.SIGCONT)
print(answer(observer)["state"])
print(answer(second)["is"])
