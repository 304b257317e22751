"""Stands in for openconnect where a test wants it to do something in particular.

usage: openconnect STEP... [--script COMMAND]

STEP: tun            open the device
      deaf           ignore SIGTERM
      slow           take four seconds to end after SIGTERM, with status 5
      await:FILE     wait until the file is there
      mark:FILE      make a file
      tell:A=B,...   run the script with these variables, print its exit status
      links          print the devices that there are
      stay           stay for ten minutes
"""

import fcntl
import os
import signal
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x1, 0x1000
words = sys.argv[1:]
script = words[words.index("--script") + 1]
for word in words[: words.index("--script")]:
    step, _, rest = word.partition(":")
    if step == "tun":
        device = os.open("/dev/net/tun", os.O_RDWR)
        request = struct.pack("16sH22x", b"tun7", IFF_TUN | IFF_NO_PI)
        fcntl.ioctl(device, TUNSETIFF, request)
        print("has its device", flush=True)
    elif step == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    elif step == "slow":
        signal.signal(signal.SIGTERM, lambda *_: (time.sleep(4), os._exit(5)))
    elif step == "await":
        while not os.path.exists(rest):
            time.sleep(0.02)
    elif step == "mark":
        open(rest, "w").close()
    elif step == "tell":
        told = dict(pair.split("=", 1) for pair in rest.split(","))
        status = subprocess.run(script, shell=True, env={**os.environ, **told}).returncode
        print("told:", told["reason"], status, flush=True)
    elif step == "links":
        print(subprocess.check_output(["ip", "-brief", "link"], text=True), flush=True)
    elif step == "stay":
        print("stays", flush=True)
        time.sleep(600)
