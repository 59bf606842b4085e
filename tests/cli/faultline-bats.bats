#!/usr/bin/env bats
# faultline-bats(7): suites as others would write them, run by a bats of their own.

load suites.bash

setup() {
	suites_setup
}

teardown() {
	suites_teardown
}

# examples NAME...: the suites of the page, in their order, each from its `load faultline` on.
examples() {
	mandoc -T ascii "$top/man/man7/faultline-bats.7" | col -bx | awk -v names="$*" '
		BEGIN { split(names, name, " ") }
		/^EXAMPLES/ { on = 1 }
		/^SEE ALSO/ || /^ *And one in/ { out = "" }
		on && /^ *load faultline$/ { indent = match($0, /load/) - 1; out = name[++n] ".bats" }
		out { print substr($0, indent + 1) >out }'
}

@test "the suites of the page pass as they stand there" {
	examples store seeds
	grep -q assert_linearizable store.bats
	suites store
	assert_all_passed
	assert_line '1..3'
	grep -q cluster_simulate seeds.bats
	suites seeds
	assert_all_passed
	assert_line '1..1'
}

@test "single nodes: what is insisted on, a status that is awaited, what is told and what the trace has; -C goes on where it was" {
	suite single <<-'.'
	@ test "asked and told" {
		set -u -o pipefail
		IFS=,
		cluster_start 3 sh -c 'exec raft-node $(cat {id}.options 2>/dev/null)'
		cluster_wait_leader
		[ ${#followers[@]} = 2 ]
		[[ " ${followers[0]} ${followers[1]} " != *" $leader "* ]]
		node_crash "${followers[0]}"
		trace_mark
		! FAULTLINE_PATIENCE=2 trace_wait '"event":"death"'
		! FAULTLINE_PATIENCE=2 node_wait "${followers[0]}" .id
		# One that is down meanwhile.
		(sleep 1 && net restart "${followers[0]}") &
		run insist "${followers[0]}" '{"type":"write","key":"x","value":1}'
		[ "$status $output" = '0 {"type":"write_ok"}' ]
		node_wait "${followers[0]}" '.last_applied >= 2 and .role == "follower"'
		[[ $answer =~ '"status_ok"' ]]
		insist n1 '{"type":"read","key":"y"}'
		assert_error 11 20
		is_error 20
		! is_error 11 2 0
		! assert_error 11
		# Its answer is for somebody else, and is none to what is asked next.
		tell n1 '{"type":"read","key":"x","msg_id":1000}' w
		trace_wait '"event":"deliver","src":"n1","dest":"w"'
		for i in {1..3}; do
			ask n2 '{"type":"read","key":"x"}'
			[ "$answer" = '{"type":"read_ok","value":1}' ]
		done
		echo '--no-such-option' >"$cluster_dir/${followers[1]}.options"
		node_restart "${followers[1]}"
		down() { [ "$(cluster_nodes | wc -l)" = 2 ]; }
		eventually down
		! cluster_stop
	}
	@ test "goes on" {
		mkdir "it's mine"
		cluster_start -C "it's mine" 1 raft-node
		[ "$cluster_dir" = "$PWD/it's mine" ]
		load_start --ops 50 --mix write
		load_wait
		cluster_stop
		cluster_start -C "$cluster_dir" 1 raft-node --snapshot-every 10
		load_start --ops 50 --mix read
		load_wait
		assert_linearizable
		assert_converged
		cluster_stop
		[ -d "it's mine/n1.raft" ]
		# Another directory has none of it, and another history.
		cluster_start 1 raft-node
		! assert_linearizable
		load_start --ops 50
		load_wait
		assert_linearizable
	}
	@ test "gives up" {
		cluster_start 1 raft-node
		! node_wait n1 '.role =='
		! FAULTLINE_PATIENCE=1 node_wait n1 '.role == "none"'
		net pause n1
		FAULTLINE_PATIENCE=1 insist n1 '{"type":"read","key":"y"}'
	}
	.
	suites single
	assert_failure
	assert_line 'ok 1 asked and told'
	assert_line 'ok 2 goes on'
	assert_line 'not ok 3 gives up'
	assert_line '# faultline: node_wait: no filter of jq: .role =='
	assert_line --regexp '^# faultline: the status of n1 does not fit \.role == "none" after 1 s: \{"type":"status_ok"'
	assert_line '# faultline: n1 refuses {"type":"read","key":"y"} after 1 s: no answer'
	assert_nothing_left
}

@test "paxos-node, and a program of one's own that knows no status and no list, pass as well" {
	cp "$top/tests/nodes/primary.py" my-node
	suite own <<-'.'
	@ test "paxos" {
		cluster_start 3 paxos-node
		cluster_wait_leader
		[[ $leader =~ ^n[123]$ ]]
		load_start --rate 200 --mix read,write,cas
		node_crash "$leader"
		load_wait 30
		node_restart "$leader"
		assert_linearizable
		assert_converged
	}
	@ test "a relative path, and what python prints" {
		set -u -o pipefail
		IFS=,
		cluster_start 3 ./my-node
		cluster_wait_leader
		[ -z "$leader" ]
		run ask n2 '{"type":"write","key":"x","value":[1, 2]}'
		[ "$output" = '{"type":"write_ok"}' ]
		ask n3 '{"type":"read","key":"x"}'
		[ "$answer" = '{"type":"read_ok","value":[1,2]}' ]
		run ask n3 '{"type":"read","key":"y"}'
		[[ "$status $output" =~ ^'0 {"type":"error","code":20,' ]]
		load_start --rate 200 --ops 100 --mix read,write,cas
		load_wait
		assert_linearizable
		assert_converged
		client get x
		load_start --rate 200 --ops 20
		node_pause n2
		node_resume n2
		load_wait
		assert_linearizable
		cluster_stop
	}
	.
	suites own
	assert_all_passed
}

@test "what is not linearizable is found: nodes that forget, and a store that is not replicated" {
	cp "$top/tests/nodes/primary.py" my-node
	suite wrong <<-'.'
	@ test "volatile" {
		cluster_start 3 raft-node --volatile
		cluster_wait_leader
		load_start --ops 100 --mix write
		load_wait
		node_crash n1 n2 n3
		node_restart n1 n2 n3
		cluster_wait_leader
		load_start --ops 100 --mix read
		load_wait
		assert_linearizable
	}
	@ test "alone" {
		cluster_start 3 python3 my-node own
		load_start --rate 200
		load_wait 30
		node_crash n1 n2
		node_restart n1 n2
		node_crash n3
		load_wait 30
		assert_linearizable
	}
	@ test "apart" {
		cluster_start 2 python3 my-node own
		load_start --ops 20
		load_wait
		FAULTLINE_PATIENCE=4 assert_converged
	}
	.
	suites wrong
	assert_failure
	assert_line 'not ok 1 volatile'
	assert_line 'not ok 2 alone'
	assert_line 'not ok 3 apart'
	assert_equal "$(grep -c '# faultline: the history is not linearizable:' <<<"$output")" 2
	assert_line --regexp '^# faultline: the nodes differ after 4 s: "key":"[0-9]*": n1: .*; n2: '
	assert_nothing_left
	for kept in faultline-failures/wrong/{1-volatile,2-alone}; do
		assert [ -s $kept/lincheck ]
		run -1 "$bin/lincheck" <$kept/history
		xmllint --noout $kept/history.svg
	done
}

@test "a failed test leaves seed, trace, picture and stderr, and says with what commands to go on; one that passes leaves nothing" {
	mkdir "it's here"
	cd "it's here" || return
	cp "$top/tests/nodes/primary.py" my-node
	suite fails <<-'.'
	@ test "passes" {
		cluster_start 1 raft-node
	}
	@ test "fails. (it's [x])" {
		cluster_start 3 sh -c 'echo "I am {id}" >&2; exec raft-node'
		cluster_wait_leader
		client put x 1
		run client get x
		[ "$output" = 2 ]
	}
	.
	suites fails
	assert_failure
	assert_line --index 1 'ok 1 passes'
	assert_line "not ok 2 fails. (it's [x])"
	# The line of the test is the one that is shown, and none of faultline's own.
	assert_line "#   \`[ \"\$output\" = 2 ]' failed"
	refute_output --partial faultline.bash
	assert_line '#   n2: I am n2'
	assert_equal "$(ls faultline-failures/fails)" '2-fails.--it-s--x--'
	kept=$(ls -d "$PWD"/faultline-failures/fails/2*)
	assert_line "# faultline: kept in $kept:"
	assert_equal "$(cat "$kept/n2.log")" 'I am n2'
	seed=$(jq .seed "$kept/trace" | head -n 1)
	xmllint --noout "$kept/trace.svg"
	# Its commands do what they say.
	again=$(grep '^  FAULTLINE_SEED=' "$kept/message")
	assert_regex "$again" "^  FAULTLINE_SEED=$seed bats "
	rm "$kept/trace"
	run clean bash -c "$again --formatter tap"
	assert_failure
	assert_line --index 0 '1..1'
	assert_equal "$(jq .seed "$kept"/../1*/trace | head -n 1)" "$seed"
	kept=$(ls -d "$PWD"/faultline-failures/fails/1*)
	run clean bash -c "$(grep '^  spacetime ' "$kept/message")"
	assert_success
	assert_line --partial 'write_ok'
	cd .. && assert_nothing_left
}

@test "FAULTLINE_KEEP says where failures are kept, and a seed may be given" {
	suite seeds <<-'.'
	@ test "given" {
		cluster_start 1 raft-node -- --seed 7
		[ "$cluster_seed" = 7 ]
		false
	}
	@ test "of the environment" {
		cluster_start 1 raft-node
		[ "$cluster_seed" = 99 ]
		false
	}
	.
	suites FAULTLINE_SEED=99 FAULTLINE_KEEP=elsewhere/of/mine seeds
	assert_failure
	[ ! -e faultline-failures ]
	assert_equal "$(jq .seed elsewhere/of/mine/seeds/1-given/trace | head -n 1)" 7
	assert_equal "$(jq .seed elsewhere/of/mine/seeds/2-of-the-environment/trace | head -n 1)" 99
	# Where nothing can be kept, that is said, and the seed.
	: >file
	suites FAULTLINE_SEED=99 FAULTLINE_KEEP=file seeds
	assert_failure
	assert_line "# faultline: the seed was 99; nothing can be kept in '$PWD/file/seeds/2-of-the-environment'"
	assert_nothing_left
}

@test "a wait for what never comes fails in its time, and says what each node said; Ctrl-C need not wait for it" {
	suite waits <<-'.'
	@ test "no leader" {
		cluster_start 3 raft-node
		net partition n1 n2 n3
		FAULTLINE_PATIENCE=1 cluster_wait_leader
	}
	@ test "no answers" {
		cluster_start 1 sleep 1000
		load_start
		FAULTLINE_PATIENCE=1 load_wait 1
	}
	@ test "no request" {
		cluster_start 1 sleep 1000
		FAULTLINE_PATIENCE=1 ask n1 '{"type":"status"}'
	}
	@ test "nothing was answered" {
		cluster_start 1 sleep 1000
		load_start
		# It writes what it has asked.
		FAULTLINE_PATIENCE=1 load_wait 1 || eventually grep -q invoke "$cluster_dir/../history.1"
		assert_linearizable
	}
	.
	suites waits
	assert_failure
	assert_line '# faultline: no leader within 1 s; what the nodes say:'
	assert_line --regexp '^#   n1: .*; a read: '
	assert_line '# faultline: load_wait: 0 of 1 operations were answered within 1 s'
	assert_line '# faultline: no answer to {"type":"status"} from n1 within 1 s'
	assert_line '# faultline: assert_linearizable: none of 5 operations was done'
	refute_line --regexp '^ok'
	assert_nothing_left
	# 100 s of patience, and it ends at once.
	suite patient <<-'.'
	@ test "no leader" {
		cluster_start 3 raft-node
		net partition n1 n2 n3
		touch "$BATS_CWD/shell"
		cluster_wait_leader
	}
	.
	in_background patient FAULTLINE_PATIENCE=1000
	eventually test -e shell
	kill -INT -- "-$pid"
	eventually ended || fail "$(cat said)"
	assert_nothing_left
}

@test "a node that ends of itself fails the test that did not expect it" {
	suite deaths <<-'.'
	@ test "unseen" {
		cluster_start 2 sh -c 'read -r init; [ {id} = n1 ] || { echo "no more" >&2; exit 3; }; cat >/dev/null'
		down() { [ "$(cluster_nodes)" = n1 ]; }
		eventually down
	}
	@ test "expected" {
		cluster_start 1 sh -c 'exit 3'
		down() { [ -z "$(cluster_nodes)" ]; }
		eventually down
		cluster_stop || true
	}
	@ test "asked" {
		cluster_start 2 raft-node
		node_crash n1
		cluster_stop
	}
	@ test "nobody" {
		cluster_start 1 sh -c 'exit 3'
		cluster_wait_leader
	}
	@ test "not to be had" {
		cluster_start 1 ./nothing
	}
	.
	suites deaths
	assert_failure
	assert_line 'not ok 1 unseen'
	assert_line '# faultline: a node ended of itself:'
	assert_line '#   n2: status:3'
	assert_line '#   n2: no more'
	assert_line 'ok 2 expected'
	assert_line 'ok 3 asked'
	assert_line 'not ok 4 nobody'
	assert_line '# faultline: cluster_wait_leader: no node runs'
	assert_line 'not ok 5 not to be had'
	assert_line --partial "'./nothing'"
	assert_nothing_left
}

@test "groups of a partition: by a slash, a space or a bar in quotes; a bar without them is explained" {
	suite groups <<-'.'
	@ test "groups" {
		cluster_start 3 raft-node
		for i in 1 2 3; do
			case $i in
			1) net partition n1 / n2,n3 ;;
			2) net partition n1 n2,n3 ;;
			3) net partition 'n1 | n2,n3' ;;
			esac
			run net links
			[[ $output =~ '"groups":[["n1"],["n2","n3"]]}' ]]
			net heal
		done
		run net crash n9
		[ "$status" = 2 ]
		cluster_wait_leader n1 n2 n3
	}
	@ test "a pipe" {
		cluster_start 3 raft-node
		net partition n1 | n2,n3
	}
	@ test "another command" {
		cluster_start 1 raft-node
		nosuch,command
	}
	.
	suites groups
	assert_failure
	assert_line 'ok 1 groups'
	assert_line 'not ok 2 a pipe'
	assert_line '# faultline: n2,n3: the shell took | for a pipe: write net partition ... / n2,n3'
	assert_line '# nosuch,command: command not found'
	assert_nothing_left
}

@test "what is called at the wrong place or time says so" {
	suite wrong <<-'.'
	@ test "1" {
		run cluster_start 1 raft-node
		echo "$output"
		cluster_stop || echo "$?"
		net heal || echo "$?"
		ask n1 '{}' || echo "$?"
		assert_linearizable || echo "$?"
		cluster_start raft-node || echo "$?"
		cluster_start 3 || echo "$?"
		cluster_start 3 -- --seed 7 || echo "$?"
		cluster_start 1 raft-node
		cluster_start 1 raft-node || echo "$?"
		load_stop || echo "$?"
		load_wait 1 || echo "$?"
		load_start --ops 1
		load_start || echo "$?"
		load_wait
		load_start --no-such-option || echo "$?"
		false
	}
	.
	suites wrong
	assert_failure
	run sed -n 's/^# //; /1$/d; s/^faultline: //; /kept in/q; p' <<<"$output"
	assert_output - <<-.
	(in test file wrong.bats, line 20)
	  \`false' failed
	cluster_start has to be called by the test itself: not by run, nor in a pipe or ( )
	cluster_stop: there is no cluster
	net: there is no cluster: cluster_start comes first
	ask: there is no cluster: cluster_start comes first
	assert_linearizable: there was no load: load_start comes first
	usage: cluster_start [-C DIR] COUNT COMMAND [ARGUMENT ...] [-- OPTION ...]
	usage: cluster_start [-C DIR] COUNT COMMAND [ARGUMENT ...] [-- OPTION ...]
	usage: cluster_start [-C DIR] COUNT COMMAND [ARGUMENT ...] [-- OPTION ...]
	cluster_start: there is a cluster already
	load_stop: there is no load: load_start comes first
	load_wait: there is no load: load_start comes first
	load_start: there is a load already: load_stop comes first
	kvload ended with status 2:
	kvload: unknown option '--no-such-option'
	Try 'kvload --help'.
	.
}

@test "in setup_file there is no test to end a cluster with" {
	suite file <<-'.'
	setup_file() {
		cluster_start 1 raft-node
	}
	@ test "1" {
		true
	}
	.
	suites file
	assert_failure
	assert_line '# faultline: cluster_start belongs in a test or in setup'
	assert_nothing_left
}

@test "tests at once do not meet" {
	suite jobs <<-'.'
	.
	for i in 1 2 3 4; do
		cat <<-.
		@ test "$i" {
			cluster_start 3 raft-node
			cluster_wait_leader
			client put x $i
			node_crash "\$leader"
			cluster_wait_leader
			run client get x
			[ "\$output" = $i ]
			assert_converged
			cluster_stop
			cluster_start 1 raft-node
			run ! client get x
		}
		.
	done | sed 's/^@ test/@test/' >>jobs.bats
	suites jobs
	assert_all_passed
}

@test "bats finds it in PATH, by its path, by a link, and as a library; and it its tools" {
	# As it is installed.
	mkdir -p usr/bin usr/share elsewhere
	cp -R "$bin/../share/faultline" usr/share/
	cp -P "$bin/faultline" usr/bin/
	for tool in netfault kv raft-node kvload spacetime; do
		cp "$bin/$tool" usr/bin/
	done
	assert_equal "$(usr/bin/faultline)" "$PWD/usr/share/faultline/faultline.bash"
	for i in 1 2 3 4; do
		mkdir $i
		sed 's/^@ test/@test/' >$i/a.bats <<-'.'
		@ test "1" {
			cluster_start 1 raft-node
			cluster_wait_leader
			client put x 1
		}
		.
	done
	sed -i '1i load faultline' 1/a.bats 3/a.bats
	sed -i "1i load $PWD/usr/share/faultline/faultline" 2/a.bats
	ln -s "$PWD/usr/share/faultline/faultline.bash" 3/
	sed -i '1i bats_load_library faultline' 4/a.bats
	run clean PATH="$PWD/usr/bin:$path" bats --formatter tap 1
	assert_all_passed
	run clean PATH="$path" bats --formatter tap 2 3
	assert_all_passed
	run clean PATH="$path" BATS_LIB_PATH="$PWD/usr/share:/usr/lib/bats" bats --formatter tap 4
	assert_all_passed
	run clean PATH="$path" bats --formatter tap 1
	assert_failure
	mkdir bare
	cp -R usr/share bare/
	sed "s|/usr/share/|/bare/share/|" 2/a.bats >bare/a.bats
	run clean PATH="$path" bats --formatter tap bare
	assert_failure
	assert_line --regexp '^# faultline: cluster_start: no netfault, neither in .* nor in PATH; FAULTLINE_BIN may say where it is$'
}
