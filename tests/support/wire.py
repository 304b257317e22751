"""A VPN client and server in one: two instances' relays, and what comes out of one goes into the other.

usage: wire.py [--mtu BYTES] [--corrupt SHARE] [--through PROGRAM] NEAR FAR

NEAR gets the addresses 10.7.0.1 and fd07::1, FAR gets 10.7.0.2 and fd07::2. A SHARE (0 to 1) of the datagrams
is spoiled, one bit each. NEAR's relay is started through PROGRAM, a Python file, if there is one.
Loses nothing: what one side has no room for waits, and so does whoever sent it.
Prints "relays PID PID", and on SIGUSR1 "forwarded COUNT corrupted COUNT largest BYTES".
"""

import os
import random
import select
import signal
import socket
import subprocess
import sys

LARGEST = 65536


def attach(name, host, options, theirs, before):
    environment = {
        **os.environ,
        "VPNFD": str(theirs.fileno()),
        "VPNPID": str(os.getpid()),
        "INTERNAL_IP4_ADDRESS": f"10.7.0.{host}",
        "INTERNAL_IP4_MTU": options["mtu"],
        "INTERNAL_IP4_DNS": "10.7.0.9",
        "INTERNAL_IP6_NETMASK": f"fd07::{host}/64",
    }
    words = [*before, "vpnns", "--attach", "--name", name]
    return subprocess.Popen(words, env=environment, pass_fds=[theirs.fileno()]).pid


class Wire:
    def __init__(self, share):
        self.share = share
        self.chance = random.Random(7)
        self.forwarded = self.corrupted = self.largest = 0
        self.buffer = memoryview(bytearray(LARGEST))

    def spoil(self, packet):
        packet[self.chance.randrange(len(packet))] ^= 1 << self.chance.randrange(8)
        self.corrupted += 1

    def carry(self, source, target):
        """A batch; returns a packet for which there was no room."""
        for _ in range(64):
            try:
                length = source.recv_into(self.buffer)
            except BlockingIOError:
                return None
            packet = self.buffer[:length]
            self.forwarded += 1
            self.largest = max(self.largest, length)
            if self.share and self.chance.random() < self.share:
                self.spoil(packet)
            try:
                target.send(packet)
            except BlockingIOError:
                return bytes(packet)
        return None

    def run(self, near, far):
        ways = {near.fileno(): (near, far), far.fileno(): (far, near)}
        waiting = {}
        poll = select.poll()
        for number in ways:
            poll.register(number, select.POLLIN)
        while True:
            for number, events in poll.poll():
                source, target = ways[number]
                if events & select.POLLOUT:
                    # Here `number` is the one that had no room, for what the other has sent.
                    try:
                        source.send(waiting[target.fileno()])
                        del waiting[target.fileno()]
                    except BlockingIOError:
                        pass
                elif number not in waiting:
                    packet = self.carry(source, target)
                    if packet is not None:
                        waiting[number] = packet
            for number, (_, target) in ways.items():
                other = target.fileno()
                events = select.POLLIN if number not in waiting else 0
                poll.modify(number, events | (select.POLLOUT if other in waiting else 0))

    def tell(self, *_):
        print("forwarded", self.forwarded, "corrupted", self.corrupted, "largest", self.largest, flush=True)


def main(words):
    options = {"mtu": "1400", "corrupt": "0", "through": None}
    while words[0].startswith("--"):
        name, value = words.pop(0)[2:], words.pop(0)
        options[name] = value
    pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2)]
    through = [sys.executable, *options["through"].split()] if options["through"] else []
    before = [through, []]
    relays = [attach(name, 1 + i, options, pairs[i][1], before[i]) for i, name in enumerate(words)]
    for ours, theirs in pairs:
        theirs.close()
        ours.setblocking(False)
    wire = Wire(float(options["corrupt"]))
    signal.signal(signal.SIGUSR1, wire.tell)
    print("relays", *relays, flush=True)
    wire.run(pairs[0][0], pairs[1][0])


main(sys.argv[1:])
