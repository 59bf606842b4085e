#!/usr/bin/env python3
"""A client of polling.py that knows nothing of virtual time: asks nodes at random for a while, and at last all of them
for all that they have.

asking.py NAME COUNT NODE ..."""

import json
import random
import select
import sys
import time

name, count, nodes = sys.argv[1], int(sys.argv[2]), sys.argv[3:]


def ask(dest, **body):
    print(json.dumps({"src": name, "dest": dest, "body": body}), flush=True)


def answers(seconds):
    end = time.time() + seconds
    while (left := end - time.time()) > 0:
        if select.select([sys.stdin], [], [], left)[0] and not sys.stdin.readline():
            sys.exit()


for n in range(count):
    ask(random.choice(nodes), type="broadcast", msg_id=n + 1, message="%s-%d" % (name, n))
    answers(random.expovariate(20))
answers(1)
for node in nodes:
    ask(node, type="read", msg_id=count + 1)
answers(1)
