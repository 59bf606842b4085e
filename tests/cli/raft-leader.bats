#!/usr/bin/env bats
# raft-node leads, against followers played by hand, line by line: replication, reads, membership, transfer, snapshots;
# and what no honest peer says.  Figures 2 and 13 of the extended paper, 3.10 and 6.4 of the dissertation.

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

# n1 leads term 1 of three; its first entry is committed.  Seven lines.
elected() {
	cat <<-'END'
		0 net {"type":"tick"}
		1000 net {"type":"tick"}
		> *
		1001 n2 {"type":"request_vote_ok","term":1,"vote_granted":true,"pre_vote":true}
		> *
		1002 n2 {"type":"request_vote_ok","term":1,"vote_granted":true}
		> *
		1003 n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":1}
		> *
		1003 n3 {"type":"append_entries_ok","term":1,"success":true,"match_index":1}
		> *
		1003 c9 {"type":"status","msg_id":900}
		> c9 {"type":"status_ok","role":"leader","commit_index":1,"last_applied":1}
	END
}

lead() {
	{ elected && cat; } >scene
	play "${three[@]}" "$@" <scene
}

@test "an entry's command is the client's body, to the byte" {
	body='{ "key":"\u0061", "shoe" : 1.50,"value":{"b":[ ],"a":1E2},"msg_id":7,"type":"wr\u0069te","session":"s","seq":1}'
	lead <<-END
		1010 c1 $body
		> n2 {"type":"append_entries","term":1,"leader_id":"n1","prev_log_index":1,"prev_log_term":1,"entries":[{"term":1,"command":{"type":"write","key":"a"}}],"leader_commit":1}
		> n3 {"type":"append_entries","term":1,"leader_id":"n1","prev_log_index":1,"prev_log_term":1,"entries":[{"term":1,"command":{"type":"write","key":"a"}}],"leader_commit":1}
		1011 n3 {"type":"append_entries_ok","term":1,"success":true,"match_index":2}
		> *
		1012 c1 {"type":"read","msg_id":8,"key":"a","stale":true}
		> c1 {"type":"read_ok","value":{"a":1E2,"b":[]}}
	END
	assert_equal "$(grep -c -F "\"command\":$body" scene.out)" 2
}

@test "a write is answered when a majority has it, itself included, and not before" {
	lead <<-'END'
		1010 c1 {"type":"write","msg_id":1,"key":"x","value":1}
		> *
		1011 n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":1}
		> *
		1012 c1 {"type":"status","msg_id":2}
		> c1 {"type":"status_ok","commit_index":1,"last_index":2}
		1013 n9 {"type":"append_entries_ok","term":1,"success":true,"match_index":2}
		> *
		1014 n2 {"type":"append_entries_ok","term":0,"success":true,"match_index":2}
		> *
		1015 c1 {"type":"status","msg_id":3}
		> c1 {"type":"status_ok","commit_index":1,"last_index":2}
		1016 n3 {"type":"append_entries_ok","term":1,"success":true,"match_index":2}
		> *
		1017 c1 {"type":"status","msg_id":4}
		> c1 {"type":"status_ok","commit_index":2,"last_applied":2}
	END
	assert_equal "$(jq -c 'select(.dest == "c1" and .body.in_reply_to == 1) | .body.type' scene.out)" '"write_ok"'
	assert_equal "$(said 14 c1 | jq -r .type)" write_ok
}

@test "Figure 8: an entry of an older term is not committed by counting, only with one of the leader's own" {
	play "${three[@]}" <<-'END'
		10 n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":1,"command":{"type":"write","key":"x","value":1}}],"leader_commit":0}
		> *
		1000 net {"type":"tick"}
		> n2 {"type":"request_vote","term":2,"last_log_index":1,"last_log_term":1,"pre_vote":true}
		> n3 {"type":"request_vote","term":2,"last_log_index":1,"last_log_term":1,"pre_vote":true}
		1001 n3 {"type":"request_vote_ok","term":2,"vote_granted":true,"pre_vote":true}
		> *
		1002 n3 {"type":"request_vote_ok","term":2,"vote_granted":true}
		> n2 {"type":"append_entries","term":2,"prev_log_index":1,"prev_log_term":1,"entries":[{"term":2,"command":{"type":"noop"}}]}
		> n3 {"type":"append_entries","term":2,"prev_log_index":1,"prev_log_term":1,"entries":[{"term":2,"command":{"type":"noop"}}]}
		1003 n3 {"type":"append_entries_ok","term":2,"success":false,"conflict_index":1}
		> n3 {"type":"append_entries","term":2,"prev_log_index":0,"prev_log_term":0,"entries":[{"term":1,"command":{"type":"write","key":"x","value":1}},{"term":2,"command":{"type":"noop"}}]}
		1004 n3 {"type":"append_entries_ok","term":2,"success":true,"match_index":1}
		> *
		1005 c1 {"type":"status","msg_id":1}
		> c1 {"type":"status_ok","commit_index":0,"last_index":2}
		1006 n3 {"type":"append_entries_ok","term":2,"success":true,"match_index":2}
		> *
		1007 c1 {"type":"status","msg_id":2}
		> c1 {"type":"status_ok","commit_index":2}
	END
}

@test "a follower that has conflicting entries is passed over term by term" {
	cat >meet <<-'END'
		10 n2 {"type":"append_entries","term":4,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":1,"command":{"type":"noop"}},{"term":1,"command":{"type":"noop"}},{"term":3,"command":{"type":"noop"}},{"term":3,"command":{"type":"noop"}},{"term":3,"command":{"type":"noop"}}],"leader_commit":0}
		> *
		2000000 net {"type":"tick"}
		> *
		2000001 n3 {"type":"request_vote_ok","term":5,"vote_granted":true,"pre_vote":true}
		> *
		2000002 n3 {"type":"request_vote_ok","term":5,"vote_granted":true}
		> *
		2000003 n3 {"type":"append_entries_ok","term":5,"success":false,"conflict_index":1,"conflict_term":1}
		> n3 {"type":"append_entries","prev_log_index":2,"prev_log_term":1,"entries":[{"term":3},{"term":3},{"term":3},{"term":5,"command":{"type":"noop"}}]}
	END
	play "${patient[@]}" <meet
	# A term that the leader has not: the next try is where it begins, or even before.
	sed 's/.*conflict_term":1.*/2000003 n3 {"type":"append_entries_ok","term":5,"success":false,"conflict_index":4,"conflict_term":2}/; s/^> n3.*/> */' meet >other
	play "${patient[@]}" <other
	assert_regex "$(said 5 n3 | jq -c '[.prev_log_index, .prev_log_term]')" '^\[(3,3|2,1)\]$'
}

@test "a heartbeat goes out when it is due, and says how far the commit index is" {
	lead --heartbeat 50ms <<-'END'
		1051 net {"type":"tick"}
		1052 net {"type":"tick"}
		> *
		1101 net {"type":"tick"}
		1102 net {"type":"tick"}
		> *
	END
	for line in 9 11; do
		for node in n2 n3; do
			assert_equal "$(said $line $node | jq -c '[.type, .term, .leader_id, .prev_log_index, .prev_log_term, (.entries // []), .leader_commit]')" \
				'["append_entries",1,"n1",1,1,[],1]'
		done
	done
}

@test "a later term ends a leader; what it had not committed has an unknown outcome" {
	lead --request-timeout 1s <<-'END'
		1010 c1 {"type":"write","msg_id":1,"key":"x","value":1}
		> *
		1011 n3 {"type":"append_entries_ok","term":3,"success":false}
		> *
		1012 c1 {"type":"status","msg_id":2}
		> c1 {"type":"status_ok","role":"follower","term":3,"leader":null,"last_index":2}
		1013 n3 {"type":"append_entries","term":3,"leader_id":"n3","prev_log_index":1,"prev_log_term":1,"leader_commit":1}
		> *
		5000 net {"type":"tick"}
		> *
	END
	run jq -c 'select(.dest == "c1" and .body.in_reply_to == 1) | .body.code == 0 or .body.code == 13' scene.out
	assert_output true
}

@test "what another leader has committed did happen; what its entry took the place of is not acknowledged" {
	lead <<-'END'
		1010 c1 {"type":"write","msg_id":1,"key":"x","value":1}
		> *
		1011 c1 {"type":"write","msg_id":2,"key":"y","value":1}
		> *
		1012 n3 {"type":"append_entries","term":3,"leader_id":"n3","prev_log_index":2,"prev_log_term":1,"entries":[{"term":3,"command":{"type":"noop"}}],"leader_commit":3}
		> *
		1013 c1 {"type":"status","msg_id":3}
		> *
	END
	jq -c 'select(.body.in_reply_to == (1, 2)) | [.body.in_reply_to, .body.type]' scene.out | sort | diff - <(cat <<-'END'
		[1,"write_ok"]
		[2,"error"]
	END
	)
}

@test "a leader that hears no majority steps down" {
	{
		elected
		for i in {1..40}; do
			echo "$((1003 + i * 50)) net {\"type\":\"tick\"}"
			echo '> *'
		done
		echo '3100 c1 {"type":"status","msg_id":1}'
		echo '> *'
	} >scene
	play "${three[@]}" <scene
	run jq -c 'select(.dest == "c1") | .body | [.role == "leader", .leader, .term]' scene.out
	assert_output '[false,null,1]'
}

@test "a read is answered after a majority confirmed that the leader leads, and not before" {
	lead <<-'END'
		1010 c1 {"type":"write","msg_id":1,"key":"x","value":1}
		> *
		1011 n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":2}
		> *
		1012 c1 {"type":"read","msg_id":2,"key":"x"}
		> *
		1013 c1 {"type":"read","msg_id":3,"key":"x","stale":true}
		> c1 {"type":"read_ok","in_reply_to":3,"value":1}
	END
	run jq -c 'select(.body.type == "read_ok" and .body.in_reply_to == 2)' scene.out
	assert_output ""
	# The confirmation is the answer to what n3 was sent for the read, with all that it asks to have repeated.
	round=$(said 10 n3 | jq -c '{type: "append_entries_ok", term: 1, success: true, match_index: (.prev_log_index + (.entries // [] | length))}
		+ (with_entries(select(.key | IN("type", "term", "leader_id", "prev_log_index", "prev_log_term", "entries", "leader_commit") | not)))')
	{
		cat scene
		echo "1014 n3 $round"
		echo '> *'
	} >longer
	play "${three[@]}" <longer
	assert_equal "$(jq -c 'select(.body.in_reply_to == 2) | [.dest, .body.type, .body.value]' scene.out)" '["c1","read_ok",1]'
}

@test "peers that repeat nothing but what the design names still confirm a read" {
	{
		elected
		echo '1012 c1 {"type":"read","msg_id":2,"key":"x"}'
		echo '> *'
		for i in {1..10}; do
			echo "$((1012 + i * 20)) n2 {\"type\":\"append_entries_ok\",\"term\":1,\"success\":true,\"match_index\":1}"
			echo '> *'
			echo "$((1012 + i * 20)) n2 {\"type\":\"append_entries_ok\",\"term\":1,\"success\":true,\"match_index\":2}"
			echo '> *'
			echo "$((1013 + i * 20)) net {\"type\":\"tick\"}"
			echo '> *'
		done
	} >scene
	play "${three[@]}" <scene
	assert_equal "$(jq -c 'select(.body.in_reply_to == 2) | [.dest, .body.type, .body.code]' scene.out)" '["c1","error",20]'
}

@test "a deposed leader answers no read from what it knows" {
	lead --request-timeout 1s <<-'END'
		1010 c1 {"type":"read","msg_id":1,"key":"x"}
		> *
		1011 n3 {"type":"request_vote","term":2,"candidate_id":"n3","last_log_index":2,"last_log_term":2,"transfer":true}
		> *
		1012 n3 {"type":"append_entries","term":2,"leader_id":"n3","prev_log_index":1,"prev_log_term":1,"entries":[{"term":2,"command":{"type":"write","key":"x","value":2}}],"leader_commit":1}
		> *
		1013 n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":1}
		> *
		1014 n3 {"type":"append_entries_ok","term":1,"success":true,"match_index":1}
		> *
		5000 net {"type":"tick"}
		> *
	END
	assert_equal "$(jq -c 'select(.dest == "c1") | .body.type' scene.out)" '"error"'
}

@test "join appends a configuration with a learner, which becomes a voter when it has caught up" {
	lead <<-'END'
		1010 c1 {"type":"join","msg_id":1,"node":"n4"}
		> n2 {"type":"append_entries","entries":[{"term":1,"command":{"type":"config","voters":["n1","n2","n3"],"learners":["n4"]}}]}
		> n3 {"type":"append_entries","entries":[{"term":1,"command":{"type":"config","voters":["n1","n2","n3"],"learners":["n4"]}}]}
		> n4 {"type":"append_entries"}
		1012 n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":2}
		> *
		1013 c1 {"type":"status","msg_id":3}
		> c1 {"type":"status_ok","voters":["n1","n2","n3"],"learners":["n4"],"commit_index":2}
		1014 n4 {"type":"append_entries_ok","term":1,"success":false,"conflict_index":1}
		> n4 {"type":"append_entries","prev_log_index":0,"entries":[{"term":1,"command":{"type":"noop"}},{"term":1,"command":{"type":"config"}}]}
		1015 n4 {"type":"append_entries_ok","term":1,"success":true,"match_index":2}
		> *
		1060 net {"type":"tick"}
		> *
		1061 n4 {"type":"append_entries_ok","term":1,"success":true,"match_index":2}
		> *
	END
	# It has all: it is made a voter.
	jq -c 'select(.body.type == "append_entries") | .body.entries[]? | .command | select(.type == "config")' scene.out | awk '!seen[$0]++' | diff - <(cat <<-'END'
		{"type":"config","voters":["n1","n2","n3"],"learners":["n4"]}
		{"type":"config","voters":["n1","n2","n3","n4"],"learners":[]}
	END
	)
}

@test "one change at a time: nothing of a second one is in the log before the first is committed" {
	lead <<-'END'
		1010 c1 {"type":"join","msg_id":1,"node":"n4"}
		> *
		1011 c1 {"type":"leave","msg_id":2,"node":"n3"}
		> *
		1012 c1 {"type":"status","msg_id":3}
		> c1 {"type":"status_ok","last_index":2,"commit_index":1}
		1013 n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":2}
		> *
		1014 n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":3}
		> *
	END
	jq -c 'select(.body.type == "append_entries") | .body.entries[]? | .command | select(.type == "config")' scene.out | uniq | head -n 1 | diff - <(cat <<-'END'
		{"type":"config","voters":["n1","n2","n3"],"learners":["n4"]}
	END
	)
}

@test "no change before an entry of the leader's term is committed" {
	play "${three[@]}" <<-'END'
		0 net {"type":"tick"}
		1000 net {"type":"tick"}
		> *
		1001 n2 {"type":"request_vote_ok","term":1,"vote_granted":true,"pre_vote":true}
		> *
		1002 n2 {"type":"request_vote_ok","term":1,"vote_granted":true}
		> *
		1003 c1 {"type":"leave","msg_id":1,"node":"n3"}
		> *
		1004 c1 {"type":"status","msg_id":2}
		> c1 {"type":"status_ok","last_index":1,"commit_index":0}
	END
}

# ---- transfer ----

@test "transfer brings the target up to date, then tells it to time out now" {
	lead <<-'END'
		1010 c1 {"type":"write","msg_id":1,"key":"x","value":1}
		> *
		1011 n3 {"type":"append_entries_ok","term":1,"success":true,"match_index":2}
		> *
		1012 c1 {"type":"transfer","msg_id":2,"to":"n2"}
		1013 n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":2}
		> *
		1014 n2 {"type":"request_vote","term":2,"candidate_id":"n2","last_log_index":2,"last_log_term":1,"transfer":true}
		> *
		1015 n2 {"type":"append_entries","term":2,"leader_id":"n2","prev_log_index":2,"prev_log_term":1,"entries":[{"term":2,"command":{"type":"noop"}}],"leader_commit":2}
		> *
	END
	assert_equal "$(said 11 n2 | jq -c 'select(.type == "timeout_now") | [.term, .leader_id]')" '[1,"n1"]'
	assert_equal "$(said 12 n2 | jq -c 'select(.type == "request_vote_ok") | [.term, .vote_granted]')" '[2,true]'
	assert_equal "$(jq -c 'select(.dest == "c1" and .body.in_reply_to == 2) | .body.type' scene.out)" '"transfer_ok"'
}

# ---- snapshots ----

@test "a snapshot goes to who lacks what was compacted, in chunks; then the log goes on behind it" {
	pad=$(printf '%05000d' 0)
	{
		elected
		for i in {1..40}; do
			echo "1012 c1 {\"type\":\"write\",\"msg_id\":$i,\"key\":\"k$i\",\"value\":\"$i $pad\"}"
			echo '> *'
			echo "1012 n2 {\"type\":\"append_entries_ok\",\"term\":1,\"success\":true,\"match_index\":$((i + 1))}"
			echo '> *'
			# The log is kept from the snapshot before the last on.
			((i % 10)) || printf '%s\n' "1012 c1 {\"type\":\"snapshot\",\"msg_id\":$((i + 60))}" '> *' '1012 net {"type":"tick"}' '> *'
		done
		# n3 has lost everything since.
		for i in {1..12}; do
			echo '1013 n3 {"type":"append_entries_ok","term":1,"success":false,"conflict_index":1}'
			echo '> *'
		done
	} >scene
	play "${three[@]}" <scene
	assert_equal "$(jq -r 'select(.body.in_reply_to == 100) | .body.type' scene.out)" snapshot_ok
	# Play n3: answer each chunk, until the last.
	: >chunks
	for ((part = 0; part < 50; part++)); do
		jq -c 'select(.dest == "n3" and .body.type == "install_snapshot") | .body' scene.out | jq -s -c "unique_by(.offset)[$part] // empty" >>chunks
		offset=$(tail -n 1 chunks | jq '.offset + (.data | utf8bytelength)')
		[ "$(wc -l <chunks)" = $((part + 1)) ] || fail "no chunk after $part: $(tail -c 300 scene.out)"
		echo "$((1020 + part)) n3 {\"type\":\"install_snapshot_ok\",\"term\":1,\"offset\":$offset}" >>scene
		echo '> *' >>scene
		play "${three[@]}" <scene
		[ "$(tail -n 1 chunks | jq .done)" != true ] || break
	done
	assert_equal "$(jq -s -c '[.[0].offset, all(.last_included_index == 41 and .last_included_term == 1 and .leader_id == "n1" and .term == 1)]' chunks)" '[0,true]'
	# What comes next follows the snapshot.
	run jq -s -c '[.[] | select(.dest == "n3" and .body.type == "append_entries")][-1].body | [.prev_log_index, .prev_log_term, .leader_commit]' scene.out
	assert_output '[41,1,41]'

	# The chunks make another node the same; it says how far it has them, whatever comes twice or too early.
	jq -j .data chunks >data
	size=$(wc -c <data)
	chunk() { # FROM TO DONE
		printf '{"type":"install_snapshot","term":1,"leader_id":"n1","last_included_index":41,"last_included_term":1,"offset":%d,"data":%s,"done":%s}' \
			"$1" "$(jq -Rs ".[$1:$2]" data)" "$3"
	}
	{
		echo "10 n1 $(chunk 0 1000 false)"
		echo '> n1 {"type":"install_snapshot_ok","term":1,"offset":1000}'
		echo "11 n1 $(chunk 0 1000 false)"
		echo '> n1 {"type":"install_snapshot_ok","term":1,"offset":1000}'
		echo "12 n1 $(chunk 3000 4000 false)"
		echo '> n1 {"type":"install_snapshot_ok","term":1,"offset":1000}'
		echo "13 n1 $(chunk 1000 3333 false)"
		echo '> n1 {"type":"install_snapshot_ok","term":1,"offset":3333}'
		echo '14 c1 {"type":"status","msg_id":1}'
		echo '> c1 {"type":"status_ok","commit_index":0,"last_index":0,"snapshot_index":0}'
		echo "15 n1 $(chunk 3333 "$size" true)"
		echo "> n1 {\"type\":\"install_snapshot_ok\",\"term\":1,\"offset\":$size}"
		echo '16 c1 {"type":"status","msg_id":2}'
		echo '> c1 {"type":"status_ok","commit_index":41,"last_applied":41,"last_index":41,"last_term":1,"snapshot_index":41,"first_index":42,"voters":["n1","n2","n3"]}'
		echo '17 c1 {"type":"read","msg_id":3,"key":"k40","stale":true}'
		echo "> c1 {\"type\":\"read_ok\",\"value\":\"40 $pad\"}"
		echo '18 n1 {"type":"append_entries","term":1,"leader_id":"n1","prev_log_index":41,"prev_log_term":1,"entries":[{"term":1,"command":{"type":"write","key":"k40","value":0}}],"leader_commit":42}'
		echo '> n1 {"type":"append_entries_ok","term":1,"success":true,"match_index":42}'
		echo '19 c1 {"type":"read","msg_id":4,"key":"k40","stale":true}'
		echo '> c1 {"type":"read_ok","value":0}'
	} | sed 's/ n1 / n2 /; s/"leader_id":"n1"/"leader_id":"n2"/' >receiver
	play --nodes n1,n2,n3 --seed 1 --data d <receiver
	# And it is still so after a restart.
	play --nodes n1,n2,n3 --seed 1 --data d <<-'END'
		10 c1 {"type":"status","msg_id":2}
		> c1 {"type":"status_ok","last_index":42,"snapshot_index":41,"term":1}
		17 c1 {"type":"read","msg_id":3,"key":"k39","stale":true}
		> c1 {"type":"read_ok","value":"*"}
	END
}

@test "a snapshot that is damaged on the way is not taken, and begins anew" {
	{
		elected
		echo '1010 c1 {"type":"write","msg_id":1,"key":"x","value":"abc"}'
		echo '> *'
		echo '1011 n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":2}'
		echo '> *'
		echo '1012 c1 {"type":"snapshot","msg_id":2}'
		echo '> *'
	} >scene
	play --nodes n1,n2,n3 --seed 1 --data d <scene
	good=$(cat d/*.snapshot | jq -Rs .) size=$(cat d/*.snapshot | wc -c)
	message='{"type":"install_snapshot","term":1,"leader_id":"n2","last_included_index":2,"last_included_term":1,"offset":0,"done":true,"data":'
	play "${patient[@]}" <<-END
		10 n2 $message${good/abc/abd}}
		> n2 {"type":"install_snapshot_ok","term":1,"offset":0}
		11 c1 {"type":"status","msg_id":1}
		> c1 {"type":"status_ok","commit_index":0,"last_index":0,"snapshot_index":0}
		12 n2 $message$good}
		> n2 {"type":"install_snapshot_ok","term":1,"offset":$size}
		13 c1 {"type":"read","msg_id":2,"key":"x","stale":true}
		> c1 {"type":"read_ok","value":"abc"}
	END
}

# ---- what no honest peer says ----

# survives FILE MS: a node that was played the scene up to there hears the messages of stdin; it goes on all the same.
survives() {
	{
		sed -n '/^[0-9]/p' "$1"
		sed "s/^/$2 /"
		echo "$2 c8 {\"type\":\"read\",\"msg_id\":800,\"key\":\"x\",\"stale\":true}"
	} | sed -E 's/^([0-9]+) ([^ ]+) (.*)/{"src":"\2","dest":"n1","at":\1000000,"body":\3}/; s/"at":0+,/"at":0,/' >input
	timeout 300 "$NODE" --id n1 --lockstep "${three[@]}" <input >output 2>err || fail "exit $?: $(cat err)"
	assert_equal "$(grep -c '"type":"idle"' output)" "$(wc -l <input)"
	[[ $(tail -n 2 output) == *'"dest":"c8"'*'"in_reply_to":800}'* ]] || fail "$(tail -n 3 output)"
}

hostile() {
	local type
	for type in request_vote request_vote_ok append_entries append_entries_ok install_snapshot install_snapshot_ok timeout_now; do
		echo "n2 {\"type\":\"$type\"}"
		echo "n2 {\"type\":\"$type\",\"term\":-1}"
		echo "n2 {\"type\":\"$type\",\"term\":\"1\"}"
		echo "n2 {\"type\":\"$type\",\"term\":1}"
		echo "n2 {\"type\":\"$type\",\"term\":1,\"msg_id\":1}"
		echo "n1 {\"type\":\"$type\",\"term\":1,\"success\":true,\"match_index\":1,\"vote_granted\":true,\"candidate_id\":\"n1\",\"leader_id\":\"n1\",\"offset\":0,\"last_log_index\":1,\"last_log_term\":1}"
		echo "n9 {\"type\":\"$type\",\"term\":1,\"success\":true,\"match_index\":1,\"vote_granted\":true,\"candidate_id\":\"n9\",\"leader_id\":\"n9\",\"offset\":0,\"last_log_index\":1,\"last_log_term\":1}"
	done
	cat <<-'END'
		n2 {"type":"append_entries_ok","term":1,"success":true,"match_index":9007199254740992}
		n2 {"type":"append_entries_ok","term":1,"success":false,"conflict_index":9007199254740992,"conflict_term":9007199254740992}
		n2 {"type":"append_entries_ok","term":1,"success":false,"conflict_index":0}
		n2 {"type":"append_entries_ok","term":1,"success":"yes","match_index":1}
		n2 {"type":"append_entries_ok","term":1,"success":false,"conflict_index":18446744073709551616}
		n2 {"type":"install_snapshot_ok","term":1,"offset":9007199254740992}
		n2 {"type":"install_snapshot_ok","term":1,"offset":1}
		n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[],"leader_commit":9007199254740992}
		n2 {"type":"append_entries","term":1,"leader_id":"n3","prev_log_index":0,"prev_log_term":0,"entries":[],"leader_commit":0}
		n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":9,"entries":[],"leader_commit":0}
		n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":9,"command":{"type":"noop"}}],"leader_commit":0}
		n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":0,"command":{"type":"noop"}}],"leader_commit":0}
		n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":{},"leader_commit":0}
		n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[1,[],{}],"leader_commit":0}
		n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":1,"command":7}],"leader_commit":0}
		n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":1}],"leader_commit":0}
		n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":9007199254740992,"prev_log_term":1,"entries":[{"term":1,"command":{"type":"noop"}}],"leader_commit":0}
		n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":1,"command":{"type":"config","voters":[],"learners":[]}}],"leader_commit":0}
		n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":1,"command":{"type":"config","voters":"n1"}}],"leader_commit":0}
		n2 {"type":"append_entries","term":1,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"entries":[{"term":1,"command":{"type":"config","voters":["n1","n1"],"learners":["n1"]}}],"leader_commit":0}
		n2 {"type":"install_snapshot","term":1,"leader_id":"n2","last_included_index":9007199254740993,"last_included_term":1,"offset":0,"data":"","done":true}
		n2 {"type":"install_snapshot","term":1,"leader_id":"n2","last_included_index":5,"last_included_term":9,"offset":0,"data":"x","done":true}
		n2 {"type":"install_snapshot","term":1,"leader_id":"n2","last_included_index":5,"last_included_term":1,"offset":0,"data":7,"done":true}
		n2 {"type":"install_snapshot","term":1,"leader_id":"n2","last_included_index":5,"last_included_term":1,"offset":-1,"data":"\u0000","done":true}
		n2 {"type":"install_snapshot","term":1,"leader_id":"n2","last_included_index":0,"last_included_term":0,"offset":0,"data":"","done":true}
		n2 {"type":"request_vote","term":1,"candidate_id":"n3","last_log_index":9,"last_log_term":1}
		n2 {"type":"request_vote","term":9007199254740993,"candidate_id":"n2","last_log_index":9,"last_log_term":1}
		n2 {"type":"request_vote_ok","term":9007199254740992,"vote_granted":true,"pre_vote":true}
		n2 {"type":"append_entries","term":9007199254740992,"leader_id":"n2","prev_log_index":9007199254740992,"prev_log_term":9007199254740992,"entries":[],"leader_commit":9007199254740992}
		n3 {"type":"request_vote","term":9007199254740992,"candidate_id":"n3","last_log_index":9007199254740992,"last_log_term":9007199254740992}
		n3 {"type":"timeout_now","term":9007199254740992,"leader_id":"n3"}
	END
}

@test "no message ends a follower, a candidate or a leader, whatever it says" {
	echo '0 net {"type":"tick"}' >follower
	elected | head -n 5 >candidate
	elected >leader
	hostile >messages
	survives follower 1 <messages
	survives candidate 1001 <messages
	survives leader 1003 <messages
	# Each on its own, too: after some of them the node plays another role.
	while IFS= read -r message; do
		survives leader 1003 <<<"$message"
	done <messages
}

