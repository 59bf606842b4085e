#!/usr/bin/env bats
# faultline-bats(7): the end of a test, however it ends: nothing is left of its cluster.

load suites.bash

setup() {
	suites_setup
}

teardown() {
	suites_teardown
}

@test "a teardown of the suite's own runs first, with the cluster still there; whatever it does, nothing is left" {
	suite teardowns <<-'.'
	setup() {
		cluster_start 1 raft-node
	}
	teardown() {
		cluster_wait_leader && echo "led by $leader at ${BATS_TEST_NUMBER}" >>"$BATS_CWD/said"
		case $BATS_TEST_NUMBER in
		2) return 1 ;;
		3) exit 0 ;;
		4) cluster_teardown ;;
		esac
	}
	@ test "passes" {
		eventually test -d "$cluster_dir/n1.raft"
	}
	@ test "its teardown fails" {
		true
	}
	@ test "its teardown exits" {
		load_start
	}
	@ test "its teardown ends the cluster itself" {
		true
	}
	@ test "skipped" {
		skip
	}
	@ test "exits" {
		exit 3
	}
	.
	suites teardowns
	assert_failure
	assert_line 'ok 1 passes'
	assert_line 'not ok 2 its teardown fails'
	assert_line 'ok 4 its teardown ends the cluster itself'
	assert_line 'ok 5 skipped # skip'
	assert_line 'not ok 6 exits'
	assert_equal "$(sort said)" "$(printf 'led by n1 at %d\n' 1 2 3 4 5 6)"
	assert_equal "$(ls faultline-failures/teardowns)" $'2-its-teardown-fails\n6-exits'
	assert_nothing_left
}

# hang [ASSIGNMENT...]: a suite whose test hangs with all there is; the shell of the test is `shell`, its children `siblings`.
hang() {
	suite hang <<-'.'
	teardown() {
		echo ran >"$BATS_CWD/teardown"
	}
	@ test "hangs" {
		cluster_start 3 raft-node
		cluster_wait_leader
		load_start
		node_pause "$leader"
		echo $$ >"$BATS_CWD/shell.part"
		mv "$BATS_CWD/shell.part" "$BATS_CWD/shell"
		sleep 1000
	}
	.
	in_background hang "$@"
	eventually test -e shell || fail "$(cat said)"
	shell=$(cat shell)
	mapfile -t siblings <<<"$(pgrep -P "$shell")"
	children+=("$shell" "${siblings[@]}")
	[ "$(left_pids | wc -l)" -ge 5 ]
}

assert_torn_down() {
	eventually ended || fail "$(cat said)"
	assert_nothing_left
	assert_equal "$(cat teardown)" ran
	assert [ -s faultline-failures/hang/1-hangs/trace.svg ]
	grep -q '^# faultline: kept in ' said
}

@test "a test that hangs: at its timeout all ends, and is kept" {
	hang BATS_TEST_TIMEOUT=1001
	# The time is over.
	kill "$(pgrep -f '^sleep 1001$' -P "$(IFS=, && echo "${siblings[*]}")")"
	assert_torn_down
	grep -q 'not ok 1 hangs # timeout' said
}

@test "a test that hangs: Ctrl-C ends all, and it is kept" {
	hang
	kill -INT -- "-$pid"
	assert_torn_down
}

@test "a test that is killed: no teardown runs, and nothing is left" {
	hang
	kill -KILL "$shell"
	assert_nothing_left
	[ ! -e teardown ]
}
