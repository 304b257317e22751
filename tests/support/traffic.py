"""Apps that send a lot, or exactly so many datagrams, and look at every byte.

usage: traffic.py serve PORT                          answers "load"; "listening"
       traffic.py load up|down ADDRESS PORT BYTES     MD5 at both ends of a TCP stream; "same" or "different"
       traffic.py sink PORT COUNT                     "listening", then the numbers of the datagrams that came
       traffic.py pour ADDRESS PORT COUNT SIZE        numbered datagrams as fast as they go; "poured"
"""

import hashlib
import os
import socket
import sys
import threading

BLOCK, PIECE = 1 << 20, 1 << 18


def connect(kind, address, port):
    peer = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    peer.connect((address, int(port)))
    return peer


def send(peer, count):
    """Sends bytes that never come twice in the same order, and returns their digest."""
    digest, block, sent = hashlib.md5(), memoryview(os.urandom(BLOCK) * 2), 0
    while sent < count:
        at = sent // 257 % BLOCK
        piece = block[at : at + min(PIECE, count - sent)]
        digest.update(piece)
        peer.sendall(piece)
        sent += len(piece)
    return digest.hexdigest()


def receive(stream, count):
    digest, buffer, left = hashlib.md5(), memoryview(bytearray(PIECE)), count
    while left:
        length = stream.readinto(buffer[: min(PIECE, left)])
        if not length:
            sys.exit(f"the stream ended with {left} bytes to go")
        digest.update(buffer[:length])
        left -= length
    return digest.hexdigest()


def answer(peer):
    with peer, peer.makefile("rb") as stream:
        way, count = stream.readline().split()
        digest = receive(stream, int(count)) if way == b"up" else send(peer, int(count))
        peer.sendall(digest.encode() + b"\n")


def serve(port):
    with socket.create_server(("", int(port)), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        print("listening", flush=True)
        while True:
            threading.Thread(target=answer, args=[server.accept()[0]], daemon=True).start()


def load(way, address, port, count):
    with connect(socket.SOCK_STREAM, address, port) as peer, peer.makefile("rb") as stream:
        peer.sendall(f"{way} {count}\n".encode())
        digest = send(peer, int(count)) if way == "up" else receive(stream, int(count))
        theirs = stream.readline().decode().strip()
        print("same" if digest == theirs else f"different: {digest} {theirs}", flush=True)


def sink(port, count):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as peer:
        peer.bind(("", int(port)))
        peer.settimeout(10)
        print("listening", flush=True)
        for _ in range(int(count)):
            print(int(peer.recv(70000)[:8]), flush=True)


def pour(address, port, count, size):
    peer = connect(socket.SOCK_DGRAM, address, port)
    for number in range(int(count)):
        peer.send(b"%08d" % number + bytes(int(size) - 8))
    print("poured", flush=True)


{"serve": serve, "load": load, "sink": sink, "pour": pour}[sys.argv[1]](*sys.argv[2:])
