"""Both ends of what is passed through a port.

usage: talk.py serve tcp|udp ADDRESS PORT LABEL   "serving", then for ever: TCP sends back what comes, and
                                                  after its end LABEL; UDP each datagram with LABEL before it
       talk.py send ADDRESS PORT SIZE             SIZE random bytes by TCP, which are to come back while they
                                                  are sent; then says it has ended, and prints what comes then:
                                                  "intact LABEL", "harmed", or "error ERRNO"
       talk.py ask ADDRESS PORT                   one datagram, again and again until it is answered: the
                                                  answer, "silence" or "error ERRNO"
       talk.py crowd ADDRESS PORT COUNT           that many connections at once, of which each sends a word;
                                                  "answered N" when no more answer, then one is closed for each
                                                  line of input, and "answered N" again
       talk.py stay ADDRESS PORT                  a connection that says it has ended, and does not read; "stays"
"""

import errno
import os
import select
import socket
import sys
import threading
import time


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def say(*words):
    print(*words, flush=True)


def echo(peer, label):
    with peer:
        try:
            while data := peer.recv(65536):
                peer.sendall(data)
            peer.sendall(label.encode())
        except OSError:
            pass


def serve(kind, address, port, label):
    if kind == "udp":
        own = socket.socket(family(address), socket.SOCK_DGRAM)
        own.bind((address, port))
        say("serving")
        while True:
            data, peer = own.recvfrom(65536)
            own.sendto(label.encode() + b" " + data, peer)
    own = socket.socket(family(address), socket.SOCK_STREAM)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    own.bind((address, port))
    own.listen(256)
    say("serving")
    while True:
        peer, _ = own.accept()
        threading.Thread(target=echo, args=(peer, label), daemon=True).start()


def send(address, port, size):
    try:
        peer = socket.create_connection((address, port), timeout=20)
        data = os.urandom(size)

        def pour():
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)

        threading.Thread(target=pour, daemon=True).start()
        back = bytearray()
        while piece := peer.recv(65536):
            back += piece
    except OSError as error:
        return say("error", errno.errorcode.get(error.errno, error))
    intact = back[:size] == data and len(back) > size
    say("intact" if intact else "harmed", back[size:].decode("ascii", "replace"))


def ask(address, port):
    peer = socket.socket(family(address), socket.SOCK_DGRAM)
    peer.connect((address, port))
    peer.settimeout(0.5)
    for _ in range(10):
        try:
            peer.send(b"hello")
            return say(peer.recv(65536).decode())
        except TimeoutError:
            continue
        except OSError as error:
            return say("error", errno.errorcode[error.errno])
    say("silence")


def crowd(address, port, count):
    peers = []
    for _ in range(count):
        peer = socket.create_connection((address, port), timeout=20)
        peer.sendall(b"hello")
        peers.append(peer)
    answered = set()

    def listen():
        quiet = time.monotonic() + 4
        while time.monotonic() < quiet:
            waiting = [peer for peer in peers if peer not in answered]
            for peer in select.select(waiting, [], [], 0.1)[0]:
                if peer.recv(100):
                    answered.add(peer)
                quiet = time.monotonic() + 4
        say("answered", len(answered))

    listen()
    for _ in sys.stdin:
        peer = next(peer for peer in peers if peer in answered)
        peers.remove(peer)
        peer.close()
    listen()


def stay(address, port):
    peer = socket.create_connection((address, port), timeout=20)
    peer.shutdown(socket.SHUT_WR)
    say("stays")
    time.sleep(600)


match sys.argv[1:]:
    case ["serve", kind, address, port, label]:
        serve(kind, address, int(port), label)
    case ["send", address, port, size]:
        send(address, int(port), int(size))
    case ["ask", address, port]:
        ask(address, int(port))
    case ["crowd", address, port, count]:
        crowd(address, int(port), int(count))
    case ["stay", address, port]:
        stay(address, int(port))
