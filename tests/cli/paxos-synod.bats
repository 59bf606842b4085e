#!/usr/bin/env bats
# paxos-node: registers.  One value is chosen, whoever proposes what, wherever and how often; what was promised stays promised
# over a crash; change goes from value to value; and none of it needs a leader.

NODE=${NODE:-paxos-node}
load node.bash

setup() {
	[ "$NODE" = paxos-node ] || skip "for paxos-node"
	node_setup
	three=(--nodes n1,n2,n3 --seed 1)
}

teardown() {
	node_teardown
}

# scene OPTION... <SCENE: n1 of three votes, and the lines of stdin follow, from 10 ms on.
scene() {
	{
		echo '0 net {"type":"tick"}'
		echo '> *'
		born 0 n1 --id n1 "$@" | jq -r '"0 \(.src) \(.body | tojson)"'
		cat
	} >scene
	play "$@" <scene
}

# No leader is looked for meanwhile.
calm=(--election-timeout 1000s-2000s --heartbeat 1s)

@test "all propose at once: one value is chosen, everybody is told the same, and it stays" {
	for seed in 1 2 3 4 5; do
		lockstep --seed $seed n1 n2 n3 n4 n5 -- paxos-node --id '{id}' --nodes n1,n2,n3,n4,n5 --volatile >out 2>err <<-'END'
			1000 send c1 n1 {"type":"propose","msg_id":1,"instance":"x","value":1}
			1000 send c2 n2 {"type":"propose","msg_id":1,"instance":"x","value":2}
			1000 send c3 n3 {"type":"propose","msg_id":1,"instance":"x","value":3}
			1000 send c4 n4 {"type":"propose","msg_id":1,"instance":"x","value":4}
			1000 send c5 n5 {"type":"propose","msg_id":1,"instance":"x","value":5}
			4000 send c1 n1 {"type":"propose","msg_id":2,"instance":"x","value":6}
			4000 send c5 n5 {"type":"propose","msg_id":2,"instance":"x","value":7}
		END
		assert_equal "$(jq -c '[.body.type, .body.instance]' out | sort -u)" '["propose_ok","x"]'
		assert_equal "$(grep -c . out)" 7
		assert_equal "$(jq -c .body.value out | sort -u | wc -l)" 1
	done
}

@test "with losses and repeats still one value, and every proposer hears it" {
	for seed in {1..10}; do
		{
			for i in {1..20}; do
				for n in 1 2 3; do
					echo "$((1000 + i)) send c$n$i n$n {\"type\":\"propose\",\"msg_id\":$i,\"instance\":\"x$i\",\"value\":\"$n\"}"
				done
			done
			for i in {1..20}; do
				echo "9000 send d$i n2 {\"type\":\"propose\",\"msg_id\":$i,\"instance\":\"x$i\",\"value\":\"late\"}"
			done
		} >script
		lockstep --seed $seed --loss 20 --duplicate 20 n1 n2 n3 -- paxos-node --id '{id}' --nodes n1,n2,n3 --volatile <script >out 2>err
		assert_equal "$(jq -r .body.type out | sort | uniq -c | tr -s ' ')" ' 80 propose_ok'
		assert_equal "$(jq -c '[.body.instance, .body.value]' out | sort -u | wc -l)" 20
		run ! grep late out
	done
}

@test "both phases, as the lines that they are" {
	scene "${three[@]}" "${calm[@]}" --volatile <<-'END'
		10 c1 {"type":"propose","msg_id":1,"instance":"x","value":"mine"}
		> n2 {"type":"prepare","ballot":[1,"n1"],"instance":"x"}
		> n3 {"type":"prepare","ballot":[1,"n1"],"instance":"x"}
		11 n2 {"type":"promise","ballot":[1,"n1"],"instance":"x","accepted":null}
		> n2 {"type":"accept","ballot":[1,"n1"],"instance":"x","value":"mine"}
		> n3 {"type":"accept","ballot":[1,"n1"],"instance":"x","value":"mine"}
		12 n2 {"type":"accepted","ballot":[1,"n1"],"instance":"x"}
		> c1 {"type":"propose_ok","instance":"x","value":"mine","in_reply_to":1}
		> n2 {"type":"chosen","instance":"x","value":"mine"}
		> n3 {"type":"chosen","instance":"x","value":"mine"}
	END
}

@test "a majority is counted by node and not by message, and no stranger is of it" {
	scene "${three[@]}" "${calm[@]}" --volatile --quorum1 3 --quorum2 3 <<-'END'
		10 c1 {"type":"propose","msg_id":1,"instance":"x","value":"mine"}
		> *
		11 n2 {"type":"promise","ballot":[1,"n1"],"instance":"x","accepted":null}
		11 n2 {"type":"promise","ballot":[1,"n1"],"instance":"x","accepted":null}
		11 n9 {"type":"promise","ballot":[1,"n1"],"instance":"x","accepted":null}
		11 n3 {"type":"promise","ballot":[9,"n1"],"instance":"x","accepted":null}
		11 n3 {"type":"promise","ballot":[1,"n1"],"instance":"y","accepted":null}
		12 n3 {"type":"promise","ballot":[1,"n1"],"instance":"x","accepted":null}
		> n2 {"type":"accept","value":"mine"}
		> n3 {"type":"accept","value":"mine"}
		13 n2 {"type":"accepted","ballot":[1,"n1"],"instance":"x"}
		13 n2 {"type":"accepted","ballot":[1,"n1"],"instance":"x"}
		14 n3 {"type":"accepted","ballot":[1,"n1"],"instance":"x"}
		> *
	END
	assert_equal "$(jq -c 'select(.dest == "c1") | .body.value' scene.out)" '"mine"'
}

@test "the value of the highest ballot that the promises tell of is the one that is proposed" {
	scene "${three[@]}" "${calm[@]}" --volatile --quorum1 3 --quorum2 2 --request-timeout 1000s <<-'END'
		10 c1 {"type":"propose","msg_id":1,"instance":"x","value":"mine"}
		> *
		11 n2 {"type":"promise","ballot":[1,"n1"],"instance":"x","accepted":{"ballot":[0,"n2"],"value":"no ballot"}}
		12 n2 {"type":"nack","ballot":[1,"n1"],"promised":[7,"n3"],"instance":"x"}
		> *
		200000 net {"type":"tick"}
		> n2 {"type":"prepare","ballot":[8,"n1"],"instance":"x"}
		> n3 {"type":"prepare","ballot":[8,"n1"],"instance":"x"}
		200001 n3 {"type":"promise","ballot":[8,"n1"],"instance":"x","accepted":{"ballot":[5,"n3"],"value":"high"}}
		200002 n2 {"type":"promise","ballot":[8,"n1"],"instance":"x","accepted":{"ballot":[4,"n2"],"value":"low"}}
		> n2 {"type":"accept","ballot":[8,"n1"],"instance":"x","value":"high"}
		> n3 {"type":"accept","ballot":[8,"n1"],"instance":"x","value":"high"}
	END
}

@test "a promise is on the disk before it is said: after a crash the lower ballot is still refused" {
	scene "${three[@]}" "${calm[@]}" --data d <<-'END'
		10 n2 {"type":"prepare","ballot":[5,"n2"],"instance":"x"}
		> n2 {"type":"promise","ballot":[5,"n2"],"instance":"x"}
		11 n3 {"type":"accept","ballot":[6,"n3"],"instance":"x","value":"v"}
		> n3 {"type":"accepted","ballot":[6,"n3"],"instance":"x"}
	END
	# Nothing was said at the end: SIGKILL loses no more.
	play "${three[@]}" "${calm[@]}" --data d <<-'END'
		20000 n2 {"type":"prepare","ballot":[4,"n2"],"instance":"x"}
		> n2 {"type":"nack","ballot":[4,"n2"],"promised":[6,"n3"],"instance":"x"}
		20001 n2 {"type":"accept","ballot":[5,"n2"],"instance":"x","value":"old"}
		> n2 {"type":"nack","ballot":[5,"n2"],"promised":[6,"n3"],"instance":"x"}
		20002 n2 {"type":"prepare","ballot":[7,"n2"],"instance":"x"}
		> n2 {"type":"promise","ballot":[7,"n2"],"instance":"x","accepted":{"ballot":[6,"n3"],"value":"v"}}
	END
}

@test "an acceptor, killed at any call on the disk: what it promised and accepted it has" {
	find_fault
	member=(--id n1 "${three[@]}" "${calm[@]}" --data d --lockstep --segment-size 64K)
	pad=$(printf '%05000d' 0)
	{
		at 0 net '{"type":"tick"}'
		born 0 n1 --id n1 "${three[@]}" "${calm[@]}"
		for i in {1..20}; do
			at $((10 + 2 * i)) n2 "{\"type\":\"prepare\",\"ballot\":[$((10 * i)),\"n2\"],\"instance\":\"x$((i % 4))\"}"
			at $((11 + 2 * i)) n2 "{\"type\":\"accept\",\"ballot\":[$((10 * i)),\"n2\"],\"instance\":\"x$((i % 4))\",\"value\":\"$pad\"}"
		done
	} >input
	for i in 0 1 2 3; do
		at $((9000 + i)) n3 "{\"type\":\"prepare\",\"ballot\":[900,\"n3\"],\"instance\":\"x$i\"}"
		# And one that is below what may have been promised.
		at $((9100 + i)) n3 "{\"type\":\"prepare\",\"ballot\":[1,\"n3\"],\"instance\":\"x$i\"}"
	done >again
	# shellcheck disable=SC2016
	at_every_call "${member[@]}" -- '
		($two | map(select(.type == "promise" and .ballot[0] == 900))) as $there
		| ($one | map(select(.type == "accepted"))) as $told
		| [range(4) as $i | ([$told[] | select(.instance == "x\($i)") | .ballot[0]] | max // 0) as $said
			| ([$there[] | select(.instance == "x\($i)") | .accepted.ballot[0] // 0] | max // 0) as $has
			| select($has < $said) | "x\($i): said \($said), has \($has)"]
		| if length > 0 then join("; ")
			elif ([$one[] | select(.type == "promise")] | length) > 0 and ($there | length) != 4 then "\($there | length) answers"
			elif any($two[]; .type == "promise" and .ballot[0] == 1 and (.instance as $x | any($told[]; .instance == $x))) then "a lower ballot is promised"
			else empty end'
}

@test "a value that was accepted by one is found by the next proposer, and finished" {
	scene "${three[@]}" "${calm[@]}" --data d <<-'END'
		10 n2 {"type":"accept","ballot":[5,"n2"],"instance":"x","value":{"who":"n2"}}
		> n2 {"type":"accepted","ballot":[5,"n2"],"instance":"x"}
		11 c1 {"type":"propose","msg_id":1,"instance":"x","value":"mine"}
		> n2 {"type":"prepare","ballot":[6,"n1"],"instance":"x"}
		> n3 {"type":"prepare","ballot":[6,"n1"],"instance":"x"}
		12 n3 {"type":"promise","ballot":[6,"n1"],"instance":"x","accepted":null}
		> n2 {"type":"accept","ballot":[6,"n1"],"instance":"x","value":{"who":"n2"}}
		> n3 {"type":"accept","ballot":[6,"n1"],"instance":"x","value":{"who":"n2"}}
		13 n3 {"type":"accepted","ballot":[6,"n1"],"instance":"x"}
		> c1 {"type":"propose_ok","instance":"x","value":{"who":"n2"}}
		> n2 {"type":"chosen","instance":"x","value":{"who":"n2"}}
		> n3 {"type":"chosen","instance":"x","value":{"who":"n2"}}
	END
	# It needs nobody to say so again.
	play "${three[@]}" "${calm[@]}" --data d <<-'END'
		20000 c1 {"type":"propose","msg_id":1,"instance":"x","value":"other"}
		> c1 {"type":"propose_ok","instance":"x","value":{"who":"n2"}}
	END
}

@test "no ballot is used twice, not over a crash either" {
	ballots=
	for ((life = 0; life < 5; life++)); do
		{
			((life)) || { at 0 net '{"type":"tick"}' && born 0 n1 --id n1 "${three[@]}" "${calm[@]}"; }
			at $((1000 * life + 10)) c1 "{\"type\":\"propose\",\"msg_id\":1,\"instance\":\"x\",\"value\":$life}"
			at $((1000 * life + 11)) n2 '{"type":"prepare","ballot":[1,"n2"],"instance":"z"}'
		} | "$NODE" --lockstep --id n1 "${three[@]}" "${calm[@]}" --data d >out 2>err
		ballots+=" $(jq -c 'select(.body.type == "prepare" and .dest == "n2" and .body.instance == "x") | .body.ballot[0]' out)"
	done
	# shellcheck disable=SC2086
	printf '%s\n' $ballots >drawn
	assert_equal "$(wc -l <drawn)" 5
	sort -n -u drawn | diff - drawn
}

@test "thousands of registers over many segments: each is there after a restart, and the log stays short" {
	pad=$(printf '%0300d' 0)
	start_node "${alone[@]}" --data d --segment-size 64K --snapshot-every 20
	for round in 1 2 3; do
		requests $((round * 1000)) $((round * 1000 + 499)) "{\"type\":\"change\",\"instance\":\"r@\"}" |
			sed "s/r$round/r/; s/\"change\",/&\"from\":$([ $round = 1 ] && echo null || echo "\"$((round - 1))$pad\""),\"to\":\"$round$pad\",/" >&7
		for ((i = 0; i < 500; i++)); do
			hear_answer "[0-9]*" && [[ $heard =~ change_ok ]] || fail "$heard"
		done
		requests $((round * 1000 + 500)) $((round * 1000 + 599)) "{\"type\":\"write\",\"key\":\"k\",\"value\":\"$pad$pad\"}" >&7
		for ((i = 0; i < 100; i++)); do
			hear_answer "[0-9]*"
		done
	done
	ask '{"type":"status"}'
	assert_equal "$(jq .registers <<<"$answer")" 500
	# 500 registers of 350 bytes; written anew they are there a few times, and what is older went.
	[ "$(jq .log_bytes <<<"$answer")" -lt 1500000 ] || fail "$answer"
	[ ! -e d/00000001.log ]
	kill -KILL "$pid"
	reap "$pid"
	start_node "${alone[@]}" --data d --segment-size 64K
	for i in 000 123 499; do
		ask "{\"type\":\"change\",\"instance\":\"r$i\"}"
		assert_equal "$answer" "{\"type\":\"change_ok\",\"instance\":\"r$i\",\"value\":\"3$pad\"}"
	done
}
