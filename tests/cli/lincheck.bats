#!/usr/bin/env bats
# lincheck: verdicts, what is said of them, what is refused, and what there may be too little of.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup() {
	here=$BATS_TEST_DIRNAME
	bin=$(cd "${FAULTLINE_BIN:-$here/../../build/bin}" && pwd)
	PATH=$bin:$PATH
	cd "$BATS_TEST_TMPDIR"
}

# op PROCESS TYPE F VALUE [MORE]: a line about key "x".
op() {
	echo "{\"process\":$1,\"type\":\"$2\",\"f\":\"$3\",\"key\":\"${KEY:-x}\",\"value\":$4${5:+,$5}}"
}

# whole PROCESS F VALUE: an operation that nothing else is beside.
whole() {
	if [ "$2" = read ]; then op "$1" invoke read null; else op "$1" invoke "$2" "$3"; fi
	op "$1" ok "$2" "$3"
}

stale() {
	whole 1 write 1
	whole 2 write 2
	whole 3 read 1
}

histories() {
	"$here/histories" "$@"
}

@test "a history that is right is exit 0, and says so" {
	whole 1 write 1 >good
	whole 2 read 1 >>good
	run --separate-stderr lincheck good
	assert_success
	assert_output "linearizable: 2 operations"
	assert_equal "$stderr" ""
	run --separate-stderr lincheck <good
	assert_success
	run --separate-stderr lincheck --json - <good
	assert_output '{"verdict":"yes","of":"linearizable","operations":2,"unknown":0,"keys":1,"keys_unknown":0,"contradictions":[]}'
}

@test "a stale read is exit 1, the operations that contradict each other, and one sentence why" {
	stale >bad
	run --separate-stderr lincheck bad
	assert_failure 1
	assert_output 'not linearizable: key "x": 3 operations that cannot all be
  1-2          process 1    wrote 1
  3-4          process 2    wrote 2
  5-6          process 3    read 1'
	assert_equal "$stderr" \
		'lincheck: line 6: process 3 read 1 of key "x", but what line 2 had left there was written over by line 4'
	lincheck --json bad >certificate 2>/dev/null || true
	run jq -r '.verdict, .contradictions[0].key, (.contradictions[0].operations | map(.lines[0]) | join(" ")), .contradictions[0].least' \
		certificate
	assert_output 'no
x
1 3 5
true'
	"$here/certificate" bad certificate
}

@test "a store that forgets everything is found: a read with error 20 after an acknowledged write" {
	whole 1 write 1 >bad
	op 2 invoke read null >>bad
	op 2 fail read null '"code":20' >>bad
	run --separate-stderr lincheck bad
	assert_failure 1
	assert_equal "$stderr" \
		'lincheck: line 4: process 2 found no key "x", but it had been written by line 2, and nothing deleted it since'
	sed -i 's/"code":20/"error":["key-does-not-exist","no such key"]/' bad
	run lincheck bad
	assert_failure 1
	sed -i 's/,"error":.*\]//' bad          # a fail without a code saw nothing
	run lincheck bad
	assert_success
}

@test "a cas that found another value, or no key, is an observation too" {
	{ whole 1 write 1; op 2 invoke cas '[1,2]'; op 2 fail cas '[1,2]' '"code":22'; } >bad
	run --separate-stderr lincheck bad
	assert_failure 1
	sed 's/22/20/' bad >bad2
	run --separate-stderr lincheck bad2
	assert_failure 1
	assert_regex "$stderr" 'line 4: process 2 compared with 1 and found no key "x", but it had been written by line 2'
	sed 's/22/14/' bad >good                # aborted: it saw nothing
	run lincheck good
	assert_success
}

@test "an unknown outcome may happen late, or never; one that failed never" {
	{ op 1 invoke write 1; op 1 info write 1; whole 2 read null; whole 2 read 1; } >good
	run lincheck good
	assert_success
	sed 's/info/fail/' good >bad
	run --separate-stderr lincheck bad
	assert_failure 1
	assert_equal "$stderr" 'lincheck: line 6: process 2 read 1 of key "x", but nothing before it writes that value'
	{ op 1 invoke write 1; op 1 info write 1; whole 2 read 1; whole 2 read null; } >bad
	run lincheck bad
	assert_failure 1
}

# why SENTENCE: of the history on stdin, which is not linearizable.
why() {
	run --separate-stderr lincheck
	assert_failure 1
	assert_equal "$stderr" "lincheck: $1"
}

@test "the sentence says what is plain" {
	why 'line 2: process 1 read 1 of key "x", but nothing writes that value before line 3' \
		< <(whole 1 read 1; whole 2 write 1)
	why 'line 6: process 3 read 1 of key "x", but line 4 had deleted the key, and nothing wrote that value since' \
		< <(whole 1 write 1; whole 2 delete null; whole 3 read 1)
	why 'line 2: process 1 deleted the key "x", but nothing before it writes to it' < <(whole 1 delete null)
	why 'line 4: process 2 compared with 1 and found another value of key "x", but nothing before it writes another value' \
		< <(whole 1 write 1; op 2 invoke cas '[1,2]'; op 2 fail cas '[1,2]' '"code":22')
	why 'line 5: process 2 wanted to delete and found no key "x", but it had been read by line 3, and nothing deleted it since' \
		< <(op 1 invoke write 1; whole 2 read 1; op 2 invoke delete null; op 2 fail delete null '"code":20')
	# 1 is written twice
	why 'line 8: process 4 read 1 of key "x", but line 6 had left another, and nothing wrote that value since' \
		< <(whole 1 write 1; whole 2 write 1; whole 3 write 2; whole 4 read 1)
	why 'line 9: process 4 read 1 of key "x", but line 7 had found another, and nothing wrote that value since' \
		< <(whole 1 write 1; whole 1 write 1; op 2 invoke write 2; whole 3 read 2; whole 4 read 1)
}

@test "transactions are judged together, with what stands beside them" {
	cat >bad <<'.'
{"process":1,"type":"invoke","f":"txn","value":[["r","x",null],["w","y",1]]}
{"process":2,"type":"invoke","f":"txn","value":[["r","y",null],["w","x",1]]}
{"process":1,"type":"ok","f":"txn","value":[["r","x",null],["w","y",1]]}
{"process":2,"type":"ok","f":"txn","value":[["r","y",null],["w","x",1]]}
.
	run --separate-stderr lincheck bad
	assert_failure 1
	assert_line --index 0 'not strictly serializable: 2 transactions that cannot all be'
	assert_regex "$stderr" '^lincheck: lines [34] and [34] would have to come before each other, in a circle \(G2'
	lincheck --json bad >certificate 2>/dev/null || true
	run jq -r '.of, .contradictions[0].steps[].why' certificate
	assert_output 'strictly serializable
rw
rw'
	"$here/certificate" bad certificate
	head -n 1 bad >good
	{ sed -n 3p bad; whole 3 write 5; whole 3 read 5; } >>good
	run lincheck good
	assert_success
	assert_output 'strictly serializable: 3 transactions'
	run --separate-stderr lincheck --key x good
	assert_failure 2
}

@test "several histories are judged one after the other; the gravest is the status" {
	whole 1 write 1 >good
	stale >bad
	echo what >none
	run --separate-stderr lincheck good none bad
	assert_failure 1
	assert_line --index 0 'good: linearizable: 1 operation'
	assert_line --index 1 'bad: not linearizable: key "x": 3 operations that cannot all be'
	assert_equal "$stderr" "lincheck: 'none', line 1: byte 1: an object expected
lincheck: bad: line 6: process 3 read 1 of key \"x\", but what line 2 had left there was written over by line 4"
	run --separate-stderr lincheck good none
	assert_failure 3
	run --separate-stderr bash -c "lincheck --json good bad | jq -c '[.history,.verdict]'"
	assert_output '["good","yes"]
["bad","no"]'
	run --separate-stderr lincheck --order o good bad
	assert_failure 2
}

@test "the first key that is not right is told, the one with the fewest operations; --all tells all; -j changes nothing" {
	{ KEY=a stale; whole 9 write 1; whole 9 read 1; KEY=b stale; KEY=b whole 9 read 2; } >bad
	for jobs in 1 2 7; do
		run --separate-stderr lincheck -j $jobs bad
		assert_failure 1
		assert_line --index 0 'not linearizable: key "a": 3 operations that cannot all be'
		refute_output --partial '"b"'
		run --separate-stderr bash -c "lincheck -j $jobs --all --json bad | jq -c '[.contradictions[].key]'"
		assert_output '["a","b"]'
	done
	run lincheck --key x bad
	assert_success
	assert_output 'linearizable: 2 operations'
	run lincheck --key b bad
	assert_failure 1
	run --separate-stderr lincheck --key z bad
	assert_failure 2
	assert_equal "$stderr" "lincheck: --key 'z': no such key in 'bad'
Try 'lincheck --help'."
}

@test "--key is JSON where there is such a key, and else a string" {
	{ whole 1 write 1; stale; } | sed '1,2s/"x"/7/; 3,$s/"x"/"7"/' >bad
	run lincheck --key 7 bad
	assert_success
	run lincheck --key '"7"' bad
	assert_failure 1
	sed -i 1,2d bad
	run lincheck --key 7 bad
	assert_failure 1
}

@test "--order writes the order of what took effect, and nothing if there is none" {
	{ op 1 invoke write 1; whole 2 read null; whole 2 write 2; op 1 ok write 1; whole 2 read 1; } >good
	lincheck --order order good
	run jq -c '[.lines,.f,.value]' order
	assert_output '[[2,3],"read",null]
[[4,5],"write",2]
[[1,6],"write",1]
[[7,8],"read",1]'
	run --separate-stderr bash -c "lincheck --order - good | wc -l"
	assert_output 4
	stale >bad
	rm order
	run lincheck --order order bad
	assert_failure 1
	assert [ ! -e order ]
}

@test "--svg draws a contradiction, and nothing if there is none" {
	stale | sed 's/"x"/"<\&>"/' >bad
	run --separate-stderr lincheck --svg bad.svg bad
	assert_failure 1
	run xmllint --noout bad.svg
	assert_success
	assert_output ""
	grep -q '<title>Not linearizable: key "&lt;&amp;&gt;"</title>' bad.svg
	for words in 'wrote 1' 'wrote 2' 'read 1'; do
		grep -q ">$words</text>" bad.svg || fail "no $words"
	done
	run grep -c "class='bar worst'" bad.svg
	assert_output 1
	run grep -c "class='before'" bad.svg
	assert_output 2
	run grep -c -e '<script' -e '@font-face' -e 'href' bad.svg
	assert_output 0
	lincheck --svg - bad 2>/dev/null | cmp - bad.svg
	whole 1 write 1 >good
	run lincheck --svg good.svg good
	assert_success
	assert [ ! -e good.svg ]
}

@test "what is drawn is valid XML, whatever it is" {
	for kind in kv append register mixed; do
		for seed in 1 2; do
			"$here/histories" kind=$kind seed=$seed ops=60 damage=0.3 unknown=0.1 >bad
			lincheck --svg $kind$seed.svg bad >/dev/null 2>&1 || [ $? -eq 1 ]
		done
		run bash -c "ls $kind*.svg | wc -l"
		[ "$output" -ge 1 ] || fail "$kind: $output pictures"
	done
	run xmllint --noout ./*.svg
	assert_success
	assert_output ""
}

@test "--stats says what it took" {
	whole 1 write 1 >good
	run --separate-stderr lincheck --stats good
	assert_success
	assert_output 'linearizable: 1 operation'
	assert_regex "$stderr" '^2 lines, 1 operations, 0 of unknown outcome, 0 lines ignored; [0-9.]+ s, [0-9]+ bytes, [0-9]+ steps; '
	run bash -c "lincheck --stats --json good | jq -c '.stats | [.lines,.begun,.ignored]'"
	assert_output '[2,1,0]'
}

# bad LINE PROBLEM: the history on stdin is refused.
bad() {
	run --separate-stderr lincheck
	assert_failure 3
	assert_output ""
	assert_equal "$stderr" "lincheck: 'stdin', line $1: $2"
}

@test "a bad history is exit 3, its line and what is wrong" {
	bad 1 'byte 1: an object expected' <<<'what'
	bad 3 'byte 13: not UTF-8' < <(whole 1 write 1; printf '{"process":"\xff"}\n')
	bad 1 'byte 13: a control character in a string' < <(printf '{"process":"\0"}\n')
	bad 1 'ok of process 1, which has nothing under way' < <(op 1 ok write 1)
	bad 2 'process 1 begins again before it has ended what it began in line 1' < <(op 1 invoke write 1; op 1 invoke write 2)
	bad 3 'process 1 goes on after an info: what comes after that is of a new process' \
		< <(op 1 invoke write 1; op 1 info write 1; op 1 invoke write 2)
	bad 2 'f is read, but line 1, where it begins, says write' < <(op 1 invoke write 1; op 1 ok read 1)
	bad 1 'null is written or compared with: it cannot be told from a missing key' < <(op 1 invoke write null)
	bad 1 'the value of a cas is not [from,to]' < <(op 1 invoke cas 1)
	bad 1 'no process' <<<'{"type":"invoke","f":"read"}'
	bad 1 'f is "enqueue", and not read, write, cas, delete or txn' < <(op 1 invoke enqueue 1)
}

@test "a line may have 16 MiB and not more" {
	{ printf '{"process":1,"type":"invoke","f":"write","value":"'; head -c 16000000 /dev/zero | tr '\0' a; echo '"}'; } >long
	run lincheck long
	assert_success
	{ printf '{"process":1,"type":"invoke","f":"write","value":"'; head -c 16777216 /dev/zero | tr '\0' a; echo '"}'; } >long
	run --separate-stderr lincheck long
	assert_failure 3
	assert_equal "$stderr" "lincheck: 'long', line 1: longer than 16777216 bytes"
}

@test "garbage is exit 3, and what is empty is right" {
	run --separate-stderr lincheck "$bin/lincheck"
	assert_failure 3
	run --separate-stderr lincheck /dev/null
	assert_success
	assert_output 'linearizable: 0 operations'
	assert_equal "$stderr" "lincheck: '/dev/null': there is no operation in it"
}

@test "lines of a nemesis, and a last line without its end, are no error" {
	{
		echo '{"process":"nemesis","type":"info","f":"start","value":null}'
		op 1 invoke write 1
		echo
		printf '%s' "$(op 1 ok write 1)"
	} >good
	run --separate-stderr lincheck --stats good
	assert_success
	assert_regex "$stderr" '^4 lines, 1 operations, 0 of unknown outcome, 1 lines ignored'
}

@test "what cannot be read or written is exit 4" {
	whole 1 write 1 >good
	stale >bad
	run --separate-stderr lincheck nowhere
	assert_failure 4
	assert_equal "$stderr" "lincheck: cannot open 'nowhere': No such file or directory"
	run lincheck .
	assert_failure 4
	for command in 'lincheck good' 'lincheck --json good' 'lincheck bad' 'lincheck --order - good' 'lincheck --svg - bad'; do
		run --separate-stderr bash -c "$command >/dev/full"
		assert_failure 4
		assert_regex "$stderr" "lincheck: cannot write 'stdout': No space left on device\$"
	done
	run lincheck --order /dev/full good
	assert_failure 4
	run lincheck --svg /dev/full bad
	assert_failure 4
}

@test "a closed pipe ends it quietly" {
	"$here/histories" ops=4000 >good
	run --separate-stderr bash -c 'lincheck --order - good | head -n 1 | wc -l; echo "${PIPESTATUS[0]}"'
	assert_line --index 0 1
	assert_line --index 1 141
	assert_equal "$stderr" ""
}

@test "--timeout is the end of waiting for a history, too" {
	mkfifo pipe
	run --separate-stderr timeout 300 lincheck --timeout 100ms pipe          # which nobody opens
	assert_failure 4
	assert_output 'unknown: there was no more time'
	assert_equal "$stderr" 'lincheck: unknown: the time of --timeout is over'
	exec 7<>pipe
	op 1 invoke write 1 >&7
	run --separate-stderr timeout 300 lincheck --timeout 100ms <pipe         # which somebody holds open
	assert_failure 4
	exec 7>&-
}

# Every one of some dozens of operations of unknown outcome may have been, and each is of another kind.
adversary() {
	local i j process=0

	whole 0 write 0
	for i in 0 1 2 3 4 5 6 7 8; do
		for j in 0 1 2 3 4 5 6 7 8; do
			((i == j)) || op $((++process)) invoke cas "[$i,$j]"
		done
	done
	for i in 1 2 3 4 5 6 7 8 1 2 3 4 5 6 7 8 1 2 3 4 5 6 7 8 1 2 3 4 5 6 7 8 1 2 3 4 5 6 7 8 1 2 3 4 5 6 7 8 1 2 3 4 5 6 7 8; do
		whole 1000 read "$i"
		whole 1000 read 0
	done
}

@test "what cannot be decided in time is unknown: exit 4" {
	adversary >hard
	run --separate-stderr timeout 300 lincheck --timeout 100ms --json hard
	assert_failure 4
	assert_equal "$(jq -r '.verdict, .lack' <<<"$output")" 'unknown
time'
	assert_equal "$stderr" 'lincheck: unknown: the time of --timeout is over'
}

@test "what cannot be decided in --memory is unknown: exit 4, whether the history does not fit, or what judges it" {
	adversary >hard
	run --separate-stderr timeout 300 lincheck --memory 1M hard
	assert_failure 4
	assert_output 'unknown: there was not enough memory'
	assert_equal "$stderr" 'lincheck: unknown: there is not enough memory: --memory is 1048576 bytes'
	"$here/histories" ops=5000 keys=100 >good
	run --separate-stderr lincheck --memory 64K good
	assert_failure 4
	assert_output 'unknown: there was not enough memory'
	run --separate-stderr lincheck --memory 64M good
	assert_success
	{ printf '{"process":1,"type":"invoke","f":"write","value":"'; head -c 3000000 /dev/zero | tr '\0' a; echo '"}'; } >long
	run --separate-stderr lincheck --memory 1M long
	assert_failure 4
}

@test "where the system gives no more memory it is exit 4, and no crash" {
	adversary >hard
	# A sanitizer reserves more than any limit would leave it.
	for ((kib = 4000; ; kib += 1000)); do
		((kib < 60000)) || skip "does not begin within a limit"
		! bash -c "ulimit -v $kib; exec lincheck /dev/null" >/dev/null 2>&1 || break
	done
	for more in 0 1000; do
		run --separate-stderr timeout 300 bash -c "ulimit -v $((kib + more)); exec lincheck --memory 1G hard"
		assert_failure 4
		assert_regex "$stderr" '^lincheck: (unknown: there is not enough memory|cannot allocate)'
	done
}

@test "an unknown key does not hide one that is not right" {
	adversary >bad
	KEY=y stale | sed 's/"process":/&200/' >>bad
	run --separate-stderr timeout 300 lincheck --memory 1M bad
	assert_failure 1
	assert_line --index 0 'not linearizable: key "y": 3 operations that cannot all be'
}

# The shell's child has become the program.
is_there() {
	local try
	for ((try = 0; try < 1500; try++)); do
		[ "$(cat "/proc/$1/comm")" != lincheck ] || return 0
		sleep 0.02
	done
	return 1
}

@test "SIGTERM ends it with the signal, while it reads and while it judges" {
	mkfifo pipe
	adversary >hard
	exec 7<>pipe
	lincheck pipe &
	is_there $!
	kill -TERM $!
	status=0
	wait $! || status=$?
	assert_equal "$status" 143
	exec 7>&-
	lincheck hard &
	is_there $!
	kill -TERM $!
	status=0
	wait $! || status=$?
	assert_equal "$status" 143
}

@test "wrong options are exit 2" {
	for wrong in '--timeout 3' '--timeout 0s' '--memory 1' '--memory much' '-j 0' '-j 1000' '--json --order -' '--order - --svg -' \
		'--json --svg -'; do
		run --separate-stderr lincheck $wrong </dev/null
		assert_failure 2
		assert_output ""
		assert_regex "$stderr" "Try 'lincheck --help'.\$"
	done
}

@test "progress is shown on a terminal alone" {
	"$here/histories" ops=3000 >good
	run --separate-stderr lincheck good
	assert_equal "$stderr" ""
	run "$here/terminal" "lincheck good"
	assert_output --partial $'\e[K'
	assert_output --partial 'linearizable: 3000 operations on 2 keys'
}
