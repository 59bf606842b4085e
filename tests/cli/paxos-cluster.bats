#!/usr/bin/env bats
# paxos-node: quorums of other sizes, grids, and roles, in clusters of one to five real processes.

NODE=${NODE:-paxos-node}
load store.bash

setup() {
	[ "$NODE" = paxos-node ] || skip "for paxos-node"
	cd "$BATS_TEST_TMPDIR" || return
}

# Elections that nobody waits for long, and that do not happen by chance either.
steady=(--election-timeout 500ms-1s --heartbeat 50ms)

# crash_but NAME...: all others die.
crash_but() {
	local name others=()
	for name in $(cluster_nodes); do
		[[ " $* " == *" $name "* ]] || others+=("$name")
	done
	node_crash "${others[@]}"
}

@test "one node alone decides at once, and again after a restart" {
	start 1
	write n1 1
	assert_has n1 1
	node_crash n1
	node_restart n1
	assert_has n1 1
}

@test "two nodes: both have to be there, and no more than that" {
	start 2 --request-timeout 1s
	write n1 1
	write n2 2
	node_crash n2
	ask n1 '{"type":"write","key":"k3","value":3}'
	assert_error 0 11
	node_restart n2
	assert_has n2 1 2
	write n2 3
	assert_has n1 1 2 3
}

@test "five nodes: two may die at once, and come back" {
	start 5
	write n1 1
	cluster_wait_leader n1 n2 n3 n4 n5
	follower=${followers[0]} left=${followers[1]}
	node_crash "$leader" "$follower"
	write "$left" 2
	node_restart "$leader"
	node_restart "$follower"
	assert_has "$leader" 1 2
	assert_has "$follower" 1 2
}

@test "4 of 5 promise, 2 of 5 accept: writes go on while the leader and one more live, and nobody else is elected then" {
	start 5 --quorum1 4 --quorum2 2 --request-timeout 1s "${steady[@]}"
	write n1 1
	cluster_wait_leader n1 n2 n3 n4 n5
	follower=${followers[0]}
	crash_but "$leader" "$follower"
	write "$leader" 2
	assert_has "$leader" 1 2
	assert_has "$follower" 2
	# Four have to promise, and there are not so many.
	node_crash "$leader"
	ask "$follower" '{"type":"write","key":"k3","value":3}'
	assert_error 0 11
	dead=$leader
	node_restart "${followers[1]}" "${followers[2]}"
	# Three, and still not enough.
	ask "$follower" '{"type":"write","key":"k3","value":3}'
	assert_error 0 11
	node_restart "$dead"
	write "$follower" 3
	for name in "$follower" "$dead"; do
		assert_has "$name" 1 2 3
	done
}

@test "2 of 5 promise, 4 of 5 accept: a leader is found by two, and chooses nothing without four" {
	start 5 --quorum1 2 --request-timeout 1s "${steady[@]}"
	write n1 1
	cluster_wait_leader n1 n2 n3 n4 n5
	node_crash "$leader"
	others=("${followers[@]}")
	write "${others[0]}" 2
	cluster_wait_leader "${others[@]}"
	node_crash "${followers[0]}"
	ask "$leader" '{"type":"write","key":"k3","value":3}'
	assert_error 0 11
}

@test "quorums that do not meet are refused: exit 2" {
	for options in '--quorum1 2 --quorum2 3' '--quorum1 4 --quorum2 1' '--quorum1 6' '--quorum2 6' '--quorum1 1 --quorum2 1'; do
		echo "$options"
		# shellcheck disable=SC2086
		run --separate-stderr paxos-node --id n1 --nodes n1,n2,n3,n4,n5 $options --volatile </dev/null
		assert_failure 2
		assert_regex "$stderr" '^paxos-node: '
	done
	run --separate-stderr paxos-node --id n1 --nodes n1,n2,n3 --quorum1 2 --quorum2 2 --volatile </dev/null
	assert_success
}

@test "a grid of six: a column's death stops the leader's election, a row's the writes; the rest goes on" {
	printf 'n1 n2\nn3,n4\n# the third\nn5\tn6\n' >grid
	start 6 --quorum-grid "$PWD/grid" --request-timeout 1s "${steady[@]}"
	write n1 1
	cluster_wait_leader n1 n2 n3 n4 n5 n6
	# One of each row, the leader among them.
	left=("$leader")
	for row in 'n1 n2' 'n3 n4' 'n5 n6'; do
		[[ " $row " == *" $leader "* ]] || left+=("${row% *}")
	done
	crash_but "${left[@]}"
	write "$leader" 2
	assert_has "${left[1]}" 1 2
	# Without one of its rows nothing is chosen.
	node_crash "${left[1]}"
	ask "$leader" '{"type":"write","key":"k3","value":3}'
	assert_error 0 11
}

@test "a grid that is none, or names others, is exit 2" {
	grids=('' $'n1 n2\nn3' $'n1 n2\nn1 n3' $'# nothing\n' "$(printf 'n%d ' {1..65})" "$(printf '%065d' 1)")
	for grid in "${grids[@]}"; do
		printf '%s\n' "$grid" >grid
		run --separate-stderr paxos-node --id n1 --nodes n1,n2,n3,n4 --quorum-grid grid --volatile </dev/null
		assert_failure 2
		assert_regex "$stderr" "^paxos-node: 'grid'"
	done
	printf 'n1\0n2\n' >grid
	run --separate-stderr paxos-node --id n1 --nodes n1 --quorum-grid grid --volatile </dev/null
	assert_equal "$status $stderr" "2 paxos-node: 'grid', line 1: a NUL byte"
	run --separate-stderr paxos-node --id n1 --nodes n1 --quorum-grid nowhere --volatile </dev/null
	assert_failure 2
	assert_regex "$stderr" "'nowhere': No such file"
	printf 'n1 n2\n' >grid
	run --separate-stderr paxos-node --id n1 --nodes n1,n2 --quorum-grid grid --quorum1 2 --volatile </dev/null
	assert_failure 2
	assert_regex "$stderr" '--quorum-grid'
}

# with_roles NAME LIST: it starts again, as that alone.
with_roles() {
	echo "--roles $2" >"$cluster_dir/$1.options"
	node_restart "$1"
}

@test "--roles: who is no acceptor learns everything and is not counted" {
	run --separate-stderr paxos-node --id n1 --nodes n1 --roles leader --volatile </dev/null
	assert_failure 2
	assert_regex "$stderr" "'leader'"
	start 3 --request-timeout 1s --election-timeout 150ms-300ms
	write n1 1
	with_roles n3 proposer,learner
	write n1 2
	assert_has n3 1 2
	assert_has n1 1 2
	assert_status n3 '.votes == false'
	node_crash n2
	ask n1 '{"type":"write","key":"k3","value":3}'
	assert_error 0 11
	with_roles n3 proposer,acceptor,learner
	write n1 3
	assert_has n3 3
}

@test "--roles: who is no proposer never leads, and decides no register" {
	start 3 --request-timeout 1s --election-timeout 150ms-300ms
	write n1 1
	with_roles n2 acceptor,learner
	with_roles n3 acceptor,learner
	write n2 2
	cluster_wait_leader n1 n2 n3
	assert_equal "$leader" n1
	ask n2 '{"type":"propose","instance":"x","value":1}'
	assert_error 11
	node_crash n1
	ask n2 '{"type":"write","key":"k3","value":3}'
	assert_error 0 11
	node_restart n1
	write n3 3
}

@test "a node that was away is told what was chosen meanwhile, value by value" {
	start 3
	write n1 {1..5}
	cluster_wait_leader n1 n2 n3
	follower=${followers[0]}
	node_crash "$follower"
	write "$leader" {6..60}
	node_restart "$follower"
	node_wait "$follower" '.last_applied >= 60 and .snapshot_index == 0'
	assert_has "$follower" {1..60}
}

# append I...: to a list, at any node, in a session each.
append() {
	local i
	for i; do
		printf '{"src":"c1","dest":"n%d","body":{"type":"txn","msg_id":%d,"txn":[["append","l",%d]],"session":"s%d","seq":1}}\n' \
			$((i % 3 + 1)) "$i" "$i" "$i"
	done >&"$flood"
}

# hear_appended COUNT SECONDS: until so many are acknowledged, in all, or none for so long.
hear_appended() {
	local line
	while ((${#acknowledged[@]} < $1)); do
		read -r -t "$2" -u "$flood" line || return 1
		[[ ! $line =~ \"txn_ok\".*\"in_reply_to\":([0-9]+) ]] || acknowledged+=("${BASH_REMATCH[1]}")
	done
}

@test "all at once, then the leader dies in the midst of a flood: what was acknowledged is there, and in order" {
	start 3 --snapshot-every 100 --segment-size 64K
	cluster_wait_leader n1 n2 n3
	exec {flood}<>"/dev/tcp/127.0.0.1/${FAULTLINE_SERVER##*:}"
	append {1..200}
	acknowledged=()
	hear_appended 50 60
	append {201..400}
	node_crash "$leader"
	hear_appended 400 3 || true
	node_restart "$leader"
	for name in n1 n2 n3; do
		insist $name '{"type":"read","key":"l"}'
		jq -c .value <<<"$answer" >list.$name
	done
	# What was not acknowledged may happen yet, between two of these.
	run jq -n --slurpfile a list.n1 --slurpfile b list.n2 --slurpfile c list.n3 --argjson told "[$(IFS=, && echo "${acknowledged[*]}")]" \
		'[$a[0] == $b[0][:($a[0] | length)], $b[0] == $c[0][:($b[0] | length)],
		 ($c[0] | length) == ($c[0] | unique | length), ($told - $a[0])]' -c
	assert_output '[true,true,true,[]]'
}
