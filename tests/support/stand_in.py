"""A stand-in for a VPN client: starts the helper as openconnect and openvpn do, and is the far side itself.

usage: stand_in.py [OPTION...] COMMAND

  --style shell      /bin/sh -c COMMAND in a process group of its own, the environment inherited (openconnect)
  --style pipe       /bin/sh -c COMMAND with no environment but --set's (openvpn's out-of-tree "|COMMAND")
  --style dev-node   COMMAND is the path of a program, started without arguments and with no environment but
                     --set's (openvpn 2.7's --dev-node unix:)
  --variable NAME    what holds the number of the socket [VPNFD]
  --set NAME=VALUE   one more variable
  --socket KIND      pair, seqpacket, stream, udp, udp-connected, lonely (unconnected), file, closed, or
                     unset, or =TEXT for the variable's very text [pair]
  --control PATH     stay when the helper ends, and take orders at this unix socket, a line each
  --deaf             ignore SIGCHLD, which the helper inherits
  --background       go on in a child process once the helper has been started, as openconnect 8 does with -b

Answers ping, and echoes UDP and TCP on port 7, on the level of packets; UDP to port 9 is only counted.
Without --control it exits as the helper did.
"""

import json
import os
import selectors
import signal
import socket
import struct
import sys
import tempfile

ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def total(data):
    """The internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    value = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while value >> 16:
        value = (value & 0xFFFF) + (value >> 16)
    return ~value & 0xFFFF


class FarSide:
    """Everything that packets get to see: answers, and counts."""

    def __init__(self):
        self.connections = {}
        self.received = self.octets = self.largest = 0
        self.sunk = []

    def answer(self, packet):
        """The packet that comes back, if any."""
        if len(packet) >= 40 and packet[0] >> 4 == 6 and packet[24] == 0xFF:
            return None  # The kernel's own: it looks for routers and joins groups.
        self.received += 1
        self.octets += len(packet)
        self.largest = max(self.largest, len(packet))
        if len(packet) >= 28 and packet[0] >> 4 == 4:
            at, protocol, addresses = (packet[0] & 15) * 4, packet[9], slice(12, 20)
        elif len(packet) >= 48 and packet[0] >> 4 == 6:
            at, protocol, addresses = 40, packet[6], slice(8, 40)
        else:
            return None
        pair = packet[addresses]
        half = len(pair) // 2
        back = pair[half:] + pair[:half]
        # The IPv4 header's checksum does not depend on the order of the addresses, nor UDP's on the ports'.
        head = packet[: addresses.start] + back + packet[addresses.stop : at]
        body = self.body(protocol, back, packet[at:])
        if body is None:
            return None
        if len(body) != len(packet) - at:
            head = resize(head, at + len(body))
        return head + body

    def body(self, protocol, addresses, body):
        request, reply = (8, 0) if protocol == ICMP else (128, 129)
        if protocol in (ICMP, ICMP6) and body[0] == request:
            pseudo = b"" if protocol == ICMP else addresses + struct.pack("!IxxxB", len(body), ICMP6)
            bare = bytes([reply, 0, 0, 0]) + body[4:]
            return bare[:2] + struct.pack("!H", total(pseudo + bare)) + bare[4:]
        if protocol == UDP:
            source, port = struct.unpack_from("!HH", body)
            if port == 7:
                return struct.pack("!HH", port, source) + body[4:]
            if port == 9:
                self.sunk.append(body[8:16].decode("ascii", "replace"))
        if protocol == TCP:
            return self.segment(addresses, body)
        return None

    def segment(self, addresses, body):
        """An echo server; what was lost with a relay is sent again when the other side does so."""
        source, port, sequence, acknowledged, offset, flags = struct.unpack_from("!HHIIBB", body)
        key = (addresses, source, port)
        payload = body[(offset >> 4) * 4 :]
        if flags & SYN:
            self.connections[key] = [b"", sequence + 1]
            return self.reply(addresses, port, source, 1000, sequence + 1, SYN | ACK, b"")
        if key not in self.connections or port != 7:
            return None if flags & RST else self.reply(addresses, port, source, 0, sequence, RST | ACK, b"")
        sent, expected = self.connections[key]
        if not payload and not flags & FIN:
            return None
        at = len(sent)
        if sequence == expected & 0xFFFFFFFF:
            sent, expected = sent + payload, expected + len(payload) + bool(flags & FIN)
            self.connections[key] = [sent, expected]
        else:
            at = acknowledged - 1001
        echo = sent[at : at + 1000]
        return self.reply(addresses, port, source, 1001 + at, expected, ACK | (PSH if echo else 0), echo)

    @staticmethod
    def reply(addresses, port, source, sequence, acknowledged, flags, payload):
        fields = (port, source, sequence & 0xFFFFFFFF, acknowledged & 0xFFFFFFFF, 5 << 4, flags, 60000)
        segment = struct.pack("!HHIIBBHxxxx", *fields) + payload
        value = total(addresses + struct.pack("!IxxxB", len(segment), TCP) + segment)
        return segment[:16] + struct.pack("!H", value) + segment[18:]

    def counts(self):
        return {
            "received": self.received,
            "octets": self.octets,
            "largest": self.largest,
            "sunk": self.sunk,
        }


def resize(head, length):
    """An IP header with another length in it."""
    if head[0] >> 4 == 6:
        return head[:4] + struct.pack("!H", length - 40) + head[6:]
    head = head[:2] + struct.pack("!H", length) + head[4:10] + b"\0\0" + head[12:]
    return head[:10] + struct.pack("!H", total(head)) + head[12:]


class StandIn:
    def __init__(self, options, command):
        self.options, self.command = options, command
        self.far = FarSide()
        self.selector = selectors.DefaultSelector()
        self.ours = None
        self.child = None
        self.status = None

    def sockets(self):
        """Our end, and what is given to the helper."""
        kind = self.options["socket"]
        kinds = {"pair": socket.SOCK_DGRAM, "seqpacket": socket.SOCK_SEQPACKET, "stream": socket.SOCK_STREAM}
        if kind in kinds:
            return socket.socketpair(socket.AF_UNIX, kinds[kind])
        if kind == "lonely":
            return None, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        if kind.startswith("udp"):
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            if kind == "udp-connected":
                udp.connect(("127.0.0.1", 9))  # Sends nothing.
            return None, udp
        if kind == "file":
            return None, tempfile.TemporaryFile()
        return None, None

    def start(self, *more):
        self.ours, theirs = self.sockets()
        own = dict(pair.split("=", 1) for pair in self.options["set"] + list(more))
        environment = own if self.options["style"] != "shell" else {**os.environ, **own}
        kind, name = self.options["socket"], self.options["variable"]
        if theirs is not None:
            environment[name] = str(theirs.fileno())
            os.set_inheritable(theirs.fileno(), True)
        elif kind == "closed":
            environment[name] = "87"
        elif kind.startswith("="):
            environment[name] = kind[1:]
        if name == "VPNFD" and self.options["style"] == "shell":
            environment["VPNPID"] = str(os.getpid())
        words = ["/bin/sh", "-c", self.command] if self.options["style"] != "dev-node" else [self.command]
        self.child = os.fork()
        if self.child == 0:
            if self.options["style"] == "shell":
                os.setpgid(0, 0)
            if self.options["deaf"]:
                signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            os.execve(words[0], words, environment)
        if theirs is not None:
            theirs.close()
        if self.options["background"] and os.fork():
            os._exit(0)
        if self.ours is not None:
            self.ours.setblocking(False)
            self.resume()

    def resume(self):
        self.selector.register(self.ours, selectors.EVENT_READ, self.packets)

    def pause(self):
        self.selector.unregister(self.ours)

    def packets(self, _):
        for _ in range(64):
            try:
                packet = self.ours.recv(70000)
            except (BlockingIOError, ConnectionError):
                return
            reply = self.far.answer(packet)
            if reply:
                self.send(reply)

    def send(self, datagram):
        try:
            self.ours.send(datagram)
        except OSError as error:
            return str(error)
        return "sent"

    def relay(self):
        """The helper's process: the child, or where the shell has stayed, the shell's."""
        with open(f"/proc/{self.child}/comm") as comm:
            if comm.read().startswith("vpnns"):
                return self.child
        with open(f"/proc/{self.child}/task/{self.child}/children") as children:
            return int(children.read().split()[0])

    def stop(self):
        """As openvpn at a restart: a signal for the child, and its end awaited."""
        os.kill(self.relay(), signal.SIGINT)
        _, status = os.waitpid(self.child, 0)
        self.child = None
        self.pause()
        self.ours.close()
        return os.waitstatus_to_exitcode(status)

    def order(self, line):
        words = line.split()
        match words:
            case ["counts"]:
                return self.far.counts()
            case ["relay"]:
                return self.relay()
            case ["pid"]:
                return os.getpid()
            case ["pause"]:
                return self.pause()
            case ["resume"]:
                return self.resume()
            case ["send", "empty"]:
                return self.send(b"")
            case ["send", "zeroes", length]:
                return self.send(bytes(int(length)))
            case ["send", "hex", digits]:
                return self.send(bytes.fromhex(digits))
            case ["stop"]:
                return self.stop()
            case ["start", *more]:
                return self.start(*more)
            case _:
                raise ValueError(line)

    def accept(self, listener):
        with listener.accept()[0] as peer, peer.makefile("rw") as lines:
            lines.write(json.dumps(self.order(lines.readline())) + "\n")

    def reap(self, pipe):
        pipe.recv(100)
        while self.child:
            pid, status = os.waitpid(self.child, os.WNOHANG)
            if pid == 0:
                return
            self.child, self.status = None, os.waitstatus_to_exitcode(status)
            print("the helper ended with", self.status, flush=True)

    def run(self):
        wake, woken = socket.socketpair()
        woken.setblocking(False)
        signal.set_wakeup_fd(woken.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.selector.register(wake, selectors.EVENT_READ, self.reap)
        if self.options["control"]:
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(self.options["control"])
            listener.listen()
            self.selector.register(listener, selectors.EVENT_READ, self.accept)
        self.start()
        print("ready", os.getpid(), flush=True)
        while self.status is None or self.options["control"]:
            for key, _ in self.selector.select():
                # An order of the same round may have closed it.
                if key.fileobj.fileno() >= 0:
                    key.data(key.fileobj)
        return self.status if self.status >= 0 else 128 - self.status


def main(words):
    options = {"style": "shell", "variable": "VPNFD", "socket": "pair", "control": None, "deaf": False}
    options |= {"background": False, "set": []}
    while words[0].startswith("--"):
        option = words.pop(0)[2:]
        if option in ("background", "deaf"):
            options[option] = True
        elif option == "set":
            options[option].append(words.pop(0))
        else:
            options[option] = words.pop(0)
    return StandIn(options, words[0]).run()


sys.exit(main(sys.argv[1:]))
