# eventually: what every suite that waits has in common.

patience=${PATIENCE:-60}

# Tries a command every 20 ms until it succeeds, for so many seconds.
eventually() {
	local end=$((SECONDS + patience))
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.02
	done
}
