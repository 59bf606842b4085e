"""A node as people write them for Maelstrom: echo and broadcast, by gossip.  It knows nothing of netfault.

It passes on what it was told as it stands, members of the envelope that only Maelstrom adds included.
"""
import json
import sys

me, others, seen = None, [], []


def send(message):
    print(json.dumps(message), flush=True)


def reply(request, body):
    body["in_reply_to"] = request["body"]["msg_id"]
    send({"src": me, "dest": request["src"], "body": body})


def learn(message):
    value = message["body"]["message"]
    if value in seen:
        return
    seen.append(value)
    for other in others:
        if other != message["src"]:
            send(dict(message, src=me, dest=other, body={"type": "gossip", "message": value}))


for line in sys.stdin:
    request = json.loads(line)
    body = request["body"]
    kind = body["type"]
    if kind == "init":
        me = body["node_id"]
        others = [node for node in body["node_ids"] if node != me]
        reply(request, {"type": "init_ok"})
    elif kind == "echo":
        reply(request, {"type": "echo_ok", "echo": body["echo"]})
    elif kind == "topology":
        others = body["topology"][me]
        reply(request, {"type": "topology_ok"})
    elif kind == "broadcast":
        learn(request)
        reply(request, {"type": "broadcast_ok"})
    elif kind == "gossip":
        learn(request)
    elif kind == "read":
        reply(request, {"type": "read_ok", "messages": seen})
