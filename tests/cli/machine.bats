#!/usr/bin/env bats
# raft-node --machine: any program is replicated (faultline-machine(5)).

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load eventually.bash

setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	bin=$(cd "${FAULTLINE_BIN:-$top/build/bin}" && pwd)
	export PATH="$bin:$PATH" LC_ALL=C.UTF-8
	awk=awk
	! command -v mawk >/dev/null || awk="mawk -W interactive"
	bank="$awk -f $top/tests/machines/bank.awk"
	bad="$awk -f $top/tests/machines/bad.awk"
	cd "$BATS_TEST_TMPDIR" || return
	children=()
}

teardown() {
	local child
	exec 5>&-
	for child in "${children[@]}"; do
		kill -KILL "$child" 2>/dev/null
		wait "$child" 2>/dev/null
	done
	return 0
}

# said WORDS FILE [COUNT]: so many lines of the file have them, one if nothing is said.
said() {
	[ -e "$2" ] && [ "$(grep -c -e "$1" "$2")" -ge "${3:-1}" ]
}

# back COMMAND...: in the background, from `in` to `out` and `err`; our end is 5.
back() {
	rm -f in out err
	mkfifo in
	"$@" <in >out 2>err 3>&- 5>&- &
	pid=$!
	children+=("$pid")
	exec 5>in
}

# Closes our end and waits: `status`.
end() {
	exec 5>&-
	eventually ended "$pid" || fail "process $pid goes on; stderr: $(tail -n 5 err)"
	status=0
	wait "$pid" || status=$?
}

# It may still wait to be waited for.
ended() {
	[[ ! -e /proc/$1 || $(cat "/proc/$1/stat" 2>/dev/null) =~ \)\ [ZX] ]]
}

# A request: its number, the command, more members.
apply() {
	printf '{"src":"c","dest":"%s","body":{"type":"apply","msg_id":%s,"command":%s%s}}\n' "${to:-n1}" "$1" "$2" "${3:-}"
}

# The answers to c, in the order of the requests: `NUMBER RESULT`, or `NUMBER error CODE`.
answers() {
	jq -r 'select(.dest == "c").body | "\(.in_reply_to) \(if .type == "apply_ok" then .result | tojson else "error \(.code)" end)"' |
		sort -n
}

# What is in the files, the second once `out` has the answer to request $1.
in_two_parts() {
	cat requests
	eventually said "\"in_reply_to\":$1[,}]" out
	cat last
}

single() {
	timeout 120 raft-node --id n1 --nodes n1 "$@"
}

@test "committed commands go to the program, its answers to the clients" {
	{
		apply 1 '{"from":"ann","to":"bob","amount":5}'
		apply 2 '{"balance":"bob"}'
		apply 3 '{"from":"ann","to":"bob","amount":96}'
		apply 4 '{"balance":"zoe"}'
		apply 5 '{"total":true}'
	} >requests
	single --volatile --machine "$bank" <requests 2>err | answers >got
	run cat got
	assert_output '1 {"ok":true,"from":95,"to":105}
2 105
3 {"ok":false,"why":"not enough money"}
4 null
5 500'
}

@test "a line of the program's stdin is the index and the command as it came" {
	apply 1 '{ "a" : [1.0, "\u00e9"] }' | single --volatile --machine 'tee seen' >out 2>err
	run cat seen
	assert_output '{"index":2,"command":{ "a" : [1.0, "\u00e9"] }}'
}

@test "a request that is no apply, or has no command, does not happen" {
	{
		echo '{"src":"c","dest":"n1","body":{"type":"write","msg_id":1,"key":"x","value":1}}'
		echo '{"src":"c","dest":"n1","body":{"type":"apply","msg_id":2}}'
		apply 3 1 ',"session":"a"'
		apply 4 1
	} >requests
	single --volatile --machine "$bad" <requests 2>err | answers >got
	run cat got
	assert_output "1 error 10
2 error 12
3 error 12
4 1"
}

@test "a command of a session is applied once however often it comes" {
	{
		apply 1 1 ',"session":"a","seq":1'
		apply 2 1 ',"session":"a","seq":1'
		apply 3 1 ',"session":"b","seq":1'
		apply 4 1 ',"session":"a","seq":3'
		apply 5 1 ',"session":"a","seq":2'
		apply 6 1 ',"session":"a","seq":1'
		apply 7 1 ',"session":"c","seq":7'
	} >requests
	single --volatile --machine "$bad" <requests 2>err | answers >got
	run cat got
	assert_output "1 1
2 1
3 2
4 error 14
5 3
6 1
7 error 13"
}

@test "ten thousand commands in a pipe are answered in order" {
	for ((i = 1; i <= 10000; i++)); do
		echo '{"src":"c","dest":"n1","body":{"type":"apply","msg_id":'"$i"',"command":0}}'
	done >requests
	single --volatile --machine "$bad" <requests 2>err | jq -r '.body | "\(.in_reply_to) \(.result)"' >got
	seq 10000 | sed 's/.*/& &/' | cmp - got
}

@test "an answer does not wait for the next request" {
	back single --volatile --machine "$bank"
	for ((i = 1; i <= 20; i++)); do
		apply "$i" '{"total":true}' >&5
		eventually said . out "$i"
	done
	end
	run answers <out
	assert_line --index 19 "20 500"
}

@test "after a restart the program is fed the log again" {
	apply 1 '{"from":"ann","to":"bob","amount":5}' ',"session":"a","seq":1' | single --machine "$bank" >out 2>err
	apply 2 '{"from":"ann","to":"bob","amount":5}' ',"session":"a","seq":1' | single --machine "$bank" >>out 2>err
	apply 3 '{"balance":"bob"}' | single --machine "$bank" >>out 2>err
	run answers <out
	assert_output '1 {"ok":true,"from":95,"to":105}
2 {"ok":true,"from":95,"to":105}
3 105'
}

@test "after a restart the program gets its snapshot back, and only what came after it" {
	{
		apply 1 '{"from":"ann","to":"bob","amount":5}' ',"session":"a","seq":1'
		for ((i = 2; i <= 40; i++)); do apply "$i" '{"from":"cleo","to":"dan","amount":1}'; done
	} >requests
	echo '{"src":"c","dest":"n1","body":{"type":"snapshot","msg_id":50}}' >last
	: >out
	single --machine "$bank" < <(in_two_parts 40) >>out 2>err
	run jq -r 'select(.body.in_reply_to == 50).body.type' out
	assert_output snapshot_ok
	run grep -h -o '{"state.*\|{"session.*' n1.raft/*.snapshot
	assert_line --regexp '^\{"state":\{"ann":95,"bob":105,'
	assert_line --regexp '^\{"session":"a",'

	apply 51 '{"from":"bob","to":"eve","amount":1}' | single --machine "tee seen | $bank" >out 2>err
	run sed 's/^{"index":[0-9]*,/{"index":N,/; s/"index":[0-9]*}/"index":N}/' seen
	assert_line --index 0 --regexp '^\{"restore":\{"ann":95,"bob":105,.*\},"index":N\}$'
	assert_equal "$(grep -c ann seen)" 1
	{
		apply 61 '{"from":"ann","to":"bob","amount":5}' ',"session":"a","seq":1'
		apply 62 '{"balance":"bob"}'
		apply 63 '{"total":true}'
	} | single --machine "$bank" >out 2>err
	run answers <out
	assert_output '61 {"ok":true,"from":95,"to":105}
62 104
63 500'
}

@test "a program without snapshots keeps its log, and is fed all of it" {
	for ((i = 1; i <= 50; i++)); do apply "$i" "$i"; done >requests
	echo '{"src":"c","dest":"n1","body":{"type":"snapshot","msg_id":51}}' >last
	: >out
	single --snapshot-every 10 --machine "$bad" < <(in_two_parts 50) >>out 2>err
	run answers <out
	assert_line "50 50"
	assert_line "51 error 10"
	run compgen -G 'n1.raft/*.snapshot*'
	assert_failure
	apply 60 0 | single --snapshot-every 10 --machine "$bad" >out 2>err
	run answers <out
	assert_output "60 51"
}

@test "in lockstep the same lines give the same bytes, however slow the program" {
	{
		echo '{"src":"net","dest":"n1","at":0,"body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}'
		for ((i = 1; i <= 30; i++)); do
			echo '{"src":"c","dest":"n1","at":'"$((i * 100000000))"',"body":{"type":"apply","msg_id":'"$i"',"command":{"from":"ann","to":"bob","amount":1}}}'
		done
	} >requests
	local count=0
	for pace in cat 'while read -r line; do sleep 0.01; echo "$line"; done'; do
		timeout 120 raft-node --lockstep --seed 7 --volatile --snapshot-every 8 --machine "{ $pace; } | $bank" \
			<requests >"out.$count" 2>err
		count=$((count + 1))
	done
	cmp out.0 out.1
	run answers <out.0
	assert_line '30 {"ok":true,"from":70,"to":130}'
}

# The node's end where its program does something bad: exit status and last words.
assert_fatal() {
	local words=$1
	shift
	# A client that goes on, so that it is not the end of stdin that ends the node.
	rm -f held
	mkfifo held
	exec 5<>held
	cat in >&5
	run --separate-stderr single --volatile "$@" <held 5>&-
	exec 5>&-
	assert_failure 4
	assert_equal "${stderr_lines[-1]}" "raft-node: machine '${*: -1}': $words"
}

@test "a program that crashes, hangs or talks garbage stops its node: exit 4 and a message" {
	for case in 'crash:ended with status 3' 'kill:killed by signal 9 (Killed)' 'hang:no answer within 0.4 s' \
		'garbage:an answer that is no JSON: Segmentation fault'; do
		apply 1 '{"do":"'"${case%%:*}"'"}' >in
		patience=60s
		[[ $case != hang:* ]] || patience=400ms
		assert_fatal "${case#*:}" --machine-timeout $patience --machine "$bad"
	done
	apply 1 0 >in
	assert_fatal "ended with status 127" --machine "no-such-program"
}

@test "a program that says more than it was asked stops its node" {
	apply 1 '{"do":"twice"}' >in
	assert_fatal "a line that nobody asked for: 2" --machine "$bad"
}

@test "a program's stderr is the node's" {
	apply 1 0 | single --volatile --machine "echo hello >&2; cat" >out 2>err
	run grep -x hello err
	assert_success
}

@test "a program does not outlive its node, however that ends" {
	for signal in KILL TERM; do
		rm -f napping
		back raft-node --id n1 --nodes n1 --volatile --machine 'sleep 1000 & echo $! >napping; wait'
		eventually test -s napping
		kill -"$signal" "$pid"
		end
		eventually ended "$(<napping)"
	done
}

# For clusters that are not about time: a busy machine shall cost nobody the lead, a request or a program.
unhurried='--election-timeout 1s-2s --request-timeout 60s --machine-timeout 60s'

@test "three banks agree, and no money is made or lost" {
	local names=(ann bob cleo dan eve)
	{
		for ((i = 1; i <= 300; i++)); do
			to=n$((i % 3 + 1)) apply "$i" '{"from":"'"${names[i * 7 % 5]}"'","to":"'"${names[i * 3 % 5]}"'","amount":'"$((i % 40))"'}'
		done
		for ((i = 1; i <= 3; i++)); do to=n$i apply "$((300 + i))" '{"total":true}'; done
	} >requests
	timeout 300 netfault -n 3 --drain 120s -- raft-node $unhurried --snapshot-every 50 --machine "tee seen.{id} | $bank" <requests >out 2>err
	run answers <out
	assert_equal "${#lines[@]}" 303
	refute_line --regexp ' error'
	assert_line "301 500"
	assert_line "302 500"
	assert_line "303 500"
	# Each saw the same commands in the same order, as far as it came, and unless it got the others' state.
	grep -h '^{"index"' seen.n[123] | sort -u >commands
	run grep -c ann commands
	assert_output "$(grep -c ann requests)"
	assert_equal "$(grep -o '^{"index":[0-9]*' commands | sort | uniq -d)" ""
	for node in n1 n2 n3; do
		sed -n 's/^{"index":\([0-9]*\),.*/\1/p' "seen.$node" >indexes
		sort -n -u indexes | cmp - indexes
	done
}

@test "a node that comes late gets the state of the others' program" {
	local node="exec raft-node $unhurried --snapshot-every 20 --machine"
	back netfault -n "n1=$node '$bank'" -n "n2=$node '$bank'" -n "n3=until [ -e late ]; do sleep 0.05; done; $node 'tee seen | $bank'"
	# Several snapshots, so that the beginning of the log goes.
	for ((i = 1; i <= 200; i++)); do
		apply "$i" '{"from":"ann","to":"bob","amount":1}' >&5
		((i % 40)) || eventually said . out "$i"
	done
	touch late
	eventually said . seen
	end
	run head -n 1 seen
	assert_output --regexp '^\{"restore":\{"ann":[0-9]+,"bob":[0-9]+,"cleo":100,"dan":100,"eve":100\},"index":[0-9]+\}$'
}

@test "a node that was stopped for a while blames no program, and catches up by the others' state" {
	local node="exec raft-node ${unhurried%--machine-timeout*}--snapshot-every 20"
	back netfault -n "n1=$node --machine '$bank'" -n "n2=$node --machine '$bank'" \
		-n "n3=echo \$\$ >pid; $node --machine-timeout 3s --machine 'tee -a seen | $bank'"
	led_by_n1() { echo '{"src":"c","dest":"n1","body":{"type":"transfer","msg_id":0,"to":"n1"}}' >&5; sleep 0.5; said transfer_ok out; }
	eventually led_by_n1
	kill -STOP "$(<pid)"
	sleep 4                         # longer than its program may take
	for ((i = 1; i <= 1000; i++)); do
		apply "$i" '{"from":"ann","to":"bob","amount":1}' >&5
		((i % 100)) || eventually said '"in_reply_to":[1-9]' out "$i"
	done
	kill -CONT "$(<pid)"
	eventually said '^{"restore"' seen
	to=n3 apply 1001 '{"total":true}' >&5
	eventually said '"in_reply_to":[1-9]' out 1001
	end
	run answers <out
	assert_line "1001 500"
}

@test "where one node's program fails, that node alone goes, and the others serve" {
	for way in crash hang garbage; do
		local node="exec raft-node --volatile $unhurried"
		back netfault -n "n1=$node --machine cat" -n "n2=$node --machine cat" -n "n3=$node --machine-timeout 3s --machine '$bad'"
		apply 1 0 >&5
		eventually said '"in_reply_to":1[,}]' out
		apply 2 '{"do":"'$way'"}' >&5
		eventually said "^n3: raft-node: machine '$bad': " err
		apply 3 '"after"' >&5
		eventually said '"in_reply_to":3[,}]' out
		eventually said "^netfault: node 'n3' ended" err        # before SIGTERM ends it
		end
		assert_equal "$status" 1                # netfault's word for it: a node died of itself
		run grep -c "^netfault: node 'n3' ended with status 4" err
		assert_output 1
		run answers <out
		assert_line --regexp '^3 .*"after"'
	done
}

@test "faultline-machine(5) has no warnings, and its examples print what it says" {
	run mandoc -Tlint -W warning "$top/man/man5/faultline-machine.5"
	assert_success
	assert_output ""
	FAULTLINE_BIN=$bin run "$BATS_TEST_DIRNAME/man-examples" "$top/man/man5/faultline-machine.5"
	assert_success
}
