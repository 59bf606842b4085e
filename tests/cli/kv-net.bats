#!/usr/bin/env bats
# kv net: faults by hand: against kv-fake, which shows what is sent, and against netfault itself.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load eventually.bash

setup() {
	bin=$(cd "${FAULTLINE_BIN:-$BATS_TEST_DIRNAME/../../build/bin}" && pwd)
	export PATH="$BATS_TEST_DIRNAME:$bin:$PATH" LC_ALL=C.UTF-8
	unset FAULTLINE_SERVER
	cd "$BATS_TEST_TMPDIR" || return
	children=()
}

teardown() {
	local child
	exec 7>&-
	for child in "${children[@]}"; do
		kill "$child" 2>/dev/null
		wait "$child" 2>/dev/null
	done
	return 0
}

# serve STEP ...: a server that answers as it is told; see kv-fake.
serve() {
	rm -f s s.log
	kv-fake s "$@" 3>&- &
	children+=($!)
	export FAULTLINE_SERVER=unix:s
	eventually test -S s || fail "no server"
}

# What a server was sent, without the number.
bodies_of() {
	jq -c '.body | del(.msg_id)' "$1.log"
}

bodies() {
	bodies_of s
}

@test "words are sent to net as an order" {
	serve '{"type":"partition_ok","id":1}' '{"type":"partition_ok","id":2}' '{"type":"partition_ok","id":3}' \
		'{"type":"link_ok","id":4}' '{"type":"heal_ok","id":0}' '{"type":"crash_ok","id":5}' '{"type":"calm_ok","id":0}'
	run --separate-stderr bash -ec "
		kv net partition n1,n2 '|' n3
		kv net partition 'n1,n2 | n3' for 1.5s
		kv net one-way halves
		kv net link 'n1>n2' loss=0.3 delay=normal:50ms,10ms
		kv net heal
		kv net crash n1 for 2s
		kv net calm"
	assert_success
	assert_equal "$output$stderr" ""
	run bodies
	assert_output '{"type":"partition","groups":[["n1","n2"],["n3"]]}
{"type":"partition","groups":[["n1","n2"],["n3"]],"for":"1500ms"}
{"type":"partition","shape":"halves","one_way":true}
{"type":"link","link":"n1>n2","loss":"0.3","delay":"normal:50ms,10ms"}
{"type":"heal"}
{"type":"crash","node":"n1","for":"2s"}
{"type":"calm"}'
	run jq -rs 'map(.dest) | unique[]' s.log
	assert_output net
	run jq -s 'map(.body.msg_id) | unique[]' s.log
	assert_output 1
}

@test "an order is sent once, whether its answer does not come, leaves it open, or the connection closes" {
	serve drop '{"type":"error","code":13,"text":"who knows"}' close '{"type":"crash_ok","id":1}'
	run kv -t 2s net crash n1
	assert_failure 4
	assert_output "kv: no answer from unix:s within 2s"
	run kv net crash n2
	assert_failure 4
	assert_output "kv: no answer from unix:s within 5s: who knows"
	run kv net crash n3
	assert_failure 4
	assert_output "kv: no answer from unix:s within 5s: the connection was closed"
	run bodies
	assert_output '{"type":"crash","node":"n1"}
{"type":"crash","node":"n2"}
{"type":"crash","node":"n3"}'
}

@test "a server that is not there yet is waited for" {
	export FAULTLINE_SERVER=unix:later
	kv -t 60s net heal 3>&- &
	client=$!
	sleep 0.2
	rm -f later
	kv-fake later '{"type":"heal_ok","id":0}' 3>&- &
	children+=($!)
	status=0
	wait "$client" || status=$?
	assert_equal "$status" 0
	run bodies_of later
	assert_output '{"type":"heal"}'
	run kv -s unix:nowhere -t 100ms net heal
	assert_failure 4
	assert_output "kv: no answer from unix:nowhere within 100ms: No such file or directory"
}

@test "an error of net is its text, and the exit status says whose fault it is" {
	while read -r code wanted; do
		serve '{"type":"error","code":'"$code"',"text":"there is no node '"'n9'"'"}'
		run kv net crash n9
		assert_equal "$code $status" "$code $wanted"
		assert_output "kv: cannot crash: there is no node 'n9'"
	done <<-END
		10 2
		12 2
		14 1
		22 1
		20 4
	END
}

@test "words that are no order, and options that are not for net, are usage errors; nothing is sent" {
	serve
	while IFS='	' read -r words why; do
		eval "run kv net $words"
		assert_failure 2
		assert_line --index 0 "kv: $why"
		assert_line --index 1 "Try 'kv --help'."
	done <<-'END'
		crsh n1	type 'crsh' is unknown: did you mean 'crash'?
		crash	crash: which node?
		link n1 loss=1	link 'n1': must be FROM>TO or A<>B, as n1>n2 or client<>n*
		'link' 'n1>n2' loss=2	loss '2': must be 0.05, 5%, 5%~0.5, gilbert:0.01,0.3, or 5%+gilbert:0.01,0.3
		crash n1 for 2	for '2': must be a time, as 500ms or 2s
		links n1	net links takes no operands
		nodes all	net nodes takes no operands
		heal --to n1	--to is not for net
		heal --json	--json is not for net
	END
	run kv net
	assert_failure 2
	assert_line --index 0 "kv: net takes FAULT ... | links | nodes"
	[ ! -s s.log ]
}

@test "links prints what is in force a line each, nodes the names; both ask again" {
	serve drop '{"type":"links_ok","faults":[{"type":"partition","id":3,"groups":[["n1"],["n2"]]},{"type":"crash","id":4,"node":"n3","for":"2s"}]}' \
		'{"type":"links_ok","faults":[]}' close '{"type":"nodes_ok","nodes":["n1","n2","n3"],"down":["n3","n1"]}'
	run --separate-stderr kv net links
	assert_success
	assert_output '{"type":"partition","id":3,"groups":[["n1"],["n2"]]}
{"type":"crash","id":4,"node":"n3","for":"2s"}'
	assert_equal "$stderr" ""
	run kv net links
	assert_success
	assert_output ""
	run kv net nodes
	assert_success
	assert_output $'n1\tdown\nn2\nn3\tdown'
}

@test "an answer that is none is exit 4" {
	serve '{"type":"links_ok"}' '{"type":"links_ok","faults":{}}' '{"type":"crash_ok"}' '{"type":"heal_ok"}'
	for words in links links nodes "crash n1"; do
		run kv net $words
		assert_failure 4
		assert_output --regexp "^kv: cannot net: n1 gives a strange '"
	done
}

# ---- netfault itself; its stdin is 7 ----

network() {
	mkfifo control
	netfault "$@" --listen unix:n <control >/dev/null 2>err 3>&- &
	children+=($!)
	exec 7>control
	export FAULTLINE_SERVER=unix:n
	eventually test -S n || fail "$(cat err)"
}

# Nodes that say nothing, their stdout open.
still=(-n n1='exec cat 3>&1 >/dev/null' -n n2='exec cat 3>&1 >/dev/null' -n n3='exec cat 3>&1 >/dev/null')

nodes_are() {
	[ "$(kv net nodes)" = "$1" ]
}

@test "netfault: a partition stops the cluster until it is healed" {
	mkfifo control
	netfault -n 3 --listen unix:n -- raft-node --volatile <control >/dev/null 2>err 3>&- &
	children+=($!)
	exec 7>control
	export FAULTLINE_SERVER=unix:n
	kv -t 60s wait leader
	kv -t 60s put k before
	kv net partition n1 n2 n3
	run kv net links
	assert_output '{"type":"partition","id":1,"groups":[["n1"],["n2"],["n3"]]}'
	run kv -t 1s put other within
	assert_failure 4
	kv net heal
	run kv net links
	assert_output ""
	kv -t 60s put k after
	run kv -t 60s get k
	assert_output after
}

@test "netfault: a node is crashed once, is down, and is back after a restart" {
	network "${still[@]}"
	kv net crash n1
	nodes_are $'n1\tdown\nn2\nn3'
	run kv net crash n1
	assert_failure 1
	assert_output "kv: cannot crash: the node is down"
	run kv net crash n9
	assert_failure 2
	assert_output "kv: cannot crash: there is no node 'n9'"
	kv net restart n1
	nodes_are $'n1\nn2\nn3'
	run grep -c "killed by signal 9" err
	assert_output 1
	kv net crash '*' for 200ms
	eventually nodes_are $'n1\nn2\nn3'
}

@test "netfault: what links prints is a plan's lines without their times" {
	network "${still[@]}"
	kv net link 'n1>n2' loss=0.3 delay=normal:50ms,10ms
	kv net one-way n1 n2,n3 for 1h
	kv net pause n3
	kv net links >in-force
	run jq -c 'del(.for)' in-force
	assert_output '{"type":"link","id":1,"link":"n1>n2","loss":"0.3","delay":"normal:50ms,10ms"}
{"type":"partition","id":2,"groups":[["n1"],["n2","n3"]],"one_way":true}
{"type":"pause","id":3,"node":"n3"}'
	jq -c '{at: "1s"} + .' in-force >plan
	run netfault --check-plan plan
	assert_success
	kv net heal 2
	run jq -s -c 'map(.id)' <(kv net links)
	assert_output '[1,3]'
	run kv net heal 2
	assert_failure 1
	assert_output "kv: cannot heal: no fault in force has that id"
	kv net calm
	run kv net links
	assert_output ""
}
