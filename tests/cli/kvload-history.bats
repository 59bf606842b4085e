#!/usr/bin/env bats
# kvload --history and --plot in real time: what is written, and what becomes of it when things go wrong.

load netfault
load kvload

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

# fake STEP...: a server at unix:fake that answers as it is told.
fake() {
	perl "$BATS_TEST_DIRNAME/kv-fake" fake "$@" 3>&- &
	pids+=($!)
	eventually test -S fake
}

# ---- histories ----

@test "every operation is begun and ended in the history, with what was read" {
	serve -n 1 -- "$node" keep
	run --separate-stderr kvload -s unix:here --ops 2000 --clients 9 --keys 5 --mix read,write,cas,delete --history h
	assert_success
	assert_equal "$(jq .ops <<<"$output")" 2000
	assert_well_formed h
	assert_equal "$(grep -c '"invoke"' h)" 2000
	assert_equal "$(wc -l <h)" 4000
	assert_equal "$(jq -r 'select(.type == "ok" and .f == "read").value | type' h | sort -u)" number
	assert_equal "$(jq -r .process h | sort -nu | tail -n 1)" 8
	assert_equal "$(jq -c 'select(.type == "invoke" and .f == "write").value' h | sort | uniq -d)" ""
	# What was read had been written before that line.
	run jq -n 'reduce inputs as $l ({}; if $l.f == "write" or $l.f == "cas" then .[$l.value | if type == "array" then .[1] else . end | tostring] = true
		elif $l.f == "read" and $l.type == "ok" and .[$l.value | tostring] == null then error("\($l)") else . end) | length > 500' h
	assert_output true
}

@test "--value-bytes and --key-bytes are those of the history too" {
	serve -n 1 -- "$node" keep
	run --separate-stderr kvload -s unix:here --ops 100 --mix write --value-bytes 30 --key-bytes 7 --history h
	assert_success
	assert_equal "$(jq -r '[(.value | length), (.key | length)] | join(" ")' h | sort -u)" "30 7"
}

@test "--values draws from so few" {
	serve -n 1 -- "$node" keep
	run --separate-stderr kvload -s unix:here --ops 300 --mix write,cas --values 3 --keys 2 --history h
	assert_success
	assert_equal "$(jq -c 'select(.type == "invoke") | .value | if type == "array" then .[] else . end' h | sort -u | tr '\n' ' ')" "1 2 3 "
	assert_equal "$(grep -c create_if_not_exists h)" 0
}

@test "two loads one after the other are judged together, and write different values" {
	serve -n 1 -- "$node" keep
	local mix=read,write,cas
	run --separate-stderr kvload -s unix:here --ops 400 --clients 5 --keys 2 --mix $mix --history first
	assert_success
	run --separate-stderr kvload -s unix:here --ops 400 --clients 5 --keys 2 --mix $mix --first-value 1000 --history second
	assert_success
	assert_equal "$(jq -s 'map(select(.type == "invoke" and .f == "write") | .value) | min >= 1000' second)" true
	assert_equal "$(jq -s 'map(select(.type == "invoke" and .f == "write") | .value) | max < 1000' first)" true
	jq -c '.process += 1000000' second | cat first - >both
	run lincheck both
	assert_success
	assert_output "linearizable: $(jq -c 'select(.type == "invoke")' both | wc -l) operations on 2 keys"
}
@test "a store that forgets one answer: info, and a new process" {
	fake '{"type":"write_ok"}' drop '{"type":"write_ok"}' '{"type":"error","code":13}' '{"type":"error","code":14}' '{"type":"write_ok"}'
	run --separate-stderr kvload -s unix:fake --mix write --ops 6 --timeout 200ms --history h
	assert_success
	assert_equal "$(jq -c '[.ops,.unknown,.unanswered,.failed]' <<<"$output")" '[3,2,1,1]'
	assert_equal "$(summary h | grep -v invoke)" $'0 ok write\n0 info write\n1 ok write\n1 info write 13\n2 fail write 14\n2 ok write'
	assert_well_formed h
}

@test "error 11 does not end an operation" {
	fake '{"type":"error","code":11}' '{"type":"error","code":11}' '{"type":"write_ok"}'
	run --separate-stderr kvload -s unix:fake --mix write --ops 1 --history h
	assert_success
	assert_equal "$(summary h)" $'0 invoke write\n0 ok write'
	assert_equal "$(jq -c .body.value fake.log | uniq | wc -l)" 1
	assert_equal "$(jq -c .body.msg_id fake.log | tr '\n' ' ')" "1 2 3 "
}

@test "a connection that breaks leaves open what was under way" {
	fake '{"type":"write_ok"}' close
	run --separate-stderr kvload -s unix:fake --mix write --ops 5 --clients 1 --history h
	assert_failure 4
	assert_equal "$stderr" "kvload: 'unix:fake': the other side has closed the connection"
	assert_equal "$(summary h)" $'0 invoke write\n0 ok write\n0 invoke write\n0 info write'
}

@test "a signal leaves a whole history, and what was under way is info" {
	serve -n 1 -- "$node" keep
	for sig in TERM:143 INT:130; do
		# With env, as a shell has its background processes ignore SIGINT.
		env --default-signal=INT kvload -s unix:here --time 60s --clients 50 --history h >out 2>stderr &
		pids+=($!)
		load=$!
		eventually test -s h
		kill -s "${sig%:*}" "$load"
		status=0
		wait "$load" || status=$?
		assert_equal "$status" "${sig#*:}"
		assert_equal "$(tail -c 1 h | od -An -c | tr -d ' ')" '\n'
		assert_well_formed h
		run jq -rn 'reduce inputs as $l (0; if $l.type == "invoke" then . + 1 else . - 1 end)' h
		assert_output 0
		assert_equal "$(jq '.ops > 0' out)" true
		rm h out
	done
}

# Tells it to end until it does.
ended() {
	kill "$load" 2>/dev/null || return 0
	return 1
}

@test "a second signal ends it at once, where nobody reads the history" {
	serve -n 1 -- "$node"
	mkfifo h
	exec 5<>h
	dd if=/dev/zero of=h bs=64K count=16 oflag=nonblock 2>/dev/null || true
	kvload -s unix:here --time 60s --clients 50 --history h >out 2>stderr 5>&- &
	load=$!
	pids+=("$load")
	sleep 0.2
	eventually ended
	status=0
	wait "$load" || status=$?
	exec 5>&-
	assert_equal "$status" 143
}

@test "a history that cannot be written ends the run with 4, and the results are told" {
	serve -n 1 -- "$node"
	run --separate-stderr timeout 700 kvload -s unix:here --time 10m --clients 50 --history /dev/full
	assert_failure 4
	assert_equal "$stderr" "kvload: cannot write '/dev/full': No space left on device"
	assert_equal "$(jq '.ops > 0 and .seconds < 500' <<<"$output")" true
	run --separate-stderr kvload -s unix:here --ops 5 --history /dev/full
	assert_failure 4
	assert_equal "$stderr" "kvload: cannot write '/dev/full': No space left on device"
	run --separate-stderr kvload -s unix:here --ops 5 --history no/such/file
	assert_failure 4
	assert_equal "$stderr" "kvload: cannot open 'no/such/file': No such file or directory"
}

# ---- plots ----

@test "--plot writes a row for each interval, and a script that draws them" {
	serve -n 1 -- "$node"
	run --separate-stderr kvload -s unix:here --time 500ms --interval 50ms --plot "it's"
	assert_success
	assert_equal "$stderr" ""
	assert_equal "$(head -n 1 "it's.data")" "# seconds ops/s p50_us p99_us errors/s"
	grep -v '^#' "it's.data" >rows
	assert_equal "$(head -n 10 rows | awk '{ print $1 }' | tr '\n' ' ')" "0.050 0.100 0.150 0.200 0.250 0.300 0.350 0.400 0.450 0.500 "
	run awk 'NF != 5 || ($2 > 0) != ($3 != "nan") || $3 + 0 > $4 + 0' rows
	assert_output ""
	run tail -n 1 "it's.data"
	assert_output --regexp '^# first request: c[0-9a-f]{8}-0 at 0\.000000000$'
	run cat "it's.gnuplot"
	assert_line "set output 'it''s.svg'"
	assert_line "data = 'it''s.data'"
	refute_line --partial "set object"
}

# In virtual time the trace is there when the run is over: the faults are drawn then.
drawn_run() {
	cat >plan <<-'END'
		{"at":"500ms","type":"partition","groups":[["n1"],["n2","n3"]],"for":"500ms"}
		{"at":"1200ms","type":"crash","node":"n2","for":"300ms"}
		{"at":"1600ms","type":"pause","node":"n3","for":"100ms"}
	END
	netfault --lockstep --scratch --seed 7 --delay 1ms --plan plan --trace t -n 3 \
		--client "c1=kvload -s - --nodes n1,n2,n3 --clients 5 --time 2s --timeout 300ms --plot $PWD/p --interval 100ms" \
		-- raft-node </dev/null 2>err
}

@test "--redraw lays the faults of a trace over a run" {
	drawn_run
	refute grep "set object" p.gnuplot
	run --separate-stderr kvload --redraw --plot p --plot-trace t
	assert_success
	assert_output ""
	assert_equal "$(sed -n "s/^set object [0-9]* rectangle from \([0-9.]*\), graph 0 to \([0-9.]*\),.*/\1 \2/p" p.gnuplot)" \
		$'0.500000 1.000000\n1.200000 1.500000\n1.600000 1.700000'
	assert_equal "$(sed -n "s/^set label [0-9]* '\([^']*\)'.*/\1/p" p.gnuplot)" $'n1|n2,n3\nn2\nn3'
	run grep -o "title '[a-z]*'" p.gnuplot
	assert_output --partial "title 'partition'"
	assert_output --partial "title 'down'"
	assert_output --partial "title 'paused'"
	refute_output --partial "title 'skew'"
}

@test "gnuplot draws it" {
	command -v gnuplot >/dev/null || skip "gnuplot is not installed"
	drawn_run
	kvload --redraw --plot p --plot-trace t
	run --separate-stderr gnuplot p.gnuplot
	assert_success
	assert_equal "$stderr" ""
	run xmllint --noout --nonet p.svg
	assert_success
	run grep -c '<path' p.svg
	((output > 20))
	assert_equal "$(grep -c 'n1|n2,n3' p.svg)" 1
}

@test "--plot-trace in the run itself waits for the trace to be written as far" {
	start --listen unix:here --trace t --plan <(echo '{"at":"1ms","type":"isolate","node":"n2"}') -n 2 -- "$node"
	eventually test -S here
	eventually grep -q '"isolate"' t
	run --separate-stderr kvload -s unix:here --to n1 --time 100ms --interval 10ms --plot p --plot-trace t
	assert_success
	run grep -c "^set object 1 rectangle from 0.000000, graph 0 to [0-9.]*, graph 1" p.gnuplot
	assert_output 1
}

@test "what cannot be drawn is told" {
	run --separate-stderr kvload --redraw --plot none
	assert_failure 4
	assert_equal "$stderr" "kvload: cannot open 'none.data': No such file or directory"
	printf '1.000 5 1.0 2.0 0\nnonsense\n' >bad.data
	run --separate-stderr kvload --redraw --plot bad
	assert_failure 3
	assert_equal "$stderr" "kvload: 'bad.data', line 2: no row of --plot"
	printf '1.000 5 1.0 2.0 0\n' >some.data
	run --separate-stderr kvload --redraw --plot some
	assert_success
	run --separate-stderr kvload --redraw --plot some --plot-trace t
	assert_failure 3
	assert_equal "$stderr" "kvload: 'some.data': no first request, by which a trace could be laid over it"
	echo "# first request: c-0 at 0.5" >>some.data
	run --separate-stderr kvload --redraw --plot some --plot-trace t
	assert_failure 4
	assert_equal "$stderr" "kvload: cannot read 't': No such file or directory"
	echo '{}' >t
	run --separate-stderr kvload --redraw --plot some --plot-trace t
	assert_failure 3
	assert_regex "$stderr" "^kvload: cannot read 't': line 1: "
	run --separate-stderr kvload -s unix:nobody --plot no/such/file --timeout 10ms
	assert_failure 4
	serve -n 1 -- "$node"
	run --separate-stderr kvload -s unix:here --ops 5 --plot no/such/file
	assert_failure 4
	assert_equal "$stderr" "kvload: cannot open 'no/such/file.data': No such file or directory"
	ln -s /dev/full full.data
	run --separate-stderr kvload -s unix:here --ops 5 --plot full
	assert_failure 4
	assert_equal "$stderr" "kvload: cannot write 'full.data': No space left on device"
}

@test "on a terminal the progress is shown each second, and wiped away" {
	serve -n 1 -- "$node"
	run "$BATS_TEST_DIRNAME/terminal" "kvload -s unix:here --time 1100ms"
	assert_success
	assert_output --regexp $'1 s: [0-9]+ ops/s, p50 [0-9.]+ ms, p99 [0-9.]+ ms, 0 without an answer'
	run --separate-stderr kvload -s unix:here --time 1100ms
	assert_success
	assert_equal "$stderr" ""
}
