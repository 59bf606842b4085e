/* ring_rig: numbers drawn, and the instruction sets that this machine has, for the tests of lib/ring. */
#ifndef UNIT_RING_RIG_H
#define UNIT_RING_RIG_H

#include "lib/ring/algo.h"
#include "lib/ring/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static unsigned cpus[3];
static size_t cpus_n;

static uint64_t random_state = 1;

static inline uint64_t next_random(void)
{
	random_state += UINT64_C(0x9e3779b97f4a7c15);
	return mix64(random_state);
}

static inline void find_cpus(void)
{
	cpus[cpus_n++] = 0;
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		cpus[cpus_n++] = RING_CPU_AVX2;
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
		cpus[cpus_n++] = RING_CPU_AVX2 | RING_CPU_AVX512;
#endif
}

#endif
