#!/usr/bin/env bats
# tests/mutants: every bug there can still be planted, the quick ones are found, and what is found is shrunk to what matters.
# `make mutants` plants and finds them all.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	cd "$top" || return
	export BUILD=${BUILD:-build}
}

@test "every mutant applies, says what it breaks and who finds it" {
	run tests/mutants/run -n
	assert_success
	assert_output --regexp '^[0-9]+ mutants, all of which apply$'
	[ "${output%% *}" -ge 24 ]
}

@test "a mutant that does not apply, or does not say what it is, is a failure" {
	mkdir -p "$BATS_TEST_TMPDIR/tests" "$BATS_TEST_TMPDIR/lib/raft"
	cp -r tests/mutants "$BATS_TEST_TMPDIR/tests/"
	cd "$BATS_TEST_TMPDIR"
	cp "$top/lib/raft/recv_vote.c" lib/raft/
	run tests/mutants/run -n raft-vote-twice
	assert_success
	sed -i 's/^	return reply;$/	return reply; /; s/raft_log_is_current/raft_log_is_new/' lib/raft/recv_vote.c
	run tests/mutants/run -n raft-vote-twice
	assert_failure 1
	assert_output "not ok - raft-vote-twice: the patch does not apply"
	sed -i '/^Found by/d' tests/mutants/raft-vote-twice.patch
	run tests/mutants/run -n raft-vote-twice
	assert_failure 1
	assert_output "not ok - raft-vote-twice: does not say what finds it"
	run tests/mutants/run -n no-such-bug
	assert_failure 2
	assert_line "mutants: 'no-such-bug': no such mutant"
}

@test "planted in Raft, Paxos and the machine, a bug is found and told with its seed; without it that seed passes" {
	for mutant in raft-vote-twice paxos-promise-ignored kv-cas-creates; do
		run tests/mutants/run -j 1 "$mutant"
		assert_success
		assert_line --regexp "^ok - $mutant: sim (raft|paxos), seed [0-9]+, [0-9.]+ s: .+"
		[[ $output =~ sim\ ([a-z]+),\ seed\ ([0-9]+) ]]
		run "$BUILD/tests/sim/sim" --protocol "${BASH_REMATCH[1]}" --seed "${BASH_REMATCH[2]}"
		assert_success
	done
}

@test "planted in the runtime, a bug is found by the campaign; one that few seeds would bring, by a scenario" {
	export ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0     # nodes have libraries loaded before
	run tests/mutants/run -j 1 node-send-before-flush raft-lease-no-margin
	assert_success
	assert_line --regexp '^ok - node-send-before-flush: campaign raft-node, seed [0-9]+, [0-9.]+ s: trace: .+'
	assert_line --regexp '^ok - raft-lease-no-margin: scenario raft, [0-9.]+ s: a lease leaves room for clocks that run apart$'
}

@test "a failure is shrunk to a scenario that a person can read, which fails so again, and only with the bug" {
	tests/mutants/run -j 1 raft-read-deposed >found
	sim=$BUILD/mutants/raft-read-deposed/tests/sim/sim
	[[ $(cat found) =~ seed\ ([0-9]+),\ [0-9.]+\ s:\ (.*) ]]
	rm found
	seed=${BASH_REMATCH[1]} what=${BASH_REMATCH[2]%%$'\n'*}
	run --separate-stderr "$sim" --protocol raft --seed "$seed" --shrink 1000
	assert_failure 1
	printf '%s\n' "$output" >"$BATS_TEST_TMPDIR/plan"
	[ "$(grep -c '^[0-9]* ' "$BATS_TEST_TMPDIR/plan")" -le 20 ]
	run "$sim" "$BATS_TEST_TMPDIR/plan"
	assert_failure 1
	assert_output --partial "does not hold: $what"
	run "$BUILD/tests/sim/sim" "$BATS_TEST_TMPDIR/plan"
	assert_success
}
