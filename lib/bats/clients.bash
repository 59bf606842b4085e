# clients: what is asked of the nodes and of the network, and who leads.  Loaded by faultline.bash.

# ---- clients ----

# kv, that waits as long as anything here does, and holds nothing of bats meanwhile.
client() {
	"${faultline_tools}kv" --timeout "${FAULTLINE_PATIENCE}s" "$@" 3>&- 4>&-
}

# ask NODE BODY: any request; prints the body of the answer, compact and without its in_reply_to.  `answer` has it too.
ask() {
	faultline_running ask || return 1
	faultline_ask "$FAULTLINE_PATIENCE" "$@" ||
		faultline_fail "no answer to $2 from $1 within $FAULTLINE_PATIENCE s" "$(faultline_last_words "$1")" || return 1
	printf '%s\n' "$answer"
}

# faultline_ask SECONDS NODE BODY: into `answer`.
faultline_ask() {
	answer=
	faultline_send ask "$2" "$3" && faultline_collect "$1" faultline_all_answered || return 1
	answer=${faultline_answers[ask]}
	# As others write it, with spaces.
	[[ $answer != *'": '* ]] || answer=$(jq -c . <<<"$answer")
}

# insist NODE BODY: asks again and again until the answer is no error that says to, 0 or 11; prints it.
insist() {
	faultline_until insist faultline_is_taken "$@" ||
		faultline_fail "$1 refuses $2 after $FAULTLINE_PATIENCE s: ${answer:-no answer}" "$(faultline_last_words "$1")" || return 1
	printf '%s\n' "$answer"
}

faultline_is_taken() {
	faultline_ask "$@" && ! is_error 0 11
}

# node_wait NODE FILTER: until the node's status fits the filter of jq; `answer` is the status.
node_wait() {
	jq -n "def fits: $2; empty" || faultline_fail "node_wait: no filter of jq: $2" || return 1
	faultline_until node_wait faultline_status_fits "$@" ||
		faultline_fail "the status of $1 does not fit $2 after $FAULTLINE_PATIENCE s: ${answer:-no answer}" \
			"$(faultline_last_words "$1")"
}

faultline_status_fits() {
	faultline_ask "$1" "$2" '{"type":"status"}' && jq -e "$3" >/dev/null 2>&1 <<<"$answer"
}

# faultline_until WHO COMMAND ARGUMENT...: `COMMAND SECONDS ARGUMENT...` until it succeeds; a node may be down for a while,
# so that a first question waits for a second, the next for two.
faultline_until() {
	local end=$((SECONDS + FAULTLINE_PATIENCE)) seconds=1
	faultline_running "$1" || return 1
	until "$2" "$seconds" "${@:3}"; do
		((SECONDS < end)) && [ -z "${BATS_INTERRUPTED:-}" ] || return 1
		[ -n "$answer" ] || seconds=$((seconds * 2 < FAULTLINE_PATIENCE ? seconds * 2 : FAULTLINE_PATIENCE))
		sleep 0.02
	done
}

# is_error CODE...: is `answer` one of these?
is_error() {
	local IFS='|' codes
	codes="$*"
	[[ ${answer:-} =~ \"type\":\ *\"error\" && $answer =~ \"code\":\ *($codes)[,}] ]]
}

assert_error() {
	is_error "$@" || faultline_fail "no error $*: ${answer:-no answer}"
}

# tell NODE BODY [SRC]: a message to which no answer is awaited, from whom one likes.
tell() {
	faultline_running tell && faultline_connect || return 1
	printf '{"src":"%s","dest":"%s","body":%s}\n' "${3:-bats}" "$1" "$2" >&"$faultline_fd"
}

# A connection for this shell: one in a subshell has its own, so that answers go to who asked.
faultline_connect() {
	[ "$faultline_connection" != "$BASHPID:$faultline_port" ] || return 0
	{ exec {faultline_fd}<>"/dev/tcp/127.0.0.1/$faultline_port"; } 2>/dev/null ||
		faultline_fail "cannot connect to the network:" "$(faultline_last_words netfault)" || return 1
	faultline_connection=$BASHPID:$faultline_port
}

# faultline_send KEY NODE BODY: the answer will be that of the key.
faultline_send() {
	faultline_connect || return 1
	faultline_msg_id=$((faultline_msg_id + 1))
	faultline_asked[$faultline_msg_id]=$1
	printf '{"src":"bats-%s","dest":"%s","body":{"msg_id":%d,%s}\n' "$BASHPID" "$2" "$faultline_msg_id" "${3#\{}" >&"$faultline_fd"
}

# faultline_collect SECONDS ENOUGH...: hears answers, into faultline_answers, until there are enough or the time is over.
faultline_collect() {
	# SECONDS may be about to turn.
	local end=$((SECONDS + $1 + 1)) line number enough=0
	shift
	faultline_answers=()
	until "$@"; do
		((SECONDS < end)) && [ -z "${BATS_INTERRUPTED:-}" ] &&
			read -r -t $((end - SECONDS)) -u "$faultline_fd" line || break
		# What comes for others was told by `tell`.
		[[ $line =~ \"dest\":\ *\"bats-$BASHPID\" && $line =~ \"in_reply_to\":\ *([0-9]+) ]] || continue
		number=${BASH_REMATCH[1]}
		[ -n "${faultline_asked[$number]:-}" ] || continue
		faultline_read_body "$line" "$number"
		faultline_answers[${faultline_asked[$number]}]=$faultline_body
		unset "faultline_asked[$number]"
	done
	"$@" || enough=1
	faultline_asked=()
	return $enough
}

faultline_all_answered() {
	[ ${#faultline_asked[@]} -eq 0 ]
}

# faultline_read_body LINE MSG_ID: into `faultline_body`, with the members in the order in which they came.
faultline_read_body() {
	local reply="\"in_reply_to\": *$2"
	if [[ $1 =~ ^\{\"src\":\ *\"[^\"]*\",\ *\"dest\":\ *\"[^\"]*\",\ *\"body\":\ *(\{.*\})\}$ ]]; then
		faultline_body=${BASH_REMATCH[1]}
		[[ ! ($faultline_body =~ ,\ *$reply || $faultline_body =~ $reply,\ *) ]] ||
			faultline_body=${faultline_body/"${BASH_REMATCH[0]}"/}
	else
		faultline_body=$(jq -c '.body | del(.in_reply_to)' <<<"$1") || true
	fi
}

# faultline_is_error KEY CODE...: is the answer one of these errors?
faultline_is_error() {
	local answer=${faultline_answers[$1]:-}
	is_error "${@:2}"
}

# ---- who leads ----

# cluster_wait_leader [NODE...]: until one says that it leads and answers a read, which takes a majority; or, of nodes that know no
# status, all do.  With names: until all of these say the same, and answer.  `leader` is its name, `followers` are the rest.
cluster_wait_leader() {
	local end=$((SECONDS + FAULTLINE_PATIENCE)) seconds=1 nodes=("$@") node
	faultline_running cluster_wait_leader || return 1
	until
		[ $# -gt 0 ] || faultline_running_nodes
		[ ${#nodes[@]} -gt 0 ] && faultline_poll "$seconds" faultline_led $# "${nodes[@]}"
	do
		[ -z "${BATS_INTERRUPTED:-}" ] || return 1
		[ ${#nodes[@]} -gt 0 ] || faultline_fail 'cluster_wait_leader: no node runs' || return 1
		((SECONDS < end)) ||
			faultline_fail "no leader within $FAULTLINE_PATIENCE s; what the nodes say:" "$(faultline_said "${nodes[@]}")" || return 1
		seconds=$((seconds * 2 < FAULTLINE_PATIENCE ? seconds * 2 : FAULTLINE_PATIENCE))
		sleep 0.02
	done
	followers=()
	for node in "${nodes[@]}"; do
		[ "$node" = "$leader" ] || followers+=("$node")
	done
}

# The nodes that run, into `nodes`.
faultline_running_nodes() {
	local names=() node lists='"nodes":\[(.*)\],"down":\[(.*)\]'
	nodes=()
	faultline_send nodes net '{"type":"nodes"}' && faultline_collect "$FAULTLINE_PATIENCE" faultline_all_answered || return 1
	[[ ${faultline_answers[nodes]} =~ $lists ]] || return 1
	IFS=, read -r -a names <<<"${BASH_REMATCH[1]//\"/}"
	for node in "${names[@]}"; do
		[[ ,${BASH_REMATCH[2]}, == *,\"$node\",* ]] || nodes+=("$node")
	done
}

# faultline_poll SECONDS ENOUGH COUNT NODE...: asks each node for its status, then a read.
faultline_poll() {
	local node
	for node in "${@:4}"; do
		faultline_send "status $node" "$node" '{"type":"status"}' &&
			faultline_send "read $node" "$node" '{"type":"read","key":""}' || return 1
	done
	faultline_collect "$1" "${@:2}"
}

faultline_led() {
	local named=$1 node other
	shift
	leader=
	for node; do
		other=$(faultline_leader_of "$node")
		if ((named)); then
			faultline_went_through "read $node" && [ "${leader:=$other}" = "$other" ] || return 1
		elif [ "$other" = "$node" ] && faultline_went_through "read $node"; then
			leader=$node
			return 0
		fi
	done
	((named)) && [ -n "$leader" ] || faultline_leaderless "$@"
}

faultline_leader_of() {
	[[ ! ${faultline_answers[status $1]:-} =~ \"leader\":\ *\"([^\"]*)\" ]] || echo "${BASH_REMATCH[1]}"
}

faultline_went_through() {
	[ -n "${faultline_answers[$1]:-}" ] && ! faultline_is_error "$1" 0 11 13
}

# Every one has answered the read, and none the status that came before it.
faultline_leaderless() {
	local node
	for node; do
		faultline_went_through "read $node" && [[ ! ${faultline_answers[status $node]:-} =~ \"status_ok\" ]] || return 1
	done
}

# What each node answered, a line each.
faultline_said() {
	local node
	for node; do
		printf '  %s: %s; a read: %s\n' "$node" "${faultline_answers[status $node]:-no status}" "${faultline_answers[read $node]:-no answer}"
		faultline_last_words "$node"
	done
}

# ---- the trace ----

# trace_mark: what trace_wait waits for comes after this.
trace_mark() {
	faultline_here trace_mark && faultline_running trace_mark && faultline_send mark net '{"type":"nodes"}' &&
		faultline_collect "$FAULTLINE_PATIENCE" faultline_all_answered || return 1
	faultline_mark="\"src\":\"bats-$BASHPID\",\"dest\":\"net\",\"body\":{\"msg_id\":$faultline_msg_id,"
}

# trace_wait PATTERN: until a line of the trace behind the mark, or the start, matches the extended regular expression;
# prints the first that does.
trace_wait() {
	faultline_running trace_wait || return 1
	eventually faultline_traced "$1" || faultline_fail "nothing in the trace matches $1 after $FAULTLINE_PATIENCE s"
}

faultline_traced() {
	grep -E -m 1 -e "$1" < <(mark=$faultline_mark awk 'BEGIN { behind = ENVIRON["mark"] == "" }
		behind
		index($0, ENVIRON["mark"]) { behind = 1 }' "$faultline_dir/trace" 2>/dev/null)
}

# ---- faults ----

# net FAULT...: as `kv net` has it.  Groups of a partition may be parted by a slash, which the shell does not take for itself.
net() {
	faultline_running net && client net "${@//\//|}"
}

# Without quotes `net partition n1 | n2,n3` is a pipe, into a command that is called as nodes are.
declare -F command_not_found_handle >/dev/null || command_not_found_handle() {
	local name IFS=,
	for name in $1 -; do
		[ "$name" != - ] || faultline_fail "$1: the shell took | for a pipe: write net partition ... / $1" || return 127
		grep -qx -- "$name" <<<"$(cluster_nodes 2>/dev/null)" || break
	done
	printf '%s: command not found\n' "$1" >&2
	return 127
}

node_crash() {
	net crash "$@"
}

node_restart() {
	net restart "$@"
}

node_pause() {
	net pause "$@"
}

node_resume() {
	net resume "$@"
}
