#!/usr/bin/env bats
# paxos-node: an acceptor whose directory is gone does not vote in what it may have promised.  It says so, and is let in anew by a
# leader that the others can have; until then nothing that was chosen is chosen otherwise.

NODE=${NODE:-paxos-node}
load store.bash

setup() {
	[ "$NODE" = paxos-node ] || skip "for paxos-node"
	cd "$BATS_TEST_TMPDIR" || return
}

quick=(--election-timeout 150ms-300ms --request-timeout 1s)

# Dies and loses its disk.
wipe() {
	node_crash "$1"
	rm -rf "$cluster_dir/$1.paxos"
}

@test "a new cluster begins when each has heard that the others are new, and not before" {
	echo '{"at":"0s","type":"isolate","node":"n3"}' >plan
	start 3 "${quick[@]}" -- --plan plan
	# For all that they know n3 and one of them, before it lost its disk, have chosen something.
	for name in n1 n2 n3; do
		ask $name '{"type":"write","key":"k1","value":1}'
		assert_error 0 11
		assert_status $name '.votes == false'
	done
	net heal
	write n1 1
	assert_has n3 1
	# From now on any two will do.
	node_crash n2
	write n1 2
	assert_has n3 2
}

# start_two [-C DIR]: the third starts when there is a file n3.go.
start_two() {
	start "$@" 2 "${quick[@]}" -- -n "n3=until [ -e n3.go ]; do sleep 0.02; done; exec '$bin/$NODE' ${quick[*]}"
}

says_whom_it_waits_for() {
	[[ $(node_log n1) == *"'n1' is new and does not vote before it has heard 'n3', who might remember it; --founding says that none can"* ]]
}

@test "two of three that are new say whom they wait for, and go on once that is there" {
	start_two
	eventually says_whom_it_waits_for || fail "$(node_log n1)"
	assert_status n1 '.votes == false'
	touch "$cluster_dir/n3.go"
	write n1 1
	assert_equal "$(node_log n1 | grep -c 'is new and does not vote')" 1
}

@test "--founding: two of three begin, and the third joins them as if it had been there" {
	for name in n1 n2; do
		run -0 "$NODE" --founding --id $name --nodes n1,n2,n3 --data $name.paxos </dev/null
		assert_output ''
	done
	start_two -C .
	write n1 1
	insist n2 '{"type":"propose","instance":"x","value":"once"}'
	# They remember: it loses a disk like any other.
	node_crash n2
	touch "$cluster_dir/n3.go"
	node_wait n3 '.votes == false'
	ask n1 '{"type":"write","key":"k2","value":2}'
	assert_error 0 11
	node_restart n2
	node_wait n3 .votes
	node_crash n1
	write n3 2
	assert_has n3 1
	insist n3 '{"type":"propose","instance":"x","value":"twice"}'
	assert_equal "$answer" '{"type":"propose_ok","instance":"x","value":"once"}'
	wipe n3
	node_restart n3
	node_restart n1
	node_wait n3 .votes
	assert_regex "$(node_log n3)" "'n3' has taken part before and its directory is empty"
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
	start 3 "${quick[@]}"
	write n1 1
	cluster_wait_leader n1 n2 n3
	lost=${followers[0]} other=${followers[1]}
	insist "$leader" '{"type":"propose","instance":"x","value":"once"}'
	wipe "$lost"
	write "$leader" 2
	node_restart "$lost"
	node_wait "$lost" '.votes and .role == "follower"'
	assert_regex "$(node_log "$lost")" "'$lost' has taken part before and its directory is empty"
	insist "$leader" '{"type":"status"}'
	assert_equal "$(jq -c '[(.voters | sort), .learners]' <<<"$answer")" '[["n1","n2","n3"],[]]'
	# One of the two that have everything goes: the one that lost it has it again.
	node_crash "$other"
	write "$lost" 3
	assert_has "$lost" 1
	assert_has "$lost" 2
	insist "$lost" '{"type":"propose","instance":"x","value":"twice"}'
	assert_equal "$answer" '{"type":"propose_ok","instance":"x","value":"once"}'
	# It knows that it votes from its own disk.
	node_crash "$lost"
	node_restart "$lost"
	write "$lost" 4
}

@test "what two have chosen is not forgotten by one of them with the third's help" {
	start 3 "${quick[@]}"
	write n1 0
	cluster_wait_leader n1 n2 n3
	was=$leader away=${followers[0]} lost=${followers[1]}
	net isolate "$away"
	write "$was" 1
	insist "$was" '{"type":"propose","instance":"x","value":"chosen"}'
	insist "$was" '{"type":"change","instance":"y","from":null,"to":"chosen"}'
	node_crash "$was"
	wipe "$lost"
	net heal
	node_restart "$lost"
	# The one that knows nothing and the one that has forgotten are two of three, and decide nothing.
	for name in "$away" "$lost"; do
		for request in '{"type":"write","key":"k1","value":-1}' '{"type":"read","key":"k1"}' '{"type":"propose","instance":"x","value":"other"}' \
			'{"type":"change","instance":"y","from":null,"to":"other"}' '{"type":"change","instance":"y"}'; do
			ask "$name" "$request"
			assert_error 0 11
		done
	done
	assert_status "$lost" '.votes == false'
	node_restart "$was"
	assert_has "$away" 1
	assert_has "$lost" 1
	insist "$away" '{"type":"propose","instance":"x","value":"other"}'
	assert_equal "$answer" '{"type":"propose_ok","instance":"x","value":"chosen"}'
	insist "$lost" '{"type":"change","instance":"y"}'
	assert_equal "$answer" '{"type":"change_ok","instance":"y","value":"chosen"}'
	node_wait "$lost" .votes
	write "$lost" 2
}

@test "one after the other loses its disk, and nothing is lost" {
	start 3 "${quick[@]}"
	insist n1 '{"type":"change","instance":"r","from":null,"to":0}'
	for i in {1..6}; do
		write "n$((i % 3 + 1))" $i
		wipe "n$(((i + 1) % 3 + 1))"
		node_restart "n$(((i + 1) % 3 + 1))"
		node_wait "n$(((i + 1) % 3 + 1))" '.votes and .commit_index == .last_index'
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
	start 1
	write n1 1
	wipe n1
	node_restart n1
	insist n1 '{"type":"read","key":"k1"}'
	assert_error 20
	write n1 2
}
