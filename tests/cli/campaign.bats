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
	assert_line --regexp '^failed 3: c1: at [0-9]+ ms: key [0-9]+: [0-9]+ was acknowledged and is not there$'
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
