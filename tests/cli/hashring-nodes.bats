#!/usr/bin/env bats
# hashring: the nodes, as a list or a file says them, and the state files that keep a numbering.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup() {
	bin=$(cd "${FAULTLINE_BIN:-$BATS_TEST_DIRNAME/../../build/bin}" && pwd)
	export PATH="$bin:$PATH" LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return
	seq 2000 >keys
}

# The nodes as the tool has understood them: `name weight`, a line each, parted by `;`.
nodes_of() {
	hashring "$@" --stats --json -- k | jq -r 'select(.summary | not) | .node + " " + (.weight | tostring)' | paste -sd ';'
}

# $1: status, $2: regular expression on stderr; the rest is hashring's.
refuses() {
	local status=$1 message=$2
	shift 2
	run --separate-stderr timeout 120 hashring "$@" k
	assert_failure "$status"
	assert_output ""
	assert_regex "$stderr" "$message"
}

name_of() {
	head -c "$1" /dev/zero | tr '\0' "${2:-x}"
}

# The last line of a state file made right again.
sign() {
	sed -i '$d' "$1"
	echo "blake2b $(b2sum -l 256 "$1" | cut -d' ' -f1)" >>"$1"
}

make_states() {
	hashring -a anchor -n a,b=2,c --capacity 12 --update --state anchor 2>/dev/null
	hashring -a jump -n a,b=2,c --update --state jump 2>/dev/null
	hashring -a slots -n a,b=2,c --capacity 12 --update --state slots 2>/dev/null
}

# hashring -a $1, where the list is the numbering of those that need one.
by() {
	local algorithm=$1
	shift
	case $algorithm in
	anchor | jump | slots) set -- --numbered "$@" ;;
	esac
	hashring -a "$algorithm" "$@"
}

# ---- lists and files ----

@test "-n is names and weights, parted by commas; a weight not given is 1" {
	assert_equal "$(nodes_of -n a,b=2,c=0,d=1000000)" "a 1;b 2;c 0;d 1000000" ||
		assert_equal "$(nodes_of -a hrw -n a,b=2,c=0,d=1000000)" "a 1;b 2;c 0;d 1000000"
}

@test "-n: a name may hold colons, equals signs and anything else but a comma or a space" {
	assert_equal "$(nodes_of -n '10.0.0.1:11211=2,[::1]:80,unix:/run/x.sock=3')" \
		"10.0.0.1:11211 2;[::1]:80 1;unix:/run/x.sock 3"
	assert_equal "$(nodes_of -n 'a=b=2')" "a=b 2"
	assert_equal "$(nodes_of -n $'h\303\251,#x,{,"')" $'" 1;#x 1;h\303\251 1;{ 1'
}

@test "-f is a node a line: name, weight, zone; comments and empty lines are none" {
	printf '%s\n' '# a comment' 'a' '' '  b   2  # two' $'c\t3\teast' $'d 4 west\r' '   # x' 'e 1 -' 'f#g 5' >nodes
	assert_equal "$(nodes_of -f nodes)" "a 1;b 2;c 3;d 4;e 1;f#g 5"
	printf 'a\nb 2' >nodes
	assert_equal "$(nodes_of -f nodes)" "a 1;b 2"
	assert_equal "$(nodes_of -f <(echo a))" "a 1"
}

@test "-f takes JSON lines, and lines of both kinds; unknown members are ignored" {
	printf '%s\n' '{"name":"a"}' '{"weight":2,"name":"b","zone":"z","color":[1]}' 'c 3 z' \
		'  {"name":"\u0064","zone":null} ' '# {' >nodes
	assert_equal "$(nodes_of -f nodes)" "a 1;b 2;c 3;d 1"
	run --separate-stderr hashring -f nodes -r 3 k
	assert_regex "$stderr" "3 replicas in 2 zones"
}

@test "-f - reads the nodes from stdin, and the keys are operands" {
	run --separate-stderr hashring -f - k <<<n
	assert_success
	assert_output $'k\tn'
}

@test "-f - without operands is exit 2: stdin cannot be both" {
	run --separate-stderr hashring -f - <<<n
	assert_failure 2
	assert_output ""
}

@test "a list and a file of the same nodes are the same fleet" {
	printf 'a\nb 2\nc 3\n' >nodes
	for algorithm in ring hrw maglev; do
		hashring -a $algorithm -n a,b=2,c=3 <keys >expected
		hashring -a $algorithm -f nodes <keys | cmp - expected
	done
}

@test "the order of the list does not matter to any name-based algorithm" {
	printf '10.0.0.%d:11211 %d\n' 1 2 2 1 3 1 4 3 5 1 >nodes
	for algorithm in ring hrw maglev libmemcached libmemcached-spy twemproxy ketama spymemcached uhashring \
		hash-ring node-hashring nginx envoy-ring envoy-maglev; do
		echo "$algorithm"
		hashring -a $algorithm -f nodes <keys >expected
		hashring -a $algorithm -f <(sort -r nodes) <keys | cmp - expected
		hashring -a $algorithm -n "$(sort -k2n -k1r nodes | tr ' ' = | paste -sd ,)" <keys | cmp - expected
		[ $algorithm = ring ] || [ $algorithm = hrw ] || [ $algorithm = maglev ] || continue
		hashring -a $algorithm -f nodes -r 3 <keys >expected
		hashring -a $algorithm -f <(sort -r nodes) -r 3 <keys | cmp - expected
	done
	hashring -a couchbase -n a,b,c <keys >expected
	hashring -a couchbase -n c,a,b <keys | cmp - expected
}

@test "the order of a list beside a state file does not matter either" {
	make_states
	for algorithm in anchor jump slots; do
		hashring --state $algorithm <keys >expected
		hashring --state $algorithm -n c,a,b=2 <keys | cmp - expected
		hashring --state $algorithm -a $algorithm -f <(printf 'b 2\na\nc\n') <keys | cmp - expected
		hashring -f $algorithm <keys | cmp - expected
	done
}

@test "weight 0 drains a node: it owns nothing, and the others' keys stay" {
	for algorithm in ring hrw libmemcached nginx anchor jump slots maglev; do
		assert_equal "$(by "$algorithm" -n a,b=0,c <keys | cut -f2 | sort -u | xargs)" "a c"
	done
	for algorithm in ring hrw; do
		hashring -a $algorithm -n a,b=0,c <keys >drained
		hashring -a $algorithm -n a,c <keys | cmp - drained
	done
}

@test "a name has 255 bytes at the most" {
	long=$(name_of 255)
	assert_equal "$(nodes_of -n "$long,b")" "b 1;$long 1"
	assert_equal "$(nodes_of -f <(echo "$long 7"))" "$long 7"
	hashring -n "$long" -r 2 k 2>/dev/null >out
	assert_equal "$(cat out)" $'k\t'"$long"
	refuses 2 '^hashring: --nodes: a name has 256 bytes: at most 255$' -n "a,$(name_of 256)"
	{ echo a; name_of 256; echo; } >nodes
	refuses 3 '^hashring: nodes:2: a name has 256 bytes: at most 255$' -f nodes
	echo "{\"name\":\"$(name_of 256)\"}" >nodes
	refuses 3 '^hashring: nodes:1: a name has 256 bytes: at most 255$' -f nodes
	{ printf 'a 1 '; name_of 256; echo; } >nodes
	refuses 3 '^hashring: nodes:1: a zone has 256 bytes: at most 255$' -f nodes
}

@test "names of 255 bytes of every kind survive JSON, a state file and a split" {
	{ name_of 255 '"'; echo; name_of 254 '\\'; echo; for ((i = 0; i < 127; i++)); do printf 'é'; done; echo; } >nodes
	hashring -f nodes <keys >lines
	hashring -f nodes --json <keys | jq -r '.key + "\t" + .node' | cmp - lines
	hashring -a jump -f nodes --update --state s 2>/dev/null
	hashring --state s <keys >lines
	assert_equal "$(cut -f2 lines | sort -u)" "$(sort nodes)"
	hashring -f nodes --split d <keys
	sort -n d/* | cmp - keys
}

@test "a name of two lists is refused, with file and line" {
	refuses 2 "^hashring: --nodes: node 'a' is listed twice\$" -n a,b,a=2
	printf 'a\nb\n\na 2\n' >nodes
	refuses 3 "^hashring: nodes:4: node 'a' is listed twice\$" -f nodes
	printf 'a\n{"name":"a"}\n' >nodes
	refuses 3 "^hashring: nodes:2: node 'a' is listed twice\$" -f nodes
	{ seq 100000; echo 7; } >nodes
	refuses 3 "^hashring: nodes:100001: node '7' is listed twice\$" -f nodes
}

@test "a bad weight is refused, with file and line" {
	for weight in -1 +1 1.5 1e3 x 0x10 1000001 18446744073709551617 99999999999999999999 '' ' 1'; do
		refuses 2 "^hashring: --nodes: the weight of 'b' must be a whole number from 0 to 1000000\$" -n "a,b=$weight"
	done
	for weight in -1 1.5 x 1000001 18446744073709551617; do
		printf 'a\nb %s\n' "$weight" >nodes
		refuses 3 "^hashring: nodes:2: the weight of 'b' must be a whole number from 0 to 1000000\$" -f nodes
	done
	for weight in -1 1.5 1.0 '"1"' null true '[1]' 1000001; do
		printf 'a\n{"name":"b","weight":%s}\n' "$weight" >nodes
		refuses 3 "^hashring: nodes:2: the weight of 'b' must be a whole number from 0 to 1000000\$" -f nodes
	done
}

@test "a bad name is refused, with file and line" {
	refuses 2 '^hashring: --nodes: a name is empty$' -n ''
	refuses 2 '^hashring: --nodes: a name is empty$' -n a,,b
	refuses 2 '^hashring: --nodes: a name is empty$' -n a,
	refuses 2 '^hashring: --nodes: a name is empty$' -n =2
	refuses 2 '^hashring: --nodes: a name has a space in it$' -n 'a, b'
	refuses 2 '^hashring: --nodes: a name has a control character in it$' -n $'a\tb'
	refuses 2 '^hashring: --nodes: a name is not UTF-8$' -n $'a\377'
	while read -r line; do
		printf 'a\n%b\n' "$line" >nodes
		refuses 3 '^hashring: nodes:2: ' -f nodes
	done <<-'END'
		a,b
		x\001
		x\377
		{"name":""}
		{"name":"a b"}
		{"name":"a\\tb"}
		{"name":"a,b"}
		{"name":"a\\u0000b"}
		b 1 east west
		b 1 e,st
	END
}

@test "bad JSON in a file of nodes is refused, with file and line" {
	for line in '{' '{}' '{"name":1}' '{"name":"b"' '{"name":"b"} x' '{"name":"b","name":"c"}' '{"name":"b","zone":1}' \
		'{"name":"b","zone":""}' '{"weight":1}' '{name:"b"}' '{"name":"b",}'; do
		printf 'a\n\n%s\n' "$line" >nodes
		refuses 3 '^hashring: nodes:3: ' -f nodes
	done
}

@test "a file of nodes with NUL in it, or nothing, is refused" {
	printf 'a\nb\0c\n' >nodes
	refuses 3 '^hashring: nodes:2: a NUL byte$' -f nodes
	for text in '' '\n\n' '# a\n'; do
		printf '%b' "$text" >nodes
		refuses 3 '^hashring: nodes: no nodes$' -f nodes
	done
}

@test "all nodes drained is refused, naming the file" {
	refuses 2 'every node has weight 0' -n a=0,b=0
	printf 'a 0\nb 0\n' >nodes
	refuses 3 '^hashring: nodes: every node has weight 0' -f nodes
	for algorithm in hrw maglev libmemcached nginx haproxy envoy-maglev; do
		refuses 2 'every node has weight 0' -a $algorithm -n a=0,b=0
	done
	for algorithm in anchor jump slots; do
		refuses 2 'every node has weight 0' -a $algorithm --numbered -n a=0,b=0
	done
}

@test "a file of nodes that is not there is exit 2, one that cannot be read exit 4; both are named" {
	refuses 2 "^hashring: cannot open 'none': No such file or directory\$" -f none
	refuses 4 "^hashring: cannot read '/': Is a directory\$" -f /
}

@test "garbage for a file of nodes is exit 3 with its name, never a crash" {
	for ((i = 0; i < 15; i++)); do
		# the digits of a hash, and the bytes they stand for
		printf '%b' "$(b2sum <<<"$i" | sed 's/ .*//; s/../\\x&/g')" >garbage
		for prefix in '' '{"name":' 'hashring-state 1 jump 2 ' $'hashring-state 1 jump 2 0000000000000000\nnode a 1 - '; do
			{ printf '%s' "$prefix"; cat garbage; } >nodes
			status=0
			hashring -f nodes k >out 2>err || status=$?
			[ $status -eq 3 ] || fail "exit $status"
			assert_regex "$(cat err)" '^hashring: nodes:'
		done
	done
}

@test "an overlong name in a message is cut, and the message stays one line" {
	{ echo a; name_of 100000; echo " x"; } >nodes
	run --separate-stderr hashring -f nodes k
	assert_failure 3
	assert_equal "$(wc -l <<<"$stderr")" 1
	[ ${#stderr} -lt 4096 ]
	run --separate-stderr hashring -n "$(name_of 60000)=x" k
	assert_failure 2
	[ ${#stderr} -lt 4096 ]
}

@test "100 000 nodes: every name owns keys, in any order of the list" {
	seq 100000 >nodes
	seq 200000 >more
	for algorithm in anchor jump; do
		by "$algorithm" -f nodes <more >out
		assert_equal "$(wc -l <out)" 200000
		assert [ "$(cut -f2 out | sort -u | wc -l)" -gt 80000 ]
	done
	hashring --points 20 -f nodes <more >out
	hashring --points 20 -f <(sort -r nodes) <more | cmp - out
}

@test "a zone each for 2000 nodes: all replicas are in distinct zones" {
	seq 2000 | awk '{ print "n" $1, 1, "z" $1 % 1000 }' >nodes
	run --separate-stderr hashring -f nodes -r 20 a b c
	assert_success
	assert_equal "$stderr" ""
	assert_equal "$(cut -f2 <<<"$output" | tr , '\n' | wc -l)" 60
}

# ---- state files ----

@test "--update makes a state file, said on stderr, and it serves without a list" {
	for algorithm in anchor jump slots; do
		run --separate-stderr hashring -a $algorithm -n a,b=2,c --update --state $algorithm
		assert_success
		assert_output ""
		assert_regex "$stderr" "^hashring: made '$algorithm': 3 nodes, [0-9]+ (buckets|slots)\$"
		assert_regex "$(head -1 $algorithm)" "^hashring-state 1 $algorithm [0-9]+ 0000000000000000\$"
		assert [ ! -e $algorithm.new ]
		hashring --state $algorithm <keys >out
		by "$algorithm" -n a,b=2,c <keys | cmp - out
		assert_equal "$(nodes_of --state $algorithm)" "a 1;b 2;c 1"
	done
}

@test "--update changes a state file: only keys of the nodes that changed move" {
	make_states
	for algorithm in anchor jump slots; do
		hashring --state $algorithm <keys >old
		run --separate-stderr hashring -n c,d,b=2 --update --state $algorithm
		assert_success
		assert_regex "$stderr" "^hashring: changed '$algorithm': 3 nodes, [0-9]+ of [0-9]+ (buckets|slots) have another owner\$"
		hashring --state $algorithm <keys >new
		paste old new | awk -F '\t' '$2 != $4 && $2 != "a" && $4 != "d" { print; bad = 1 } END { exit bad }'
		cut -f2 new | grep -qx d
		refute grep -qx a <(cut -f2 new)
	done
}

@test "--update forth and back: anchor and jump have every key where it was" {
	make_states
	for algorithm in anchor jump; do
		hashring --state $algorithm <keys >old
		hashring -n a,b=2,c,d,e --update --state $algorithm 2>/dev/null
		hashring -n a,b=2,c --update --state $algorithm 2>/dev/null
		hashring --state $algorithm <keys | cmp - old
	done
}

@test "--update with the same nodes changes nothing, in another order too" {
	make_states
	for algorithm in anchor jump slots; do
		hashring --state $algorithm <keys >old
		run --separate-stderr hashring -n c,b=2,a --update --state $algorithm
		assert_success
		assert_regex "$stderr" ', 0 of [0-9]+ (buckets|slots) have another owner$'
		hashring --state $algorithm <keys | cmp - old
	done
}

@test "a list that is not the state file's is refused, so nothing is renumbered by accident" {
	make_states
	for algorithm in anchor jump slots; do
		cp $algorithm before
		refuses 2 "^hashring: '$algorithm' does not number node 'd': --update takes it in\$" --state $algorithm -n a,b=2,c,d
		for list in a,b=2 a,b,c a,b=2,c=0; do
			refuses 2 "^hashring: '$algorithm' numbers nodes that are not in the list" --state $algorithm -n $list
		done
		printf 'a 1 z\nb 2\nc\n' >zoned
		refuses 2 "^hashring: '$algorithm' " --state $algorithm -f zoned
		refuses 2 "numbers its nodes: --state FILE keeps the numbering" -a $algorithm -n a,b
		cmp $algorithm before
	done
}

@test "a state file of another algorithm is refused, and stays as it was" {
	make_states
	cp jump before
	refuses 2 "^hashring: 'jump' is a state of jump, not of anchor\$" --state jump -a anchor
	refuses 2 "^hashring: 'jump' is a state of jump, not of ring\$" -f jump -a ring
	run --separate-stderr hashring -a slots -n a,b --update --state jump
	assert_failure 2
	assert_regex "$stderr" "'jump' is a state of jump, not of slots"
	run --separate-stderr hashring -a hrw -n a,b --update --state jump
	assert_failure 2
	cmp jump before
}

@test "a state file made with another key file is refused, by name" {
	head -c 32 /dev/zero | tr '\0' k >key
	head -c 32 /dev/zero | tr '\0' l >other
	for algorithm in anchor jump slots; do
		hashring -a $algorithm -n a,b,c --key-file key --update --state $algorithm 2>/dev/null
		run --separate-stderr hashring --state $algorithm --key-file key k
		assert_success
		refuses 2 "'$algorithm'.*--key-file" --state $algorithm
		refuses 2 "'$algorithm'.*--key-file" --state $algorithm --key-file other
		cp $algorithm before
		run --separate-stderr hashring -n a,b,c,d --update --state $algorithm --key-file other
		assert_failure 2
		cmp $algorithm before
	done
	rm anchor jump slots
	make_states
	refuses 2 "'jump'.*--key-file" --state jump --key-file key
}

@test "a state file with any byte changed is exit 3 with its name, never used, never a crash" {
	make_states
	for algorithm in anchor jump slots; do
		od -An -v -tu1 -w1 $algorithm >bytes
		at=0
		while read -r byte; do
			cp $algorithm damaged
			printf '%b' "\\x$(printf %02x $((byte ^ (1 << at % 8))))" |
				dd of=damaged bs=1 seek=$at conv=notrunc status=none
			status=0
			timeout 120 hashring --state damaged k >out 2>err || status=$?
			[ $status -eq 3 ] || fail "$algorithm: byte $at: exit $status: $(cat err)"
			[ ! -s out ] || fail "$algorithm: byte $at: an answer"
			[[ $(<err) == "hashring: damaged:"* ]] || fail "$algorithm: byte $at: $(cat err)"
			at=$((at + 1))
		done <bytes
	done
}

@test "a state file cut off at any length is exit 3 with its name, as --state and as -f" {
	make_states
	# Fewer bytes than 8 are a node of that name, and none are no nodes.
	for ((length = 8; length < $(stat -c %s jump); length++)); do
		head -c $length jump >cut
		for option in --state -f; do
			status=0
			hashring $option cut k >out 2>err || status=$?
			[ $status -eq 3 ] || fail "$option: length $length: exit $status: $(cat err)"
			[ ! -s out ] || fail "$option: length $length: an answer"
			[[ $(<err) == "hashring: cut:"* ]] || fail "$option: length $length: $(cat err)"
		done
	done
}

@test "a state file with something after its end is exit 3" {
	make_states
	for algorithm in anchor jump slots; do
		for tail in x '\n' ' ' '\0' 'node d 1 - 3\n'; do
			{ cat $algorithm; printf '%b' "$tail"; } >damaged
			refuses 3 '^hashring: damaged:' --state damaged
		done
		cat $algorithm $algorithm >damaged
		refuses 3 '^hashring: damaged:' --state damaged
	done
}

@test "a damaged state file is not changed by --update" {
	make_states
	for algorithm in anchor jump slots; do
		sed 's/^node b 2/node b 3/' $algorithm >damaged
		cp damaged before
		run --separate-stderr hashring -n a,b --update --state damaged
		assert_failure 3
		assert_regex "$stderr" '^hashring: damaged: '
		cmp damaged before
		: >damaged
		run --separate-stderr hashring -a $algorithm -n a,b --update --state damaged
		assert_failure 3
		assert [ ! -s damaged ]
	done
}

@test "a state file of another version is exit 3 and says which" {
	make_states
	for algorithm in anchor jump slots; do
		sed -i '1s/hashring-state 1/hashring-state 2/' $algorithm
		sign $algorithm
		refuses 3 "^hashring: $algorithm:1: version 2: this hashring reads version 1\$" --state $algorithm
	done
}

@test "a state file that is signed and wrong is exit 3 with its name, never a crash" {
	make_states
	while IFS=: read -r algorithm edit; do
		echo "$algorithm $edit"
		sed "$edit" "$algorithm" >forged
		sign forged
		refuses 3 '^hashring: forged:' --state forged
	done <<-'END'
		jump:1s/jump/ring/
		jump:1s/jump/xyz/
		jump:1s/ 4 / 3 /
		jump:1s/ 4 / 0 /
		jump:1s/ 4 / 268435457 /
		jump:1s/ 4 / 99999999999999999999 /
		jump:1s/0000$/000/
		jump:1s/0000$/00000/
		jump:1s/0000$/000x/
		jump:s/^node a 1/node a 2/
		jump:s/^node a 1/node a 0/
		jump:s/^node a 1/node b 1/
		jump:s/^node a 1/node a -1/
		jump:s/^node a 1/node a 1000001/
		jump:s/^node a/nodes a/
		jump:s/^node a/node  a/
		jump:s/^node a 1 -/node a 1/
		jump:s/^node a.*/node a 1 - -/
		jump:s/^node a.*/node a 1 - 1/
		jump:s/^node a.*/node a 1 - 0,/
		jump:s/^node a.*/node a 1 - 0,0/
		jump:s/^node a.*/node a 1 - 4/
		jump:s/^node a.*/node a 1 - 0-4294967295/
		jump:s/^node a.*/node a 1 - 0x/
		jump:s/^node a.*//
		jump:2,4d
		jump:2i removed 0
		anchor:s/^removed.*//
		anchor:/^removed/d
		anchor:s/^removed.*/removed 11-5/
		anchor:s/^removed.*/removed 11-3/
		anchor:s/^removed.*/removed 12-4/
		anchor:s/^removed.*/removed 11-4,4/
		anchor:1s/ 12 / 4 /
		anchor:1s/ 12 / 13 /
		slots:s/^node c.*/node c 1 - -/
		slots:1s/ 12 / 13 /
		slots:1s/ 12 / 11 /
		slots:s/^node a 1/node a 5/
		slots:2i removed 0
	END
}

@test "--update: nodes over the capacity of an anchor are refused, and the file stays" {
	hashring -a anchor -n a,b --capacity 3 --update --state s 2>/dev/null
	cp s before
	run --separate-stderr hashring -n a,b,c,d --update --state s
	assert_failure 2
	assert_output ""
	assert_regex "$stderr" "capacity"
	cmp s before
}

@test "--update: a --capacity that is not the file's is refused, not ignored" {
	for algorithm in anchor slots; do
		hashring -a $algorithm -n a,b --capacity 20 --update --state $algorithm 2>/dev/null
		cp $algorithm before
		run --separate-stderr hashring -n a,b,c --capacity 40 --update --state $algorithm
		assert_failure 2
		assert_regex "$stderr" "capacity"
		cmp $algorithm before
	done
}

@test "--update takes a list, not a state file, and no keys" {
	make_states
	run --separate-stderr hashring -f jump --update --state jump
	assert_failure 2
	assert_regex "$stderr" "'jump' is a state file"
	run --separate-stderr hashring -n a --update --state new k
	assert_failure 2
	assert [ ! -e new ]
}

@test "--update: what cannot be written is exit 4 and named, and the old file stays" {
	make_states
	run --separate-stderr hashring -a jump -n a --update --state none/s
	assert_failure 4
	assert_regex "$stderr" "'none/s.*': No such file or directory\$"
	run --separate-stderr hashring -a jump -n a --update --state .
	assert [ "$status" -ne 0 ]
	cp jump before
	ln -s /dev/full jump.new
	run --separate-stderr hashring -n a,b --update --state jump
	[ "$status" -eq 4 ] || [ "$status" -eq 0 ]      # an own name for the file aside may be another one
	[ "$status" -eq 0 ] || cmp jump before
}

@test "--update on a disk that is full leaves the old file whole" {
	mkdir small
	mount -t tmpfs -o size=64k tmpfs small 2>/dev/null || skip "may not mount"
	hashring -a jump -n a,b --update --state small/s 2>/dev/null
	cp small/s before
	head -c 100000 /dev/zero >small/filler 2>/dev/null || true
	seq 10000 >nodes
	run --separate-stderr hashring -f nodes --update --state small/s
	cmp small/s before || bad=1
	ls -A small >left
	umount small
	assert_failure 4
	assert_regex "$stderr" "No space left on device"
	assert_equal "${bad:-0}" 0
	assert_equal "$(sort left | xargs)" "filler s"
}

@test "SIGKILL at any time of an --update leaves the old file or the new one, whole" {
	seq 20000 | sed 's/^/node/' >old_nodes
	seq 5000 25000 | sed 's/^/node/' >new_nodes
	hashring -a jump -f old_nodes --update --state old 2>/dev/null
	cp old new
	hashring -f new_nodes --update --state new 2>/dev/null
	refute cmp -s old new
	for ((i = 0; i < 25; i++)); do
		cp old s
		timeout -s KILL "0.0$(printf %02d $((i * 2)))1" hashring -f new_nodes --update --state s 2>/dev/null || true
		cmp -s s old || cmp -s s new || fail "neither the old file nor the new one"
		hashring --state s k >/dev/null
	done
	hashring -f new_nodes --update --state s 2>/dev/null
	cmp -s s new || [ "$(head -1 s)" = "$(head -1 new)" ]
}

@test "--update many times at once leaves a whole file" {
	hashring -a jump -n a,b --update --state s 2>/dev/null
	for ((i = 0; i < 20; i++)); do
		hashring -n "a,b,$(seq -s, $((i * 100 + 1)))" --update --state s 2>>err &
	done
	wait
	run --separate-stderr hashring --state s k
	assert_success
	assert_equal "$stderr" ""
	refute grep -v "changed 's'" err
}

@test "--update through a symbolic link changes the file that it leads to, so no second numbering comes to be" {
	make_states
	ln -s jump link
	run --separate-stderr hashring -n a,b=2,c,d --update --state link
	assert_success
	assert [ -L link ]
	assert_equal "$(nodes_of --state jump)" "a 1;b 2;c 1;d 1"
	assert_equal "$(nodes_of --state link)" "a 1;b 2;c 1;d 1"
}

@test "--update writes into no file that something else's link leads to" {
	make_states
	echo precious >victim
	ln -s victim jump.new
	run --separate-stderr hashring -n a,b=2,c,d --update --state jump
	assert_equal "$(cat victim)" precious
	assert [ ! -L jump ]
	run --separate-stderr hashring --state jump k
	assert_success
}

@test "--update keeps the permissions of the state file" {
	make_states
	chmod 600 jump
	run --separate-stderr hashring -n a,b=2,c,d --update --state jump
	assert_success
	assert_equal "$(stat -c %a jump)" 600
}

@test "--diff of state files, and of a state file and a list, is what --update would move" {
	make_states
	for algorithm in anchor jump slots; do
		hashring --state $algorithm <keys >old
		hashring --diff $algorithm a,c,d,b=3 <keys >planned
		run --separate-stderr hashring --diff $algorithm a,c,d,b=3 --summary <keys
		assert_success
		jq -e 'select(.summary) | .excess == 0 and .moved > 0' <<<"$output"
		cp $algorithm new
		hashring -n a,c,d,b=3 --update --state new 2>/dev/null
		hashring --diff $algorithm ./new <keys | cmp - planned
		hashring --state new <keys | cut -f2 | paste old - | awk -F '\t' '$2 != $3' | cmp - planned
	done
	run --separate-stderr hashring --diff anchor jump k
	assert_failure 2
	assert_regex "$stderr" "'anchor' is of anchor and 'jump' of jump"
}

@test "--diff names the list that is wrong" {
	run --separate-stderr hashring --diff a,a b k
	assert_failure 2
	assert_regex "$stderr" "(OLD|a,a).*node 'a' is listed twice"
	run --separate-stderr hashring --diff a b=x k
	assert_failure 2
	assert_regex "$stderr" "(NEW|b=x).*the weight of 'b'"
	run --separate-stderr hashring --diff a b=0 k
	assert_failure 2
	assert_regex "$stderr" "(NEW|b=0).*every node has weight 0"
	printf 'a\na\n' >nodes
	run --separate-stderr hashring --diff a nodes k
	assert_failure 3
	assert_regex "$stderr" "^hashring: nodes:2: node 'a' is listed twice"
}

# ---- key files ----

@test "--key-file: another key, other owners; the same key, the same owners" {
	head -c 32 /dev/zero | tr '\0' k >key
	head -c 32 /dev/zero | tr '\0' l >other
	for algorithm in ring hrw maglev anchor jump slots; do
		by "$algorithm" -n a,b,c,d --key-file key <keys >one
		by "$algorithm" -n a,b,c,d --key-file key <keys | cmp - one
		refute cmp -s one <(by "$algorithm" -n a,b,c,d <keys)
		refute cmp -s one <(by "$algorithm" -n a,b,c,d --key-file other <keys)
	done
}

@test "--key-file: of 16 to 4096 bytes, and none for a layout that is fixed" {
	for bytes in 16 4096; do
		name_of $bytes >key
		run --separate-stderr hashring -n a --key-file key k
		assert_success
	done
	for bytes in 0 15 4097; do
		name_of $bytes >key
		refuses 3 "^hashring: key: a key has 16 to 4096 bytes" -n a --key-file key
	done
	refuses 2 "^hashring: cannot open 'none': No such file or directory\$" -n a --key-file none
	name_of 16 >key
	for algorithm in libmemcached ketama nginx haproxy envoy-maglev redis cassandra node-hashring twemproxy; do
		refuses 2 "^hashring: --key-file: the layout of $algorithm is fixed" -n a,b,c -a $algorithm --key-file key
	done
}

@test "--key-file: too long a key is refused at once, not read to its end" {
	mkfifo key
	{ head -c 5000 /dev/zero; exec sleep 300; } >key 3>&- &
	writer=$!
	run --separate-stderr timeout 120 hashring -n a --key-file key k
	kill $writer
	assert_failure 3
	assert_regex "$stderr" "^hashring: key: a key has 16 to 4096 bytes"
}
