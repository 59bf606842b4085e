#!/usr/bin/env bats
# kv where things go wrong: what it sends again, where it turns to, what it says and how it ends.  kv-fake is the server.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup() {
	bin=$(cd "${FAULTLINE_BIN:-$BATS_TEST_DIRNAME/../../build/bin}" && pwd)
	export PATH="$BATS_TEST_DIRNAME:$bin:$PATH" LC_ALL=C.UTF-8
	unset FAULTLINE_SERVER
	cd "$BATS_TEST_TMPDIR" || return
	fakes=()
}

teardown() {
	for fake in "${fakes[@]}"; do
		kill "$fake" 2>/dev/null
		wait "$fake" 2>/dev/null
	done
	return 0
}

# serve NAME STEP ...: a server at unix:NAME, the default one of kv; see kv-fake.
serve() {
	rm -f "$1" "$1.log"
	kv-fake "$@" 3>&- &
	fakes+=($!)
	export FAULTLINE_SERVER=unix:$1
	for ((i = 0; i < 3000; i++)); do
		[ ! -S "$1" ] || return 0
		sleep 0.02
	done
	fail "no server"
}

# requests NAME JQ: of each body that the server was sent.
requests() {
	jq -c ".body | $2" "$1.log"
}

no_key='{"type":"error","code":20,"text":"key does not exist"}'

@test "a write whose answer does not come is sent again, the same one of the same session" {
	serve s drop drop '{"type":"write_ok"}'
	run --separate-stderr kv put k 1
	assert_success
	assert_equal "$output$stderr" ""
	run requests s '[.type, .seq, .key, .value]'
	assert_output '["write",1,"k",1]
["write",1,"k",1]
["write",1,"k",1]'
	run bash -c "jq -r .body.session s.log | sort -u | wc -l"
	assert_output 1
	run bash -c "jq -r .body.msg_id s.log | sort -u | wc -l"
	assert_output 3
	run bash -c "jq -r '[.src, .dest] | @tsv' s.log | sort -u"
	assert_output --regexp $'^kv-[0-9a-f]{16}\t\\*$'
}

@test "two runs have sessions and names of their own" {
	serve s '{"type":"write_ok"}' '{"type":"write_ok"}'
	kv put k 1
	kv put k 1
	run bash -c "jq -r .body.session s.log | sort -u | wc -l; jq -r .src s.log | sort -u | wc -l"
	assert_output $'2\n2'
}

@test "a lost connection and an outcome left open are tried again: 0, 11 and 13" {
	serve s close '{"type":"error","code":11,"text":"no leader"}' '{"type":"error","code":0,"text":"timeout"}' \
		'{"type":"error","code":13,"text":"crash"}' 'not even JSON' '{"type":"cas_ok"}'
	run --separate-stderr kv cas k 1 2
	assert_success
	assert_equal "$stderr" ""
	run requests s '[.type, .seq]'
	assert_equal "${#lines[@]}" 6
	assert_equal "$(uniq <<<"$output")" '["cas",1]'
}

@test "a read is sent again too, and has no session" {
	serve s drop close '{"type":"error","code":11}' '{"type":"read_ok","value":7}'
	run kv get k
	assert_output 7
	run requests s 'has("session") or has("seq")'
	assert_equal "${lines[*]}" "false false false false"
}

@test "the answer to an earlier try is an answer" {
	serve s drop 'also {"type":"read_ok","in_reply_to":1,"value":"late"}'
	run kv -t 10s get k
	assert_success
	assert_output late
}

@test "what is not for us, or answers something else, is no answer" {
	serve s 'drop' 'also {"type":"read_ok","in_reply_to":99,"value":"wrong"}' \
		'also {"type":"event","watch":1,"index":1,"key":"k","value":1}' 'also {"type":"read_ok","value":1}' \
		'{"type":"read_ok","value":"right"}'
	run kv get k
	assert_output right
}

@test "definite errors are told and end it: no is 1, a wrong request 2, else 4" {
	local code wanted
	for pair in 20:1 21:1 22:1 30:1 10:2 12:2 14:1 99:4; do
		code=${pair%:*} wanted=${pair#*:}
		serve "s$code" "{\"type\":\"error\",\"code\":$code,\"text\":\"because of \\\"x\\\"\"}"
		run --separate-stderr kv put k 1
		echo "$pair"
		assert_failure "$wanted"
		assert_output ""
		assert_equal "$stderr" "kv: cannot put 'k': because of \"x\""
	done
	serve s '{"type":"error","code":20}'
	run --separate-stderr kv delete k
	assert_equal "$stderr" "kv: cannot delete 'k': key does not exist"
}

@test "an answer of the wrong type or shape is exit 4" {
	serve s '{"type":"write_ok"}' '{"type":"read_ok"}' '{"type":"list_ok","items":{},"more":false}' \
		'{"type":"list_ok","items":[["a",1],["b"]],"more":false}' '{"type":"list_ok","items":[],"more":true}' \
		'{"type":"error","code":"x"}' '{"type":"txn_ok","txn":7}'
	for command in 'get k' 'get k' list list list 'get k' 'txn []'; do
		run --separate-stderr kv $command
		assert_failure 4
		assert_regex "$stderr" "^kv: cannot ${command%% *}: n1 gives a strange '[a-z_]*'\$"
	done
}

@test "no server there, one that refuses, one that is silent: exit 4, with the reason" {
	run --separate-stderr kv -s unix:nowhere -t 100ms get k
	assert_failure 4
	assert_output ""
	assert_equal "$stderr" "kv: no answer from unix:nowhere within 100ms: No such file or directory"
	serve s gone
	while kill -0 "${fakes[-1]}" 2>/dev/null; do kv -t 100ms get k 2>/dev/null || true; done
	run --separate-stderr kv -t 100ms get k
	assert_failure 4
	assert_equal "$stderr" "kv: no answer from unix:s within 100ms: Connection refused"
	serve silent
	run --separate-stderr kv -t 0.1s get k
	assert_failure 4
	assert_equal "$stderr" "kv: no answer from unix:silent within 0.1s"
	serve down '{"type":"error","code":11,"text":"no leader is known"}'
	run --separate-stderr kv -t 2s put k 1
	assert_failure 4
	assert_equal "$stderr" "kv: no answer from unix:down within 2s: no leader is known"
	run --separate-stderr kv -s tcp:127.0.0.1:1 -t 1s get k
	assert_failure 4
	assert_equal "$stderr" "kv: no answer from tcp:127.0.0.1:1 within 1s: Connection refused"
}

@test "a server that comes later is waited for" {
	export FAULTLINE_SERVER=unix:later
	kv -t 60s get k >out 3>&- &
	client=$!
	sleep 0.2
	serve later '{"type":"read_ok","value":"there"}'
	wait "$client"
	assert_equal "$(cat out)" there
}

@test "several addresses are tried in turn, with commas or one by one" {
	serve third '{"type":"read_ok","value":3}' '{"type":"read_ok","value":33}'
	serve second close drop
	run kv -s unix:first,unix:second,unix:third get k
	assert_output 3
	run kv -s unix:first -s unix:second --server unix:third get k
	assert_output 33
	run --separate-stderr kv -s unix:first,unix:other -t 100ms get k
	assert_failure 4
	assert_equal "$stderr" "kv: no answer from unix:first,unix:other within 100ms: No such file or directory"
}

@test "where there are others, one that does not know better is left" {
	serve a '{"type":"error","code":11}' '{"type":"error","code":11}' '{"type":"error","code":11}'
	serve b '{"type":"read_ok","value":"b"}'
	run kv -s unix:a,unix:b get k
	assert_output b
	assert_equal "$(wc -l <a.log)" 1
}

@test "--server is stronger than FAULTLINE_SERVER" {
	serve s '{"type":"read_ok","value":1}'
	FAULTLINE_SERVER=unix:nowhere run kv -s unix:s get k
	assert_output 1
}

@test "--to is the dest" {
	serve s "$no_key"
	run kv --to n3 get k
	assert_failure 1
	run jq -r .dest s.log
	assert_output n3
}

@test "list goes on after the last key of a page, which may be any JSON" {
	serve s '{"type":"list_ok","items":[["a",1],[["x","y"],2]],"more":true}' \
		'{"type":"list_ok","items":[[{"z":1},"v"]],"more":false}'
	run kv list
	assert_output $'a\t1\n["x","y"]\t2\n{"z":1}\tv'
	run requests s '[.prefix, .after]'
	assert_output '["",null]
["",["x","y"]]'
}

@test "watch ends with 4 and says so when its events may have a gap" {
	event='{"type":"event","watch":%id,"index":3,"key":"k","value":1}'
	serve s '{"type":"watch_ok"}' "also $event" close
	run --separate-stderr kv watch
	assert_failure 4
	assert_output '{"index":3,"key":"k","value":1}'
	assert_equal "$stderr" "kv: cannot watch any more: the connection was closed: events may be missing"
	serve silent '{"type":"watch_ok"}'
	run --separate-stderr kv watch -t 2s p
	assert_failure 4
	assert_equal "$stderr" "kv: cannot watch any more: no answer from 'n1' within 2s: events may be missing"
	assert_equal "$(requests silent .prefix | head -n 1)" '"p"'
	serve again '{"type":"watch_ok"}' '{"type":"status_ok","counters":{"lines":50}}' \
		'{"type":"status_ok","counters":{"lines":51}}' '{"type":"status_ok","counters":{"lines":4}}'
	run --separate-stderr kv watch
	assert_failure 4
	assert_equal "$stderr" "kv: cannot watch any more: 'n1' was restarted: events may be missing"
	run bash -c "jq -c '[.dest, .body.type]' again.log | sort -u"
	assert_output '["*","watch"]
["n1","status"]'
}

@test "status: nobody answers is exit 4; --watch says it a line a second" {
	run --separate-stderr kv -s unix:nowhere -t 100ms status
	assert_failure 4
	assert_output ""
	assert_equal "$stderr" "kv: no answer from unix:nowhere within 100ms: No such file or directory"
	run bash -c 'kv -s unix:nowhere status --watch | head -n 2'
	assert_output '{"error":"No such file or directory"}
{"error":"No such file or directory"}'
}

@test "status asks all addresses, and by name whom these name" {
	leads='{"type":"status_ok","id":"n10","role":"leader","ballot":[3,"n10"],"leader":"n10","commit_index":9,"last_applied":7,"voters":["n10","n2"],"learners":["n4"]}'
	serve a "$leads" drop 'also {"type":"status_ok","id":"n4","in_reply_to":%id,"role":"learner"}'
	serve b '{"type":"status_ok","id":"n2","role":"follower","leader":null}'
	run --separate-stderr kv -s unix:a,unix:b,unix:c status
	assert_success
	assert_output '{"id":"n2","role":"follower","leader":null}
{"id":"n4","role":"learner"}
{"id":"n10","role":"leader","ballot":[3,"n10"],"leader":"n10","commit_index":9,"last_applied":7,"voters":["n10","n2"],"learners":["n4"]}'
	run jq -c '[.dest, .body.type]' a.log
	assert_output '["*","status"]
["n4","status"]'
	serve a "$leads" drop
	serve b '{"type":"status_ok","id":"n2","role":"follower","leader":null,"commit_index":5,"last_applied":5}'
	run "$BATS_TEST_DIRNAME/terminal" 'kv -s unix:a,unix:b status'
	assert_failure 4
	assert_equal "$(sed 's/ \+/ /g; s/\r//' <<<"$output")" 'NODE ROLE BALLOT LEADER COMMITTED APPLIED LAG SNAPSHOT
n2 follower - - 5 5 4 0
n4 no answer within 1s
n10 leader [3,"n10"] n10 9 7 2 0'
}

@test "wait leader: a read goes through; a machine without reads leaves the node's word" {
	serve s '{"type":"error","code":11,"text":"no leader"}' drop "$no_key"
	run kv wait leader
	assert_success
	assert_equal "$(requests s .type | uniq)" '"read"'
	serve machine '{"type":"error","code":10}' '{"type":"status_ok","leader":null}' '{"type":"status_ok","leader":"n2"}'
	run kv wait leader
	assert_success
	assert_equal "$(requests machine .type | uniq -c | tr -s ' ')" ' 1 "read"
 2 "status"'
	serve none '{"type":"error","code":11,"text":"no leader is known"}'
	run --separate-stderr kv wait leader -t 2s
	assert_failure 4
	assert_equal "$stderr" "kv: no answer from unix:none within 2s: no leader is known"
}

@test "wait caught-up: to what the leader had committed when it began" {
	serve s '{"type":"status_ok","id":"n1","role":"leader","commit_index":9,"last_applied":5,"voters":["n1"]}' \
		'{"type":"status_ok","id":"n1","role":"leader","commit_index":20,"last_applied":8,"voters":["n1"]}' \
		'{"type":"status_ok","id":"n1","role":"leader","commit_index":30,"last_applied":9,"voters":["n1"]}'
	run kv wait caught-up
	assert_success
	assert_equal "$(wc -l <s.log)" 3
	serve led '{"type":"status_ok","id":"n1","role":"follower","commit_index":1,"last_applied":1,"voters":["n1"]}' \
		'{"type":"status_ok","id":"n1","role":"leader","commit_index":9,"last_applied":8,"voters":["n1"]}' \
		'{"type":"status_ok","id":"n1","role":"leader","commit_index":9,"last_applied":8,"voters":["n1"]}' \
		'{"type":"status_ok","id":"n1","role":"leader","commit_index":9,"last_applied":9,"voters":["n1"]}'
	run kv wait caught-up n1
	assert_success
	assert_equal "$(wc -l <led.log)" 4
}

@test "join, leave, transfer and snapshot are requests with the operand where it belongs" {
	serve s '{"type":"join_ok"}' '{"type":"leave_ok"}' '{"type":"transfer_ok"}' '{"type":"transfer_ok"}' '{"type":"snapshot_ok"}' \
		'{"type":"error","code":11,"text":"a change is under way"}' '{"type":"join_ok"}'
	kv join n4
	kv leave '"n4"'
	kv transfer 2
	kv transfer
	kv snapshot
	kv join n5
	run requests s 'del(.msg_id)'
	assert_output '{"type":"join","node":"n4"}
{"type":"leave","node":"\"n4\""}
{"type":"transfer","to":"2"}
{"type":"transfer"}
{"type":"snapshot"}
{"type":"join","node":"n5"}
{"type":"join","node":"n5"}'
}

@test "apply has a command, a session, and prints the result" {
	serve s '{"type":"apply_ok","result":{"total":5}}' '{"type":"apply_ok","result":"text"}'
	run kv apply '["deposit",5]'
	assert_output '{"total":5}'
	run kv apply --raw '["deposit",5]'
	assert_output text
	run requests s '[.command, .seq]'
	assert_output '[["deposit",5],1]
["[\"deposit\",5]",1]'
}

# --- Standard input and output as the server ---

# converse COMMAND...: kv -s -, its lines on the FIFOs `to` (8) and `from` (7); stderr in `err`.
converse() {
	mkfifo to from
	kv -s - "$@" >to <from 2>err 3>&- &
	client=$!
	exec 8<to 7>from
}

@test "-s -: stdin and stdout are the connection, answers go to stderr or --output" {
	converse -t 60s get k
	read -r -t 60 line <&8
	run jq -c '[.dest, .body.type, .body.key]' <<<"$line"
	assert_output '["*","read","k"]'
	jq -c '{src:"n1", dest:.src, body:{type:"read_ok", in_reply_to:.body.msg_id, value:"v"}}' <<<"$line" >&7
	wait "$client"
	assert_equal "$(cat err)" v
	# Nothing else; where the answer was long in coming, the same once more.
	run jq -c '[.dest, .body.type, .body.key] | select(. != ["*","read","k"])' <&8
	assert_output ""
	rm to from
	converse -t 60s --output result get k
	read -r -t 60 line <&8
	jq -c '{src:"n1", dest:.src, body:{type:"read_ok", in_reply_to:.body.msg_id, value:"w"}}' <<<"$line" >&7
	wait "$client"
	assert_equal "$(cat err)" ""
	assert_equal "$(cat result)" w
}

@test "-s -: the end of stdin is the end, at once" {
	converse -t 60s get k
	exec 7>&-
	status=0
	wait "$client" || status=$?
	assert_equal "$status" 4
	assert_equal "$(cat err)" "kv: no answer from 'stdin': the connection was closed"
}

@test "-s -: txn has its operations as operands" {
	converse -t 60s txn '["r","k",null]'
	read -r -t 60 line <&8
	jq -c '{src:"n1", dest:.src, body:{type:"txn_ok", in_reply_to:.body.msg_id, txn:.body.txn}}' <<<"$line" >&7
	wait "$client"
	assert_equal "$(cat err)" '["r","k",null]'
	run --separate-stderr kv -s - txn </dev/null
	assert_failure 2
	assert_regex "$stderr" "^kv: txn: standard input is the connection, so the operations must be operands"
}

# --- Usage ---

# Every line of stdin: a regular expression, ` : ` and arguments.
each_is_a_usage_error() {
	while IFS= read -r line; do
		echo "${line#* : }"
		eval "run --separate-stderr timeout 120 kv ${line#* : } </dev/null"
		assert_failure 2
		assert_output ""
		assert_regex "$stderr" "^kv: [^"$'\n'"]*
Try 'kv --help'.\$"
		assert_regex "${stderr%%$'\n'*}" "${line%% : *}"
	done
}

@test "wrong options and operands are usage errors" {
	each_is_a_usage_error <<-'END'
		no command : 
		no command : -s unix:s
		'gett': no such command: did you mean 'get'? : -s unix:s gett k
		'xyzzy': no such command$ : -s unix:s xyzzy
		no server: give --server ADDR, or set FAULTLINE_SERVER : get k
		get takes K : -s unix:s get
		get takes K : -s unix:s get a b
		put takes K V : -s unix:s put k
		cas takes K FROM TO : -s unix:s cas k 1
		status takes no operands : -s unix:s status n1
		wait 'x': must be leader, or caught-up and perhaps a node : -s unix:s wait x
		wait 'leader': must be leader : -s unix:s wait leader n1
		server 'x': must be unix:PATH or tcp:HOST:PORT : -s x get k
		server '': must be unix:PATH or tcp:HOST:PORT : -s unix:s, get k
		server '-': must be unix:PATH or tcp:HOST:PORT : -s unix:s,- get k
		server 'tcp:h': must be tcp:HOST:PORT : -s tcp:h get k
		--stale is not for put : -s unix:s put --stale k v
		--watch is not for watch : -s unix:s watch --watch
		--raw is not for get : -s unix:s get --raw k
		--create is not for put : -s unix:s put --create k 1
		--json-keys is not for list : -s unix:s list --json-keys
		-t 'x': must be a time from 1ms to 24h : -s unix:s -t x get k
		--timeout '0s': must be a time : -s unix:s --timeout 0s get k
		--to '': must be the name of a node : -s unix:s --to '' get k
		not UTF-8 : -s unix:s get $'\xff'
		not UTF-8 : -s unix:s put k $'\xff'
	END
}

@test "a file for --output that cannot be made is exit 4" {
	run --separate-stderr kv -s unix:s -o /no/such/file get k
	assert_failure 4
	assert_equal "$stderr" "kv: cannot open '/no/such/file': No such file or directory"
}

@test "operations without end are refused, not gathered" {
	run --separate-stderr bash -c "yes '[\"r\",\"k\",null]' | kv -s unix:nowhere txn"
	assert_failure 3
	assert_output ""
	assert_equal "$stderr" "kv: <stdin>: more than 16777216 bytes"
}
