"""One TCP connection of an app, from inside an instance: how much of what it sends arrives.

usage: session.py ADDRESS   sends for as long as it runs; "delivered BYTES" a line, or "ended ERRNO"
"""

import errno
import fcntl
import socket
import struct
import sys
import termios
import time

address = sys.argv[1]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
peer = socket.socket(family, socket.SOCK_STREAM)
peer.connect((address, 9))
peer.recv(100)
peer.setblocking(False)
sent = 0
while True:
    try:
        sent += peer.send(b"x" * 1000)
    except BlockingIOError:
        pass
    except OSError as error:
        print("ended", errno.errorcode[error.errno], flush=True)
        break
    # What the other side has not acknowledged (tcp(7): SIOCOUTQ).
    left = struct.unpack("i", fcntl.ioctl(peer, termios.TIOCOUTQ, b"\0" * 4))[0]
    print("delivered", sent - left, flush=True)
    time.sleep(0.1)
