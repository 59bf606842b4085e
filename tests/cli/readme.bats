#!/usr/bin/env bats
# The README says what the tool does today: its examples are run, its picture is drawn anew.

setup() {
	top=$BATS_TEST_DIRNAME/../..
	PATH=${FAULTLINE_BIN:-$top/build/bin}:$PATH
	cd "$BATS_TEST_TMPDIR" || return 1
}

@test "every example in the README prints what it says" {
	awk '
		/^    \$ / { n++; command = substr($0, 7); print command >(n ".sh"); printf "" >(n ".want"); open = 1; next }
		/^    / && open { print substr($0, 5) >(n ".want"); next }
		{ open = 0 }
	' "$top/README.md"
	count=0
	for script in *.sh; do
		bash "$script" >got 2>&1 || true
		diff "${script%.sh}.want" got
		count=$((count + 1))
	done
	[ "$count" -ge 3 ]
}

@test "the picture in the README is what --draw draws" {
	hashring --diff n1,n2,n3,n4,n5 n1,n2,n3,n4,n5,n6 --draw | cmp - "$top/tests/data/plan.svg"
	grep -q '(tests/data/plan.svg)' "$top/README.md"
}

@test "the figures in the README stand in the table of the benchmark" {
	grep -oE '[0-9.]+ x libmemcached|[0-9]+\.[0-9]+ M keys/s' "$top/README.md" | while read -r figure _; do
		grep -qF " ${figure} " "$top/tests/bench/RESULTS.md" || {
			echo "not in RESULTS.md: $figure"
			exit 1
		}
	done
}

@test "the targets and files that the README names are there" {
	for target in demo check install help; do
		grep -q "^$target:" "$top/Makefile"
	done
	grep -oE '`(lib|tests|cmd)/[a-z/]*`' "$top/README.md" | tr -d '`' | while read -r path; do
		[ -e "$top/$path" ] || { echo "no $path"; exit 1; }
	done
}
