# netfault: what the suites of netfault and kvload share.
#
#     start OPTION...; tell LINE; hear            netfault in the background: 7 leads to it, 8 from it
#     connect; say LINE; listen                   a client on a socket of its own: descriptor 5
#     netfault ... < <(cat lines; eventually have 3 seen)     an input that ends when something has come about
#
# What is waited for is polled, up to `patience` seconds.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load eventually.bash

# For setup_file(): the test node, built by make or here.
network_build() {
	local built=${BUILD:-$BATS_TEST_DIRNAME/../../build}/tests/nodes/echo
	mkdir -p "$BATS_FILE_TMPDIR/bin"
	if [ -x "$built" ]; then
		cp "$built" "$BATS_FILE_TMPDIR/bin/node"
	else
		${CC:-cc} -std=c11 -D_GNU_SOURCE -O1 -o "$BATS_FILE_TMPDIR/bin/node" "$BATS_TEST_DIRNAME/../nodes/echo.c"
	fi
}

# For setup(): an empty directory, which the command line of each node shows: `node` has its path.
network_setup() {
	bin=$(cd "${FAULTLINE_BIN:-$BATS_TEST_DIRNAME/../../build/bin}" && pwd)
	export PATH="$bin:$PATH" LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return
	cp "$BATS_FILE_TMPDIR/bin/node" node
	node=$PWD/node
	pids=()
}

# For teardown(): ends what is left, and nothing may be: see assert_nothing_left.
network_teardown() {
	local pid
	exec 5>&- 7>&- 8<&-
	for pid in "${pids[@]}"; do
		kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	return 0
}

# have N FILE...: each has so many lines at least.
have() {
	local count=$1 file
	for file in "${@:2}"; do
		[ -e "$file" ] && [ "$(wc -l <"$file")" -ge "$count" ] || return
	done
}

# A node that keeps what it was told in a file, and only then answers what has a msg_id: what was answered is there.
# shellcheck disable=SC2034
witness='exec perl -e '\''
	open my $seen, ">", "seen-{id}" or die;
	$| = 1;
	while (<STDIN>) {
		syswrite $seen, $_;
		print qq({"src":"{id}","dest":"c1","body":{"type":"seen","in_reply_to":$1}}\n) if /"msg_id":(\d+)/ and !/"init"/;
	}'\'

# start OPTION...: stderr goes to `err`, the process is `pid`.  The file is there when it returns, and nothing older.
# `through` is what starts it, if anything does.
through=()
start() {
	rm -f to from
	mkfifo to from
	"${through[@]}" netfault "$@" 2>err <to >from 5>&- 3>&- &
	pid=$!
	pids+=("$pid")
	exec 7>to 8<from
}

tell() {
	printf '%s\n' "$1" >&7
}

# The next line, in `heard`.
hear() {
	read -r -t "$patience" heard <&8
}

# Has it ended?  It may still wait to be waited for.
gone() {
	[[ ! -e /proc/$1 || $(cat "/proc/$1/stat" 2>/dev/null) =~ \)\ [ZX] ]]
}

# Waits for its end: `status`.
reap() {
	eventually gone "$1" || fail "process $1 goes on; stderr: $(tail -n 5 err)"
	status=0
	wait "$1" || status=$?
}

# Closes our end and waits: `status`.
end() {
	exec 7>&-
	reap "$pid"
	exec 8<&-
}

# A client on TCP: `port` is netfault's.
connect() {
	exec 5<>"/dev/tcp/127.0.0.1/$port"
}

say() {
	printf '%s\n' "$1" >&5
}

listen() {
	read -r -t "$patience" heard <&5
}

# The port that `--listen tcp:127.0.0.1:0` has got.
find_port() {
	eventually grep -q 'listening at' err || return
	port=$(sed -n "s/.*listening at 'tcp:127.0.0.1:\([0-9]*\)'.*/\1/p" err)
}

# No node of this test.
nothing_left() {
	! pgrep -f "^$BATS_TEST_TMPDIR/node" >/dev/null
}

assert_nothing_left() {
	eventually nothing_left || fail "still there: $(pgrep -af "^$BATS_TEST_TMPDIR/node")"
}

# message SRC DEST TYPE [MEMBERS]
message() {
	printf '{"src":"%s","dest":"%s","body":{"type":"%s"%s}}\n' "$1" "$2" "$3" "${4:+,$4}"
}
