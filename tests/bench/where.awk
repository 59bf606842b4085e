# where: the shares of `perf report --sort comm,sym`, gathered by what the functions do.
#
# One line a share: WHAT<TAB>PERCENT %.
/^#/ || !/%/ { next }
{
	share = $1 + 0
	comm = $2
	kernel = $3 == "[k]"
	name = $4
	if (comm == "kvload" || comm == "netfault") what = comm == "kvload" ? "kvload, the load" : "netfault, the network"
	else if (comm != "raft-node") what = comm == "swapper" ? "idle" : "others"
	else if (!kernel && name ~ /^(json_|wire_|skip_|place|scan|line_|memchr|__memchr|memmem|__GI___memmem|two_way)/) what = "raft-node: parse"
	else if (!kernel && name ~ /^(__mem|mem|buf_|json_escape|log_put|keep_text)/) what = "raft-node: copy"
	else if (!kernel && name ~ /^(apply|kv_|crypto_shorthash|records|table|session)/) what = "raft-node: apply"
	else if (!kernel && name ~ /^(crc|store_|record_)/) what = "raft-node: log record"
	else if (!kernel) what = "raft-node: the rest of it"
	else if (name ~ /ext4|jbd2|blk|bio|iowrite|virtio|fdatasync|folio|writepage|submit|journal|softirq/) what = "raft-node, kernel: flush"
	else if (name ~ /copy_|pipe|_copy|read|write/) what = "raft-node, kernel: pipes"
	else if (name ~ /sched|switch|futex|wake|_raw_spin|epoll|enqueue|dequeue/) what = "raft-node, kernel: switch"
	else what = "raft-node, kernel: the rest"
	sum[what] += share
}
END { for (what in sum) printf "%s\t%.1f %%\n", what, sum[what] | "sort" }
