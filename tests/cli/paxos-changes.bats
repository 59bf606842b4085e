#!/usr/bin/env bats
# paxos-node: changes of the members that meet in the log.  One that was made from another configuration than the one in force
# where it is chosen does nothing; who asked for it need not know.

NODE=${NODE:-paxos-node}
load node.bash

setup() {
	[ "$NODE" = paxos-node ] || skip "for paxos-node"
	node_setup
	n1=(--nodes n1,n2,n3 --seed 1 --data d --election-timeout 100ms-101ms --heartbeat 50ms)
	run -0 "$NODE" --id n1 "${n1[@]}" --founding --lockstep </dev/null
}

teardown() {
	node_teardown
}

# members VOTERS LEARNERS < what a scene said: the last status has these.
members() {
	run -0 jq -c 'select(.body.type == "status_ok").body | [.voters, .learners]' scene.out
	assert_line --index $((${#lines[@]} - 1)) "[$1,$2]"
}

# overtaken VALUE,VALUE: n1 asks n2 and n3 to accept that n3 leaves; n2 leads then, and these are chosen.
overtaken() {
	play "${n1[@]}" <<-.
		0 net {"type":"tick"}
		> *
		200 net {"type":"tick"}
		> *
		201 n2 {"type":"promise","ballot":[1,"n1"],"from":1,"accepted":[],"chosen":0,"pre":true,"incarnation":2}
		> *
		202 n2 {"type":"promise","ballot":[1,"n1"],"from":1,"accepted":[],"chosen":0,"incarnation":2}
		> *
		210 c1 {"type":"write","key":"x","value":1}
		> *
		220 c1 {"type":"leave","msg_id":1,"node":"n3"}
		> *
		250 n2 {"type":"accept","ballot":[2,"n2"],"slot":1,"chosen":0,"incarnation":2,"values":[$1]}
		> *
		260 n2 {"type":"chosen","ballot":[2,"n2"],"upto":2,"incarnation":2}
		> *
		270 c2 {"type":"status","msg_id":1}
		> *
	.
}

# n2 found it, and has n4 as a learner before it.
@test "a change that came behind another one does nothing, and is asked of the next leader anew" {
	overtaken '{"type":"config","voters":["n1","n2","n3"],"learners":["n4"],"version":1},{"type":"config","voters":["n1","n2"],"learners":[],"version":1,"epoch":1,"changed":{"node":"n3","voter":true}}'
	members '["n1","n2","n3"]' '["n4"]'
	run -0 jq -c 'select(.body.type == "forward") | [.dest, .body.requests[].body]' scene.out
	assert_output '["n2",{"type":"leave","node":"n3"}]'
}

@test "a change that is in force behind a value of its leader's successor is not asked for anew" {
	overtaken '{"type":"write","key":"x","value":2},{"type":"config","voters":["n1","n2"],"learners":[],"version":1,"epoch":1,"changed":{"node":"n3","voter":true}}'
	members '["n1","n2"]' '[]'
	run -0 jq -c 'select(.body.type == "forward" or .dest == "c1").body | [.type, .in_reply_to]' scene.out
	assert_output '["leave_ok",1]'
}

@test "a directory of before there were versions: its changes count behind one another, and none behind one that has a version" {
	play "${n1[@]}" <<-'.'
		0 net {"type":"tick"}
		> *
		1 n2 {"type":"accept","ballot":[2,"n2"],"slot":1,"chosen":0,"incarnation":2,"values":[{"type":"config","voters":["n1","n2","n3"],"learners":["n4"]},{"type":"config","voters":["n1","n2","n3"],"learners":["n4","n5"]}]}
		> *
		2 n2 {"type":"chosen","ballot":[2,"n2"],"upto":2,"incarnation":2}
		> *
		3 c2 {"type":"status","msg_id":1}
		> *
	.
	members '["n1","n2","n3"]' '["n4","n5"]'
	play "${n1[@]}" <<-'.'
		10 c2 {"type":"status","msg_id":1}
		> *
		11 n2 {"type":"accept","ballot":[2,"n2"],"slot":3,"chosen":2,"incarnation":2,"values":[{"type":"config","voters":["n1","n2","n3"],"learners":["n5"],"version":1},{"type":"config","voters":["n1","n2","n3"],"learners":["n4"]}]}
		> *
		12 n2 {"type":"chosen","ballot":[2,"n2"],"upto":4,"incarnation":2}
		> *
		13 c2 {"type":"status","msg_id":2}
		> *
	.
	members '["n1","n2","n3"]' '["n5"]'
	play "${n1[@]}" --snapshot-every 1 <<-'.'
		20 n2 {"type":"chosen","ballot":[2,"n2"],"upto":4,"incarnation":2}
		> *
		21 c2 {"type":"snapshot","msg_id":1}
		> *
		22 c2 {"type":"status","msg_id":2}
		> *
	.
	members '["n1","n2","n3"]' '["n5"]'
	run -0 cat d/*.snapshot
	assert_line --partial '"last_included_index":4,"voters":["n1","n2","n3"],"learners":["n5"],"version":1'
}

@test "a joiner makes no snapshot of what was before it knows the members: who was given that would know none" {
	play --join --data joiner --snapshot-every 1 <<-'.'
		0 n2 {"type":"accept","ballot":[1,"n2"],"slot":1,"upto":0,"incarnation":2,"values":[{"type":"write","key":"a","value":1}]}
		> *
		1 n2 {"type":"chosen","ballot":[1,"n2"],"upto":1,"incarnation":2}
		> *
		2 c1 {"type":"snapshot","msg_id":1}
		3 n2 {"type":"accept","ballot":[1,"n2"],"slot":2,"upto":1,"incarnation":2,"values":[{"type":"config","voters":["n2"],"learners":["n1"]}]}
		> *
		4 n2 {"type":"chosen","ballot":[1,"n2"],"upto":2,"incarnation":2}
		> *
		5 net {"type":"tick"}
		> *
	.
	run -0 cat joiner/*.snapshot
	assert_line --partial '"last_included_index":2,"voters":["n2"],"learners":["n1"]'
	refute_output --partial '"voters":[]'
}

@test "who began alone and lost its disk comes back with --join, and does not take itself for the only one" {
	play --join --data joiner --seed 1 <<-'.'
		0 n2 {"type":"chosen_values","ballot":[2,"n2"],"from":1,"upto":3,"values":[{"type":"config","voters":["n1"],"learners":["n2"],"version":1}]}
		> *
		1 net {"type":"tick"}
		> *
		2000 net {"type":"tick"}
		> *
		4000 net {"type":"tick"}
		> *
		4001 c1 {"type":"status","msg_id":1}
		> *
	.
	run -0 jq -c 'select(.body.type == "status_ok").body | [.last_applied, .voters, .votes, .role == "leader"]' scene.out
	assert_output '[1,["n1"],false,false]'
}
