#!/usr/bin/env bats
# paxos-node: an acceptor whose directory is gone does not vote in what it may have promised.  It says so, and is let in anew by a
# leader that the others can have; until then nothing that was chosen is chosen otherwise.

NODE=${NODE:-paxos-node}
load cluster.bash

setup() {
	[ "$NODE" = paxos-node ] || skip "for paxos-node"
	node_setup
}

teardown() {
	node_teardown
}

quick=(--election-timeout 150ms-300ms --request-timeout 1s)

# Dies and loses its disk.
wipe() {
	kill_node "$1"
	rm -rf "$1.data"
}

write() {
	insist "$1" "{\"type\":\"write\",\"key\":\"k$2\",\"value\":$2}"
	assert_equal "$answer" '{"type":"write_ok"}'
}

assert_has() {
	insist "$1" "{\"type\":\"read\",\"key\":\"k$2\"}"
	assert_equal "$1 $answer" "$1 {\"type\":\"read_ok\",\"value\":$2}"
}

@test "a new cluster begins when each has heard that the others are new, and not before" {
	members=(n1 n2 n3)
	mkdir cut
	cut_off n3
	start_cluster n1 n2 n3 -- "${quick[@]}"
	# For all that they know n3 and one of them, before it lost its disk, have chosen something.
	for name in n1 n2 n3; do
		ask_at $name '{"type":"write","key":"k1","value":1}'
		assert_error '0|11'
		status_is $name '.votes == false'
	done
	heal
	write n1 1
	assert_has n3 1
	# From now on any two will do.
	kill_node n2
	write n1 2
	assert_has n3 2
}

# As start_cluster, but only the first two of three are started.
start_two() {
	local name
	members=(n1 n2 n3)
	node_options=("${quick[@]}")
	declare -gA pid_of
	mkdir -p cut
	for name in "${members[@]}" client; do
		mkfifo "$name.to" "$name.from"
	done
	switch "${members[@]}" 3>&- &
	children+=($!)
	for name in n1 n2; do
		start_member $name --nodes n1,n2,n3
	done
	exec 7>client.from 8<>client.to
}

says_whom_it_waits_for() {
	grep -q "'n1' is new and does not vote before it has heard 'n3', who might remember it; --founding says that none can" n1.err
}

@test "two of three that are new say whom they wait for, and go on once that is there" {
	start_two
	eventually says_whom_it_waits_for || fail "$(cat n1.err)"
	status_is n1 '.votes == false'
	start_member n3 --nodes n1,n2,n3
	write n1 1
	assert_equal "$(grep -c 'is new and does not vote' n1.err)" 1
}

@test "--founding: two of three begin, and the third joins them as if it had been there" {
	for name in n1 n2; do
		run -0 "$NODE" --founding --id $name --nodes n1,n2,n3 --data $name.data </dev/null
		assert_output ''
	done
	start_two
	write n1 1
	insist n2 '{"type":"propose","instance":"x","value":"once"}'
	# They remember: it loses a disk like any other.
	kill_node n2
	start_member n3 --nodes n1,n2,n3
	eventually status_is n3 '.votes == false' || fail "$answer"
	ask_at n1 '{"type":"write","key":"k2","value":2}'
	assert_error '0|11'
	restart_node n2
	eventually status_is n3 .votes || fail "$answer"
	kill_node n1
	write n3 2
	assert_has n3 1
	insist n3 '{"type":"propose","instance":"x","value":"twice"}'
	assert_equal "$answer" '{"type":"propose_ok","instance":"x","value":"once"}'
	wipe n3
	restart_node n3
	restart_node n1
	eventually status_is n3 .votes || fail "$answer"
	assert_regex "$(cat n3.err)" "'n3' has taken part before and its directory is empty"
}

@test "--founding makes a directory, once: what is there already is left as it is" {
	run -0 "$NODE" --founding --id n1 --nodes n1,n2,n3 --machine false --metrics /nowhere/x
	assert_output ''
	cp -r n1.paxos before
	run -2 "$NODE" --founding --id n1 --nodes n1,n2,n3
	assert_line "$NODE: --founding makes a new directory, and this one is not"
	diff -r before n1.paxos
	run -2 "$NODE" --founding --id n1
	assert_line "$NODE: --founding needs --id and --nodes"
	run -2 "$NODE" --founding --volatile --id n1 --nodes n1
	assert_line "$NODE: --founding and --volatile exclude each other"
	run -2 "$NODE" --founding --id n1 --join
	assert_line "$NODE: --founding needs --id and --nodes"
}

@test "a follower that lost its disk says so, is let in anew by itself, and votes again" {
	start_cluster n1 n2 n3 -- "${quick[@]}"
	write n1 1
	wait_for_leader n1 n2 n3
	pick_follower n1 n2 n3
	lost=$follower
	for name in n1 n2 n3; do
		[ $name = "$leader" ] || [ $name = "$lost" ] || other=$name
	done
	insist "$leader" '{"type":"propose","instance":"x","value":"once"}'
	wipe "$lost"
	write "$leader" 2
	restart_node "$lost"
	eventually status_is "$lost" '.votes and .role == "follower"' || fail "$answer; $(cat "$lost.err")"
	assert_regex "$(cat "$lost.err")" "'$lost' has taken part before and its directory is empty"
	insist "$leader" '{"type":"status"}'
	assert_equal "$(jq -c '[(.voters | sort), .learners]' <<<"$answer")" '[["n1","n2","n3"],[]]'
	# One of the two that have everything goes: the one that lost it has it again.
	kill_node "$other"
	write "$lost" 3
	assert_has "$lost" 1
	assert_has "$lost" 2
	insist "$lost" '{"type":"propose","instance":"x","value":"twice"}'
	assert_equal "$answer" '{"type":"propose_ok","instance":"x","value":"once"}'
	# It knows that it votes from its own disk.
	kill_node "$lost"
	restart_node "$lost"
	write "$lost" 4
}

@test "what two have chosen is not forgotten by one of them with the third's help" {
	start_cluster n1 n2 n3 -- "${quick[@]}"
	write n1 0
	wait_for_leader n1 n2 n3
	pick_follower n1 n2 n3
	away=$follower
	for name in n1 n2 n3; do
		[ $name = "$leader" ] || [ $name = "$away" ] || lost=$name
	done
	was=$leader
	cut_off "$away"
	write "$was" 1
	insist "$was" '{"type":"propose","instance":"x","value":"chosen"}'
	insist "$was" '{"type":"change","instance":"y","from":null,"to":"chosen"}'
	kill_node "$was"
	wipe "$lost"
	heal
	restart_node "$lost"
	# The one that knows nothing and the one that has forgotten are two of three, and decide nothing.
	for name in "$away" "$lost"; do
		for request in '{"type":"write","key":"k1","value":-1}' '{"type":"read","key":"k1"}' '{"type":"propose","instance":"x","value":"other"}' \
			'{"type":"change","instance":"y","from":null,"to":"other"}' '{"type":"change","instance":"y"}'; do
			ask_at "$name" "$request"
			assert_error '0|11'
		done
	done
	status_is "$lost" '.votes == false'
	restart_node "$was"
	assert_has "$away" 1
	assert_has "$lost" 1
	insist "$away" '{"type":"propose","instance":"x","value":"other"}'
	assert_equal "$answer" '{"type":"propose_ok","instance":"x","value":"chosen"}'
	insist "$lost" '{"type":"change","instance":"y"}'
	assert_equal "$answer" '{"type":"change_ok","instance":"y","value":"chosen"}'
	eventually status_is "$lost" .votes || fail "$answer"
	write "$lost" 2
}

@test "one after the other loses its disk, and nothing is lost" {
	start_cluster n1 n2 n3 -- "${quick[@]}"
	insist n1 '{"type":"change","instance":"r","from":null,"to":0}'
	for i in {1..6}; do
		write "n$((i % 3 + 1))" $i
		wipe "n$(((i + 1) % 3 + 1))"
		restart_node "n$(((i + 1) % 3 + 1))"
		eventually status_is "n$(((i + 1) % 3 + 1))" '.votes and .commit_index == .last_index' || fail "$answer"
		insist "n$(((i + 1) % 3 + 1))" "{\"type\":\"change\",\"instance\":\"r\",\"from\":$((i - 1)),\"to\":$i}"
		assert_equal "$answer" "{\"type\":\"change_ok\",\"instance\":\"r\",\"value\":$i}"
	done
	for i in {1..6}; do
		assert_has n1 $i
		assert_has n2 $i
		assert_has n3 $i
	done
}

@test "the only node there is begins anew where its directory is empty: nobody else could remember" {
	start_cluster n1
	write n1 1
	wipe n1
	restart_node n1
	insist n1 '{"type":"read","key":"k1"}'
	assert_error 20
	write n1 2
}

@test "who began alone and lost its disk comes back with --join, and does not take itself for the only one" {
	play --join --data d --seed 1 <<-'.'
		0 n2 {"type":"chosen_values","ballot":[2,"n2"],"from":1,"upto":3,"values":[{"type":"config","voters":["n1"],"learners":["n2"],"version":1}]}
		> *
		1 net {"type":"tick"}
		> *
		2000 net {"type":"tick"}
		> *
		4000 net {"type":"tick"}
		> *
		4001 c1 {"type":"status","msg_id":1}
		> *
	.
	run -0 jq -c 'select(.body.type == "status_ok").body | [.last_applied, .voters, .votes, .role == "leader"]' scene.out
	assert_output '[1,["n1"],false,false]'
}
