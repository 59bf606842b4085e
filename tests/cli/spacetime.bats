#!/usr/bin/env bats
# spacetime: what the picture and the text show, what is left out, and how it fails.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup() {
	top=$BATS_TEST_DIRNAME/../..
	bin=$(cd "${FAULTLINE_BIN:-$top/build/bin}" && pwd)
	PATH=$bin:$PATH
	trace=$(cd "$BATS_TEST_DIRNAME/../data" && pwd)/reign.trace
	cd "$BATS_TEST_TMPDIR"
	unset NO_COLOR
}

# How many elements of a class the picture has behind the legend.
count() {
	sed '1,/<rect class=.box/d' "$2" | grep -o "class='$1'" | wc -l
}

valid() {
	run xmllint --noout "$1"
	assert_success
	assert_output ""
}

@test "a trace becomes a picture, from a file and from stdin, the same bytes" {
	spacetime "$trace" >a.svg
	spacetime <"$trace" >b.svg
	spacetime - <"$trace" >c.svg
	valid a.svg
	cmp a.svg b.svg
	cmp a.svg c.svg
	run grep -c -e '<script' -e '@font-face' -e 'href' a.svg
	assert_output 0
}

@test "what happened is in it: who led, what was lost, doubled and changed, the crash, the partition, what was asked" {
	spacetime "$trace" >a.svg
	for text in 'term 1' 'term 3' 'partition n1 | n2,n3' crash restart 'cas x 4→4 → ok' 'read z → error 11' 'append_entries +1' c1; do
		grep -q ">$text</text>" a.svg || fail "no '$text'"
	done
	for class in cut0 cut1 death birth cross lead head open; do
		[ "$(count "$class" a.svg)" -gt 0 ] || fail "no $class"
	done
	grep -q 'seed 1 · 0 to 1300.138 ms of virtual time · 110 messages, 87 delivered, 26 lost, 7 duplicated, 7 changed' a.svg
	grep -q '>netfault -n 3 --loss 0.04 --nemesis partition,crash -- raft-node</text>' a.svg
	grep -q '<title>n1 → n2 #1: sent ' a.svg
	grep -q '; lost .* ms: partition' a.svg
}

@test "every way to draw it is valid XML" {
	for options in --across --linear '--across --linear' '--from 300ms --to 900ms' '--no-clients' '--nodes n3,n1' '--nodes n*,c1' \
		'--types request_vote*' '--max-events 1' '--from 5s' '--to 0s'; do
		echo "$options"
		spacetime $options "$trace" >a.svg 2>/dev/null
		valid a.svg
	done
}

@test "--nodes is who is shown, and in which order" {
	spacetime --nodes 'n3,n1' "$trace" >a.svg
	run grep -o "class='name'.*>\(n[0-9]\|c1\)</text>" a.svg
	x3=$(grep -o "class='name'[^>]*>n3" a.svg | sed 's/.*translate(\([0-9]*\).*/\1/' | head -1)
	x1=$(grep -o "class='name'[^>]*>n1" a.svg | sed 's/.*translate(\([0-9]*\).*/\1/' | head -1)
	[ "$x3" -lt "$x1" ]
	! grep -q "class='name'[^>]*>\(n2\|c1\)<" a.svg
	run grep -c '<title>n2' a.svg
	assert_output 0
	run --separate-stderr spacetime --nodes n1,n7 "$trace"
	assert_failure 2
	assert_output ""
	assert_equal "$stderr" "spacetime: --nodes 'n7': nobody of that name in '$trace'
Try 'spacetime --help'."
}

@test "--types chooses messages by name, glob and exception" {
	spacetime --types 'request_vote' "$trace" >a.svg
	run bash -c "grep -o '>[a-z_]*</text>' a.svg | grep -e append -e vote_ok -e read"
	assert_failure 1
	grep -q '>request_vote</text>' a.svg
	grep -q 'messages not asked for' a.svg
	grep -q '>term 1</text>' a.svg          # who leads is known all the same
	run bash -c "spacetime --text --types '!heartbeats,!request*' '$trace' | grep -c -e 'entries=0' -e request_vote"
	assert_output 0
	run bash -c "spacetime --text --types 'heartbeats' '$trace' | grep -e '>--' | grep -v -e 'entries=0' -e append_entries_ok"
	assert_failure 1
}

@test "heartbeats in a quiet time are counted, not drawn; --linear draws them" {
	spacetime "$trace" >a.svg
	grep -q '>[0-9]* heartbeats</text>' a.svg
	grep -q 'Not drawn: 27 heartbeats where time is shortened' a.svg
	spacetime --linear "$trace" >b.svg
	run grep -c '[0-9] heartbeats\?</text>\|time is shortened' b.svg
	assert_output 0
	grep -q "class='m hb'" b.svg
}

@test "--max-events draws the first, and says on stderr and in the picture that there is more" {
	run --separate-stderr bash -c "spacetime --max-events 20 '$trace' >a.svg"
	assert_success
	assert_equal "$stderr" "spacetime: '$trace': drawn are the first 20 events, 93 are left out (--from, --to, --types, --max-events)"
	grep -q 'There is more: drawn are the first 20 events, 93 are left out' a.svg
	valid a.svg
}

@test "--from and --to are a window: what is in force before it is shown" {
	spacetime --from 400ms --to 460ms "$trace" >a.svg
	grep -q '>partition n1 | n2,n3</text>' a.svg
	grep -q '>term 1</text>' a.svg
	! grep -q '>term 3</text>' a.svg
	grep -q '400 to 460 ms' a.svg
	run --separate-stderr spacetime --from 2s --to 1s "$trace"
	assert_failure 2
}

# N requests of a client that wait at once, and a node at the far side that is isolated meanwhile.
waiting() {
	echo '{"trace":1,"version":"0.1.0","seed":7,"lockstep":true,"command":["node"],"nodes":["n1","n2","n3","n4"]}'
	echo '{"at":0,"event":"fault","fault":{"type":"isolate","id":1,"node":["n4"]}}'
	for ((i = 1; i <= $1; i++)); do
		m='{"src":"c1","dest":"n1","body":{"type":"write","msg_id":'$i',"key":"a long key '$i'","value":'$i'}}'
		echo '{"at":'$i'000000,"event":"send","src":"c1","dest":"n1","seq":'$i',"message":'"$m"'}'
	done
	for ((i = 1; i <= $1; i++)); do
		m='{"src":"n1","dest":"c1","body":{"type":"write_ok","in_reply_to":'$i'}}'
		echo '{"at":'$((100 + i))'000000,"event":"send","src":"n1","dest":"c1","seq":'$i',"message":'"$m"'}'
		echo '{"at":'$((100 + i))'000000,"event":"deliver","src":"n1","dest":"c1","seq":'$i'}'
	done
	echo '{"at":200000000,"event":"end"}'
}

@test "requests that wait at once have brackets beside each other, up to 12, and further ones are counted" {
	waiting 12 | spacetime >a.svg
	assert_equal "$(count operation a.svg)" 12
	run grep -c 'that waited beside' a.svg
	assert_output 0
	waiting 15 | spacetime >a.svg
	assert_equal "$(count operation a.svg)" 12
	grep -q '>Not drawn: .*3 requests that waited beside 12 others' a.svg
}

# As wide as the tool takes them to be: 0.55 em a character, of 10 px.
@test "labels of brackets and faults are all on the sheet, and a fault's is at those it is about" {
	waiting 12 >run.trace
	for options in '' --across; do
		spacetime $options run.trace >a.svg
		run jq -Rnr '[inputs] | join("\n") as $svg |
			($svg | capture("viewBox=.0 0 (?<w>[0-9.]+) (?<h>[0-9.]+)") | map_values(tonumber)) as $size |
			$svg | scan("class=.(asked|fault). font-size=.10. text-anchor=.([a-z]+). transform=.translate\\(([0-9.-]+) ([0-9.-]+)\\)[^>]*>([^<]*)<") |
			[.[0], .[1], (.[2] | tonumber), (.[3] | tonumber), .[4]] | (.[4] | length * 5.5 / 2) as $half |
			select(.[2] < $half - 6 or .[2] > $size.w - $half + 6 or .[3] < 4 or .[3] > $size.h - 4) | tostring' a.svg
		assert_success
		assert_output ""
	done
	# The fourth of five lines, in the band that begins half way from the third.
	spacetime run.trace >a.svg
	band=$(sed -n "s/.*class='alone' x='\([0-9]*\).*/\1/p" a.svg | tail -n 1)
	label=$(sed -n "s/.*translate(\([0-9]*\).*>isolated n4<.*/\1/p" a.svg)
	[ "$label" -gt "$band" ] || fail "label at $label, band from $band"
}

@test "--title is the first line, whatever it holds" {
	spacetime --title $'<&"\x01\xff>' "$trace" >a.svg
	valid a.svg
	grep -q '<title>&lt;&amp;"��&gt;</title>' a.svg
}

@test "--text is a line an event in fixed columns, without colour in a pipe" {
	run spacetime --text "$trace"
	assert_success
	assert_line --index 0 '       0.000  n1       +++           starts'
	assert_line '     300.000  net      *** fault     partition n1 | n2,n3'
	assert_line '     650.000  net      *** ends      heal #1'
	assert_line '     800.000  n3       xxx           is ended by signal 9'
	assert_line --partial 'n1       >-- n2        request_vote          term=1 last=0/1'
	assert_line --partial 'n1       >== n2        '
	assert_line --partial '==> '
	assert_line --partial '~~> '
	assert_line --partial '--x '
	refute_output --partial $'\e'
	run bash -c "spacetime --text '$trace' | LC_ALL=C.UTF-8 grep -c -E '.{101}'"
	assert_output 0
	run bash -c "spacetime --text --columns 60 '$trace' | LC_ALL=C.UTF-8 grep -c -E '.{61}'"
	assert_output 0
}

@test "--text --no-clients and --nodes leave out lines" {
	run bash -c "spacetime --text --no-clients '$trace' | grep c1"
	assert_failure 1
	run bash -c "spacetime --text --nodes 'c*,n1' '$trace' | cut -c15-32 | grep -v -e fault -e ends | sort -u"
	assert_output 'c1       --> n1   
c1       >-- n1   
n1       +++      
n1       --> c1   
n1       >-- c1   '
}

@test "--text has colour on a terminal, and none with NO_COLOR" {
	run "$BATS_TEST_DIRNAME/terminal" "spacetime --text --to 200ms '$trace'"
	assert_output --partial $'\e[32m'
	NO_COLOR=1 run "$BATS_TEST_DIRNAME/terminal" "spacetime --text --to 200ms '$trace'"
	refute_output --partial $'\e'
}

@test "--text prints a line as soon as it came, and ends with its reader" {
	mkfifo in out
	timeout 300 spacetime --text <in >out &
	exec 7>in 8<out
	head -2 "$trace" >&7
	read -r -t 50 line <&8
	assert_equal "$line" "0.000  n1       +++           starts"
	exec 7>&- 8<&-
	wait
	timeout 300 spacetime --text in >out &   # a pipe by its name, which is opened after its output
	exec 8<out 7>in
	head -2 "$trace" >&7
	read -r -t 50 line <&8
	assert_equal "$line" "0.000  n1       +++           starts"
	exec 7>&- 8<&-
	wait
	run bash -c "(cat '$trace'; yes '{\"at\":1,\"event\":\"start\",\"node\":\"n1\"}') | timeout 50 spacetime --text | head -1"
	assert_success
	assert_line --index 0 '       0.000  n1       +++           starts'
}

@test "a trace that ends in the midst is drawn as far as it goes, with a note" {
	head -c 20000 "$trace" >torn.trace
	whole=$(wc -l <torn.trace)
	run --separate-stderr bash -c "spacetime torn.trace >a.svg"
	assert_success
	assert_equal "$stderr" "spacetime: 'torn.trace', line $((whole + 1)): the trace ends in the midst of it"
	grep -q "The trace ends in the midst of line $((whole + 1))" a.svg
	valid a.svg
	head -n 50 "$trace" >short.trace
	spacetime short.trace >b.svg
	grep -q 'The trace has no end: the run was killed, or goes on' b.svg
	valid b.svg
}

@test "what ends in the midst of its first line is no trace: exit 3" {
	head -n 1 "$trace" | head -c 40 >torn.trace
	for bad in torn.trace <(printf garbage); do
		run --separate-stderr spacetime "$bad"
		assert_failure 3
		assert_output ""
		assert_regex "$stderr" "^spacetime: '.*', line 1: "
	done
}

@test "a bad trace is exit 3 and the line" {
	for bad in '' 'no JSON' '{"at":1}' '{"trace":99,"seed":1}'; do
		run --separate-stderr spacetime <<<"$bad"
		assert_failure 3
		assert_output ""
		assert_regex "$stderr" "^spacetime: 'stdin', line [0-9]+: "
	done
	{ head -n 20 "$trace"; echo '{"at":"never","event":"end"}'; tail -n +21 "$trace"; } >bad.trace
	for option in '' --text; do
		run --separate-stderr spacetime $option bad.trace
		assert_failure 3
		assert_regex "$stderr" "^spacetime: 'bad.trace', line 21: "
	done
}

@test "wrong options are exit 2" {
	for wrong in '--nodes ,n1' '--types a,,b' '--from 3' '--max-events 0' '--columns 59' '--columns 80' '--text --across' '--text --title x' \
		'a b'; do
		run --separate-stderr spacetime $wrong
		assert_failure 2
		assert_output ""
		assert_regex "$stderr" "Try 'spacetime --help'.\$"
	done
}

@test "what cannot be read or written is exit 4" {
	run --separate-stderr spacetime nowhere.trace
	assert_failure 4
	assert_equal "$stderr" "spacetime: cannot open 'nowhere.trace': No such file or directory"
	run --separate-stderr spacetime .
	assert_failure 4
	for option in '' --text; do
		run --separate-stderr bash -c "spacetime $option '$trace' >/dev/full"
		assert_failure 4
		assert_equal "$stderr" "spacetime: cannot write 'stdout': No space left on device"
	done
}

@test "names and messages of any bytes are drawn as text" {
	cat >odd.trace <<'.'
{"trace":1,"version":"0","seed":1,"lockstep":true,"nodes":["<n&1>","n\u00002","日本語","a-name-that-is-much-longer-than-any-column-of-the-picture-or-text"]}
{"at":1000,"event":"send","src":"<n&1>","dest":"日本語","seq":1,"message":{"src":"<n&1>","dest":"日本語","body":{"type":"]]><b>\u202e","x":"\u0000\u001b[31m"}}}
{"at":1000,"event":"corrupt","src":"<n&1>","dest":"日本語","seq":1,"text":"\u001b]0;x\u0007<!--"}
{"at":2000,"event":"deliver","src":"<n&1>","dest":"日本語","seq":1}
{"at":2000,"event":"send","src":"a-name-that-is-much-longer-than-any-column-of-the-picture-or-text","dest":"<n&1>","seq":1,"text":"\u001b[2J"}
{"at":3000,"event":"drop","src":"a-name-that-is-much-longer-than-any-column-of-the-picture-or-text","dest":"<n&1>","seq":1,"why":"\u001b<"}
{"at":3000,"event":"fault","fault":{"type":"\u001b[31m"}}
{"at":3000,"event":"end"}
.
	# A name has 64 bytes at the most.
	sed -i 's/a-name-that-is-much-longer-than-any-column-of-the-picture-or-text/a-name-that-is-longer-than-any-column-of-a-picture-or-a-text/' odd.trace
	spacetime odd.trace >a.svg
	valid a.svg
	spacetime --text odd.trace >text
	run grep -c $'[\001-\010\013-\037]' text
	assert_output 0
	run grep -c $'[\001-\010\013-\037]' a.svg
	assert_output 0
}
