# report: makes the tables of the bench from the facts that `run` wrote down.
#
#     awk -v md=0|1 -f report.awk facts.tsv
#
# One fact a line, fields parted by tabs:
#
#     H NAME VALUE                         a line of the head
#     V SECTION ID LABEL KEYS BASE         a variant; BASE is libmemcached on the same keys
#     R ID ROUND WALL CPU RSS STATUS       a run of it: seconds, seconds, KiB, exit status
#     X ID TEXT                            it is wrong or fails; once is enough
#     G ID KIND REF FACTOR TEXT            a goal: rate >= FACTOR x REF's (KIND rate), less its
#                                          time for one key (lookup), time <= FACTOR x REF's (time)
#     F SECTION LABEL VALUE OP WANTED      another figure; OP is "<=", ">=" or empty
#     M SECTION LABEL MOVED IDEAL EXCESS MOST    shares of the keys; MOST of excess, or empty
#     N SECTION TEXT                       a remark

BEGIN { FS = "\t"; OFS = "" }

$1 == "H" { head[++heads] = $2; headed[heads] = $3 }
$1 == "V" { see($2); v = ++variants; section[v] = $2; id[v] = $3; label[v] = $4; keys[$3] = $5; base[v] = $6 }
$1 == "R" { n = ++runs[$2]; wall[$2, n] = $4; cpu[$2, n] = $5; rss[$2, n] = $6 }
$1 == "X" && !($2 in wrong) { wrong[$2] = $3 }
$1 == "G" { g = ++goals; goal_id[g] = $2; kind[g] = $3; ref[g] = $4; factor[g] = $5; goal[g] = $6 }
$1 == "F" { see($2); f = ++figures; figure_in[f] = $2; figure[f] = $3; value[f] = $4; op[f] = $5; wanted[f] = $6 }
$1 == "M" { see($2); m = ++changes; change_in[m] = $2; change[m] = $3; moved[m] = $4; ideal[m] = $5; excess[m] = $6; most[m] = $7 }
$1 == "N" { see($2); r = ++remarks; remark_in[r] = $2; remark[r] = $3 }

END {
	for (i = 1; i <= heads; i++)
		print md ? "- " : "", head[i], ": ", headed[i]
	for (s = 1; s <= sections; s++) {
		print ""
		print md ? "## " : "== ", sections_at[s]
		print ""
		speeds(sections_at[s])
		others(sections_at[s])
		movements(sections_at[s])
		for (i = 1; i <= remarks; i++)
			if (remark_in[i] == sections_at[s])
				print md ? "- " : "", remark[i]
	}
	printf "\n%d goals met, %d missed, %d without a measurement\n", goals_met, goals_missed, unknown
}

function see(name)
{
	if (!(name in seen)) {
		seen[name] = 1
		sections_at[++sections] = name
	}
}

function median(of, name,    n, i, j, x, sorted)
{
	n = runs[name]
	for (i = 1; i <= n; i++) {
		x = of[name, i] + 0
		for (j = i - 1; j >= 1 && sorted[j] > x; j--)
			sorted[j + 1] = sorted[j]
		sorted[j + 1] = x
	}
	return n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
}

# Half of (slowest - fastest), in percent of the median.
function spread(name,    i, low, high)
{
	if (runs[name] < 2)
		return ""
	low = high = wall[name, 1] + 0
	for (i = 2; i <= runs[name]; i++) {
		if (wall[name, i] + 0 < low) low = wall[name, i] + 0
		if (wall[name, i] + 0 > high) high = wall[name, i] + 0
	}
	return sprintf("%.0f %%", 50 * (high - low) / median(wall, name))
}

function known(name) { return runs[name] > 0 && !(name in wrong) }
function rate(name) { return keys[name] / median(wall, name) / 1e6 }

# Keys a second once the ring is built: less the whole run of a single key.
function lookups(name,    t)
{
	t = median(wall, name) - median(wall, name ".one")
	return t > 0 ? keys[name] / t / 1e6 : 0
}

function verdict(got, how, want)
{
	if (how == "")
		return ""
	if (got !~ /^[0-9]+[.]?[0-9]*$/) {
		unknown++
		return "not measured"
	}
	got += 0
	want += 0
	if (how == ">=" ? got >= want : got <= want) {
		goals_met++
		return "met"
	}
	goals_missed++
	if (want == 0)
		return "missed"
	return sprintf("missed by %.1f %%", 100 * (got > want ? got - want : want - got) / want)
}

function judge(g,    name, got)
{
	name = goal_id[g]
	cell_measured = ""
	cell_verdict = "not measured"
	if (!known(name) || !known(ref[g]) || (kind[g] == "lookup" && !known(name ".one"))) {
		unknown++
		return
	}
	if (kind[g] == "time")
		got = (median(wall, name) / keys[name]) / (median(wall, ref[g]) / keys[ref[g]])
	else
		got = (kind[g] == "lookup" ? lookups(name) : rate(name)) / rate(ref[g])
	cell_measured = sprintf("%.2f x", got)
	cell_verdict = verdict(sprintf("%.6f", got), kind[g] == "time" ? "<=" : ">=", factor[g])
}

function speeds(in_section,    v, g, name, first)
{
	table("what|Mkeys/s|ns/key|spread|MB|x libmemcached|goal|measured|verdict", "lrrrrrlrl")
	for (v = 1; v <= variants; v++) {
		if (section[v] != in_section)
			continue
		name = id[v]
		if (!known(name)) {
			row(label[v] "|||||||" "|" (name in wrong ? wrong[name] : "not run"))
			first = 0
		} else if (keys[name] == 1) {
			first = sprintf("%s|||%s|%.1f||", label[v], spread(name), median(rss, name) / 1024)
			row(first "|" sprintf("%.3f s", median(wall, name)) "|")
			first = 0
		} else {
			first = sprintf("%s|%.2f|%.1f|%s|%.1f|%s", label[v], rate(name),
				median(cpu, name) / keys[name] * 1e9, spread(name), median(rss, name) / 1024,
				known(base[v]) ? sprintf("%.2f", rate(name) / rate(base[v])) : "")
		}
		for (g = 1; g <= goals; g++) {
			if (goal_id[g] != name)
				continue
			judge(g)
			row((first ? first : "|||||") "|" goal[g] "|" cell_measured "|" cell_verdict)
			first = 0
		}
		if (first)
			row(first "|||")
	}
	flush_table()
}

function others(in_section,    f)
{
	table("what|measured|goal|verdict", "lrll")
	for (f = 1; f <= figures; f++)
		if (figure_in[f] == in_section)
			row(figure[f] "|" value[f] "|" (op[f] == "" ? "" : op[f] " " wanted[f]) "|" \
			    verdict(value[f], op[f], wanted[f]))
	flush_table()
}

function movements(in_section,    m)
{
	table("nodes change|moved|ideal|excess|goal|verdict", "lrrrll")
	for (m = 1; m <= changes; m++)
		if (change_in[m] == in_section)
			row(change[m] "|" moved[m] "|" ideal[m] "|" excess[m] "|" (most[m] == "" ? "" : "excess " most[m]) "|" \
			    verdict(excess[m], most[m] == "" ? "" : "<=", most[m]))
	flush_table()
}

function table(names, how)
{
	rows = 0
	columns = split(names, cell, "|")
	for (c = 1; c <= columns; c++) {
		title[c] = cell[c]
		width[c] = length(cell[c])
		align[c] = substr(how, c, 1)
	}
}

function row(text,    c)
{
	rows++
	split(text, cell, "|")
	for (c = 1; c <= columns; c++) {
		grid[rows, c] = cell[c]
		if (length(cell[c]) > width[c])
			width[c] = length(cell[c])
	}
}

function pad(text, to, how)
{
	while (length(text) < to)
		text = how == "r" ? " " text : text " "
	return text
}

function line(r,    c, text, out)
{
	for (c = 1; c <= columns; c++) {
		text = r ? grid[r, c] : title[c]
		out = out (md ? "| " : (c > 1 ? "  " : "")) pad(text, width[c], align[c]) (md ? " " : "")
	}
	if (md)
		out = out "|"
	sub(/ +$/, "", out)
	print out
}

function rule(    c, dashes, out)
{
	for (c = 1; c <= columns; c++) {
		dashes = sprintf("%" (width[c] - (md && align[c] == "r")) "s", "")
		gsub(/ /, "-", dashes)
		out = out (md ? "| " dashes (align[c] == "r" ? ": " : " ") : (c > 1 ? "  " : "") dashes)
	}
	print out (md ? "|" : "")
}

function flush_table(    r)
{
	if (rows == 0)
		return
	line(0)
	rule()
	for (r = 1; r <= rows; r++)
		line(r)
	print ""
}
