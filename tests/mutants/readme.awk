# readme.awk: the README with the table of RESULTS.md in it, shorter, between the comments that name `make mutants`.
#
#     awk -f tests/mutants/readme.awk tests/mutants/RESULTS.md README.md
BEGIN { FS = " [|] " }
FNR == NR {
	if (/^[|]/ && !/^[|] mutant |^[|]---/) {
		sub(/: .*/, "", $4)
		sub(/ [|]$/, "", $6)
		rows = rows "| " $2 " | " $4 " | " $5 " | " $6 " |\n"
		count++
	}
	next
}
/^<!-- end of make mutants -->$/ { within = 0 }
!within
/^<!-- make mutants fills in from here -->$/ {
	within = 1
	print "<details><summary>All " count ": what finds each, after how many seeds and seconds</summary>\n"
	printf "| the bug | found by | seeds | seconds |\n|---|---|---|---|\n%s\n</details>\n", rows
}
