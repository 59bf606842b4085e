#!/usr/bin/env bats
# The manual says the truth: what its examples print is what the tools print.

bats_load_library bats-support
bats_load_library bats-assert

setup() {
	top=$BATS_TEST_DIRNAME/../..
	examples=$BATS_TEST_DIRNAME/man-examples
	page=$BATS_TEST_TMPDIR/page.1
	export FAULTLINE_BIN=${FAULTLINE_BIN:-$top/build/bin} MAN_EXAMPLES_SECONDS=600
}

# Examples between the lines of a page; the first of them is on line 3.
write_page() {
	printf '.Sh EXAMPLES\n.Bd -literal -offset indent\n%s\n.Ed\n' "$1" >"$page"
}

@test "every example of every page prints what its page says" {
	set -- "$top"/man/man[157]/*.[157]
	[ $# -ge 5 ] || fail "no pages"
	run "$examples" "$@"
	assert_success
}

@test "man-examples: a page that is right passes" {
	write_page '$ printf '"'a\\en%s\\en'"' b
a
b
$ true

This is not output.
$ echo one \e
    two
one two
$ for n in 1 2; do
>     echo \(dq$n\(dq
> done
1
2'
	run "$examples" "$page"
	assert_success
	assert_output "$page: 4 examples"
}

@test "man-examples: a page that is wrong fails with its line and the difference" {
	write_page '$ echo right
right
$ echo wrong
wrnog'
	run "$examples" "$page"
	assert_failure 1
	assert_output "$page:5: \$ echo wrong
--- page
+++ run
@@ -1 +1 @@
-wrnog
+wrong"
}

@test "man-examples: output too much, too little or without its newline is wrong" {
	for example in '$ echo a' $'$ true\na' $'$ printf a\na' $'$ echo "a "\na'; do
		write_page "$example"
		run "$examples" "$page"
		assert_failure 1
		assert_line "$page:3: ${example%%$'\n'*}"
	done
}

@test "man-examples: escapes are undone in commands and output" {
	write_page '$ echo \(dq\-\-a\e\eb\(dq \(aq\(ti\(aq
\-\-a\eb ~
$ echo .dot
\&.dot'
	run "$examples" "$page"
	assert_success
	assert_output "$page: 2 examples"
}

@test "man-examples: an unknown escape and an example outside of a display are errors" {
	write_page '$ echo \fBa\fP'
	run "$examples" "$page"
	assert_failure 2
	assert_line "$page:3: an escape that man-examples does not know: f"
	printf '.Sh EXAMPLES\n$ echo a\na\n' >"$page"
	run "$examples" "$page"
	assert_failure 2
	assert_line "$page:2: an example outside of .Bd -literal"
}

@test "man-examples: files, variables and the exit status last to the next example" {
	write_page '$ echo text >file; name=file; (exit 3)
$ echo $?
3
$ cat $name missing
text
cat: missing: No such file or directory
$ [ "$PWD" = "$HOME" ] && ls
file'
	run "$examples" "$page"
	assert_success
	assert_output "$page: 4 examples"
}

@test "man-examples: the tools are those of FAULTLINE_BIN" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\necho mine\n' >"$BATS_TEST_TMPDIR/bin/hashring"
	chmod +x "$BATS_TEST_TMPDIR/bin/hashring"
	write_page $'$ hashring\nmine'
	FAULTLINE_BIN=$BATS_TEST_TMPDIR/bin run "$examples" "$page"
	assert_success
}

# A killed process may take a moment.
assert_no_process() {
	for ((tries = 0; tries < 600; tries++)); do
		pgrep -x -f "$1" || return 0
		sleep 0.1
	done
	fail "still runs: $1"
}

@test "man-examples: an example that ends the shell or never ends is wrong, and leaves nothing running" {
	nap="sleep 7$$"
	write_page "\$ $nap &"$'\n$ exit\n$ echo a\na'
	run "$examples" "$page"
	assert_failure 1
	assert_line "$page:5: not reached: \$ echo a"
	assert_no_process "$nap"
	write_page "\$ $nap &"$'\n'"\$ $nap"$'\n$ echo a\na'
	MAN_EXAMPLES_SECONDS=1 run timeout 120 "$examples" "$page"
	assert_failure 1
	assert_line "$page: stopped after 1 seconds"
	assert_no_process "$nap"
}
