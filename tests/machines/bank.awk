# bank: a state machine for raft-node --machine (faultline-machine(5)): five accounts with 100 each, and
# transfers between them.  Nothing is made and nothing lost: the total is 500 for ever.
#
#     {"from":"ann","to":"bob","amount":5}        {"ok":true,"from":95,"to":105}, or {"ok":false,"why":...}
#     {"balance":"ann"}                           95, or null if there is no such account
#     {"total":true}                              500
#
# mawk has to be told to read line by line: mawk -W interactive -f bank.awk.

BEGIN {
	count = split("ann bob cleo dan eve", names, " ")
	for (i = 1; i <= count; i++)
		balance[names[i]] = 100
}

# The text or number that a name stands before; "" if there is none.
function value(name,    text) {
	if (!match($0, "\"" name "\" *: *(\"[^\"]*\"|-?[0-9]+)"))
		return ""
	text = substr($0, RSTART, RLENGTH)
	sub(/^"[^"]*" *: *"?/, "", text)
	sub(/"$/, "", text)
	return text
}

function transfer(from, to, amount) {
	if (!(from in balance) || !(to in balance))
		return "{\"ok\":false,\"why\":\"no such account\"}"
	if (amount < 0 || amount > balance[from])
		return "{\"ok\":false,\"why\":\"not enough money\"}"
	balance[from] -= amount
	balance[to] += amount
	return "{\"ok\":true,\"from\":" balance[from] ",\"to\":" balance[to] "}"
}

# Always in the order of `names`: what awk's `in` goes through comes in any order.
function accounts(    text) {
	for (i = 1; i <= count; i++)
		text = text (i > 1 ? "," : "") "\"" names[i] "\":" balance[names[i]]
	return "{" text "}"
}

function total(    sum) {
	for (i = 1; i <= count; i++)
		sum += balance[names[i]]
	return sum
}

/^\{"snapshot"/ { answer = "{\"snapshot\":" accounts() "}" }
/^\{"restore"/ {
	for (i = 1; i <= count; i++)
		balance[names[i]] = value(names[i])
	answer = "{\"restored\":true}"
}
/^\{"index"/ {
	name = value("balance")
	if (name != "")
		answer = name in balance ? balance[name] : "null"
	else if ($0 ~ /"total"/)
		answer = total()
	else
		answer = transfer(value("from"), value("to"), value("amount") + 0)
}
{
	print answer
	fflush()
}
