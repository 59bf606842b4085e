#!/usr/bin/env bats
# A node on its own: init and flags, the envelope, what is no message or no request, how it ends.

load node.bash

setup() {
	node_setup
}

teardown() {
	node_teardown
}

# The node refuses to start, or to go on: $1 is its exit status, $2 a regular expression on stderr; the rest are options,
# stdin is what it is given.
assert_refuses() {
	run --separate-stderr timeout 300 "$NODE" "${@:3}"
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

@test "a malformed init is a line on stderr, and the node waits on" {
	start_node --volatile
	while IFS= read -r body; do
		tell "{\"src\":\"c0\",\"dest\":\"n1\",\"body\":{\"type\":\"init\",\"msg_id\":77$body}}"
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
		{"type":"write","key":"x","value":1} -> {"type":"write_ok"}
	END
	assert_equal "$(grep -c -v memory err)" 8
}

@test "flags that make no sense are exit 2" {
	while IFS= read -r options; do
		echo "$options"
		run --separate-stderr bash -c "timeout 300 $NODE --volatile $options </dev/null"
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

# ---- the envelope ----

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
	run --separate-stderr timeout 300 "$NODE" --id n1 --nodes n1,n2 --volatile --request-timeout 300ms \
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
	run --separate-stderr timeout 300 "$NODE" "${alone[@]}" --data d <.
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
