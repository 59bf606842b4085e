#!/usr/bin/env bats
# netfault: the trace of a network, and its replay.

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

# A network of three that answer and are asked, with all faults, recorded in `t`.
busy() {
	seq 300 | awk '{ printf "{\"src\":\"c1\",\"dest\":\"n%d\",\"body\":{\"type\":\"echo\",\"msg_id\":%d}}\n", $1 % 3 + 1, $1 }' >in
	run --separate-stderr netfault --seed 11 --client-links --drain 60s --trace t -n 3 "$@" -- "$node" <in
	assert_success
}

# Each message has one end a copy, after it was sent; numbers count up by link; times never fall.
assert_consistent() {
	jq -s -e '
		(map(.at // 0) | . == sort) and
		(map(select(.event == "send")) | group_by([.src, .dest]) | all(map(.seq) == [range(1; length + 1)])) and
		(map(select(.seq)) | group_by([.src, .dest, .seq]) | all(
			(.[0].event == "send") and (map(select(.event == "send")) | length == 1) and
			(map(select(.event == "duplicate")) | length) as $more |
			(map(select(.event == "deliver" or .event == "drop") | .copy // 1) | sort) as $ends |
			(if $more == 1 then $ends == [1, 2] else $ends == [1] end)))' t >/dev/null
}

@test "every message has its ends, and what arrived is what the trace says" {
	busy --loss 0.1 --duplicate 0.1 --delay exponential:5ms
	assert_consistent
	assert_equal "$(jq -r 'select(.event == "deliver" and .dest == "c1").seq' t | wc -l)" "${#lines[@]}"
	for event in send deliver drop duplicate start death end; do
		grep -q "\"event\":\"$event\"" t
	done
	assert_equal "$(jq -c 'select(.event == "end") | keys' t)" '["at","event"]'
	assert_equal "$(jq -r 'select(.why).why' t | sort -u)" loss
}

@test "the header says what was run, with which seed and options" {
	netfault --seed 4 --loss 0.1 --trace t -n 2 --link 'n1>n2:loss=0' -- "$node" x y </dev/null
	assert_equal "$(head -n 1 t | jq -c 'del(.version)')" \
		'{"trace":1,"seed":4,"lockstep":false,"command":["'"$node"'","x","y"],"nodes":["n1","n2"],"options":["--loss","0.1","--node","2","--link","n1>n2:loss=0"]}'
}

@test "messages stand in it as they were sent, and lines of net too" {
	netfault --trace t --drain 60s -n 1 -- "$node" < <(
		echo ' {"src":"c1", "dest":"n1","body":{"type":"read","msg_id":1.0e0 }} '
		message c1 net nodes '"msg_id":2')
	grep -qF '"message": {"src":"c1", "dest":"n1","body":{"type":"read","msg_id":1.0e0 }} }' t
	assert_equal "$(jq -r 'select(.event == "send") | .src + ">" + .dest + " " + .message.body.type' t | sort | tr '\n' ';')" \
		'c1>n1 read;c1>net nodes;n1>c1 read_ok;n1>net init_ok;net>c1 nodes_ok;net>n1 init;'
	assert_consistent
}

@test "what is for nobody, or for a node that is down, is dropped with that" {
	start --trace t -n 2 -- "$node"
	tell "$(message c1 net crash '"msg_id":1,"node":"n1"')"
	hear
	tell "$(message c1 n1 read '"msg_id":2')"
	tell "$(message c1 n9 read '"msg_id":3')"
	tell "$(message c1 '*' read '"msg_id":4')"
	hear
	end
	assert_equal "$(jq -c 'select(.event == "drop") | [.dest, .why]' t | tr '\n' ' ')" '["n1","down"] ["n9","nobody"] '
	assert_equal "$(jq -c 'select(.event == "send" and .message.body.msg_id == 4).dest' t)" '"n2"'
	assert_consistent
	assert_equal "$(grep lost err)" "netfault: lines lost: 1 for nobody, 1 for nodes that were down"
}

# The fates of those messages that are in both, by link and number.
fates() {
	jq -c 'select(.event == "drop" or .event == "duplicate" or .event == "corrupt") | select(.src != "net" and .dest != "net") |
		[.src, .dest, .seq, .event, .copy, .why]' "$1" | sort
}

@test "a replay with nodes repeats the fates by link and number" {
	busy --loss 0.2 --duplicate 0.1 --delay uniform:0ms,3ms
	mv t first
	run --separate-stderr netfault --replay first --drain 1s --trace t -n 3 -- "$node" <in
	assert_success
	assert_consistent
	# Nothing but what the first run lost is lost, and of what both sent all of it.
	fates first >a
	fates t >b
	assert [ -s b ]
	assert_equal "$(comm -13 a b)" ""
	jq -c 'select(.event == "send") | [.src, .dest, .seq]' t | sort >sent
	comm -23 a b | jq -c '.[0:3]' | sort -u | comm -12 - sent >missing
	assert_equal "$(cat missing)" ""
}

# until_faults COUNT TRACE OPTION...: goes on until so many faults have begun or ended.
until_faults() {
	faults_there() { [ "$(grep -cs '"event":"fault"' "$2")" -ge "$1" ]; }
	start --trace "${@:2}"
	eventually faults_there "$1" "$2"
	end
}

@test "the faults of a trace are a replay's plan, at their times" {
	echo '{"at":"20ms","type":"partition","shape":"halves","for":"30ms"}
{"at":"30ms","type":"pause","node":"?","for":"60ms"}
{"at":"130ms","type":"crash","node":"?","for":"30ms"}' >plan
	until_faults 6 t --seed 5 --plan plan -n 4 -- "$node"
	until_faults 6 t2 --replay t -n 4 -- "$node"
	assert_equal "$(jq -c 'select(.event == "fault")' t | wc -l)" 6
	for i in t t2; do
		jq -c 'select(.event == "fault") | del(.at)' $i | sort >faults-$i
		jq -c 'select(.event == "fault" and (.ends | not)).at' $i >at-$i
	done
	cmp faults-t faults-t2
	# At their times, or as soon as there was time.
	paste at-t at-t2 | awk '$2 < $1 { exit 1 }'
}

@test "a trace of other nodes is no replay for these" {
	echo '{"at":"1ms","type":"crash","node":"n4"}' >plan
	until_faults 1 t --seed 1 --plan plan -n 4 -- "$node"
	run --separate-stderr netfault --replay t -n 3 -- "$node" </dev/null
	assert_failure 3
	assert_equal "$stderr" "netfault: t: its fault 1: there is no node 'n4'"
	assert_nothing_left
}

@test "a trace that cannot be written is told once, and is exit 4 at the end" {
	run --separate-stderr netfault --trace /dev/full --drain 60s -n 1 -- "$node" < <(message c1 n1 read '"msg_id":1'; sleep 1.2)
	assert_failure 4
	assert_equal "$stderr" "netfault: cannot write '/dev/full': No space left on device"
	assert_output "$(message n1 c1 read_ok '"in_reply_to":1')"
	run --separate-stderr netfault --trace none/t -n 1 -- "$node" </dev/null
	assert_failure 4
	assert_equal "$stderr" "netfault: cannot open 'none/t': No such file or directory"
	assert_nothing_left
}

@test "a signal leaves a whole trace" {
	start --trace t -n 2 -- "$node"
	tell "$(message c1 n1 read '"msg_id":1')"
	hear
	kill -TERM "$pid"
	end
	assert_equal "$status" 143
	assert_equal "$(tail -n 1 t | jq -r .event)" end
	assert_equal "$(jq -r 'select(.event == "death").node' t | sort | tr '\n' ' ')" "n1 n2 "
}
