"""A mouse for a Wayland compositor without one, by the protocol wlr-virtual-pointer, on the wire itself.

It stays, as a mouse does: moves on a line "X Y" of the standard input, clicks on "X Y BUTTON", and says "done".
usage: pointer.py WIDTH HEIGHT
"""
import os
import socket
import struct
import sys
import time

BUTTONS = {"1": 0x110, "2": 0x112, "3": 0x111}
width, height = int(sys.argv[1]), int(sys.argv[2])
path = os.path.join(os.environ["XDG_RUNTIME_DIR"], os.environ["WAYLAND_DISPLAY"])
wire = socket.socket(socket.AF_UNIX)
wire.connect(path)
# Numbers are given without a gap; the first wait has 3.
DISPLAY, REGISTRY, MANAGER, POINTER = 1, 2, 4, 5
last = REGISTRY


def send(target, opcode, body=b""):
    wire.sendall(struct.pack("=IHH", target, opcode, 8 + len(body)) + body)


def text(value):
    data = value.encode() + b"\0"
    return struct.pack("=I", len(data)) + data + b"\0" * (-len(data) % 4)


def settle():
    """Waits until the compositor has dealt with everything so far; what it announced, by interface."""
    global last
    last += 1
    done, found = last, {}
    send(DISPLAY, 0, struct.pack("=I", done))
    while True:
        head = wire.recv(8, socket.MSG_WAITALL)
        if len(head) < 8:
            sys.exit("the compositor is gone")
        target, opcode, size = struct.unpack("=IHH", head)
        body = wire.recv(size - 8, socket.MSG_WAITALL) if size > 8 else b""
        if target == DISPLAY and opcode == 0:
            sys.exit(f"the compositor refused: {body!r}")
        if target == REGISTRY and opcode == 0:
            name, length = struct.unpack_from("=II", body)
            found[body[8:8 + length - 1].decode()] = name
        if target == done:
            return found


def now():
    return int(time.monotonic() * 1000) & 0xFFFFFFFF


def move(x, y):
    send(POINTER, 1, struct.pack("=IIIII", now(), x, y, width, height))
    send(POINTER, 4)


def button(code, pressed):
    send(POINTER, 2, struct.pack("=III", now(), code, pressed))
    send(POINTER, 4)


send(DISPLAY, 1, struct.pack("=I", REGISTRY))
INTERFACE = "zwlr_virtual_pointer_manager_v1"
send(REGISTRY, 0, struct.pack("=I", settle()[INTERFACE]) + text(INTERFACE) + struct.pack("=II", 1, MANAGER))
send(MANAGER, 0, struct.pack("=II", 0, POINTER))
last = POINTER
settle()
print("ready", flush=True)
for line in sys.stdin:
    x, y, *which = line.split()
    # Two steps, so that whatever is there sees the pointer come.
    move(max(int(x) - 3, 0), int(y))
    settle()
    time.sleep(0.1)
    move(int(x), int(y))
    settle()
    time.sleep(0.3)
    for number in which:
        button(BUTTONS[number], 1)
        settle()
        time.sleep(0.08)
        button(BUTTONS[number], 0)
        settle()
    print("done", flush=True)
