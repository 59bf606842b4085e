#!/usr/bin/env bats
# paxos-node: quorums of other sizes, grids, and roles, in clusters of one to five real processes.

NODE=${NODE:-paxos-node}
load cluster.bash

setup() {
	[ "$NODE" = paxos-node ] || skip "for paxos-node"
	node_setup
}

teardown() {
	node_teardown
}

# write NODE N...: keys kN, each until it is acknowledged.
write() {
	local n
	for n in "${@:2}"; do
		insist "$1" "{\"type\":\"write\",\"key\":\"k$n\",\"value\":$n}"
		assert_equal "$answer" '{"type":"write_ok"}'
	done
}

assert_has() {
	local n
	for n in "${@:2}"; do
		insist "$1" "{\"type\":\"read\",\"key\":\"k$n\"}"
		assert_equal "$1 $answer" "$1 {\"type\":\"read_ok\",\"value\":$n}"
	done
}

# Elections that nobody waits for long, and that do not happen by chance either.
steady=(--election-timeout 500ms-1s --heartbeat 50ms)

# kill_but NAME...: all others die.
kill_but() {
	local name
	for name in "${members[@]}"; do
		[[ " $* " == *" $name "* ]] || kill_node "$name"
	done
}

@test "one node alone decides at once, and again after a restart" {
	start_cluster n1
	write n1 1
	assert_has n1 1
	kill_node n1
	restart_node n1
	assert_has n1 1
}

@test "two nodes: both have to be there, and no more than that" {
	start_cluster n1 n2 -- --request-timeout 1s
	write n1 1
	write n2 2
	kill_node n2
	ask_at n1 '{"type":"write","key":"k3","value":3}'
	assert_error '0|11'
	restart_node n2
	assert_has n2 1 2
	write n2 3
	assert_has n1 1 2 3
}

@test "five nodes: two may die at once, and come back" {
	start_cluster n1 n2 n3 n4 n5
	write n1 1
	wait_for_leader n1 n2 n3 n4 n5
	pick_follower n1 n2 n3 n4 n5
	kill_node "$leader"
	kill_node "$follower"
	for name in n1 n2 n3 n4 n5; do
		[ $name = "$leader" ] || [ $name = "$follower" ] || left=$name
	done
	write "$left" 2
	restart_node "$leader"
	restart_node "$follower"
	assert_has "$leader" 1 2
	assert_has "$follower" 1 2
}

@test "4 of 5 promise, 2 of 5 accept: writes go on while the leader and one more live, and nobody else is elected then" {
	start_cluster n1 n2 n3 n4 n5 -- --quorum1 4 --quorum2 2 --request-timeout 1s "${steady[@]}"
	write n1 1
	wait_for_leader n1 n2 n3 n4 n5
	pick_follower n1 n2 n3 n4 n5
	kill_but "$leader" "$follower"
	write "$leader" 2
	assert_has "$leader" 1 2
	assert_has "$follower" 2
	# Four have to promise, and there are not so many.
	kill_node "$leader"
	ask_at "$follower" '{"type":"write","key":"k3","value":3}'
	assert_error '0|11'
	dead=$leader
	brought=0
	for name in "${members[@]}"; do
		[ $name != "$follower" ] && [ $name != "$dead" ] && ((brought++ < 2)) || continue
		restart_node $name
	done
	# Three, and still not enough.
	ask_at "$follower" '{"type":"write","key":"k3","value":3}'
	assert_error '0|11'
	restart_node "$dead"
	write "$follower" 3
	for name in "$follower" "$dead"; do
		assert_has "$name" 1 2 3
	done
}

@test "2 of 5 promise, 4 of 5 accept: a leader is found by two, and chooses nothing without four" {
	start_cluster n1 n2 n3 n4 n5 -- --quorum1 2 --request-timeout 1s "${steady[@]}"
	write n1 1
	wait_for_leader n1 n2 n3 n4 n5
	kill_node "$leader"
	write "$(for name in "${members[@]}"; do [ $name = "$leader" ] || echo $name; done | head -n 1)" 2
	wait_for_leader $(for name in "${members[@]}"; do gone "${pid_of[$name]}" || echo $name; done)
	for name in "${members[@]}"; do
		if [ $name != "$leader" ] && ! gone "${pid_of[$name]}"; then
			kill_node $name
			break
		fi
	done
	ask_at "$leader" '{"type":"write","key":"k3","value":3}'
	assert_error '0|11'
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
	start_cluster n1 n2 n3 n4 n5 n6 -- --quorum-grid "$PWD/grid" --request-timeout 1s "${steady[@]}"
	write n1 1
	wait_for_leader n1 n2 n3 n4 n5 n6
	# One of each row, the leader among them.
	left=("$leader")
	for row in 'n1 n2' 'n3 n4' 'n5 n6'; do
		[[ " $row " == *" $leader "* ]] || left+=("${row% *}")
	done
	kill_but "${left[@]}"
	write "$leader" 2
	assert_has "${left[1]}" 1 2
	# Without one of its rows nothing is chosen.
	kill_node "${left[1]}"
	ask_at "$leader" '{"type":"write","key":"k3","value":3}'
	assert_error '0|11'
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
	kill_node "$1"
	printf '%q ' --nodes n1,n2,n3 --roles "$2" >"$1.options"
	restart_node "$1"
}

@test "--roles: who is no acceptor learns everything and is not counted" {
	run --separate-stderr paxos-node --id n1 --nodes n1 --roles leader --volatile </dev/null
	assert_failure 2
	assert_regex "$stderr" "'leader'"
	start_cluster n1 n2 n3 -- --request-timeout 1s --election-timeout 150ms-300ms
	write n1 1
	with_roles n3 proposer,learner
	write n1 2
	assert_has n3 1 2
	assert_has n1 1 2
	status_is n3 '.votes == false'
	kill_node n2
	ask_at n1 '{"type":"write","key":"k3","value":3}'
	assert_error '0|11'
	with_roles n3 proposer,acceptor,learner
	write n1 3
	assert_has n3 3
}

@test "--roles: who is no proposer never leads, and decides no register" {
	start_cluster n1 n2 n3 -- --request-timeout 1s --election-timeout 150ms-300ms
	write n1 1
	with_roles n2 acceptor,learner
	with_roles n3 acceptor,learner
	write n2 2
	wait_for_leader n1 n2 n3
	assert_equal "$leader" n1
	ask_at n2 '{"type":"propose","instance":"x","value":1}'
	assert_error 11
	kill_node n1
	ask_at n2 '{"type":"write","key":"k3","value":3}'
	assert_error '0|11'
	restart_node n1
	write n3 3
}

@test "a node that was away is told what was chosen meanwhile, value by value" {
	start_cluster n1 n2 n3
	write n1 {1..5}
	wait_for_leader n1 n2 n3
	pick_follower n1 n2 n3
	kill_node "$follower"
	write "$leader" {6..60}
	restart_node "$follower"
	eventually status_is "$follower" '.last_applied >= 60 and .snapshot_index == 0' || fail "$answer"
	assert_has "$follower" {1..60}
}

@test "all at once, then the leader dies in the midst of a flood: what was acknowledged is there, and in order" {
	start_cluster n1 n2 n3 -- --snapshot-every 100 --segment-size 64K
	wait_for_leader n1 n2 n3
	for i in {1..400}; do
		tell "{\"src\":\"c1\",\"dest\":\"n$((i % 3 + 1))\",\"body\":{\"type\":\"txn\",\"msg_id\":$((10000 + i)),\"txn\":[[\"append\",\"l\",$i]],\"session\":\"s$i\",\"seq\":1}}"
	done
	kill_node "$leader"
	acknowledged=$({ timeout 3 cat <&8 || true; } | jq -c 'select(.body.type == "txn_ok") | .body.in_reply_to - 10000' | sort -n)
	restart_node "$leader"
	for name in n1 n2 n3; do
		insist $name '{"type":"read","key":"l"}'
		jq -c .value <<<"$answer" >list.$name
	done
	# What was not acknowledged may happen yet, between two of these.
	run jq -n --slurpfile a list.n1 --slurpfile b list.n2 --slurpfile c list.n3 --argjson told "[$(paste -sd, <<<"$acknowledged")]" \
		'[$a[0] == $b[0][:($a[0] | length)], $b[0] == $c[0][:($b[0] | length)],
		 ($c[0] | length) == ($c[0] | unique | length), ($told - $a[0])]' -c
	assert_output '[true,true,true,[]]'
}

@test "a joiner makes no snapshot of what was before it knows the members: who was given that would know none" {
	play --join --data d --snapshot-every 1 <<-'.'
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
	run -0 cat d/*.snapshot
	assert_line --partial '"last_included_index":2,"voters":["n2"],"learners":["n1"]'
	refute_output --partial '"voters":[]'
}
