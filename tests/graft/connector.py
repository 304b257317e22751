"""Talks to the keeper of an instance.

usage: connector.py NAME connect|disconnect

As a connector it registers and stays.
"""

import glob
import json
import os
import socket
import sys
import time

places = [os.environ.get("XDG_RUNTIME_DIR", ""), os.path.expanduser("~")]
for path in [path for place in places for path in glob.glob(place + "/**/control", recursive=True)
             + glob.glob(place + "/.*/**/control", recursive=True)]:
    if sys.argv[1] in path:
        keeper = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        keeper.connect(path)
        request = {"v": 1, "do": sys.argv[2], "profile": "test", "server": None}
        keeper.send(json.dumps(request).encode())
        assert json.loads(keeper.recv(100000))["is"] == "done"
        print("done", flush=True)
        if sys.argv[2] == "connect":
            time.sleep(600)
        sys.exit()
sys.exit("no keeper")
