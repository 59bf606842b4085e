#!/usr/bin/env bats
# --lease-reads with real nodes whose clocks run apart, in virtual time: the one whose clock is slow is cut off again and
# again, leader or not, while at every node somebody reads what is written elsewhere.  Within the margin that the page
# gives no read is stale; far beyond it some are, or all of this shows nothing.

load node.bash

setup() {
	node_setup
}

teardown() {
	node_teardown
}

# plan SLOW FAST: how fast clocks run; every 0.9 s it is another's that is slow.
plan() {
	local at=500 who name
	for who in 1 2 3 3 1 2 2 3 1; do
		for name in 1 2 3; do
			printf '{"at":"%dms","type":"skew","node":"n%d","drift":%s}\n' $at $name "$([ $name = $who ] && echo "$1" || echo "$2")"
		done
		printf '{"at":"%dms","type":"isolate","node":"n%d","for":"350ms"}\n' $((at + 350 + 10 * who)) $who
		at=$((at + 900))
	done
}

# client HISTORY KIND OPTION...: the command of one that does that alone, on one key.
client() {
	printf "kvload -s - --history $PWD/%s --keys 1 --mix %s=1 --think 2ms --time 9s --output /dev/null" "$1" "$2"
	printf ' %s' "${@:3}"
}

# Several histories with one clock as one; of the same moment what began comes first.
merge() {
	jq -c '.process = .process * 8 + (input_filename[-1:] | tonumber)' "$@" |
		jq -s -c 'sort_by(.time, .type != "invoke")[]'
}

# run_apart SLOW FAST SEED: the history is in `history`.
run_apart() {
	local i readers=()
	rm -f h? plan history
	plan "$1" "$2" >plan
	for i in 1 2 3; do
		readers+=(--client "r$i=$(client h$i read --nodes n$i --clients 2 --timeout 30ms)")
	done
	run -0 timeout 300 netfault --lockstep --scratch --seed "$3" --delay uniform:100us,1ms --plan plan --until 20s -n 3 \
		"${readers[@]}" --client "w=$(client h4 write --nodes n1,n2,n3 --clients 4 --timeout 50ms)" -- \
		"$NODE" --lease-reads --request-timeout 100ms
	merge h1 h2 h3 h4 >history
	[ "$(grep -c '"ok","f":"read"' history)" -gt 1000 ] || fail "few reads were answered: $(wc -l h?)"
}

@test "clocks within a ninth of each other: no read that trusts them is stale" {
	for seed in 1 2; do
		run_apart 0.948 1.052 $seed
		run -0 lincheck --timeout 60s history
	done
}

@test "clocks that are far apart: some reads that trust them are stale, and lincheck says so" {
	for seed in 1 2 3 4 5 6; do
		run_apart 0.4 1.6 $seed
		run lincheck --timeout 60s history
		[ "$status" -eq 0 ] || break
	done
	assert_failure 1
	assert_output --regexp 'read|observed'
}
