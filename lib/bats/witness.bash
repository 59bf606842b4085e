#!/bin/bash
# witness: a client of netfault in virtual time that asks all nodes that run, when all else is over, what they have.
#
#     witness.bash NAME SECONDS FILE HISTORY NODE...
#
# Of each it wants the status, a read that takes a majority, its keys, and stale reads of all keys of the history.  The file has a
# line for each request: what is asked, and a tab; and another for the answer, with the message behind that.
name=$1 seconds=$2 file=$3 history=$4
shift 4
wait=10                 # for answers
asked=() left=0

# ask WHAT NODE BODY
ask() {
	asked+=("$1")
	left=$((left + 1))
	printf '%s\t\n' "$1" >>"$file"
	printf '{"src":"%s","dest":"%s","body":{"msg_id":%d,%s}\n' "$name" "$2" ${#asked[@]} "${3#\{}"
}

ask_network() {
	grep -o '"key":\("[^"]*"\|[^,}]*\)' "$history" | sort -u >"$file.keys"
	ask nodes net '{"type":"nodes"}'
}

ask_nodes() {
	local node key
	for node; do
		[[ ,$down, != *,\"$node\",* ]] || continue
		ask "status $node" "$node" '{"type":"status"}'
		ask "read $node" "$node" '{"type":"read","key":""}'
		ask "list $node" "$node" '{"type":"list","prefix":"","limit":1000,"stale":true}'
		while IFS= read -r key; do
			ask "$node $key" "$node" "{\"type\":\"read\",$key,\"stale\":true}"
		done <"$file.keys"
	done
}

# hear LINE NODE...
hear() {
	[[ $1 =~ \"in_reply_to\":\ *([0-9]+) && -n ${asked[BASH_REMATCH[1] - 1]:-} ]] || return
	printf '%s\t%s\n' "${asked[BASH_REMATCH[1] - 1]}" "$1" >>"$file"
	asked[BASH_REMATCH[1] - 1]=
	left=$((left - 1))
	[[ $1 =~ \"nodes_ok\".*\"down\":\[([^]]*)\] ]] || return
	down=${BASH_REMATCH[1]}
	ask_nodes "${@:2}"
}

: >"$file"
wake=$((seconds * 1000000000))
while IFS= read -r line; do
	now=${line#*:} now=${now%%,*}
	if ((now >= wake)); then
		[ ${#asked[@]} -eq 0 ] || exit 0
		ask_network
		wake=$((now + wait * 1000000000))
	else
		hear "{${line#*,}" "$@"
	fi
	((${#asked[@]} == 0 || left > 0)) || exit 0
	printf '{"src":"%s","dest":"net","body":{"type":"idle","wake":%d}}\n' "$name" $wake
done
