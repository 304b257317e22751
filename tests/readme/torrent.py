"""Makes a torrent, or is the tracker of one that always names the same peer.

    torrent.py make DIRECTORY ANNOUNCE-URL
    torrent.py track DIRECTORY ADDRESS PORT PEER'S-PORT

The tracker says "ready", and then the address of each who asks it.
"""

import hashlib
import http.server
import os
import socket
import struct
import sys

PIECE = 1 << 16


def encoded(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, dict):
        return b"d" + b"".join(encoded(key) + encoded(value[key]) for key in sorted(value)) + b"e"
    if isinstance(value, str):
        value = value.encode()
    return b"%d:%s" % (len(value), value)


def make(directory, announce):
    content = os.urandom(20 * PIECE + 1234)
    pieces = b"".join(
        hashlib.sha1(content[at : at + PIECE]).digest() for at in range(0, len(content), PIECE)
    )
    info = {"length": len(content), "name": "linux.iso", "piece length": PIECE, "pieces": pieces}
    with open(f"{directory}/linux.iso", "wb") as file:
        file.write(content)
    with open(f"{directory}/linux.torrent", "wb") as file:
        file.write(encoded({"announce": announce, "info": info}))


def track(address, port, peer_port):
    answer = encoded(
        {"interval": 60, "peers": socket.inet_aton(address) + struct.pack("!H", peer_port)}
    )

    class Tracker(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            print(self.client_address[0], flush=True)
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer((address, port), Tracker)
    print("ready", flush=True)
    server.serve_forever()


if sys.argv[1] == "make":
    make(*sys.argv[2:])
else:
    track(sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
