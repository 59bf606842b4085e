#!/usr/bin/env python3
"""A store as one writes it first: the node of the first name keeps everything, the others hand it what they are asked.

primary.py        right, as long as that node lives
primary.py own    wrong: each node answers out of its own memory

It knows read, write and cas, and writes its lines as Python does."""

import json
import sys

own = sys.argv[1:] == ["own"]
me = first = ""
store = {}


def send(dest, **body):
    print(json.dumps({"src": me, "dest": dest, "body": body}), flush=True)


def error(code):
    return {"type": "error", "code": code, "text": "no"}


def apply(request):
    key = json.dumps(request.get("key"))
    if request["type"] == "read":
        return {"type": "read_ok", "value": store[key]} if key in store else error(20)
    if request["type"] == "write":
        store[key] = request["value"]
        return {"type": "write_ok"}
    if request["type"] != "cas":
        return error(10)
    if key not in store and not request.get("create_if_not_exists"):
        return error(20)
    if store.get(key, request["from"]) != request["from"]:
        return error(22)
    store[key] = request["to"]
    return {"type": "cas_ok"}


for line in sys.stdin:
    message = json.loads(line)
    src, body = message["src"], message["body"]
    if body["type"] == "init":
        me, first = body["node_id"], body["node_ids"][0]
        send(src, type="init_ok", in_reply_to=body["msg_id"])
    elif body["type"] == "handed":
        send(src, type="answer", client=body["client"], answer=dict(apply(body["request"]), in_reply_to=body["request"]["msg_id"]))
    elif body["type"] == "answer":
        send(body["client"], **body["answer"])
    elif "msg_id" not in body:
        pass
    elif own or me == first:
        send(src, **dict(apply(body), in_reply_to=body["msg_id"]))
    else:
        send(first, type="handed", client=src, request=body)
