#!/usr/bin/env bats
# netfault --check-plan: what is a plan, and what a line is told that is none.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup() {
	bin=$(cd "${FAULTLINE_BIN:-$BATS_TEST_DIRNAME/../../build/bin}" && pwd)
	export PATH="$bin:$PATH" LC_ALL=C.UTF-8
	cd "$BATS_TEST_TMPDIR" || return
}

@test "a plan that is right says nothing and exits 0" {
	cat >plan <<-'END'
		# All types, in no order.

		{"at":"2s","type":"link","link":"n1>n2","loss":"0.3","delay":"normal:50ms,10ms","for":"5s"}
		{"at":0,"type":"link","link":"client<>n*","loss":0.3,"delay":50000000,"rate":1000000}
		{"at":"1.5s","type":"partition","groups":[["n1","n2"],["n3"]],"one_way":true}
		  # a comment
		{"at":"1m","type":"partition","shape":"bridge","for":"10s"}
		{"at":"1h","type":"isolate","node":"?","one_way":true}
		{"at":"3s","type":"heal"}
		{"at":"3s","type":"heal","id":3}
		{"at":"3s","type":"crash","node":["n1","n2"],"for":"1s"}
		{"at":"3s","type":"restart","node":"n1"}
		{"at":"3s","type":"pause","node":"?2"}
		{"at":"3s","type":"resume","node":"*"}
		{"at":"3s","type":"skew","node":"n1","offset":"-50ms","drift":1.001}
		{"at":"9s","type":"calm"}
	END
	run netfault --check-plan plan
	assert_success
	assert_output ""
	run netfault --check-plan - <plan
	assert_success
	assert_output ""
	run netfault --check-plan /dev/null
	assert_success
	printf '{"at":"9s","type":"calm"}' | run netfault --check-plan -
	assert_success
}

# refused LINE WHY: as the second line of a plan.
refused() {
	printf '# one\n%s\n{"at":"1s","type":"calm"}\n' "$1" >plan
	run --separate-stderr netfault --check-plan plan
	assert_failure 2
	assert_equal "$output" ""
	assert_equal "$stderr" "netfault: plan:2: $2"
}

@test "each line that is wrong is named with what would be right" {
	while IFS='	' read -r line why; do
		refused "$line" "$why"
	done <<-'END'
		[]	must be a JSON object
		{"at":"1s"}	type is missing
		{"type":"calm"}	at is missing: the time since the run began, as "2s"
		{"at":"1s","type":"clam"}	type 'clam' is unknown: did you mean 'calm'?
		{"at":"1s","type":"flood"}	type 'flood' is unknown
		{"at":"soon","type":"calm"}	at 'soon': must be a time up to 8760h, as "50ms" or "1.5s", or a whole number of nanoseconds
		{"at":"1s","type":"calm","for":"1s"}	'for' is no member of 'calm'
		{"at":"1s","type":"heal","id":-1}	id '-1': must be a whole number from 1 on
		{"at":"1s","type":"crash"}	node is missing: must be a name, a list of names, "*", "?" or "?2"
		{"at":"1s","type":"crash","node":"n 1"}	node 'n 1': must be a name, a list of names, "*", "?" or "?2"
		{"at":"1s","type":"crash","node":["n1","n1"]}	node 'n1': is there twice
		{"at":"1s","type":"crash","nodes":"n1"}	'nodes' is no member of 'crash': did you mean 'node'?
		{"at":"1s","type":"pause","node":"n1","for":"0s"}	for '0s': must be longer than that
		{"at":"1s","type":"isolate","node":"n1","one_way":"yes"}	one_way 'yes': must be true or false
		{"at":"1s","type":"partition"}	groups or shape is missing
		{"at":"1s","type":"partition","shape":"halfs"}	shape 'halfs' is unknown: did you mean 'halves'?
		{"at":"1s","type":"partition","groups":[["n1"],["n1"]]}	groups 'n1': is there twice
		{"at":"1s","type":"partition","groups":["n1","n2"]}	groups 'n1': must be a list of names
		{"at":"1s","type":"link","loss":1}	link is missing: must be FROM>TO or A<>B, as "n1>n2"
		{"at":"1s","type":"link","link":"n1n2","loss":1}	link 'n1n2': must be FROM>TO or A<>B, as n1>n2 or client<>n*
		{"at":"1s","type":"link","link":"n1>n2"}	a link needs loss, delay, duplicate, reorder, corrupt, truncate or rate
		{"at":"1s","type":"link","link":"n1>n2","los":1}	'los' is no member of 'link': did you mean 'loss'?
		{"at":"1s","type":"link","link":"n1>n2","loss":30}	loss '30': must be 0.05, 5%, 5%~0.5, gilbert:0.01,0.3, or 5%+gilbert:0.01,0.3
		{"at":"1s","type":"link","link":"n1>n2","delay":"50"}	delay '50': must be 20ms, uniform:10ms,50ms, normal:20ms,5ms, exponential:20ms or pareto:5ms,3
		{"at":"1s","type":"link","link":"n1>n2","duplicate":"x"}	duplicate 'x': must be a share from 0 to 1, as 0.05, 5% or 5%~0.5
		{"at":"1s","type":"link","link":"n1>n2","reorder":"x"}	reorder 'x': must be a share from 0 to 1, as 0.05, 5% or 5%~0.5, or 5%,20ms
		{"at":"1s","type":"link","link":"n1>n2","rate":"1"}	rate '1': must be 64kbit, 1mbit or 125kbps, or with its queue 1mbit,64K
		{"at":"1s","type":"skew","node":"n1"}	a skew needs offset or drift
		{"at":"1s","type":"skew","node":"n1","drift":-1}	drift '-1': must be a number above 0 and up to 1000: at 2 the clock is twice as fast
		{"at":"1s","type":"skew","node":"n1","offset":"1"}	offset '1': must be a time up to 8760h, as "50ms" or "-50ms"
	END
}

@test "a line that is no JSON, or has a member twice, is named" {
	for line in '{' 'crash n1' '{"at":"1s","type":"calm"} x' '{"at":"1s","type":"calm","at":"2s"}' $'{"at":"1s","type":"\xff"}'; do
		printf '\n\n%s\n' "$line" >plan
		run netfault --check-plan plan
		assert_failure 2
		assert_line --index 0 --partial "netfault: plan:3: no JSON: "
	done
}

@test "a file that cannot be read is named" {
	run netfault --check-plan nowhere
	assert_failure 2
	assert_output --partial "'nowhere': No such file or directory"
	run netfault --check-plan .
	assert_failure 2
	assert_output --partial "'.': Is a directory"
}

@test "a line of more than 1 MiB, and more than 65536 faults, are too much" {
	{ echo; printf '%1048577s\n' ''; } >plan
	run netfault --check-plan plan
	assert_failure 2
	assert_output "netfault: plan:2: longer than 1 MiB"
	yes '{"at":0,"type":"calm"}' | head -n 65537 >plan
	run netfault --check-plan plan
	assert_failure 2
	assert_output "netfault: plan:65537: more than 65536 orders"
	head -n 65536 plan >less
	run netfault --check-plan less
	assert_success
}

@test "a plan that is wrong ends netfault before a node is started" {
	echo '{"at":"1s","type":"crash","node":"n1","fro":"1s"}' >plan
	run netfault --plan plan -n n1='touch started' </dev/null
	assert_failure 2
	assert_output "netfault: plan:1: 'fro' is no member of 'crash': did you mean 'for'?"
	[ ! -e started ]
	printf '\n{"at":"1s","type":"crash","node":"n7"}\n' >plan
	run netfault --plan plan -n n1='touch started' </dev/null
	assert_failure 2
	assert_output --partial "plan:2: there is no node 'n7'"
	[ ! -e started ]
}
