#!/usr/bin/env bats
# A node on its own: the envelope, init, what clients ask and are answered, what is no message, how it ends.

load cluster.bash

setup() {
	node_setup
}

teardown() {
	node_teardown
}

# The node refuses to start, or to go on: $1 is its exit status, $2 a regular expression on stderr; the rest are options,
# stdin is what it is given.
assert_refuses() {
	run --separate-stderr timeout 20 "$NODE" "${@:3}"
	assert_failure "$1"
	assert_regex "$stderr" "^$NODE: .*$2"
}

# ---- init and flags ----

@test "with no flags a node waits for init, answers init_ok, and is who it was told to be" {
	start_node --volatile
	tell '{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}'
	hear
	assert_equal "$(jq -cS . <<<"$heard")" '{"body":{"in_reply_to":1,"type":"init_ok"},"dest":"c0","src":"n1"}'
	msg_id=1
	converse <<-'END'
		{"type":"write","key":"x","value":1} -> {"type":"write_ok"}
		{"type":"read","key":"x"} -> {"type":"read_ok","value":1}
	END
	ask '{"type":"status"}'
	assert_equal "$(jq -c '[.id, .voters]' <<<"$answer")" '["n1",["n1"]]'
}

@test "an init that says what the flags say is init_ok, and so is one that comes twice" {
	start_node "${alone[@]}" --volatile
	converse <<-'END'
		{"type":"init","node_id":"n1","node_ids":["n1"]} -> {"type":"init_ok"}
		{"type":"init","node_id":"n1","node_ids":["n1"]} -> {"type":"init_ok"}
	END
}

@test "an init that contradicts the flags is exit 2 and says so" {
	while IFS= read -r body; do
		echo "$body"
		assert_refuses 2 init --id n1 --nodes n1,n2,n3 --volatile <<<"{\"src\":\"c0\",\"dest\":\"n1\",\"body\":$body}"
	done <<-'END'
		{"type":"init","msg_id":1,"node_id":"n2","node_ids":["n1","n2","n3"]}
		{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2"]}
		{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2","n4"]}
	END
}

@test "an init that contradicts the data directory is exit 2, and nothing in it changes" {
	start_node "${alone[@]}" --data d
	ask '{"type":"write","key":"x","value":1}'
	end_node
	find d -type f -exec sha256sum {} + | sort >before
	assert_refuses 2 '.*' --data d <<<'{"src":"c0","dest":"n2","body":{"type":"init","msg_id":1,"node_id":"n2","node_ids":["n1","n2"]}}'
	assert_refuses 2 '.*' --data d <<<'{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2"]}}'
	find d -type f -exec sha256sum {} + | sort | diff before -
}

@test "a malformed init is error 12 and the node waits on" {
	start_node --volatile
	while IFS= read -r body; do
		msg_id=$((msg_id + 1))
		echo "$body"
		tell "{\"src\":\"c0\",\"dest\":\"n1\",\"body\":{\"type\":\"init\",\"msg_id\":$msg_id$body}}"
		hear_answer $msg_id
		assert_equal "$(jq -c '[.dest, .body.type, .body.code]' <<<"$heard")" '["c0","error",12]'
	done <<-'END'

		,"node_id":"n1"
		,"node_ids":["n1"]
		,"node_id":1,"node_ids":["n1"]
		,"node_id":"n1","node_ids":"n1"
		,"node_id":"n1","node_ids":[]
		,"node_id":"n1","node_ids":["n1",2]
		,"node_id":"","node_ids":["n1",""]
	END
	converse <<-'END'
		{"type":"init","node_id":"n1","node_ids":["n1"]} -> {"type":"init_ok"}
	END
}

@test "flags that make no sense are exit 2" {
	while IFS= read -r options; do
		echo "$options"
		run --separate-stderr bash -c "timeout 20 $NODE --volatile $options </dev/null"
		assert_failure 2
		assert_output ""
		assert_regex "$stderr" "^$NODE: "
	done <<-END
		--id n4 --nodes n1,n2,n3
		--nodes n1,n2,n3
		--id n1 --nodes n1,n2,n1
		--id n1 --nodes n1,,n2
		--id n1 --nodes ''
		--id '' --nodes n1
		--id $(printf '%065d' 1) --nodes $(printf '%065d' 1)
		--id n1 --nodes $(seq -s, -f n%g 65)
		--id n1 --nodes n1 --election-timeout 300ms-150ms
		--id n1 --nodes n1 --election-timeout x
		--id n1 --nodes n1 --election-timeout 0ms-0ms
		--id n1 --nodes n1 --heartbeat 0s
		--id n1 --nodes n1 --heartbeat 50
		--id n1 --nodes n1 --heartbeat 10s --election-timeout 150ms-300ms
		--id n1 --nodes n1 --request-timeout -1s
		--id n1 --nodes n1 --snapshot-every 0x
		--id n1 --nodes n1 --line-max 0
		--id n1 --nodes n1 --seed x
		--id n1 --nodes n1 --notify-fd 99
		--id n1 --nodes n1 operand
	END
}

@test "--notify-fd: a newline there when the node serves, no sooner" {
	mkfifo to ready
	"$NODE" "${alone[@]}" --volatile --notify-fd 5 <to >out 5>ready 3>&- &
	children+=($!)
	exec 7>to
	read -r -t "$patience" line <ready
	assert_equal "$line" ""
	exec 7>&-
	reap $!
	assert_equal $status 0
}

# ---- what clients ask ----

@test "read, write, cas and delete, and the errors of each" {
	start_node "${alone[@]}" --volatile
	converse <<-'END'
		{"type":"read","key":"x"} -> {"type":"error","code":20}
		{"type":"write","key":"x","value":1} -> {"type":"write_ok"}
		{"type":"read","key":"x"} -> {"type":"read_ok","value":1}
		{"type":"read","key":"x","stale":true} -> {"type":"read_ok","value":1}
		{"type":"read","key":"x","stale":false} -> {"type":"read_ok","value":1}
		{"type":"write","key":"x","value":null} -> {"type":"write_ok"}
		{"type":"read","key":"x"} -> {"type":"read_ok","value":null}
		{"type":"cas","key":"x","from":null,"to":2} -> {"type":"cas_ok"}
		{"type":"cas","key":"x","from":1,"to":3} -> {"type":"error","code":22}
		{"type":"cas","key":"x","from":"2","to":3} -> {"type":"error","code":22}
		{"type":"read","key":"x"} -> {"type":"read_ok","value":2}
		{"type":"cas","key":"y","from":1,"to":3} -> {"type":"error","code":20}
		{"type":"cas","key":"y","from":1,"to":3,"create_if_not_exists":false} -> {"type":"error","code":20}
		{"type":"read","key":"y"} -> {"type":"error","code":20}
		{"type":"cas","key":"y","from":1,"to":3,"create_if_not_exists":true} -> {"type":"cas_ok"}
		{"type":"read","key":"y"} -> {"type":"read_ok","value":3}
		{"type":"cas","key":"y","from":1,"to":4,"create_if_not_exists":true} -> {"type":"error","code":22}
		{"type":"delete","key":"y"} -> {"type":"delete_ok"}
		{"type":"delete","key":"y"} -> {"type":"error","code":20}
		{"type":"read","key":"y"} -> {"type":"error","code":20}
		{"type":"cas","key":"y","from":3,"to":4} -> {"type":"error","code":20}
	END
}

@test "cas compares what values mean, not how they are written" {
	start_node "${alone[@]}" --volatile
	converse <<-'END'
		{"type":"write","key":"x","value":{"a":[1,{"b":"é"}],"c":null}} -> {"type":"write_ok"}
		{"type":"cas","key":"x","from":{"c":null,"a":[1,{"b":"\u00e9"}]},"to":"\u0041"} -> {"type":"cas_ok"}
		{"type":"cas","key":"x","from":"A","to":[1,2]} -> {"type":"cas_ok"}
		{"type":"cas","key":"x","from":[2,1],"to":0} -> {"type":"error","code":22}
		{"type":"cas","key":"x","from":[1,2,3],"to":0} -> {"type":"error","code":22}
		{"type":"cas","key":"x","from":[ 1 , 2 ],"to":{}} -> {"type":"cas_ok"}
		{"type":"cas","key":"x","from":[],"to":0} -> {"type":"error","code":22}
		{"type":"cas","key":"x","from":{"a":1},"to":0} -> {"type":"error","code":22}
		{"type":"cas","key":"x","from":{},"to":false} -> {"type":"cas_ok"}
		{"type":"cas","key":"x","from":null,"to":0} -> {"type":"error","code":22}
		{"type":"cas","key":"x","from":0,"to":0} -> {"type":"error","code":22}
		{"type":"cas","key":"x","from":false,"to":""} -> {"type":"cas_ok"}
		{"type":"read","key":"x"} -> {"type":"read_ok","value":""}
	END
}

@test "keys are any JSON; 1 and \"1\" differ, an escape does not" {
	start_node "${alone[@]}" --volatile
	converse <<-'END'
		{"type":"write","key":1,"value":"number"} -> {"type":"write_ok"}
		{"type":"write","key":"1","value":"string"} -> {"type":"write_ok"}
		{"type":"write","key":null,"value":"null"} -> {"type":"write_ok"}
		{"type":"write","key":"null","value":"string null"} -> {"type":"write_ok"}
		{"type":"write","key":true,"value":"true"} -> {"type":"write_ok"}
		{"type":"write","key":[1,"a"],"value":"array"} -> {"type":"write_ok"}
		{"type":"write","key":{"a":1,"b":2},"value":"object"} -> {"type":"write_ok"}
		{"type":"write","key":"","value":"empty"} -> {"type":"write_ok"}
		{"type":"write","key":"é","value":"accent"} -> {"type":"write_ok"}
		{"type":"write","key":"a\tb","value":"tab"} -> {"type":"write_ok"}
		{"type":"read","key":1} -> {"type":"read_ok","value":"number"}
		{"type":"read","key":"1"} -> {"type":"read_ok","value":"string"}
		{"type":"read","key":"\u0031"} -> {"type":"read_ok","value":"string"}
		{"type":"read","key":null} -> {"type":"read_ok","value":"null"}
		{"type":"read","key":"null"} -> {"type":"read_ok","value":"string null"}
		{"type":"read","key":true} -> {"type":"read_ok","value":"true"}
		{"type":"read","key":false} -> {"type":"error","code":20}
		{"type":"read","key":[ 1, "a" ]} -> {"type":"read_ok","value":"array"}
		{"type":"read","key":["a",1]} -> {"type":"error","code":20}
		{"type":"read","key":{"b":2,"a":1}} -> {"type":"read_ok","value":"object"}
		{"type":"read","key":{"b":2}} -> {"type":"error","code":20}
		{"type":"read","key":""} -> {"type":"read_ok","value":"empty"}
		{"type":"read","key":"\u00e9"} -> {"type":"read_ok","value":"accent"}
		{"type":"read","key":"a\u0009b"} -> {"type":"read_ok","value":"tab"}
		{"type":"read","key":-0} -> {"type":"error","code":20}
	END
}

@test "a value comes back as the text it went in as" {
	start_node "${alone[@]}" --volatile
	while IFS= read -r value; do
		msg_id=$((msg_id + 2))
		tell "{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"type\":\"write\",\"msg_id\":$msg_id,\"key\":\"k\",\"value\":$value}}"
		hear_answer $msg_id
		msg_id=$((msg_id + 1))
		tell "{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"type\":\"read\",\"msg_id\":$msg_id,\"key\":\"k\"}}"
		hear_answer $msg_id
		[[ $heard == *"\"value\":$value"[,}]* ]] || fail "$value came back in $heard"
	done <<-'END'
		1.10
		-0.0
		123456789012345678
		"a\u00e9\ud83d\ude00\"\\/\b"
		"😀"
		{"z":1,"a":[[],{},""]}
	END
}

@test "a value of a megabyte comes back whole" {
	start_node "${alone[@]}" --volatile
	value=$(head -c 1000000 /dev/zero | tr '\0' v)
	tell "{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"type\":\"write\",\"msg_id\":1,\"key\":\"k\",\"value\":\"$value\"}}"
	hear_answer 1
	tell '{"src":"c1","dest":"n1","body":{"type":"read","msg_id":2,"key":"k"}}'
	hear_answer 2
	[[ $heard == *"\"value\":\"$value\""* ]]
}

@test "in_reply_to is the msg_id as it stood" {
	start_node "${alone[@]}" --volatile
	for id in 0 1 4294967296 9007199254740992 9007199254740993 -1; do
		echo "$id"
		tell "{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"type\":\"read\",\"key\":\"x\",\"msg_id\":$id}}"
		hear_answer $id
		tell "{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"type\":\"write\",\"key\":\"y\",\"value\":1,\"msg_id\":$id}}"
		hear_answer $id
	done
}

@test "the order of members and blanks between them do not matter, unknown members neither" {
	start_node "${alone[@]}" --volatile
	tell ' { "body" : {"value":{"a":[]},"msg_id":1,"shoe":[{}],"key":"x" , "type":"write"} , "dest" : "n1", "more":1, "src":"c1" } '
	hear_answer 1
	assert_equal "$(jq -cS . <<<"$heard")" '{"body":{"in_reply_to":1,"type":"write_ok"},"dest":"c1","src":"n1"}'
	msg_id=1
	converse <<-'END'
		{"type":"read","key":"x"} -> {"type":"read_ok","value":{"a":[]}}
	END
}

@test "a name with an escape in it is answered by that name" {
	start_node "${alone[@]}" --volatile
	tell '{"src":"c\"\u00e9","dest":"\u006e1","body":{"t\u0079pe":"re\u0061d","msg_id":1,"key":"x"}}'
	hear_answer 1
	assert_equal "$(jq -c '[.src, .dest, .body.code]' <<<"$heard")" '["n1","c\"é",20]'
}

@test "list: every key that begins with the prefix once, in pages of the limit, and more as long as there are" {
	start_node "${alone[@]}" --volatile
	for i in {1..25}; do
		ask "{\"type\":\"write\",\"key\":\"p$((i * 7 % 25))\",\"value\":$i}"
	done
	ask '{"type":"write","key":"q","value":0}'
	ask '{"type":"write","key":17,"value":0}'
	ask '{"type":"list","prefix":"p"}'
	assert_equal "$(jq -c '[.type, (.items | length), .more]' <<<"$answer")" '["list_ok",25,false]'
	jq -c '.items[]' <<<"$answer" >whole
	assert_equal "$(jq -r '.[0]' whole | sort -u | wc -l)" 25
	: >paged
	after= pages=0
	while true; do
		ask "{\"type\":\"list\",\"prefix\":\"p\",\"limit\":7$after}"
		jq -c '.items[]' <<<"$answer" >>paged
		pages=$((pages + 1))
		[ "$(jq .more <<<"$answer")" = true ] || break
		assert_equal "$(jq '.items | length' <<<"$answer")" 7
		after=",\"after\":$(jq -c '.items[-1][0]' <<<"$answer")"
	done
	diff whole paged
	assert_equal $pages 4
	converse <<-'END'
		{"type":"list","prefix":"p1","limit":1} -> {"type":"list_ok","items":[["p1",18]],"more":true}
		{"type":"list","prefix":"p24"} -> {"type":"list_ok","items":[["p24",7]],"more":false}
		{"type":"list","prefix":"r"} -> {"type":"list_ok","items":[],"more":false}
		{"type":"list","prefix":"q","stale":true} -> {"type":"list_ok","items":[["q",0]],"more":false}
	END
	ask '{"type":"list","prefix":""}'
	assert_equal "$(jq -c '[(.items | length), .more]' <<<"$answer")" '[27,false]'
}

@test "txn: its reads see its writes, and its answer has what was read" {
	start_node "${alone[@]}" --volatile
	converse <<-'END'
		{"type":"txn","txn":[["r","x",null],["w","x",1],["r","x",null],["w","x",2]]} -> {"type":"txn_ok","txn":[["r","x",null],["w","x",1],["r","x",1],["w","x",2]]}
		{"type":"txn","txn":[["append","l",1],["r","l",null],["append","l",[2]]]} -> {"type":"txn_ok","txn":[["append","l",1],["r","l",[1]],["append","l",[2]]]}
		{"type":"txn","txn":[["r","l",null],["r","x",null],["r","nothing",null]]} -> {"type":"txn_ok","txn":[["r","l",[1,[2]]],["r","x",2],["r","nothing",null]]}
		{"type":"txn","txn":[]} -> {"type":"txn_ok","txn":[]}
		{"type":"txn","txn":[["w",1,"one"],["w",[1],"array"]]} -> {"type":"txn_ok","txn":[["w",1,"one"],["w",[1],"array"]]}
		{"type":"read","key":[1]} -> {"type":"read_ok","value":"array"}
	END
}

@test "txn: all or nothing" {
	start_node "${alone[@]}" --volatile
	ask '{"type":"write","key":"text","value":"t"}'
	ask '{"type":"write","key":"x","value":0}'
	ask '{"type":"txn","txn":[["w","x",1],["append","l",1],["append","text",2],["w","y",3]]}'
	assert_equal "$(jq -r .type <<<"$answer")" error
	# That it did not happen is certain.
	assert_regex "$(jq .code <<<"$answer")" '^(14|22|30)$'
	converse <<-'END'
		{"type":"read","key":"x"} -> {"type":"read_ok","value":0}
		{"type":"read","key":"l"} -> {"type":"error","code":20}
		{"type":"read","key":"text"} -> {"type":"read_ok","value":"t"}
		{"type":"read","key":"y"} -> {"type":"error","code":20}
	END
}

@test "txn: is one entry of the log, however long" {
	start_node "${alone[@]}" --volatile
	ask '{"type":"write","key":"x","value":0}'
	ask '{"type":"status"}'
	before=$(jq .last_index <<<"$answer")
	ask "{\"type\":\"txn\",\"txn\":[$(seq 500 | sed 's/.*/["w",&,&]/' | paste -sd,)]}"
	assert_equal "$(jq -r .type <<<"$answer")" txn_ok
	ask '{"type":"status"}'
	assert_equal "$(jq .last_index <<<"$answer")" $((before + 1))
}

@test "watch: watch_ok, then an event for each change in the order of the log, of the prefix alone" {
	start_node "${alone[@]}" --volatile
	ask '{"type":"write","key":"a0","value":0}'
	overheard=()
	tell '{"src":"w","dest":"n1","body":{"type":"watch","msg_id":900,"prefix":"a"}}'
	hear_answer 900
	assert_equal "$(jq -c '[.dest, .body.type]' <<<"$heard")" '["w","watch_ok"]'
	converse <<-'END'
		{"type":"write","key":"a1","value":{"v":1}} -> {"type":"write_ok"}
		{"type":"write","key":"b1","value":2} -> {"type":"write_ok"}
		{"type":"cas","key":"a1","from":{"v":1},"to":3} -> {"type":"cas_ok"}
		{"type":"cas","key":"a1","from":0,"to":4} -> {"type":"error","code":22}
		{"type":"txn","txn":[["r","a1",null],["w","a2",5],["w","b2",6],["append","a3",7]]} -> {"type":"txn_ok","txn":[["r","a1",3],["w","a2",5],["w","b2",6],["append","a3",7]]}
		{"type":"delete","key":"a1"} -> {"type":"delete_ok"}
		{"type":"delete","key":"a1"} -> {"type":"error","code":20}
		{"type":"write","key":"a2","value":8} -> {"type":"write_ok"}
	END
	end_node
	assert_equal $status 0
	printf '%s\n' "${overheard[@]}" "$heard" | jq -c 'select(.dest == "w" and .body.type == "event") | [.body.key, .body.value]' >events
	diff events - <<-'END'
		["a1",{"v":1}]
		["a1",3]
		["a2",5]
		["a3",[7]]
		["a1",null]
		["a2",8]
	END
}

@test "status says who it is, whom it follows and how far it is" {
	start_node "${alone[@]}" --volatile
	ask '{"type":"write","key":"x","value":1}'
	ask '{"type":"status"}'
	run jq -c '[.type, .id, .role, .leader, .voters, .learners, .commit_index == .last_index, .last_applied == .last_index,
		.first_index, .snapshot_index, (.counters | type), (.last_index >= 1)]' <<<"$answer"
	assert_output '["status_ok","n1","leader","n1",["n1"],[],true,true,1,0,"object",true]'
	run jq -e 'has("last_term") and (has("term") or has("ballot")) and (has("voted_for") or has("promised"))' <<<"$answer"
	assert_success
}

@test "a snapshot on demand compacts the log and changes no answer" {
	start_node "${alone[@]}" --volatile
	for i in {1..20}; do
		ask "{\"type\":\"write\",\"key\":\"k$((i % 4))\",\"value\":$i}"
	done
	converse <<-'END'
		{"type":"snapshot"} -> {"type":"snapshot_ok"}
		{"type":"read","key":"k3"} -> {"type":"read_ok","value":19}
		{"type":"write","key":"k3","value":0} -> {"type":"write_ok"}
		{"type":"read","key":"k3"} -> {"type":"read_ok","value":0}
	END
	eventually status_is n1 '.snapshot_index >= 20'
}

@test "the last voter cannot leave, and nobody can be handed the leadership" {
	start_node "${alone[@]}" --volatile
	ask '{"type":"write","key":"x","value":1}'
	for request in '{"type":"leave","node":"n1"}' '{"type":"transfer","to":"n7"}'; do
		ask "$request"
		assert_equal "$request $(jq -r .type <<<"$answer")" "$request error"
		if is_error '0|13'; then fail "$answer"; fi
	done
	ask '{"type":"write","key":"x","value":2}'
	assert_equal "$answer" '{"type":"write_ok"}'
}

@test "without a majority nothing is acknowledged, and the answer comes within the time limit" {
	start_node --id n1 --nodes n1,n2,n3 --volatile --request-timeout 200ms
	for request in '{"type":"write","key":"x","value":1}' '{"type":"read","key":"x"}' '{"type":"list","prefix":""}' \
		'{"type":"txn","txn":[["w","x",1]]}' '{"type":"snapshot"}' '{"type":"join","node":"n4"}'; do
		ask "$request"
		[[ $request == *snapshot* ]] || assert_error '0|11'
	done
	ask '{"type":"read","key":"x","stale":true}'
	assert_error 20
	ask '{"type":"status"}'
	assert_equal "$(jq -c '[.leader, .commit_index, .voters]' <<<"$answer")" '[null,0,["n1","n2","n3"]]'
}

# ---- what is no request ----

@test "an unknown type is error 10" {
	start_node "${alone[@]}" --volatile
	converse <<-'END'
		{"type":"xyzzy"} -> {"type":"error","code":10}
		{"type":""} -> {"type":"error","code":10}
		{"type":"READ","key":"x"} -> {"type":"error","code":10}
		{"type":"noop"} -> {"type":"error","code":10}
		{"type":"config","voters":["n2"],"learners":[]} -> {"type":"error","code":10}
		{"type":"tick"} -> {"type":"error","code":10}
		{"type":"write","key":"x","value":1} -> {"type":"write_ok"}
	END
	ask '{"type":"status"}'
	assert_equal "$(jq -c .voters <<<"$answer")" '["n1"]'
}

@test "a request that lacks something, or has it of the wrong kind, is error 12" {
	start_node "${alone[@]}" --volatile
	converse <<-'END'
		{"type":"read"} -> {"type":"error","code":12}
		{"type":"write","key":"x"} -> {"type":"error","code":12}
		{"type":"write","value":1} -> {"type":"error","code":12}
		{"type":"cas","key":"x","from":1} -> {"type":"error","code":12}
		{"type":"cas","key":"x","to":1} -> {"type":"error","code":12}
		{"type":"cas","from":1,"to":1} -> {"type":"error","code":12}
		{"type":"delete"} -> {"type":"error","code":12}
		{"type":"list","prefix":1} -> {"type":"error","code":12}
		{"type":"list","prefix":"","limit":-1} -> {"type":"error","code":12}
		{"type":"list","prefix":"","limit":"1"} -> {"type":"error","code":12}
		{"type":"watch","prefix":[]} -> {"type":"error","code":12}
		{"type":"txn"} -> {"type":"error","code":12}
		{"type":"txn","txn":{}} -> {"type":"error","code":12}
		{"type":"txn","txn":[1]} -> {"type":"error","code":12}
		{"type":"txn","txn":[["w","x"]]} -> {"type":"error","code":12}
		{"type":"txn","txn":[["w","x",1],["z","x",1]]} -> {"type":"error","code":12}
		{"type":"txn","txn":[["w","x",1,1]]} -> {"type":"error","code":12}
		{"type":"read","key":"x"} -> {"type":"error","code":20}
		{"type":"join"} -> {"type":"error","code":12}
		{"type":"join","node":""} -> {"type":"error","code":12}
		{"type":"join","node":7} -> {"type":"error","code":12}
		{"type":"leave"} -> {"type":"error","code":12}
		{"type":"transfer","to":[]} -> {"type":"error","code":12}
		{"type":1} -> {"type":"error","code":12}
		{"type":null} -> {"type":"error","code":12}
		{"key":"x"} -> {"type":"error","code":12}
		{"type":"read","type":"write","key":"x","value":1} -> {"type":"error","code":12}
		{"type":"write","key":"x","key":"y","value":1} -> {"type":"error","code":12}
	END
}

# A line on stdin each that is no message: `ANSWER LINE`, where ANSWER is yes if src and msg_id (900) can be read in it.
each_is_a_bad_line() {
	local answered line count=0
	ask '{"type":"read","key":"x"}'
	while read -r answered line; do
		[ -n "$line" ] || continue
		count=$((count + 1))
		: >err
		printf '%b\n' "$line" >&7
		overheard=()
		ask '{"type":"read","key":"x"}'
		assert_equal "$(jq .code <<<"$answer")" 20
		run jq -c '[.src, .dest, .body.type, .body.in_reply_to, .body.code]' <<<"${overheard[*]}"
		if [ "$answered" = yes ]; then
			assert_equal "$line: $output" "$line: [\"n1\",\"c1\",\"error\",900,12]"
		else
			assert_equal "$line: $output" "$line: "
		fi
		assert_equal "$line: $(wc -l <err)" "$line: 1"
		assert_regex "$(cat err)" "^$NODE: "
	done
	ask '{"type":"status"}'
	assert_equal "$(jq '.counters.bad_lines' <<<"$answer")" $count
}

@test "a line that is no message is one line on stderr, counted, and answered with 12 where it can be" {
	start_node "${alone[@]}" --volatile
	each_is_a_bad_line <<-'END'
		no hello
		no {
		no []
		no 17
		no "text"
		yes {"src":"c1","dest":"n1","body":{"type":"read","msg_id":900,"key":"x"
		no {"src":"c1","dest":"n1"}
		no {"src":"c1","dest":"n1","body":[]}
		no {"src":"c1","dest":"n1","body":"read"}
		no {"dest":"n1","body":{"type":"read","msg_id":900,"key":"x"}}
		no {"src":7,"dest":"n1","body":{"type":"read","msg_id":900,"key":"x"}}
		yes {"src":"c1","body":{"type":"read","msg_id":900,"key":"x"}}
		yes {"src":"c1","dest":7,"body":{"type":"read","msg_id":900,"key":"x"}}
		yes {"src":"c1","dest":"n1","body":{"type":"read","msg_id":900,"key":"x"}} {}
		yes {"src":"c1","dest":"n1","body":{"type":"write","msg_id":900,"key":"x","value":"\xff\xfe"}}
		yes {"src":"c1","dest":"n1","body":{"type":"write","msg_id":900,"key":"x","value":"\xc0\x80"}}
		yes {"src":"c1","dest":"n1","body":{"type":"write","msg_id":900,"key":"x","value":"\\ud800"}}
		yes {"src":"c1","dest":"n1","body":{"type":"write","msg_id":900,"key":"x","value":01}}
		yes {"src":"c1","dest":"n1","body":{"type":"write","msg_id":900,"key":"x","value":"\x01"}}
	END
}

@test "nesting beyond the limit is a bad line answered with 12, at any depth" {
	start_node "${alone[@]}" --volatile
	for depth in 200 100000; do
		open=$(printf "%${depth}s" | tr ' ' '[') close=$(printf "%${depth}s" | tr ' ' ']')
		each_is_a_bad_line <<<"yes {\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"type\":\"write\",\"msg_id\":900,\"key\":\"x\",\"value\":$open$close}}"
		end_node
		assert_equal $status 0
		start_node "${alone[@]}" --volatile
	done
	converse <<-'END'
		{"type":"write","key":"x","value":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]} -> {"type":"write_ok"}
		{"type":"read","key":"x"} -> {"type":"read_ok","value":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}
	END
}

@test "a line over --line-max is a bad line answered with 12, one of that length is fine" {
	start_node "${alone[@]}" --volatile --line-max 2000
	line='{"src":"c1","dest":"n1","body":{"type":"write","msg_id":900,"key":"x","value":"PAD"}}'
	fit=$(printf "%$((2000 - ${#line} + 3))s" | tr ' ' v)
	each_is_a_bad_line <<<"yes ${line/PAD/v$fit}"
	tell "${line/PAD/$fit}"
	hear_answer 900
	assert_equal "$(jq -r .body.type <<<"$heard")" write_ok
}

@test "a carriage return before the newline harms not" {
	start_node "${alone[@]}" --volatile
	tell $'{"src":"c1","dest":"n1","body":{"type":"read","msg_id":1,"key":"x"}}\r'
	hear_answer 1
	assert_equal "$(jq .body.code <<<"$heard")" 20
}

@test "a message for another node is ignored" {
	start_node "${alone[@]}" --volatile
	tell '{"src":"c1","dest":"n2","body":{"type":"write","msg_id":1,"key":"x","value":1}}'
	tell '{"src":"c1","dest":"N1","body":{"type":"xyzzy","msg_id":2}}'
	tell '{"src":"c1","dest":"","body":{"type":"read","msg_id":3,"key":"x"}}'
	msg_id=9
	overheard=()
	converse <<-'END'
		{"type":"read","key":"x"} -> {"type":"error","code":20}
	END
	assert_equal "${overheard[*]}" ""
}

@test "a request without msg_id wants no answer, and the stream goes on" {
	start_node "${alone[@]}" --volatile
	tell '{"src":"c1","dest":"n1","body":{"type":"write","key":"x","value":1}}'
	tell '{"src":"c1","dest":"n1","body":{"type":"xyzzy"}}'
	tell '{"src":"c1","dest":"n1","body":{"type":"read"}}'
	overheard=()
	converse <<-'END'
		{"type":"write","key":"y","value":1} -> {"type":"write_ok"}
	END
	for line in "${overheard[@]}"; do
		refute_regex "$line" in_reply_to
	done
}

# Bytes that come out the same each time; newlines among them.
garbage() {
	perl -e 'srand 7; print map { chr int rand 256 } 1 .. $ARGV[0]' "$1"
}

@test "a megabyte of garbage between good requests: every good one is answered, and memory stays bounded" {
	garbage 10000 >piece
	for i in {1..100}; do
		printf '{"src":"c1","dest":"n1","body":{"type":"write","msg_id":%d,"key":"k%d","value":%d}}\n' "$i" "$i" "$i"
		cat piece
		echo
	done >input
	[ "$(wc -c <input)" -gt 1000000 ]
	"$NODE" "${alone[@]}" --volatile <input >output 2>err
	jq -r 'select(.body.type == "write_ok") | .body.in_reply_to' output | sort -n | cmp - <(seq 100)
	assert_equal "$(jq -c 'select(.body.type != "write_ok")' output)" ""
	# A line each, and nothing in them that a terminal would obey.
	assert_equal "$(LC_ALL=C grep -c -a -v "^$NODE: " err)" 0
	assert_equal "$(LC_ALL=C grep -c -a '[[:cntrl:]]' err)" 0
}

@test "a line without end takes no more memory the longer it is" {
	start_node "${alone[@]}" --volatile --line-max 64K
	ask '{"type":"write","key":"x","value":1}'
	for megabytes in 10 80; do
		head -c "${megabytes}000000" /dev/zero | tr '\0' '[' >&7
		echo >&7
		{ printf '{"src":"c1","dest":"n1","body":{"type":"read","msg_id":901,"key":"' && head -c "${megabytes}000000" /dev/zero | tr '\0' k && echo '"}}'; } >&7
		ask '{"type":"read","key":"x"}'
		assert_equal "$answer" '{"type":"read_ok","value":1}'
		awk '/^VmHWM/ { print $2 }' "/proc/$pid/status"
	done >peaks
	sanitized || [ "$(($(tail -n 1 peaks) - $(head -n 1 peaks)))" -lt 4096 ] || fail "$(cat peaks)"
}

# ---- what it says ----

@test "a line has src, dest and body, and no other member" {
	start_node --id n1 --nodes n1,n2,n3 --volatile --request-timeout 100ms
	ask '{"type":"write","key":"x","value":1}'
	ask '{"type":"status"}'
	ask '{"type":"read"}'
	tell '{"src":"n2","dest":"n1","body":{"type":"read","msg_id":77,"key":"x","stale":true}}'
	hear_answer 77
	end_node
	printf '%s\n' "${overheard[@]}" "$heard" >lines
	[ "$(wc -l <lines)" -ge 3 ]
	assert_equal "$(jq -c 'select((keys != ["body","dest","src"]) or .src != "n1" or (.dest | type) != "string" or (.body.type | type) != "string")' lines)" ""
}

# ---- how it ends ----

@test "the end of stdin is exit 0, after the last answer" {
	run --separate-stderr "$NODE" "${alone[@]}" --volatile </dev/null
	assert_success
	assert_output ""
	requests 1 1000 '{"type":"write","key":"k","value":@}' >input
	run --separate-stderr "$NODE" "${alone[@]}" --data d <input
	assert_success
	jq -r 'select(.body.type == "write_ok") | .body.in_reply_to' <<<"$output" | cmp - <(seq 1000)
}

@test "the end of stdin ends a node without a majority, too: what waits is answered first" {
	run --separate-stderr timeout 20 "$NODE" --id n1 --nodes n1,n2 --volatile --request-timeout 300ms \
		<<<'{"src":"c1","dest":"n1","body":{"type":"write","msg_id":1,"key":"x","value":1}}'
	assert_success
	run jq -c 'select(.dest == "c1") | [.body.in_reply_to, .body.type, .body.code == 0 or .body.code == 11]' <<<"$output"
	assert_output '[1,"error",true]'
}

@test "SIGTERM, SIGINT and SIGHUP end it by that signal, and what was answered stays" {
	for signal in TERM INT HUP; do
		mkfifo to.$signal
		env --default-signal=INT "$NODE" "${alone[@]}" --data d <to.$signal >out 2>err 3>&- &
		pid=$!
		children+=($pid)
		exec 7>to.$signal
		echo '{"src":"c1","dest":"n1","body":{"type":"txn","msg_id":1,"txn":[["append","l","'$signal'"],["r","l",null]]}}' >&7
		eventually grep -q txn_ok out
		kill -s $signal $pid
		reap $pid
		exec 7>&-
		assert_equal "$signal $status" "$signal $((128 + $(kill -l $signal)))"
	done
	assert_equal "$(jq -c '.body.txn[1][2]' out)" '["TERM","INT","HUP"]'
}

@test "a full disk behind stdout is exit 4, never 0" {
	run --separate-stderr bash -c "echo '{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"type\":\"status\",\"msg_id\":1}}' | $NODE --id n1 --nodes n1 --data d >/dev/full"
	assert_failure 4
	assert_equal "$stderr" "$NODE: cannot write 'stdout': No space left on device"
}

@test "a closed stdout is exit 4 where there is something to say" {
	run --separate-stderr bash -c "echo '{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"type\":\"status\",\"msg_id\":1}}' | $NODE --id n1 --nodes n1 --data d >&-"
	assert_failure 4
	assert_equal "$stderr" "$NODE: cannot write 'stdout': Bad file descriptor"
}

@test "a closed pipe ends it quietly, as SIGPIPE does: 141; where that is ignored it is exit 4" {
	requests 1 20000 '{"type":"status"}' >input
	# shellcheck disable=SC2016
	run --separate-stderr env --default-signal=PIPE bash -c "$NODE --id n1 --nodes n1 --data d <input | head -n 1 >out; echo \${PIPESTATUS[0]}"
	assert_output 141
	assert_equal "$stderr" ""
	run --separate-stderr env --ignore-signal=PIPE bash -c "$NODE --id n1 --nodes n1 --data d <input | head -n 1 >out; exit \${PIPESTATUS[0]}"
	assert_failure 4
	assert_equal "$stderr" "$NODE: cannot write 'stdout': Broken pipe"
}

@test "a stdin that cannot be read is exit 4" {
	run --separate-stderr timeout 20 "$NODE" "${alone[@]}" --data d <.
	assert_failure 4
	assert_regex "$stderr" "'?stdin'?.*: Is a directory"
}

@test "a reader who is slow stops nobody: answers wait, and come whole and in order" {
	requests 1 30000 '{"type":"write","key":"k","value":@}' >input
	"$NODE" "${alone[@]}" --volatile <input 2>err | { sleep 0.5; jq -r .body.in_reply_to; } | cmp - <(seq 30000)
}

@test "--metrics: OpenMetrics text, whole at any moment" {
	start_node "${alone[@]}" --volatile --metrics metrics
	ask '{"type":"write","key":"x","value":1}'
	eventually test -s metrics
	for i in {1..50}; do
		assert_equal "$(tail -n 1 metrics)" '# EOF'
	done
	grep -q '^# TYPE ' metrics
	assert_equal "$(grep -c -v -E '^# (TYPE|HELP|UNIT|EOF)|^[a-z_]+(\{[^}]*\})? [0-9.e+-]+$' metrics)" 0
}
