#!/usr/bin/env bats
# hashring: where keys are placed: the same on every machine and for ever, in the shares of the
# weights, and moved by a change only to or from the nodes that changed.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

consistent="ring hrw anchor jump slots"

setup() {
	top=$BATS_TEST_DIRNAME/../..
	bin=$(cd "${FAULTLINE_BIN:-$top/build/bin}" && pwd)
	export PATH="$bin:$PATH" LC_ALL=C
	unset FAULTLINE_CPU
	cd "$BATS_TEST_TMPDIR" || return
}

# Every name that -a takes.
algorithms() {
	hashring --help | tr -d '\n' | sed 's/.*placed (\([^)]*\)).*/\1/' | tr -s ', ' '\n\n'
}

fleet() {
	seq -s, -f "10.0.0.%g:11211" "$1"
}

# Four keys of every length from 0 to 200, as records that end with NUL: text and any bytes.
keys_of_every_length() {
	awk 'BEGIN {
		for (length_ = 0; length_ <= 200; length_++) {
			for (kind = 0; kind < 4; kind++) {
				for (i = 0; i < length_; i++)
					printf "%c", kind == 0 ? 97 + (i + length_) % 26 : 1 + (i * (2 * kind + 5) + 7 * length_) % (kind < 3 ? 127 : 255)
				printf "%c", 0
			}
		}
	}'
}

# OLD and NEW as name=weight lists, two outputs: fails where a key went from a node that stayed and
# did not shrink to another that was there and did not grow.
no_excess() {
	paste "$3" "$4" | awk -F '\t' -v old="$1" -v new="$2" '
		function weights(list, into,   part, pair, i, n) {
			n = split(list, part, ",")
			for (i = 1; i <= n; i++) { split(part[i], pair, "="); into[pair[1]] = pair[2] }
		}
		BEGIN { weights(old, was); weights(new, is) }
		$2 == $4 { next }
		($2 in is) && is[$2] >= was[$2] && ($4 in was) && is[$4] <= was[$4] { print $1 ": " $2 " -> " $4; excess++ }
		{ moved++ }
		END { if (!moved) print "nothing moved"; exit excess > 0 || !moved }'
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

@test "placement is what it was: 10 000 keys by every algorithm (tests/cli/golden)" {
	run diff -U0 "$top/tests/data/placement.sha256" <("$BATS_TEST_DIRNAME/golden")
	assert_success
}

@test "placement needs no special instructions: scalar, AVX2 and the default give the same bytes" {
	keys_of_every_length >keys
	assert_equal "$(tr -dc '\0' <keys | wc -c)" 804
	for algorithm in $(algorithms); do
		for nodes in a,b,c,d,e "$(fleet 100)"; do
			for replicas in 1 2; do
				echo "$algorithm -n $nodes -r $replicas"
				by "$algorithm" -0 -n "$nodes" -r $replicas <keys >default
				for cpu in scalar avx2; do
					FAULTLINE_CPU=$cpu by "$algorithm" -0 -n "$nodes" -r $replicas <keys | cmp - default
				done
			done
		done
	done
}

@test "weighted placement needs no special instructions either" {
	keys_of_every_length >keys
	for algorithm in ring hrw maglev anchor jump slots libmemcached nginx haproxy; do
		by $algorithm -0 -n a=1,b=7,c=3,d=0,e=11 <keys >default
		for cpu in scalar avx2; do
			FAULTLINE_CPU=$cpu by $algorithm -0 -n a=1,b=7,c=3,d=0,e=11 <keys | cmp - default
		done
	done
}

@test "a key has the same owner whatever stands around it in the input" {
	keys_of_every_length >keys
	for algorithm in $(algorithms); do
		by "$algorithm" -0 -n "$(fleet 7)" <keys | tr '\0\n' '\n\0' | awk -F '\t' '{ print $NF }' >expected
		{ printf 'x\0'; cat keys; } | by "$algorithm" -0 -n "$(fleet 7)" | tr '\0\n' '\n\0' |
			awk -F '\t' 'NR > 1 { print $NF }' | cmp - expected
		# alone: no operand can hold NUL, and none of these keys does
		case $algorithm in
		anchor | jump | slots) numbered=--numbered ;;
		*) numbered=-0 ;;
		esac
		xargs -0 -a keys -n 67 hashring -0 -a "$algorithm" $numbered -n "$(fleet 7)" -- | tr '\0\n' '\n\0' |
			awk -F '\t' '{ print $NF }' | cmp - expected
	done
}

@test "a node that joins, leaves, is drained or weighs otherwise moves only its own keys" {
	seq -f user:%g 20000 >keys
	base=a=1,b=2,c=1,d=4
	for algorithm in $consistent; do
		for new in a=1,b=2,c=1,d=4,e=1 e=3,a=1,b=2,c=1,d=4 b=2,c=1,d=4 a=1,b=2,d=4 a=1,b=2,c=1 a=0,b=2,c=1,d=4 \
			a=1,b=0,c=1,d=4 a=1,b=2,c=1,d=0 a=3,b=2,c=1,d=4 a=1,b=1,c=1,d=4 a=1,b=2,c=1,d=5 a=1,b=2,c=2,d=1,e=1; do
			echo "$algorithm $new"
			for way in "$base $new" "$new $base"; do
				# shellcheck disable=SC2086
				run --separate-stderr hashring -a $algorithm --diff $way --summary -j 2 <keys
				assert_success
				assert_equal "$stderr" ""
				[[ $output == *'"summary":true,'*'"moved":'[1-9]*'"excess":0,'* ]] || fail "$way: $output"
			done
		done
	done
}

@test "the summary's excess is what a count of the owners says" {
	seq -f user:%g 20000 >keys
	for algorithm in ring hrw; do
		for new in a=1,b=2,c=1,d=4,e=1 a=1,b=2,d=4 a=0,b=2,c=1,d=4 a=1,b=1,c=1,d=5; do
			hashring -a $algorithm -n a=1,b=2,c=1,d=4 <keys >old_owners
			hashring -a $algorithm -n $new <keys >new_owners
			no_excess a=1,b=2,c=1,d=4 $new old_owners new_owners
		done
	done
	hashring -a ketama -n a=1,b=2,c=1,d=4 <keys >old_owners
	hashring -a ketama -n a=1,b=2,c=1,d=9 <keys >new_owners
	excess=$(no_excess a=1,b=2,c=1,d=4 a=1,b=2,c=1,d=9 old_owners new_owners | wc -l) || true
	run hashring -a ketama --diff a=1,b=2,c=1,d=4 a=1,b=2,c=1,d=9 --summary <keys
	assert_failure 1
	assert_equal "$(jq 'select(.summary).excess' <<<"$output")" "$excess"
}

@test "a node more or less moves no other keys at any of many sizes, and no more than its share" {
	seq -f user:%g 20000 >keys
	for algorithm in $consistent; do
		for size in 1 2 3 9 10 31 99 100 255; do
			run --separate-stderr hashring -a $algorithm --diff "$(fleet $size)" "$(fleet $((size + 1)))" --summary -j 2 <keys
			assert_success
			[[ $output == *'"excess":0,'* ]] || fail "$output"
			tail -n 1 <<<"$output" >>summaries
			run --separate-stderr hashring -a $algorithm --diff "$(fleet $((size + 1)))" "x,$(fleet $((size + 1)))" --summary -j 2 <keys
			assert_success
			run --separate-stderr hashring -a $algorithm --diff "x,$(fleet $size)" "$(fleet $size)" --summary -j 2 <keys
			assert_success
			[[ $output == *'"excess":0,'* ]] || fail "$output"
		done
	done
	# the ideal share, 5 standard deviations of the sample, and what the layout itself may be off
	jq -s -e 'all(.moved_share <= .ideal_share * 1.12 + 5 * (.ideal_share / .keys | sqrt))' summaries
}

@test "a long history of changes in a state file moves no key needlessly at any step" {
	seq -f user:%g 5000 >keys
	for algorithm in anchor jump slots; do
		rm -f s
		was=n1=1,n2=2,n3=1
		hashring -a $algorithm -n $was --capacity 64 --update --state s 2>/dev/null ||
			hashring -a $algorithm -n $was --update --state s 2>/dev/null
		hashring --state s <keys >old_owners
		# the list of each step follows from its number
		for ((step = 1; step <= 25; step++)); do
			is=
			for ((node = 1; node <= 9; node++)); do
				weight=$(((node * 5 + step * (node + 2)) % 7 % 4))
				((weight == 3)) || is+=,n$node=$weight
			done
			is=${is#,},last=1
			hashring -n "$is" --update --state s 2>/dev/null
			hashring --state s <keys >new_owners
			echo "$algorithm, step $step: $was -> $is"
			no_excess "$was" "$is" old_owners new_owners
			mv new_owners old_owners
			was=$is
		done
	done
}

@test "shares follow the weights, as near as chance lets them" {
	seq -f user:%08g 200000 >keys
	for algorithm in hrw anchor jump; do
		for nodes in a,b,c,d,e,f,g,h,i,j a=1,b=2,c=3,d=10,e=0,f=1 a=100,b=1,c=50; do
			run --separate-stderr by "$algorithm" -n $nodes --stats -j 2 <keys
			assert_success
			echo "$algorithm $nodes"
			jq -s -e '.[-1] as $all | .[:-1] | all(.ideal as $p |
				(.keys - $p * $all.keys | fabs) <= 5 * ($p * (1 - $p) * $all.keys | sqrt))' <<<"$output"
		done
	done
}

@test "ring deals no node more than 1.10 of its share, slots no more than one slot, at 10, 100 and 1000 nodes" {
	for size in 10 100 1000; do
		seq $size >nodes
		hashring -f nodes --stats k | jq -s -e '.[-1].placement_max_over_mean <= 1.10'
		hashring -a slots --numbered -f nodes --stats k |
			jq -s -e ".[-1].placement_max_over_mean <= 1.001"
	done
	hashring -n a=1,b=2,c=3,d=10 --stats k | jq -s -e '.[-1].placement_max_over_mean <= 1.10'
	hashring -a slots --numbered -n "$(fleet 60)" --stats k | jq -s -e '.[-1].placement_max_over_mean <= 1.001'
}

@test "no algorithm leaves a node without keys, or sends one to a node without weight" {
	seq -f user:%g 20000 >keys
	for algorithm in $(algorithms); do
		case $algorithm in
		couchbase | redis | cassandra | mcrouter) nodes=$(fleet 10) ;;
		*) nodes=$(fleet 10),10.0.0.11:11211=0,10.0.0.12:11211=3 ;;
		esac
		by "$algorithm" -n "$nodes" <keys | cut -f2 | sort -u >used
		tr , '\n' <<<"$nodes" | grep -v '=0$' | sed 's/=.*//' | sort | cmp - used
	done
}

@test "known answers: the peers' own" {
	run hashring -a libmemcached -n "$(seq -s, -f '10.0.0.%g:11211' 0 9)" user:0000000{0..7}
	assert_equal "$(cut -f2 <<<"$output" | xargs)" \
		"10.0.0.4:11211 10.0.0.6:11211 10.0.0.9:11211 10.0.0.8:11211 10.0.0.1:11211 10.0.0.0:11211 10.0.0.9:11211 10.0.0.4:11211"
	run hashring -a mcrouter -n "$(seq -s, 0 9)" user:67890:timeline
	assert_output $'user:67890:timeline\t7'
	run hashring -a mcrouter -n "$(seq -s, 0 99)" user:67890:timeline
	assert_output $'user:67890:timeline\t73'
}
