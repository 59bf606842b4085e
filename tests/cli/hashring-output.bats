#!/usr/bin/env bats
# hashring: what comes out, as lines, JSON, files, reports and plans, and that nothing of it is lost.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

many=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p

setup() {
	bin=$(cd "${FAULTLINE_BIN:-$BATS_TEST_DIRNAME/../../build/bin}" && pwd)
	export PATH="$bin:$PATH" LC_ALL=C TERM=xterm
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	[ ! -d "$BATS_TEST_TMPDIR/small" ] || umount "$BATS_TEST_TMPDIR/small" 2>/dev/null || true
}

assert_same_file() {
	cmp "$1" "$2" || fail "$1 and $2 differ"
}

# A file system of 64 KiB at `small`, or no such test.
small_disk() {
	mkdir small
	mount -t tmpfs -o size=64k tmpfs small 2>/dev/null || skip "may not mount"
}

# What a command prints on a terminal of that many columns.
on_terminal() {
	"$BATS_TEST_DIRNAME/terminal" --columns "$1" "$2"
}

fleet() {
	seq -s, -f "10.0.0.%g:11211" "$1"
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

# ---- lines ----

@test "--json is an object a line: key and node" {
	run --separate-stderr hashring -n n --json <<<$'k1\na "b"\\\té'
	assert_success
	assert_output '{"key":"k1","node":"n"}
{"key":"a \"b\"\\\té","node":"n"}'
	assert_equal "$stderr" ""
	seq 1000 >keys
	hashring -n "$many" <keys >lines
	hashring -n "$many" --json -j 4 <keys | jq -r '[.key, .node] | @tsv' >out
	assert_same_file lines out
}

@test "--json: a key that is no UTF-8 is exit 3 with its line, and all before it is printed" {
	printf 'a\nb\377\nc\n' >keys
	for threads in 1 4; do
		run --separate-stderr hashring -n n --json -j $threads <keys
		assert_failure 3
		assert_output '{"key":"a","node":"n"}'
		assert_equal "$stderr" "hashring: stdin:2: the key is not UTF-8, which --json needs"
	done
}

@test "--null ends what is printed with NUL, and what is read with a newline" {
	printf 'a\nb\n' | hashring -n n --null >out
	printf 'a\tn\0b\tn\0' >expected
	assert_same_file expected out
	printf 'a\n' | hashring -n n --null --json >out
	printf '{"key":"a","node":"n"}\0' >expected
	assert_same_file expected out
	printf '{"k":1}\n' | hashring -n n --null --json-key k --json-set o >out
	printf '{"k":1,"o":"n"}\0' >expected
	assert_same_file expected out
	printf 'a\n' | hashring --diff n m --null >out
	printf 'a\tn\tm\0' >expected
	assert_same_file expected out
}

@test "--only prints the lines of one node, as they came" {
	seq 2000 >keys
	hashring -n "$many" <keys >all
	for node in a h p; do
		hashring -n "$many" --only $node -j 2 <keys >out
		awk -F '\t' -v node=$node '$2 == node { print $1 }' all >expected
		assert_same_file expected out
		assert [ -s out ]
	done
	hashring -n "$many" --only c --json <keys | jq -r .key >out
	hashring -n "$many" --only c <keys >expected
	assert_same_file expected out
}

@test "--only of every node together is every line, once" {
	seq 2000 >keys
	for node in ${many//,/ }; do
		hashring -n "$many" --only "$node" <keys
	done | sort -n >out
	assert_same_file keys out
}

@test "--only with replicas prints the lines that the node has a copy of" {
	seq 2000 >keys
	hashring -n "$many" -r 3 <keys | awk -F '\t' '("," $2 ",") ~ /,d,/ { print $1 }' >expected
	hashring -n "$many" -r 3 --only d <keys >out
	assert_same_file expected out
}

@test "a long list of nodes and names of every length print as they are" {
	awk 'BEGIN { for (i = 1; i <= 255; i++) { s = s "x"; print s } }' >nodes
	seq 3000 >keys
	hashring -f nodes <keys >out
	cut -f1 out | cmp - keys
	cut -f2 out | sort -u >used
	sort nodes | comm -13 - used >strange
	assert_equal "$(cat strange)" ""
	hashring -f nodes --json <keys | jq -r '[.key, .node] | @tsv' | cmp - out
}

# ---- --split ----

@test "--split writes each node's lines into a file of its name, in the order of the input" {
	seq 5000 >keys
	for threads in 1 4; do
		run --separate-stderr hashring -n "$many" --split "d$threads" -j $threads <keys
		assert_success
		assert_output ""
		assert_equal "$stderr" ""
		for node in ${many//,/ }; do
			hashring -n "$many" --only "$node" <keys | cmp - "d$threads/$node"
		done
		sort -n "d$threads"/* | cmp - keys
	done
}

@test "--split makes an empty file for a node without lines, and a file anew that was there" {
	mkdir d
	echo old >d/a
	echo old >d/b
	run hashring -n a,b,c=0 --split d </dev/null
	assert_success
	assert_equal "$(cd d && wc -c a b c | awk '{ print $1 }' | tr '\n' ' ')" "0 0 0 0 "
}

@test "--split: no name of a node leads out of the directory, and no two to one file" {
	printf '%s\n' ../x .. . / a/b 'a%2Fb' % .hidden '%2E.' /etc/passwd 'a\b' '*' '~' -n >nodes
	mkdir in
	cd in
	seq 20000 | hashring -f ../nodes --split d
	assert_equal "$(ls -A)" d
	assert_equal "$(ls -A .. | sort | tr '\n' ' ')" "in nodes "
	assert_equal "$(find d -mindepth 1 -type d)" ""
	assert_equal "$(ls -A d | wc -l)" "$(wc -l <../nodes)"
	find d -type f -exec cat {} + | sort -n | cmp - <(seq 20000)
	seq 20000 | hashring -f ../nodes --only a/b | cmp - d/a%2Fb
	seq 20000 | hashring -f ../nodes --only a%2Fb | cmp - d/a%252Fb
	seq 20000 | hashring -f ../nodes --only .. | cmp - d/%2E.
}

@test "--split writes whole JSON lines, records that end with NUL, and every copy" {
	printf '%s\n' '{"k":1}' '{"k":2}' | hashring -n n --json-key k --split d
	assert_equal "$(cat d/n)" $'{"k":1}\n{"k":2}'
	printf 'a\nb\0c\0' | hashring -n n -0 --split d
	printf 'a\nb\0c\0' | cmp - d/n
	seq 100 | hashring -n a,b -r 2 --split e
	seq 100 | cmp - e/a
	seq 100 | cmp - e/b
	seq 100 | hashring -n "$many" -r 2 --split f
	assert_equal "$(cat f/* | wc -l)" 200
	hashring -n n --split g k1 k2
	assert_equal "$(cat g/n)" $'k1\nk2'
}

@test "--split: a bad line is exit 3, and all before it is in the files" {
	{ seq 5000; echo; seq 10; } | sed 's/./x\t&/' >lines
	run --separate-stderr hashring -n "$many" --split d -k 2 -j 4 <lines
	assert_failure 3
	assert_equal "$stderr" "hashring: stdin:5001: no field 2"
	cat d/* | cut -f2 | sort -n | cmp - <(seq 5000)
}

@test "--split: a full disk is exit 4 and names the file" {
	mkdir d
	ln -s /dev/full d/n
	for threads in 1 4; do
		run --separate-stderr hashring -n n --split d -j $threads <<<k
		assert_failure 4
		assert_equal "$stderr" "hashring: cannot write 'd/n': No space left on device"
		run --separate-stderr bash -c "seq 1000000 | hashring -n n --split d -j $threads"
		assert_failure 4
		assert_equal "$stderr" "hashring: cannot write 'd/n': No space left on device"
	done
}

@test "--split: a disk that fills is exit 4, and what is there was not made up" {
	small_disk
	seq 100000 >keys
	run --separate-stderr hashring -n a,b --split small/d <keys
	assert_failure 4
	assert_regex "$stderr" "^hashring: cannot write 'small/d/[ab]': No space left on device\$"
	for node in a b; do
		size=$(stat -c %s small/d/$node)
		hashring -n a,b --only $node <keys | head -c "$size" | cmp - small/d/$node
	done
}

@test "--split: what cannot be made is exit 4 and named" {
	echo >file
	run --separate-stderr hashring -n n --split file/d <<<k
	assert_failure 4
	assert_regex "$stderr" "^hashring: cannot make the directory 'file/d': "
	run --separate-stderr hashring -n n --split file <<<k
	assert_failure 4
	assert_regex "$stderr" "^hashring: cannot .* 'file.*': Not a directory\$"
	mkdir -p d/n
	run --separate-stderr hashring -n n --split d <<<k
	assert_failure 4
	assert_regex "$stderr" "^hashring: cannot create 'd/n': "
}

@test "--split: more nodes than files may be open is exit 2 before anything is made" {
	run --separate-stderr bash -c 'ulimit -n 64; seq 100 | hashring -n "$(seq -s, 100)" --split d'
	assert_failure 2
	assert_output ""
	assert_regex "$stderr" "^hashring: --split needs [0-9]+ open files, the limit is 64 "
	assert [ ! -e d ]
}

@test "--split raises a soft limit of open files by itself" {
	seq 3000 >keys
	run --separate-stderr bash -c 'ulimit -Sn 64; hashring -n "$(seq -s, 100)" --split d -j 4 <keys'
	assert_success
	assert_equal "$(ls d | wc -l)" 100
	sort -n d/* | cmp - keys
}

# ---- replicas ----

zoned() {
	for ((i = 1; i <= 9; i++)); do echo "n$i $((1 + i % 2)) z$((i % 3))"; done
}

# Fails where a line has not `want` owners, has one twice, or fewer zones than `zones`.
check_owners() {
	awk -F '\t' -v want="$1" -v zones="$2" '
		NR == FNR { split($0, part, " "); zone[part[1]] = part[3]; next }
		{
			n = split($2, owner, ","); split("", seen); split("", seen_zone); z = 0
			for (i = 1; i <= n; i++) {
				if (seen[owner[i]]++) { print "twice: " $0; exit 1 }
				z += !seen_zone[zone[owner[i]]]++
			}
			if (n != want || z != zones) { print n " owners in " z " zones: " $0; exit 1 }
		}' nodes -
}

@test "-r gives distinct owners, the first the one of -r 1, in distinct zones, for every algorithm" {
	zoned >nodes
	seq 500 >keys
	for algorithm in ring hrw maglev anchor jump slots libmemcached twemproxy ketama nginx haproxy envoy-ring envoy-maglev; do
		echo "$algorithm"
		by "$algorithm" -f nodes <keys | cut -f2 >first
		run --separate-stderr by "$algorithm" -f nodes -r 3 <keys
		assert_success
		assert_equal "$stderr" ""
		check_owners 3 3 <<<"$output"
		cut -f2 <<<"$output" | cut -d, -f1 | cmp - first
		run --separate-stderr by "$algorithm" -f nodes -r 2 <keys
		assert_equal "$stderr" ""
		check_owners 2 2 <<<"$output"
	done
}

@test "-r: the owners of fewer replicas are the first of more" {
	seq 300 >keys
	for nodes in "$many" a=50,b,c,d,e; do
		for algorithm in ring hrw maglev anchor jump slots libmemcached nginx haproxy; do
			echo "$algorithm -n $nodes"
			by "$algorithm" -n "$nodes" -r 3 <keys | cut -f2 | cut -d, -f1,2 >expected
			by "$algorithm" -n "$nodes" -r 2 <keys | cut -f2 >out
			assert_same_file expected out
		done
	done
}

@test "-r: where there are too few zones that is said once, all zones are used, and owners stay distinct" {
	zoned >nodes
	seq 5000 >keys
	for algorithm in ring hrw maglev slots; do
		for threads in 1 4; do
			run --separate-stderr by "$algorithm" -f nodes -r 5 -j $threads <keys
			assert_success
			assert_equal "$stderr" "hashring: 5 replicas in 3 zones: some share a zone"
			check_owners 5 3 <<<"$output"
		done
	done
}

@test "-r: more replicas than nodes are every node, said once; a drained node is none" {
	for algorithm in ring hrw maglev anchor jump slots; do
		run --separate-stderr by "$algorithm" -n a,b,c=0 -r 3 <<<$'1\n2\n3\n4'
		assert_success
		assert_equal "$(cut -f2 <<<"$output" | tr , '\n' | sort | uniq -c | xargs)" "4 a 4 b"
		assert_regex "$stderr" "^hashring: 3 replicas of 2 nodes: [^"$'\n'"]*\$"
	done
}

@test "-r 1 with zones says nothing, and no zones at all need none" {
	zoned >nodes
	run --separate-stderr hashring -f nodes -r 1 <<<k
	assert_equal "$stderr" ""
	run --separate-stderr hashring -n a,b,c -r 3 <<<k
	assert_equal "$stderr" ""
}

@test "-r: --json has the owners in \"nodes\", in order of preference" {
	seq 300 >keys
	hashring -n "$many" -r 3 <keys >lines
	hashring -n "$many" -r 3 --json <keys | jq -r '.key + "\t" + (.nodes | join(","))' >out
	assert_same_file lines out
}

@test "-r: every owner of a replica set that loses a node keeps its place but for that node" {
	seq 2000 >keys
	for algorithm in ring hrw; do
		hashring -a $algorithm -n "$many" -r 3 <keys >old
		hashring -a $algorithm -n "${many/,f,/,}" -r 3 <keys >new
		paste old new | awk -F '\t' '("," $2 ",") !~ /,f,/ && $2 != $4 { print; bad = 1 } END { exit bad }'
	done
}

# ---- bounded loads ----

# No node above ceil(c * keys * w / W): keys, c in millionths, then `node weight` lines in a file.
check_bound() {
	cut -f2 "$1" | tr , '\n' | awk -v keys="$2" -v c="$3" '
		NR == FNR { weight[$1] = $2; all += $2; next }
		{ load[$1]++ }
		END {
			for (node in weight) {
				cap = keys * c * weight[node]
				whole = all * 1000000
				cap = int((cap + whole - 1) / whole)
				if (load[node] > cap) { print node " has " load[node] ", at most " cap; bad = 1 }
			}
			exit bad
		}' weights -
}

@test "--bound: no node is above its bound, from a file, a pipe and operands, and every key has an owner" {
	printf 'a 1\nb 2\nc 3\nd 1\ne 0\n' >weights
	nodes=a=1,b=2,c=3,d=1,e=0
	seq 5000 >keys
	for bound in 1:1000000 1.000001:1000001 1.01:1010000 1.25:1250000; do
		hashring -n $nodes --bound "${bound%:*}" <keys >file
		cat keys | hashring -n $nodes --bound "${bound%:*}" >pipe
		xargs hashring -n $nodes --bound "${bound%:*}" <keys >operands
		assert_same_file file pipe
		assert_same_file file operands
		cut -f1 file | cmp - keys
		check_bound file 5000 "${bound#*:}"
	done
}

@test "--bound goes with every algorithm, and with any number of threads" {
	for node in ${many//,/ }; do echo "$node 1"; done >weights
	seq 3000 >keys
	for algorithm in ring hrw maglev anchor jump slots libmemcached nginx haproxy; do
		echo "$algorithm"
		by "$algorithm" -n $many --bound 1.05 <keys >out
		check_bound out 3000 1050000
		by "$algorithm" -n $many --bound 1.05 -j 4 <keys | cmp - out
		assert_equal "$(wc -l <out)" 3000
	done
}

@test "--bound leaves a key with its first owner where that is not full" {
	seq 10000 >keys
	hashring -a hrw -n $many <keys >free
	hashring -n $many --bound 2 <keys | cmp - free
	hashring -n $many --bound 1.02 <keys >bound
	kept=$(paste free bound | awk -F '\t' '$2 == $4' | wc -l)
	[ "$kept" -gt 9500 ] || fail "only $kept of 10000 kept their first owner"
}

@test "--bound --total needs one pass, and gives what two passes give" {
	seq 3000 >keys
	hashring -n $many --bound 1.05 <keys >expected
	cat keys | hashring -n $many --bound 1.05 --total 3000 >out
	assert_same_file expected out
}

@test "--bound: more keys than --total says are exit 3 with the line, and all before it is printed" {
	seq 100 >keys
	run --separate-stderr hashring -n a,b,c,d --bound 1 --total 80 <keys
	assert_failure 3
	assert_equal "$(wc -l <<<"$output")" 80
	assert_equal "$(cut -f1 <<<"$output")" "$(seq 80)"
	assert_regex "$stderr" '^hashring: stdin:81: .*--total'
}

@test "--bound with replicas: no node above its bound; keys that get fewer owners are counted on stderr, once" {
	for node in a b c d; do echo "$node 1"; done >weights
	for keys in 3 10 1000; do
		for bound in 1 1.01 1.25; do
			seq "$keys" >keys
			run --separate-stderr hashring -n a,b,c,d -r 2 --bound $bound <keys
			assert_success
			echo "$output" >out
			assert_equal "$(cut -f1 out)" "$(cat keys)"
			check_bound out $((2 * keys)) "$(awk -v c=$bound 'BEGIN { print c * 1000000 }')"
			fewer=$(grep -cv , out) || true
			if ((fewer)); then
				assert_equal "$stderr" "hashring: $fewer keys have fewer than 2 owners: the bound leaves no more room"
			else
				assert_equal "$stderr" ""
			fi
		done
	done
}

@test "--bound from a pipe: no room for the copy is exit 4 and nothing on stdout" {
	run --separate-stderr bash -c 'seq 9 | TMPDIR=$PWD/none hashring -n a --bound 1'
	assert_failure 4
	assert_output ""
	assert_regex "$stderr" "^hashring: cannot create a file in '.*/none': No such file or directory\$"
	small_disk
	run --separate-stderr bash -c 'seq 100000 | TMPDIR=small hashring -n a --bound 1'
	assert_failure 4
	assert_output ""
	assert_regex "$stderr" "No space left on device"
	assert_equal "$(ls -A small)" ""
}

@test "--bound: leaves no file of its own behind" {
	mkdir tmp
	seq 1000 | TMPDIR=tmp hashring -n a,b --bound 1 >out
	assert_equal "$(ls -A tmp)" ""
}

# ---- --stats ----

@test "--stats is an object a node and a summary, and the sums are the input" {
	seq 10000 >keys
	for threads in 1 4; do
		hashring -n a=1,b=2,c=0,d=5 --stats -j $threads <keys >out
		run jq -s -c '[length, (.[:-1] | map(.node)), (.[:-1] | map(.weight)), (.[:-1] | map(.keys) | add), .[2].keys,
			.[-1].keys, .[-1].nodes, .[-1].summary, .[-1].algorithm]' out
		assert_output '[5,["a","b","c","d"],[1,2,0,5],10000,0,10000,4,true,"ring"]'
		run jq -s '.[:-1] | [((map(.share) | add) - 1), ((map(.ideal) | add) - 1)] | map(fabs) | max < 1e-5' out
		assert_output true
	done
	for node in a b d; do
		assert_equal "$(jq -r "select(.node == \"$node\").keys" out)" \
			"$(hashring -n a=1,b=2,c=0,d=5 --only $node <keys | wc -l)"
	done
}

@test "--stats: max_over_mean, min_over_mean and worst are those of the counts" {
	seq 10000 | hashring -n a=1,b=2,d=5 --stats >out
	run jq -s '(.[:-1] | map(.keys / 10000 / .ideal)) as $ratio | .[-1] |
		[.max_over_mean - ($ratio | max), .min_over_mean - ($ratio | min)] | map(fabs) | max < 1e-3' out
	assert_output true
	run jq -s -r '(.[:-1] | max_by(.ratio).node) == .[-1].worst' out
	assert_output true
}

@test "--stats of no keys, of one node, with replicas and with a bound is JSON with the right sums" {
	hashring -n a,b --stats </dev/null | jq -s -e '.[-1].keys == 0 and (map(.keys) | add) == 0'
	hashring -n a --stats k | jq -s -e '.[0].keys == 1 and .[0].share == 1'
	seq 900 | hashring -n a,b,c,d -r 3 --stats | jq -s -e '(.[:-1] | map(.keys) | add) == 2700 and .[-1].keys == 900'
	seq 900 | hashring -n a,b,c --bound 1 --stats | jq -s -e '.[:-1] | map(.keys) == [300, 300, 300]'
	seq 900 | hashring -n a,b,c --stats --json | jq -s -e 'length == 4'
	printf '"q\\\n' >nodes
	hashring -f nodes --stats k | jq -s -e '.[0].node == "\"q\\" and .[1].worst == "\"q\\"'
}

@test "--stats is a table with bars on a terminal, no wider than that, without colours" {
	seq 1000 >keys
	for width in 100 60; do
		on_terminal $width 'hashring -n a,b=2,cache-three --stats <keys' >out
		grep -q '^node  *keys  *share  *ideal  *ratio' out
		assert_equal "$(grep -c '^\(a\|b\|cache-three\) .*#' out)" 3
		grep -q '^1000 keys, 3 nodes' out
		awk -v width=$width '/^(node|a|b|cache)/ && length > width { print; bad = 1 } END { exit bad }' out
		refute grep -q $'\033' out
	done
	assert_equal "$(awk '/^(a|b|cache)/ { n += $2 } END { print n }' out)" 1000
	on_terminal 20 'hashring -n a,b --stats <keys' >out
	grep -q 1000 out
}

@test "--stats --json is JSON on a terminal too" {
	on_terminal 80 'hashring -n a,b --stats --json k1 k2' >out
	jq -s -e '.[-1].keys == 2' out
}

# ---- --diff ----

@test "--diff prints the keys that move and no others, with both owners" {
	seq 3000 >keys
	for algorithm in ring hrw maglev libmemcached nginx; do
		hashring -a $algorithm -n a,b,c,d <keys >old
		hashring -a $algorithm -n a,c,d,e,f <keys | cut -f2 | paste old - | awk -F '\t' '$2 != $3' >expected
		assert [ -s expected ]
		for threads in 1 4; do
			run --separate-stderr hashring -a $algorithm --diff a,b,c,d a,c,d,e,f -j $threads <keys
			assert_success
			assert_equal "$output" "$(cat expected)"
			assert_equal "$stderr" ""
		done
	done
}

@test "--diff of the same nodes is nothing, whatever their order" {
	seq 1000 >keys
	run --separate-stderr hashring --diff a,b=2,c c,a,b=2 <keys
	assert_success
	assert_output ""
	run --separate-stderr hashring --diff a,b=2,c c,a,b=2 --summary <keys
	assert_success
	assert_equal "$(jq -c '[.moved, .excess]' <<<"$output")" "[0,0]"
}

@test "--diff takes files, fields and JSON keys, and prints the key alone" {
	printf 'a\nb\n' >old
	printf 'a 1\nb 0\n' >new
	seq 100 | sed 's/.*/x\t&/' | hashring --diff old new -k 2 >out
	seq 100 | hashring --diff a,b a,b=0 >expected
	assert_same_file expected out
	seq 100 | sed 's/.*/{"k":"&"}/' | hashring --diff ./old ./new --json-key k >out
	assert_same_file expected out
	seq 100 | xargs hashring --diff old new >out
	assert_same_file expected out
}

@test "--diff -r prints the keys with a new owner, and both whole lists" {
	seq 1000 >keys
	hashring -n a,b,c,d -r 2 <keys >old
	hashring -n a,b,c,d,e -r 2 <keys | cut -f2 | paste old - | awk -F '\t' '$3 ~ /e/' >expected
	hashring --diff a,b,c,d a,b,c,d,e -r 2 <keys >out
	assert_same_file expected out
}

@test "--diff --json is an object a key that moves: key, from and to" {
	seq 2000 >keys
	hashring --diff a,b,c a,c,d <keys >lines
	hashring --diff a,b,c a,c,d --json <keys >objects
	jq -r '[.key, .from, .to] | @tsv' objects | cmp - lines
	hashring --diff a,b,c a,c,d -r 2 <keys >lines
	hashring --diff a,b,c a,c,d -r 2 --json <keys | jq -r '[.key, (.from | join(",")), (.to | join(","))] | @tsv' | cmp - lines
}

@test "--diff --summary: pairs and sums are those of the moves" {
	seq 5000 >keys
	hashring --diff a,b,c,d a,c=3,d,e -j 2 <keys >moves
	run --separate-stderr hashring --diff a,b,c,d a,c=3,d,e --summary -j 2 <keys
	assert_success
	jq -r 'select(.summary | not) | [.from, .to, .keys] | @tsv' <<<"$output" | sort >pairs
	cut -f2,3 moves | sort | uniq -c | awk '{ print $2 "\t" $3 "\t" $1 }' | sort >expected
	assert_same_file expected pairs
	assert_equal "$(jq -c 'select(.summary) | [.keys, .moved, .excess]' <<<"$output")" "[5000,$(wc -l <moves),0]"
	jq -e 'select(.summary) | (.moved_share - .moved / .keys | fabs) < 1e-6' <<<"$output"
	# a 1/4 -> 1/6, c 1/4 -> 1/2, d 1/4 -> 1/6, e 0 -> 1/6: the gains are 5/12
	jq -e 'select(.summary) | (.ideal_share - 5 / 12 | fabs) < 1e-5' <<<"$output"
}

@test "--diff --summary: ketama from 99 to 100 equal servers moves keys for nothing, exit 1; ring does not, exit 0" {
	seq -f user:%08g 100000 >keys
	run --separate-stderr hashring -a libmemcached --diff "$(fleet 99)" "$(fleet 100)" --summary -j 2 <keys
	assert_failure 1
	assert_equal "$stderr" ""
	jq -e 'select(.summary) | .excess > 2000 and .excess < .moved and .moved_share > 0.03' <<<"$output"
	assert_equal "$(jq 'select(.excess == true).keys' <<<"$output" | awk '{ n += $1 } END { print n }')" \
		"$(jq 'select(.summary).excess' <<<"$output")"
	run --separate-stderr hashring --diff "$(fleet 99)" "$(fleet 100)" --summary -j 2 <keys
	assert_success
	jq -e 'select(.summary) | .excess == 0 and .moved > 0' <<<"$output"
}

@test "--diff --summary: a weight that changes moves keys to or from that node alone on ring, not on ketama" {
	seq 20000 >keys
	for algorithm in ring hrw; do
		for new in a=2,b,c,d a=0,b,c,d a,b=3,c=0,d; do
			run --separate-stderr hashring -a $algorithm --diff a,b,c,d $new --summary <keys
			assert_success
			jq -e 'select(.summary) | .excess == 0 and .moved > 0' <<<"$output"
		done
	done
	run --separate-stderr hashring -a ketama --diff "$(fleet 8)" "$(fleet 8)=2" --summary <keys
	assert_failure 1
	jq -e 'select(.summary) | .excess > 0' <<<"$output"
}

@test "--diff without --summary is exit 0 with excess too: the moves are the answer" {
	seq 20000 >keys
	run --separate-stderr hashring -a ketama --diff "$(fleet 8)" "$(fleet 8)=2" <keys
	assert_success
	refute_output ""
}

@test "--diff --summary is the matrix old x new on a terminal, its sums right" {
	seq 4000 >keys
	on_terminal 100 'hashring --diff a,b,c a,c,dd --summary <keys' >out
	assert_equal "$(sed -n 1p out | tr -s ' ')" " old\\new a c dd"
	hashring --diff a,b,c a,c,dd <keys | cut -f2,3 | sort | uniq -c >moves
	for cell in a:3:c a:4:dd b:2:a b:3:c b:4:dd c:2:a c:4:dd; do
		IFS=: read -r row column new <<<"$cell"
		expected=$(awk -v row="$row" -v new="$new" '$2 == row && $3 == new { print $1 }' moves)
		assert_equal "$cell $(awk -v row="$row" -v c="$column" '$1 == row { print $c }' out)" "$cell ${expected:-0}"
	done
	grep -q "^$(hashring --diff a,b,c a,c,dd <keys | wc -l) of 4000 moved: .*excess 0 " out
}

@test "--diff --summary: too many nodes for a matrix are a list of pairs on a terminal" {
	seq 4000 >keys
	on_terminal 80 "hashring --diff $many $many,q --summary <keys" >out
	assert_equal "$(grep -c '^[a-p] *-> q  *[0-9]*$' out)" 16
	grep -q 'of 4000 moved: .*ideal 5.8824 %; excess 0' out
}

# ---- others ----

@test "--warn-size tells of a ketama size that deals servers fewer points, and of no other" {
	for size in 25 47 50 100; do
		run --separate-stderr hashring -a libmemcached -n "$(fleet $size)" --warn-size k
		assert_success
		assert_equal "$(wc -l <<<"$output")" 1
		assert_regex "$stderr" "^hashring: libmemcached deals $size of these $size equal servers fewer than 160 points"
	done
	for options in "-a libmemcached -n $(fleet 99)" "-a uhashring -n $(fleet 100)" "-n $(fleet 100)"; do
		# shellcheck disable=SC2086
		run --separate-stderr hashring $options --warn-size k
		assert_success
		assert_equal "$stderr" ""
	done
}

@test "a terminal as stdin is told of, once, on stderr" {
	"$BATS_TEST_DIRNAME/terminal" --type $'k\n\004' 'hashring -n n >out 2>err'
	assert_equal "$(cat out)" $'k\tn'
	assert_equal "$(cat err)" "hashring: reading keys from the terminal; ^D ends"
	"$BATS_TEST_DIRNAME/terminal" 'hashring -n n k >out 2>err'
	assert_equal "$(cat err)" ""
}
