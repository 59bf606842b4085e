#!/usr/bin/env bats
# raft-node, killed at every system call on the disk, with peers played by hand: a vote that was told stays given, an
# entry that was confirmed stays in the log, whoever it was confirmed to.

load node.bash

# shellcheck disable=SC2016

setup() {
	[ "$NODE" = raft-node ] || skip "for raft-node"
	node_setup
	find_fault
	member=(--id n1 --nodes n1,n2,n3 --data d --lockstep --seed 1 --election-timeout 100ms-1000s --heartbeat 50ms --segment-size 64K)
}

teardown() {
	node_teardown
}

noop='{"type":"noop"}'
big="{\"type\":\"write\",\"key\":\"x\",\"value\":\"$(printf '%09000d' 0)\"}"

@test "a voter, killed at any call: no second vote in a term, and no older term" {
	{
		for term in 1 2 3; do
			at $((term * 1000)) n2 "{\"type\":\"request_vote\",\"term\":$((2 * term)),\"candidate_id\":\"n2\",\"last_log_index\":0,\"last_log_term\":0}"
			at $((term * 1000)) n3 "{\"type\":\"request_vote\",\"term\":$((2 * term)),\"candidate_id\":\"n3\",\"last_log_index\":0,\"last_log_term\":0}"
			at $((term * 1000 + 1)) n3 "{\"type\":\"append_entries\",\"term\":$((2 * term + 1)),\"leader_id\":\"n3\",\"prev_log_index\":0,\"prev_log_term\":0,\"leader_commit\":0}"
		done
	} >input
	for term in {1..7}; do
		at $((9000 + term)) n3 "{\"type\":\"request_vote\",\"term\":$term,\"candidate_id\":\"n3\",\"last_log_index\":9,\"last_log_term\":$term}"
	done >again
	at_every_call "${member[@]}" -- '
		($one | map(select(.type == "request_vote_ok" and .vote_granted) | .term)) as $given
		| ($one | map(.term // 0) | max // 0) as $seen
		| ($two | map(select(.type == "request_vote_ok"))) as $answers
		| if ($answers | length) != 7 then "no answers"
			elif any($answers[]; .vote_granted and (.term | IN($given[]))) then "votes \($given), and then \($answers)"
			elif any($answers[]; .vote_granted and .term < $seen) then "was in term \($seen), and then \($answers)"
			else empty end'
}

@test "a follower, killed at any call: what it confirmed it has" {
	{
		at 1000 n2 "{\"type\":\"append_entries\",\"term\":1,\"leader_id\":\"n2\",\"prev_log_index\":0,\"prev_log_term\":0,\"entries\":[{\"term\":1,\"command\":$noop}],\"leader_commit\":0}"
		for i in {1..15}; do
			at $((1000 + i)) n2 "{\"type\":\"append_entries\",\"term\":1,\"leader_id\":\"n2\",\"prev_log_index\":$((2 * i - 1)),\"prev_log_term\":1,\"entries\":[{\"term\":1,\"command\":$noop},{\"term\":1,\"command\":$big}],\"leader_commit\":$i}"
		done
	} >input
	for i in {1..31}; do
		at $((9000 + i)) n2 "{\"type\":\"append_entries\",\"term\":1,\"leader_id\":\"n2\",\"prev_log_index\":$i,\"prev_log_term\":1,\"leader_commit\":0}"
	done >again
	at_every_call "${member[@]}" -- '
		($one | map(select(.type == "append_entries_ok" and .success) | .match_index) | max // 0) as $confirmed
		| ($two | map(select(.type == "append_entries_ok" and .success) | .match_index)) as $there
		| if $there != [range(1; ($there | length) + 1)] then "there are \($there)"
			elif $confirmed > ($there | length) then "confirmed \($confirmed), there are \($there | length)"
			else empty end'
}

@test "a follower whose entries are replaced, killed at any call: what it confirmed goes only when a later leader said so" {
	{
		at 1000 n2 "{\"type\":\"append_entries\",\"term\":1,\"leader_id\":\"n2\",\"prev_log_index\":0,\"prev_log_term\":0,\"entries\":[{\"term\":1,\"command\":$noop},{\"term\":1,\"command\":$big},{\"term\":1,\"command\":$big}],\"leader_commit\":1}"
		at 2000 n3 "{\"type\":\"append_entries\",\"term\":2,\"leader_id\":\"n3\",\"prev_log_index\":1,\"prev_log_term\":1,\"entries\":[{\"term\":2,\"command\":$big}],\"leader_commit\":1}"
		at 3000 n2 "{\"type\":\"append_entries\",\"term\":3,\"leader_id\":\"n2\",\"prev_log_index\":1,\"prev_log_term\":1,\"entries\":[{\"term\":3,\"command\":$noop},{\"term\":3,\"command\":$big},{\"term\":3,\"command\":$noop}],\"leader_commit\":2}"
	} >input
	{
		at 900 c1 '{"type":"status","msg_id":1}'
		# The last entry of each of the three logs; none of these messages changes anything but the term.
		for entry in '3 1' '2 2' '4 3'; do
			at 9000 n2 "{\"type\":\"append_entries\",\"term\":4,\"leader_id\":\"n2\",\"prev_log_index\":${entry% *},\"prev_log_term\":${entry#* },\"leader_commit\":0}"
		done
	} >again
	at_every_call "${member[@]}" -- '
		($one | map(select(.type == "append_entries_ok" and .success) | .term) | max // 0) as $confirmed
		| ($two | one(.type == "status_ok") | .term) as $term
		| ($two | map(select(.type == "append_entries_ok") | .success)) as $there
		| if ($there | length) != 3 then "no answers"
			elif $term < $confirmed then "confirmed in term \($confirmed), and then it is \($term)"
			elif $confirmed > 0 and $term == $confirmed and ($there[$confirmed - 1] | not) then "confirmed in \($confirmed), there are \($there)"
			elif ($there | map(select(.)) | length) > 1 then "two logs: \($there)"
			else empty end'
}

@test "a leader, killed at any call: it voted for itself, and what it answered its clients it has" {
	{
		at 0 net '{"type":"tick"}'
		at 2000000 net '{"type":"tick"}'
		at 2000001 n3 '{"type":"request_vote_ok","term":1,"vote_granted":true,"pre_vote":true}'
		at 2000002 n3 '{"type":"request_vote_ok","term":1,"vote_granted":true}'
		at 2000003 n3 '{"type":"append_entries_ok","term":1,"success":true,"match_index":1}'
		for i in {1..12}; do
			at 2000004 c1 "{\"msg_id\":$i,${big#\{}"
			at 2000005 n3 "{\"type\":\"append_entries_ok\",\"term\":1,\"success\":true,\"match_index\":$((i + 1))}"
		done
	} >input
	{
		at 9000 n3 '{"type":"request_vote","term":1,"candidate_id":"n3","last_log_index":99,"last_log_term":1}'
		for i in {1..13}; do
			at 9001 n3 "{\"type\":\"append_entries\",\"term\":2,\"leader_id\":\"n3\",\"prev_log_index\":$i,\"prev_log_term\":1,\"leader_commit\":0}"
		done
	} >again
	at_every_call "${member[@]}" -- '
		any($one[]; .type == "request_vote" and (.pre_vote | not)) as $candidate
		| ($one | map(select(.type == "write_ok") | .in_reply_to + 1) | max // 0) as $answered
		| ($two | map(select(.type == "append_entries_ok" and .success) | .match_index) | max // 0) as $there
		| if $candidate and any($two[]; .type == "request_vote_ok" and .term == 1 and .vote_granted) then "voted twice"
			elif $answered > $there then "answered \($answered), there are \($there)"
			else empty end'
}

@test "a follower that is sent a snapshot, killed at any call: it has the old state or the new, whole" {
	pad=$(printf '%03000d' 0)
	{
		at 0 net '{"type":"tick"}'
		at 2000000 net '{"type":"tick"}'
		at 2000001 n3 '{"type":"request_vote_ok","term":1,"vote_granted":true,"pre_vote":true}'
		at 2000002 n3 '{"type":"request_vote_ok","term":1,"vote_granted":true}'
		for i in {1..20}; do
			at 2000003 c1 "{\"type\":\"write\",\"msg_id\":$i,\"key\":\"k$i\",\"value\":\"$pad\"}"
		done
		at 2000004 n3 '{"type":"append_entries_ok","term":1,"success":true,"match_index":21}'
		at 2000005 c1 '{"type":"snapshot","msg_id":99}'
		at 2000006 net '{"type":"tick"}'
	} >made
	"$NODE" "${member[@]}" --data other <made >out 2>err
	size=$(cat other/*.snapshot | wc -c)
	index=21
	{
		at 1000 n2 "{\"type\":\"append_entries\",\"term\":1,\"leader_id\":\"n2\",\"prev_log_index\":0,\"prev_log_term\":0,\"entries\":[{\"term\":1,\"command\":{\"type\":\"write\",\"key\":\"old\",\"value\":1}}],\"leader_commit\":1}"
		for ((from = 0; from < size; from += 20000)); do
			to=$((from + 20000 < size ? from + 20000 : size))
			at 1001 n2 "{\"type\":\"install_snapshot\",\"term\":1,\"leader_id\":\"n2\",\"last_included_index\":$index,\"last_included_term\":1,\"offset\":$from,\"data\":$(cat other/*.snapshot | jq -Rs ".[$from:$to]"),\"done\":$( ((to < size)) && echo false || echo true)}"
		done
		at 1002 n2 "{\"type\":\"append_entries\",\"term\":1,\"leader_id\":\"n2\",\"prev_log_index\":$index,\"prev_log_term\":1,\"entries\":[{\"term\":1,\"command\":{\"type\":\"write\",\"key\":\"new\",\"value\":1}}],\"leader_commit\":$((index + 1))}"
	} >input
	{
		at 900 c1 '{"type":"list","msg_id":1,"prefix":"k","stale":true}'
		at 901 c1 '{"type":"status","msg_id":2}'
	} >again
	at_every_call "${member[@]}" -- '
		($one | map(select(.type == "install_snapshot_ok") | .offset) | max // 0) as $offset
		| any($one[]; .type == "append_entries_ok" and .success and .match_index == '$((index + 1))') as $after
		| ($two | one(.type == "list_ok") | .items | length) as $keys
		| ($two | one(.type == "status_ok")) as $status
		| if $offset == '"$size"' and $status.snapshot_index != '"$index"' then "installed, and then \($status)"
			elif ($status.snapshot_index == '"$index"') != ($keys == 20) then "snapshot \($status.snapshot_index), \($keys) keys"
			elif $after and $status.last_index != '$((index + 1))' then "confirmed what came after, and then \($status)"
			elif $status.snapshot_index == 0 and $keys != 0 then "\($keys) keys from nowhere"
			else empty end'
}

@test "a leader, killed before its flush: what needs none has left, and goes to the others all the same" {
	{
		at 0 net '{"type":"tick"}'
		at 2000000 net '{"type":"tick"}'
		at 2000001 n3 '{"type":"request_vote_ok","term":1,"vote_granted":true,"pre_vote":true}'
		at 2000002 n3 '{"type":"request_vote_ok","term":1,"vote_granted":true}'
		at 2000003 n3 '{"type":"append_entries_ok","term":1,"success":true,"match_index":1}'
		at 2000004 c1 '{"type":"write","msg_id":1,"key":"told","value":1}'
	} >input
	faulty count:counts "$NODE" "${member[@]}" <input >one 2>err
	read -r calls _ _ <counts
	ahead=0
	for ((n = 1; n <= calls; n++)); do
		rm -rf d
		status=0
		faulty "kill:$n" "$NODE" "${member[@]}" <input >one 2>err || status=$?
		assert_equal "$status" 137
		if grep -q '"append_entries".*"told"' one && ! grep -qs '"told"' d/*.log; then
			ahead=$((ahead + 1))
		fi
	done
	[ "$ahead" -ge 1 ] || fail "$calls calls, and none at which the entry had left and was not on the disk"
}
