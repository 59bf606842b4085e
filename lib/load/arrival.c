/* arrival: see arrival.h */
#include "lib/load/arrival.h"
#include "lib/load/workload.h"

#include <math.h>

#define SECOND_MILLIONTHS UINT64_C(1000000000000000)

static void draw_next(struct arrival *a)
{
	double part = (double)((workload_random(&a->state) >> 11) + 1) * 0x1p-53;

	a->next_ns += (uint64_t)(-log(part) * ((double)SECOND_MILLIONTHS / (double)a->rate) + 0.5);
}

void arrival_init(struct arrival *a, uint64_t start_ns, uint64_t rate, bool poisson, uint64_t seed)
{
	*a = (struct arrival){ .next_ns = start_ns, .start_ns = start_ns, .rate = rate, .poisson = poisson, .state = seed };
	if (poisson)
		draw_next(a);
}

void arrival_advance(struct arrival *a)
{
	a->count++;
	if (a->poisson)
		draw_next(a);
	else    /* from the start, so that nothing is rounded twice */
		a->next_ns = a->start_ns + (uint64_t)((unsigned __int128)a->count * SECOND_MILLIONTHS / a->rate);
}

uint64_t arrival_count(const struct arrival *a, uint64_t before_ns)
{
	if (before_ns <= a->next_ns)
		return 0;
	return 1 + (uint64_t)((unsigned __int128)(before_ns - 1 - a->next_ns) * a->rate / SECOND_MILLIONTHS);
}
