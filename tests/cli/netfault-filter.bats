#!/usr/bin/env bats
# netfault with no nodes: one direction of a faulty wire.

load netfault

setup_file() {
	network_build
}

setup() {
	network_setup
}

teardown() {
	network_teardown
}

wire() {
	netfault --seed 7 "$@"
}

# ---- without faults ----

@test "lines pass byte for byte, the last one without its newline too" {
	{
		printf 'no JSON\n\n{"src":"n1","dest":"n2"}\n'
		head -c 100000 /dev/urandom | tr -d '\n'
		printf '\n\0\377\nlast'
	} >in
	netfault <in >out
	{ cat in; echo; } | cmp - out
	netfault --delay 1ms --seed 1 <in >out
	{ cat in; echo; } | cmp - out
	netfault </dev/null >out
	assert [ ! -s out ]
}

@test "a line passes as soon as it is there" {
	for faults in "" "--reorder 0.5,1ms --seed 3"; do
		start $faults
		for i in 1 2 3; do
			tell "line $i"
			hear
			assert_equal "$heard" "line $i"
		done
		end
		assert_equal "$status" 0
	done
}

@test "a line of 16 MiB passes, a longer one is lost and told, and the next passes" {
	{
		head -c 16777216 /dev/zero | tr '\0' x
		echo
		head -c 16777217 /dev/zero | tr '\0' y
		printf '\nz\n'
	} >in
	for faults in "" "--delay 1ms --seed 1"; do
		netfault $faults <in >out 2>err
		assert_equal "$(tr -d x <out)" $'\nz'
		assert_equal "$(head -n 1 out | tr -d '\n' | wc -c)" 16777216
		assert_equal "$(cat err)" "netfault: stdin: a line is longer than 16 MiB: it is lost"
	done
}

@test "a closed pipe ends it quietly, lost output is exit 4" {
	for faults in "" "--loss 0.1"; do
		run --separate-stderr bash -c "yes | netfault --seed 1 $faults 2>err | head -n 1; echo \${PIPESTATUS[1]}; cat err"
		assert_output $'y\n141'
		run --separate-stderr bash -c "echo x | netfault --seed 1 $faults >/dev/full"
		[ -n "$faults" ] || {
			assert_failure 4
			assert_equal "$stderr" "netfault: cannot write 'stdout': No space left on device"
		}
	done
}

@test "a signal ends it, and its trace is whole" {
	start --delay 1h --seed 1 --trace t
	tell '{"src":"a","dest":"b"}'
	eventually grep -q '"event":"send"' t
	kill -TERM "$pid"
	end
	assert_equal "$status" 143
	assert_equal "$(tail -n 1 t | jq -r .event)" end
}

@test "what is not read holds the sender back, and nothing is lost" {
	seq 200000 >in
	netfault --delay 1ms --seed 1 --queue 10K <in | { sleep 0.3; cat; } | cmp - in
}

# ---- faults ----

# The counts are pinned: the same seed, the same fates, on every machine.
@test "each fault, measured with a seed" {
	seq 10000 >in
	assert_equal "$(wire --loss 0.1 <in | wc -l)" "$(wire --loss 10% <in | wc -l)"
	assert_equal "$(wire --loss 0.1 <in | wc -l)" 8991
	assert_equal "$(wire --loss 0 <in | cksum)" "$(cksum <in)"
	assert_equal "$(wire --loss 1 <in | wc -l)" 0
	assert_equal "$(wire --loss gilbert:0.01,0.1 <in | wc -l)" 9125
	assert_equal "$(wire --duplicate 0.1 <in | wc -l)" 10994
	assert_equal "$(wire --duplicate 1 <in | sort -n | uniq -c | awk '$1 != 2' | wc -l)" 0
	wire --corrupt 0.1 <in >out
	assert_equal "$(wc -l <out)" 10000
	assert_equal "$(diff --text in out | grep -ac '^>')" 1010
	wire --truncate 0.1 <in >out
	assert_equal "$(wc -l <out)" 10000
	assert_equal "$(diff --text in out | grep -ac '^>')" 990
}

@test "the same seed gives the same bytes, another one others" {
	seq 2000 >in
	for options in "--loss 0.2 --duplicate 0.2 --corrupt 0.1" "--reorder 0.2,100ms --loss 0.1" "--delay uniform:0ms,100ms"; do
		wire $options <in >a
		wire $options <in >b
		netfault --seed 8 $options <in >c
		if [[ $options == --loss* ]]; then
			cmp a b
		else
			cmp <(sort a) <(sort b)
		fi
		run ! cmp -s a c
	done
}

@test "a delay is waited for, and only that" {
	local before after
	before=$(date +%s%N)
	echo x | wire --delay 200ms
	after=$(date +%s%N)
	assert [ $((after - before)) -ge 200000000 ]
	echo x | wire --delay 50ms --trace t
	assert_equal "$(jq -c 'select(.event == "deliver").at' t)" $(($(jq 'select(.event == "send").at' t) + 50000000))
}

@test "reordered lines come later, and all come" {
	seq 2000 >in
	wire --reorder 0.1,50ms <in >out
	cmp <(sort out) <(sort in)
	run ! cmp -s in out
	# Most stay in order.
	assert [ "$(awk '$1 < last { n++ } { last = $1 } END { print n }' out)" -lt 400 ]
}

@test "a rate spaces lines out, and loses what its queue does not hold" {
	local before after
	before=$(date +%s%N)
	seq -f %099.0f 20 | wire --rate 80kbit | cmp - <(seq -f %099.0f 20)
	after=$(date +%s%N)
	# 2000 bytes at 10 kB a second.
	assert [ $((after - before)) -ge 180000000 ]
	# From a file: all there at once.
	seq -f %099.0f 100 >in
	assert_equal "$(wire --rate 800kbit,1K <in | wc -l)" "$(wire --rate 800kbit,1000 <in | wc -l)"
	assert [ "$(wire --rate 800kbit,1K <in | wc -l)" -lt 50 ]
}

# ---- links ----

@test "src and dest name the link: --link is for that alone" {
	for i in {1..100}; do
		message n1 n2 a
		message n2 n1 b
		echo '{"dest":"n2","src":"n1","body":{"type":"c"}}'
		echo '{"sr\u0063":"n1","dest":"n2","body":{"type":"d"}}'
		echo '{"src":"n1","dest":"n3","body":{"type":"e"}}'
		echo 'no message'
	done >in
	wire --link 'n1>n2:loss=1' <in >out
	assert_equal "$(grep -c '"b"' out) $(grep -c '"e"' out) $(grep -c 'no message' out) $(wc -l <out)" "100 100 100 300"
	wire --link 'n1<>n2:loss=1' <in >out
	assert_equal "$(wc -l <out)" 200
	wire --loss 1 --link 'n1>n2:loss=0' <in >out
	assert_equal "$(wc -l <out)" 300
}

@test "a star in a pattern stands for whoever speaks" {
	for to in n1 n2 n3; do message "n$to" "$to" a; done >in
	wire --link '*>n2:loss=1' <in >out
	assert_equal "$(grep -o '"dest":"[^"]*"' out | tr '\n' ' ')" '"dest":"n1" "dest":"n3" '
	wire --link 'n*<>n1:loss=1' <in >out
	assert_equal "$(wc -l <out)" 2
	echo '{"at":"0s","type":"link","link":"*>*","loss":1}' >plan
	wire --plan plan <in >out
	assert_equal "$(wc -l <out)" 0
}

@test "links draw for themselves: another one moves nothing" {
	seq -f '{"src":"n1","dest":"n2","body":{"type":"t%.0f"}}' 500 >one
	sed 'p; s/n1/n3/' one >both
	wire --loss 0.3 <one >a
	wire --loss 0.3 <both | grep '"n1"' >b
	cmp a b
}

# ---- plans ----

@test "a plan cuts the names that it speaks of" {
	echo '{"at":"0s","type":"partition","groups":[["n1"],["n2","n3"]],"one_way":true}' >plan
	{
		message n1 n2 a
		message n2 n1 b
		message n2 n3 c
		message n1 n4 d
		echo x
	} >in
	wire --plan plan <in >out
	assert_equal "$(grep -o '"type":"."\|^x' out | tr -d '\n')" '"type":"b""type":"c""type":"d"x'
}

@test "whom to cut off has to be named, and from whom: exit 2" {
	for order in '"type":"isolate","node":"n1"' '"type":"partition","groups":[["n1","n2"]]'; do
		echo "{\"at\":\"0s\",$order}" >plan
		run wire --plan plan </dev/null
		assert_failure 2
		assert_output "netfault: plan:1: without nodes there have to be groups, to be cut off from each other"
	done
}

# sent_in_time OPTION...: what is in `in` went in while the partition was there; what came is in `out`.
sent_in_time() {
	wire --plan plan --trace t "$@" <in >out
	[ "$(jq 'select(.event == "send").at' t)" -lt 500000000 ]
}

@test "--cut-at: a partition stops what arrives in it, or what is sent in it" {
	echo '{"at":"0s","type":"partition","groups":[["n1"],["n2"]],"for":"500ms"}' >plan
	message n1 n2 a >in
	eventually sent_in_time --delay 500ms --cut-at delivery
	cmp in out
	eventually sent_in_time --delay 500ms --cut-at send
	assert [ ! -s out ]
	eventually sent_in_time
	assert [ ! -s out ]
}

@test "--until ends it with exit 0, whatever is under way" {
	mkfifo held
	exec 5<>held
	echo x >&5
	run timeout 120 netfault --delay 1h --seed 1 --until 100ms <held 5>&-
	assert_success
	assert_output ""
}

# ---- trace and replay ----

@test "a replay gives the same bytes, at any time of day and with other options" {
	seq -f '{"src":"n1","dest":"n2","body":{"type":"t%.0f"}}' 300 | sed 'p; s/.*t\([0-9]*\).*/line \1/p; s/.*/{"src":"n2","dest":"n1"}/' >in
	wire --loss 0.2 --duplicate 0.2 --corrupt 0.1 --truncate 0.1 --trace t <in >a
	netfault --replay t --trace t2 <in >b
	cmp a b
	for event in send drop duplicate corrupt deliver; do
		cmp <(jq -c "select(.event == \"$event\") | del(.at)" t) <(jq -c "select(.event == \"$event\") | del(.at)" t2)
	done
	assert_equal "$(jq -r .seed t2 | head -n 1)" 7
}

@test "an edited trace is a valid replay" {
	seq 10 >in
	wire --loss 0.5 --trace t <in >a
	grep -v '"event":"drop"' t >edited
	netfault --replay edited <in | cmp - in
	jq -c 'if .event == "deliver" and .seq != 3 then .event = "drop" | .why = "loss" else . end' t >edited
	netfault --replay edited <in >b
	assert_equal "$(cat b)" "$(grep -x 3 a)"
}

@test "a wrong trace is exit 3 and names the line; one that is not there exit 4" {
	seq 10 | wire --loss 0.5 --trace t >a
	{ cat t; echo '{"at":1,"event":"send"}'; } >bad
	run --separate-stderr netfault --replay bad <a
	assert_failure 3
	assert_regex "$stderr" "^netfault: bad: line $(($(wc -l <t) + 1)): "
	run --separate-stderr netfault --replay none <a
	assert_failure 4
	assert_equal "$stderr" "netfault: cannot read 'none': No such file or directory"
}

@test "a trace that cannot be written is exit 4, told once" {
	run --separate-stderr netfault --trace /dev/full < <(seq 10000)
	assert_failure 4
	assert_equal "$stderr" "netfault: cannot write '/dev/full': No space left on device"
	assert_equal "$(wc -l <<<"$output")" 10000
	run --separate-stderr netfault --trace no/t </dev/null
	assert_failure 4
	assert_equal "$stderr" "netfault: cannot open 'no/t': No such file or directory"
}
