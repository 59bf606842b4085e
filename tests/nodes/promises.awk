# promises: what nodes told each other, in a trace of netfault's (faultline-trace(5)), that they took back.
#
#     awk -f promises.awk TRACE
#
# Of Raft: two votes in a term; less of the log than was acknowledged in the term.  Of Paxos's log: a promise or an
# acceptance below a ballot that was promised.  Power that fails takes what was told before it was on the disk: so that shows
# at once, and not only where it was just this that others built on.  Exit 1, with a sentence, where there is such a one.
function text(key) {
	if (!match($0, "\"" key "\":\"[^\"]*\""))
		return ""
	return substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 5)
}

function number(key) {
	if (!match($0, "\"" key "\":[0-9]+"))
		return 0
	return substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3) + 0
}

# As 10,n2.
function ballot() {
	if (!match($0, /"ballot":\[[0-9]+,"[^"]*"\]/))
		return ""
	mine = substr($0, RSTART + 10, RLENGTH - 11)
	gsub(/"/, "", mine)
	return mine
}

function is_lower(a, b) {
	return a + 0 != b + 0 ? a + 0 < b + 0 : substr(a, index(a, ",")) < substr(b, index(b, ","))
}

function taken_back(what) {
	printf "trace: at %d ms: %s %s\n", number("at") / 1000000, text("src"), what
	exit bad = 1
}

!/"event":"send"/ { next }

/"type":"request_vote_ok".*"vote_granted":true/ && !/"pre_vote":true/ {
	to = text("dest")
	at = text("src") " " number("term")
	if (at in vote && vote[at] != to)
		taken_back("voted for " vote[at] " and then for " to " in term " number("term"))
	vote[at] = to
}

/"type":"append_entries_ok"/ {
	at = text("src") " " number("term")
	if (/"success":true/ && number("match_index") > has[at])
		has[at] = number("match_index")
	# The log's end and one, where the refusal is for its being short.
	if (/"conflict_index"/ && !/"conflict_term"/ && number("conflict_index") <= has[at])
		taken_back("acknowledged " has[at] " in term " number("term") ", and then has " number("conflict_index") - 1)
}

/"type":"(promise|accepted)"/ && !/"pre":true/ && !/"instance"/ {
	at = text("src")
	mine = ballot()
	if ((at in promised) && is_lower(mine, promised[at]))
		taken_back("promised " promised[at] ", and then answers to " mine)
	if (/"type":"promise"/)
		promised[at] = mine
}

END { exit bad }
