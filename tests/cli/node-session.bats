#!/usr/bin/env bats
# Exactly once: a request of a session happens once however often it is sent, and each repeat gets the first answer.

load node.bash

setup() {
	node_setup
}

teardown() {
	node_teardown
}

@test "a repeat is answered as the first time and changes nothing" {
	start_node "${alone[@]}" --volatile
	converse <<-'END'
		{"type":"write","key":"x","value":1,"session":"s","seq":1} -> {"type":"write_ok"}
		{"type":"cas","key":"x","from":1,"to":2,"session":"s","seq":2} -> {"type":"cas_ok"}
		{"type":"cas","key":"x","from":1,"to":2,"session":"s","seq":2} -> {"type":"cas_ok"}
		{"type":"cas","key":"x","from":1,"to":3,"session":"s","seq":3} -> {"type":"error","code":22}
		{"type":"write","key":"x","value":1} -> {"type":"write_ok"}
		{"type":"cas","key":"x","from":1,"to":3,"session":"s","seq":3} -> {"type":"error","code":22}
		{"type":"read","key":"x"} -> {"type":"read_ok","value":1}
		{"type":"write","key":"x","value":1,"session":"s","seq":1} -> {"type":"write_ok"}
		{"type":"txn","txn":[["append","l",1],["r","l",null]],"session":"s","seq":4} -> {"type":"txn_ok","txn":[["append","l",1],["r","l",[1]]]}
		{"type":"txn","txn":[["append","l",2]]} -> {"type":"txn_ok","txn":[["append","l",2]]}
		{"type":"txn","txn":[["append","l",1],["r","l",null]],"session":"s","seq":4} -> {"type":"txn_ok","txn":[["append","l",1],["r","l",[1]]]}
		{"type":"delete","key":"l","session":"s","seq":5} -> {"type":"delete_ok"}
		{"type":"delete","key":"l","session":"s","seq":5} -> {"type":"delete_ok"}
		{"type":"delete","key":"l","session":"s","seq":6} -> {"type":"error","code":20}
		{"type":"write","key":"l","value":[]} -> {"type":"write_ok"}
		{"type":"delete","key":"l","session":"s","seq":6} -> {"type":"error","code":20}
		{"type":"read","key":"l"} -> {"type":"read_ok","value":[]}
	END
}

@test "a repeat is told by session and seq, whatever else the request says, from whichever client" {
	start_node "${alone[@]}" --volatile
	ask '{"type":"write","key":"x","value":1,"session":"s","seq":1}'
	tell '{"src":"c9","dest":"n1","body":{"type":"write","msg_id":7,"key":"x","value":2,"seq":1,"session":"\u0073"}}'
	hear_answer 7
	assert_equal "$(jq -c '[.dest, .body.type]' <<<"$heard")" '["c9","write_ok"]'
	ask '{"type":"read","key":"x"}'
	assert_equal "$answer" '{"type":"read_ok","value":1}'
}

@test "repeats in flight together are applied once, and each is answered" {
	start_node "${alone[@]}" --data d
	for i in {1..50}; do
		echo '{"src":"c1","dest":"n1","body":{"type":"txn","msg_id":'"$i"',"txn":[["append","l",1]],"session":"s","seq":1}}'
	done >&7
	for i in {1..50}; do
		hear_answer "$i"
		assert_equal "$(jq -c .body.type <<<"$heard")" '"txn_ok"'
	done
	ask '{"type":"read","key":"l"}'
	assert_equal "$answer" '{"type":"read_ok","value":[1]}'
}

@test "a seq out of its turn did not happen, and may come again in its turn" {
	start_node "${alone[@]}" --volatile
	converse <<-'END'
		{"type":"write","key":"x","value":1,"session":"s","seq":1} -> {"type":"write_ok"}
		{"type":"write","key":"x","value":3,"session":"s","seq":3} -> {"type":"error","code":14}
		{"type":"read","key":"x"} -> {"type":"read_ok","value":1}
		{"type":"write","key":"x","value":2,"session":"s","seq":2} -> {"type":"write_ok"}
		{"type":"write","key":"x","value":3,"session":"s","seq":3} -> {"type":"write_ok"}
		{"type":"read","key":"x"} -> {"type":"read_ok","value":3}
	END
}

@test "a repeat too old for its answer to be known, and a session that is not known, leave the outcome unknown: 13" {
	start_node "${alone[@]}" --volatile
	for i in {1..100}; do
		ask "{\"type\":\"write\",\"key\":\"x\",\"value\":$i,\"session\":\"s\",\"seq\":$i}"
	done
	converse <<-'END'
		{"type":"write","key":"x","value":0,"session":"s","seq":1} -> {"type":"error","code":13}
		{"type":"write","key":"x","value":0,"session":"s","seq":100} -> {"type":"write_ok"}
		{"type":"write","key":"x","value":0,"session":"never seen","seq":2} -> {"type":"error","code":13}
		{"type":"read","key":"x"} -> {"type":"read_ok","value":100}
	END
}

@test "sessions do not know of each other" {
	start_node "${alone[@]}" --volatile
	converse <<-'END'
		{"type":"txn","txn":[["append","l","a"]],"session":"a","seq":1} -> {"type":"txn_ok","txn":[["append","l","a"]]}
		{"type":"txn","txn":[["append","l","b"]],"session":"b","seq":1} -> {"type":"txn_ok","txn":[["append","l","b"]]}
		{"type":"txn","txn":[["append","l","a"]],"session":"a","seq":1} -> {"type":"txn_ok","txn":[["append","l","a"]]}
		{"type":"read","key":"l"} -> {"type":"read_ok","value":["a","b"]}
	END
}

@test "half of a session, or a seq that is no number from 1, is error 12 and does not happen" {
	start_node "${alone[@]}" --volatile
	converse <<-'END'
		{"type":"write","key":"x","value":1,"session":"s"} -> {"type":"error","code":12}
		{"type":"write","key":"x","value":1,"seq":1} -> {"type":"error","code":12}
		{"type":"write","key":"x","value":1,"session":7,"seq":1} -> {"type":"error","code":12}
		{"type":"write","key":"x","value":1,"session":"s","seq":"1"} -> {"type":"error","code":12}
		{"type":"write","key":"x","value":1,"session":"s","seq":0} -> {"type":"error","code":12}
		{"type":"write","key":"x","value":1,"session":"s","seq":-1} -> {"type":"error","code":12}
		{"type":"write","key":"x","value":1,"session":"s","seq":1.5} -> {"type":"error","code":12}
		{"type":"write","key":"x","value":1,"session":"s","seq":9007199254740993} -> {"type":"error","code":12}
		{"type":"read","key":"x"} -> {"type":"error","code":20}
	END
}

# What a client sends again when it does not know how it ended.
appends() {
	converse <<-'END'
		{"type":"txn","txn":[["append","l",1]],"session":"s","seq":1} -> {"type":"txn_ok","txn":[["append","l",1]]}
		{"type":"txn","txn":[["append","l",2],["r","l",null]],"session":"s","seq":2} -> {"type":"txn_ok","txn":[["append","l",2],["r","l",[1,2]]]}
		{"type":"cas","key":"x","from":0,"to":1,"session":"s","seq":3} -> {"type":"error","code":20}
	END
}

@test "a repeat after a crash and a restart gets the first answer" {
	start_node "${alone[@]}" --data d
	appends
	kill -KILL "$pid"
	reap "$pid"
	start_node "${alone[@]}" --data d
	ask '{"type":"write","key":"x","value":0}'
	appends
	ask '{"type":"read","key":"l"}'
	assert_equal "$answer" '{"type":"read_ok","value":[1,2]}'
	ask '{"type":"read","key":"x"}'
	assert_equal "$answer" '{"type":"read_ok","value":0}'
}

@test "a repeat after a snapshot, and a restart from it, gets the first answer" {
	start_node "${alone[@]}" --data d
	appends
	ask '{"type":"snapshot"}'
	assert_equal "$answer" '{"type":"snapshot_ok"}'
	appends
	eventually status_is '.snapshot_index > 0'
	kill -KILL "$pid"
	reap "$pid"
	start_node "${alone[@]}" --data d
	appends
	ask '{"type":"txn","txn":[["append","l",3]],"session":"s","seq":4}'
	ask '{"type":"read","key":"l"}'
	assert_equal "$answer" '{"type":"read_ok","value":[1,2,3]}'
}

@test "a repeat after a change of the leader gets the first answer, from whichever node" {
	lockstep n1 n2 n3 -- "$NODE" --id '{id}' --nodes n1,n2,n3 --volatile >out 2>err <<-'END'
		3000 send c1 leader {"type":"txn","msg_id":1,"txn":[["append","l",1],["r","l",null]],"session":"s","seq":1}
		4000 send c1 follower {"type":"txn","msg_id":2,"txn":[["append","l",2],["r","l",null]],"session":"s","seq":2}
		5000 kill leader
		9000 send c1 leader {"type":"txn","msg_id":3,"txn":[["append","l",2],["r","l",null]],"session":"s","seq":2}
		10000 send c1 follower {"type":"txn","msg_id":4,"txn":[["append","l",1],["r","l",null]],"session":"s","seq":1}
		11000 send c1 follower {"type":"txn","msg_id":5,"txn":[["append","l",3],["r","l",null]],"session":"s","seq":3}
		12000 send c1 follower {"type":"txn","msg_id":6,"txn":[["append","l",3],["r","l",null]],"session":"s","seq":3}
		14000 send c1 leader {"type":"read","msg_id":7,"key":"l"}
		15000 send c1 leader {"type":"status","msg_id":8}
	END
	jq -c 'select(.body.in_reply_to < 8) | [.body.in_reply_to, .body.type, (.body.txn[1][2] // .body.value)]' out | diff - <(cat <<-'END'
		[1,"txn_ok",[1]]
		[2,"txn_ok",[1,2]]
		[3,"txn_ok",[1,2]]
		[4,"txn_ok",[1]]
		[5,"txn_ok",[1,2,3]]
		[6,"txn_ok",[1,2,3]]
		[7,"read_ok",[1,2,3]]
	END
	)
}

@test "what a leader took and lost its majority over is applied once, when it is sent again to the next leader" {
	lockstep n1 n2 n3 -- "$NODE" --id '{id}' --nodes n1,n2,n3 --volatile >out 2>err <<-'END'
		3000 isolate leader
		3001 send c1 n1 {"type":"txn","msg_id":1,"txn":[["append","l",1]],"session":"s","seq":1}
		3001 send c1 n2 {"type":"txn","msg_id":2,"txn":[["append","l",1]],"session":"s","seq":1}
		3001 send c1 n3 {"type":"txn","msg_id":3,"txn":[["append","l",1]],"session":"s","seq":1}
		10000 heal
		12000 send c1 n1 {"type":"txn","msg_id":4,"txn":[["append","l",1]],"session":"s","seq":1}
		13000 send c1 n2 {"type":"read","msg_id":5,"key":"l"}
		14000 send c1 n3 {"type":"read","msg_id":6,"key":"l"}
		15000 send c1 n3 {"type":"status","msg_id":7}
	END
	jq -c 'select(.body.in_reply_to == (4, 5, 6)) | [.body.type, .body.value]' out | diff - <(cat <<-'END'
		["txn_ok",null]
		["read_ok",[1]]
		["read_ok",[1]]
	END
	)
}
