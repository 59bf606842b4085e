#!/usr/bin/env bats
# netfault: what its options refuse, plans that are checked, the seed, and nodes that are started again.

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

# ---- usage ----

@test "names, addresses and numbers that are wrong are refused, each with its option" {
	each_is_a_usage_error <<-'END'
		--peer 'n2': must be NAME=ADDR : -n n1=cat --peer n2
		--peer 'n2=': the address is empty : -n n1=cat --peer n2=
		--peer 'n2=x': must be unix:PATH or tcp:HOST:PORT : -n n1=cat --peer n2=x
		--peer 'n2=tcp:h': must be tcp:HOST:PORT : -n n1=cat --peer n2=tcp:h
		--peer 'net=unix:x': a node's name has letters : -n n1=cat --peer net=unix:x
		there is a node 'n1' already : -n n1=cat --peer n1=unix:x
		there is a peer 'n1' already : --peer n1=unix:x -n 2 -- cat
		there is a peer 'n2' already : --peer n2=unix:x --peer n2=unix:y
		--client 'c1': must be NAME=COMMAND : --lockstep -n n1=cat --client c1
		there is a node 'n1' already : --lockstep -n n1=cat --client n1=cat
		there is a client 'c' already : --lockstep -n n1=cat --client c=cat --client c=cat
		--members 'n1,n3': there is no node 'n3' : -n n1=cat --peer n2=unix:x --members n1,n3
		--until '5': must be a time : -n n1=cat --until 5
		--seed 'x': must be a whole number from 0 to 9007199254740992 : -n n1=cat --seed x
		--seed '9007199254740993' : -n n1=cat --seed 9007199254740993
		--cut-at 'now': must be send or delivery : -n n1=cat --cut-at now
		--every '0s': must be a time : -n n1=cat --nemesis crash --every 0s
		--loss '1.5' : -n n1=cat --loss 1.5
		--loss 'x' : --loss x
		--delay '5' : --delay 5
		--duplicate '-1' : --duplicate=-1
		--reorder '2' : --reorder 2
		--corrupt 'y' : --corrupt y
		--truncate '' : --truncate ''
		--rate '10' : --rate 10
		--link 'n1>n2' : -n 2 --link 'n1>n2' -- cat
		--link 'n1>n2:los=1' : -n 2 --link 'n1>n2:los=1' -- cat
		--link 'n1>n2:los=1'.*did you mean 'loss' : -n 2 --link 'n1>n2:los=1' -- cat
		--nemesis 'crush'.*did you mean 'crash' : -n 2 --nemesis crush -- cat
	END
}

@test "options that do not go together, or miss another, are refused" {
	each_is_a_usage_error <<-'END'
		--lose-unsynced needs --lockstep : -n n1=cat --lose-unsynced
		--client needs --lockstep : -n n1=cat --client c1=cat
		--look-cost needs --virtual : -n n1=cat --lockstep --look-cost 1us
		--every needs --nemesis : -n n1=cat --every 1s
		--listen and --lockstep do not go together : -n n1=cat --lockstep --listen unix:x
		--listen and --lockstep do not go together : -n n1=cat --virtual --listen unix:x
		--peer and --lockstep do not go together : -n n1=cat --twice --peer n2=unix:x
		--replay and --seed do not go together : -n n1=cat --replay t --seed 1
		--replay and --nemesis do not go together : -n n1=cat --replay t --nemesis all
		--replay and --plan do not go together : -n n1=cat --replay t --plan /dev/null
		--replay and --link do not go together : -n 2 --replay t --link 'n1>n2:loss=1' -- cat
		--replay and --loss do not go together : -n n1=cat --replay t --loss 1
		--check-plan stands alone : --check-plan /dev/null --seed 1
		--nemesis skew: clocks can be skewed with --lockstep alone : -n n1=cat --nemesis crash,skew
		--plan '-': standard input can be read once : -n n1=cat --plan - --plan -
		--trace '-': standard output is a client's : -n n1=cat --trace -
		--plan '-': without nodes, standard input is what goes through : --plan -
	END
}

@test "without nodes, what needs them is refused" {
	each_is_a_usage_error <<-'END'
		--listen needs nodes : --listen unix:x
		--members needs nodes : --members n1
		--no-hints needs nodes : --no-hints
		--restart needs nodes : --restart
		--restart needs nodes : --restart --peer n1=unix:x
		--nemesis: there are no nodes : --nemesis loss,crash
		--lockstep needs nodes : --lockstep
		--lockstep needs nodes : --twice
		--scratch needs --lockstep : -n n1=cat --scratch
		'cat': a COMMAND is for -n COUNT : -- cat
	END
	echo '{"at":"1s","type":"crash","node":"n1"}' >plan
	run --separate-stderr netfault --plan plan </dev/null
	assert_failure 2
	assert_equal "$stderr" "netfault: plan:1: there are no nodes that this could be done to"
}

# ---- plans and links ----

@test "--check-plan: nothing is said of a right one, and of a wrong one where and what" {
	printf '%s\n' '{"at":"1s","type":"crash","node":"n1","for":"2s"}' '' '{"at":"2s","type":"heal"}' >plan
	run netfault --check-plan plan
	assert_success
	assert_output ""
	run netfault --check-plan - <plan
	assert_success
	for wrong in '{"at":"1s"' '{"at":"1","type":"heal"}' '{"type":"heal"}' '{"at":"1s","type":"crush"}' \
		'{"at":"1s","type":"crash","node":"n1","x":1}'; do
		{ cat plan; echo "$wrong"; cat plan; } >other
		run --separate-stderr netfault --check-plan other
		assert_failure 2
		assert_output ""
		assert_regex "$stderr" '^netfault: other:4: [^'$'\n'']+$'
	done
	run netfault --check-plan - <other
	assert_output --regexp '^netfault: <stdin>:4: '
	run netfault --seed 1 --plan - -n 2 -- touch started <<<'{"at":"1s","type":"crash","node":"n9"}'
	assert_failure 2
	assert_output "netfault: <stdin>:1: there is no node 'n9'"
	run netfault --check-plan absent
	assert_failure 2
	assert_output "netfault: cannot read 'absent': No such file or directory"
}

@test "a plan or a link that names what is no node is exit 2 with its place, and no node is started" {
	printf '%s\n' '{"at":"1s","type":"crash","node":"n1"}' '' '{"at":"2s","type":"crash","node":"n7"}' >plan
	run --separate-stderr netfault -n 2 --plan plan -- touch started </dev/null
	assert_failure 2
	assert_output ""
	assert_regex "$stderr" "plan:3: .*'n7'"
	run --separate-stderr netfault --seed 1 -n 2 --link 'n1>n2:loss=1' --link 'n1>n7:loss=1' -- touch started </dev/null
	assert_usage "--link 'n1>n7:loss=1': .*'n7'"
	printf '%s\n' '{"at":"1s","type":"skew","node":"n1","offset":"1s"}' >plan
	run --separate-stderr netfault --seed 1 -n 2 --plan plan -- touch started </dev/null
	assert_failure 2
	assert_equal "$stderr" "netfault: plan:1: clocks can be skewed with --lockstep alone"
	refute [ -e started ]
}

@test "a peer is a node to links and plans" {
	printf '%s\n' '{"at":"1h","type":"partition","groups":[["n1"],["n2"]]}' >plan
	run --separate-stderr netfault --seed 1 --drain 60s -n n1="$node" --peer n2=unix:absent --link 'n1>n2:loss=1' --plan plan \
		< <(message c1 n1 read '"msg_id":1')
	assert_success
	assert_output "$(message n1 c1 read_ok '"in_reply_to":1')"
}

# ---- the seed ----

@test "a seed that was not given is told where something is drawn, another one each time" {
	for options in '--loss 0' '--link n1>n1:loss=0.5' '--nemesis crash --every 1h'; do
		run --separate-stderr netfault $options -n n1="$node" </dev/null
		assert_success
		assert_regex "$stderr" '^netfault: seed [0-9]+$'
		first=$stderr
		run --separate-stderr netfault $options -n n1="$node" </dev/null
		refute [ "$stderr" = "$first" ]
		run --separate-stderr netfault $options --seed 9007199254740992 -n n1="$node" </dev/null
		assert_success
		assert_equal "$stderr" ""
	done
	run --separate-stderr netfault -n n1="$node" </dev/null
	assert_equal "$stderr" ""
}

# ---- --restart ----

@test "--restart: a node that ends is started again, later each time, with a new init; exit 0" {
	start --restart -n n1='echo x >>runs; [ "$(wc -l <runs)" -gt 3 ] || exit 3; exec '"$node" -n n2='exec cat 3>&1 >seen'
	eventually grep -q 'in 400 ms' err
	fourth_run() { [ "$(wc -l <runs)" = 4 ]; }
	eventually fourth_run
	tell "$(message c1 n1 read '"msg_id":1')"
	hear
	assert_equal "$heard" "$(message n1 c1 read_ok '"in_reply_to":1')"
	thrice() { [ "$(grep -c '"peer_down"' seen)" = 3 ]; }
	eventually thrice
	end
	assert_equal "$status" 0
	assert_equal "$(cat err)" "netfault: node 'n1' ended with status 3; it is started again in 100 ms
netfault: node 'n1' ended with status 3; it is started again in 200 ms
netfault: node 'n1' ended with status 3; it is started again in 400 ms"
	assert_equal "$(grep -c '"peer_down","node":"n1"' seen)" 3
}

@test "--restart: each run is given its own init, and one that was killed is started again" {
	touch seen
	start --restart -n n1='echo $$ >pid; exec cat 3>&1 >>seen'
	inits() { [ "$(grep -c '"init"' seen)" = "$1" ]; }
	eventually inits 1
	tell "$(message c1 n1 one)"
	eventually grep -q '"one"' seen
	kill -KILL "$(cat pid)"
	eventually inits 2
	tell "$(message c1 n1 two)"
	eventually grep -q '"two"' seen
	assert_equal "$(jq -r .body.type seen | tr '\n' ' ')" "init one init two "
	end
	assert_equal "$status" 0
	assert_equal "$(cat err)" "netfault: node 'n1' was killed by signal 9; it is started again in 100 ms"
}

@test "--restart: a crash that was asked for stays one, and one who waits to be started again is not at the end" {
	start --restart --drain 100ms -n n1="$node" -n n2='exit 1'
	tell "$(message c1 net crash '"msg_id":1,"node":"n1"')"
	hear
	assert_equal "$heard" "$(message net c1 crash_ok '"in_reply_to":1')"
	eventually grep -q 'in 1600 ms' err
	run grep "n1" err
	assert_output "netfault: node 'n1' was killed by signal 9"
	end
	assert_equal "$status" 0
}

@test "--restart: a node that cannot be started again is told, and exit 1" {
	printf '#!/bin/sh\ntouch up\nread -r init\nread -r line\nexit 0\n' >once
	chmod +x once
	start --restart -n 1 -- ./once
	eventually test -e up
	rm once
	tell "$(message c1 n1 read)"
	eventually grep -q "cannot start node 'n1': './once': No such file or directory" err
	end
	assert_equal "$status" 1
}
