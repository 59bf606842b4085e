#!/usr/bin/env bats
# A node alone that dies at any one of its system calls on the disk, or whose disk fails there: what it acknowledged happened,
# once, and nothing in between is missing.  tests/kill/fault.c, preloaded, picks the call.

load node.bash

setup() {
	node_setup
	find_fault
	single=("${alone[@]}" --data d --lockstep --seed 1 --segment-size 64K)
}

teardown() {
	node_teardown
}

# Appends 1..N to a list, in a session; with room enough taken that segments change, and a snapshot halfway.  The second
# life reads the list, sends all again, reads it once more and writes.
appends() {
	local i pad
	pad=$(printf '%05000d' 0)
	for ((i = 1; i <= $1; i++)); do
		at $((1000 + i)) c1 "{\"type\":\"txn\",\"msg_id\":$i,\"txn\":[[\"append\",\"l\",$i],[\"w\",\"pad\",\"$pad\"]],\"session\":\"s\",\"seq\":$i}"
		((i != $1 / 2)) || at $((1000 + i)) c1 '{"type":"snapshot","msg_id":900}'
	done >input
	{
		at 1000 c1 '{"type":"read","msg_id":801,"key":"l"}'
		cat input
		at 3000 c1 '{"type":"read","msg_id":802,"key":"l"}'
		at 3001 c1 '{"type":"write","msg_id":803,"key":"after","value":1}'
	} >again
	sent=$1
}

# shellcheck disable=SC2016
once='
	def answer($id): one(.dest == "c1" and .in_reply_to == $id);
	($one | map(select(.type == "txn_ok") | .in_reply_to) | max // 0) as $acknowledged
	| ($two | answer(801) | if .code == 20 then [] else .value end) as $list
	| ($two | answer(802) | .value) as $later
	| ($later | length) as $n
	| if $list != [range(1; ($list | length) + 1)] then "no beginning of what was sent: \($list)"
		elif $acknowledged > ($list | length) then "acknowledged \($acknowledged), there are \($list | length)"
		elif $later != [range(1; $sent + 1)] then "all sent again: \($later)"
		elif ($two | answer(803) | .type) != "write_ok" then "no more writes"
		else empty end'

@test "killed before or after any call, in the midst of a write, or with the power gone: no acknowledged write is lost or doubled" {
	appends 16
	at_every_call "${single[@]}" -- "${once//\$sent/$sent}"
}

@test "power that fails again and again, each time later: still none is lost" {
	appends 12
	for seed in {1..8}; do
		rm -rf d
		for call in 9 12 15 18 21; do
			faulty "power:$call:$seed" "$NODE" "${single[@]}" <input 2>err | sed -n 's/.*}}$/["seed '"$seed"'",1,&]/p' || true
		done
		"$NODE" "${single[@]}" <again 2>err | sed 's/.*/["seed '"$seed"'",2,&]/'
	done >lives
	judge "${once//\$sent/$sent}" <lives
}

@test "a flood in a node of its own time, killed at call after call: no acknowledged write is lost" {
	requests 1 300 '{"type":"write","key":"k@","value":@}' >input
	requests 1 1 '{"type":"list","prefix":"k","limit":10000}' >list
	for how in kill kill-after power; do
		for call in 1 2 3 5 7 8 9 10 11 12 13 14 16 18 20; do
			rm -rf d
			status=0
			faulty "$how:$call:3" "$NODE" "${alone[@]}" --data d <input >out 2>err || status=$?
			[ $status = 137 ] || [ $status = 0 ] || fail "$how:$call ended with $status: $(cat err)"
			sed -n 's/.*}}$/["'"$how:$call"'",1,&]/p' out
			"$NODE" "${alone[@]}" --data d <list 2>err | sed 's/.*/["'"$how:$call"'",2,&]/'
		done
	done >lives
	# shellcheck disable=SC2016
	judge '
		($one | map(select(.type == "write_ok") | "k\(.in_reply_to)")) as $acknowledged
		| ($acknowledged - ($two[0].items | map(.[0]))) as $lost
		| if $lost != [] then "lost \($lost)" else empty end' <lives
}

# fails_with MESSAGE KIND COUNT: the disk fails at the n-th call of the kind, for each n.
fails_with() {
	local n
	for ((n = 1; n <= $3; n++)); do
		two_lives "$2:$n" 4 "${single[@]}"
		assert_regex "$(cat err)" "^$NODE: .*'d.*': $1\$"
		assert_equal "$(wc -l <err)" 1
	done >lives
	judge "${once//\$sent/$sent}" <lives
}

@test "a flush that fails is exit 4 and never tried again; what it covered was not acknowledged" {
	appends 16
	two_lives count:counts 0 "${single[@]}" >lives
	read -r calls writes flushes <counts
	fails_with "Input/output error" eio "$flushes"
}

@test "a disk that is full from any write on is exit 4; a restart with room has what was acknowledged" {
	appends 16
	two_lives count:counts 0 "${single[@]}" >lives
	read -r calls writes flushes <counts
	fails_with "No space left on device" enospc "$writes"
}
