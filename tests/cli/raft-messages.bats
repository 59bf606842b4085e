#!/usr/bin/env bats
# raft-node against peers played by hand, line by line: what a follower and a candidate say to what they hear, as
# section 3 of the design and Figures 2 and 13 of the extended paper have it.  raft-leader.bats has the leader.

load node.bash

setup() {
	[ "$NODE" = raft-node ] || skip "for raft-node"
	node_setup
	three=(--nodes n1,n2,n3 --volatile --seed 1)
	# A follower that hears nothing for a while, and stays one.
	patient=("${three[@]}" --election-timeout 100ms-1000s --heartbeat 50ms)
}

teardown() {
	node_teardown
}

# ---- votes ----

@test "a vote is given once a term, to whoever asks first, and said again to the same" {
	play "${three[@]}" <<-'END'
		10 n2 {"type":"request_vote","term":1,"candidate_id":"n2","last_log_index":0,"last_log_term":0}
		> n2 {"type":"request_vote_ok","term":1,"vote_granted":true}
		11 n3 {"type":"request_vote","term":1,"candidate_id":"n3","last_log_index":0,"last_log_term":0,"pre_vote":false}
		> n3 {"type":"request_vote_ok","term":1,"vote_granted":false}
		12 n2 {"type":"request_vote","term":1,"candidate_id":"n2","last_log_index":0,"last_log_term":0}
		> n2 {"type":"request_vote_ok","term":1,"vote_granted":true}
		13 n3 {"type":"request_vote","term":2,"candidate_id":"n3","last_log_index":9,"last_log_term":1}
		> n3 {"type":"request_vote_ok","term":2,"vote_granted":true}
		14 n2 {"type":"request_vote","term":1,"candidate_id":"n2","last_log_index":9,"last_log_term":9}
		> n2 {"type":"request_vote_ok","term":2,"vote_granted":false}
		15 c1 {"type":"status","msg_id":1}
		> c1 {"type":"status_ok","in_reply_to":1,"role":"follower","term":2,"voted_for":"n3","leader":null,"last_index":0}
	END
}

@test "a message has the members of the design and no others but what an answer repeats" {
	play "${three[@]}" <<-'END'
		10 n2 {"type":"request_vote","term":1,"candidate_id":"n2","last_log_index":0,"last_log_term":0}
		> *
		20 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":1,"command":{"type":"noop"}}],"leader_commit":0}
		> *
		21 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":7,"prev_log_term":1,"entries":[],"leader_commit":0}
		> *
		9999 net {"type":"tick"}
		> *
	END
	jq -c 'select(.body.type != "idle") | .body | del(.pre_vote, .round) | [.type, (keys - ["type"])]' scene.out | sort -u | diff - <(cat <<-'END'
		["append_entries_ok",["conflict_index","match_index","success","term"]]
		["append_entries_ok",["match_index","success","term"]]
		["request_vote",["candidate_id","last_log_index","last_log_term","term"]]
		["request_vote_ok",["term","vote_granted"]]
	END
	)
}

@test "a vote goes to no candidate whose log is behind: the later last term counts first, then the length" {
	play "${patient[@]}" <<-'END'
		10 n2 {"type":"append_entries","term":2,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":1,"command":{"type":"noop"}},{"term":2,"command":{"type":"noop"}}],"leader_commit":0}
		> n2 {"type":"append_entries_ok","term":2,"success":true,"match_index":2}
		200 n3 {"type":"request_vote","term":3,"candidate_id":"n3","last_log_index":5,"last_log_term":1}
		> n3 {"type":"request_vote_ok","term":3,"vote_granted":false}
		201 n3 {"type":"request_vote","term":4,"candidate_id":"n3","last_log_index":1,"last_log_term":2}
		> n3 {"type":"request_vote_ok","term":4,"vote_granted":false}
		202 n3 {"type":"request_vote","term":5,"candidate_id":"n3","last_log_index":2,"last_log_term":2}
		> n3 {"type":"request_vote_ok","term":5,"vote_granted":true}
		203 n3 {"type":"request_vote","term":6,"candidate_id":"n3","last_log_index":1,"last_log_term":3}
		> n3 {"type":"request_vote_ok","term":6,"vote_granted":true}
	END
}

@test "a pre-vote is granted where the vote would be, and promises and changes nothing" {
	play "${patient[@]}" <<-'END'
		10 n2 {"type":"request_vote","term":7,"candidate_id":"n2","last_log_index":0,"last_log_term":0,"pre_vote":true}
		> n2 {"type":"request_vote_ok","vote_granted":true,"pre_vote":true}
		11 n3 {"type":"request_vote","term":7,"candidate_id":"n3","last_log_index":0,"last_log_term":0,"pre_vote":true}
		> n3 {"type":"request_vote_ok","vote_granted":true,"pre_vote":true}
		12 c1 {"type":"status","msg_id":1}
		> c1 {"type":"status_ok","term":0,"voted_for":null}
		13 n3 {"type":"request_vote","term":1,"candidate_id":"n3","last_log_index":0,"last_log_term":0}
		> n3 {"type":"request_vote_ok","term":1,"vote_granted":true}
		14 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":1,"command":{"type":"noop"}}],"leader_commit":0}
		> n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":1}
		200 n3 {"type":"request_vote","term":2,"candidate_id":"n3","last_log_index":0,"last_log_term":0,"pre_vote":true}
		> n3 {"type":"request_vote_ok","term":1,"vote_granted":false,"pre_vote":true}
		201 n3 {"type":"request_vote","term":1,"candidate_id":"n3","last_log_index":1,"last_log_term":1,"pre_vote":true}
		> n3 {"type":"request_vote_ok","term":1,"vote_granted":false,"pre_vote":true}
	END
}

@test "as long as a leader is heard from there is no vote, and no term taken over" {
	play "${patient[@]}" <<-'END'
		10 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"leader_commit":0}
		> n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":0}
		60 n3 {"type":"request_vote","term":9,"candidate_id":"n3","last_log_index":0,"last_log_term":0,"pre_vote":true}
		> n3 {"type":"request_vote_ok","term":1,"vote_granted":false,"pre_vote":true}
		61 n3 {"type":"request_vote","term":9,"candidate_id":"n3","last_log_index":0,"last_log_term":0}
		> n3 {"type":"request_vote_ok","term":1,"vote_granted":false}
		62 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[],"leader_commit":0}
		> n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":0}
		300 n3 {"type":"request_vote","term":9,"candidate_id":"n3","last_log_index":0,"last_log_term":0}
		> n3 {"type":"request_vote_ok","term":9,"vote_granted":true}
	END
}

@test "a vote and a term are kept over a restart" {
	play --nodes n1,n2,n3 --data d --seed 1 <<-'END'
		10 n2 {"type":"request_vote","term":5,"candidate_id":"n2","last_log_index":0,"last_log_term":0}
		> n2 {"type":"request_vote_ok","term":5,"vote_granted":true}
	END
	play --nodes n1,n2,n3 --data d --seed 1 <<-'END'
		10 n3 {"type":"request_vote","term":5,"candidate_id":"n3","last_log_index":9,"last_log_term":4}
		> n3 {"type":"request_vote_ok","term":5,"vote_granted":false}
		11 n2 {"type":"request_vote","term":5,"candidate_id":"n2","last_log_index":0,"last_log_term":0}
		> n2 {"type":"request_vote_ok","term":5,"vote_granted":true}
		12 n3 {"type":"request_vote","term":4,"candidate_id":"n3","last_log_index":9,"last_log_term":3}
		> n3 {"type":"request_vote_ok","term":5,"vote_granted":false}
	END
}

@test "who heard from a leader waits for a time drawn from the range of --election-timeout" {
	for seed in {1..20}; do
		play --nodes n1,n2,n3 --volatile --seed $seed --election-timeout 1s-2s --heartbeat 100ms <<-'END'
			10 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"leader_commit":0}
			> n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":0}
		END
		tail -n 1 scene.out | jq .body.wake
	done >wakes
	assert_equal "$(awk '$1 < 1010000000 || $1 > 2010000000' wakes)" ""
	[ "$(sort -u wakes | wc -l)" -ge 15 ]
}

# ---- a follower's log ----

@test "match_index is what the message proves: prev_log_index and the entries in it, however much more there is" {
	play "${patient[@]}" <<-'END'
		10 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":1,"command":{"type":"noop"}},{"term":1,"command":{"type":"write","key":"x","value":1}},{"term":1,"command":{"type":"write","key":"x","value":2}}],"leader_commit":0}
		> n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":3,"conflict_index":null,"conflict_term":null}
		11 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":1,"command":{"type":"noop"}}],"leader_commit":0}
		> n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":1}
		12 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":2,"prev_log_term":1,"leader_commit":0}
		> n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":2}
		13 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":1,"prev_log_term":1,"entries":[{"term":1,"command":{"type":"write","key":"x","value":1}}],"leader_commit":0}
		> n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":2}
		14 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":3,"prev_log_term":1,"leader_commit":0}
		> n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":3}
		15 c1 {"type":"status","msg_id":1}
		> c1 {"type":"status_ok","last_index":3,"commit_index":0,"leader":"n2"}
	END
}

@test "a log that is too short is refused with its end; one of another term with that term and where it begins" {
	play "${patient[@]}" <<-'END'
		10 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":4,"prev_log_term":1,"entries":[{"term":1,"command":{"type":"noop"}}],"leader_commit":0}
		> n2 {"type":"append_entries_ok","term":1,"success":false,"conflict_index":1,"conflict_term":null}
		11 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":1,"command":{"type":"noop"}},{"term":1,"command":{"type":"noop"}}],"leader_commit":0}
		> n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":2}
		200 n3 {"type":"append_entries","term":2,"leader_id":"n3","prev_log_index":2,"prev_log_term":1,"entries":[{"term":2,"command":{"type":"noop"}},{"term":2,"command":{"type":"noop"}},{"term":2,"command":{"type":"noop"}}],"leader_commit":0}
		> n3 {"type":"append_entries_ok","term":2,"success":true,"match_index":5}
		201 n3 {"type":"append_entries","term":2,"leader_id":"n3","prev_log_index":6,"prev_log_term":2,"leader_commit":0}
		> n3 {"type":"append_entries_ok","term":2,"success":false,"conflict_index":6,"conflict_term":null}
		400 n2 {"type":"append_entries","term":4,"leader_id":"n2","prev_log_index":5,"prev_log_term":4,"leader_commit":0}
		> n2 {"type":"append_entries_ok","term":4,"success":false,"conflict_index":3,"conflict_term":2}
		401 n2 {"type":"append_entries","term":4,"leader_id":"n2","prev_log_index":2,"prev_log_term":4,"leader_commit":0}
		> n2 {"type":"append_entries_ok","term":4,"success":false,"conflict_index":1,"conflict_term":1}
		402 c1 {"type":"status","msg_id":1}
		> c1 {"type":"status_ok","term":4,"last_index":5,"leader":"n2"}
	END
}

@test "an entry that conflicts goes, and all after it; a late append without conflict takes nothing away" {
	play "${patient[@]}" <<-'END'
		10 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":1,"command":{"type":"noop"}},{"term":1,"command":{"type":"write","key":"x","value":"old"}},{"term":1,"command":{"type":"write","key":"y","value":"old"}}],"leader_commit":1}
		> n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":3}
		200 n3 {"type":"append_entries","term":2,"leader_id":"n3","prev_log_index":1,"prev_log_term":1,"entries":[{"term":2,"command":{"type":"write","key":"x","value":"new"}}],"leader_commit":2}
		> n3 {"type":"append_entries_ok","term":2,"success":true,"match_index":2}
		201 c1 {"type":"status","msg_id":1}
		> c1 {"type":"status_ok","last_index":2,"last_term":2,"commit_index":2}
		202 c1 {"type":"read","msg_id":2,"key":"x","stale":true}
		> c1 {"type":"read_ok","in_reply_to":2,"value":"new"}
		203 c1 {"type":"read","msg_id":3,"key":"y","stale":true}
		> c1 {"type":"error","in_reply_to":3,"code":20}
		204 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":1,"prev_log_term":1,"entries":[{"term":1,"command":{"type":"write","key":"x","value":"old"}}],"leader_commit":3}
		> n2 {"type":"append_entries_ok","term":2,"success":false}
		205 c1 {"type":"read","msg_id":4,"key":"x","stale":true}
		> c1 {"type":"read_ok","in_reply_to":4,"value":"new"}
	END
}

@test "leader_commit commits no further than what the message proves" {
	play "${patient[@]}" <<-'END'
		10 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":1,"command":{"type":"noop"}},{"term":1,"command":{"type":"write","key":"x","value":1}},{"term":1,"command":{"type":"write","key":"x","value":2}}],"leader_commit":0}
		> n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":3}
		11 c1 {"type":"read","msg_id":1,"key":"x","stale":true}
		> c1 {"type":"error","in_reply_to":1,"code":20}
		12 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":2,"prev_log_term":1,"entries":[],"leader_commit":9}
		> n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":2}
		13 c1 {"type":"read","msg_id":2,"key":"x","stale":true}
		> c1 {"type":"read_ok","in_reply_to":2,"value":1}
		14 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":3,"prev_log_term":1,"leader_commit":1}
		> n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":3}
		15 c1 {"type":"status","msg_id":3}
		> c1 {"type":"status_ok","commit_index":2,"last_applied":2}
		16 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":3,"prev_log_term":1,"leader_commit":3}
		> n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":3}
		17 c1 {"type":"read","msg_id":4,"key":"x","stale":true}
		> c1 {"type":"read_ok","in_reply_to":4,"value":2}
	END
}

@test "an append of an older term is refused with the newer one" {
	play "${patient[@]}" <<-'END'
		10 n2 {"type":"request_vote","term":5,"candidate_id":"n2","last_log_index":0,"last_log_term":0}
		> n2 {"type":"request_vote_ok","term":5,"vote_granted":true}
		11 n3 {"type":"append_entries","term":4,"leader_id":"n3","prev_log_index":0,"prev_log_term":0,"entries":[{"term":4,"command":{"type":"noop"}}],"leader_commit":1}
		> n3 {"type":"append_entries_ok","term":5,"success":false}
		12 c1 {"type":"status","msg_id":1}
		> c1 {"type":"status_ok","term":5,"last_index":0,"commit_index":0,"leader":null}
	END
}

@test "what was acknowledged is there after a restart" {
	play --nodes n1,n2,n3 --data d --seed 1 <<-'END'
		10 n2 {"type":"append_entries","term":3,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":2,"command":{"type":"noop"}},{"term":3,"command":{"type":"write","key":"x","value":1}}],"leader_commit":0}
		> n2 {"type":"append_entries_ok","term":3,"success":true,"match_index":2}
		11 n2 {"type":"append_entries","term":3,"leader_id":"n2","prev_log_index":1,"prev_log_term":2,"entries":[{"term":3,"command":{"type":"write","key":"x","value":1}},{"term":3,"command":{"type":"write","key":"x","value":2}}],"leader_commit":0}
		> n2 {"type":"append_entries_ok","term":3,"success":true,"match_index":3}
	END
	play --nodes n1,n2,n3 --data d --seed 1 <<-'END'
		10 c1 {"type":"status","msg_id":1}
		> c1 {"type":"status_ok","term":3,"last_index":3,"last_term":3,"role":"follower"}
		11 n3 {"type":"append_entries","term":4,"leader_id":"n3","prev_log_index":3,"prev_log_term":3,"leader_commit":3}
		> n3 {"type":"append_entries_ok","term":4,"success":true,"match_index":3}
		12 c1 {"type":"read","msg_id":2,"key":"x","stale":true}
		> c1 {"type":"read_ok","value":2}
		13 n3 {"type":"append_entries","term":4,"leader_id":"n3","prev_log_index":3,"prev_log_term":4,"leader_commit":3}
		> *
	END
}

@test "an append that would take away what is committed ends nothing and takes nothing" {
	play "${patient[@]}" <<-'END'
		10 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":1,"command":{"type":"noop"}},{"term":1,"command":{"type":"write","key":"x","value":1}}],"leader_commit":2}
		> *
		200 n3 {"type":"append_entries","term":2,"leader_id":"n3","prev_log_index":0,"prev_log_term":0,"entries":[{"term":2,"command":{"type":"write","key":"x","value":2}}],"leader_commit":1}
		> *
		201 c1 {"type":"read","msg_id":1,"key":"x","stale":true}
		> c1 {"type":"read_ok","value":1}
		202 c1 {"type":"status","msg_id":2}
		> c1 {"type":"status_ok","last_index":2,"commit_index":2}
	END
}

@test "a snapshot of an older term is refused with the newer one; one of what is known changes nothing" {
	play "${patient[@]}" <<-'END'
		10 n2 {"type":"append_entries","term":5,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":5,"command":{"type":"noop"}},{"term":5,"command":{"type":"write","key":"x","value":1}}],"leader_commit":2}
		> *
		11 n3 {"type":"install_snapshot","term":4,"leader_id":"n3","last_included_index":9,"last_included_term":1,"offset":5,"data":"abc","done":false}
		> n3 {"type":"install_snapshot_ok","term":5}
		12 n2 {"type":"install_snapshot","term":5,"leader_id":"n2","last_included_index":1,"last_included_term":5,"offset":5,"data":"abc","done":true}
		> *
		13 c1 {"type":"status","msg_id":1}
		> c1 {"type":"status_ok","commit_index":2,"last_index":2,"snapshot_index":0}
	END
}

# ---- a candidate ----

@test "an election: pre-votes first, with the term there would be; then votes; then a leader's first entry" {
	play "${three[@]}" <<-'END'
		0 net {"type":"tick"}
		1000 net {"type":"tick"}
		> n2 {"type":"request_vote","term":1,"candidate_id":"n1","last_log_index":0,"last_log_term":0,"pre_vote":true}
		> n3 {"type":"request_vote","term":1,"candidate_id":"n1","last_log_index":0,"last_log_term":0,"pre_vote":true}
		1001 n2 {"type":"request_vote_ok","term":0,"vote_granted":false,"pre_vote":true}
		1002 c1 {"type":"status","msg_id":1}
		> c1 {"type":"status_ok","role":"candidate","term":0,"voted_for":null,"leader":null}
		1003 n3 {"type":"request_vote_ok","term":1,"vote_granted":true,"pre_vote":true}
		> n2 {"type":"request_vote","term":1,"candidate_id":"n1","last_log_index":0,"last_log_term":0,"pre_vote":false}
		> n3 {"type":"request_vote","term":1,"candidate_id":"n1","last_log_index":0,"last_log_term":0,"pre_vote":false}
		1004 c1 {"type":"status","msg_id":2}
		> c1 {"type":"status_ok","role":"candidate","term":1,"voted_for":"n1","leader":null}
		1005 n2 {"type":"request_vote_ok","term":1,"vote_granted":true}
		> n2 {"type":"append_entries","term":1,"leader_id":"n1","prev_log_index":0,"prev_log_term":0,"entries":[{"term":1,"command":{"type":"noop"}}],"leader_commit":0}
		> n3 {"type":"append_entries","term":1,"leader_id":"n1","prev_log_index":0,"prev_log_term":0,"entries":[{"term":1,"command":{"type":"noop"}}],"leader_commit":0}
		1006 c1 {"type":"status","msg_id":3}
		> c1 {"type":"status_ok","role":"leader","term":1,"leader":"n1","last_index":1,"commit_index":0}
	END
}

@test "a pre-vote granted with the peer's own term counts as well" {
	play "${three[@]}" <<-'END'
		10 n2 {"type":"append_entries","term":3,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"leader_commit":0}
		> *
		1000 net {"type":"tick"}
		> *
		1003 n3 {"type":"request_vote_ok","term":3,"vote_granted":true,"pre_vote":true}
		> n2 {"type":"request_vote","term":4,"candidate_id":"n1","last_log_index":0,"last_log_term":0}
		> n3 {"type":"request_vote","term":4,"candidate_id":"n1","last_log_index":0,"last_log_term":0}
	END
}

@test "without a majority of pre-votes no term is spent, however long it goes on" {
	{
		echo '0 net {"type":"tick"}'
		for i in {1..20}; do
			echo "$((i * 1000)) net {\"type\":\"tick\"}"
			echo '> *'
		done
		echo '30000 c1 {"type":"status","msg_id":1}'
		echo '> *'
	} >scene
	play "${three[@]}" <scene
	assert_equal "$(said 22 c1 | jq -c '[.term, .voted_for, .last_index]')" '[0,null,0]'
}

@test "no vote is counted twice, none of another term, none of a stranger, and a refusal is none" {
	play --nodes n1,n2,n3,n4,n5 --volatile --seed 1 <<-'END'
		0 net {"type":"tick"}
		1000 net {"type":"tick"}
		> *
		1001 n3 {"type":"request_vote_ok","term":1,"vote_granted":true,"pre_vote":true}
		1002 n3 {"type":"request_vote_ok","term":1,"vote_granted":true,"pre_vote":true}
		1003 n9 {"type":"request_vote_ok","term":1,"vote_granted":true,"pre_vote":true}
		1004 n4 {"type":"request_vote_ok","term":1,"vote_granted":true,"pre_vote":true}
		> n2 {"type":"request_vote","term":1,"pre_vote":false}
		> n3 {"type":"request_vote","term":1,"pre_vote":false}
		> n4 {"type":"request_vote","term":1,"pre_vote":false}
		> n5 {"type":"request_vote","term":1,"pre_vote":false}
		1005 n3 {"type":"request_vote_ok","term":1,"vote_granted":true,"pre_vote":true}
		1006 n4 {"type":"request_vote_ok","term":1,"vote_granted":true,"pre_vote":true}
		1007 n3 {"type":"request_vote_ok","term":1,"vote_granted":true}
		1008 n3 {"type":"request_vote_ok","term":1,"vote_granted":true}
		1009 n4 {"type":"request_vote_ok","term":0,"vote_granted":true}
		1010 n9 {"type":"request_vote_ok","term":1,"vote_granted":true}
		1011 n2 {"type":"request_vote_ok","term":1,"vote_granted":false}
		1012 n5 {"type":"request_vote_ok","term":1,"vote_granted":true}
		> n2 {"type":"append_entries","term":1}
		> n3 {"type":"append_entries","term":1}
		> n4 {"type":"append_entries","term":1}
		> n5 {"type":"append_entries","term":1}
	END
}

@test "a candidate follows the leader of its term, and whoever has a later one" {
	for how in append refusal; do
		case $how in
		append)
			hears='n3 {"type":"append_entries","term":1,"leader_id":"n3","prev_log_index":0,"prev_log_term":0,"entries":[{"term":1,"command":{"type":"noop"}}],"leader_commit":0}'
			says='n3 {"type":"append_entries_ok","term":1,"success":true,"match_index":1}'
			status='{"role":"follower","term":1,"leader":"n3","voted_for":"n1"}'
			;;
		refusal)
			hears='n3 {"type":"request_vote_ok","term":8,"vote_granted":false}'
			says='*'
			status='{"role":"follower","term":8,"leader":null,"voted_for":null}'
			;;
		esac
		play "${three[@]}" <<-END
			0 net {"type":"tick"}
			1000 net {"type":"tick"}
			> *
			1001 n3 {"type":"request_vote_ok","term":1,"vote_granted":true,"pre_vote":true}
			> *
			1002 $hears
			> $says
			1003 n2 {"type":"request_vote_ok","term":1,"vote_granted":true}
			1004 c1 {"type":"status","msg_id":1}
			> c1 $status
		END
	done
}

@test "a node alone leads without asking anybody" {
	play --nodes n1 --volatile --seed 1 <<-'END'
		0 net {"type":"tick"}
		> *
		1000 c1 {"type":"write","msg_id":1,"key":"x","value":1}
		> c1 {"type":"write_ok","in_reply_to":1}
		1001 c1 {"type":"status","msg_id":2}
		> c1 {"type":"status_ok","role":"leader","leader":"n1"}
	END
}

@test "timeout_now starts an election at once, without pre-vote; one of an older term does not" {
	play "${patient[@]}" <<-'END'
		10 n2 {"type":"append_entries","term":3,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":3,"command":{"type":"noop"}}],"leader_commit":0}
		> *
		11 n3 {"type":"timeout_now","term":2,"leader_id":"n3"}
		12 n2 {"type":"timeout_now","term":3,"leader_id":"n2"}
		> n2 {"type":"request_vote","term":4,"candidate_id":"n1","last_log_index":1,"last_log_term":3,"pre_vote":false}
		> n3 {"type":"request_vote","term":4,"candidate_id":"n1","last_log_index":1,"last_log_term":3,"pre_vote":false}
	END
}

@test "a read that comes back from who does not lead is asked again after a pause, not at once" {
	{
		echo '10 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"leader_commit":0}'
		echo '> *'
		echo '11 c1 {"type":"read","msg_id":1,"key":"x"}'
		echo '> n2 {"type":"forward","requests":"*"}'
	} >scene
	play "${patient[@]}" <scene
	number=$(said 2 n2 | jq '.requests[0].id')
	{
		cat scene
		echo "12 n2 {\"type\":\"forward_ok\",\"answers\":[{\"id\":$number}]}"
		echo '13 net {"type":"tick"}'
		echo '23 net {"type":"tick"}'
		echo '> n2 {"type":"forward","requests":"*"}'
	} >scene2
	play "${patient[@]}" <scene2
	wake=$(jq -n '[inputs | select(.body.type == "idle")][2].body.wake' scene.out)
	assert [ "$wake" -le 23000000 ]
}

@test "a joiner makes no snapshot of what was before it knows the members: who was given that would know none" {
	play --join --data d --snapshot-every 1 <<-'END'
		0 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":1,"command":{"type":"write","key":"a","value":1}}],"leader_commit":1}
		> *
		1 c1 {"type":"snapshot","msg_id":1}
		2 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":1,"prev_log_term":1,"entries":[{"term":1,"command":{"type":"config","voters":["n2"],"learners":["n1"]}}],"leader_commit":2}
		> *
		3 net {"type":"tick"}
		> *
	END
	run -0 cat d/*.snapshot
	assert_line --partial '"last_included_index":2,"last_included_term":1,"voters":["n2"],"learners":["n1"]'
	refute_output --partial '"voters":[]'
}

@test "entries that gave way to what a snapshot includes are none, and no damage, after a restart" {
	play --nodes n1,n2,n3 --data d --seed 1 --snapshot-every 1T <<-'END'
		10 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":1,"command":{"type":"noop"}},{"term":1,"command":{"type":"write","key":"x","value":"old"}},{"term":1,"command":{"type":"write","key":"y","value":"old"}},{"term":1,"command":{"type":"noop"}}],"leader_commit":1}
		> *
		200 n3 {"type":"append_entries","term":2,"leader_id":"n3","prev_log_index":1,"prev_log_term":1,"entries":[{"term":2,"command":{"type":"write","key":"x","value":"new"}}],"leader_commit":2}
		> *
		201 c1 {"type":"snapshot","msg_id":1}
		> *
		202 net {"type":"tick"}
		> *
	END
	assert [ -e d/0000000000000002.snapshot ]
	run -0 grep -c '"index":[34],"term":1' d/00000001.log
	assert_output 2
	cp -r d unflushed
	# In the second the snapshot was flushed and what it includes of term 2 was not.
	sed -i '/"index":2,"term":2/,$d' unflushed/00000001.log
	for data in d unflushed; do
		play --nodes n1,n2,n3 --data $data --seed 1 <<-'END'
			10 c1 {"type":"status","msg_id":1}
			> c1 {"type":"status_ok","term":2,"last_index":2,"last_term":2,"snapshot_index":2}
			11 n3 {"type":"append_entries","term":2,"leader_id":"n3","prev_log_index":2,"prev_log_term":2,"entries":[{"term":2,"command":{"type":"write","key":"z","value":3}}],"leader_commit":3}
			> n3 {"type":"append_entries_ok","term":2,"success":true,"match_index":3}
			12 c1 {"type":"list","msg_id":2,"prefix":"","stale":true}
			> c1 {"type":"list_ok","items":[["x","new"],["z",3]]}
		END
		play --nodes n1,n2,n3 --data $data --seed 1 <<-'END'
			10 c1 {"type":"status","msg_id":1}
			> c1 {"type":"status_ok","last_index":3,"last_term":2}
		END
	done
}
