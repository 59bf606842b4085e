#!/usr/bin/env bats
# kv against a cluster of real nodes.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

# What is asked is waited for as long as it takes; a test that is about a limit gives it.
kv() {
	command kv -t 60s "$@"
}

# One cluster for the suite: each test has keys of its own.
setup_file() {
	bin=$(cd "${FAULTLINE_BIN:-$BATS_TEST_DIRNAME/../../build/bin}" && pwd)
	export PATH="$bin:$PATH" LC_ALL=C.UTF-8 FAULTLINE_SERVER=unix:$BATS_FILE_TMPDIR/s
	cd "$BATS_FILE_TMPDIR" || return
	netfault -n 3 --listen unix:s --listen tcp:127.0.0.1:0 -- raft-node --volatile 2>err 3>&- &
	echo $! >pid
	kv wait leader
}

teardown_file() {
	kill "$(cat "$BATS_FILE_TMPDIR/pid")"
}

setup() {
	export -f kv
	cd "$BATS_TEST_TMPDIR" || return
}

# A cluster of a test's own, at the socket `own`; netfault's stdin is 7.
own_cluster() {
	mkfifo control
	netfault -n "$1" --listen unix:own -- raft-node "${@:2}" <control >/dev/null 2>err 3>&- &
	netfault=$!
	exec 7>control
	export FAULTLINE_SERVER=unix:own
	kv wait leader
}

teardown() {
	[ -z "${netfault:-}" ] || end_own
}

end_own() {
	exec 7>&-
	kill "$netfault"
	wait "$netfault" || true
	netfault=
}

# net_asks BODY: of netfault itself.
net_asks() {
	printf '{"src":"t","dest":"net","body":%s}\n' "$1" >&7
}

# The one node that leads: for a moment there may be none, or two that think so.
leader() {
	local end=$((SECONDS + 60)) names=
	until [[ $names =~ ^n[0-9]+$ ]]; do
		((SECONDS < end)) || return
		names=$(kv status | jq -r 'select(.role == "leader") | .id')
	done
	echo "$names"
}

# each_is <<'END': lines `COMMAND -> OUTPUT`, or `COMMAND -> OUTPUT (STATUS)`; words are quoted as in a shell.
each_is() {
	local line want status_wanted
	while IFS= read -r line; do
		want=${line##* -> } status_wanted=0
		if [[ $want =~ ^(.*)\ ?\(([0-9])\)$ ]]; then
			want=${BASH_REMATCH[1]% } status_wanted=${BASH_REMATCH[2]}
		fi
		echo "$line"
		eval "run --separate-stderr kv ${line% -> *}"
		assert_equal "$status" "$status_wanted"
		assert_output "$(printf '%b' "$want")"
	done
}

@test "a value is JSON where it parses as JSON, else a string; get prints a string as it is" {
	each_is <<-'END'
		put v hello -> 
		get v -> hello
		get --json v -> "hello"
		put v 17 -> 
		get --json v -> 17
		put v '{"a":[1,null,"x y"]}' -> 
		get v -> {"a":[1,null,"x y"]}
		put v ' 1.50 ' -> 
		get v -> 1.50
		put v '1,"w":2' -> 
		get --json v -> "1,\\"w\\":2"
		put v 'a b' -> 
		get v -> a b
		put v 'tru' -> 
		get v -> tru
		put v true -> 
		get --json v -> true
		put v '' -> 
		get --json v -> ""
		put v '"quoted"' -> 
		get v -> quoted
		put v 'Grüße, "α\β"' -> 
		get v -> Grüße, "α\\β"
		put v '"two\nlines"' -> 
		get v -> two\nlines
	END
}

@test "--raw: a value is a string, whatever it looks like" {
	each_is <<-'END'
		put --raw r 17 -> 
		get --json r -> "17"
		cas r 17 18 -> (1)
		cas --raw r 17 18 -> 
		get --json r -> "18"
		put --raw r '"q"' -> 
		get r -> "q"
	END
}

@test "keys are strings; --json-keys: what they say" {
	each_is <<-'END'
		put 1 string -> 
		put --json-keys 1 number -> 
		get 1 -> string
		get --json-keys '"1"' -> string
		get --json-keys 1 -> number
		delete --json-keys 1 -> 
		get 1 -> string
		get --json-keys 1 -> (1)
		put '' empty -> 
		get '' -> empty
		put -- -k -5 -> 
		get -- -k -> -5
	END
}

@test "a missing key and a refused cas are exit 1 and say so; delete, cas and --create do what they say" {
	run --separate-stderr kv get nothing
	assert_failure 1
	assert_output ""
	assert_equal "$stderr" "kv: cannot get 'nothing': key does not exist"
	kv put c 1
	run --separate-stderr kv cas c 2 3
	assert_failure 1
	assert_output ""
	assert_regex "$stderr" "^kv: cannot cas 'c': .*\$"
	each_is <<-'END'
		cas c 1 2 -> 
		get c -> 2
		cas c2 1 2 -> (1)
		cas --create c2 1 2 -> 
		get c2 -> 2
		delete c2 -> 
		delete c2 -> (1)
		get c2 -> (1)
	END
}

@test "list prints key, tab, value in order, all pages of it; --json an array a line" {
	for from in 1 1001 2001; do
		seq "$from" $((from + 999)) | awk '{ printf "[\"w\",\"page/%05d\",%d]\n", $1, $1 }' | kv txn >/dev/null
	done
	run kv list page/
	assert_success
	assert_equal "${#lines[@]}" 3000
	assert_equal "$output" "$(seq 3000 | awk '{ printf "page/%05d\t%d\n", $1, $1 }')"
	run kv list page/0000 --json
	assert_equal "$output" "$(seq 9 | awk '{ printf "[\"page/%05d\",%d]\n", $1, $1 }')"
	run kv list page/none
	assert_success
	assert_output ""
	run bash -c 'kv list page/ | head -n 1'
	assert_output $'page/00001\t1'
}

@test "list keeps a record a line: a string with a control character is printed as JSON" {
	kv put ctl/a '"x\ty"'
	kv put ctl/b '"x\ny"'
	kv put ctl/c 'x y'
	kv put $'ctl/d\n' 'z'
	run kv list ctl/
	assert_output $'ctl/a\t"x\\ty"
ctl/b\t"x\\ny"
ctl/c\tx y
"ctl/d\\n"\tz'
}

@test "txn takes an array of operations, or one a line, or operands, and prints one a line" {
	run kv txn <<<'[["w","t1",1],["r","t1",null],["append","t2","x"]]'
	assert_success
	assert_output '["w","t1",1]
["r","t1",1]
["append","t2","x"]'
	run kv txn <<<$'["r","t1",null]\n\n  ["append","t2",2]\n["r","t2",null]'
	assert_output '["r","t1",1]
["append","t2",2]
["r","t2",["x",2]]'
	run kv txn '["r","t1",null]' '[["r","t2",null],["r","t3",null]]' </dev/null
	assert_output '["r","t1",1]
["r","t2",["x",2]]
["r","t3",null]'
	run kv txn <<<$'[\n  ["r", "t1", null],\n  ["r", "t3", null]\n]'
	assert_output '["r","t1",1]
["r","t3",null]'
}

@test "txn: all or nothing, and wrong operations are told with their line" {
	kv put text abc
	run --separate-stderr kv txn <<<$'["w","t9",1]\n["append","text",1]'
	[ "$status" -ne 0 ]
	run kv get t9
	assert_failure 1
	run --separate-stderr kv txn <<<$'["r","t1",null]\n{"r":1}'
	assert_failure 3
	assert_equal "$stderr" "kv: <stdin>:2: not a JSON array"
	run --separate-stderr kv txn <<<'["x","t1",null]'
	assert_failure 2
	assert_regex "$stderr" "^kv: cannot txn: .*\$"
	run --separate-stderr kv txn 'r x'
	assert_failure 2
	assert_regex "$stderr" "^kv: 'r x': not a JSON array"
}

# Waits for the file to have that many lines that do not match.
lines_come() {
	local end=$((SECONDS + 60))
	until [ "$(grep -vc "$3" "$1")" -ge "$2" ]; do
		((SECONDS < end)) || fail "$1: $(cat "$1")"
		sleep 0.02
	done
}

@test "watch prints an event a line, in the order of the log" {
	: >events
	env kv -t 60s watch w/ >events 3>&- &
	watcher=$!
	# The watch is there once it sees something.
	for ((i = 0; i < 1000 && $(wc -l <events) == 0; i++)); do
		kv put w/ready "$i"
		sleep 0.05
	done
	kv put w/a 1
	kv put other 1
	kv cas w/a 1 '{"b":2}'
	kv put --raw w/c 3
	kv delete w/a
	lines_come events 4 ready
	kill "$watcher"
	run jq -cs 'map(select(.key != "w/ready")) | (map(.index) | . == sort), map(del(.index))[]' events
	assert_output 'true
{"key":"w/a","value":1}
{"key":"w/a","value":{"b":2}}
{"key":"w/c","value":"3"}
{"key":"w/a","deleted":true}'
}

@test "status is an object a node, in the order of their names" {
	run --separate-stderr kv status
	assert_success
	assert_equal "$stderr" ""
	run jq -rs 'map(.id) == ["n1","n2","n3"], (map(select(.role == "leader")) | length), (map(has("type") or has("in_reply_to")) | any)' \
		<<<"$output"
	assert_output $'true\n1\nfalse'
	run bash -c 'kv status --to n2 | jq -r .id'
	assert_output n2
}

@test "status --watch in a pipe is the same, again and again" {
	run bash -c 'kv status --watch | head -n 6 | jq -r .id'
	assert_success
	assert_output $'n1\nn2\nn3\nn1\nn2\nn3'
}

@test "status on a terminal is a table; --watch draws it over" {
	run "$BATS_TEST_DIRNAME/terminal" 'kv status'
	assert_success
	assert_line --index 0 --regexp '^NODE +ROLE +TERM +LEADER +COMMITTED +APPLIED +LAG +SNAPSHOT'
	assert_equal "${#lines[@]}" 4
	assert_line --regexp '^n[123] +leader +[0-9]+ +n[123] '
	run "$BATS_TEST_DIRNAME/terminal" 'kv status --json'
	assert_line --index 0 --regexp '^\{"id":"n1",'
	run bash -c "timeout 200 '$BATS_TEST_DIRNAME/terminal' 'kv status --watch' 2>/dev/null | grep -m 2 -a NODE"
	assert_line --index 0 --partial $'\033[2J\033[HNODE'
	assert_line --index 1 --partial $'\033[J\033[HNODE'
}

@test "a node that is down is in the status, as an error, and the exit status is 4" {
	own_cluster 3 --volatile
	net_asks '{"type":"crash","msg_id":1,"node":"n2"}'
	for ((i = 0; i < 60; i++)); do
		run --separate-stderr command kv status
		[[ $output != *'{"id":"n2","error":"no answer within 1s"}'* ]] || break
	done
	assert_failure 4
	assert_line '{"id":"n2","error":"no answer within 1s"}'
	assert_equal "${#lines[@]}" 3
	run "$BATS_TEST_DIRNAME/terminal" 'kv status'
	assert_line --regexp '^n2 +no answer within 1s'
}

@test "wait caught-up: until all, or one, have applied what the leader had committed" {
	for i in 1 2 3 4 5; do kv put "up$i" "$i"; done
	want=$(kv status --to "$(leader)" | jq .commit_index)
	kv wait caught-up
	run bash -c "kv status | jq '.last_applied >= $want'"
	assert_output $'true\ntrue\ntrue'
	kv wait caught-up n1
	run --separate-stderr kv wait --timeout 1200ms caught-up n7
	assert_failure 4
	assert_equal "$stderr" "kv: no answer from 'n7' within 1200ms"
}

@test "transfer, snapshot, leave and join are done when they return" {
	own_cluster 3 --volatile
	old=$(leader)
	kv transfer
	[ "$(leader)" != "$old" ]
	kv transfer "$old"
	[ "$(leader)" = "$old" ]
	kv put k v
	kv snapshot --to "$old"
	run bash -c "kv status --to $old | jq '.snapshot_index > 0'"
	assert_output true
	other=$(kv status | jq -r 'select(.role != "leader") | .id' | head -n 1)
	kv leave "$other"
	run bash -c "kv status --to $old | jq -c '.voters | index(\"$other\")'"
	assert_output null
	kv join "$other"
	kv wait caught-up "$other"
	run bash -c "kv status --to $old | jq -c '.voters | length'"
	assert_output 3
	run --separate-stderr kv join ''
	assert_failure 2
}

@test "appends through crashes of the leader happen once each" {
	own_cluster 3 --data '{id}.data'
	for i in $(seq 60); do
		if ((i % 20 == 10)); then
			net_asks "{\"type\":\"restart\",\"node\":\"$(leader)\"}"
		fi
		kv txn --timeout 30s "[\"append\",\"once\",$i]" >/dev/null || fail "append $i: $?"
	done
	run kv get once
	assert_output "[$(seq -s, 60)]"
}

@test "tcp:HOST:PORT is an address too" {
	port=$(grep -o 'tcp:127.0.0.1:[0-9]*' "$BATS_FILE_TMPDIR/err" | head -n 1 | sed 's/.*://')
	[ -n "$port" ] || fail "the port is not told"
	kv -s "tcp:127.0.0.1:$port" put tcp yes
	run kv -s "tcp:127.0.0.1:$port" get tcp
	assert_output yes
}

@test "output that cannot be written is exit 4" {
	kv put full 1
	for command in 'get full' 'list' 'status' "txn '[\"r\",\"full\",null]'"; do
		run --separate-stderr bash -c "kv $command >/dev/full"
		assert_failure 4
		assert_equal "$stderr" "kv: cannot write 'stdout': No space left on device"
	done
}
