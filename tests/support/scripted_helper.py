#!/usr/bin/python3
"""A stand-in for the helper `vpnns` that says what a scenario tells it to, also nonsense.

The desktop app starts it instead of the helper where VPNNS_HELPER names it; VPNNS_SCENARIO names a
directory with a file `scenario.json`:

    {"monitor": [[STEP, ...], ...],       one list for each start of --monitor; the last one repeats
     "traffic": {"work": [[BYTES IN, BYTES OUT], ...]},        a second each, over and over again
     "history": 60,                       how many of those seconds are told at once
     "calls": {"--profiles": ANSWER, "--connect work": [ANSWER, ...], ...}}

STEP is an event, as an object without its version, or one of
    {"wait": SECONDS}   {"raw": "any text"}   {"version": 2, "event": ...}   {"exit": STATUS}
    {"silent": true}, after which nothing comes and the standard output stays open.
Having made its steps, the monitor goes on with the lines of the file `feed` in the same directory,
which a test appends steps to. ANSWER, for calls that begin with those words, is
    {"print": DOCUMENT or TEXT, "lines": [STEP, ...], "errors": TEXT, "exit": STATUS,
     "wait": SECONDS, "feed": [STEP, ...]}
each part of it optional; of several answers each call takes the next one, and the last repeats.
Numbers written as {"ago": SECONDS} or {"in": SECONDS} are times. Every call is noted in the file
`called`, a line of JSON with its words and, for those that read it, its standard input.
"""

import json
import os
import signal
import sys
import time

HERE = os.environ["VPNNS_SCENARIO"]
VERSION = 1
# The state of each instance as it was told last: only a connected one has traffic.
states = {}


def path(name):
    return os.path.join(HERE, name)


def dated(value):
    """The same with times counted from now."""
    if isinstance(value, dict):
        if set(value) == {"ago"}:
            return int(time.time()) - value["ago"]
        if set(value) == {"in"}:
            return int(time.time()) + value["in"]
        return {key: dated(part) for key, part in value.items()}
    if isinstance(value, list):
        return [dated(part) for part in value]
    return value


def say(text):
    try:
        os.write(1, text.encode(errors="surrogateescape"))
    except BrokenPipeError:
        sys.exit(0)


def step(it):
    if "wait" in it:
        time.sleep(it["wait"])
    elif "raw" in it:
        say(it["raw"])
    elif "exit" in it:
        sys.exit(it["exit"])
    elif "silent" in it:
        while True:
            signal.pause()
    else:
        if "instance" in it:
            states[it["instance"]["name"]] = it["instance"]["state"]
        say(json.dumps(dated({"version": VERSION, **it})) + "\n")


def chosen(answers, key):
    """The next of several answers; how many were given stands in a file."""
    if not isinstance(answers, list):
        return answers
    counter = path("given " + key.replace("/", "_"))
    with open(counter, "a+b") as given:
        number = given.tell()
        given.write(b".")
    return answers[min(number, len(answers) - 1)]


def traffic(scenario, started, told):
    """Tells the seconds that have passed, and how many have been told in all."""
    due = scenario.get("history", 0) + int(time.time() - started)
    for second in range(told, due + 1):
        for name, rates in scenario.get("traffic", {}).items():
            if states.get(name) != "connected":
                continue
            passed = [rates[index % len(rates)] for index in range(second)]
            counters = {
                "received-bytes": sum(rate[0] for rate in passed),
                "sent-bytes": sum(rate[1] for rate in passed),
                "received-packets": second,
                "sent-packets": second,
            }
            step({"event": "traffic", "name": name, "counters": counters})
    return due + 1


def monitor(scenario, words):
    steps = scenario.get("monitor", [[{"event": "ready"}]])
    with_traffic = "--traffic" in words
    for it in chosen(steps, " ".join(words)):
        step(it)
    started, told = time.time(), 0
    with open(path("feed"), "a+") as feed:
        # What was fed before is known to whoever starts it again only if it is told again.
        feed.seek(0)
        while True:
            line = feed.readline()
            if line.endswith("\n"):
                step(json.loads(line))
                continue
            # The other monitor, which tells who is there, comes first.
            if with_traffic and time.time() - started > 0.5:
                told = traffic(scenario, started, told)
            time.sleep(0.05)
            if os.getppid() == 1:
                return


def main():
    with open(path("scenario.json")) as file:
        scenario = json.load(file)
    words = sys.argv[1:]
    call = " ".join(words)
    reads = words[:1] == ["--answer"] or "-" in words
    note = {"words": words, "input": sys.stdin.read() if reads else None}
    with open(path("called"), "a") as called:
        called.write(json.dumps(note) + "\n")
    if words[:1] == ["--monitor"]:
        return monitor(scenario, words)
    found = [key for key in scenario.get("calls", {}) if call.startswith(key)]
    if not found:
        defaults = {"--profiles": {"profiles": []}, "--apps": {"apps": []}}
        document = defaults.get(words[0] if words else "")
        if document is None:
            sys.stderr.write(f"vpnns: the scenario says nothing about {call}\n")
            sys.exit(125)
        say(json.dumps({"version": VERSION, **document}))
        return None
    key = max(found, key=len)
    answer = chosen(scenario["calls"][key], key)
    time.sleep(answer.get("wait", 0))
    for it in answer.get("lines", []):
        step(it)
    if "print" in answer:
        document = answer["print"]
        say(document if isinstance(document, str) else json.dumps(dated(document)))
    sys.stderr.write(answer.get("errors", ""))
    if "feed" in answer:
        with open(path("feed"), "a") as feed:
            feed.writelines(json.dumps(dated(it)) + "\n" for it in answer["feed"])
    sys.exit(answer.get("exit", 0))


signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
main()
