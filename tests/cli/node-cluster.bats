#!/usr/bin/env bats
# Three to five real processes in their own time, killed, cut off, joined and removed while clients go on.

load cluster.bash

setup() {
	node_setup
}

teardown() {
	node_teardown
}

# write NODE N...: keys kN, each until it is acknowledged.
write() {
	local n
	for n in "${@:2}"; do
		insist "$1" "{\"type\":\"write\",\"key\":\"k$n\",\"value\":$n}"
		assert_equal "$answer" '{"type":"write_ok"}'
	done
}

assert_has() {
	local n
	for n in "${@:2}"; do
		insist "$1" "{\"type\":\"read\",\"key\":\"k$n\"}"
		assert_equal "$1 $answer" "$1 {\"type\":\"read_ok\",\"value\":$n}"
	done
}

# Elections that nobody waits for: who leads is made so by hand, and what ends it is no timeout.
calm=(--election-timeout 6s-1000s --heartbeat 50ms)

make_leader() {
	if [ "$protocol" = raft ]; then
		# As a leader of term 1 would tell it.
		tell "{\"src\":\"n0\",\"dest\":\"$1\",\"body\":{\"type\":\"timeout_now\",\"term\":1,\"leader_id\":\"n0\"}}"
		wait_for_leader "${members[@]}"
	else
		# The first ballot comes early.
		wait_for_leader "${members[@]}"
		insist "$1" "{\"type\":\"transfer\",\"to\":\"$1\"}"
		wait_for_leader "${members[@]}"
	fi
	assert_equal "$leader" "$1"
}

# An election of its own would be a time of a second and more without a heartbeat.
steady=(--election-timeout 1s-2s --heartbeat 100ms)

@test "writes through any node; the leader is killed, and every one of them is read back from the others" {
	start_cluster n1 n2 n3
	wait_for_leader n1 n2 n3
	for i in {1..30}; do
		write "n$((i % 3 + 1))" "$i"
	done
	dead=$leader
	kill_node "$dead"
	assert_equal $status 137
	rest=()
	for name in n1 n2 n3; do
		[ $name = "$dead" ] || rest+=($name)
	done
	write "${rest[0]}" 31
	for name in "${rest[@]}"; do
		assert_has "$name" {1..31}
	done
	write "${rest[1]}" 32
	restart_node "$dead"
	assert_has "$dead" {1..32}
	wait_for_leader n1 n2 n3
	for name in n1 n2 n3; do
		eventually status_is $name '.last_applied >= 32 and .commit_index == .last_index' || fail "$answer"
	done
}

@test "all are killed at once, and what was acknowledged is there" {
	start_cluster n1 n2 n3
	for round in 1 2 3; do
		write "n$round" "$round"1 "$round"2 "$round"3
		for name in n1 n2 n3; do
			kill -KILL "${pid_of[$name]}"
		done
		for name in n1 n2 n3; do
			reap "${pid_of[$name]}"
			restart_node $name
		done
		for ((i = 1; i <= round; i++)); do
			assert_has "n$i" "${i}1" "${i}2" "${i}3"
		done
	done
}

@test "a read at any node sees the latest write, through whichever that went" {
	start_cluster n1 n2 n3
	wait_for_leader n1 n2 n3
	for i in {1..60}; do
		insist "n$((i % 3 + 1))" "{\"type\":\"write\",\"key\":\"x\",\"value\":$i}"
		for name in n1 n2 n3; do
			insist $name '{"type":"read","key":"x"}'
			assert_equal "$name $answer" "$name {\"type\":\"read_ok\",\"value\":$i}"
		done
	done
}

@test "a node without a majority refuses with 11 or 0 and acknowledges nothing; stale reads go on" {
	start_cluster n1 n2 n3 -- --request-timeout 1s
	wait_for_leader n1 n2 n3
	write n1 1
	old=$leader
	cut_off "$old"
	for request in '{"type":"write","key":"k1","value":-1}' '{"type":"read","key":"k1"}' '{"type":"txn","txn":[["r","k1",null]]}' \
		'{"type":"list","prefix":""}' '{"type":"cas","key":"k1","from":1,"to":-1}' '{"type":"delete","key":"k1"}'; do
		ask_at "$old" "$request"
		assert_error '0|11'
	done
	ask_at "$old" '{"type":"read","key":"k1","stale":true}'
	assert_equal "$answer" '{"type":"read_ok","value":1}'
	pick_follower n1 n2 n3
	leader=$old
	pick_follower n1 n2 n3
	write "$follower" 2
	assert_has "$follower" 1 2
	# What the majority does not know it has not done, and the other learns what it missed.
	heal
	assert_has "$old" 1 2
	wait_for_leader n1 n2 n3
	assert_has n1 1 2
	assert_has n2 1 2
	assert_has n3 1 2
}

@test "a follower that was cut off for long disturbs nobody when it is back" {
	start_cluster n1 n2 n3 -- "${steady[@]}"
	wait_for_leader n1 n2 n3
	write n1 1
	pick_follower n1 n2 n3
	ask_at "$leader" '{"type":"status"}'
	term=$(jq -c '.term // .ballot' <<<"$answer")
	was=$leader
	cut_off "$follower"
	# It notices that nobody leads it.
	eventually status_is "$follower" '.leader == null'
	for i in {2..20}; do
		write "$was" "$i"
	done
	eventually status_is "$follower" '.role == "candidate"'
	heal
	eventually status_is "$follower" ".leader == \"$was\" and .commit_index == .last_index and .last_index >= 20" || fail "$answer"
	ask_at "$was" '{"type":"status"}'
	assert_equal "$(jq -c '[.role, .term // .ballot]' <<<"$answer")" "[\"leader\",$term]"
}

@test "a fourth and a fifth node join, learn everything and vote: two of five may die" {
	start_cluster n1 n2 n3
	write n1 {1..10}
	for name in n8 n9; do
		start_member $name --join
		ask_at $name '{"type":"status"}'
		assert_equal "$(jq -c '[.role, .voters]' <<<"$answer")" '["learner",[]]'
		insist n2 "{\"type\":\"join\",\"node\":\"$name\"}"
		assert_equal "$(jq -r .type <<<"$answer")" join_ok
		eventually status_is n1 ".voters | index(\"$name\")" || fail "$answer"
		eventually status_is $name ".voters | index(\"$name\")" || fail "$answer"
	done
	ask_at n1 '{"type":"status"}'
	assert_equal "$(jq -c '[(.voters | sort), .learners]' <<<"$answer")" '[["n1","n2","n3","n8","n9"],[]]'
	assert_has n8 {1..10}
	assert_has n9 {1..10}
	# Who has joined is asked no more.
	insist n3 '{"type":"join","node":"n9"}'
	assert_equal "$(jq -r .type <<<"$answer")" join_ok
	# The leader goes, and another.
	wait_for_leader n1 n2 n3 n8 n9
	pick_follower n1 n2 n3 n8 n9
	rest=()
	for name in n1 n2 n3 n8 n9; do
		if [ $name = "$leader" ] || [ $name = "$follower" ]; then kill_node $name; else rest+=($name); fi
	done
	write "${rest[2]}" 11
	assert_has "${rest[1]}" {1..11}
	# They know their cluster from their own disk.
	kill_node "${rest[2]}"
	restart_node "${rest[2]}"
	write "${rest[2]}" 12
	assert_has "${rest[0]}" {1..12}
}

@test "a node leaves and disturbs nobody after; the leader leaves and another takes over" {
	start_cluster n1 n2 n3 -- "${steady[@]}"
	write n1 1
	wait_for_leader n1 n2 n3
	pick_follower n1 n2 n3
	gone=$follower
	insist "$leader" "{\"type\":\"leave\",\"node\":\"$gone\"}"
	assert_equal "$(jq -r .type <<<"$answer")" leave_ok
	eventually status_is "$leader" ".voters | length == 2" || fail "$answer"
	left=()
	for name in n1 n2 n3; do
		[ $name = "$gone" ] || left+=($name)
	done
	was=$leader
	ask_at "$was" '{"type":"status"}'
	term=$(jq -c '.term // .ballot' <<<"$answer")
	for i in {2..30}; do
		write "$was" "$i"
	done
	ask_at "$was" '{"type":"status"}'
	assert_equal "$(jq -c '[.role, .term // .ballot]' <<<"$answer")" "[\"leader\",$term]"
	# Twice is once.
	insist "$was" "{\"type\":\"leave\",\"node\":\"$gone\"}"
	# The one that is left leads, alone.
	other=${left[0]}
	[ "$other" != "$was" ] || other=${left[1]}
	insist "$other" "{\"type\":\"leave\",\"node\":\"$was\"}"
	eventually status_is "$other" ".role == \"leader\" and .voters == [\"$other\"]" || fail "$answer"
	write "$other" 31
	assert_has "$other" {1..31}
}

@test "a node that left may join again" {
	start_cluster n1 n2 n3
	write n1 1
	wait_for_leader n1 n2 n3
	pick_follower n1 n2 n3
	insist "$leader" "{\"type\":\"leave\",\"node\":\"$follower\"}"
	eventually status_is "$leader" '.voters | length == 2'
	write "$leader" 2
	insist "$leader" "{\"type\":\"join\",\"node\":\"$follower\"}"
	assert_equal "$(jq -r .type <<<"$answer")" join_ok
	eventually status_is "$leader" '.voters | length == 3' || fail "$answer"
	eventually status_is "$follower" '(.voters | length == 3) and .commit_index == .last_index'
	assert_has "$follower" 1 2
}

@test "the leadership is handed to the node that is named, and no write is lost by it" {
	start_cluster n1 n2 n3 -- "${calm[@]}"
	make_leader n1
	for to in n2 n3 n1 n2; do
		write n3 1
		insist n1 "{\"type\":\"transfer\",\"to\":\"$to\"}"
		assert_equal "$(jq -r .type <<<"$answer")" transfer_ok
		wait_for_leader n1 n2 n3
		assert_equal "$leader" $to
		write n3 2
		assert_has n2 1 2
	done
	# To whom leads already.
	insist n3 '{"type":"transfer","to":"n2"}'
	assert_equal "$(jq -r .type <<<"$answer")" transfer_ok
}

@test "a leader that gets SIGTERM hands over before it goes: nobody waits for an election" {
	start_cluster n1 n2 n3 -- "${calm[@]}"
	make_leader n1
	write n2 1
	kill_node n1 TERM
	assert_equal $status 143
	wait_for_leader n2 n3
	write n3 2
	assert_has n2 1 2
}

@test "where the network says that the leader is gone, the others elect at once" {
	start_cluster n1 n2 n3 -- "${calm[@]}"
	make_leader n1
	write n2 1
	kill_node n1
	for name in n2 n3; do
		tell "{\"src\":\"net\",\"dest\":\"$name\",\"body\":{\"type\":\"peer_down\",\"node\":\"n1\"}}"
	done
	wait_for_leader n2 n3
	write n3 2
	assert_has n2 1 2
}

@test "a node that was away while the log was compacted is sent a snapshot, and goes on from there" {
	start_cluster n1 n2 n3 -- --snapshot-every 50 --segment-size 64K
	wait_for_leader n1 n2 n3
	write n1 0
	pick_follower n1 n2 n3
	kill_node "$follower"
	# A request as another may send it, long.
	pad=$(printf '%02000d' 0)
	for i in {1..300}; do
		insist "$leader" "{\"type\":\"write\",\"key\":\"k$((i % 40))\",\"value\":$((i % 40)),\"pad\":\"$pad\"}"
	done
	eventually status_is "$leader" '.snapshot_index > 200 and .first_index > 100' || fail "$answer"
	restart_node "$follower"
	eventually status_is "$follower" '.snapshot_index > 100 and .last_applied >= 300' || fail "$answer"
	assert_has "$follower" {0..39}
	write "$follower" 41
	kill_node "$follower"
	restart_node "$follower"
	assert_has "$follower" {0..39} 41
	# And so is one that joins.
	start_member n8 --join
	insist n1 '{"type":"join","node":"n8"}'
	eventually status_is n8 '.snapshot_index > 100 and (.voters | index("n8"))' || fail "$answer"
	assert_has n8 {0..39} 41
}

@test "a watch at a follower tells what happens anywhere, in the order of the log" {
	start_cluster n1 n2 n3
	wait_for_leader n1 n2 n3
	pick_follower n1 n2 n3
	overheard=()
	tell "{\"src\":\"w\",\"dest\":\"$follower\",\"body\":{\"type\":\"watch\",\"msg_id\":9000,\"prefix\":\"k\"}}"
	hear_answer 9000
	assert_equal "$(jq -r .body.type <<<"$heard")" watch_ok
	for i in {1..20}; do
		write "n$((i % 3 + 1))" "$i"
	done
	assert_has "$follower" 20
	run jq -c -s '[.[] | select(.dest == "w" and .body.type == "event") | .body.value]' <<<"${overheard[*]}"
	assert_output "$(seq 20 | jq -s -c .)"
}
