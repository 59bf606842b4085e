#!/usr/bin/env bats
# faultline-bats(7): clusters in virtual time, as suites of others would run them.

load suites.bash

setup() {
	suites_setup
}

teardown() {
	suites_teardown
}

# store [N]: a program of one's own that keeps what it is told, alone, and takes part in lockstep; N: how often it answers.
store() {
	cat <<-.
		declare -A values
		answers=${1:-1000000}
	.
	cat <<-'.'
		while IFS= read -r line; do
			[[ $line =~ \"src\":\"([^\"]*)\",\"dest\":\"([^\"]*)\" ]] && src=${BASH_REMATCH[1]} me=${BASH_REMATCH[2]}
			[[ $line =~ \"msg_id\":([0-9]+) ]] && id=${BASH_REMATCH[1]}
			[[ $line =~ \"key\":(\"[^\"]*\") ]] && key=${BASH_REMATCH[1]}
			body=
			case $line in
			*'"type":"write"'*) [[ $line =~ \"value\":([^,\}]*) ]] && values[$key]=${BASH_REMATCH[1]} && body='"type":"write_ok"' ;;
			*'"type":"read"'*)
				body='"type":"error","code":20'
				[ -z "${values[$key]:-}" ] || body="\"type\":\"read_ok\",\"value\":${values[$key]}"
				;;
			esac
			[ -z "$body" ] || ((answers-- <= 0)) || printf '{"src":"%s","dest":"%s","body":{%s,"in_reply_to":%d}}\n' "$me" "$src" "$body" "$id"
			printf '{"src":"%s","dest":"net","body":{"type":"idle","wake":9000000000000000}}\n' "$me"
		done
	.
}

@test "ours pass under all faults, and a program of one's own that takes part in lockstep; nothing is left" {
	store >my-node
	suite good <<-'.'
	@ test "raft" {
		cluster_simulate 5 3 raft-node -- --nemesis all --every 700ms --loss 5% --delay exponential:5ms
		run find "$BATS_TEST_TMPDIR"
		[ "$output" = "$BATS_TEST_TMPDIR" ]
	}
	@ test "paxos, and again with another seed" {
		set -u -o pipefail
		IFS=,
		for seed in 1 2; do
			cluster_simulate --load '--rate 50 --mix read,write,cas,delete' 3 5 paxos-node -- --seed $seed --nemesis all --every 1s
			[ "$cluster_seed" = $seed ]
		done
	}
	@ test "a plan, and transactions" {
		echo '{"at":"1s","type":"crash","node":"n2"}' >"plan of mine"
		cluster_simulate --load '--mix txn,append' 3 3 raft-node -- --plan "plan of mine"
	}
	@ test "a store of one node, of our own" {
		cluster_simulate --load '--mix read,write --rate 50' 3 1 bash my-node
	}
	@ test "a cluster before and after" {
		cluster_start 1 raft-node
		cluster_wait_leader
		cluster_stop
		cluster_simulate 2 1 raft-node
		cluster_start 1 raft-node
		cluster_wait_leader
		client put x 1
	}
	.
	long="$BATS_TEST_TMPDIR/tmp/a long path, it's $(printf 'x%.0s' {1..100})"
	mkdir "$long"
	suites TMPDIR="$long" good
	assert_all_passed
}

@test "the same seed is the same run, to the byte of the trace and of the history" {
	suite same <<-'.'
	@ test "run" {
		cluster_simulate 3 3 raft-node -- --nemesis all --every 500ms
		false
	}
	.
	for keep in a b; do
		suites FAULTLINE_SEED=7 FAULTLINE_KEEP=$keep same
		assert_failure
		# The run itself is good, and what it left has gone with it.
		[ ! -e $keep/same/1-run/trace ]
	done
	# Nearly all that is asked is read: what was written before the crash.
	echo '{"at":"2s","type":"crash","node":"*","for":"200ms"}' >all
	sed -i "s/cluster_simulate.*/cluster_simulate --load '--mix read=9,write=1' 5 3 raft-node --volatile -- --plan all/" same.bats
	for keep in a b; do
		suites FAULTLINE_SEED=7 FAULTLINE_KEEP=$keep same
		assert_failure
		assert_line '# faultline: the history is not linearizable:'
		# The first line has the paths.
		tail -n +2 $keep/same/1-run/trace >$keep/trace
	done
	assert [ "$(wc -l <a/trace)" -gt 1000 ]
	cmp a/trace b/trace
	cmp a/same/1-run/history b/same/1-run/history
	xmllint --noout a/same/1-run/trace.svg
	run -1 "$bin/lincheck" <a/same/1-run/history
	assert_nothing_left
}

@test "nodes that differ, that do not answer, that end, and that do not begin: each is told" {
	store >my-node
	store 5 >mute
	suite bad <<-'.'
	@ test "apart" {
		cluster_simulate --load '--rate 50 --mix write' 2 2 bash my-node
	}
	@ test "silent" {
		cluster_simulate --load '--mix write' 2 1 bash mute
	}
	@ test "nobody answers" {
		cluster_simulate 2 1 sh -c 'while read -r l; do echo "{\"src\":\"n1\",\"dest\":\"net\",\"body\":{\"type\":\"idle\",\"wake\":9000000000000000}}"; done'
	}
	@ test "ends" {
		cluster_simulate 2 1 sh -c 'echo "no more" >&2; exit 3'
	}
	@ test "not to be had" {
		cluster_simulate 2 1 ./nothing
	}
	@ test "no such option" {
		cluster_simulate 2 1 raft-node -- --no-such-option
	}
	@ test "no such option of kvload" {
		cluster_simulate --load --no-such-option 2 1 raft-node
	}
	@ test "virtual" {
		cluster_simulate 2 1 raft-node -- --virtual
	}
	@ test "usage" {
		cluster_simulate 3 raft-node
	}
	@ test "a cluster is there" {
		cluster_start 1 raft-node
		cluster_simulate 1 1 raft-node
	}
	.
	suites bad
	assert_failure
	refute_line --regexp '^ok'
	assert_line --regexp '^# faultline: the nodes differ, 20 s after the last fault: '
	assert_line --regexp '^# faultline: n1 answers no read, 20 s after the last fault: '
	assert_line --regexp '^# faultline: assert_linearizable: none of [0-9]+ operations was done'
	assert_line '# faultline: a node ended of itself:'
	assert_line '#   n1: status:3'
	assert_line --partial "'./nothing'"
	assert_line "#   netfault: unknown option '--no-such-option'"
	assert_line '# faultline: kvload did not begin:'
	assert_line "#   load: kvload: unknown option '--no-such-option'"
	refute_line --partial 'cannot open'
	assert_line '# faultline: usage: cluster_simulate [--load OPTIONS] SECONDS COUNT COMMAND [ARGUMENT ...] [-- OPTION ...]'
	assert_line '# faultline: cluster_simulate: kvload takes no part in --virtual: the nodes have to know of lockstep'
	assert_line '# faultline: cluster_simulate: there is a cluster already'
	assert_nothing_left
}

@test "Ctrl-C ends a run in virtual time as well" {
	suite long <<-'.'
	@ test "long" {
		touch "$BATS_CWD/begun"
		cluster_simulate 100000 5 raft-node
	}
	.
	in_background long
	eventually test -e begun || fail "$(cat said)"
	runs() { [ "$(left_pids | wc -l)" -ge 6 ]; }
	eventually runs || fail "$(cat said)"
	kill -INT -- "-$pid"
	eventually ended || fail "$(cat said)"
	assert_nothing_left
}
