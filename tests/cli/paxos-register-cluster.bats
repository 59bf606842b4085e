#!/usr/bin/env bats
# paxos-node: registers in clusters of real processes: change by change at any node, without a leader, through crashes, and by kv.

NODE=${NODE:-paxos-node}
load store.bash

setup() {
	[ "$NODE" = paxos-node ] || skip "for paxos-node"
}

@test "change: from nothing to a value, from value to value, and errors 20 and 22 where it is not so" {
	start 3
	cluster_wait_leader n1 n2 n3
	change() {
		ask "$1" "{\"type\":\"change\",\"instance\":\"r\",\"from\":$2,\"to\":$3}"
	}
	ask n2 '{"type":"change","instance":"r"}'
	assert_equal "$answer" '{"type":"change_ok","instance":"r","value":null}'
	change n1 5 6
	assert_error 20
	change n1 null 1
	assert_equal "$answer" '{"type":"change_ok","instance":"r","value":1}'
	change n2 null 2
	assert_error 22
	for i in {1..20}; do
		change "n$((i % 3 + 1))" "$i" "$((i + 1))"
		assert_equal "$answer" "{\"type\":\"change_ok\",\"instance\":\"r\",\"value\":$((i + 1))}"
	done
	# By what it means, not by how it is written.
	change n1 21 '{"a":1,"b":[1.0]}'
	change n2 '{"b" : [1e0], "a":1}' '"text"'
	assert_equal "$answer" '{"type":"change_ok","instance":"r","value":"text"}'
	change n3 '"text"' null
	change n3 '"text"' 1
	assert_error 20
	change n3 null '"again"'
	assert_equal "$answer" '{"type":"change_ok","instance":"r","value":"again"}'
	ask n1 '{"type":"propose","instance":"r","value":1}'
	assert_error 22
	ask n1 '{"type":"propose","instance":"s","value":1}'
	assert_equal "$answer" '{"type":"propose_ok","instance":"s","value":1}'
	ask n2 '{"type":"change","instance":"s","from":1,"to":2}'
	assert_error 22
	for wrong in '"type":"change","instance":"r","from":1' '"type":"change","instance":"r","to":1' \
		'"type":"change","instance":7,"from":1,"to":1' '"type":"change","instance":"","from":1,"to":1' \
		'"type":"propose","instance":"t"' '"type":"propose","value":1'; do
		ask n1 "{$wrong}"
		assert_error 12
	done
}

@test "a register lives without any leader, and after every node was killed" {
	start 3 --election-timeout 1000s-2000s --heartbeat 50ms
	node_wait n1 .votes
	node_wait n2 .votes
	node_wait n3 .votes
	insist n1 '{"type":"change","instance":"r","from":null,"to":0}'
	insist n2 '{"type":"propose","instance":"s","value":"once"}'
	for ((i = 0; i < 6; i++)); do
		victim=n$((i % 3 + 1))
		other=n$(((i + 1) % 3 + 1))
		node_crash $victim
		insist $other "{\"type\":\"change\",\"instance\":\"r\",\"from\":$i,\"to\":$((i + 1))}"
		assert_equal "$answer" "{\"type\":\"change_ok\",\"instance\":\"r\",\"value\":$((i + 1))}"
		node_restart $victim
	done
	node_crash n1 n2 n3
	node_restart n1 n2 n3
	insist n3 '{"type":"change","instance":"r"}'
	assert_equal "$answer" '{"type":"change_ok","instance":"r","value":6}'
	insist n1 '{"type":"propose","instance":"s","value":"twice"}'
	assert_equal "$answer" '{"type":"propose_ok","instance":"s","value":"once"}'
}

@test "without a quorum a register is answered with code 0 in time, and goes on when there is one" {
	start 3 --request-timeout 500ms
	insist n1 '{"type":"change","instance":"r","from":null,"to":1}'
	node_crash n2
	node_crash n3
	ask n1 '{"type":"change","instance":"r","from":1,"to":2}'
	assert_error 0
	ask n1 '{"type":"propose","instance":"s","value":1}'
	assert_error 0
	node_restart n2
	insist n1 '{"type":"change","instance":"r"}'
	assert_regex "$answer" '"value":[12]'
	insist n2 '{"type":"propose","instance":"s","value":2}'
	assert_regex "$answer" '"propose_ok".*"value":[12]'
}

@test "kv propose and kv change: the value on stdout, 1 where it is another" {
	cluster_start 3 "$NODE" --volatile
	run --separate-stderr client propose boss n1
	assert_success
	assert_output n1
	run --separate-stderr client propose boss n2
	assert_output n1
	run --separate-stderr client change counter
	assert_success
	assert_output null
	run --separate-stderr client change counter null 1
	assert_success
	assert_output 1
	run --separate-stderr client change counter null 2
	assert_failure 1
	assert_output ""
	assert_regex "$stderr" "'counter'.*another value"
	run --separate-stderr client change other 1 2
	assert_failure 1
	run --separate-stderr client change counter 1
	assert_failure 2
}
