"""Answers pages, names and echoes on given addresses, like a small network of its own.

usage: services.py LABEL LOG ADDRESS...

On every address: HTTP on TCP 80, DNS on UDP 53, echo on UDP and TCP 7, and on TCP 9 a server that greets and
then keeps silent. Each DNS question and each page becomes a line in LOG. Prints "ready" once all listen.
"""

import asyncio
import ipaddress
import socket
import struct
import sys

A, AAAA = 1, 28
NAMES = {
    "intranet.corp.test": {A: "10.99.0.1", AAAA: "fd99::1"},
    "four.corp.test": {A: "10.99.0.1"},
    "six.corp.test": {AAAA: "fd99::1"},
    "printer.branch.test": {A: "10.99.0.2", AAAA: "fd99::2"},
    "intranet.example.com": {A: "10.99.0.1", AAAA: "fd99::1"},
    "nas.home.example": {A: "10.99.0.2", AAAA: "fd99::2"},
    "tracker.example.net": {A: "203.0.113.1"},
    "www.internet.test": {A: "203.0.113.1", AAAA: "2001:db8:113::1"},
}


class Dns(asyncio.DatagramProtocol):
    def __init__(self, address, log):
        self.address, self.log = address, log

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, query, peer):
        labels, at = [], 12
        try:
            while query[at]:
                labels.append(query[at + 1 : at + 1 + query[at]].decode("ascii"))
                at += 1 + query[at]
            (kind,) = struct.unpack_from("!H", query, at + 1)
        except (IndexError, UnicodeDecodeError, struct.error):
            return
        question = query[12 : at + 5]
        name = ".".join(labels).lower()
        self.log(f"dns {self.address} {name} {kind}")
        records = NAMES.get(name)
        answer = b""
        if records and kind in records:
            data = ipaddress.ip_address(records[kind]).packed
            answer = struct.pack("!HHHIH", 0xC00C, kind, 1, 5, len(data)) + data
        # Authoritative answer, recursion available; NXDOMAIN only for names nobody has.
        flags = 0x8580 if records else 0x8583
        counts = struct.pack("!HHHH", 1, 1 if answer else 0, 0, 0)
        self.transport.sendto(query[:2] + struct.pack("!H", flags) + counts + question + answer, peer)


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, peer):
        self.transport.sendto(data, peer)


def http(label, log):
    async def serve(reader, writer):
        try:
            client = writer.get_extra_info("peername")[0]
            method, path, _ = (await reader.readline()).decode("latin-1").split()
            length = 0
            while (line := (await reader.readline()).strip()):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            received = len(await reader.readexactly(length))
            log(f"http {label} {client} {method} {path}")
            if path.startswith("/bytes/"):
                body = b"x" * min(int(path.rsplit("/", 1)[1]), 100_000_000)
            elif method != "GET":
                body = f"received {received} bytes\n".encode()
            else:
                body = f"hello from {label} to {client}\n".encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        except (ConnectionError, ValueError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    return serve


async def repeat(reader, writer):
    try:
        while data := await reader.read(4096):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def hold(reader, writer):
    writer.write(b"holding\n")
    try:
        await reader.read()
    except ConnectionError:
        pass
    writer.close()


async def main(label, path, addresses):
    file = open(path, "a", buffering=1, encoding="utf-8")

    def log(line):
        file.write(line + "\n")

    loop = asyncio.get_running_loop()
    servers = []
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for port, protocol in ((53, lambda a=address: Dns(a, log)), (7, Echo)):
            await loop.create_datagram_endpoint(protocol, local_addr=(address, port), family=family)
        for port, serve in ((80, http(label, log)), (7, repeat), (9, hold)):
            servers.append(await asyncio.start_server(serve, address, port, limit=2**20))
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
