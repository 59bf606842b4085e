#!/usr/bin/env bats
# Lockstep: time comes from the lines alone, each is followed by one `idle`, and a node is a function of its input.

load node.bash

setup() {
	node_setup
}

teardown() {
	node_teardown
}

# A cluster of one, a second of it: writes, reads, a snapshot, a status, bad lines, ticks.
busy_second() {
	local i
	at 1 c1 '{"type":"read","msg_id":1,"key":"x"}'
	for i in {1..40}; do
		at $((i * 25)) net '{"type":"tick"}'
		at $((i * 25 + 1)) c1 '{"type":"txn","msg_id":'"$i"',"txn":[["append","l",'"$i"'],["r","l",null]],"session":"s","seq":'"$((i / 2))"'}'
		at $((i * 25 + 2)) c2 '{"type":"list","msg_id":'"$i"',"prefix":""}'
		at $((i * 25 + 3)) c2 '{"type":"status","msg_id":'"$((i + 100))"'}'
		echo '{"src":"c1","dest'
		((i != 30)) || at $((i * 25 + 4)) c3 '{"type":"snapshot","msg_id":7}'
		((i != 10)) || at $((i * 25 + 4)) c3 '{"type":"watch","msg_id":8,"prefix":"l"}'
	done
}

@test "the same lines give the same bytes, twice, on disk and without" {
	busy_second >input
	"$NODE" "${alone[@]}" --lockstep --seed 7 --data a <input >one 2>err.one
	sleep 0.1
	"$NODE" "${alone[@]}" --lockstep --seed 7 --data b <input >two 2>err.two
	"$NODE" "${alone[@]}" --lockstep --seed 7 --volatile <input >three 2>/dev/null
	cmp one two
	diff err.one err.two
	grep -v counters one | diff - <(grep -v counters three)
	[ "$(grep -c txn_ok one)" -gt 10 ]
	# And the same log.
	cat a/*.log | grep . >log.a
	cat b/*.log | grep . | diff log.a -
	# The second life of the directory is a function, too.
	"$NODE" "${alone[@]}" --lockstep --seed 7 --data a <input >one 2>err.one
	"$NODE" "${alone[@]}" --lockstep --seed 7 --data b <input >two 2>err.two
	cmp one two
}

@test "the environment says --lockstep and --seed as well as the options do" {
	busy_second >input
	"$NODE" "${alone[@]}" --volatile --lockstep --seed 7 <input >one 2>/dev/null
	FAULTLINE_LOCKSTEP=1 FAULTLINE_SEED=7 "$NODE" "${alone[@]}" --volatile <input >two 2>/dev/null
	cmp one two
}

@test "the pace at which lines come changes nothing" {
	busy_second >input
	"$NODE" "${alone[@]}" --lockstep --volatile --seed 1 <input >one 2>/dev/null
	{ head -n 20 input && sleep 0.7 && tail -n +21 input | head -c 777 && sleep 0.3 && tail -n +21 input | tail -c +778; } |
		"$NODE" "${alone[@]}" --lockstep --volatile --seed 1 >two 2>/dev/null
	cmp one two
}

@test "idle comes once for every line, last, whatever the line is" {
	start_node --id n1 --nodes n1,n2,n3 --volatile --lockstep --line-max 1500
	while IFS= read -r line; do
		echo "${line:0:100}"
		tell "$line"
		while hear; do
			[[ ! $heard =~ \"type\":\"idle\" ]] || break
		done
		run jq -c '[.src, .dest, (keys | length), .body.type, (.body | keys), (.body.wake | type)]' <<<"$heard"
		assert_output '["n1","net",3,"idle",["type","wake"],"number"]'
		# Nothing may follow: the next line would find it first.
		if read -r -t 0.02 heard <&8; then fail "after idle: $heard"; fi
	done <<-END
		$(at 1 c1 '{"type":"read","msg_id":1,"key":"x"}')
		$(at 1 net '{"type":"tick"}')
		garbage
		{"src":"c1"
		{"src":"c1","dest":"n1"}
		{"src":"c1","dest":"n1","at":2000000,"body":{"type":"read"}}
		{"src":"c1","dest":"n2","at":2000000,"body":{"type":"read","msg_id":2,"key":"x"}}
		{"src":"c1","dest":"n1","body":{"type":"status","msg_id":3}}
		{"src":"c1","dest":"n1","at":"soon","body":{"type":"status","msg_id":4}}
		{"src":"c1","dest":"n1","at":-5,"body":{"type":"status","msg_id":4}}
		{"src":"c1","dest":"n1","at":1000000,"body":{"type":"status","msg_id":5}}
		$(at 3 c1 '{"type":"xyzzy","msg_id":6}')
		$(at 3 n2 '{"type":"request_vote"}')
		$(at 3 n2 '{"type":"prepare"}')
		$(at 3 c1 '{"type":"write","msg_id":7,"key":"x","value":"'"$(printf '%02000d' 0)"'"}')
		$(at 3 net '{"type":"peer_down","node":"n2"}')
		$(at 4 net '{"type":"init","msg_id":8,"node_id":"n1","node_ids":["n1","n2","n3"]}')
		$(at 5000 net '{"type":"tick"}')
		$(at 5000 net '{"type":"tick"}')
	END
	# A line that is empty is a line.
	tell ''
	hear
	assert_regex "$heard" '"type":"idle"'
}

@test "before init a node in lockstep is idle after each line, too" {
	start_node --volatile --lockstep
	at 1 c1 '{"type":"status","msg_id":1}' >&7
	while hear; do
		[[ ! $heard =~ \"type\":\"idle\" ]] || break
	done
	at 2 net '{"type":"init","msg_id":2,"node_id":"n1","node_ids":["n1","n2"]}' >&7
	hear_answer 2
	hear
	assert_regex "$heard" '"type":"idle","wake":[0-9]+'
}

# The wake of the last idle, in ns.
wake_after() {
	tail -n 1 | jq .body.wake
}

@test "an election is due within the election timeout, at the very time that idle names and not before" {
	local member=(--id n1 --nodes n1,n2,n3 --volatile --lockstep)
	for seed in 1 2 3 4 5; do
		{ at 0 net '{"type":"tick"}' && born 0 n1 --id n1 --nodes n1,n2,n3 --seed $seed; } >input
		wake=$("$NODE" "${member[@]}" --seed $seed <input 2>/dev/null | wake_after)
		((wake > 0 && wake <= 300000000)) || fail "seed $seed: $wake"
		for ((i = 0; i < 50; i++)); do
			at 0 net '{"type":"tick"}'
		done >>input
		echo '{"src":"net","dest":"n1","at":'"$((wake - 1))"',"body":{"type":"tick"}}' >>input
		"$NODE" "${member[@]}" --seed $seed <input >output 2>/dev/null
		assert_equal "$(grep -v -c '"type":"idle"\|"type":"hello"' output)" 0
		assert_equal "$(wake_after <output)" "$wake"
		echo '{"src":"net","dest":"n1","at":'"$wake"',"body":{"type":"tick"}}' >>input
		"$NODE" "${member[@]}" --seed $seed <input >output 2>/dev/null
		assert_equal "$(jq -r 'select(.body.type != "idle" and .body.type != "hello") | .dest' output | sort)" $'n2\nn3'
	done
}

@test "seeds differ, and so do nodes of one seed" {
	at 0 net '{"type":"tick"}' >input
	for node in n1 n2 n3; do
		for seed in 1 2 3 4; do
			{ sed "s/\"dest\":\"n1\"/\"dest\":\"$node\"/" input && born 0 $node --id $node --nodes n1,n2,n3 --seed $seed; } |
				"$NODE" --id $node --nodes n1,n2,n3 --volatile --lockstep --seed $seed 2>/dev/null | wake_after
		done
	done | sort -u >wakes
	[ "$(wc -l <wakes)" -ge 11 ]
}

@test "time is that of the lines: an hour of them passes in a moment, and no time without them" {
	start_node "${alone[@]}" --volatile --lockstep --request-timeout 1s
	sleep 0.5
	at 0 net '{"type":"tick"}' >&7
	hear
	assert_equal "$(jq '.body.wake <= 300000000' <<<"$heard")" true
	at 3600000 c1 '{"type":"write","msg_id":1,"key":"x","value":1}' >&7
	hear_answer 1
	assert_equal "$(jq -r .body.type <<<"$heard")" write_ok
}

@test "a request times out by the time of the lines" {
	{
		at 0 c1 '{"type":"write","msg_id":1,"key":"x","value":1}'
		at 1999 net '{"type":"tick"}'
		at 2000 net '{"type":"tick"}'
	} >input
	"$NODE" --id n1 --nodes n1,n2 --volatile --lockstep --request-timeout 2s <input 2>/dev/null |
		awk '/"type":"idle"/ { n++ } /"dest":"c1"/ { print n + 1 }' >lines
	assert_equal "$(cat lines)" 3
}

# ---- three nodes ----

# Six seconds of three nodes: clients at each, a crash, a restart, a partition; then what each of them knows.
troubled() {
	local i
	for i in {1..60}; do
		echo "$((i * 100)) send c$((i % 3 + 1)) n$((i % 3 + 1)) {\"type\":\"txn\",\"msg_id\":$i,\"txn\":[[\"append\",\"l\",$i]]}"
	done
	echo '1550 kill n2'
	echo '2550 start n2'
	echo '3550 isolate n3'
	echo '4550 heal'
	echo '29000 send c9 n1 {"type":"read","msg_id":901,"key":"l"}'
	echo '29000 send c9 n2 {"type":"read","msg_id":902,"key":"l"}'
	echo '29000 send c9 n3 {"type":"read","msg_id":903,"key":"l"}'
	echo '36000 send c9 n3 {"type":"status","msg_id":904}'
}

# network SEED LOSS DUPLICATE DIRECTORY
network() {
	mkdir "$4"
	troubled | sort -n -s -k1,1 | (cd "$4" && lockstep --seed "$1" --loss "$2" --duplicate "$3" --trace trace n1 n2 n3 -- \
		"$NODE" --id '{id}' --nodes n1,n2,n3 --data '{id}' >out 2>err)
}

@test "three nodes in virtual time: one seed, one history, to the byte" {
	network 3 10 5 a
	network 3 10 5 b
	cmp a/trace b/trace
	cmp a/out b/out
	network 4 10 5 c
	if cmp -s a/trace c/trace; then fail "seeds 3 and 4 give the same"; fi
}

# The three agree in the end, every append that was acknowledged is there, and none is there twice.
assert_agreement() {
	jq -r 'select(.body.type == "read_ok") | .body.value | map(tostring) | join(" ")' "$1/out" >lists
	assert_equal "$(wc -l <lists)" 3
	assert_equal "$(sort -u lists | wc -l)" 1
	head -n 1 lists | tr ' ' '\n' | sort >applied
	assert_equal "$(uniq -d applied)" ""
	jq -r 'select(.body.type == "txn_ok") | .body.txn[0][2]' "$1/out" | sort >acknowledged
	[ "$(wc -l <acknowledged)" -gt 20 ]
	assert_equal "$(comm -23 acknowledged applied)" ""
}

@test "whatever the seed and the losses, the three agree, and every append that was acknowledged is there once" {
	for seed in {1..6}; do
		echo "seed $seed"
		network "$seed" $((seed * 5)) 0 "$seed"
		assert_agreement "$seed"
	done
}

@test "a line that comes twice does no harm: a request that one node sent on to another is not applied twice" {
	for seed in {1..4}; do
		echo "seed $seed"
		network "$seed" 0 25 "$seed"
		assert_agreement "$seed"
	done
}

@test "a request of the longest line that is taken reaches the others, too, also when it is sent on; and so does the next" {
	line='{"src":"c1","dest":"n1","at":3000000000,"body":{"type":"write","msg_id":1,"key":"k1","value":"PAD"}}'
	pad=$(head -c $((65536 - ${#line} + 3)) /dev/zero | tr '\0' v)
	lockstep --until 20000 n1 n2 n3 -- "$NODE" --id '{id}' --nodes n1,n2,n3 --volatile --line-max 64K >out 2>err <<-END
		3000 send c1 leader {"type":"write","msg_id":1,"key":"k1","value":"$pad"}
		5000 send c1 follower {"type":"write","msg_id":2,"key":"k2","value":"$pad"}
		7000 send c1 leader {"type":"write","msg_id":3,"key":"k3","value":"$pad$pad"}
		8000 send c1 leader {"type":"write","msg_id":4,"key":"k4","value":4}
		9000 send c1 n1 {"type":"list","msg_id":5,"prefix":"k"}
		9000 send c1 n2 {"type":"list","msg_id":6,"prefix":"k"}
		9000 send c1 n3 {"type":"list","msg_id":7,"prefix":"k"}
	END
	jq -c '[.body.in_reply_to, .body.type, .body.code, [.body.items[]?[0]]]' out | sort | diff - <(cat <<-'END'
		[1,"write_ok",null,[]]
		[2,"write_ok",null,[]]
		[3,"error",12,[]]
		[4,"write_ok",null,[]]
		[5,"list_ok",null,["k1","k2","k4"]]
		[6,"list_ok",null,["k1","k2","k4"]]
		[7,"list_ok",null,["k1","k2","k4"]]
	END
	)
}
