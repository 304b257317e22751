"""Registers as the connector of an instance and stays: usage: connector.py NAME"""

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
        keeper.send(json.dumps({"v": 1, "do": "connect", "profile": "test", "server": None}).encode())
        assert json.loads(keeper.recv(100000))["is"] == "done"
        print("registered", flush=True)
        time.sleep(600)
sys.exit("no keeper")
