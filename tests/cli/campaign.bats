#!/usr/bin/env bats
# tests/campaign: it passes where nothing is lost, finds what loses, and says how to see it again.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	export ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0     # nodes have libraries loaded before
}

@test "raft-node loses nothing, whatever the network, the disk, the clocks and the members do" {
	run --separate-stderr "$top/tests/campaign" 12
	assert_success
	assert_output "12 seeds passed, 0 failed"
}

@test "nor does paxos-node, and its registers keep what was decided" {
	run --separate-stderr "$top/tests/campaign" -c 'paxos-node --snapshot-every 50' 12
	assert_success
	assert_output "12 seeds passed, 0 failed"
}

@test "a store that keeps all in memory is found out, and the command that is told shows it again" {
	run --separate-stderr "$top/tests/campaign" -c 'raft-node --volatile' 1,3
	assert_failure 1
	assert_line --regexp '^failed 3: c1: at [0-9]+ ms: (key [0-9]+: [0-9]+ was acknowledged and is not there|client [0-9]+: error 13: the session has expired, or never was)$'
	again=$(grep -A 1 '^failed 3:' <<<"$output" | tail -n 1)
	assert_regex "$again" '^ +netfault --trace failed-3.trace --lockstep --scratch --seed 3 '
	cd "$BATS_TEST_TMPDIR"
	export PATH=${FAULTLINE_BIN:-$top/build/bin}:$PATH
	run --separate-stderr bash -c "$again </dev/null"
	assert_failure 1
	run bash -c 'head -n 1 failed-3.trace | jq .seed'
	assert_output 3
	run lincheck failed-3.history
	assert [ "$status" -le 1 ]
}

# sent FROM TO BODY: a line of a trace.
sent() {
	local ends="\"src\":\"$1\",\"dest\":\"$2\""
	echo "{\"at\":7000000,\"event\":\"send\",$ends,\"seq\":1,\"message\":{$ends,\"body\":$3}}"
}

# What the judge of promises says of a trace.
promises() {
	run awk -f "$top/tests/nodes/promises.awk"
}

@test "two votes in a term are told; the same one twice, a pre-vote and another term are none" {
	first=$(sent n1 n2 '{"type":"request_vote_ok","term":3,"vote_granted":true}')
	promises < <(
		echo "$first"
		echo "$first"
		sent n1 n3 '{"type":"request_vote_ok","term":3,"vote_granted":false}'
		sent n1 n3 '{"type":"request_vote_ok","term":3,"vote_granted":true,"pre_vote":true}'
		sent n1 n3 '{"type":"request_vote_ok","term":4,"vote_granted":true}'
		sent n2 n3 '{"type":"request_vote_ok","term":3,"vote_granted":true}'
	)
	assert_success
	assert_output ""
	promises < <(echo "$first" && sent n1 n3 '{"type":"request_vote_ok","term":3,"vote_granted":true}')
	assert_failure 1
	assert_output "trace: at 7 ms: n1 voted for n2 and then for n3 in term 3"
}

@test "a log that is shorter than what was acknowledged in the term is told; one that parts, and another term's, is not" {
	first=$(sent n1 n2 '{"type":"append_entries_ok","term":3,"success":true,"match_index":9}')
	promises < <(
		echo "$first"
		sent n1 n2 '{"type":"append_entries_ok","term":3,"success":true,"match_index":4}'
		sent n1 n2 '{"type":"append_entries_ok","term":3,"success":false,"match_index":0,"conflict_index":10}'
		sent n1 n2 '{"type":"append_entries_ok","term":3,"success":false,"match_index":0,"conflict_index":5,"conflict_term":2}'
		sent n1 n2 '{"type":"append_entries_ok","term":3,"success":false,"match_index":0}'
		sent n1 n3 '{"type":"append_entries_ok","term":4,"success":false,"match_index":0,"conflict_index":5}'
		sent n2 n3 '{"type":"append_entries_ok","term":3,"success":false,"match_index":0,"conflict_index":5}'
	)
	assert_success
	assert_output ""
	promises < <(echo "$first" &&
		sent n1 n2 '{"type":"append_entries_ok","term":3,"success":false,"match_index":0,"conflict_index":9}')
	assert_failure 1
	assert_output "trace: at 7 ms: n1 acknowledged 9 in term 3, and then has 8"
}

@test "an acceptor that answers below what it promised is told; a question in advance and a register are not" {
	first=$(sent n1 n2 '{"type":"promise","ballot":[10,"n2"],"from":1,"accepted":[],"chosen":0}')
	promises < <(
		echo "$first"
		sent n1 n3 '{"type":"promise","ballot":[9,"n3"],"from":1,"pre":true,"accepted":[],"chosen":0}'
		sent n1 n3 '{"type":"promise","ballot":[9,"n3"],"instance":"x","accepted":null}'
		sent n1 n3 '{"type":"nack","ballot":[9,"n3"],"promised":[10,"n2"],"from":1}'
		sent n3 n2 '{"type":"accepted","ballot":[9,"n3"],"slot":1,"count":1}'
		sent n1 n2 '{"type":"accepted","ballot":[10,"n2"],"slot":1,"count":1}'
		sent n1 n3 '{"type":"promise","ballot":[10,"n3"],"from":1,"accepted":[],"chosen":0}'
	)
	assert_success
	assert_output ""
	promises < <(echo "$first" && sent n1 n3 '{"type":"accepted","ballot":[9,"n3"],"slot":1,"count":1}')
	assert_failure 1
	assert_output "trace: at 7 ms: n1 promised 10,n2, and then answers to 9,n3"
}

@test "power fails in every other of a node's first twelve lives, in the midst of a call on its disk, and then no more" {
	fault=$(cd "${BUILD:-$top/build}/tests/kill" && pwd)/fault.so
	cd "$BATS_TEST_TMPDIR"
	for life in {1..14}; do
		FAULTLINE_SEED=7 "$top/tests/nodes/power" "$fault" n1 sh -c 'for i in $(seq 300); do echo >file; done; echo lives' ||
			echo "$?"
	done >lives
	assert_equal "$(head -n 12 lives | grep -c '^137$')" 6
	assert_equal "$(tail -n 2 lives)" $'lives\nlives'
}

@test "seeds are a count, a range or a list; anything else is a usage error" {
	for wrong in '' 1- -5 x 1-2-3; do
		run --separate-stderr "$top/tests/campaign" -- "$wrong"
		assert_failure 2
		assert_output ""
		assert_regex "$stderr" "^campaign: .*
usage: tests/campaign "
	done
	run --separate-stderr "$top/tests/campaign" -n 3 2-3
	assert_output "2 seeds passed, 0 failed"
}
