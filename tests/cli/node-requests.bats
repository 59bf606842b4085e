#!/usr/bin/env bats
# What clients ask of a node and what they are answered: reads, writes, lists, transactions, watches, status; keys and
# values of every kind.

load node.bash

setup() {
	node_setup
}

teardown() {
	node_teardown
}

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
	eventually status_is '.snapshot_index >= 20'
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

@test "a node that is no member and hears no leader says at once that it has no answer" {
	start_node --id n1 --join --volatile --request-timeout 10m
	for body in '{"type":"write","key":"x","value":1}' '{"type":"read","key":"x"}' '{"type":"txn","txn":[["r","x",null]]}' \
		'{"type":"join","node":"n1"}' '{"type":"leave","node":"n2"}' '{"type":"watch"}'; do
		ask "$body"
		assert_equal "$answer" '{"type":"error","code":11,"text":"this node knows no cluster that it is a member of"}'
	done
	ask '{"type":"read","key":"x","stale":true}'
	assert_equal "$(jq .code <<<"$answer")" 20
	ask '{"type":"status"}'
	assert_equal "$(jq -r .type <<<"$answer")" status_ok
}
