#!/usr/bin/env bats
# netfault: nodes elsewhere (--peer), and clusters over several hosts, one netfault on each.

load netfault

setup_file() {
	network_build
}

setup() {
	network_setup
	patience=${PATIENCE:-60}
}

teardown() {
	network_teardown
}

# A node that keeps what it was told in a file and says nothing.
keeper="exec cat 3>&1 >seen-{id}"

# far OPTION...: another netfault, without a client of its own; its stderr goes to `far-err`, it is `far`.
far() {
	netfault "$@" </dev/null >far-out 2>far-err 5>&- 7>&- 8<&- 3>&- &
	far=$!
	pids+=("$far")
}

# It has a node, so it listens: that comes first.
far_is_up() {
	pgrep -f "^$node" >/dev/null
}

# Are all nodes and peers there?
connected() {
	tell "$(message c1 net nodes '"msg_id":0')"
	hear && [[ $heard == *'"down":[]'* ]]
}

end_far() {
	kill -TERM "$far"
	wait "$far" || true
}

# ---- one peer ----

@test "a line for a peer goes there, and the answer comes back to the client" {
	far -n n2="$node" --listen unix:far
	eventually far_is_up
	start -n n1="$node" --peer n2=unix:far --drain 60s
	eventually connected
	tell "$(message c1 n2 read '"msg_id":1')"
	tell "$(message c1 n1 read '"msg_id":2')"
	exec 7>&-
	assert_equal "$(sort <&8)" "$(message n1 c1 read_ok '"in_reply_to":2'; message n2 c1 read_ok '"in_reply_to":1')"
	end
	assert_equal "$status" 0
	assert_equal "$(cat err)" ""
	end_far
	assert_equal "$(cat far-out far-err)" ""
}

@test "without nodes of its own it leads clients to peers, \"*\" too, over TCP" {
	far -n n2="$node" --listen tcp:127.0.0.1:0
	eventually grep -q 'listening at' far-err
	port=$(sed -n "s/.*'tcp:127.0.0.1:\([0-9]*\)'.*/\1/p" far-err)
	start --peer "n2=tcp:127.0.0.1:$port" --drain 60s
	eventually connected
	tell "$(message c1 n2 read '"msg_id":1')"
	tell "$(message c1 '*' read '"msg_id":2')"
	exec 7>&-
	assert_equal "$(cat <&8)" "$(message n2 c1 read_ok '"in_reply_to":1'; message n2 c1 read_ok '"in_reply_to":2')"
	end
	assert_equal "$status" 0
	assert_equal "$(cat err)" ""
	end_far
}

@test "what a node elsewhere says asks for no answer, whatever is in it" {
	{
		message n2 n1 append '"entries":[{"type":"write","msg_id":7}]'
		message c1 n1 read '"msg_id":8'
	} >lines
	run --separate-stderr netfault -n n1="$node mute" --peer n2=unix:nowhere --drain 10ms <lines
	assert_success
	assert_regex "$stderr" 'stdin: 1 of 1 requests have no answer'
}

@test "init names nodes and peers in one order on every host: n2 before n10" {
	far -n n10="$keeper" --peer n1=unix:near --peer n2=unix:near --listen unix:far
	start -n n2="$keeper" -n n1="$keeper" --peer n10=unix:far --listen unix:near
	for id in n1 n2 n10; do
		eventually have 1 "seen-$id"
		assert_equal "$(head -n 1 "seen-$id" | jq -c .body.node_ids)" '["n1","n2","n10"]'
	done
	kill -TERM "$pid"
	end
	end_far
}

@test "--members may name peers" {
	start -n n1="$keeper" --peer n2=unix:absent --peer n3=unix:absent --members n3,n1
	eventually test -s seen-n1
	assert_equal "$(jq -c .body.node_ids seen-n1)" '["n1","n3"]'
	end
	assert_equal "$status" 0
}

@test "a peer that is not there is told once, what is for it is lost, and it is found when it comes" {
	start -n n1="$keeper" --peer n2=unix:far --drain 100ms
	eventually grep -q . err
	assert_equal "$(cat err)" "netfault: peer 'n2': cannot connect to 'unix:far': No such file or directory"
	tell "$(message c1 n2 lost)"
	tell "$(message c1 net nodes '"msg_id":1')"
	hear                            # so the line before it is lost
	far -n n2="tee seen-n2 | $node" --listen unix:far
	eventually grep -q "connected" err
	tell "$(message c1 n2 read '"msg_id":2')"
	hear
	assert_equal "$heard" "$(message n2 c1 read_ok '"in_reply_to":2')"
	run grep lost seen-n2
	assert_failure 1
	end
	assert_equal "$(cat err)" "netfault: peer 'n2': cannot connect to 'unix:far': No such file or directory
netfault: peer 'n2': connected to 'unix:far'
netfault: lines lost: 1 for nodes that were down"
	end_far
}

@test "a connection that is lost is told to nodes and on stderr, and is made again" {
	start -n n1="$keeper" --peer n2=unix:far --listen unix:near
	eventually grep -q "'n2': cannot connect" err   # so that the connection is told, too
	far -n n2="$node" --listen unix:far
	eventually grep -q "'n2': connected" err
	kill -KILL "$far"
	wait "$far" || true
	eventually grep -q '"type":"peer_down","node":"n2"' seen-n1
	assert_equal "$(tail -n 1 err)" "netfault: peer 'n2': the connection to 'unix:far' is lost: it was closed there"
	far -n n2="$node" --listen unix:far
	again() { [ "$(grep -c "'n2': connected" err)" = 2 ]; }
	eventually again
	tell "$(message c1 n2 read '"msg_id":1')"
	hear
	assert_equal "$heard" "$(message n2 c1 read_ok '"in_reply_to":1')"
	kill -TERM "$pid"
	end
	end_far
}

@test "a node that dies is told to the nodes elsewhere" {
	far -n n2="$keeper" --listen unix:far
	eventually test -s seen-n2
	start -n n1='read -r init; read -r line; exit 0' --peer n2=unix:far
	tell "$(message c1 n1 end)"
	eventually grep -q '"dest":"n2","body":{"type":"peer_down","node":"n1"}' seen-n2
	end
	assert_equal "$status" 1
	end_far
}

@test "nodes of two hosts talk to each other, and a client of one asks a node of the other" {
	pass='while read -r line; do case $line in *pass*) printf "%s\n" "{\"src\":\"n1\",\"dest\":\"n2\",\"body\":{\"type\":\"back\"}}" ;; esac; done'
	echo='while read -r line; do case $line in *back*) echo "{\"src\":\"n2\",\"dest\":\"n1\",\"body\":{\"type\":\"there\"}}" ;; *read*) echo "{\"src\":\"n2\",\"dest\":\"c1\",\"body\":{\"type\":\"read_ok\",\"in_reply_to\":1}}" ;; esac; done'
	far -n n2="$echo" --peer n1=unix:near --listen unix:far
	eventually test -S far
	start -n n1="tee seen-n1 | { $pass; }" --peer n2=unix:far --listen unix:near
	again() { tell "$(message c1 n1 pass)"; sleep 0.1; grep -qs '"there"' seen-n1; }
	eventually again
	tell "$(message c1 n2 read '"msg_id":1')"
	hear
	assert_equal "$heard" '{"src":"n2","dest":"c1","body":{"type":"read_ok","in_reply_to":1}}'
	kill -TERM "$pid"
	end
	end_far
}

@test "what is for any node does not go round between hosts whose nodes are down" {
	far -n n2='exit 0' --peer n1=unix:near --listen unix:far
	eventually grep -q "'n1': cannot connect" far-err
	start --no-hints -n n1='exit 0' --peer n2=unix:far --listen unix:near
	eventually grep -q "'n1': connected" far-err
	eventually grep -q "node 'n1' ended" err
	eventually grep -q "node 'n2' ended" far-err
	tell "$(message c1 '*' read)"
	tell "$(message c1 net nodes '"msg_id":1')"
	hear
	kill -TERM "$pid"
	end
	assert_equal "$(tail -n 1 err)" "netfault: lines lost: 1 for nodes that were down"
	end_far
	run grep "lines lost" far-err
	assert_failure 1
}

@test "a peer that does not read is bounded by --queue: what is too much is lost and told" {
	# It has its name once it listens.
	perl -MIO::Socket::UNIX -e '
		my $listener = IO::Socket::UNIX->new(Local => "new", Listen => 1) or die $!;
		rename "new", "far";
		my $client = $listener->accept;
		sleep' 3>&- &
	pids+=($!)
	eventually test -S far
	yes "$(message n1 n2 big '"x":"'"$(printf %01000d 0)"'"')" | head -n 4000 >many
	start -n n1='cat many; exec cat >/dev/null' --peer n2=unix:far --queue 1M --drain 100ms
	eventually grep -q "peer 'n2' does not read: [0-9]* bytes wait, and what is sent to it meanwhile is lost" err
	end
	assert_equal "$status" 0
	assert_regex "$(tail -n 1 err)" '^netfault: lines lost: [0-9]+ for those that did not read$'
}

# ---- hosts: host i is a netfault on 127.0.0.(i + 1) with node ni, and the other two for peers ----

# start_host I OPTION...
start_host() {
	local i=$1 j peers=()
	shift
	for j in 1 2 3; do
		((j == i)) || peers+=(--peer "n$j=tcp:127.0.0.$((j + 1)):$port")
	done
	netfault -n "n$i=exec raft-node --data $PWD/n$i.raft" --listen "tcp:127.0.0.$((i + 1)):$port" "${peers[@]}" "$@" \
		</dev/null >/dev/null 2>>"host-$i" 3>&- &
	host[i]=$!
	pids+=("${host[i]}")
}

# Their addresses have the same port, which is free on each: below those that the kernel gives away.
start_hosts() {
	local tries i
	for tries in {1..20}; do
		port=$((10000 + RANDOM % 20000))
		rm -rf host-* ./*.raft
		for i in 1 2 3; do start_host "$i"; done
		eventually settled
		grep -q 'in use' host-* || return 0
		for i in 1 2 3; do
			kill -KILL "${host[i]}"
			wait "${host[i]}" || true
		done
		eventually none_left
	done
	return 1
}

# server I...: those hosts, as kv wants them
server() {
	local i list=
	for i; do list+=${list:+,}tcp:127.0.0.$((i + 1)):$port; done
	echo "$list"
}

# There is a leader, or there never will be one.
settled() {
	grep -q 'in use' host-* || kv -t 2s -s "$(server 1 2 3)" wait leader >/dev/null 2>&1
}

none_left() {
	! pgrep -f -- "--data $PWD/n[123].raft" >/dev/null
}

# put I KEY VALUE: by the host's own node.
put() {
	kv -t 5s -s "$(server "$1")" --to "n$1" put "$2" "$3" >/dev/null 2>&1
}

# As the host's own node knows it.
leader_by() {
	kv -t 60s -s "$(server "$1")" --to "n$1" --json status | jq -rs '.[0].leader'
}

known_leader() {
	lead=$(leader_by 1)
	[[ $lead == n? ]]
}

@test "three hosts without a centre survive the loss of each, its netfault included, and it catches up" {
	local i others
	start_hosts || fail "$(cat host-*)"
	for i in 1 2 3; do
		mapfile -t others < <(seq 3 | grep -v "$i")
		kill -KILL "${host[i]}"
		wait "${host[i]}" || true
		eventually put "${others[0]}" "x$i" "$i" || fail "$(cat host-*)"
		eventually put "${others[1]}" "y$i" "$i" || fail "$(cat host-*)"
		start_host "$i"
		eventually put "$i" "z$i" "$i" || fail "$(cat host-*)"
		for key in x y z; do
			assert_equal "$(kv -t 60s -s "$(server "$i")" --to "n$i" get "$key$i")" "$i"
		done
	done
	# The client of a host asks a node of another one.
	assert_equal "$(kv -t 60s -s "$(server 1)" --to n3 --json status | jq -rs '.[0].id')" n3
	for i in 1 2 3; do kill -TERM "${host[i]}"; done
}

@test "a host that is not heard loses the lead, and all agree when it is heard again" {
	local i=0 lead rest
	start_hosts || fail "$(cat host-*)"
	eventually known_leader
	i=${lead#n}
	mapfile -t rest < <(seq 3 | grep -v "$i")
	exec 5<>"/dev/tcp/127.0.0.$((i + 1))/$port"
	say '{"src":"m","dest":"net","body":{"type":"link","msg_id":1,"link":"n'"$i"'>n*","loss":1}}'
	listen
	assert_regex "$heard" '"type":"link_ok"'
	eventually put "${rest[0]}" a 1 || fail "$(cat host-*)"
	refute [ "$(leader_by "${rest[0]}")" = "$lead" ]
	say '{"src":"m","dest":"net","body":{"type":"heal","msg_id":2}}'
	listen
	assert_regex "$heard" '"type":"heal_ok"'
	eventually put "$i" b 2 || fail "$(cat host-*)"
	assert_equal "$(kv -t 60s -s "$(server "$i")" --to "$lead" get a)" 1
	for i in 1 2 3; do kill -TERM "${host[i]}"; done
}
