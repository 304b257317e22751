"""An app in an instance that talks to the stand-in for a VPN client and tells what it sees.

usage: app.py talk tcp|udp ADDRESS     sends a number every 20 ms on one socket; "echo NUMBER" a line,
                                       "error ERRNO" for each refusal; tcp ends at the first
       app.py whole ADDRESS SIZE...    one datagram of each IP size there and back; "whole SIZE" a line
       app.py pour ADDRESS COUNT SIZE  that many numbered datagrams to port 9 as fast as they go; "poured"
       app.py knock ADDRESS...         "ERRNO" a line for each: why there is no way to it; "through" else
"""

import errno
import os
import select
import socket
import sys
import time


def connect(kind, address, port=7):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    peer = socket.socket(family, kind)
    peer.connect((address, port))
    return peer


def say(*words):
    print(*words, flush=True)


def talk(kind, address):
    peer = connect(socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM, address)
    peer.setblocking(False)
    number, heard = 0, b""
    while number < 3000:
        number += 1
        try:
            peer.send(b"%d\n" % number)
            time.sleep(0.02)
            while select.select([peer], [], [], 0)[0]:
                data = peer.recv(65536)
                if not data:
                    say("error", "EOF")
                    return
                heard += data
        except BlockingIOError:
            continue
        except OSError as error:
            say("error", errno.errorcode[error.errno])
            if kind == "tcp":
                return
            time.sleep(0.02)
        *lines, heard = heard.split(b"\n")
        for line in lines:
            say("echo", line.decode())


def whole(address, sizes):
    peer = connect(socket.SOCK_DGRAM, address)
    # IP_MTU_DISCOVER, IPV6_MTU_DISCOVER: never cut a packet, say EMSGSIZE.
    level, option = (socket.IPPROTO_IPV6, 23) if ":" in address else (socket.IPPROTO_IP, 10)
    peer.setsockopt(level, option, 2)
    peer.settimeout(10)
    for size in map(int, sizes):
        sent = os.urandom(size - (48 if ":" in address else 28))
        peer.send(sent)
        say("whole" if peer.recv(70000) == sent else "harmed", size)


def pour(address, count, size):
    peer = connect(socket.SOCK_DGRAM, address, 9)
    for number in range(count):
        peer.send(b"%08d" % number + bytes(size - 8))
    say("poured")


def knock(address):
    try:
        with connect(socket.SOCK_DGRAM, address) as peer:
            peer.settimeout(1)
            # Datagrams may be late on a loaded machine; a refusal comes at once.
            for _ in range(10):
                peer.send(b"knock")
                try:
                    peer.recv(100)
                    return "through"
                except TimeoutError:
                    continue
        return "silence"
    except OSError as error:
        return errno.errorcode[error.errno]


match sys.argv[1:]:
    case ["talk", kind, address]:
        talk(kind, address)
    case ["whole", address, *sizes]:
        whole(address, sizes)
    case ["pour", address, count, size]:
        pour(address, int(count), int(size))
    case ["knock", *addresses]:
        for address in addresses:
            say(knock(address))
