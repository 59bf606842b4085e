#!/usr/bin/env bats
# hashring: what it refuses and how it fails: the exit status, a message that names the option, file
# or line, and nothing on stdout that is no answer.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup() {
	bin=$(cd "${FAULTLINE_BIN:-$BATS_TEST_DIRNAME/../../build/bin}" && pwd)
	export PATH="$bin:$PATH" LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return
	echo a >nodes
}

# A usage error: two lines, the first of them told by a regular expression.
assert_usage() {
	assert_failure 2
	assert_output ""
	assert_regex "$stderr" "^hashring: [^"$'\n'"]*
Try 'hashring --help'.\$"
	assert_regex "${stderr%%$'\n'*}" "$1"
}

# Every line of stdin: a regular expression, ` : ` and options.
each_is_a_usage_error() {
	while IFS= read -r line; do
		echo "${line#* : }"
		eval "run --separate-stderr timeout 120 hashring ${line#* : } </dev/null"
		assert_usage "${line%% : *}"
	done
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

@test "no nodes is a usage error, and so is a KEY without them" {
	each_is_a_usage_error <<-'END'
		no nodes : 
		no nodes : -a hrw
		no nodes : key
		no nodes : --stats
		no nodes : --update --state s
	END
}

@test "a number out of its range or no number is a usage error that names option and range" {
	for bad in '' 0 -1 x 1x 1.5 256 99999999999999999999 ' 1' 0x1; do
		run --separate-stderr hashring -n a -r "$bad" k
		assert_usage "-r '$bad': must be a whole number from 1 to 255"
	done
	each_is_a_usage_error <<-'END'
		--replicas '0': must be a whole number from 1 to 255 : -n a --replicas 0
		-j '0': must be a whole number from 1 to 64 : -n a -j 0
		--threads '65': must be a whole number from 1 to 64 : -n a --threads=65
		-k '0': must be a whole number from 1 to 4294967295 : -n a -k 0
		--field '4294967296': must be a whole number from 1 to 4294967295 : -n a --field 4294967296
		--points '0': must be a whole number from 1 to 1000000 : -n a --points 0
		--points '1000001': must be a whole number from 1 to 1000000 : -n a --points 1000001
		--capacity '0': must be a whole number from 1 to 268435456 : -n a -a anchor --capacity 0
		--capacity '268435457': must be a whole number from 1 to 268435456 : -n a -a anchor --capacity 268435457
		--table '1': must be a whole number from 2 to 16777216 : -n a -a maglev --table 1
		--table '16777217': must be a whole number from 2 to 16777216 : -n a -a maglev --table 16777217
		--total '0': must be a whole number from 1 to 9007199254740992 : -n a --bound 1 --total 0
		--total '9007199254740993': must be a whole number : -n a --bound 1 --total 9007199254740993
		--line-max '0': must be a size from 1 to 1G : -n a --line-max 0
		--line-max '1073741825': must be a size from 1 to 1G : -n a --line-max 1073741825
		--line-max '2G': must be a size from 1 to 1G : -n a --line-max 2G
		--line-max '1X': must be a size : -n a --line-max 1X
		--bound '0.999999': must be a number from 1 to 1000 : -n a --bound 0.999999
		--bound '1000.000001': must be a number from 1 to 1000 : -n a --bound 1000.000001
		--bound '1.0000001': .* at most 6 decimals : -n a --bound 1.0000001
		--bound 'nan': must be a number : -n a --bound nan
		--bound '': must be a number : -n a --bound ''
	END
}

@test "the ends of every range are taken" {
	for options in '-r 255' '-j 64' '-k 1' '--points 1' '--points 1000000' '--line-max 1' '--line-max 1G' '--line-max 1k' \
		'-a anchor --numbered --capacity 1' '-a slots --numbered --capacity 1' '-a maglev --table 2' \
		'-a maglev --table 16777213' '--bound 1 --total 1' '--bound 1000 --total 9007199254740992' '--bound 1.000000000'; do
		echo "$options"
		# shellcheck disable=SC2086
		run --separate-stderr hashring -n a $options <<<k
		assert_success
		assert_output $'k\ta'
	done
}

@test "a delimiter is one byte" {
	each_is_a_usage_error <<-'END'
		-d '': must be one byte : -n a -k 1 -d ''
		-d 'ab': must be one byte : -n a -k 1 -d ab
		--delimiter 'é': must be one byte : -n a -k 1 --delimiter é
	END
}

@test "a path of JSON members is names parted by dots" {
	each_is_a_usage_error <<-'END'
		--json-key '': must be member names parted by dots : -n a --json-key ''
		--json-key 'a..b': must be member names parted by dots : -n a --json-key a..b
		--json-key '.': must be member names parted by dots : -n a --json-key .
		--json-key 'a.': must be member names parted by dots : -n a --json-key a.
		--json-key 'a\\x': must be member names parted by dots : -n a --json-key 'a\x'
		--json-key 'a\.b\.c\.d.*': must be .*, 16 at the most : -n a --json-key a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q
		--json-set '': must be member names parted by dots : -n a --json-key a --json-set ''
	END
	run --separate-stderr hashring -n a --json-key $'a\377' k
	assert_failure 2
}

@test "an algorithm that there is not is a usage error that names the near miss" {
	each_is_a_usage_error <<-'END'
		-a 'rign': no such algorithm: did you mean 'ring'\?$ : -n a -a rign
		-a 'libmemcache': .* did you mean 'libmemcached'\?$ : -n a -a libmemcache
		-a 'md5': no such algorithm$ : -n a -a md5
		-a '': no such algorithm$ : -n a -a ''
		--algorithm 'RING': no such algorithm : -n a --algorithm RING
	END
}

@test "options that exclude each other are usage errors that name both" {
	each_is_a_usage_error <<-'END'
		--nodes and --file : -n a -f nodes
		--diff.*--nodes : --diff a b -n c
		--diff.*--file : --diff a b -f nodes
		--diff.*--state : --diff a b --state s
		--json-set.*--json : -n a --json --json-key k --json-set o
		--json-key.*--field : -n a --json-key k -k 1
		--stats.*--split : -n a --stats --split d
		--stats.*--diff : --stats --diff a b
		--stats.*--explain : -n a --stats --explain k
		--stats.*--draw : -n a --stats --draw
		--stats.*--update : -n a --stats -a jump --state s --update
		--explain.*--draw : -n a --explain k --draw
		--explain.*--split : -n a --explain k --split d
		--draw.*--split : -n a --draw --split d
		--diff.*--split : --diff a b --split d
		--update : --diff a b --update
		--diff.*--state : --diff a b --update --state s
		--only.*report : -n a --only a --stats
		--only.*--split : -n a --only a --split d
		--only.*report : --diff a b --only a
		--only.*report : -n a --only a --explain k
		--only.*report : -n a --only a --draw
		--json-set.*--split : -n a --json-key k --json-set o --split d
		--json-set.*report : -n a --json-key k --json-set o --stats
		--bound.*--diff : --diff a b --bound 1
		--bound.*--explain : -n a --bound 1 --explain k
		--bound.*--draw : -n a --bound 1 --draw
		--json.*--split : -n a --json --split d
		--json.*--draw : -n a --json --draw
	END
	assert [ ! -e d ]
}

@test "an option that needs another is a usage error that names it" {
	each_is_a_usage_error <<-'END'
		--json-set needs --json-key : -n a --json-set o
		--summary is for --diff : -n a --summary
		--total is for --bound : -n a --total 5
		--update needs --state : -n a --update
		--diff needs two : --diff a
		--diff needs two : --diff
		--delimiter.*--field : -n a -d ,
	END
}

@test "an option for another algorithm is a usage error that names it" {
	each_is_a_usage_error <<-'END'
		--points is for ring : -n a -a hrw --points 5
		--table is for maglev : -n a --table 7
		--table is for maglev : -n a -a slots --numbered --table 7
		--capacity is for anchor : -n a -a hrw --capacity 5
		--capacity is for anchor : -n a --capacity 5
		--capacity is for anchor : -n a -a jump --numbered --capacity 5
		--capacity is for anchor : -n a -a jump --state s --update --capacity 5
		--numbered.* : -n a --numbered
		--state.* : -n a -a hrw --state s
		--state : -n a --update --state s
		--key-file.*ketama : -n a -a ketama --key-file nodes
		numbers its nodes.*--state.*--numbered : -n a -a jump
	END
}

@test "a report that takes no keys refuses operands, rather than to ignore them" {
	each_is_a_usage_error <<-'END'
		--explain : -n a --explain k other
		--draw : -n a --draw k
		--update : -n a -a jump --state s --update k
		--draw : --diff a b --draw k
	END
	assert [ ! -e s ]
}

@test "--only of a node that there is not is exit 2 and names it" {
	run --separate-stderr hashring -n a,b --only c k
	assert_failure 2
	assert_output ""
	assert_regex "$stderr" "^hashring: --only 'c': no such node"
}

@test "tables, points and buckets over their limits are exit 2, and say what is too much" {
	while IFS= read -r line; do
		echo "${line#* : }"
		eval "run --separate-stderr timeout 120 hashring ${line#* : } k"
		assert_failure 2
		assert_output ""
		assert_regex "$stderr" "^hashring: ${line%% : *}"
		assert_equal "$(wc -l <<<"$stderr")" 1
	done <<-'END'
		.*maglev must be a prime : -n a -a maglev --table 8
		.*--table 2.*maglev must be a prime.*3 nodes : -n a,b,c -a maglev --table 2
		weights of 1000000 in all, 2048 points each.*268435456.*--points : -n a=1000000
		weights of 1000000 in all, 1000000 points each : -n a=1000000 --points 1000000
		.*capacity.*weights of 6 in all.*--capacity : -n a=5,b -a anchor --numbered --capacity 3
		.*(capacity.*2 nodes|2 nodes.*capacity) : -n a,b -a slots --numbered --capacity 1
		.*redis.*weights : -n a,b=2 -a redis
		.*cassandra.*weights : -n a,b=2 -a cassandra
		.*mcrouter.*weights : -n a,b=2 -a mcrouter
		.*couchbase.*weights : -n a,b=2 -a couchbase
		.*cassandra.*NAME@TOKEN : -n a@x,b@1 -a cassandra
		.*cassandra.*NAME@TOKEN : -n a@1,b -a cassandra
	END
}

# ---- output that cannot be written ----

@test "a full disk is exit 4 in every form of output" {
	printf 'k\n' >keys
	printf '{"k":1}\n' >lines
	hashring -a jump -n a --update --state s 2>/dev/null
	while IFS= read -r options; do
		echo "$options"
		run --separate-stderr bash -c "hashring $options >/dev/full"
		assert_failure 4
		assert_equal "$stderr" "hashring: cannot write 'stdout': No space left on device"
	done <<-'END'
		-n a <keys
		-n a k
		-n a -j 4 <keys
		-n a -r 1 --json <keys
		-n a,b -r 2 <keys
		-n a --null <keys
		-n a -0 <keys
		-n a --only a <keys
		-n a --json-key k <lines
		-n a --json-key k --json-set o <lines
		-n a --bound 1 <keys
		-n a --bound 1 --total 1 <keys
		-n a --stats <keys
		-n a --stats --json <keys
		--diff a b <keys
		--diff a b --summary <keys
		--diff a b --json <keys
		-n a --explain k
		-n a --explain k --json
		-n a --draw
		--diff a b --draw
		--state s k
	END
}

@test "a full disk far down a long output is exit 4 with any number of threads" {
	for threads in 1 4; do
		run --separate-stderr bash -c "yes | head -n 3000000 | hashring -n a -j $threads >/dev/full"
		assert_failure 4
		assert_equal "$stderr" "hashring: cannot write 'stdout': No space left on device"
	done
}

@test "lost output outweighs excess and bad input: exit 4" {
	run --separate-stderr bash -c 'seq 20000 | hashring -a ketama --diff a,b a,b=2 --summary >/dev/full'
	assert_failure 4
	run --separate-stderr bash -c 'printf "a\tb\nc\n" | hashring -n a -k 2 >/dev/full'
	assert_failure 4
}

@test "a closed stdout is exit 4 where there is something to say, in every form of output" {
	while IFS= read -r options; do
		echo "$options"
		run --separate-stderr bash -c "seq 100 | timeout 120 hashring $options >&-"
		assert_failure 4
		assert_equal "$stderr" "hashring: cannot write 'stdout': Bad file descriptor"
	done <<-'END'
		-n a
		-n a -j 4
		-f nodes
		-n a --stats
		-n a --explain k
		-n a --draw
		--diff a b
		--diff a b --summary
		-n a --bound 1
	END
}

@test "a closed stdout is fine where nothing goes there" {
	run --separate-stderr bash -c 'seq 100 | hashring -n a,b --split d >&-'
	assert_success
	sort -n d/* | cmp - <(seq 100)
	run --separate-stderr bash -c 'hashring -n a >&- </dev/null'
	assert_success
}

@test "a closed stdin is exit 4, and no file is read in its place" {
	for options in '-n a' '-f nodes' '-n a --stats' '-n a --split d' '-f nodes --split d' '--diff a b' '-n a --bound 1' \
		'-f nodes --bound 1' '--diff nodes b' '-n a -j 4'; do
		echo "$options"
		run --separate-stderr bash -c "timeout 120 hashring $options <&-"
		assert_failure 4
		assert_output ""
		assert_regex "$stderr" "^hashring: .*stdin.*: Bad file descriptor\$"
	done
}

@test "a closed stderr changes nothing, and no message gets into a file of --split" {
	printf 'x\tk\nbad\n' >keys
	run bash -c 'hashring -n a,b -r 3 --split d -k 2 <keys 2>&-'
	assert_failure 3
	assert_output ""
	assert_equal "$(cat d/a)" $'x\tk'
	assert_equal "$(cat d/b)" $'x\tk'
}

@test "a closed pipe ends it quietly, as SIGPIPE does: 141" {
	for options in '-n a' '-n a -j 4' '-n a --json' '-n a,b -r 2' '--diff a b' '-n a --bound 2'; do
		echo "$options"
		# shellcheck disable=SC2016
		run --separate-stderr env --default-signal=PIPE bash -c \
			"seq 1000000 | hashring $options | head -n 1 >out; echo \${PIPESTATUS[1]}"
		assert_output 141
		assert_equal "$stderr" ""
		assert_equal "$(wc -l <out)" 1
	done
}

@test "where SIGPIPE is ignored, a closed pipe is exit 4 with its reason" {
	run --separate-stderr env --ignore-signal=PIPE bash -c 'seq 1000000 2>/dev/null | hashring -n a | head -n 1; exit ${PIPESTATUS[1]}'
	assert_failure 4
	assert_output $'1\ta'
	assert_equal "$stderr" "hashring: cannot write 'stdout': Broken pipe"
}

# Runs hashring with a pipe that does not block: $1 says which, `in` or `out`; of the other end, perl
# reads late, or writes two keys late.
with_nonblocking() {
	perl -e '
		use Fcntl;
		my ($which, @command) = @ARGV;
		pipe(my $r, my $w) or die;
		my $end = $which eq "in" ? $r : $w;
		fcntl($end, F_SETFL, O_NONBLOCK | fcntl($end, F_GETFL, 0)) or die;
		my $child = fork();
		if (!$child) {
			$which eq "in" ? open(STDIN, "<&", $r) : open(STDOUT, ">&", $w);
			close $r; close $w;
			exec @command;
		}
		close $end;
		$SIG{PIPE} = "IGNORE";
		for my $key ($which eq "in" ? ("k1\n", "k2\n") : ()) { select(undef, undef, undef, 0.1); syswrite $w, $key }
		close $w if $which eq "in";
		select(undef, undef, undef, 0.2);
		if ($which eq "out") { while (sysread $r, my $data, 65536) { print $data } }
		waitpid $child, 0;
		exit($? >> 8 || $? & 127)' "$@"
}

@test "a pipe that does not block is waited for, and nothing is lost" {
	seq 300000 >keys
	sed 's/$/\ta/' keys >expected
	for threads in 1 4; do
		with_nonblocking out hashring -n a -j $threads <keys >out
		cmp expected out
	done
}

@test "a report into a pipe that does not block is whole too" {
	seq 20000 >many
	for report in --stats --draw; do
		hashring --points 1 -f many $report >expected </dev/null
		with_nonblocking out hashring --points 1 -f many $report >out </dev/null
		cmp expected out
	done
}

@test "an input that does not block is waited for" {
	run --separate-stderr with_nonblocking in hashring -n a
	assert_success
	assert_output $'k1\ta\nk2\ta'
	assert_equal "$stderr" ""
}

@test "a stdin that cannot be read is exit 4" {
	for options in '-n a' '-n a -j 4' '-n a --stats' '--diff a b' '-n a --split d'; do
		run --separate-stderr bash -c "hashring $options <."
		assert_failure 4
		assert_output ""
		assert_regex "$stderr" "^hashring: stdin.*: cannot read: Is a directory\$|^hashring: cannot read 'stdin': Is a directory\$"
	done
	run --separate-stderr bash -c 'hashring -n a --bound 1 <.'
	assert_failure 4
	assert_output ""
	assert_regex "$stderr" "'?stdin'?.*: Is a directory\$"
}

@test "a message names no line where the input itself is what cannot be read" {
	run --separate-stderr bash -c 'hashring -n a <.'
	assert_equal "$stderr" "hashring: cannot read 'stdin': Is a directory"
}

@test "SIGTERM and SIGINT end it by that signal, and what was answered is out" {
	for signal in TERM INT HUP; do
		mkfifo in.$signal
		env --default-signal=INT,HUP hashring -n a <in.$signal >out.$signal 3>&- &
		pid=$!
		exec 7>in.$signal
		echo k >&7
		for ((tries = 0; tries < 1200; tries++)); do
			[ ! -s out.$signal ] || break
			sleep 0.05
		done
		kill -s $signal $pid
		status=0
		wait $pid || status=$?
		exec 7>&-
		assert_equal $status $((128 + $(kill -l $signal)))
		assert_equal "$(cat out.$signal)" $'k\ta'
	done
}

# ---- explain and draw ----

@test "--explain names the key, the hash, the point and the owner that the key has" {
	for algorithm in ring hrw maglev anchor jump slots libmemcached twemproxy ketama nginx haproxy envoy-ring envoy-maglev redis \
		cassandra mcrouter node-hashring; do
		echo "$algorithm"
		for key in user:1 '' é; do
			owner=$(by "$algorithm" -n a,b,c -- "$key" | cut -f2)
			run --separate-stderr by "$algorithm" -n a,b,c --explain "$key"
			assert_success
			assert_equal "$stderr" ""
			assert_line --regexp "^algorithm +$algorithm: "
			assert_line --regexp "^hash +0x[0-9a-f]+ "
			assert_line --regexp "^node +$owner \\(weight 1\\)\$"
			assert_line --regexp "^why +[a-z]"
			by "$algorithm" -n a,b,c --explain "$key" --json >>objects
			echo "$key	$algorithm	$owner" >>expected
		done
	done
	jq -r '[.key, .algorithm, .nodes[0]] | @tsv' objects | cmp - expected
}

@test "--explain: hashes and points are those of the peers" {
	run hashring -a libmemcached -f <(printf '10.0.1.%d:11211 %d\n' 1 600 2 300 3 200 4 350 5 1000 6 800 7 950 8 100) \
		--explain 'SVa_]_V41)' --json
	assert_equal "$(jq -r .nodes[0] <<<"$output")" 10.0.1.7:11211
	assert_equal "$(($(jq -r .hash <<<"$output"))) $(($(jq -r .point <<<"$output")))" "443691461 445379617"
	run hashring -a redis -n a --explain foo --json
	assert_equal "$(jq .slot <<<"$output")" 12182
	run hashring -a redis -n a --explain 'x{foo}y' --json
	assert_equal "$(jq .slot <<<"$output")" 12182
}

@test "--explain -r names all owners, in the order of -r" {
	for algorithm in ring hrw maglev slots; do
		owners=$(by "$algorithm" -n a,b,c,d -r 3 k | cut -f2)
		run by "$algorithm" -n a,b,c,d -r 3 --explain k --json
		assert_equal "$(jq -r '.nodes | join(",")' <<<"$output")" "$owners"
		run by "$algorithm" -n a,b,c,d -r 3 --explain k
		assert_equal "$(awk '$1 == "node" || $1 == "then" { print $2 }' <<<"$output" | paste -sd ,)" "$owners"
	done
}

@test "--explain: a key that is no UTF-8 is printed as it is, and exit 3 as JSON" {
	hashring -n a --explain $'k\377' >out
	head -1 out | cmp - <(printf 'key        k\377\n')
	run --separate-stderr hashring -n a --explain $'k\377' --json
	assert_failure 3
	assert_output ""
}

@test "--draw is one well-formed SVG that names every node, for every algorithm and for a plan" {
	printf '%s\n' 'a<&>"b' "c'd 2 z" 'é 3' >nodes
	for algorithm in ring hrw jump nginx; do
		echo "$algorithm"
		for command in "-f nodes" "--diff nodes a,b,c"; do
			# shellcheck disable=SC2086
			by "$algorithm" $command --draw >out.svg 2>err || fail "$command: $(cat err)"
			assert_equal "$(cat err)" ""
			xmllint --noout out.svg
			assert_equal "$(grep -c '<svg ' out.svg)" 1
			assert_equal "$(tail -c 7 out.svg)" "</svg>"
			grep -q 'a&lt;&amp;&gt;' out.svg
		done
	done
}

@test "--draw gives the same bytes each time" {
	hashring -n a,b,c --draw >one
	hashring -n c,b,a --draw >two
	assert [ -s one ]
	cmp one two
}

# It waits a second for a reader: a try where the machine had none for so long says nothing, status 2.
ends_between_records() {
	local begun read_by
	rm -f pipe
	mkfifo pipe
	hashring -n node <many >pipe 3>&- &
	pid=$!
	exec 7<pipe
	head -c 100000 <&7 >got
	begun=${EPOCHREALTIME/./}
	kill -TERM $pid
	cat <&7 >>got
	exec 7<&-
	status=0
	wait $pid || status=$?
	read_by=${EPOCHREALTIME/./}
	assert_equal $status 143 || return 1
	assert [ "$(wc -l <got)" -lt 3000000 ] || return 1
	[ "$(sort -u got)" = $'aaaaaaaaaaaaaaaaaaaaaa\tnode' ] && [ "$(tail -c 1 got | od -An -c | tr -d ' ')" = '\n' ] ||
		((read_by - begun < 1000000)) || return 2
	assert_equal "$(tail -c 1 got | od -An -c | tr -d ' ')" '\n' &&
		assert_equal "$(sort -u got)" $'aaaaaaaaaaaaaaaaaaaaaa\tnode'
}

@test "SIGTERM ends between two records, also where the pipe is full" {
	yes aaaaaaaaaaaaaaaaaaaaaa | head -n 3000000 >many
	for try in {1..20}; do
		said=0
		ends_between_records || said=$?
		[ "$said" = 2 ] || return "$said"
	done
	fail "no try had a reader within a second"
}

@test "SIGTERM ends it within a second or so where nobody reads on" {
	mkfifo pipe
	yes aaaaaaaaaaaaaaaaaaaaaa | head -n 3000000 >many
	hashring -n node <many >pipe &
	pid=$!
	exec 7<pipe
	head -c 1000 <&7 >got
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	exec 7<&-
	assert_equal $status 143
}
