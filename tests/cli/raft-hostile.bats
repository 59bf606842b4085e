#!/usr/bin/env bats
# raft-node among those who do it harm: histories in which a definite answer would be a lie, logs and snapshots as no honest
# leader sends them.

load node.bash

setup() {
	[ "$NODE" = raft-node ] || skip "for raft-node"
	node_setup
	three=(--nodes n1,n2,n3 --seed 1)
	patient=("${three[@]}" --election-timeout 100ms-1000s --heartbeat 50ms)
}

teardown() {
	node_teardown
}

# follower MS [MEMBERS]: n2 leads term 5, and says so at that time.
follower() {
	printf '%d n2 {"type":"append_entries","term":5,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"leader_commit":0%s}\n> *\n' \
		"$1" "${2:+,$2}"
}

# entries FROM TO BYTES: writes of keys kFROM .. kTO, as an append's member.
entries() {
	local i pad
	pad=$(printf '%0*d' "$3" 0)
	printf '"entries":['
	for ((i = $1; i <= $2; i++)); do
		printf '%s{"term":5,"command":{"type":"write","key":"k%d","value":"%s"}}' "$( ((i == $1)) || echo ,)" "$i" "$pad"
	done
	printf ']'
}

# The number of the first forwarded request of line $1.
forwarded_as() {
	said "$1" n2 | jq -c 'select(.type == "forward") | .requests[0].id'
}

# The node of the last scene starts again from what it left, and says how it is.
restart() {
	play "${patient[@]}" <<-'END'
		1000000 c1 {"type":"status","msg_id":1}
		> *
	END
}

# What c1 heard as the answer to msg_id $1: its code, or its type.
outcome() {
	jq -c --argjson id "$1" 'select(.dest == "c1" and .body.in_reply_to == $id) | .body.code // .body.type' scene.out
}

@test "an entry that was replaced may be committed yet by who still has it: no error said that it did not happen" {
	play --nodes n1,n2,n3,n4,n5 --seed 1 --volatile <<-'END'
		1000 net {"type":"tick"}
		> *
		1000 n2 {"type":"request_vote_ok","term":1,"vote_granted":true,"pre_vote":true}
		> *
		1000 n3 {"type":"request_vote_ok","term":1,"vote_granted":true,"pre_vote":true}
		> *
		1000 n2 {"type":"request_vote_ok","term":1,"vote_granted":true}
		> *
		1000 n3 {"type":"request_vote_ok","term":1,"vote_granted":true}
		> *
		1001 c1 {"type":"write","msg_id":1,"key":"x","value":1}
		> *
		# n2 has it, n3 has not, leads term 2 with n4 and n5, and dies; then n2 leads term 3 with n4 and n5.
		1100 n3 {"type":"append_entries","term":2,"leader_id":"n3","prev_log_index":1,"prev_log_term":1,"leader_commit":1,"entries":[{"term":2,"command":{"type":"noop"}}]}
		> *
		1200 n2 {"type":"append_entries","term":3,"leader_id":"n2","prev_log_index":1,"prev_log_term":1,"leader_commit":3,"entries":[{"term":1,"command":{"type":"write","key":"x","value":1}},{"term":3,"command":{"type":"noop"}}]}
		> *
		1201 c1 {"type":"read","msg_id":2,"key":"x","stale":true}
		> *
		9000 net {"type":"tick"}
		> *
	END
	assert_equal "$(outcome 2)" '"read_ok"'
	assert_regex "$(outcome 1)" '^(0|13|"write_ok")$'
}

@test "an entry that gave way to another leader's has an unknown outcome, and its client hears that at once" {
	play --nodes n1,n2,n3 --seed 1 --volatile <<-'END'
		1000 net {"type":"tick"}
		> *
		1000 n2 {"type":"request_vote_ok","term":1,"vote_granted":true,"pre_vote":true}
		> *
		1000 n2 {"type":"request_vote_ok","term":1,"vote_granted":true}
		> *
		1001 c1 {"type":"write","msg_id":1,"key":"x","value":1}
		> *
		1100 n3 {"type":"append_entries","term":2,"leader_id":"n3","prev_log_index":1,"prev_log_term":1,"leader_commit":2,"entries":[{"term":2,"command":{"type":"noop"}}]}
		> *
	END
	assert_equal "$(outcome 1)" 0
}

@test "an append over several segments, compacted halfway: a restart reads what is left" {
	{
		follower 10 "$(entries 1 300 1000)"
		for commit in 100 200; do
			echo "$((10 + commit)) n2 {\"type\":\"append_entries\",\"term\":5,\"leader_id\":\"n2\",\"prev_log_index\":300,\"prev_log_term\":5,\"leader_commit\":$commit}"
			echo '> n2 {"success":true}'
		done
	} >scene
	play "${patient[@]}" --segment-size 64K --snapshot-every 1 <scene
	[ ! -e n1.raft/00000001.log ]
	restart
	assert_equal "$(jq -c 'select(.dest == "c1") | .body | [.term, .snapshot_index, .last_index]' scene.out)" '[5,200,300]'
}

@test "a small --line-max keeps no node from appends and snapshots" {
	{
		echo '1 net {"type":"tick"}'
		echo '> *'
		follower 10 "$(entries 1 20 1000)"
		echo '11 c1 {"type":"status","msg_id":1}'
		echo '> c1 {"type":"status_ok","last_index":20}'
	} >scene
	play "${patient[@]}" --volatile --line-max 2000 <scene
}

@test "a watch hears of what a snapshot skipped, or that something was skipped" {
	# A snapshot of x = 1 and of index 10, made by a node of its own.
	play --nodes n1 --seed 1 --data other <<-'END'
		1 net {"type":"tick"}
		> *
		2 c1 {"type":"write","msg_id":1,"key":"x","value":1}
		> *
		3 c1 {"type":"snapshot","msg_id":2}
		> *
	END
	data=$(jq -Rs . other/*.snapshot)
	{
		follower 10
		echo '11 c1 {"type":"watch","msg_id":1,"prefix":""}'
		echo '> *'
	} >scene
	play "${patient[@]}" --volatile <scene
	number=$(forwarded_as 2)
	{
		cat scene
		echo "12 n2 {\"type\":\"forward_ok\",\"answers\":[{\"id\":$number,\"body\":{\"type\":\"read_index_ok\",\"index\":1}}]}"
		echo '> c1 {"type":"watch_ok"}'
		echo "13 n2 {\"type\":\"install_snapshot\",\"term\":5,\"leader_id\":\"n2\",\"last_included_index\":2,\"last_included_term\":1,\"offset\":0,\"data\":$data,\"done\":true}"
		echo '> *'
	} >scene2
	play "${patient[@]}" --volatile <scene2
	run said 4 c1
	assert_output --regexp .
}

@test "entries that are no commands of this machine are passed over, by kv and by a program" {
	{
		follower 10 "\"entries\":[$(printf '{"term":5,"command":%s},' '{}' '{"type":5}' '{"type":"write"}' '{"type":"write","key":"x"}' \
			'{"type":"write","key":"x","value":1,"session":5,"seq":1}' '{"type":"write","key":"x","value":1,"session":"s"}' \
			'{"type":"write","key":"x","value":1,"session":"s","seq":-1}' '{"type":"write","key":"x","value":1,"session":"","seq":1}' \
			'{"type":"apply"}' '{"type":"apply","command":1,"session":"s"}' '{"type":"txn"}' '{"type":"txn","txn":[[]]}' '{"type":"cas","key":"x"}' \
			'{"type":"config"}' '{"type":"config","voters":5}' '{"type":"watch"}' '{"type":"init"}')"'{"term":5,"command":{"type":"noop"}}]'
		echo '11 n2 {"type":"append_entries","term":5,"leader_id":"n2","prev_log_index":18,"prev_log_term":5,"leader_commit":18}'
		echo '> n2 {"success":true}'
		echo '12 c1 {"type":"status","msg_id":1}'
		echo '> c1 {"type":"status_ok","last_applied":18,"voters":["n1","n2","n3"]}'
		echo '13 c1 {"type":"snapshot","msg_id":2}'
		echo '> c1 {"type":"snapshot_ok"}'
	} >scene
	play "${patient[@]}" <scene
	restart
	play "${patient[@]}" --volatile --machine 'while read -r line; do case $line in *snapshot*) echo "{\"snapshot\":1}";; *) echo 1;; esac; done' <scene
}

@test "numbers at the end of their range end nothing, nor does a snapshot that never comes to an end" {
	{
		for body in '"prev_log_index":9007199254740992,"prev_log_term":9007199254740992,"leader_commit":0' \
			'"prev_log_index":9007199254740991,"prev_log_term":1,"leader_commit":9007199254740992,"entries":[{"term":5,"command":{}},{"term":5,"command":{}},{"term":5,"command":{}}]' \
			'"prev_log_index":0,"prev_log_term":0,"leader_commit":9007199254740992'; do
			printf '%s\n' "10 n2 {\"type\":\"append_entries\",\"term\":5,\"leader_id\":\"n2\",$body}" '> *'
		done
		for offset in 7 0 0 9 9007199254740992; do
			printf '%s\n' "11 n2 {\"type\":\"install_snapshot\",\"term\":5,\"leader_id\":\"n2\",\"last_included_index\":10,\"last_included_term\":5,\"offset\":$offset,\"data\":\"\\u0001garbage\\n\",\"done\":false}" '> *'
		done
		printf '%s\n' '12 n2 {"type":"install_snapshot","term":5,"leader_id":"n2","last_included_index":10,"last_included_term":5,"offset":9,"data":"","done":true}' '> *'
		follower 13
		printf '%s\n' '14 c1 {"type":"status","msg_id":1}' '> c1 {"type":"status_ok","commit_index":0,"snapshot_index":0,"last_index":0}'
	} >scene
	play "${patient[@]}" <scene
	restart
}

@test "a snapshot that is whole but of another index is refused, or ends the node with exit 3: no assertion does" {
	play --nodes n1 --seed 1 --data other <<-'END'
		1 net {"type":"tick"}
		> *
		2 c1 {"type":"write","msg_id":1,"key":"x","value":1}
		> *
		3 c1 {"type":"snapshot","msg_id":2}
		> *
	END
	data=$(jq -Rs . other/*.snapshot)
	# The message says that it is of 10, the snapshot says 2.
	{
		follower 10 "$(entries 1 3 1)"
		printf '%s\n' "11 n2 {\"type\":\"install_snapshot\",\"term\":5,\"leader_id\":\"n2\",\"last_included_index\":10,\"last_included_term\":5,\"offset\":0,\"data\":$data,\"done\":true}" '> *'
		follower 12
	} | awk '/^>/ { next } { at = $1 "000000"; src = $2; sub(/^[^ ]+ +[^ ]+ +/, ""); printf "{\"src\":\"%s\",\"dest\":\"n1\",\"at\":%s,\"body\":%s}\n", src, at, $0 }' >lines
	for life in first second; do
		run --separate-stderr "$NODE" --lockstep --id n1 "${patient[@]}" <lines
		assert_regex "$life $status" ' [03]$'
	done
}
