# Suites as others would write them with faultline-bats(7), run by a bats of their own.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load eventually.bash
patience=30

# For setup() and teardown().
suites_setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	bin=$(cd "${FAULTLINE_BIN:-$top/build/bin}" && pwd)
	# Where bats is found, and not the parts of the one that runs this.
	path=${PATH//"$BATS_LIBEXEC:"/}
	clean=(env -i PATH="$bin:${PATH//"$BATS_LIBEXEC:"/}" HOME="$BATS_TEST_TMPDIR" TMPDIR="$BATS_TEST_TMPDIR/tmp" LC_ALL=C.UTF-8)
	cd "$BATS_TEST_TMPDIR" || return
	mkdir tmp
	children=()
}

suites_teardown() {
	local pid
	for pid in "${children[@]}" $(left_pids); do
		kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	return 0
}

# What runs in the directories of the suites: nodes, netfault, kvload.
left_pids() {
	find /proc/[0-9]* -maxdepth 1 -name cwd -lname "$BATS_TEST_TMPDIR/tmp/*" 2>/dev/null | cut -d/ -f3
}

nothing_left() {
	[ -z "$(left_pids)" ]
}

assert_nothing_left() {
	eventually nothing_left || fail "still there: $(left_pids | xargs ps -o pid,args -p)"
}

# suite NAME <TESTS: `@ test` for what bats is not to take for a test of this file.
suite() {
	{ echo 'load faultline' && sed 's/^@ test/@test/'; } >"$1.bats"
}

# With none of the variables of this bats.  Assignments may come first.
clean() {
	"${clean[@]}" "$@"
}

# suites [ASSIGNMENT...] SUITE: in `output`, `lines` and `status`.  Its tests run at once: most of their time they wait.
suites() {
	run clean timeout -k 5 300 env "${@:1:$#-1}" bats --formatter tap --jobs 6 --no-parallelize-across-files "${@: -1}.bats"
}

assert_all_passed() {
	assert_success
	assert_nothing_left
	[ ! -e faultline-failures ] || fail "kept: $(find faultline-failures)"
}

# in_background SUITE [ASSIGNMENT...]: bats is `pid`, and leads a group; it says `said`.  An interrupt is not ignored, as it
# is in the background else.
in_background() {
	"${clean[@]}" "${@:2}" setsid env --default-signal=INT bats --formatter tap "$1.bats" >said 2>&1 3>&- &
	pid=$!
	children+=("$pid")
}

ended() {
	[[ ! -e /proc/$pid || $(cat "/proc/$pid/stat" 2>/dev/null) =~ \)\ Z ]]
}
