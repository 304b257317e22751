"""Runs a command under a kernel that refuses something, as older or broken ones do, with EINVAL.

usage: refuse.py WHAT COMMAND...

  merged     writing more than two packets in one piece to a device (writev of more than three parts)
  udp        offload of UDP: TUNSETOFFLOAD with TUN_F_USO4 or TUN_F_USO6, before Linux 6.2
  offload    every TUNSETOFFLOAD

A seccomp filter, since the program may be static. It stays with every process that the command starts.
"""

import ctypes
import os
import platform
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | 22
LOAD, EQUAL, GREATER, ANY_BIT, RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
WRITEV, IOCTL = {"x86_64": (20, 16), "aarch64": (66, 29)}[platform.machine()]
TUNSETOFFLOAD, USO = 0x400454D0, 0x20 | 0x40


def argument(index):
    """Where the lower half of a system call's argument stands in seccomp_data."""
    return 16 + 8 * index


def program(what):
    """Instructions as (code, jump if true, jump if false, value); what goes through them is refused."""
    conditions = {
        "merged": [(0, EQUAL, WRITEV), (argument(2), GREATER, 3)],
        "udp": [(0, EQUAL, IOCTL), (argument(1), EQUAL, TUNSETOFFLOAD), (argument(2), ANY_BIT, USO)],
        "offload": [(0, EQUAL, IOCTL), (argument(1), EQUAL, TUNSETOFFLOAD)],
    }[what]
    lines = []
    for index, (offset, test, value) in enumerate(conditions):
        away = 2 * (len(conditions) - index - 1) + 1
        lines += [(LOAD, 0, 0, offset), (test, 0, away, value)]
    return [*lines, (RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW)]


def install(lines):
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in lines))
    filters = struct.pack("@HP", len(lines), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    for words in [(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filters, 0, 0)]:
        if libc.prctl(*[word if isinstance(word, bytes) else ctypes.c_ulong(word) for word in words]) != 0:
            sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")


install(program(sys.argv[1]))
os.execvp(sys.argv[2], sys.argv[2:])
