#!/usr/bin/env bats
# A node among those who do it harm: answers that come late or twice, lines as long as may be, clients that speak as nodes do,
# readers who stop reading, and histories in which a definite answer would be a lie.

load node.bash

setup() {
	node_setup
	three=(--nodes n1,n2,n3 --seed 1)
	patient=("${three[@]}" --election-timeout 100ms-1000s --heartbeat 50ms)
}

teardown() {
	node_teardown
}

# follower MS: n2 leads, in term or ballot 5, and says so at that time.
follower() {
	case $protocol in
	raft) printf '%d n2 {"type":"append_entries","term":5,"leader_id":"n2","prev_log_index":0,"prev_log_term":0,"leader_commit":0}\n> *\n' "$1" ;;
	paxos) printf '%d n2 {"type":"chosen","ballot":[5,"n2"],"upto":0}\n> *\n' "$1" ;;
	esac
}

# The number of the first forwarded request of line $1.
forwarded_as() {
	said "$1" n2 | jq -c 'select(.type == "forward") | .requests[0].id'
}

# What c1 heard as the answer to msg_id $1: its code, or its type.
outcome() {
	jq -c --argjson id "$1" 'select(.dest == "c1" and .body.in_reply_to == $id) | .body.code // .body.type' scene.out
}

# ---- answers that must not say more than is known ----

@test "a request of a session that a leader had before it died has an unknown outcome, where no other takes it in time" {
	{
		follower 10
		cat <<-'END'
			11 c1 {"type":"write","msg_id":1,"session":"s","seq":1,"key":"x","value":1}
			> n2 {"type":"forward"}
			1000 net {"type":"tick"}
			> *
			9000 net {"type":"tick"}
			> *
		END
	} >scene
	play "${three[@]}" --volatile --election-timeout 150ms-300ms <scene
	assert_regex "$(outcome 1)" '^(0|13)$'
}

@test "at a follower each request is answered within the time limit, whatever became of it" {
	{
		echo '5 c1 {"type":"write","msg_id":1,"key":"x","value":1}'
		echo '> *'
		echo '6 c1 {"type":"read","msg_id":2,"key":"x"}'
		echo '2200 net {"type":"tick"}'
		echo '> *'
		follower 3000
		printf '%s\n' '3001 c1 {"type":"write","msg_id":3,"key":"x","value":1}' '> *' '3002 c1 {"type":"read","msg_id":4,"key":"x"}' '> *' \
			'5500 net {"type":"tick"}' '> *'
	} >scene
	play "${patient[@]}" --volatile --request-timeout 2s <scene
	assert_equal "$(outcome 1) $(outcome 2)" "11 11"
	assert_equal "$(outcome 3)" 0
	assert_equal "$(outcome 4)" 11
}

@test "an answer that was meant for an earlier life of a node answers nothing in this one" {
	{
		follower 10
		printf '%s\n' '11 c1 {"type":"write","msg_id":1,"key":"x","value":1}' '> *'
	} >scene
	play "${patient[@]}" <scene
	number=$(forwarded_as 2)
	{
		follower 20
		printf '%s\n' '21 c1 {"type":"write","msg_id":2,"key":"y","value":1}' '> *' \
			"22 n2 {\"type\":\"forward_ok\",\"answers\":[{\"id\":$number,\"body\":{\"type\":\"write_ok\"}}]}"
	} >scene
	play "${patient[@]}" <scene
	run said 3 c1
	assert_output ""
}

@test "a forwarded request that comes twice happens once" {
	play --nodes n1 --volatile --seed 1 <<-'END'
		1 net {"type":"tick"}
		> *
		2 n2 {"type":"forward","epoch":1,"requests":[{"id":1,"body":{"type":"write","key":"x","value":1}}]}
		> *
		3 c1 {"type":"write","msg_id":1,"key":"x","value":2}
		> *
		4 n2 {"type":"forward","epoch":1,"requests":[{"id":1,"body":{"type":"write","key":"x","value":1}}]}
		> *
		5 c1 {"type":"read","msg_id":2,"key":"x"}
		> c1 {"type":"read_ok","value":2}
	END
}

@test "a node that knows no leader does not say that a node has left or joined" {
	play "${three[@]}" --volatile <<-'END'
		1 net {"type":"tick"}
		> *
		2 c1 {"type":"leave","msg_id":1,"node":"n4"}
		> *
		3 c1 {"type":"join","msg_id":2,"node":"n3"}
		> *
	END
	run jq -c 'select(.dest == "c1") | .body.type' scene.out
	refute_output --partial _ok
}

# ---- watches ----

@test "a watch that names no msg_id, or comes in a forward, leaves every line whole" {
	play --nodes n1 --volatile --seed 1 <<-'END'
		1 net {"type":"tick"}
		> *
		2 c1 {"type":"watch","prefix":""}
		> *
		3 c1 {"type":"forward","requests":[{"id":1,"body":{"type":"watch","prefix":""}}]}
		> *
		4 c1 {"type":"write","msg_id":1,"key":"x","value":1}
		> *
	END
	assert_equal "$(outcome 1)" '"write_ok"'
}

@test "a watch that comes twice tells each change once" {
	play --nodes n1 --volatile --seed 1 <<-'END'
		1 net {"type":"tick"}
		> *
		2 c1 {"type":"watch","msg_id":1,"prefix":""}
		> *
		3 c1 {"type":"watch","msg_id":1,"prefix":""}
		> *
		4 c1 {"type":"write","msg_id":2,"key":"x","value":1}
		> c1 {"type":"event","watch":1,"key":"x","value":1}
		> c1 {"type":"write_ok","in_reply_to":2}
	END
}

@test "watches without a leader take no more memory than other requests" {
	! sanitized || skip "asan's own memory"
	start_node "${three[@]}" --id n1 --volatile
	pad=$(printf '%01000000d' 0)
	for i in {1..800}; do
		echo "{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"type\":\"watch\",\"msg_id\":$i,\"prefix\":\"$pad\"}}"
	done >&7
	ask '{"type":"status"}'
	run awk '/^VmHWM/ { print $2 }' "/proc/$pid/status"
	[ "$output" -lt 600000 ] || fail "$output kB"
}

# ---- who speaks as nodes do ----

@test "a forward from a client does what the client may do itself, and no more" {
	play --nodes n1 --volatile --seed 1 <<-'END'
		1 net {"type":"tick"}
		> *
		2 c1 {"type":"forward","epoch":1,"requests":[{"id":1,"body":{"type":"config","voters":["c1"]}},{"id":2,"body":{"type":"noop"}},{"id":3,"body":{"type":"write","key":"x"}},{"id":4,"body":{"type":"init","node_id":"c1","node_ids":["c1"]}}]}
		> c1 {"type":"forward_ok","answers":[{"id":1,"body":{"code":10}},{"id":2,"body":{"code":10}},{"id":3,"body":{"code":12}},{"id":4,"body":{"code":12}}]}
		3 c1 {"type":"forward","epoch":1,"requests":[5,{},{"id":0,"body":{}},{"id":-1,"body":{}},{"id":6},{"id":7,"body":7},{"id":8,"body":{"type":8}}]}
		4 c1 {"type":"forward","epoch":1,"requests":{}}
		5 c1 {"type":"forward_ok","answers":[{"id":1},{"id":2,"body":{"type":"write_ok"}},7]}
		6 c1 {"type":"status","msg_id":1}
		> c1 {"type":"status_ok","voters":["n1"],"keys":0}
	END
}

@test "a value that is nested too deep comes in by no way" {
	deep=$(printf '%0150d' 0)
	deep=${deep//0/[}${deep//0/]}
	play --nodes n1 --volatile --seed 1 <<-END
		1 net {"type":"tick"}
		> *
		2 n2 {"type":"forward","epoch":1,"requests":[{"id":1,"body":{"type":"write","key":"x","value":$deep}},{"id":2,"body":{"type":"write","key":$deep,"value":1}}]}
		> n2 {"type":"forward_ok","answers":[{"id":1,"body":{"code":12}},{"id":2,"body":{"code":12}}]}
	END
}

@test "a type with an escape in it is the same request at a leader, at a follower and in a forward" {
	play --nodes n1 --volatile --seed 1 <<-'END'
		1 net {"type":"tick"}
		> *
		2 c1 {"type":"\u0077rite","msg_id":1,"key":"x","value":1}
		> c1 {"type":"write_ok"}
		3 n2 {"type":"forward","epoch":1,"requests":[{"id":1,"body":{"type":"\u0077rite","key":"x","value":1}}]}
		> n2 {"type":"forward_ok","answers":[{"id":1,"body":{"type":"write_ok"}}]}
	END
}

@test "a bad line for another node is counted and not answered" {
	play --nodes n1 --volatile --seed 1 <<-'END'
		1 net {"type":"tick"}
		> *
		= {"src":"c1","dest":"n2","at":2000000,"body":{"type":5,"msg_id":1}}
	END
}

# ---- names ----

@test "a name that is no UTF-8 is exit 2; one with quotes, blanks or letters of any language is fine" {
	for name in $'n\xff' $'\xc3' $'\xed\xa0\x80'; do
		run --separate-stderr "$NODE" --volatile --id "$name" --nodes "$name" </dev/null
		assert_failure 2
		run --separate-stderr "$NODE" --volatile --id n1 --nodes "n1,$name" </dev/null
		assert_failure 2
	done
	for name in 'a"b' 'a\b' ' ' 'ä€𝄞' . .. "$(printf '%064d' 0)"; do
		run --separate-stderr "$NODE" --id "$name" --nodes "$name" \
			<<<"{\"src\":\"c1\",\"dest\":$(jq -n --arg n "$name" '$n'),\"body\":{\"type\":\"write\",\"msg_id\":1,\"key\":1,\"value\":1}}"
		assert_success
		assert_equal "$(jq -r '.src + .body.type' <<<"$output")" "${name}write_ok"
		[ -d "$name.$protocol" ]
	done
}

# ---- the world around ----

@test "SIGTERM ends a node whose output nobody reads" {
	start_node "${alone[@]}" --volatile
	ask "{\"type\":\"write\",\"key\":\"x\",\"value\":\"$(printf '%0100000d' 0)\"}"
	for i in {1..60}; do
		tell "{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"type\":\"read\",\"msg_id\":$((i + 100)),\"key\":\"x\"}}"
	done
	# A follower's status would not come through either: what it has read is told by its clock alone.
	sleep 0.5
	kill -TERM "$pid"
	patience=30 reap "$pid"
	assert_equal "$status" 143
}

@test "a program's answer is told when it comes, not with the next heartbeat" {
	start_node "${alone[@]}" --volatile --heartbeat 10s --election-timeout 30s-60s --machine 'while read -r line; do echo 1; done'
	local began=$EPOCHREALTIME
	for i in {1..5}; do
		ask '{"type":"apply","command":1}'
	done
	assert_equal "$answer" '{"type":"apply_ok","result":1}'
	((${EPOCHREALTIME/./} - ${began/./} < 30000000)) || fail "five answers took from $began to $EPOCHREALTIME"
}

@test "a file of requests as stdin: each is answered, and the end is exit 0" {
	for i in {1..5000}; do
		echo "{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"type\":\"write\",\"msg_id\":$i,\"key\":$i,\"value\":1}}"
	done >requests
	"$NODE" "${alone[@]}" <requests >answers
	assert_equal "$(grep -c write_ok answers)" 5000
}

@test "a directory that goes while the node runs is exit 4 and named" {
	start_node "${alone[@]}" --segment-size 64K
	ask '{"type":"write","key":"x","value":1}'
	rm -r "n1.$protocol"
	tell "{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"type\":\"write\",\"msg_id\":9,\"key\":\"x\",\"value\":\"$(printf '%0100000d' 0)\"}}"
	reap "$pid"
	assert_equal "$status" 4
	assert_regex "$(cat err)" "n1.$protocol.*No such file or directory"
}
