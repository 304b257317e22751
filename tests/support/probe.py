"""Watches, from inside an instance and in milliseconds, whether the far side still answers.

usage: probe.py echo ADDRESS SECONDS   a datagram every 5 ms; "reply NS" or "error ERRNO NS" a line
       probe.py hold ADDRESS           a connection blocked in read; "holding", then "ended ERRNO NS"

NS is CLOCK_MONOTONIC in nanoseconds, which every process of the machine shares; ERRNO is a name.
"""

import errno
import socket
import sys
import time


def connect(kind, address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    peer = socket.socket(family, kind)
    peer.connect((address, port))
    return peer


def say(*words):
    print(*words, flush=True)


def echo(address, seconds):
    peer = None
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            # A socket of its own after an error: a connected one would keep its cached route.
            peer = peer or connect(socket.SOCK_DGRAM, address, 7)
            peer.settimeout(0.005)
            peer.send(b"probe")
            peer.recv(100)
            say("reply", time.monotonic_ns())
            time.sleep(0.005)
        except TimeoutError:
            continue
        except OSError as error:
            say("error", errno.errorcode[error.errno], time.monotonic_ns())
            peer = None
            time.sleep(0.005)


def hold(address):
    peer = connect(socket.SOCK_STREAM, address, 9)
    peer.recv(100)
    say("holding")
    try:
        ended = "EOF" if peer.recv(100) == b"" else "DATA"
    except OSError as error:
        ended = errno.errorcode[error.errno]
    say("ended", ended, time.monotonic_ns())


if sys.argv[1] == "echo":
    echo(sys.argv[2], float(sys.argv[3]))
else:
    hold(sys.argv[2])
