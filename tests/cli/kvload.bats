#!/usr/bin/env bats
# kvload: what it asks, what it counts, and how it fails.

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

# serve OPTION...: netfault with those nodes at unix:here.
serve() {
	start --listen unix:here "$@"
	eventually test -S here
}

# figure PATH: of the results in $output.
figure() {
	jq -c "$1" <<<"$output"
}

@test "--ops is how many operations are measured; the results are one JSON object" {
	serve -n 1 -- "$node" keep
	run --separate-stderr kvload -s unix:here --ops 1000 --clients 7
	assert_success
	assert_equal "$stderr" ""
	assert_equal "${#lines[@]}" 1
	assert_equal "$(figure '[.ops,.all.ops,(.read.ops+.write.ops),.unknown,.unanswered,.failed,.retries,.clients,.keys]')" "[1000,1000,1000,0,0,0,0,7,10000]"
	assert_equal "$(figure '.cas')" null
	assert_equal "$(figure '(.seconds > 0) and (.ops_per_s > 0) and (.gap_us > 0)')" true
	for kind in all read write; do
		assert_equal "$(figure ".$kind | (.p50_us > 0) and .p50_us <= .p90_us and .p90_us <= .p99_us and .p99_us <= .[\"p99.9_us\"] and .[\"p99.9_us\"] <= .max_us")" true
	done
}

@test "--time is how long, after --warmup, which is not measured" {
	serve -n 1 -- "$node"
	run --separate-stderr kvload -s unix:here --time 300ms --warmup 200ms --clients 10
	assert_success
	assert_equal "$(figure '.seconds > 0.25 and .seconds < 60')" true
}

@test "--mix is in which shares, and cas expects what was written last" {
	serve -n 1 -- "$node" keep
	run --separate-stderr kvload -s unix:here --ops 20000 --clients 10 --mix read=1,write=2,cas=1 --keys 100
	assert_success
	assert_equal "$(figure '(.read.ops|.>4600 and .<5400) and (.write.ops|.>9500 and .<10500) and (.cas.ops|.>4600 and .<5400)')" true
	# Of clients on one key, those that come second are refused.
	assert_equal "$(figure '(.errors["22"] // 0) < 4000')" true
	run --separate-stderr kvload -s unix:here --ops 500 --mix cas --keys 3 --key-bytes 1
	assert_success
	assert_equal "$(figure '[.ops,.cas.ops,.read,.write]')" "[500,500,null,null]"
	assert_equal "$(figure '(.errors["20"] // 0) + (.errors["22"] // 0) <= 3')" true
}

@test "--distribution zipf asks for some keys more often than for others, and for the same by the seed" {
	serve -n 1 -- "$node" keep
	for d in uniform zipf zipf:1.5; do
		run --separate-stderr kvload -s unix:here --ops 5000 --clients 50 --seed 3 --keys 100 --mix read --distribution $d --history $d
		assert_success
		jq -r 'select(.type == "invoke").key' $d | sort | uniq -c | sort -rn | awk '{ print $1 }' >$d.counts
	done
	run awk '{ exit !($1 > 50 && $1 < 90) }' uniform.counts
	assert_success
	# 1 / (1 + 2^-s + ... + 100^-s) of 5000
	run awk 'NR == 1 { exit !($1 > 800 && $1 < 1090) }' zipf.counts
	assert_success
	run awk 'NR == 1 { exit !($1 > 1890 && $1 < 2250) }' zipf:1.5.counts
	assert_success
}

@test "--rate is how often operations begin, however many clients there are" {
	serve -n 1 -- "$node"
	run --separate-stderr kvload -s unix:here --rate 400 --clients 5000 --time 500ms
	assert_success
	assert_equal "$(figure '[.ops,.rate,.queued]')" "[200,400,0]"
	run --separate-stderr kvload -s unix:here --rate 0.5 --ops 1
	assert_success
	assert_equal "$(figure '[.ops,.rate,.queued]')" "[1,0.5,0]"
	run --separate-stderr kvload -s unix:here --rate 2000 --arrivals poisson --ops 500
	assert_success
	assert_equal "$(figure '[.ops,.queued]')" "[500,0]"
}

@test "--rate on a store that stands still counts the time that operations waited" {
	# It is asked every 10 ms, and its first answer takes 400 ms.
	cat >slow <<-'END'
		read -r init
		read -r line
		sleep 0.4
		answer() {
			src=${line#*'"src":"'} src=${src%%'"'*} id=${line#*'"msg_id":'} id=${id%%[,\}]*}
			echo '{"src":"n1","dest":"'$src'","body":{"type":"write_ok","in_reply_to":'$id'}}'
		}
		answer
		while read -r line; do
			answer
		done
	END
	serve -n n1="exec bash slow"
	run --separate-stderr kvload -s unix:here --rate 100 --time 400ms --mix write
	assert_success
	assert_equal "$(figure '[.ops,.queued]')" "[40,0]"
	# All of them waited, 200 ms in the mean: a closed loop would have told of one.
	assert_equal "$(figure '.all.p50_us > 150000 and .all.max_us >= 400000')" true
}

@test "delete, transactions and lists are asked of a store that has them" {
	serve -n 1 -- raft-node --volatile
	run --separate-stderr kvload -s unix:here --ops 400 --clients 4 --keys 5 --mix read,write,delete,txn,append --txn-ops 6
	assert_success
	assert_equal "$(figure '[.ops,.failed,.unknown]')" "[400,0,0]"
	assert_equal "$(figure '.delete.ops > 40 and .txn.ops > 40 and .append.ops > 40')" true
}

# What is asked, an answer to none: netfault's stdout is not involved.
asked() {
	[ -p quiet ] || mkfifo quiet
	timeout 300 kvload -s - --timeout 100ms --clients 20 --ops 20 "$@" <>quiet 2>/dev/null || [ $? = 4 ]
}

@test "requests are what the page says" {
	asked --seed 7 --mix read,write,cas --key-bytes 5 --keys 100 --value-bytes 30 >lines
	assert_equal "$(jq -s 'length' lines)" 20
	assert_equal "$(jq -r .src lines | sort -u | wc -l)" 20
	assert_equal "$(jq -c '[.dest,.body.msg_id]' lines | sort -u)" '["*",1]'
	assert_equal "$(jq -r '.body.key|length' lines | sort -u)" 5
	run jq -c 'select(.body.type == "write") | .body | keys_unsorted, (.value|length)' lines
	assert_line --index 0 '["type","msg_id","key","value"]'
	assert_line --index 1 30
	run jq -c 'select(.body.type == "cas") | .body | keys_unsorted, (.from|length), (.to|length)' lines
	assert_line --index 0 '["type","msg_id","key","from","to","create_if_not_exists"]'
	assert_line --index 1 30
	assert_line --index 2 30
	run jq -c 'select(.body.type == "read") | .body | keys_unsorted' lines
	assert_line --index 0 '["type","msg_id","key"]'
	assert_equal "$(jq -c 'select(.body.type != "read") | .body.value // .body.to' lines | sort | uniq -d)" ""
}

@test "--seed asks the same again, another seed something else" {
	asked --seed 7 >one
	asked --seed 7 >two
	asked --seed 8 >three
	run cmp one two
	assert_success
	run cmp -s one three
	assert_failure
}

@test "--to is who is asked, however it has to be written" {
	asked --to n3 >lines
	assert_equal "$(jq -r .dest lines | sort -u)" n3
	asked --to 'a"b\c' >lines
	assert_equal "$(jq -r .dest lines | sort -u)" 'a"b\c'
}

@test "--leader finds the leader by asking for the status" {
	cat >follower <<-'END'
		while read -r line; do
			case $line in
			*'"type":"init"'*) echo '{"src":"{id}","dest":"net","body":{"type":"init_ok","in_reply_to":1}}' ;;
			*'"type":"status"'*)
				asked=$((asked + 1)) leader=null
				[ $asked -lt 3 ] || leader='"n2"'
				src=${line#*'"src":"'} id=${line#*'"msg_id":'}
				echo '{"src":"n1","dest":"'"${src%%'"'*}"'","body":{"type":"status_ok","in_reply_to":'"${id%%[,\}]*}"',"id":"n1","leader":'$leader'}}' ;;
			*) echo "not for me: $line" >&2 ;;
			esac
		done
	END
	serve -n n1="exec bash follower" -n n2="$node keep"
	run --separate-stderr kvload -s unix:here --ops 100 --leader
	assert_success
	assert_equal "$(figure .ops)" 100
	refute grep "not for me" err
	run --separate-stderr kvload -s unix:here --ops 2 --to n1 --timeout 200ms
	assert_failure 4
	eventually grep -q "not for me" err
}

@test "no leader is exit 4" {
	serve -n 1 -- "$node" mute
	run --separate-stderr kvload -s unix:here --ops 100 --leader --timeout 300ms
	assert_failure 4
	assert_equal "$stderr" "kvload: 'unix:here': no node tells of a leader"
}

@test "answers are understood however they are spaced and ordered; lines that are none are passed over" {
	cat >odd <<-'END'
		while read -r line; do
			src=${line#*'"src":"'} src=${src%%'"'*} id=${line#*'"msg_id":'} id=${id%%[,\}]*}
			n=$((n + 1))
			case $((n % 6)) in
			0) echo ' { "body" : {"in_reply_to": '$id' , "type":"x_ok"}, "dest":"'$src'","src":"n1" }' ;;
			1) echo '{"src":"n1","dest":"'$src'","body":{"type":"read_ok","value":{"a":[1]},"in_reply_to":'$id'}}' ;;
			2) echo '{"src":"n1","dest":"'$src'","body":{"code":20,"type":"error","in_reply_to":'$id'}}' ;;
			3) echo '{"src":"n\u0031","dest":"'$src'","body":{"type":"write_ok","in_reply_to":'$id'}}' ;;
			4) echo '{"src":"n1","dest":"'$src'","body":{"type":"event","in_reply_to":'$((id + 1000))'}}'
			   echo '{"src":"n1","dest":"'$src'","body":{"type":"note"}}'
			   echo '{"src":"n1","dest":"'$src'","body":{"type":"read_ok","in_reply_to":'$id',"value":[}}'
			   echo '{"src":"n1","dest":"'$src'","body":{"type":"error","in_reply_to":'$id',"code":22,"text":"x"}}' ;;
			5) echo '{"src":"n1","dest":"'$src'","body":{"type":"error","text":"x","in_reply_to":'$id',"code":20}}' ;;
			esac
		done
	END
	serve -n n1="exec bash odd"
	run --separate-stderr kvload -s unix:here --ops 600 --timeout 2s
	assert_success
	assert_equal "$(figure '[.ops,.unknown,.failed]')" "[600,0,0]"
	# A line cut short in its value is taken at its first glance: what follows is the answer to nothing.
	assert_equal "$(figure '.errors["20"] >= 198 and .errors["20"] <= 202')" true
}

@test "error 11 is counted, and asked again until it is answered" {
	cat >busy <<-'END'
		while read -r line; do
			src=${line#*'"src":"'} src=${src%%'"'*} id=${line#*'"msg_id":'} id=${id%%[,\}]*}
			n=$((n + 1))
			if [ $((n % 3)) = 0 ]; then
				echo '{"src":"n1","dest":"'$src'","body":{"type":"write_ok","in_reply_to":'$id'}}'
			else
				echo '{"src":"n1","dest":"'$src'","body":{"type":"error","in_reply_to":'$id',"code":11,"text":"busy"}}'
			fi
		done
	END
	serve -n n1="exec bash busy"
	run --separate-stderr kvload -s unix:here --ops 100 --clients 4
	assert_success
	assert_equal "$(figure '[.ops,.unknown,.failed,(.retries == .errors["11"]),(.retries > 150)]')" "[100,0,0,true,true]"
	assert_equal "$(figure '.all.max_us > 5000')" true
}

@test "errors that leave the outcome open are unknown, others failed; without one operation it is exit 4" {
	for code in 0:unknown 13:unknown 1000:unknown 5000:unknown 10:failed 12:failed 14:failed 11:failed; do
		serve -n 1 -- "$node" code "${code%:*}"
		run --separate-stderr kvload -s unix:here --time 100ms
		assert_failure 4
		assert_equal "$stderr" "kvload: 'unix:here': no operation was answered"
		assert_equal "$(figure "[.ops, (.${code#*:} > 0), (.unknown + .failed == .${code#*:})]")" "[0,true,true]"
		code=${code%:*}
		((code <= 1000)) || code=1000
		assert_equal "$(figure ".errors[\"$code\"] > 0")" true
		kill "$pid"
		end
	done
}

@test "a store that is busy for longer than --timeout fails, also with --ops" {
	serve -n 1 -- "$node" code 11
	run --separate-stderr kvload -s unix:here --ops 2 --timeout 100ms
	assert_failure 4
	assert_equal "$(figure '[.ops,.failed,.unknown,(.retries > 10)]')" "[0,2,0,true]"
}

@test "what has no answer in time is unknown, and its client asks on" {
	cat >forgetful <<-'END'
		while read -r line; do
			src=${line#*'"src":"'} src=${src%%'"'*} id=${line#*'"msg_id":'} id=${id%%[,\}]*}
			n=$((n + 1))
			[ $((n % 10)) = 0 ] || echo '{"src":"n1","dest":"'$src'","body":{"type":"write_ok","in_reply_to":'$id'}}'
		done
	END
	serve -n n1="exec bash forgetful"
	run --separate-stderr kvload -s unix:here --ops 100 --clients 10 --timeout 2s
	assert_success
	assert_equal "$(figure '[.ops + .unknown, (.unknown == .unanswered), (.unknown > 5), (.unknown < 15)]')" "[100,true,true,true]"
}

# ---- the connection ----

@test "a server that is not there is waited for, no longer than --timeout" {
	run --separate-stderr timeout 300 kvload -s unix:absent --ops 1 --timeout 200ms
	assert_failure 4
	assert_equal "$stderr" "kvload: cannot connect to 'unix:absent': No such file or directory"
	kvload -s unix:here --ops 10 >out &
	pids+=($!)
	sleep 0.2
	serve -n 1 -- "$node"
	wait "${pids[0]}"
	assert_equal "$(jq .ops out)" 10
}

@test "\$FAULTLINE_SERVER is the server where no other is given" {
	serve -n 1 -- "$node"
	FAULTLINE_SERVER=unix:here run --separate-stderr kvload --ops 10
	assert_success
	FAULTLINE_SERVER=unix:here,unix:elsewhere run --separate-stderr kvload --ops 10
	assert_success
	FAULTLINE_SERVER=unix:elsewhere run --separate-stderr kvload -s unix:here --ops 10
	assert_success
}

@test "a server that goes away in the midst is exit 4, with the results so far" {
	serve -n 1 -- "$node"
	kvload -s unix:here --time 10m --clients 10 --history h >out 2>stderr &
	pids+=($!)
	eventually grep -qs '"type":"ok"' h
	kill -KILL "$pid"
	status=0
	wait "${pids[1]}" || status=$?
	assert_equal "$status" 4
	assert_equal "$(cat stderr)" "kvload: 'unix:here': the other side has closed the connection"
	assert_equal "$(jq '.ops > 0 and .seconds < 500' out)" true
	end
}

@test "- is standard input and output, as netfault has them; the results go to stderr" {
	mkfifo back
	timeout 300 kvload -s - --ops 1000 --clients 20 2>results <back | timeout 300 netfault -n 3 -- "$node" keep >back 2>err
	assert_equal "${PIPESTATUS[*]}" "0 0"
	assert_equal "$(jq .ops results)" 1000
	assert_equal "$(cat err)" ""
}

@test "a signal ends the run with the results so far, and kvload dies of it" {
	serve -n 1 -- "$node"
	for sig in INT:130 TERM:143; do
		rm -f h
		env --default-signal=INT kvload -s unix:here --time 10m --history h >out &
		load=$!
		pids+=("$load")
		eventually grep -qs '"type":"ok"' h
		kill "-${sig%:*}" "$load"
		status=0
		wait "$load" || status=$?
		assert_equal "$status" "${sig#*:}"
		assert_equal "$(jq '.ops > 0 and .seconds < 500' out)" true
	done
}

# ---- output ----

@test "on a terminal it is a table" {
	serve -n 1 -- "$node"
	run "$BATS_TEST_DIRNAME/terminal" "kvload -s unix:here --ops 1000 --clients 10 --seed 5"
	assert_success
	assert_line --index 0 --regexp '^ +ops +ops/s +p50 +p90 +p99 +p99\.9 +max'
	assert_line --index 1 --regexp '^read +[0-9]+ +[0-9]+( +[0-9.]+(us|ms|s)){5}'
	assert_line --index 2 --regexp '^write '
	assert_line --index 3 --regexp '^all +1000 '
	assert_line --index 4 --regexp 's, clients 10, keys 10000, seed 5; longest gap'
}

@test "--output writes JSON to a file" {
	serve -n 1 -- "$node"
	run --separate-stderr kvload -s unix:here --ops 10 -o file
	assert_success
	assert_output ""
	assert_equal "$(jq .ops file)" 10
	run --separate-stderr kvload -s unix:here --ops 10 --output no/such/file
	assert_failure 4
	assert_equal "$stderr" "kvload: cannot open 'no/such/file': No such file or directory"
}

@test "a full disk is exit 4, never 0" {
	serve -n 1 -- "$node"
	run --separate-stderr bash -c 'kvload -s unix:here --ops 10 >/dev/full'
	assert_failure 4
	assert_equal "$stderr" "kvload: cannot write 'stdout': No space left on device"
	run --separate-stderr kvload -s unix:here --ops 10 -o /dev/full
	assert_failure 4
	assert_equal "$stderr" "kvload: cannot write '/dev/full': No space left on device"
}

@test "a closed pipe ends it quietly" {
	serve -n 1 -- "$node"
	run --separate-stderr bash -c 'kvload -s unix:here --ops 10 | true; echo "${PIPESTATUS[0]}"'
	assert_output 141
	assert_equal "$stderr" ""
}

@test "a stdout that is closed is exit 4" {
	serve -n 1 -- "$node"
	run --separate-stderr bash -c 'kvload -s unix:here --ops 10 >&-'
	assert_failure 4
	assert_equal "$stderr" "kvload: cannot write 'stdout': Bad file descriptor"
}

# ---- usage ----

@test "usage errors name what is wrong" {
	while IFS= read -r line; do
		echo "${line#* : }"
		eval "run --separate-stderr env -u FAULTLINE_SERVER timeout 300 kvload ${line#* : } </dev/null"
		assert_failure 2
		assert_output ""
		assert_regex "$stderr" "^kvload: [^"$'\n'"]*
Try 'kvload --help'.\$"
		assert_regex "${stderr%%$'\n'*}" "${line%% : *}"
	done <<-'END'
		no server: give -s ADDR : 
		-s 'x': must be unix:PATH or tcp:HOST:PORT : -s x
		'extra': kvload takes no operands : -s unix:x extra
		--mix 'x': 'x' is none of read, write, cas, delete, txn and append : -s unix:x --mix x
		--mix '': '' is none of : -s unix:x --mix ''
		--mix 'read=1,': '' is none of : -s unix:x --mix read=1,
		--mix 'read=x': 'read=x': a weight is a whole number : -s unix:x --mix read=x
		--mix 'read=': 'read=': a weight : -s unix:x --mix read=
		--mix 'read=-1': 'read=-1': a weight : -s unix:x --mix read=-1
		--mix 'read=1000001': .* up to 1000000 : -s unix:x --mix read=1000001
		--mix 'read=0': nothing is left to ask : -s unix:x --mix read=0
		--clients '0': must be a whole number from 1 to 100000 : -s unix:x --clients 0
		--keys '0': must be a whole number from 1 to 268435456 : -s unix:x --keys 0
		--key-bytes 3: 10000 keys need 4 : -s unix:x --key-bytes 3
		--key-bytes '1025': must be : -s unix:x --key-bytes 1025
		--value-bytes '1048577': must be : -s unix:x --value-bytes 1048577
		--ops '0': must be : -s unix:x --ops 0
		--ops and --time exclude each other : -s unix:x --ops 1 --time 1s
		--to '': a name is UTF-8 of at most 64 bytes : -s unix:x --to ''
		--to .*: a name is UTF-8 : -s unix:x --to "$(printf %065d 0)"
		--to .*: a name is UTF-8 : -s unix:x --to $'\xff'
		--leader and --to exclude each other : -s unix:x --leader --to n1
		--time '0s': must be a time from 1ms to 24h : -s unix:x --time 0s
		--timeout '2h': must be a time from 1ms to 1h : -s unix:x --timeout 2h
		--warmup 'x': must be a time : -s unix:x --warmup x
		--seed 'x': must be a whole number : -s unix:x --seed x
		--nodes 'a,,b': a name is UTF-8 of at most 64 bytes : -s unix:x --nodes a,,b
		--nodes '': a name is UTF-8 : -s unix:x --nodes ''
		--nodes and --to exclude each other : -s unix:x --nodes a,b --to a
		--nodes and --leader exclude each other : -s unix:x --nodes a,b --leader
		--name '.*': a name is UTF-8 of at most 48 bytes : -s unix:x --name "$(printf %049d 0)"
		--name 'a"b': a name has no quotes : -s unix:x --name 'a"b'
		--rate '0': must be a .*number from 0.001 to 10000000 : -s unix:x --rate 0
		--rate 'x': must be : -s unix:x --rate x
		--rate and --think exclude each other : -s unix:x --rate 5 --think 1ms
		--arrivals needs --rate : -s unix:x --arrivals even
		--arrivals 'odd': must be even or poisson : -s unix:x --rate 5 --arrivals odd
		--distribution 'normal': must be uniform, zipf or zipf:S : -s unix:x --distribution normal
		--distribution '0': must be a number from 0.000001 to 10 : -s unix:x --distribution zipf:0
		--distribution '11': must be : -s unix:x --distribution zipf:11
		--txn-ops '65': must be a whole number from 1 to 64 : -s unix:x --txn-ops 65
		--values '0': must be : -s unix:x --values 0
		--first-value '0': must be a whole number from 1 to 1000000000000000 : -s unix:x --first-value 0
		--key-bytes 4: 10000 keys of lists need 5 : -s unix:x --key-bytes 4 --mix append
		--retry '0s': must be a time from 1ms to 1h : -s unix:x --retry 0s
		--resend '0s': must be a time from 1ms to 1h : -s unix:x --resend 0s
		--interval '0s': must be a time from 1ms to 1h : -s unix:x --interval 0s
		--plot-trace needs --plot : -s unix:x --plot-trace t
		--plot-trace in lockstep : --lockstep --plot p --plot-trace t
		--redraw needs --plot : --redraw
		--redraw and --history exclude each other : --redraw --plot p --history h
	END
}
