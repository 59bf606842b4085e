#!/usr/bin/env bats
# netfault: lines between nodes and clients.

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

# A node that keeps what it was told in a file and says nothing, its stdout open: the init is the first line.
keeper="exec cat 3>&1 >seen-{id}"

@test "a line goes to the node that its dest names, and the answer to who asked" {
	run --separate-stderr netfault -n 3 --drain 60s -- "$node" < <(message c1 n2 read '"msg_id":7')
	assert_success
	assert_output '{"src":"n2","dest":"c1","body":{"type":"read_ok","in_reply_to":7}}'
	assert_equal "$stderr" ""
	assert_nothing_left
}

@test "each node is given init first, with all names in one order" {
	run netfault -n 2 -n x="$keeper" -- sh -c "$keeper" < <(eventually have 1 seen-n1 seen-n2 seen-x)
	assert_success
	for id in n1 n2 x; do
		assert_equal "$(cat "seen-$id")" '{"src":"net","dest":"'$id'","body":{"type":"init","msg_id":1,"node_id":"'$id'","node_ids":["n1","n2","x"]}}'
	done
}

@test "--members: init names these alone, in the order of the nodes, to every node" {
	run --separate-stderr netfault --members n3,n1 -n n1='read -r i; echo "$i" >i1; cat' -n n2='read -r i; echo "$i" >i2; cat' \
		-n n3='read -r i; echo "$i" >i3; cat' < <(eventually have 1 i1 i2 i3)
	for i in 1 2 3; do
		assert_equal "$(cat i$i)" '{"src":"net","dest":"n'$i'","body":{"type":"init","msg_id":1,"node_id":"n'$i'","node_ids":["n1","n3"]}}'
	done
	for list in n4 n1,n4 n1, '' n11; do
		run netfault --members "$list" -n 3 -- cat
		assert_failure 2
		assert_line --index 0 --partial "--members '$list': there is no node '"
	done
}

@test "{id} in a word of the command becomes the name, however often" {
	run netfault -n 2 -- sh -c 'echo "$0 $1 $2" >"args-{id}"; exec cat 3>&1 >/dev/null' '{id}' 'a{id}b{id}' '{i}' \
		< <(eventually have 1 args-n1 args-n2)
	assert_success
	assert_equal "$(cat args-n1)" "n1 an1bn1 {i}"
	assert_equal "$(cat args-n2)" "n2 an2bn2 {i}"
}

@test "lines are carried byte for byte: spacing, order, escapes, numbers, unknown members, bytes that are no text" {
	{
		printf '{"src":"c1","dest":"n1","body":{"type":"x"}}\n'
		printf '  { "dest" :\t"n1" ,"x":[1 , 2.50e+00],"src":"c1","body" : { "type":"\\u0078" } }  \r\n'
		printf '{"src":"c1","dest":"n1","body":{"type":"x","n":123456789012345678901234567890.0}}\n'
		printf '{"src":"c1","dest":"n1","body":{"type":"x","dest":"n2","s":"\\ud83d\\ude00 \xf0\x9f\x98\x80"}}\n'
		printf '{"src":"c1","dest":"n1","body":{"type":"\xff\xfe\x01"}}\n'
		printf '{"src":"c1","dest":"n1","body":{},"body":not JSON\n'
		printf '{"src":"c\\u0031","dest":"\\u006e1","body":{"type":"x"}}\n'
		printf '{"src":"c1","dest":"n1","at":5,"id":9}\n'
		printf '{"src":"c1","dest":"n1","body":{"type":"the last, without its newline","msg_id":1}}'
	} >lines
	run --separate-stderr netfault -n n1="$witness" --drain 60s <lines
	assert_success
	assert_equal "$stderr" ""
	{ cat lines; echo; } >wanted
	run cmp wanted <(tail -n +2 seen-n1)
	assert_success
}

@test "a line of 1 MiB is carried, one beyond 16 MiB is told and skipped, and the lines around them arrive" {
	{
		message c1 n1 echo '"msg_id":1'
		printf '{"src":"c1","dest":"n1","body":{"type":"big","x":"%01048576d"}}\n' 0
		printf '{"src":"c1","dest":"n1","body":{"type":"bigger","x":"%016777216d"}}\n' 0
		message c1 n1 echo '"msg_id":2'
	} >lines
	run --separate-stderr netfault -n n1="$keeper" --drain 100ms < <(cat lines; eventually have 4 seen-n1)
	assert_success
	assert_regex "$stderr" "^netfault: stdin: line 3 is no message: it is longer than 16 MiB"
	run cmp <(sed 3d lines) <(tail -n +2 seen-n1)
	assert_success
}

@test "nodes talk to each other, in order" {
	for i in {1..2000}; do
		message c1 n1 pass "\"i\":$i"
	done >lines
	run netfault -n n1="sed -u 's/\"n1\",\"body\":{\"type\":\"pass\"/\"n2\",\"body\":{\"type\":\"passed\"/'" -n n2="$keeper" \
		< <(cat lines; eventually have 2001 seen-n2)
	assert_success
	run cmp <(sed 's/"n1","body":{"type":"pass"/"n2","body":{"type":"passed"/' lines) <(grep passed seen-n2)
	assert_success
}

@test "a line to nobody is dropped and told once, and all are counted at the end" {
	{
		message c1 n9 read '"msg_id":1'
		message c1 c2 read '"msg_id":2'
		message c1 n1 read '"msg_id":3'
	} >lines
	run --separate-stderr netfault -n 1 --drain 60s -- "$node" <lines
	assert_success
	assert_output "$(message n1 c1 read_ok '"in_reply_to":3')"
	assert_equal "$stderr" "netfault: stdin: line 1 is for 'n9', which is no node, and no client has that name
netfault: lines lost: 2 for nobody"
}

@test "a line for a client that has gone is counted apart, and nothing is told of it" {
	for faults in '' '--client-links --delay 1ms'; do
		# shellcheck disable=SC2086
		start -n 1 --listen tcp:127.0.0.1:0 $faults -- "$node"
		find_port
		connect
		say "$(message gone n1 read '"msg_id":1')"
		listen
		exec 5>&-
		for i in 1 2; do        # with these it has seen that end, too
			tell "$(message c1 n1 read "\"msg_id\":$i")"
			hear
		done
		tell "$(message c1 gone late)"
		tell "$(message c1 never late)"
		tell "$(message c1 n1 read '"msg_id":3')"
		hear
		kill -TERM "$pid"
		end
		grep -v -e 'listening at' -e 'seed' err >told
		assert_equal "$(wc -l <told)" 2
		assert_regex "$(head -n 1 told)" " is for 'never', which is no node, and no client has that name$"
		assert_equal "$(tail -n 1 told)" "netfault: lines lost: 1 for nobody, 1 for clients that had gone"
	done
}

@test "lines that are no messages are told once and counted, and the stream goes on" {
	{
		echo 'not JSON'
		echo
		echo '[]'
		echo '{"dest":"n1","body":{}}'
		echo '{"src":"","dest":"n1","body":{}}'
		echo '{"src":1,"dest":"n1","body":{}}'
		printf '\0\0\n'
		head -c 100000 /dev/urandom | tr -d '\n{'
		echo
		message c1 n1 read '"msg_id":3'
	} >lines
	run --separate-stderr netfault -n 1 --drain 60s -- "$node" <lines
	assert_success
	assert_output "$(message n1 c1 read_ok '"in_reply_to":3')"
	assert_equal "$stderr" "netfault: stdin: line 1 is no message: an object expected
netfault: lines lost: 8 that were no messages"
}

@test "what a node prints that is no message is told with the node's name and the line, and the node goes on" {
	cat >chatty <<-'END'
		read -r init
		echo '{"src":"n1","dest":"net","body":{"type":"init_ok","in_reply_to":1}}'
		echo debugging
		echo debugging
		while read -r line; do echo '{"src":"n1","dest":"c1","body":{"type":"ok","in_reply_to":1}}'; done
	END
	run --separate-stderr netfault -n 1 --drain 60s -- sh chatty < <(message c1 n1 x '"msg_id":1')
	assert_success
	assert_output "$(message n1 c1 ok '"in_reply_to":1')"
	assert_equal "$stderr" "netfault: node 'n1': line 2 is no message: an object expected
netfault: lines lost: 2 that were no messages"
}

@test "an init that is refused is told" {
	cat >unwilling <<-'END'
		read -r init
		echo '{"src":"n1","dest":"net","body":{"type":"error","in_reply_to":1,"code":14,"text":"not \"today\""}}'
		exec cat >/dev/null
	END
	start -n 1 -- sh unwilling
	eventually grep -q today err
	end
	assert_equal "$status" 0
	assert_equal "$(cat err)" "netfault: node 'n1' answers init with an error: not \"today\""
}

@test "a node's stderr is told with its name in front, the last line too" {
	cat >talk <<-'END'
		echo "{id}: one" >&2
		printf 'two\n\nthree' >&2
		exec cat >/dev/null
	END
	start -n 1 -- sh -c "$(sed 's/{id}/talk/' talk)"
	eventually grep -q 'two' err    # with which `three` has come
	end
	assert_equal "$status" 0
	assert_equal "$(cat err)" "n1: talk: one
n1: two
n1: 
n1: three"
}

# ---- clients ----

@test "a reply goes to the connection that used the name last" {
	start -n 1 --listen tcp:127.0.0.1:0 -- "$node"
	find_port
	connect
	tell "$(message c1 n1 read '"msg_id":1')"
	hear
	assert_equal "$heard" "$(message n1 c1 read_ok '"in_reply_to":1')"
	say "$(message c1 n1 read '"msg_id":2')"
	listen
	assert_equal "$heard" "$(message n1 c1 read_ok '"in_reply_to":2')"
	tell "$(message c1 n1 read '"msg_id":3')"
	hear
	assert_equal "$heard" "$(message n1 c1 read_ok '"in_reply_to":3')"
	kill -TERM "$pid"
	end
	assert_equal "$status" 143
}

@test "a client's line to another client is carried" {
	start -n 1 --listen tcp:127.0.0.1:0 -- "$node"
	find_port
	connect
	say "$(message c2 n1 read '"msg_id":1')"
	listen
	tell "$(message c1 c2 hello)"
	listen
	assert_equal "$heard" "$(message c1 c2 hello)"
	kill -TERM "$pid"
	end
}

@test "a client that goes away in the midst harms nobody, and its name is free again" {
	start -n n1="$node" -n n2="$node mute" --listen tcp:127.0.0.1:0
	find_port
	for i in 1 2 3; do
		connect
		say "$(message c7 n2 read "\"msg_id\":$i")"
		printf '{"src":"c7","dest":"n1","bo' >&5
		exec 5>&-
	done
	tell "$(message c1 n1 read '"msg_id":1')"
	hear
	assert_equal "$heard" "$(message n1 c1 read_ok '"in_reply_to":1')"
	connect
	say "$(message c7 n1 read '"msg_id":9')"
	listen
	assert_equal "$heard" "$(message n1 c7 read_ok '"in_reply_to":9')"
	kill -TERM "$pid"
	end
	assert_equal "$status" 143
	assert_nothing_left
}

@test "a connection whose input has ended still gets its answers" {
	start -n 1 --listen unix:here -- "$node"
	eventually test -S here
	run timeout 120 "$bin/kvload" -s unix:here --ops 100 --clients 100
	assert_success
	kill -TERM "$pid"
	end
}

@test "\"*\" is a node of netfault's choice, the same one until it dies; the bytes stay" {
	start -n 3 -- "$node"
	tell "$(message c1 '*' echo '"msg_id":1')"
	hear
	assert_regex "$heard" '"line":\{"src":"c1","dest":"\*",'
	first=$(jq -r .src <<<"$heard")
	tell "$(message c1 '*' read '"msg_id":2')"
	hear
	assert_equal "$(jq -r .src <<<"$heard")" "$first"
	tell "$(message c1 net crash "\"msg_id\":3,\"node\":\"$first\"")"
	hear
	assert_equal "$heard" "$(message net c1 crash_ok '"in_reply_to":3')"
	tell "$(message c1 '*' read '"msg_id":4')"
	hear
	second=$(jq -r .src <<<"$heard")
	refute [ "$second" = "$first" ]
	tell "$(message c1 '*' read '"msg_id":5')"
	hear
	assert_equal "$(jq -r .src <<<"$heard")" "$second"
	end
	assert_equal "$status" 0
}

@test "\"*\": who declines with error 11 gets no more of it while there are others, and an outsider is asked last" {
	cat >answer.jq <<-'END'
		select(.body.type == "ask") | {src: $id, dest: .src, body: ({in_reply_to: .body.msg_id} +
		if $id == "n1" then {type: "error", code: 11} else {type: "ask_ok", code: 11} end)}
	END
	for faults in '' '--client-links --delay 1ms'; do
		# shellcheck disable=SC2086
		start -n 3 --members n1,n2 $faults -- jq -c --unbuffered --arg id '{id}' -f answer.jq
		seen=""
		for i in 1 2 3 4; do
			tell "$(message c1 '*' ask "\"msg_id\":$i")"
			hear
			seen+=$(jq -r .src <<<"$heard")
		done
		assert_equal "$seen" n1n2n2n2
		for i in 1 2; do
			tell "$(message c1 net crash "\"msg_id\":9,\"node\":\"n$i\"")"
			hear
		done
		tell "$(message c1 '*' ask '"msg_id":5')"
		hear
		assert_equal "$(jq -r .src <<<"$heard")" n3
		kill -TERM "$pid"
		end
	done
}

@test "nobody takes the name of a node, nor net, nor *" {
	{
		message n2 n1 read '"msg_id":1'
		message net n1 read '"msg_id":2'
		message '*' n1 read '"msg_id":3'
		message c1 n2 read '"msg_id":4'
	} >lines
	start -n 2 --drain 200ms -- "$node"
	cat lines >&7
	hear
	assert_equal "$heard" "$(message n2 c1 read_ok '"in_reply_to":4')"
	exec 7>&-
	run cat <&8
	assert_output ""
	end
	assert_equal "$status" 0
}

# ---- messages to net ----

@test "nodes, crash and restart: each is answered when it is done, a restarted node has a new init, exit 0" {
	start -n n1="$node" -n n2="$keeper"
	tell "$(message c1 net nodes '"msg_id":1')"
	hear
	assert_equal "$heard" "$(message net c1 nodes_ok '"in_reply_to":1,"nodes":["n1","n2"],"down":[]')"
	tell "$(message c1 net crash '"msg_id":2,"node":"n1"')"
	hear
	assert_equal "$heard" "$(message net c1 crash_ok '"in_reply_to":2')"
	tell "$(message c1 n1 read '"msg_id":3')"
	tell "$(message c1 net nodes '"msg_id":4')"
	hear
	assert_equal "$heard" "$(message net c1 nodes_ok '"in_reply_to":4,"nodes":["n1","n2"],"down":["n1"]')"
	tell "$(message c1 net restart '"msg_id":"five","node":"n1"')"
	hear
	assert_equal "$heard" "$(message net c1 restart_ok '"in_reply_to":"five"')"
	tell "$(message c1 n1 read '"msg_id":6')"
	hear
	assert_equal "$heard" "$(message n1 c1 read_ok '"in_reply_to":6')"
	tell "$(message c1 net restart '"msg_id":7,"node":"n1"')"
	hear
	assert_equal "$heard" "$(message net c1 restart_ok '"in_reply_to":7')"
	down_twice() { [ "$(grep -c peer_down seen-n2)" = 2 ]; }
	eventually down_twice
	end
	assert_equal "$status" 0
	assert_equal "$(cat err)" "netfault: node 'n1' was killed by signal 9
netfault: node 'n1' was killed by signal 9
netfault: lines lost: 1 for nodes that were down"
	assert_equal "$(grep -c '"type":"peer_down","node":"n1"' seen-n2)" 2
	assert_nothing_left
}

@test "what net does not know or understand is answered with an error" {
	{
		message c1 net entangle '"msg_id":1'
		message c1 net crash '"msg_id":2,"node":"n9"'
		message c1 net crash '"msg_id":3'
		message c1 net restart '"msg_id":4,"node":7'
		echo '{"src":"c1","dest":"net","body":{"type":"nodes","msg_id":5,}}'
		message c1 net entangle
		message c1 net nodes
	} >lines
	run --separate-stderr netfault -n 1 --drain 60s -- "$node" <lines
	assert_success
	assert_equal "$(jq -c '[.body.in_reply_to,.body.code]' <<<"$output" | tr '\n' ' ')" "[1,10] [2,12] [3,12] [4,12] [5,12] "
}

@test "a crash of a node that is down is refused, and a restart starts it" {
	start -n 1 -- "$node"
	tell "$(message c1 net crash '"msg_id":1,"node":"n1"')"
	hear
	tell "$(message c1 net crash '"msg_id":2,"node":"n1"')"
	hear
	assert_equal "$heard" "$(message net c1 error '"in_reply_to":2,"code":22,"text":"the node is down"')"
	for i in {3..20}; do
		tell "$(message c1 net restart "\"msg_id\":$i,\"node\":\"n1\"")"
		hear
		assert_equal "$heard" "$(message net c1 restart_ok "\"in_reply_to\":$i")"
	done
	tell "$(message c1 n1 read '"msg_id":21')"
	hear
	assert_equal "$heard" "$(message n1 c1 read_ok '"in_reply_to":21')"
	end
	assert_equal "$status" 0
	assert_nothing_left
}

@test "a restart that fails is answered with an error, and told" {
	cp node mortal
	start -n 1 -- ./mortal
	tell "$(message c1 n1 read '"msg_id":0')"
	hear
	rm mortal
	tell "$(message c1 net restart '"msg_id":1,"node":"n1"')"
	hear
	assert_equal "$heard" "$(message net c1 error '"in_reply_to":1,"code":14,"text":"No such file or directory"')"
	end
	assert_equal "$status" 0
	grep -q "cannot start node 'n1': './mortal': No such file or directory" err
}
