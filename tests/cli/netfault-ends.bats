#!/usr/bin/env bats
# netfault: how nodes die, how it ends, what it refuses, and its bounds.

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

keeper="exec cat 3>&1 >seen-{id}"

# Has netfault told the ends of so many nodes?
told_ends() {
	[ "$(grep -cs "^netfault: node .* ended with status" err)" = "$1" ]
}

# carry COUNT OPTION...: netfault between the files `in` and `out`, until it has told the ends of so many nodes; `status`.
carry() {
	local count=$1
	rm -f err
	status=0
	netfault "${@:2}" < <(cat in; eventually told_ends "$count") >out 2>err || status=$?
}

# ---- nodes that die ----

@test "a node that is killed: the others hear at once, its status is told, exit 1" {
	start -n n1="echo \$\$ >pid-n1; exec $node" -n n2="$keeper" -n n3="$keeper"
	tell "$(message c1 n1 read '"msg_id":1')"
	hear
	kill -KILL "$(cat pid-n1)"
	for id in n2 n3; do
		eventually grep -q '"body":{"type":"peer_down","node":"n1"}}$' "seen-$id"
		assert_equal "$(tail -n 1 "seen-$id")" '{"src":"net","dest":"'$id'","body":{"type":"peer_down","node":"n1"}}'
	done
	end
	assert_equal "$status" 1
	assert_equal "$(cat err)" "netfault: node 'n1' was killed by signal 9"
}

@test "--no-hints: nobody is told that a node is down" {
	start --no-hints -n n1="echo \$\$ >pid-n1; $keeper" -n n2="$keeper" -n n3="$keeper"
	for id in n1 n2 n3; do eventually test -s "seen-$id"; done
	kill -KILL "$(cat pid-n1)"
	eventually grep -q "was killed" err
	tell "$(message c1 n2 read)"
	eventually grep -q '"c1"' seen-n2
	run grep peer_down seen-n1 seen-n2 seen-n3
	assert_failure 1
	end
	assert_equal "$status" 1
}

@test "a node that ends, with whatever status, has died of itself" {
	: >in
	for code in 0 3; do
		carry 1 -n n1="read -r init; exit $code" -n n2="$node"
		assert_equal "$status" 1
		assert_equal "$(cat out err)" "netfault: node 'n1' ended with status $code"
	done
}

@test "the last words of a node that dies arrive, on stdout and on stderr" {
	cat >last <<-'END'
		read -r init
		read -r line
		i=0
		while [ $i -lt 500 ]; do
			i=$((i + 1))
			echo '{"src":"n1","dest":"c1","body":{"type":"word","i":'$i'}}'
		done
		echo "goodbye" >&2
	END
	message c1 n1 x >in
	carry 1 -n 1 -- sh last
	assert_equal "$status" 1
	assert_equal "$(wc -l <out)" 500
	assert_equal "$(tail -n 1 out)" '{"src":"n1","dest":"c1","body":{"type":"word","i":500}}'
	assert_equal "$(cat err)" "n1: goodbye
netfault: node 'n1' ended with status 0"
}

@test "a line that a node was killed within is no message; a whole one may lack its newline" {
	message c1 n2 x >in
	carry 2 --no-hints -n n1="read -r i; printf '{\"src\":\"n1\",\"dest\":\"c1\",\"body\":{\"ty'" \
		-n n2="read -r i; read -r x; printf '{\"src\":\"n2\",\"dest\":\"c1\",\"body\":{\"type\":\"y\"}}'"
	assert_equal "$status" 1
	assert_equal "$(cat out)" '{"src":"n2","dest":"c1","body":{"type":"y"}}'
	assert_regex "$(cat err)" "netfault: node 'n1': line 1 is no message: it ends in the midst"
}

@test "a node that closes its output is down for the others, and is ended with them" {
	start -n n1="echo \$\$ >pid-n1; exec >&-; while read -r line; do :; done" -n n2="$keeper"
	eventually grep -q peer_down seen-n2
	kill -0 "$(cat pid-n1)"
	tell "$(message c1 n1 read '"msg_id":1')"
	end
	assert_nothing_left
}

@test "a node that closes its input may go on to speak" {
	cat >deaf <<-'END'
		exec <&-
		sleep 0.3
		echo '{"src":"n1","dest":"n2","body":{"type":"still here"}}'
		exec sleep 60
	END
	start -n n1="exec sh deaf" -n n2="$keeper"
	for i in 1 2 3; do
		tell "$(message c1 n1 read)"
		sleep 0.1
	done
	eventually grep -q 'still here' seen-n2
	end
	assert_equal "$status" 0
}

@test "with all nodes dead there is nothing to wait for" {
	run timeout 300 netfault -n n1="read -r init; read -r line; exit 1" --drain 1h < <(message c1 n1 read '"msg_id":1')
	assert_failure 1
}

# ---- the end ----

@test "at the end of input it waits for answers, no longer than --drain, and says what is missing" {
	cat >late <<-'END'
		read -r init
		read -r line
		sleep 0.5
		echo '{"src":"n1","dest":"c1","body":{"type":"late_ok","in_reply_to":1}}'
		exec cat >/dev/null
	END
	run --separate-stderr netfault -n 1 --drain 60s -- sh late < <(message c1 n1 late '"msg_id":1')
	assert_success
	assert_output '{"src":"n1","dest":"c1","body":{"type":"late_ok","in_reply_to":1}}'
	assert_equal "$stderr" ""
	run --separate-stderr netfault -n 1 --drain 200ms -- "$node" mute < <(message c1 n1 x '"msg_id":1'; message c1 n1 y)
	assert_success
	assert_equal "$stderr" "netfault: stdin: 1 of 1 requests have no answer after 200 ms"
	assert_nothing_left
}

@test "nodes are ended by SIGTERM, and by SIGKILL where that is not enough" {
	cat >stubborn <<-'END'
		trap 'echo "no" >&2' TERM
		echo >ready-n1
		while :; do sleep 0.1; done
	END
	SECONDS=0
	run --separate-stderr netfault --drain 200ms -n n1="exec sh stubborn" \
		-n n2="trap 'echo bye >&2; exit 0' TERM; echo >ready-n2; while :; do sleep 0.1; done" < <(eventually have 1 ready-n1 ready-n2)
	assert_success
	assert_regex "$stderr" "n1: no"
	assert_regex "$stderr" "n2: bye"
	assert_regex "$stderr" "netfault: node 'n1' did not end within 2000 ms of SIGTERM: it is killed"
	((SECONDS >= 2))
}

@test "a node that is stopped is ended too" {
	start -n 1 -- sh -c "echo \$\$ >pid-n1; exec $node"
	tell "$(message c1 n1 read '"msg_id":1')"
	hear
	kill -STOP "$(cat pid-n1)"
	end
	assert_equal "$status" 0
	assert_nothing_left
}

@test "what a node has started is ended with it" {
	start -n 1 -- sh -c "$node & $node & exec $node"
	tell "$(message c1 n1 read '"msg_id":1')"
	hear
	tell "$(message c1 net crash '"msg_id":2,"node":"n1"')"
	hear
	assert_nothing_left
	tell "$(message c1 net restart '"msg_id":3,"node":"n1"')"
	hear
	tell "$(message c1 n1 read '"msg_id":4')"
	hear
	end
	assert_equal "$status" 0
	assert_nothing_left
}

@test "a signal ends the nodes, and then netfault dies of it" {
	# A job in the background ignores SIGINT, one under nohup SIGHUP.
	through=(env --default-signal=INT,HUP)
	for sig in TERM:143 INT:130 HUP:129; do
		start -n 3 --listen unix:here -- "$node"
		eventually test -S here
		tell "$(message c1 n1 read '"msg_id":1')"
		hear
		kill "-${sig%:*}" "$pid"
		end
		assert_equal "$status" "${sig#*:}"
		assert_nothing_left
		refute [ -e here ]
	done
}

@test "a signal that is ignored where it comes from stays so" {
	through=(env --ignore-signal=INT,HUP)
	start -n 2 -- "$node"
	tell "$(message c1 n1 read '"msg_id":1')"
	hear
	kill -INT "$pid"
	kill -HUP "$pid"
	tell "$(message c1 n1 read '"msg_id":2')"
	hear
	assert_equal "$heard" "$(message n1 c1 read_ok '"in_reply_to":2')"
	end
	assert_equal "$status" 0
}

# It has to come between half a second and two seconds after the first one was heard: a try where the machine was busy
# elsewhere meanwhile says nothing, status 2.
second_signal() {
	rm -f ready told
	start -n 1 -- sh -c "trap 'echo >told' TERM; echo >ready; while :; do sleep 0.1; done"
	eventually test -e ready || return 1
	kill -TERM "$pid"
	eventually test -e told || return 1
	sleep 0.6
	kill -TERM "$pid"
	end || return 1
	! grep -q 'did not end' err || return 2
	assert_equal "$status" 143
}

@test "with nodes that do not end, a second signal is enough" {
	for try in {1..10}; do
		said=0
		second_signal || said=$?
		[ "$said" = 2 ] || return "$said"
	done
	fail "ten times: $(cat err)"
}

@test "no node outlives netfault, even if that is killed" {
	start -n 3 -- "$node"
	tell "$(message c1 n1 read '"msg_id":1')"
	hear
	kill -KILL "$pid"
	end
	assert_equal "$status" 137
	assert_nothing_left
}

@test "with an address to listen at, the end of input is not the end" {
	start -n 1 --listen unix:here -- "$node"
	eventually test -S here
	exec 7>&-
	run timeout 120 kvload -s unix:here --ops 10
	assert_success
	kill -TERM "$pid"
	end
	assert_equal "$status" 143
	refute [ -e here ]
}

# ---- output that fails ----

@test "a full disk is exit 4, never 0" {
	run --separate-stderr bash -c 'exec netfault -n 1 --drain 60s -- "$1" < <(echo "$2"; sleep 1) >/dev/full' bash "$node" "$(message c1 n1 read '"msg_id":1')"
	assert_failure 4
	assert_equal "$stderr" "netfault: cannot write 'stdout': No space left on device"
	assert_nothing_left
}

@test "a stdout that is closed is exit 4 once something is to be said" {
	run --separate-stderr bash -c 'exec netfault -n 1 --drain 60s -- "$1" < <(echo "$2"; sleep 1) >&-' bash "$node" "$(message c1 n1 read '"msg_id":1')"
	assert_failure 4
	assert_equal "$stderr" "netfault: cannot write 'stdout': Bad file descriptor"
}

@test "a stdin that is closed is exit 4" {
	run --separate-stderr bash -c 'exec netfault -n 1 -- "$1" <&-' bash "$node"
	assert_failure 4
	assert_equal "$stderr" "netfault: cannot read 'stdin': Bad file descriptor"
}

@test "a closed pipe ends it quietly" {
	# More answers than any pipe holds.
	awk 'BEGIN { for (i = 0; i < 40000; i++) printf "{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"type\":\"read\",\"msg_id\":%d}}\n", i }' >lines
	run --separate-stderr bash -c '{ cat lines; sleep 1; } | netfault -n 1 --drain 60s -- "$1" | head -n 1; echo "${PIPESTATUS[1]}"' bash "$node"
	assert_line --index 1 141
	assert_equal "$stderr" ""
	assert_nothing_left
}

@test "once stdout is gone, what nodes still say is no loss of the network's" {
	# Its last words are for a client that cannot hear them.
	cat >talker <<'END'
trap 'echo "{\"src\":\"n1\",\"dest\":\"c1\",\"body\":{\"type\":\"late\"}}"; exit 0' TERM
while read -r line; do case $line in *'"c1"'*) echo "{\"src\":\"n1\",\"dest\":\"c1\",\"body\":{\"type\":\"now\"}}" ;; esac; done
END
	run --separate-stderr bash -c 'exec netfault -n 1 --drain 60s -- bash talker < <(echo "$1"; sleep 1) >/dev/full' bash "$(message c1 n1 read '"msg_id":1')"
	assert_failure 4
	assert_equal "$stderr" "netfault: cannot write 'stdout': No space left on device"
	mkfifo gone
	run --separate-stderr bash -c 'exec 3<>gone 4>gone 3<&-; netfault -n 1 --drain 60s -- bash talker < <(echo "$1"; sleep 1) >&4; echo $?' bash "$(message c1 n1 read '"msg_id":1')"
	assert_output 141
	assert_equal "$stderr" ""
	assert_nothing_left
}

# ---- bounds ----

@test "a node that does not read costs no more than --queue, and what is lost is counted" {
	flood='{"src":"n1","dest":"n2","body":{"type":"flood","x":"0123456789012345678901234567890123456789"}}'
	start -n n1="exec yes '$flood'" -n n2="exec sleep 60" --queue 1M
	eventually grep -q "node 'n2' does not read: 1[0-9]* bytes wait" err
	sleep 0.5
	(($(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status") < 100000))
	kill -TERM "$pid"
	end
	assert_equal "$status" 143
	assert_equal "$(grep -c 'does not read' err)" 1
	assert_regex "$(tail -n 1 err)" "^netfault: lines lost: .*[0-9]+ for those that did not read"
}

@test "a client that sends faster than a node reads is held back and loses nothing" {
	awk 'BEGIN { for (i = 0; i < 200000; i++) printf "{\"src\":\"c%d\",\"dest\":\"n1\",\"body\":{\"type\":\"x\",\"filler\":\"%050d\"}}\n", i % 7, i }' >lines
	start -n n1="sleep 1; exec cat 3>&1 >seen" --queue 1M
	cat lines >&7
	eventually have 200001 seen
	end
	run cmp lines <(tail -n +2 seen)
	assert_success
	assert_equal "$(cat err)" ""
}

@test "a client that does not read its answers is not read either, and loses none" {
	awk 'BEGIN { for (i = 0; i < 200000; i++) printf "{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"type\":\"read\",\"msg_id\":%d}}\n", i }' >lines
	run --separate-stderr bash -c 'netfault -n 1 --queue 8M --drain 10m -- "$1" <lines | { sleep 1; awk -F "[:}]" "{ if (\$6 != n++) bad++ } END { print n, bad + 0 }"; }' bash "$node"
	assert_output "200000 0"
	assert_equal "$stderr" ""
}

@test "hundreds of nodes" {
	start -n 300 -- "$node"
	for id in n1 n150 n300; do
		tell "$(message c1 $id read '"msg_id":1')"
		hear
		assert_equal "$heard" "$(message $id c1 read_ok '"in_reply_to":1')"
	done
	end
	assert_equal "$status" 0
	assert_nothing_left
}

# ---- what it refuses ----

# A usage error: two lines, the first of them told by a regular expression.
assert_usage() {
	assert_failure 2
	assert_output ""
	assert_regex "$stderr" "^netfault: [^"$'\n'"]*
Try 'netfault --help'.\$"
	assert_regex "${stderr%%$'\n'*}" "$1"
}

# Every line of stdin: a regular expression, ` : ` and options.
each_is_a_usage_error() {
	while IFS= read -r line; do
		echo "${line#* : }"
		eval "run --separate-stderr timeout 120 netfault ${line#* : } </dev/null"
		assert_usage "${line%% : *}"
	done
}

@test "usage errors name what is wrong" {
	each_is_a_usage_error <<-'END'
		--listen needs nodes: give -n COUNT or -n NAME=COMMAND : --listen unix:x
		what do the nodes run : -n 3
		a COMMAND is for -n COUNT : -n a=b -- cat
		-n 'x': must be a count or NAME=COMMAND : -n x -- cat
		-n '': must be a whole number : -n '' -- cat
		-n '0': must be a whole number from 1 to 1024 : -n 0 -- cat
		--node '1025': must be a whole number : --node 1025 -- cat
		-n 'a=': the command is empty : -n a=
		-n '=b': a node's name has letters : -n =b
		-n 'net=b': a node's name : -n net=b
		-n 'client=b': 'client' is no name of one : -n client=b
		-n '\*=b': a node's name : -n '*=b'
		-n 'a b=c': a node's name : -n 'a b=c'
		there is a node 'n1' already : -n 2 -n n1=x -- cat
		there is a node 'a' already : -n a=x -n a=y
		--drain 'x': must be a time from 0s to 24h, as 50ms or 1.5s : -n 1 --drain x -- cat
		--drain '5': must be a time : -n 1 --drain 5 -- cat
		--drain '25h': must be a time : -n 1 --drain 25h -- cat
		--drain '-1s': must be a time : -n 1 --drain=-1s -- cat
		--drain '1.s': must be a time : -n 1 --drain 1.s -- cat
		--drain '99999999999999999999s': must be a time : -n 1 --drain 99999999999999999999s -- cat
		--queue 'x': must be a size : -n 1 --queue x -- cat
		--listen 'x': must be unix:PATH or tcp:HOST:PORT : -n 1 --listen x -- cat
		--listen 'unix:': the path is empty : -n 1 --listen unix: -- cat
		--listen 'tcp:1': must be tcp:HOST:PORT : -n 1 --listen tcp:1 -- cat
		--listen 'tcp:h:65536': must be tcp:HOST:PORT : -n 1 --listen tcp:h:65536 -- cat
		--listen 'tcp::1': must be tcp:HOST:PORT : -n 1 --listen tcp::1 -- cat
		--listen 'tcp:h:1x': must be tcp:HOST:PORT : -n 1 --listen tcp:h:1x -- cat
	END
	run --separate-stderr netfault -n 1 --listen "unix:$(printf %0200d 0)" -- cat </dev/null
	assert_usage "the path is too long for a socket"
}

@test "an address in use, or that cannot be had, is exit 2 and named, and no node is started" {
	start -n 1 --listen unix:here --listen tcp:127.0.0.1:0 -- "$node"
	eventually test -S here
	find_port
	for bad in "unix:here:Address already in use" "tcp:127.0.0.1:$port:Address already in use" \
		"unix:no/such/place:No such file or directory" "unix:err:Address already in use" \
		"tcp:192.0.2.1:80:Cannot assign requested address"; do
		run --separate-stderr netfault -n 1 --listen "${bad%:*}" -- touch started </dev/null
		assert_failure 2
		assert_equal "$stderr" "netfault: cannot listen at '${bad%:*}': ${bad##*:}"
		refute [ -e started ]
	done
	run netfault -n 1 --listen unix:other --listen unix:here -- "$node" </dev/null
	assert_failure 2
	refute [ -e other ]
	assert [ -S here ]
	kill -KILL "$pid"
	end
	assert [ -S here ]
	start -n 1 --listen unix:here -- "$node"
	tell "$(message c1 n1 read '"msg_id":1')"
	hear                            # so it listens
	run timeout 120 kvload -s unix:here --ops 10
	assert_success
	kill -TERM "$pid"
	end
	refute [ -e here ]
}

@test "a command that cannot be run is exit 2 and named, and no node is left" {
	run --separate-stderr netfault -n a="$node" -n 1 -- ./absent </dev/null
	assert_failure 2
	assert_equal "$stderr" "netfault: cannot start node 'n1': './absent': No such file or directory"
	run --separate-stderr netfault -n 1 -- "$PWD" </dev/null
	assert_failure 2
	assert_equal "$stderr" "netfault: cannot start node 'n1': '$PWD': Permission denied"
	assert_nothing_left
}
