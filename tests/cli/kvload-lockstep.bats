#!/usr/bin/env bats
# kvload in virtual time: every line of it is a function of the lines before, so all is told to the nanosecond.

load netfault
load kvload

ms=000000

setup_file() {
	network_build
}

setup() {
	network_setup
}

teardown() {
	network_teardown
}

# ---- the protocol ----

@test "after each line it says idle and when to wake it, and asks under the name it is called by" {
	{
		tick 0
		answer 3$ms 0 1 write_ok
		tick 4$ms
	} | in_lockstep --mix write --keys 2 --key-bytes 1 --value-bytes 1 --time 10ms --timeout 50ms
	cat >expected <<-'END'
		{"src":"c1.0","dest":"*","body":{"type":"write","msg_id":1,"key":"0","value":"1"}}
		{"src":"c1","dest":"net","body":{"type":"idle","wake":10000000}}
		{"src":"c1.0","dest":"*","body":{"type":"write","msg_id":2,"key":"0","value":"2"}}
		{"src":"c1","dest":"net","body":{"type":"idle","wake":10000000}}
		{"src":"c1","dest":"net","body":{"type":"idle","wake":10000000}}
	END
	run diff expected said
	assert_success
	assert_equal "$(jq -c '[.seconds,.ops,.write.max_us,.seed]' results)" '[0.003,1,3000,1]'
}

@test "it ends by itself when its time is over and nothing is under way, and says no more" {
	{
		tick 0
		answer 9$ms 0 1 write_ok
		tick 10$ms
		answer 12$ms 0 2 write_ok
		tick 13$ms
	} | in_lockstep --mix write --time 10ms
	assert_equal "$(wc -l <asked)" 2
	assert_equal "$(grep -c '"idle"' said)" 3
	assert_equal "$(tail -n 1 said)" '{"src":"c1","dest":"net","body":{"type":"idle","wake":5009000000}}'
	assert_equal "$(jq .ops results)" 2
}

@test "--name is the name, and other clients of the same seed ask something else" {
	tick 0 | in_lockstep --clients 20
	cp asked one
	tick 0 | in_lockstep --clients 20 --name c1
	cp asked two
	tick 0 | in_lockstep --clients 20 --name c2
	run cmp one two
	assert_success
	assert_equal "$(jq -r .src one | sed 's/[0-9]*$//' | sort -u)" c1.
	assert_equal "$(jq -r .src asked | sed 's/[0-9]*$//' | sort -u)" c2.
	assert_equal "$(cut -d, -f2- one | sort | uniq | wc -l)" 20
	refute [ "$(jq -c '.body|[.type,.key]' one)" = "$(jq -c '.body|[.type,.key]' asked)" ]
}

@test "FAULTLINE_LOCKSTEP and FAULTLINE_SEED are --lockstep and --seed, and the server is - then" {
	tick 0 | in_lockstep --clients 20
	tick 0 | FAULTLINE_LOCKSTEP=1 FAULTLINE_SEED=1 FAULTLINE_SERVER=unix:nowhere kvload --think 0s --clients 20 >other 2>results || true
	run cmp said other
	assert_success
	run --separate-stderr kvload --lockstep -s unix:x
	assert_failure 2
	assert_equal "${stderr_lines[0]}" "kvload: -s 'unix:x': in lockstep the server is -, standard input and output"
	FAULTLINE_SEED=x run --separate-stderr kvload -s unix:x
	assert_failure 2
	assert_equal "${stderr_lines[0]}" "kvload: FAULTLINE_SEED 'x': must be a whole number"
}

@test "--nodes are asked at random, by the seed" {
	tick 0 | in_lockstep --nodes n1,n2,n3 --clients 300
	cp asked one
	tick 0 | in_lockstep --nodes n1,n2,n3 --clients 300
	run cmp one asked
	assert_success
	run awk -F'"' '{ n[$8]++ } END { for (i = 1; i <= 3; i++) print (n["n" i] > 60) }' one
	assert_output $'1\n1\n1'
	# A request that is sent again is drawn anew.
	for i in 1 2 3 4 5 6 7 8 9 10; do
		tick "$((i - 1))$ms"
		answer "$((i - 1))$ms" 0 "$i" error '"code":11'
	done | in_lockstep --nodes n1,n2,n3 --mix write --retry 1ms
	assert_equal "$(jq -r .dest asked | sort -u | wc -l)" 3
	assert_equal "$(jq -c '.body|del(.msg_id)' asked | sort -u | wc -l)" 1
}

@test "--think is a pause of up to twice that, and clients do not all begin at once" {
	tick 0 | in_lockstep --clients 50 --think 10ms
	assert_equal "$(wc -l <asked)" 0
	for i in $(seq 0 100); do
		tick "$((i * 200000))"
	done | in_lockstep --clients 50 --think 10ms --time 60ms --mix write
	assert_equal "$(wc -l <asked)" 50
	assert_equal "$(jq -r .src asked | sort -u | wc -l)" 50
	# Of a single client, each answered at once: the wake-ups are when it asks next.
	at=0
	{
		tick 0
		for i in $(seq 200); do
			at=$((at + 20$ms))
			tick "$at"
			answer "$at" 0 "$i" write_ok
		done
	} | in_lockstep --think 10ms --mix write
	grep '"idle"' said | awk 'NR % 2' | head -n 200 >pauses
	run jq -s 'map(.body.wake % 20000000) | add / length | . > 8500000 and . < 11500000' pauses
	assert_output true
}

# ---- outcomes ----

@test "an operation that is answered is ok, with what was read" {
	{
		tick 0
		answer 1$ms 0 1 read_ok '"value":{"a":[1, 2]}'
		printf '{"at":2000000,"src":"n1","dest":"c1.0","body":{"type":"read_ok","value":7,"in_reply_to":2}}\n'
		answer 3$ms 0 3 error '"code":20'
	} | in_lockstep --mix read --keys 1 --key-bytes 1 --history h
	cat >expected <<-'END'
		{"process":0,"type":"invoke","f":"read","key":"0","value":null,"time":0}
		{"process":0,"type":"ok","f":"read","key":"0","value":{"a":[1, 2]},"time":1000000}
		{"process":0,"type":"invoke","f":"read","key":"0","value":null,"time":1000000}
		{"process":0,"type":"ok","f":"read","key":"0","value":7,"time":2000000}
		{"process":0,"type":"invoke","f":"read","key":"0","value":null,"time":2000000}
		{"process":0,"type":"fail","f":"read","key":"0","value":null,"code":20,"time":3000000}
		{"process":0,"type":"invoke","f":"read","key":"0","value":null,"time":3000000}
		{"process":0,"type":"info","f":"read","key":"0","value":null,"time":3000000}
	END
	run diff expected h
	assert_success
}

@test "an answer that does not say what was read leaves it open" {
	{
		tick 0
		answer 1$ms 0 1 write_ok
		answer 1$ms 0 2 read_ok
	} | in_lockstep --mix read --history h
	assert_equal "$(summary h)" $'0 invoke read\n0 info read 13\n1 invoke read\n1 info read 13\n2 invoke read\n2 info read'
	assert_equal "$(jq -c '[.ops,.unknown,.unanswered]' results)" '[0,2,0]'
}

@test "an unknown outcome is info, never fail, and the client goes on as a new process" {
	{
		tick 0
		at=1
		for code in 0 13 1000 5000; do
			answer $at$ms 0 $at error "\"code\":$code"
			at=$((at + 1))
		done
		# What comes too late is nothing.
		answer $at$ms 0 1 write_ok
		# No answer at all.
		tick 104$ms
		answer 105$ms 0 5 write_ok
		answer 106$ms 0 6 write_ok
		answer 106$ms 0 6 error '"code":0'
	} | in_lockstep --mix write --timeout 100ms --history h
	run summary h
	assert_output - <<-'END'
		0 invoke write
		0 info write 0
		1 invoke write
		1 info write 13
		2 invoke write
		2 info write 1000
		3 invoke write
		3 info write 5000
		4 invoke write
		4 info write
		5 invoke write
		5 ok write
		5 invoke write
		5 info write
	END
	assert_equal "$(jq -c '[.ops,.unknown,.unanswered,.failed]' results)" '[1,5,1,0]'
	assert_well_formed h
}

@test "of several clients each has a number of its own, and new ones are nobody else's" {
	{
		tick 0
		answer 1$ms 1 1 error '"code":0'
		answer 2$ms 0 1 error '"code":0'
		answer 3$ms 1 2 error '"code":0'
		answer 4$ms 2 1 write_ok
	} | in_lockstep --mix write --clients 3 --history h
	assert_equal "$(jq -s 'map(select(.type == "invoke") | .process)' -c h)" '[0,1,2,3,4,5,2]'
	assert_well_formed h
}

@test "a definite error is fail with its code, an observation or not" {
	{
		tick 0
		id=1
		for code in 10 12 14 21 30 999 20 22; do
			answer $id$ms 0 $id error "\"code\":$code"
			id=$((id + 1))
		done
	} | in_lockstep --mix cas --history h
	assert_equal "$(summary h | grep -v invoke | tr '\n' ';')" \
		"0 fail cas 10;0 fail cas 12;0 fail cas 14;0 fail cas 21;0 fail cas 30;0 fail cas 999;0 fail cas 20;0 fail cas 22;0 info cas;"
	assert_equal "$(jq -c '[.ops,.failed]' results)" '[2,6]'
}

@test "error 11 is asked again as the same operation, which stays open; when the time is over it has failed" {
	{
		tick 0
		answer 1$ms 0 1 error '"code":11'
		tick 3$ms
		answer 4$ms 0 1 write_ok
		answer 5$ms 0 2 write_ok
		answer 6$ms 0 3 error '"code":11'
		tick 8$ms
		answer 9$ms 0 4 error '"code":11'
		tick 30$ms
	} | in_lockstep --mix write --retry 2ms --timeout 20ms --history h
	assert_equal "$(summary h | head -n 4)" $'0 invoke write\n0 ok write\n0 invoke write\n0 fail write 11'
	assert_equal "$(jq -c 'select(.process == 0).time' h | head -n 4 | tr '\n' ' ')" "0 5000000 5000000 30000000 "
	assert_equal "$(jq -r .body.value asked | head -n 5 | uniq -c | awk '{ print $1 }' | tr '\n' ' ')" "2 2 1 "
	assert_equal "$(jq -c '[.retries,.failed,.errors]' results)" '[2,1,{"11":3}]'
}

@test "a transaction is told with what was asked, and then with what was read" {
	{
		tick 0
		answer 1$ms 0 1 txn_ok '"txn":[["r","l0",[1,2]]]'
		answer 2$ms 0 2 error '"code":30'
		answer 3$ms 0 3 txn_ok
	} | in_lockstep --mix append --keys 1 --key-bytes 2 --txn-ops 1 --history h
	assert_equal "$(sed -n 1p h)" '{"process":0,"type":"invoke","f":"txn","value":[["r","l0",null]],"time":0}'
	assert_equal "$(sed -n 2p h)" '{"process":0,"type":"ok","f":"txn","value":[["r","l0",[1,2]]],"time":1000000}'
	assert_equal "$(summary h | tail -n +3)" $'0 invoke txn\n0 fail txn 30\n0 invoke txn\n0 info txn 13\n1 invoke txn\n1 info txn'
}

# ---- sessions ----

@test "--sessions: what has no answer is sent again, the same, and any of its answers is the answer" {
	{
		tick 0
		tick 100$ms
		tick 200$ms
		answer 201$ms 0 1 write_ok
		answer 202$ms 0 3 write_ok
		answer 203$ms 0 4 write_ok
	} | in_lockstep --mix write --sessions --resend 100ms --timeout 1s --history h
	assert_equal "$(jq -c '.body|[.msg_id,.session,.seq]' asked | tr '\n' ' ')" \
		'[1,"c1.0.0",1] [2,"c1.0.0",1] [3,"c1.0.0",1] [4,"c1.0.0",2] [5,"c1.0.0",3] '
	assert_equal "$(jq -r .body.value asked | head -n 3 | uniq | wc -l)" 1
	assert_equal "$(summary h)" $'0 invoke write\n0 ok write\n0 invoke write\n0 ok write\n0 invoke write\n0 info write'
	assert_equal "$(jq -c 'select(.type == "ok").time' h | tr '\n' ' ')" '201000000 203000000 '
	assert_equal "$(jq -c '[.ops,.retries,.unknown]' results)" '[2,2,0]'
}

@test "--sessions: an open error is asked again too; given up it is info, and the session is given up with it" {
	{
		tick 0
		answer 1$ms 0 1 error '"code":0'
		tick 6$ms
		answer 7$ms 0 2 error '"code":13'
		tick 12$ms
		tick 112$ms
		answer 113$ms 0 4 write_ok
	} | in_lockstep --mix write --sessions --resend 100ms --timeout 50ms --history h
	assert_equal "$(summary h)" $'0 invoke write\n0 info write\n1 invoke write\n1 ok write\n1 invoke write\n1 info write'
	assert_equal "$(jq -c '.body|[.msg_id,.session,.seq]' asked | tr '\n' ' ')" \
		'[1,"c1.0.0",1] [2,"c1.0.0",1] [3,"c1.0.0",1] [4,"c1.0.1",1] [5,"c1.0.1",2] '
}

@test "--sessions: an error that says it did not happen says nothing of the request before" {
	{
		tick 0
		tick 100$ms
		answer 101$ms 0 2 error '"code":14'
		answer 102$ms 0 3 error '"code":14'
		answer 103$ms 0 4 error '"code":11'
		tick 153$ms
		tick 170$ms
	} | in_lockstep --mix write --sessions --resend 100ms --timeout 1s --retry 50ms --history h
	assert_equal "$(summary h | head -n 5)" $'0 invoke write\n0 info write 14\n1 invoke write\n1 fail write 14\n1 invoke write'
	assert_equal "$(jq -c '.body|[.msg_id,.session,.seq]' asked | tr '\n' ' ')" \
		'[1,"c1.0.0",1] [2,"c1.0.0",1] [3,"c1.0.1",1] [4,"c1.0.2",1] [5,"c1.0.2",1] '
}

@test "--sessions: a read has none, and is asked again all the same" {
	{
		tick 0
		tick 100$ms
		answer 101$ms 0 1 read_ok '"value":1'
	} | in_lockstep --mix read --sessions --resend 100ms --timeout 1s --history h
	assert_equal "$(grep -c session asked)" 0
	assert_equal "$(summary h | head -n 2)" $'0 invoke read\n0 ok read'
	assert_equal "$(jq -r .body.msg_id asked | tr '\n' ' ')" "1 2 3 "
}

@test "sessions of another run in real time are others, with the same seed too" {
	mkfifo quiet
	for i in one two; do
		timeout 300 kvload -s - --seed 1 --sessions --mix write --timeout 50ms --ops 1 <>quiet >$i 2>/dev/null || [ $? = 4 ]
	done
	jq -r .body.session one two >names
	assert_equal "$(sort -u names | wc -l)" 2
	assert_equal "$(jq -c 'del(.body.session)' one two | sort -u | wc -l)" "$(wc -l <one)"
}

# ---- the open loop ----

@test "--rate: a latency counts from when the operation was due, though the client was busy then" {
	# Due every 10 ms, answered 25 ms after they are asked by the only client: 25, 40, 55, 70, 85.
	{
		tick 0
		for i in 1 2 3 4 5; do
			answer "$((i * 25))$ms" 0 "$i" write_ok
		done
	} | in_lockstep --mix write --rate 100 --time 50ms --history h
	assert_equal "$(jq -c '[.ops,.write.max_us,.rate,.queued,.seconds]' results)" '[5,85000,100,0,0.125]'
	assert_equal "$(jq '.write.p50_us | . >= 55000 and . < 55500' results)" true
	# In the history it is called when it was sent.
	assert_equal "$(jq -c 'select(.type == "invoke").time' h | tr '\n' ' ')" "0 25000000 50000000 75000000 100000000 "
}

@test "--rate: operations arrive when they are due, while there is a client that is free" {
	{
		tick 0
		tick 10$ms
		tick 20$ms
		tick 34$ms
		tick 40$ms
	} | in_lockstep --rate 100 --clients 4 --history h
	assert_equal "$(jq -c 'select(.type == "invoke")|[.process,.time]' h | tr '\n' ' ')" "[0,0] [1,10000000] [2,20000000] [3,34000000] "
	assert_equal "$(jq -r '.body.wake // empty' said | tr '\n' ' ')" "10000000 20000000 30000000 5000000000 5000000000 "
	# The clients are busy: one arrival is due and was never begun.
	assert_equal "$(jq .queued results)" 0
	{
		tick 0
		tick 41$ms
	} | in_lockstep --rate 100 --clients 2
	assert_equal "$(jq .queued results)" 3
}

@test "--rate: what is still queued a --timeout after the end is counted, and not begun" {
	for at in 0 20 40 60 80; do
		tick $at$ms
	done | in_lockstep --mix write --rate 100 --time 50ms --timeout 20ms
	assert_equal "$(jq -c '[.ops,.unknown,.queued]' results)" '[0,4,1]'
}

@test "--arrivals poisson: the same by the seed, and not even" {
	seq 0 1000 | awk '{ printf "{\"at\":%d000000,\"src\":\"net\",\"dest\":\"c1\",\"body\":{\"type\":\"tick\"}}\n", $1 }' >ticks
	in_lockstep --rate 500 --arrivals poisson --clients 2000 --time 1s --timeout 5s --history h <ticks
	cp h one
	in_lockstep --rate 500 --arrivals poisson --clients 2000 --time 1s --timeout 5s --history h <ticks
	run cmp one h
	assert_success
	grep '"invoke"' h >begun
	run awk 'END { print (NR > 380 && NR < 620) }' begun
	assert_output 1
	# As many in each tenth would be even.
	run jq -s 'group_by(.time / 10000000 | floor) | map(length) | (max > 8) and (min < 3)' begun
	assert_output true
}

# ---- with a network ----

# campaign SEED HISTORY [KVLOAD-OPTION ...] [-- NETFAULT-OPTION ...]
campaign() {
	local seed=$1 history=$2 kvload=()
	shift 2
	while (($#)) && [ "$1" != -- ]; do
		kvload+=("$1")
		shift
	done
	# The nodes have libraries loaded before asan's own.
	ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 netfault --lockstep --scratch --seed "$seed" --loss 0.05 --duplicate 0.05 --reorder 0.1 --delay exponential:5ms \
		--nemesis all --every 700ms --calm 4s --lose-unsynced --restart -n 3 "${@:2}" \
		--client "c1=kvload -s - --nodes n1,n2,n3 --clients 5 --keys 10 --time 5s --timeout 1s --history $PWD/$history ${kvload[*]}" \
		-- raft-node </dev/null 2>err
}

@test "netfault runs it as a client in virtual time: the same seed, the same history, to the byte" {
	run campaign 7 one --mix read,write,cas,delete
	assert_success
	run campaign 7 two --mix read,write,cas,delete
	assert_success
	run cmp one two
	assert_success
	run campaign 8 three --mix read,write,cas,delete
	assert_success
	run cmp -s one three
	assert_failure
	for h in one three; do
		assert_well_formed $h
		run lincheck <$h
		assert_success
	done
	assert_equal "$(jq -r .type one | sort -u | tr '\n' ' ')" "fail info invoke ok "
	run lines_of one
	((output > 500))
}

@test "requests that are repeated on the way happen twice, but with --sessions once" {
	run campaign 1 h --mix read,write,cas,delete -- --client-links --duplicate 0.3
	assert_success
	assert_well_formed h
	run lincheck <h
	assert_failure 1
	run campaign 1 h --mix read,write,cas,delete --sessions --resend 200ms --timeout 30s -- --client-links --duplicate 0.3
	assert_success
	assert_well_formed h
	run lincheck <h
	assert_success
	assert_equal "$(summary h | grep -c info)" 0
}

lines_of() {
	wc -l <"$1"
}

@test "transactions and lists under faults, with sessions: nothing is unknown, and lists are each other's beginning" {
	run campaign 9 h --mix append,txn --sessions --resend 300ms --timeout 30s
	assert_success
	assert_well_formed h
	assert_equal "$(summary h | grep -c -e info -e fail)" 0
	run lincheck <h
	assert_success
	jq -c 'select(.type == "ok").value[] | select(.[0] == "r" and (.[1] | startswith("l")) and .[2] != null) | .[1:]' h >lists
	run jq -ns '[inputs] | length > 20' lists
	run jq -s 'group_by(.[0]) | map(map(.[1]) | sort_by(length) | . as $l | [range(1; length) | $l[.][:($l[. - 1] | length)] == $l[. - 1]] | all) | all' lists
	assert_output true
}

@test "SIGTERM in virtual time keeps the history whole" {
	mkfifo in
	kvload --lockstep --seed 1 --clients 3 --think 0s --history h <in >said 2>results &
	pids+=($!)
	exec 5>in
	tick 0 >&5
	eventually grep -q idle said
	kill "${pids[0]}"
	status=0
	wait "${pids[0]}" || status=$?
	exec 5>&-
	assert_equal "$status" 143
	assert_equal "$(jq -r .type h | sort | uniq -c | awk '{ print $1, $2 }' | tr '\n' ' ')" "3 info 3 invoke "
}
