/* filter: netfault with no nodes: one direction of a faulty wire, from stdin to stdout. */
#ifndef NET_FILTER_H
#define NET_FILTER_H

#include "lib/net/net.h"

/* Runs until stdin has ended and nothing is under way; or, as net_run, until then or a signal. */
enum exit_status filter_run(const struct net_options *);

#endif
