/* report: what was measured, as a JSON object or as a table. */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

#include "lib/load/load.h"

#include <stdio.h>

/*
 * {"seconds":..,"ops":..,"ops_per_s":..,"unknown":..,"unanswered":..,"failed":..,"retries":..,"errors":{"CODE":COUNT},
 *  "gap_us":..,"all":{LATENCY},"read":{LATENCY},"write":{LATENCY},"cas":{LATENCY},...,
 *  "rate":..,"queued":..,"clients":..,"keys":..,"seed":..}
 * LATENCY: "ops":..,"p50_us":..,"p90_us":..,"p99_us":..,"p99.9_us":..,"max_us":..
 * Kinds that the mix has not are left out, and so are rate and queued of a closed loop.
 */
void report_json(FILE *, const struct load_options *, const struct load_result *);

void report_table(FILE *, const struct load_options *, const struct load_result *);

#endif
