#!/usr/bin/env bats
# The README says what the tools do today: its examples are run, its picture is drawn anew.

setup() {
	top=$BATS_TEST_DIRNAME/../..
	export FAULTLINE_BIN=${FAULTLINE_BIN:-$top/build/bin} MAN_EXAMPLES_SECONDS=600
	PATH=$FAULTLINE_BIN:$PATH
	cd "$BATS_TEST_TMPDIR" || return 1
}

# As those of a page: in order, by one shell, in an empty directory.
@test "every example in the README prints what it says" {
	awk '
		/^    / {
			if (!open++)
				print ".Bd -literal"
			gsub(/\\/, "\\e")
			print substr($0, 5)
			next
		}
		open { print ".Ed"; open = 0 }
	' "$top/README.md" >README.page
	run "$BATS_TEST_DIRNAME/man-examples" README.page
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output =~ ^"README.page: "([0-9]+)" examples"$ ]]
	[ "${BASH_REMATCH[1]}" -ge 10 ]
}

@test "the picture in the README is what --draw draws" {
	hashring --diff n1,n2,n3,n4,n5 n1,n2,n3,n4,n5,n6 --draw | cmp - "$top/tests/data/plan.svg"
	grep -q '(tests/data/plan.svg)' "$top/README.md"
}

# Where the nodes talk another way since: run that command, look at the picture, and put it there.
@test "the picture of a run in the README is what its command draws" {
	awk '/^    \$ cat >bad-day.plan/ { on = 1 } on && !/^    / && NF { exit } on && sub(/^    (\$ |> )?/, "")' "$top/README.md" |
		grep -v '^{"src"\|^netfault: ' >commands
	bash commands
	grep -q '(tests/data/run.svg)' "$top/README.md"
	cmp run.svg "$top/tests/data/run.svg"
}

@test "every picture in the README is there and well-formed" {
	pictures=$(grep -oE '!\[[^]]*\]\([^)]*\)' "$top/README.md" | sed 's/.*(\(.*\))/\1/')
	[ "$(wc -l <<<"$pictures")" -ge 2 ]
	while read -r picture; do
		xmllint --noout "$top/$picture"
	done <<<"$pictures"
}

@test "the figures in the README stand in the table of the benchmark" {
	grep -oE '[0-9.]+ x libmemcached|[0-9]+\.[0-9]+ M keys/s' "$top/README.md" | while read -r figure _; do
		grep -qF " ${figure} " "$top/tests/bench/RESULTS.md" || {
			echo "not in RESULTS.md: $figure"
			exit 1
		}
	done
}

@test "the README's table of planted bugs is that of make mutants, and has all there are" {
	cd "$top"
	awk -f tests/mutants/readme.awk tests/mutants/RESULTS.md README.md | diff README.md -
	ls tests/mutants/*.patch | sed 's|.*/||; s/\.patch$//' | diff <(sed -n 's/^| \([a-z]*-[a-z0-9-]*\) |.*/\1/p' tests/mutants/RESULTS.md) -
	grep -q "^| bugs planted .* | $(ls tests/mutants/*.patch | wc -l), all of them found |" README.md
}

@test "the targets, tools and files that the README names are there" {
	for target in demo check install help; do
		grep -q "^$target:" "$top/Makefile"
	done
	grep -oE '`(lib|tests|cmd)/[a-z/]*`' "$top/README.md" | tr -d '`' | while read -r path; do
		[ -e "$top/$path" ] || { echo "no $path"; exit 1; }
	done
	# The table of the tools is that of the sources.
	diff <(sed -n 's/^| `\([a-z-]*\)` |.*/\1/p' "$top/README.md" | sed '/^hashring$/q' | sort) \
		<(cd "$top/cmd" && ls -- *.c | sed 's/\.c$//')
}
