/*
 * number: logarithm, exponential, square root and the normal distribution's inverse, of nothing but + - * / and the
 * bits of an IEEE double: a libm differs from machine to machine in the last bit, and a seed must not.
 */
#include "lib/fault/inside.h"

#include <assert.h>
#include <string.h>

static uint64_t bits_of(double x)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof bits);
	return bits;
}

static double of_bits(uint64_t bits)
{
	double x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

#define LN2      0.693147180559945309417232121458
#define LN2_HIGH 0x1.62e42fee00000p-1                   /* its product with an exponent is exact */
#define LN2_LOW  (1.90821492927058770002e-10)

/*
 * x = 2^e * m, m in [sqrt(1/2), sqrt(2)); ln m = 2 (s + s^3/3 + s^5/5 ...) with s = (m - 1) / (m + 1), |s| < 0.172: the
 * first term left out is below 1e-18.
 */
double fault_log(double x)
{
	static const double odd[] = {
		1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21,
	};
	uint64_t bits = bits_of(x);
	int64_t e = (int64_t)(bits >> 52) - 1023;
	double m = of_bits((bits & UINT64_C(0xfffffffffffff)) | UINT64_C(1023) << 52);
	double s, z, sum = 0;

	assert(x >= 0x1p-1022 && e < 1024);
	if (m > 1.41421356237309504880) {
		m *= 0.5;
		e++;
	}
	s = (m - 1) / (m + 1);
	z = s * s;
	for (size_t i = sizeof odd / sizeof *odd; i-- > 0;)
		sum = (sum + odd[i]) * z;
	return (double)e * LN2_HIGH + (2 * s + (2 * s * sum + (double)e * LN2_LOW));
}

/* x = k ln 2 + r, |r| < 0.347; e^r by its series.  Beyond what a double holds, its bounds. */
double fault_exp(double x)
{
	static const double inverse[] = {       /* of the factorials */
		1, 1, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800,
		1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800,
	};
	int64_t k;
	double r, sum = 0;

	if (x > 709)
		x = 709;
	if (x < -708)
		return 0;
	k = (int64_t)(x / LN2 + (x < 0 ? -0.5 : 0.5));
	r = x - (double)k * LN2_HIGH - (double)k * LN2_LOW;
	for (size_t i = sizeof inverse / sizeof *inverse; i-- > 0;)
		sum = sum * r + inverse[i];
	return sum * of_bits((uint64_t)(k + 1023) << 52);
}

/* Heron's, from half the exponent: each step doubles the right digits, of which the first guess has one or more. */
double fault_sqrt(double x)
{
	double y;

	assert(x >= 0);
	if (x < 0x1p-1022)
		return 0;
	y = of_bits((bits_of(x) >> 1) + (UINT64_C(1023) << 51));
	for (int i = 0; i < 4; i++)
		y = 0.5 * (y + x / y);
	return y;
}

/* c[0] + c[1] x + ... + c[7] x^7 */
static double polynomial(const double c[8], double x)
{
	double sum = c[7];

	for (int i = 7; i-- > 0;)
		sum = sum * x + c[i];
	return sum;
}

/* Wichura: "Algorithm AS 241: The Percentage Points of the Normal Distribution", 1988, PPND16: right to 1e-16. */
double fault_normal(double p)
{
	static const double a[] = {
		3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
		4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3,
	};
	static const double b[] = {
		1, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
		2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3,
	};
	static const double c[] = {
		1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
		1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4,
	};
	static const double d[] = {
		1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
		1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9,
	};
	static const double e[] = {
		6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
		2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
	};
	static const double f[] = {
		1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
		7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15,
	};
	double q = p - 0.5, r, z;

	assert(p > 0 && p < 1);
	if (q >= -0.425 && q <= 0.425) {
		r = 0.180625 - q * q;
		return q * polynomial(a, r) / polynomial(b, r);
	}
	r = fault_sqrt(-fault_log(q < 0 ? p : 1 - p));
	z = r <= 5 ? polynomial(c, r - 1.6) / polynomial(d, r - 1.6) : polynomial(e, r - 5) / polynomial(f, r - 5);
	return q < 0 ? -z : z;
}
