/* zipf: see zipf.h */
#include "lib/load/zipf.h"
#include "lib/load/workload.h"

#include <math.h>

/* (exp(x) - 1) / x and log(1 + x) / x, which near 0 are 1: s near 1 needs no formulas of its own. */
static double exp_slope(double x)
{
	return fabs(x) > 1e-8 ? expm1(x) / x : 1 + x / 2;
}

static double log_slope(double x)
{
	return fabs(x) > 1e-8 ? log1p(x) / x : 1 - x / 2;
}

/* The integral of x^-s from 1 on, and its inverse. */
static double area(const struct zipf *z, double x)
{
	double log_x = log(x);

	return exp_slope((1 - z->s) * log_x) * log_x;
}

static double area_end(const struct zipf *z, double a)
{
	double t = a * (1 - z->s);

	/* Rounding may lead beyond what the logarithm takes. */
	return exp(log_slope(t < -1 ? -1 : t) * a);
}

static double height(const struct zipf *z, double x)
{
	return exp(-z->s * log(x));
}

void zipf_init(struct zipf *z, uint64_t n, double s)
{
	*z = (struct zipf){ .n = n, .s = s };
	z->first = area(z, 1.5) - 1;
	z->last = area(z, (double)n + 0.5);
	z->sure = 2 - area_end(z, area(z, 2.5) - height(z, 2));
}

uint64_t zipf_draw(const struct zipf *z, uint64_t *state)
{
	for (;;) {
		double part = (double)(workload_random(state) >> 11) * 0x1p-53;
		double a = z->last + part * (z->first - z->last), x = area_end(z, a);
		uint64_t k = x < 1 ? 1 : (uint64_t)(x + 0.5);

		if (k > z->n)
			k = z->n;
		if ((double)k - x <= z->sure || a >= area(z, (double)k + 0.5) - height(z, (double)k))
			return k;
	}
}
