#!/usr/bin/env python3
"""A node that knows nothing of virtual time: it polls, looks at the clock, draws random numbers and tries again.

It keeps a set of messages that every node is to have (broadcast, read), elects whoever it has heard of last with the
highest draw, and beats while it leads.  With --busy it never waits: it polls all the time."""

import json
import os
import random
import select
import sys
import time

BUSY = "--busy" in sys.argv[1:]


class Node:
    def __init__(self):
        self.id, self.peers = None, []
        self.messages, self.acked = [], {}
        self.term, self.leader = 0, None
        self.pending = b""
        self.next_id = 0
        self.due = {"gossip": 0, "election": time.monotonic() + random.uniform(0.2, 0.4), "beat": 0}

    def send(self, dest, **body):
        self.next_id += 1
        body["msg_id"] = self.next_id
        print(json.dumps({"src": self.id, "dest": dest, "body": body}), flush=True)

    def broadcast(self, **body):
        for peer in self.peers:
            self.send(peer, **body)

    def heard(self):
        self.due["election"] = time.monotonic() + random.uniform(0.2, 0.4)

    def handle(self, line):
        message = json.loads(line)
        src, body = message["src"], message["body"]
        kind, reply = body["type"], {"in_reply_to": body.get("msg_id")}
        if kind == "init":
            self.id = body["node_id"]
            self.peers = [n for n in body["node_ids"] if n != self.id]
            self.acked = {n: set() for n in self.peers}
            self.send(src, type="init_ok", **reply)
        elif kind == "broadcast":
            if body["message"] not in self.messages:
                self.messages.append(body["message"])
            self.due["gossip"] = 0
            self.send(src, type="broadcast_ok", **reply)
        elif kind == "read":
            self.send(src, type="read_ok", messages=self.messages, leader=self.leader, time=time.time(), **reply)
        elif kind == "gossip":
            self.messages += [m for m in body["messages"] if m not in self.messages]
            self.send(src, type="gossip_ok", messages=body["messages"], **reply)
        elif kind == "gossip_ok":
            self.acked[src].update(body["messages"])
        elif kind == "beat" and (body["term"], src) >= (self.term, self.leader or ""):
            self.term, self.leader = body["term"], src
            self.heard()

    def act(self):
        now = time.monotonic()
        if self.id is None:
            return
        if now >= self.due["gossip"]:
            self.due["gossip"] = now + random.uniform(0.05, 0.1)
            for peer in self.peers:
                news = [m for m in self.messages if m not in self.acked[peer]]
                if news:
                    random.shuffle(news)
                    self.send(peer, type="gossip", messages=news)
        if self.leader == self.id and now >= self.due["beat"]:
            self.due["beat"] = now + 0.1
            self.broadcast(type="beat", term=self.term, draw=random.random(), at=time.time(), pid=os.getpid())
        elif self.leader != self.id and now >= self.due["election"]:
            self.term, self.leader = self.term + 1, self.id
            self.due["beat"] = 0

    def wait(self):
        if BUSY:
            return 0
        if self.id is None:
            return None
        mine = [self.due["gossip"], self.due["beat" if self.leader == self.id else "election"]]
        return max(0, min(mine) - time.monotonic())

    def run(self):
        while True:
            if select.select([0], [], [], self.wait())[0]:
                some = os.read(0, 4096)
                if not some:
                    return
                *lines, self.pending = (self.pending + some).split(b"\n")
                for line in lines:
                    self.handle(line)
            self.act()


Node().run()
