#!/usr/bin/env bats
# Three to five real processes in their own time, killed, cut off, joined and removed while clients go on.

load store.bash

# Elections that nobody waits for: who leads is made so by hand, and what ends it is no timeout.
calm=(--election-timeout 6s-1000s --heartbeat 50ms)

make_leader() {
	if [ "$NODE" = raft-node ]; then
		# As a leader of term 1 would tell it.
		tell "$1" '{"type":"timeout_now","term":1,"leader_id":"n0"}' n0
	else
		# The first ballot comes early.
		cluster_wait_leader n1 n2 n3
		insist "$1" "{\"type\":\"transfer\",\"to\":\"$1\"}"
	fi
	cluster_wait_leader n1 n2 n3
	assert_equal "$leader" "$1"
}

# Two more that may be taken in.
outside=(-n "n8=exec '$bin/$NODE' --join" -n "n9=exec '$bin/$NODE' --join" --members n1,n2,n3)

# An election of its own would be a time of a second and more without a heartbeat.
steady=(--election-timeout 1s-2s --heartbeat 100ms)

@test "writes through any node; the leader is killed, and every one of them is read back from the others" {
	start 3
	cluster_wait_leader n1 n2 n3
	for i in {1..30}; do
		write "n$((i % 3 + 1))" "$i"
	done
	dead=$leader rest=("${followers[@]}")
	node_crash "$dead"
	write "${rest[0]}" 31
	for name in "${rest[@]}"; do
		assert_has "$name" {1..31}
	done
	write "${rest[1]}" 32
	node_restart "$dead"
	assert_has "$dead" {1..32}
	cluster_wait_leader n1 n2 n3
	for name in n1 n2 n3; do
		node_wait $name '.last_applied >= 32 and .commit_index == .last_index'
	done
}

@test "all are killed at once, and what was acknowledged is there" {
	start 3
	for round in 1 2 3; do
		write "n$round" "$round"1 "$round"2 "$round"3
		node_crash n1 n2 n3
		node_restart n1 n2 n3
		for ((i = 1; i <= round; i++)); do
			assert_has "n$i" "${i}1" "${i}2" "${i}3"
		done
	done
}

@test "a read at any node sees the latest write, through whichever that went" {
	start 3
	cluster_wait_leader n1 n2 n3
	for i in {1..60}; do
		insist "n$((i % 3 + 1))" "{\"type\":\"write\",\"key\":\"x\",\"value\":$i}"
		for name in n1 n2 n3; do
			insist $name '{"type":"read","key":"x"}'
			assert_equal "$name $answer" "$name {\"type\":\"read_ok\",\"value\":$i}"
		done
	done
}

@test "a node without a majority refuses with 11 or 0 and acknowledges nothing; stale reads go on" {
	start 3 --request-timeout 1s
	cluster_wait_leader n1 n2 n3
	write n1 1
	old=$leader
	net isolate "$old"
	for request in '{"type":"write","key":"k1","value":-1}' '{"type":"read","key":"k1"}' '{"type":"txn","txn":[["r","k1",null]]}' \
		'{"type":"list","prefix":""}' '{"type":"cas","key":"k1","from":1,"to":-1}' '{"type":"delete","key":"k1"}'; do
		ask "$old" "$request"
		assert_error 0 11
	done
	ask "$old" '{"type":"read","key":"k1","stale":true}'
	assert_equal "$answer" '{"type":"read_ok","value":1}'
	write "${followers[0]}" 2
	assert_has "${followers[0]}" 1 2
	# What the majority does not know it has not done, and the other learns what it missed.
	net heal
	assert_has "$old" 1 2
	cluster_wait_leader n1 n2 n3
	assert_has n1 1 2
	assert_has n2 1 2
	assert_has n3 1 2
}

@test "a follower that was cut off for long disturbs nobody when it is back" {
	start 3 "${steady[@]}"
	cluster_wait_leader n1 n2 n3
	write n1 1
	follower=${followers[0]}
	ask "$leader" '{"type":"status"}'
	term=$(jq -c '.term // .ballot' <<<"$answer")
	was=$leader
	net isolate "$follower"
	# It notices that nobody leads it.
	node_wait "$follower" '.leader == null'
	for i in {2..20}; do
		write "$was" "$i"
	done
	node_wait "$follower" '.role == "candidate"'
	net heal
	node_wait "$follower" ".leader == \"$was\" and .commit_index == .last_index and .last_index >= 20"
	ask "$was" '{"type":"status"}'
	assert_equal "$(jq -c '[.role, .term // .ballot]' <<<"$answer")" "[\"leader\",$term]"
}

@test "a fourth and a fifth node join, learn everything and vote: two of five may die" {
	start 3 -- "${outside[@]}"
	write n1 {1..10}
	for name in n8 n9; do
		ask $name '{"type":"status"}'
		assert_equal "$(jq -c '[.role, .voters]' <<<"$answer")" '["learner",[]]'
		insist n2 "{\"type\":\"join\",\"node\":\"$name\"}"
		assert_equal "$(jq -r .type <<<"$answer")" join_ok
		node_wait n1 ".voters | index(\"$name\")"
		node_wait $name ".voters | index(\"$name\")"
	done
	ask n1 '{"type":"status"}'
	assert_equal "$(jq -c '[(.voters | sort), .learners]' <<<"$answer")" '[["n1","n2","n3","n8","n9"],[]]'
	assert_has n8 {1..10}
	assert_has n9 {1..10}
	# Who has joined is asked no more.
	insist n3 '{"type":"join","node":"n9"}'
	assert_equal "$(jq -r .type <<<"$answer")" join_ok
	# The leader goes, and another.
	cluster_wait_leader n1 n2 n3 n8 n9
	rest=("${followers[@]:1}")
	node_crash "$leader"
	node_crash "${followers[0]}"
	write "${rest[2]}" 11
	assert_has "${rest[1]}" {1..11}
	# They know their cluster from their own disk.
	node_crash "${rest[2]}"
	node_restart "${rest[2]}"
	write "${rest[2]}" 12
	assert_has "${rest[0]}" {1..12}
}

@test "a node leaves and disturbs nobody after; the leader leaves and another takes over" {
	start 3 "${steady[@]}"
	write n1 1
	cluster_wait_leader n1 n2 n3
	gone=${followers[0]}
	insist "$leader" "{\"type\":\"leave\",\"node\":\"$gone\"}"
	assert_equal "$(jq -r .type <<<"$answer")" leave_ok
	node_wait "$leader" ".voters | length == 2"
	was=$leader other=${followers[1]}
	ask "$was" '{"type":"status"}'
	term=$(jq -c '.term // .ballot' <<<"$answer")
	for i in {2..30}; do
		write "$was" "$i"
	done
	ask "$was" '{"type":"status"}'
	assert_equal "$(jq -c '[.role, .term // .ballot]' <<<"$answer")" "[\"leader\",$term]"
	# Twice is once.
	insist "$was" "{\"type\":\"leave\",\"node\":\"$gone\"}"
	# The one that is left leads, alone.
	insist "$other" "{\"type\":\"leave\",\"node\":\"$was\"}"
	node_wait "$other" ".role == \"leader\" and .voters == [\"$other\"]"
	write "$other" 31
	assert_has "$other" {1..31}
}

@test "a node that left may join again" {
	start 3
	write n1 1
	cluster_wait_leader n1 n2 n3
	follower=${followers[0]}
	insist "$leader" "{\"type\":\"leave\",\"node\":\"$follower\"}"
	node_wait "$leader" '.voters | length == 2'
	write "$leader" 2
	insist "$leader" "{\"type\":\"join\",\"node\":\"$follower\"}"
	assert_equal "$(jq -r .type <<<"$answer")" join_ok
	node_wait "$leader" '.voters | length == 3'
	node_wait "$follower" '(.voters | length == 3) and .commit_index == .last_index'
	assert_has "$follower" 1 2
}

@test "the leadership is handed to the node that is named, and no write is lost by it" {
	start 3 "${calm[@]}"
	make_leader n1
	for to in n2 n3 n1 n2; do
		write n3 1
		insist n1 "{\"type\":\"transfer\",\"to\":\"$to\"}"
		assert_equal "$(jq -r .type <<<"$answer")" transfer_ok
		cluster_wait_leader n1 n2 n3
		assert_equal "$leader" $to
		write n3 2
		assert_has n2 1 2
	done
	# To whom leads already.
	insist n3 '{"type":"transfer","to":"n2"}'
	assert_equal "$(jq -r .type <<<"$answer")" transfer_ok
}

@test "a leader that gets SIGTERM hands over before it goes: nobody waits for an election" {
	start 3 "${calm[@]}"
	make_leader n1
	write n2 1
	kill -TERM "$(cat "$cluster_dir/n1.pid")"
	cluster_wait_leader n2 n3
	write n3 2
	assert_has n2 1 2
	ended() { [ "$(cluster_nodes)" = $'n2\nn3' ]; }
	eventually ended
	cluster_stop || true
	run node_log netfault
	assert_output --partial "'n1' was killed by signal 15"
}

@test "where the network says that the leader is gone, the others elect at once" {
	cluster_start 3 "$bin/$NODE" "${calm[@]}"
	make_leader n1
	write n2 1
	node_crash n1
	cluster_wait_leader n2 n3
	write n3 2
	assert_has n2 1 2
}

@test "a node that was away while the log was compacted is sent a snapshot, and goes on from there" {
	start 3 --snapshot-every 50 --segment-size 64K -- "${outside[@]}"
	cluster_wait_leader n1 n2 n3
	write n1 0
	follower=${followers[0]}
	node_crash "$follower"
	# A request as another may send it, long.
	pad=$(printf '%02000d' 0)
	for i in {1..300}; do
		insist "$leader" "{\"type\":\"write\",\"key\":\"k$((i % 40))\",\"value\":$((i % 40)),\"pad\":\"$pad\"}"
	done
	node_wait "$leader" '.snapshot_index > 200 and .first_index > 100'
	node_restart "$follower"
	node_wait "$follower" '.snapshot_index > 100 and .last_applied >= 300'
	assert_has "$follower" {0..39}
	write "$follower" 41
	node_crash "$follower"
	node_restart "$follower"
	assert_has "$follower" {0..39} 41
	# And so is one that joins.
	insist n1 '{"type":"join","node":"n8"}'
	node_wait n8 '.snapshot_index > 100 and (.voters | index("n8"))'
	assert_has n8 {0..39} 41
}

@test "a watch at a follower tells what happens anywhere, in the order of the log" {
	start 3
	cluster_wait_leader n1 n2 n3
	follower=${followers[0]}
	exec {watch}<>"/dev/tcp/127.0.0.1/${FAULTLINE_SERVER##*:}"
	echo "{\"src\":\"w\",\"dest\":\"$follower\",\"body\":{\"type\":\"watch\",\"msg_id\":1,\"prefix\":\"k\"}}" >&"$watch"
	read -r -t 30 -u "$watch" line
	assert_equal "$(jq -r .body.type <<<"$line")" watch_ok
	for i in {1..20}; do
		write "n$((i % 3 + 1))" "$i"
	done
	# A write that had no answer in time was asked again, and may have been done twice.
	last=
	for i in {1..20}; do
		seen=$last
		while [ "$seen" = "$last" ]; do
			read -r -t 30 -u "$watch" line
			seen=$(jq -c '[.body.type, .body.key, .body.value]' <<<"$line")
		done
		assert_equal "$seen" "[\"event\",\"k$i\",$i]"
		last=$seen
	done
}

@test "the longest request that a node takes reaches all the others, and blocks nothing behind it" {
	start 3 --line-max 100000
	cluster_wait_leader n1 n2 n3
	line='{"src":"c1","dest":"n1","body":{"type":"write","key":"x","msg_id":1,"value":"PAD"}}'
	pad=$(printf "%$((100000 - ${#line} + 3))s" | tr ' ' v)
	is_written() {
		tell n1 "{\"type\":\"write\",\"key\":\"x\",\"msg_id\":1,\"value\":\"$pad\"}" c1
		ask n1 '{"type":"read","key":"x"}' >/dev/null && ! is_error 0 11 20
	}
	eventually is_written || fail "${answer:0:200}"
	for name in n1 n2 n3; do
		node_wait $name '.last_applied == .commit_index and .keys == 1'
	done
	insist n2 '{"type":"write","key":"y","value":1}'
	assert_equal "$answer" '{"type":"write_ok"}'
}
