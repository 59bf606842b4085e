#!/usr/bin/env bats
# paxos-node: what registers cost of the log.

NODE=${NODE:-paxos-node}
load node.bash

setup() {
	[ "$NODE" = paxos-node ] || skip "for paxos-node"
	node_setup
}

teardown() {
	node_teardown
}

# proposals FROM VALUE...: a line a value, for the registers r1, r2 and on; at FROM and the milliseconds after it.
proposals() {
	local at=$1 number=0 value
	for value in "${@:2}"; do
		number=$((number + 1))
		at $((at + number)) c1 "{\"type\":\"propose\",\"msg_id\":$number,\"instance\":\"r$number\",\"value\":\"$value\"}"
	done
}

@test "registers as large as a segment do not keep the node writing them anew" {
	local value options=("${alone[@]}" --lockstep --seed 1 --segment-size 64K --data d)
	value=$(printf '%060000d' 0)
	proposals 1 a"$value" b"$value" c"$value" >in
	run -0 timeout 120 "$NODE" "${options[@]}" <in
	run -0 jq -r 'select(.dest == "c1").body | "\(.type) \(.value[0:2])"' <<<"$output"
	assert_output $'propose_ok a0\npropose_ok b0\npropose_ok c0'
	# Each is there as accepted and as chosen, and was written anew a few times at most.
	files=(d/*.log)
	[ "${#files[@]}" -lt 40 ] || fail "${#files[@]} segments"
	# None was dropped with an old segment.
	proposals 1 x y z >in
	run -0 timeout 120 "$NODE" "${options[@]}" <in
	run -0 jq -r 'select(.dest == "c1").body | "\(.type) \(.value[0:2])"' <<<"$output"
	assert_output $'propose_ok a0\npropose_ok b0\npropose_ok c0'
}
