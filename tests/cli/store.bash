# For suites of clusters of raft-node or paxos-node: the installed helper, faultline-bats(7), and what is written is read back.
#
#     start 3 --request-timeout 1s -- --loss 5%
#     write n1 1 2 3
#     node_crash n1
#     assert_has n2 1 2 3

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
bin=$(cd "${FAULTLINE_BIN:-$BATS_TEST_DIRNAME/../../build/bin}" && pwd)
load "$bin/faultline"
PATH=$bin:$PATH

NODE=${NODE:-raft-node}
: "${FAULTLINE_KEEP:=${bin%/bin}/failures/$NODE}"

# start [-C DIR] COUNT [OPTION...] [-- OPTION...]: those of the node, then those of the network.  A death is found out by silence.
# A node that is started again also has the options of the file ID.options; its process is in ID.pid.
start() {
	local where=() count options=()
	if [ "$1" = -C ]; then
		where=("$1" "$2")
		shift 2
	fi
	count=$1
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	# shellcheck disable=SC2016
	cluster_start "${where[@]}" "$count" sh -c 'echo $$ >{id}.pid; exec "$0" "$@" $(cat {id}.options 2>/dev/null)' \
		"$bin/$NODE" "${options[@]}" -- --no-hints "${@:2}"
}

# write NODE N...: keys kN, each until it is acknowledged.
write() {
	local n
	for n in "${@:2}"; do
		insist "$1" "{\"type\":\"write\",\"key\":\"k$n\",\"value\":$n}" >/dev/null
		assert_equal "$answer" '{"type":"write_ok"}'
	done
}

assert_has() {
	local n
	for n in "${@:2}"; do
		insist "$1" "{\"type\":\"read\",\"key\":\"k$n\"}" >/dev/null
		assert_equal "$1 $answer" "$1 {\"type\":\"read_ok\",\"value\":$n}"
	done
}

# assert_status NODE FILTER: its status fits the filter of jq now.
assert_status() {
	ask "$1" '{"type":"status"}' >/dev/null
	jq -e "$2" >/dev/null <<<"$answer" || fail "the status of $1 does not fit $2: $answer"
}
