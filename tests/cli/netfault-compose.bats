#!/usr/bin/env bats
# Nodes that are joined by what there is: sockets, ssh, a broker, multicast, FIFOs; and nodes written for Maelstrom.

load netfault

setup_file() {
	network_build
}

setup() {
	network_setup
	patience=${PATIENCE:-60}
	groups=()
}

teardown() {
	local pid
	for pid in "${groups[@]}"; do
		kill -KILL -- "-$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	network_teardown
}

# back COMMAND...: a process of the test in the background.
back() {
	"$@" 3>&- 5>&- 7>&- 8<&- &
	pids+=($!)
}

# group SCRIPT: the same for a pipeline, which is ended as a whole.
group() {
	setsid sh -c "$1" 3>&- 5>&- 7>&- 8<&- 9<&- &
	groups+=($!)
}

# Until the command serves there, `port` is one that was free; those that the kernel gives away are not tried.
on_free_port() {
	local tries
	for tries in {1..20}; do
		port=$((10000 + RANDOM % 20000))
		! (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || continue
		"$@" && return
	done
	return 1
}

# serves_or_ends PID WORDS FILE: it has written them there, or there is no such process any more.
serves_or_ends() {
	grep -qs -- "$2" "$3" || gone "$1"
}

# ---- nodes elsewhere ----

@test "bare nodes behind socat, at a Unix and a TCP socket, and one here: one cluster" {
	back socat UNIX-LISTEN:n2 EXEC:'raft-node --id n2 --nodes n1\,n2\,n3'
	back socat -d -d TCP4-LISTEN:0,bind=127.0.0.1 EXEC:'raft-node --id n3 --nodes n1\,n2\,n3' 2>socat
	eventually test -S n2
	eventually grep -q 'listening on' socat
	port=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' socat)
	start -n n1=raft-node --peer n2=unix:n2 --peer "n3=tcp:127.0.0.1:$port" --listen unix:here
	eventually test -S here
	kv -t 60s -s unix:here put x 1
	for id in n1 n2 n3; do
		assert_equal "$(kv -t 60s -s unix:here --to $id get x)" 1
	done
	assert [ -d n2.raft ]
	kill -TERM "$pid"
	end
}

# An sshd of ours, which knows us by a key of ours; `remote` is the command that leads there.
serve_ssh() {
	rm -f sshd-err
	/usr/sbin/sshd -D -e -f sshd_config -p "$port" 2>sshd-err 3>&- 5>&- 7>&- 8<&- &
	sshd=$!
	pids+=("$sshd")
	eventually serves_or_ends "$sshd" 'Server listening on' sshd-err && kill -0 "$sshd" 2>/dev/null
}

@test "nodes over ssh" {
	ssh-keygen -q -t ed25519 -N '' -f host_key
	ssh-keygen -q -t ed25519 -N '' -f key
	cat >sshd_config <<-END
		ListenAddress 127.0.0.1
		HostKey $PWD/host_key
		AuthorizedKeysFile $PWD/key.pub
		PidFile none
		StrictModes no
		PasswordAuthentication no
		UsePAM no
	END
	[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
	on_free_port serve_ssh || fail "$(cat sshd-err)"
	cat >ssh_config <<-END
		Host there
		HostName 127.0.0.1
		Port $port
		User $(id -un)
		IdentityFile $PWD/key
		IdentitiesOnly yes
		UserKnownHostsFile $PWD/known_hosts
		StrictHostKeyChecking accept-new
		LogLevel ERROR
	END
	there="ssh -F ssh_config there"
	$there true || fail "$(cat sshd-err)"
	start -n 1 -n n2="$there $bin/raft-node --data $PWD/n2.raft" -n n3="$there $bin/raft-node --data $PWD/n3.raft" \
		--listen unix:here -- raft-node
	eventually test -S here
	kv -t 60s -s unix:here put x 1
	for id in n1 n2 n3; do
		assert_equal "$(kv -t 60s -s unix:here --to $id get x)" 1
	done
	tell "$(message c1 net crash '"msg_id":1,"node":"n1"')"
	hear
	kv -t 60s -s unix:here --to n2 put x 2
	kill -TERM "$pid"
	end
	none_left() { ! pgrep -f -- "--data $PWD/n[23].raft" >/dev/null; }
	eventually none_left
}

# ---- a bus: every node hears everything, and ignores what is not for it ----

# The bus's nodes and its clients: `on_bus COMMAND` is a script that joins one.  `kv` says there what it has found out on stderr.
start_on_bus() {
	local id
	for id in n1 n2 n3; do
		group "$(on_bus "raft-node --id $id --nodes n1,n2,n3")"
	done
}

ask_on_bus() {
	timeout 150 sh -c "$(on_bus "kv -t 60s -s - -o answer $*; echo \$? >rc")" 3>&- 2>/dev/null || true
	status=$(cat rc)
	output=$(cat answer)
	rm rc answer
}

check_bus() {
	ask_on_bus --to n2 put x 1
	assert_equal "$status" 0
	ask_on_bus --to n3 get x
	assert_equal "$status $output" "0 1"
	ask_on_bus get y
	assert_equal "$status $output" "1 "
}

serve_mqtt() {
	printf 'listener %d 127.0.0.1\nallow_anonymous true\n' "$port" >mosquitto.conf
	rm -f mosquitto-err
	mosquitto -c mosquitto.conf >mosquitto-err 2>&1 3>&- 5>&- 7>&- 8<&- &
	broker=$!
	pids+=("$broker")
	eventually serves_or_ends "$broker" ' running$' mosquitto-err && kill -0 "$broker" 2>/dev/null
}

@test "nodes on an MQTT broker" {
	on_free_port serve_mqtt || fail "$(cat mosquitto-err)"
	on_bus() {
		echo "mosquitto_sub -h 127.0.0.1 -p $port -t bus | { $1; } | mosquitto_pub -h 127.0.0.1 -p $port -l -t bus"
	}
	start_on_bus
	check_bus
}

@test "nodes on a multicast address" {
	port=$((10000 + RANDOM % 20000))
	on_bus() {
		local script
		script=$(mktemp bus-XXXXXX)
		printf '%s\n' "$1" >"$script"
		echo "exec socat -b 65000 UDP4-DATAGRAM:239.7.7.7:$port,bind=239.7.7.7:$port,reuseaddr,ip-add-membership=239.7.7.7:127.0.0.1,ip-multicast-if=127.0.0.1 EXEC:'sh $script'"
	}
	start_on_bus
	check_bus
}

@test "a ring of FIFOs: each node passes on what it hears, and its own words when they come round end" {
	mkfifo r1 r2 r3 r4
	exec 5<>r1 7<>r2 8<>r3 9<>r4            # so that nobody waits for the other end
	i=1
	for id in n1 n2 n3; do
		group "grep --line-buffered -v '^{\"src\":\"$id\"' <r$i | tee r$((i + 1)) | raft-node --id $id --nodes n1,n2,n3 >r$((i + 1))"
		i=$((i + 1))
	done
	# The fourth is the client: what passes by is in `seen`.
	group "grep --line-buffered -v '^{\"src\":\"c1\"' <r4 | tee -a seen >r1"
	ask() { message c1 "$2" "$3" "\"msg_id\":$1,$4" >r1; eventually grep -q "\"in_reply_to\":$1[,}]" seen; }
	written() { i=$((i + 1)); ask "$i" n2 write '"key":"x","value":1'; grep -q "\"write_ok\",\"in_reply_to\":$i}" seen; }
	eventually written
	# n3 may not know yet who leads.
	read_by_n3() { i=$((i + 1)); ask "$i" n3 read '"key":"x"'; ! grep "\"in_reply_to\":$i[,}]" seen | grep -q '"error"'; }
	eventually read_by_n3
	assert_equal "$(grep "\"in_reply_to\":$i[,}]" seen)" '{"src":"n3","dest":"c1","body":{"type":"read_ok","value":1,"in_reply_to":'$i'}}'
	exec 9<&-
}

# ---- nodes written for Maelstrom ----

@test "a Maelstrom node in Python runs as it is" {
	start -n 3 -- /usr/bin/python3 "$BATS_TEST_DIRNAME/../nodes/broadcast.py"
	tell '{"id":0,"src":"c1","dest":"n1","body":{"type":"echo","msg_id":1,"echo":"Please echo 35"}}'
	hear
	assert_equal "$(jq -c . <<<"$heard")" '{"src":"n1","dest":"c1","body":{"type":"echo_ok","echo":"Please echo 35","in_reply_to":1}}'
	for id in n1 n2 n3; do
		tell "$(message c1 $id topology '"msg_id":2,"topology":{"n1":["n2"],"n2":["n1","n3"],"n3":["n2"]}')"
		hear
		assert_regex "$heard" '"topology_ok"'
	done
	# The top-level id is Maelstrom's; this node passes it on.
	tell '{"id":7,"src":"c1","dest":"n1","body":{"type":"broadcast","msg_id":3,"message":1000}}'
	hear
	assert_equal "$(jq -r .body.type <<<"$heard")" broadcast_ok
	arrived() {
		tell "$(message c1 n3 read '"msg_id":4')"
		hear && [ "$(jq -c .body.messages <<<"$heard")" = "[1000]" ]
	}
	eventually arrived
	end
	assert_equal "$status" 0
	assert_equal "$(cat err)" ""
}
