#!/usr/bin/env bats
# hashring: every way keys come in, and that each is answered, in order, byte for byte.
#
# Over the one node `n` the whole output is known; over $many a wrong key gets another owner.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

many=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p

setup() {
	bin=$(cd "${FAULTLINE_BIN:-$BATS_TEST_DIRNAME/../../build/bin}" && pwd)
	export PATH="$bin:$PATH" LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return
}

# The owners of the keys in a file of lines.
owners() {
	hashring -n "$many" <"$1" | awk -F '\t' '{ print $NF }'
}

assert_same_file() {
	cmp "$1" "$2" || fail "$1 and $2 differ"
}

@test "a line is a key: it is printed as it came, a TAB and its node, in the order of the input" {
	printf 'user:2\nuser:1\nuser:2\n' >keys
	run --separate-stderr hashring -n n <keys
	assert_success
	assert_output $'user:2\tn\nuser:1\tn\nuser:2\tn'
	assert_equal "$stderr" ""
	hashring -n "$many" <keys >out
	assert_equal "$(cut -f1 out)" "$(cat keys)"
	assert_equal "$(sed -n 1p out)" "$(sed -n 3p out)"
	cut -f2 out | grep -qvx '[a-p]' && fail "an owner that is no node"
	true
}

@test "no input is no output" {
	for input in '' $'\n'; do
		printf '%s' "$input" | hashring -n n >out
		printf '%s' "$input" | sed 's/$/\tn/' >expected
		assert_same_file expected out
	done
}

@test "the last line needs no newline, and its answer gets one" {
	printf 'a\nb' | hashring -n n >out
	printf 'a\tn\nb\tn\n' >expected
	assert_same_file expected out
}

@test "an empty line is an empty key" {
	printf '\n\na\n\n' | hashring -n n >out
	printf '\tn\n\tn\na\tn\n\tn\n' >expected
	assert_same_file expected out
	run hashring -n n --json '' a
	assert_output '{"key":"","node":"n"}
{"key":"a","node":"n"}'
}

@test "a carriage return is a part of the key" {
	printf 'a\r\nb\r' | hashring -n n >out
	printf 'a\r\tn\nb\r\tn\n' >expected
	assert_same_file expected out
	printf 'a\r\n' | hashring -n n --json >out
	assert_equal "$(cat out)" '{"key":"a\r","node":"n"}'
	seq 500 >lf
	sed 's/$/\r/' lf >crlf
	refute [ "$(owners lf)" = "$(owners crlf | tr -d '\r')" ]
}

@test "a key may hold NUL and every other byte" {
	for ((i = 0; i < 256; i++)); do
		((i == 10)) || printf "%b\\n" "a\\x$(printf %02x "$i")b"
	done >keys
	hashring -n n <keys >out
	sed 's/$/\tn/' keys >expected
	assert_same_file expected out
	printf 'a\0b\na\0c\na\n' | hashring -n n --json >out
	assert_equal "$(cat out)" '{"key":"a\u0000b","node":"n"}
{"key":"a\u0000c","node":"n"}
{"key":"a","node":"n"}'
}

@test "bytes after a NUL count" {
	for ((i = 0; i < 200; i++)); do printf 'k\0%d\n' "$i"; done >keys
	assert [ "$(owners keys | sort -u | wc -l)" -gt 8 ]
}

@test "-0 takes records that end with NUL, newlines in them, and answers so" {
	printf 'a\nb\0\0c\0' | hashring -0 -n n >out
	printf 'a\nb\tn\0\tn\0c\tn\0' >expected
	assert_same_file expected out
	printf 'a\nb\0c' | hashring --null-input -n n >out
	printf 'a\nb\tn\0c\tn\0' >expected
	assert_same_file expected out
}

@test "a record of -0 has the owner that its bytes have as a line" {
	seq 1000 >lines
	tr '\n' '\0' <lines >records
	hashring -0 -n "$many" <records | tr '\0' '\n' >out
	hashring -n "$many" <lines >expected
	assert_same_file expected out
}

@test "operands are keys, in their order, and stdin is not read" {
	run --separate-stderr hashring -n n b a '' 'x y' -- -q
	assert_success
	assert_output $'b\tn\na\tn\n\tn\nx y\tn\n-q\tn'
	run --separate-stderr bash -c 'yes | hashring -n n a'
	assert_success
	assert_output $'a\tn'
	assert_equal "$stderr" ""
	run --separate-stderr bash -c 'hashring -n n a <&-'
	assert_success
	assert_output $'a\tn'
}

@test "an operand has the owner that it has as a line" {
	seq 2000 >keys
	hashring -n "$many" <keys >expected
	xargs hashring -n "$many" <keys >out
	assert_same_file expected out
}

@test "-k takes the key from a field, the line stays whole" {
	seq 1000 | awk '{ print "x" NR % 7 "\t" $1 "\t\ttail " NR }' >table
	cut -f2 table >keys
	hashring -n "$many" -k 2 <table >out
	paste table <(owners keys) >expected
	assert_same_file expected out
	hashring -n "$many" --field=2 -j 4 <table >out
	assert_same_file expected out
}

@test "-k: the first, an empty and the last field are fields" {
	printf 'a\t\tc\n' >line
	for field in 1:a 2: 3:c; do
		run hashring -n n --json -k "${field%%:*}" <line
		assert_output "{\"key\":\"${field#*:}\",\"node\":\"n\"}"
	done
	run hashring -n n --json -k 1 <<<''
	assert_output '{"key":"","node":"n"}'
}

@test "-d is any one byte, TAB where it is not given" {
	run hashring -n n --json -k 2 -d , <<<$'a\tb,c d,e'
	assert_output '{"key":"c d","node":"n"}'
	run hashring -n n --json -k 3 -d ' ' <<<'a  b'
	assert_output '{"key":"b","node":"n"}'
	run hashring -n n --json -k 2 -d '\t' <<<$'a\tb'
	assert_output '{"key":"b","node":"n"}'
	printf 'a\377b\n' | hashring -n n --json -k 2 -d $'\377' >out
	assert_equal "$(cat out)" '{"key":"b","node":"n"}'
	run hashring -n n --json -k 2 <<<$'a,b\tc'
	assert_output '{"key":"c","node":"n"}'
}

@test "-k: a line without that field is exit 3 with its number, and all before it is printed" {
	for threads in 1 4; do
		run --separate-stderr hashring -n n -k 2 -j $threads <<<$'a\tb\n\t\nc\nd\te'
		assert_failure 3
		assert_output $'a\tb\tn\n\t\tn'
		assert_equal "$stderr" "hashring: stdin:3: no field 2"
	done
}

@test "-k and -0 go together, and the newline is then no end" {
	printf 'a,b\nc\0' | hashring -n n -0 -k 2 -d , >out
	printf 'a,b\nc\tn\0' >expected
	assert_same_file expected out
	printf 'a,b\nc\0' | hashring -n n -0 -k 2 -d , --json | tr '\0' '\n' >out
	assert_equal "$(cat out)" '{"key":"b\nc","node":"n"}'
}

# ---- JSON ----

@test "--json-key takes the key at a path of dots, and the line stays whole" {
	printf '%s\n' '{"id":"k1"}' '{ "x" : 1 , "id" : "k2" }' >lines
	hashring -n n --json-key id <lines >out
	sed 's/$/\tn/' lines >expected
	assert_same_file expected out
	run hashring -n n --json --json-key a.b.c <<<'{"c":1,"a":{"c":2,"b":{"d":3,"c":"found"},"x":{}},"b":{"c":4}}'
	assert_output '{"key":"found","node":"n"}'
}

@test "--json-key: a backslash before a dot makes it a part of the name" {
	run hashring -n n --json --json-key 'a\.b' <<<'{"a":{"b":"no"},"a.b":"yes"}'
	assert_output '{"key":"yes","node":"n"}'
	run hashring -n n --json --json-key 'a.b' <<<'{"a.b":"no","a":{"b":"yes"}}'
	assert_output '{"key":"yes","node":"n"}'
	run hashring -n n --json --json-key 'a\\b' <<<'{"a\\b":"yes"}'
	assert_output '{"key":"yes","node":"n"}'
}

@test "--json-key has the owners that the bare keys have" {
	seq 1000 | sed 's/^/user:/' >keys
	sed 's/.*/{"n":1,"id":"&"}/' keys | hashring -n "$many" --json-key id | awk -F '\t' '{ print $2 }' >out
	owners keys >expected
	assert_same_file expected out
}

@test "--json-key: a string is its characters, however it was escaped" {
	printf '%s\n' '{"k":"A\u00e9\/\"\\\n\t\u0000\ud83d\ude00"}' '{"k":"\u0041é/\u0022\u005c\u000a\u0009\u0000😀"}' >lines
	hashring -n n --json --json-key k <lines >out
	assert_equal "$(sed -n 1p out)" '{"key":"Aé/\"\\\n\t\u0000😀","node":"n"}'
	assert_equal "$(sed -n 1p out)" "$(sed -n 2p out)"
	hashring -n n --json --json-key '\\u' <<<'{"\\u":"name"}' >out
	assert_equal "$(cat out)" '{"key":"name","node":"n"}'
	hashring -n n --json --json-key A <<<'{"\u0041":"an escaped name"}' >out
	assert_equal "$(cat out)" '{"key":"an escaped name","node":"n"}'
}

@test "--json-key: a number is the text it came as, beyond 2^53 too" {
	for number in 9007199254740993 18446744073709551616 123456789012345678901234567890 1.50 -0 1e400; do
		run --separate-stderr hashring -n n --json --json-key k <<<"{\"k\":$number}"
		assert_success
		assert_output "{\"key\":\"$number\",\"node\":\"n\"}"
	done
	printf '{"id":9007199254740993}\n' | hashring -n n --json-key id >out
	assert_equal "$(cat out)" $'{"id":9007199254740993}\tn'
}

@test "--json-key: a line without the value, or with no string or number there, is exit 3 with its number" {
	for bad in '{}' '{"a":{}}' '{"a":"k"}' '{"a":{"b":null}}' '{"a":{"b":true}}' '{"a":{"b":[1]}}' '{"a":{"b":{"c":1}}}'; do
		echo "$bad"
		run --separate-stderr hashring -n n --json-key a.b <<<$'{"a":{"b":"k"}}\n{"a":{"b":1}}\n'"$bad"$'\n{"a":{"b":2}}'
		assert_failure 3
		assert_output $'{"a":{"b":"k"}}\tn\n{"a":{"b":1}}\tn'
		assert_regex "$stderr" "^hashring: stdin:3: .*--json-key"
	done
}

@test "--json-key: what is no JSON object is exit 3 with its line and byte" {
	while IFS=' ' read -r byte line; do
		echo "$line"
		for threads in 1 4; do
			run --separate-stderr hashring -n n --json-key k -j $threads <<<$'{"k":1}\n'"$line"$'\n{"k":2}'
			assert_failure 3
			assert_output $'{"k":1}\tn'
			assert_regex "$stderr" "^hashring: stdin:2: byte $byte: [^ ]+"
		done
	done <<-'END'
		1 
		1 k
		1 [1]
		1 "k"
		6 {"k":}
		6 {"k":tru}
		8 {"k":1 2}
		8 {"k":1}}
		2 {k:1}
		8 {"k":1,}
		6 {"k":'1'}
		8 {"k":"a\x"}
		7 {"k":01}
	END
}

@test "--json-key: a member that is there twice is exit 3" {
	run --separate-stderr hashring -n n --json-key k <<<'{"k":1,"k":2}'
	assert_failure 3
	assert_regex "$stderr" '^hashring: stdin:1: byte [0-9]+: .*twice'
}

@test "--json-key: bytes that are no UTF-8 are exit 3 with line and byte" {
	for bytes in '\377' '\300\200' '\355\240\200' '\364\220\200\200' '\303'; do
		printf '{"k":1}\n{"k":"a'"$bytes"'"}\n' >lines
		run --separate-stderr hashring -n n --json-key k <lines
		assert_failure 3
		assert_output $'{"k":1}\tn'
		assert_regex "$stderr" '^hashring: stdin:2: byte 8: .*UTF-8'
	done
}

@test "--json-key: a line that is cut off anywhere is exit 3, never a crash" {
	line='{"a":[1,-2.5e3,true,false,null,"\u00e9\n"],"k":{"v":"x"}}'
	for ((i = 0; i < ${#line}; i++)); do
		printf '%s\n' "${line:0:i}"
	done >lines
	while IFS= read -r cut; do
		status=0
		printf '%s' "$cut" | hashring -n n --json-key k.v >out 2>err || status=$?
		[ "$status" -eq 3 ] || [ -z "$cut" ] || fail "exit $status for $cut"
		[ ! -s out ] || fail "an answer for $cut"
	done <lines
}

@test "--json-key: nesting without end is exit 3, never a crash" {
	head -c 300000 /dev/zero | tr '\0' '[' >open
	tr '[' ']' <open >close
	{ printf '{"k":1,"x":'; cat open close; echo '}'; } >lines
	run --separate-stderr hashring -n n --json-key k <lines
	assert_failure 3
	assert_output ""
	assert_regex "$stderr" '^hashring: stdin:1: byte [0-9]+: nested too deep'
	{ printf '{"k":1,"x":'; cat open; echo; } >lines
	run --separate-stderr hashring -n n --json-key k <lines
	assert_failure 3
	assert_output ""
}

@test "--json-set adds the owner as a new last member" {
	while read -r line; do
		read -r expected
		run --separate-stderr hashring -n n --json-key k --json-set owner <<<"$line"
		assert_success
		assert_output "$expected"
	done <<-'END'
		{"k":1}
		{"k":1,"owner":"n"}
		{"k":"x","z":{"owner":1}}
		{"k":"x","z":{"owner":1},"owner":"n"}
		{ "k" : 1 }
		{ "k" : 1 ,"owner":"n"}
	END
}

@test "--json-set replaces what stands there, whatever it is" {
	for old in '"m"' 5 null true '[1,[2]]' '{"a":{}}' '"\u00e9\""' -1.5e+3; do
		run --separate-stderr hashring -n n --json-key k --json-set o <<<"{\"o\": $old ,\"k\":1}"
		assert_success
		assert_output '{"o": "n" ,"k":1}'
	done
	run hashring -n n --json-key k --json-set k <<<'{"k":1}'
	assert_output '{"k":"n"}'
	run hashring -n n --json-key a.k --json-set a <<<'{"a":{"k":1}}'
	assert_output '{"a":"n"}'
}

@test "--json-set reaches into objects, and makes those that are missing" {
	while read -r line; do
		read -r expected
		run --separate-stderr hashring -n n --json-key k --json-set a.b.c <<<"$line"
		assert_success
		assert_output "$expected"
	done <<-'END'
		{"k":1}
		{"k":1,"a":{"b":{"c":"n"}}}
		{"a":{},"k":1}
		{"a":{"b":{"c":"n"}},"k":1}
		{"a":{"b":{}},"k":1}
		{"a":{"b":{"c":"n"}},"k":1}
		{"a":{"x":1,"b":{"y":2}},"k":1}
		{"a":{"x":1,"b":{"y":2,"c":"n"}},"k":1}
		{"a":{"b":{"c":{"d":1}}},"k":1}
		{"a":{"b":{"c":"n"}},"k":1}
	END
}

@test "--json-set: a value in the way that is no object is exit 3 with its line" {
	for value in 1 '"x"' '[]' null; do
		run --separate-stderr hashring -n n --json-key k --json-set a.b <<<$'{"k":1}\n{"k":1,"a":'"$value}"
		assert_failure 3
		assert_output '{"k":1,"a":{"b":"n"}}'
		assert_regex "$stderr" '^hashring: stdin:2: .*--json-set'
	done
}

@test "--json-set leaves the rest of the line as it came, byte for byte" {
	printf '%s\n' '  {"big" :12345678901234567890.1230e+05,"e":"\u00E9\/\ud83d\uDE00é","k":"x",	"o"  :  0 , "l":[ 1 ,2]}  ' |
		hashring -n n --json-key k --json-set o >out
	printf '%s\n' '  {"big" :12345678901234567890.1230e+05,"e":"\u00E9\/\ud83d\uDE00é","k":"x",	"o"  :  "n" , "l":[ 1 ,2]}  ' >expected
	assert_same_file expected out
	printf '{"k":1}\r\n' | hashring -n n --json-key k --json-set o >out
	printf '{"k":1,"o":"n"}\r\n' >expected
	assert_same_file expected out
}

@test "--json-set writes what another JSON reader reads back" {
	seq 500 | awk '{ printf "{\"u\":{\"id\":%d,\"n\":\"x%d\"},\"t\":[%d]}\n", $1, $1 % 9, $1 }' >lines
	hashring -n "$many" --json-key u.id --json-set u.owner -j 2 <lines >out
	jq -c 'del(.u.owner)' out >rest
	assert_same_file lines rest
	jq -r .u.owner out >owners
	seq 500 >keys
	owners keys >expected
	assert_same_file expected owners
}

@test "--json-set writes an array where replicas were asked for, and escapes a name" {
	run hashring -f <(printf 'a"\\b\n') --json-key k --json-set o <<<'{"k":1}'
	assert_output '{"k":1,"o":"a\"\\b"}'
	run hashring -f <(printf 'x\n') -r 2 --json-key k --json-set o <<<'{"k":1}'
	assert_line --index -1 '{"k":1,"o":["x"]}'
	run hashring -n n --json-key k --json-set 'a"b.c\.d' <<<'{"k":1}'
	assert_output '{"k":1,"a\"b":{"c.d":"n"}}'
}

@test "--json-key takes records that end with NUL, and operands" {
	printf '{"k":\n1}\0{"k":2}' | hashring -0 -n n --json-key k --json-set o >out
	printf '{"k":\n1,"o":"n"}\0{"k":2,"o":"n"}\0' >expected
	assert_same_file expected out
	run --separate-stderr hashring -n n --json-key k '{"k":1}' '{"j":1}'
	assert_failure 3
	assert_output $'{"k":1}\tn'
	assert_regex "$stderr" '^hashring: operand:2: '
}

# ---- limits and flow ----

@test "a line of exactly --line-max bytes is taken, with its newline or without" {
	printf '12345\n1234\n12345' >keys
	for threads in 1 4; do
		run --separate-stderr hashring -n n --line-max 5 -j $threads <keys
		assert_success
		assert_output $'12345\tn\n1234\tn\n12345\tn'
	done
	for end in '' '\n'; do
		{ head -c 1048576 /dev/zero | tr '\0' x; printf '%b' "$end"; } >keys
		hashring -n n <keys >out
		assert_equal "$(wc -c <out)" 1048579
	done
}

@test "a line over --line-max is exit 3 with its number, and all before it is printed" {
	{ seq 100000; echo 123456789; seq 1000; } >keys
	seq 100000 | sed 's/$/\tn/' >expected
	for threads in 1 4; do
		status=0
		hashring -n n --line-max 8 -j $threads <keys >out 2>err || status=$?
		assert_equal "$status" 3
		assert_same_file expected out
		assert_equal "$(cat err)" "hashring: stdin:100001: longer than 8 bytes (see --line-max)"
	done
}

@test "the default limit of a line is 1 MiB, and an endless line is refused when it is over" {
	for threads in 1 4; do
		status=0
		{ printf 'a\nb\n'; yes | tr -d '\n'; } 2>/dev/null | hashring -n n -j $threads >out 2>err || status=$?
		assert_equal "$status" 3
		printf 'a\tn\nb\tn\n' >expected
		assert_same_file expected out
		assert_equal "$(cat err)" "hashring: stdin:3: longer than 1048576 bytes (see --line-max)"
	done
	{ head -c 1048577 /dev/zero | tr '\0' x; echo; } >keys
	run --separate-stderr hashring -n n <keys
	assert_failure 3
	run hashring -n n --line-max 1048577 --only n <keys
	assert_success
}

@test "--line-max holds for records that end with NUL, and for the whole line of -k" {
	printf '123456\0' >keys
	run --separate-stderr hashring -n n -0 --line-max 5 <keys
	assert_failure 3
	run --separate-stderr hashring -n n --line-max 5 -k 1 <<<$'1\t23456'
	assert_failure 3
}

@test "a held line is answered at once, with any number of threads and in every form" {
	for options in '' '-j 4' '--json' '--only n' '--json-key k' '--json-key k --json-set o' '-r 1' '-j 64' '--total 9 --bound 9'; do
		echo "$options"
		# shellcheck disable=SC2086
		coproc HELD { exec hashring -n n $options 2>err; }
		for key in 1 2 3; do
			printf '{"k":%d}\n' $key >&"${HELD[1]}"
			read -r -t 60 answer <&"${HELD[0]}" || fail "no answer to line $key"
			assert_regex "$answer" "$key"
		done
		pid=$HELD_PID
		eval "exec ${HELD[1]}>&-"
		wait "$pid"
		assert_equal "$(cat err)" ""
	done
}

@test "a line that comes in parts is answered when it is whole" {
	coproc HELD { exec hashring -n n; }
	# Descriptors of our own: bash closes a coprocess's when it ends.
	pid=$HELD_PID
	exec 5<&"${HELD[0]}"
	printf 'ab' >&"${HELD[1]}"
	printf 'c\nd' >&"${HELD[1]}"
	read -r -t 60 answer <&5
	assert_equal "$answer" $'abc\tn'
	eval "exec ${HELD[1]}>&-"
	read -r -t 60 answer <&5
	assert_equal "$answer" $'d\tn'
	wait "$pid"
}

@test "a held line is in its file at once with --split" {
	coproc HELD { exec hashring -n n --split d; }
	echo k >&"${HELD[1]}"
	for ((tries = 0; tries < 600; tries++)); do
		[ ! -s d/n ] || break
		sleep 0.1
	done
	assert_equal "$(cat d/n)" k
	pid=$HELD_PID
	eval "exec ${HELD[1]}>&-"
	wait "$pid"
}

@test "a million lines are the same bytes from one thread and from many, from a file and from a pipe" {
	seq 1000000 >keys
	hashring -n "$many" <keys >expected
	assert_equal "$(wc -l <expected)" 1000000
	hashring -n "$many" -j 4 <keys >out
	assert_same_file expected out
	cat keys | hashring -n "$many" -j 4 >out
	assert_same_file expected out
	dd if=keys bs=4099 status=none | hashring -n "$many" -j 64 | cat >out
	assert_same_file expected out
}

@test "lines of every length are the same from one thread and from many" {
	awk 'BEGIN { for (i = 0; i < 3000; i++) { s = s "k" i % 10; print substr(s, 1, i) } }' >keys
	hashring -n "$many" <keys >expected
	cut -f1 expected | cmp - keys
	dd if=keys bs=1009 status=none | hashring -n "$many" -j 4 >out
	assert_same_file expected out
}
