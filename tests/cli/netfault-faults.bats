#!/usr/bin/env bats
# netfault: faults of links, of the whole and of processes, in real time.

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

# A node that keeps all it is told in a file and says nothing, its stdout open.
keeper='exec cat 3>&1 >seen-{id}'

# ask TYPE MEMBERS: `net` is asked; its answer is `heard`.
asked=0
ask() {
	asked=$((asked + 1))
	tell "$(message c1 net "$1" "\"msg_id\":$asked${2:+,$2}")"
	hear
}

# reads NODE: it answers.
reads() {
	asked=$((asked + 1))
	tell "$(message c1 "$1" read "\"msg_id\":$asked")"
	hear
	assert_equal "$heard" "$(message "$1" c1 read_ok "\"in_reply_to\":$asked")"
}

faults_in_force() {
	ask links
	jq -c '.body.faults[] | del(.id)' <<<"$heard"
}

# count PATTERN FILE, 0 where it is not there
count() {
	grep -c -- "$1" "$2" 2>/dev/null || true
}

seen_at_least() {
	[ "$(count "$1" "$2")" -ge "$3" ]
}

# talk COUNT OPTION...: n1 says 200 lines to n2 at once, and so many arrive.
talk() {
	local count=$1
	shift
	seq -f '{"src":"n1","dest":"n2","body":{"type":"t%.0f"}}' 200 >script
	rm -f said seen-n2
	start --seed 5 --trace t "$@" -n n1='read -r init; cat script; touch said; exec cat >seen-n1' -n n2="$keeper"
	eventually [ -e said ]
	eventually seen_at_least '"t[0-9]' seen-n2 "$count"
	ask nodes
	ask nodes
	end
	assert_equal "$(count '"t[0-9]' seen-n2)" "$count"
	assert_equal "$(jq -r 'select(.event == "deliver" and .src == "n1" and .dest == "n2").seq' t | wc -l)" "$count"
}

# ---- links ----

@test "links between nodes have the faults, each as its seed says, and clients have none" {
	talk 97 --loss 0.5
	talk 400 --duplicate 1
	run --separate-stderr netfault --loss 1 --seed 1 --drain 60s -n 2 -- "$node" < <(message c1 n2 read '"msg_id":1')
	assert_output "$(message n2 c1 read_ok '"in_reply_to":1')"
}

@test "--client-links: clients have them too; a lost request is not waited for" {
	seq -f '{"src":"c1","dest":"n1","body":{"type":"read","msg_id":%.0f}}' 100 >in
	run --separate-stderr netfault --loss 0.2 --client-links --drain 60s --seed 1 -n 1 -- "$node" <in
	assert_success
	assert_equal "$stderr" ""
	assert_equal "${#lines[@]}" 57
	run --separate-stderr netfault --duplicate 1 --client-links --drain 60s --seed 1 -n 1 -- "$node" <in
	assert_equal "${#lines[@]}" 400
	run --separate-stderr timeout 300 netfault --loss 1 --client-links --drain 1h --seed 1 -n 1 -- "$node" <in
	assert_success
	assert_output ""
}

@test "at the end, what is under way to and from clients is waited for" {
	for i in {1..20}; do message c1 n1 read "\"msg_id\":$i"; done >in
	run --separate-stderr netfault --delay 150ms --client-links --drain 60s --seed 1 -n 1 -- "$node" <in
	assert_success
	assert_equal "${#lines[@]}" 20
	assert_equal "$stderr" ""
}

@test "--link: one way, both ways, by pattern" {
	talk 0 --link 'n1>n2:loss=1'
	talk 200 --link 'n2>n1:loss=1'
	talk 200 --loss 1 --link '*>n2:loss=0'
	run --separate-stderr timeout 300 netfault --link 'client>n1:loss=1' --drain 1h --seed 1 -n 2 -- "$node" < <(
		message c1 n1 read '"msg_id":1'; message c1 n2 read '"msg_id":2')
	assert_success
	assert_output "$(message n2 c1 read_ok '"in_reply_to":2')"
}

# ---- partitions ----

# Two nodes that say a line to each other every 10 ms.
chatter() {
	local id
	for id in 1 2; do
		message "n$id" "n$((3 - id))" t >"line-n$id"
	done
	start --seed 5 --trace t "$@" -n n1="$chatter" -n n2="$chatter"
}
chatter='read -r i; exec 4<&0; cat <&4 >seen-{id} & while cat line-{id}; do sleep 0.01; done'

# What was dropped for the partition was said in it, by SRC (a pattern), and nothing else was dropped.
assert_cut() {
	jq -s --arg src "$1" '
		(map(select(.event == "fault" and .fault.type == "partition")) | first.at) as $from |
		(map(select(.event == "fault" and .fault.type == "heal")) | first.at // 1e18) as $until |
		map(select((.event == "deliver" or .event == "drop") and .dest != "net" and (.src | test("^n[12]$")))) |
		all(.[]; (.event == "drop") == (.at >= $from and .at < $until and (.src | test($src))))' t | grep -qx true
}

@test "a partition loses what is said in it, and nothing before or after" {
	chatter
	eventually seen_at_least '"t"' seen-n2 3
	ask partition '"groups":[["n1"],["n2"]]'
	assert_equal "$heard" "$(message net c1 partition_ok "\"in_reply_to\":$asked,\"id\":1")"
	assert_equal "$(faults_in_force)" '{"type":"partition","groups":[["n1"],["n2"]]}'
	eventually seen_at_least '"src":"n1".*"why":"partition"' t 3
	eventually seen_at_least '"src":"n2".*"why":"partition"' t 3
	local before
	before=$(count '"t"' seen-n2)
	ask heal
	assert_equal "$(faults_in_force)" ""
	eventually seen_at_least '"t"' seen-n2 $((before + 3))
	end
	assert_equal "$status" 0
	assert_cut 'n[12]'
}

@test "one-way: the first group is not heard, and hears" {
	chatter
	eventually seen_at_least '"t"' seen-n2 1
	ask partition '"groups":[["n1"],["n2"]],"one_way":true'
	eventually seen_at_least '"src":"n1".*"why":"partition"' t 3
	local before
	before=$(count '"t"' seen-n1)
	eventually seen_at_least '"t"' seen-n1 $((before + 3))
	end
	assert_cut 'n1'
}

@test "a plan's times are kept, and what ends by its time is told" {
	echo '{"at":"100ms","type":"partition","groups":[["n1"],["n2"]],"for":"50ms"}
{"at":"200ms","type":"link","link":"n1>n2","loss":1}
{"at":"250ms","type":"heal"}' >plan
	chatter --plan plan
	eventually seen_at_least '"event":"fault"' t 4
	end
	assert_equal "$status" 0
	assert_equal "$(jq -c 'select(.event == "fault") | [.fault.type, .ends]' t | tr '\n' ' ')" \
		'["partition",null] ["heal",true] ["link",null] ["heal",null] '
	# In time, or as soon as there was time.
	jq -e -s 'map(select(.event == "fault").at) |
		.[0] >= 100000000 and .[1] >= 150000000 and .[2] >= 200000000 and .[3] >= 250000000' t
	# Each drop is behind the fault that it is for, and before its end.
	jq -r 'select(.event == "fault" or .event == "drop") | .why // .fault.type' t >order
	assert_equal "$(uniq order | tr '\n' ' ' | sed 's/partition partition/partition/; s/link loss/link/')" "partition heal link heal "
}

# ---- processes ----

@test "pause and resume: a paused node is not heard of, its clients are not held back, and then it answers" {
	start -n 2 -- "$node"
	reads n1
	ask pause '"node":"n1"'
	assert_equal "$heard" "$(message net c1 pause_ok "\"in_reply_to\":$asked,\"id\":1")"
	assert_equal "$(faults_in_force)" '{"type":"pause","node":"n1"}'
	# More than its pipe and the client's share of the queue hold.
	for i in {1..40}; do
		printf '{"src":"c2","dest":"n1","body":{"type":"t","text":"%0100000d"}}\n' 0 >&7
	done
	tell "$(message c1 n1 read '"msg_id":77')"
	reads n2
	ask resume '"node":"n1"'
	assert_equal "$(jq -r .body.type <<<"$heard")" resume_ok
	hear
	assert_equal "$heard" "$(message n1 c1 read_ok '"in_reply_to":77')"
	end
	assert_equal "$status" 0
	assert_equal "$(cat err)" ""
}

@test "a node that is paused at the end is continued, and ends as the others" {
	start -n n1='trap "echo ended >ended; exit 0" TERM; touch ready; while :; do sleep 0.01; done'
	eventually [ -e ready ]
	ask pause '"node":"n1"'
	end
	assert_equal "$status" 0
	assert_equal "$(cat ended)" ended
	assert_equal "$(count "killed\|did not end" err)" 0
}

@test "a pause ends by its time" {
	start -n 1 -- "$node"
	ask pause '"node":"n1","for":"100ms"'
	reads n1
	end
	assert_equal "$status" 0
}

@test "crash with for: the node starts again by itself; exit 0" {
	start --trace t -n 3 -- "$node"
	ask crash '"node":["n1","n2"],"for":"50ms"'
	assert_equal "$heard" "$(message net c1 crash_ok "\"in_reply_to\":$asked")"
	ask nodes
	eventually all_up
	reads n1
	reads n2
	end
	assert_equal "$status" 0
	assert_equal "$(jq -c 'select(.event == "start" or .event == "death") | [.event, .node, .signal, .asked]' t | sort | uniq -c | awk '{ print $1, $2 }' | tr '\n' ';')" \
		'1 ["death","n1",15,true];1 ["death","n1",9,true];1 ["death","n2",15,true];1 ["death","n2",9,true];1 ["death","n3",15,true];2 ["start","n1",null,null];2 ["start","n2",null,null];1 ["start","n3",null,null];'
	assert_nothing_left
}

all_up() {
	ask nodes
	[[ $heard == *'"down":[]'* ]]
}

@test "crash and restart of all that are drawn, or of all: answered when it is done" {
	start -n 3 -- "$node"
	ask crash '"node":"*"'
	assert_equal "$heard" "$(message net c1 crash_ok "\"in_reply_to\":$asked")"
	ask nodes
	assert_equal "$(jq -c .body.down <<<"$heard")" '["n1","n2","n3"]'
	ask restart '"node":"?2"'
	ask nodes
	assert_equal "$(jq '.body.down | length' <<<"$heard")" 1
	ask restart '"node":"*"'
	ask nodes
	assert_equal "$(jq -c .body.down <<<"$heard")" '[]'
	reads n1
	end
	assert_equal "$status" 0
}

@test "--heal-after ends what does not say when, --calm ends all and nothing begins after it" {
	start --heal-after 50ms -n 2 -- "$node"
	ask pause '"node":"n1"'
	ask partition '"groups":[["n1"],["n2"]]'
	ask link '"link":"n1>n2","loss":1'
	eventually nothing_in_force
	reads n1
	end
	start --seed 1 --loss 0.5 --link 'n1>n2:delay=1s' --nemesis all --every 20ms --calm 400ms --trace t -n 3 -- "$node"
	eventually seen_at_least '"fault":{"type":"calm"' t 1
	eventually nothing_in_force
	eventually all_up
	for i in 1 2 3; do reads "n$i"; done
	end
	assert_equal "$status" 0
	# The last that does not end another one.
	assert_equal "$(jq -r 'select(.event == "fault" and (.ends | not)).fault.type' t | tail -n 1)" calm
	assert [ "$(jq 'select(.event == "fault" and .fault.type == "calm").at' t)" -ge 400000000 ]
}

nothing_in_force() {
	[ -z "$(faults_in_force)" ]
}

@test "a nemesis does what it is told to, each of it ends, and the nodes live on" {
	start --seed 3 --nemesis partition,crash,pause --every 20ms --heal-after 50ms --trace t -n 5 -- "$node"
	eventually seen_at_least '"event":"fault"' t 40
	ask calm
	eventually all_up
	for i in 1 2 3 4 5; do reads "n$i"; done
	end
	assert_equal "$status" 0
	assert_equal "$(jq -r 'select(.event == "fault" and (.ends | not)).fault.type' t | sort -u | tr '\n' ' ')" "calm crash partition pause "
	# It is data for the trace; stderr is for what nobody asked for.
	assert_equal "$(grep -v "lines lost" err)" ""
	assert_nothing_left
}

# ---- what is wrong ----

@test "what cannot be is error 12 and changes nothing; a node may not order faults" {
	message n1 net partition '"groups":[["n1"],["n2"]]' >line
	start -n n1='read -r i; cat line; exec cat >seen-n1' -n n2="$node"
	for body in '"type":"partition","groups":[["n1"],["n9"]]' '"type":"pause","node":"n9"' '"type":"crash","node":"n9","for":"1s"' \
		'"type":"partition"' '"type":"link","link":"n1>n2"' '"type":"skew","node":"n1","offset":"1s"' '"type":"pause","node":"n1","for":"x"' \
		'"type":"pause","at":"1s","node":"n1"'; do
		tell "{\"src\":\"c1\",\"dest\":\"net\",\"body\":{$body,\"msg_id\":5}}"
		hear
		assert_equal "$(jq -c '[.body.type, .body.code, .body.in_reply_to]' <<<"$heard")" '["error",12,5]'
	done
	eventually [ -e seen-n1 ]
	assert_equal "$(faults_in_force)" ""
	end
	assert_equal "$status" 0
}

@test "an unknown node in a plan or a link, and a bad plan, are exit 2 with file and line" {
	printf '%s\n' '{"at":"1s","type":"heal"}' '' '{"at":"2s","type":"crash","node":"n4"}' >plan
	run --separate-stderr netfault --seed 1 --plan plan -n 3 -- "$node"
	assert_failure 2
	assert_equal "$stderr" "netfault: plan:3: there is no node 'n4'"
	echo '{"at":"1s","type":"heel"}' >plan
	run --separate-stderr netfault --seed 1 --plan plan -n 3 -- "$node"
	assert_failure 2
	assert_regex "$stderr" '^netfault: plan:1: .*heel'
	run --separate-stderr netfault --seed 1 --link 'n1>n7:loss=1' -n 3 -- "$node"
	assert_failure 2
	assert_equal "${stderr_lines[0]}" "netfault: --link 'n1>n7:loss=1': there is no node 'n7'"
	assert_nothing_left
}

@test "--until ends the run at its time, as the end of input does, with exit 0" {
	start --until 200ms --trace t -n 2 -- "$node"
	reap "$pid"
	assert_equal "$status" 0
	assert_equal "$(cat err)" ""
	assert_nothing_left
	jq -e 'select(.event == "end").at >= 200000000' t
}

@test "a client that sends more than a slow link holds is held back, and nothing is lost" {
	seq -f '{"src":"c1","dest":"n1","body":{"type":"t","text":"%.0f 0123456789012345678901234567890123456789"}}' 20000 >in
	run --separate-stderr netfault --seed 1 --delay 20ms --client-links --queue 1M -n n1="$keeper" \
		< <(cat in; eventually have 20001 seen-n1)
	assert_success
	assert_equal "$stderr" ""
	assert_equal "$(tail -n +2 seen-n1 | cksum)" "$(cksum <in)"
}
