# bad: a state machine that counts its commands until one of them says how to fail: {"do":"crash"}, {"do":"kill"},
# {"do":"hang"}, {"do":"garbage"}, {"do":"twice"}, {"do":"long"}.  It gives no snapshots.
#
# mawk has to be told to read line by line: mawk -W interactive -f bad.awk.

/"crash"/ { exit 3 }
/"kill"/ { system("kill -KILL $PPID") }
/"hang"/ { system("sleep 30") }
/"garbage"/ { print "Segmentation fault"; fflush(); next }
/"twice"/ { print "1\n2"; fflush(); next }
/"long"/ {
	text = "0123456789abcdef"
	while (length(text) < 5000000)
		text = text text
	print "\"" text "\""
	fflush()
	next
}
/^\{"snapshot"/ { print "false"; fflush(); next }
{ print ++count; fflush() }
