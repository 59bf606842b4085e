/*
 * colour: what tells nodes apart.
 *
 * Twelve hues, chosen from 41 of Okabe-Ito's, Tol's and a few more so that the
 * least CIELAB distance of a pair is greatest with normal sight and with full
 * protanopia, deuteranopia and tritanopia; their lightness runs from 22 to 83.
 * Then the same hues darker, then lighter.
 */
#include "lib/draw/picture.h"

#include <stdio.h>

enum { HUES = 12, PAPER = 0xfc };

static const uint8_t hue[HUES][3] = {
	{ 0x44, 0x77, 0xaa }, { 0xe6, 0x9f, 0x00 }, { 0xaa, 0x33, 0x77 }, { 0xb5, 0xd9, 0x6b },
	{ 0x33, 0x22, 0x88 }, { 0x44, 0xaa, 0x99 }, { 0xd5, 0x5e, 0x00 }, { 0xc5, 0xa3, 0xe0 },
	{ 0x5c, 0x40, 0x33 }, { 0x9e, 0xda, 0xe5 }, { 0x7a, 0x4f, 0xbf }, { 0x9c, 0x75, 0x5f },
};

/* of 256 parts so many of `with` */
static int mix(int c, int with, int parts)
{
	return (c * (256 - parts) + with * parts + 128) / 256;
}

static void tone(uint32_t row, int rgb[3])
{
	uint32_t round = row / HUES % (COLOURS / HUES);

	for (int i = 0; i < 3; i++) {
		rgb[i] = hue[row % HUES][i];
		if (round == 1)
			rgb[i] = mix(rgb[i], 0, 96);
		else if (round == 2)
			rgb[i] = mix(rgb[i], 255, 112);
	}
}

static struct colour hex(const int rgb[3])
{
	struct colour c;

	snprintf(c.s, sizeof c.s, "#%02x%02x%02x", rgb[0] & 0xff, rgb[1] & 0xff, rgb[2] & 0xff);
	return c;
}

struct colour colour_of(uint32_t row)
{
	int rgb[3];

	tone(row, rgb);
	return hex(rgb);
}

struct colour colour_pale(uint32_t row)
{
	int rgb[3];

	tone(row, rgb);
	for (int i = 0; i < 3; i++)
		rgb[i] = mix(rgb[i], PAPER, 168);
	return hex(rgb);
}

struct colour colour_on(uint32_t row)
{
	static const int dark[3] = { 0x1a, 0x1a, 0x1a }, light[3] = { 255, 255, 255 };
	int rgb[3];

	tone(row, rgb);
	return hex(299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] > 140 * 1000 ? dark : light);
}
