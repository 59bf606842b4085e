/*
 * record: see record.h
 *
 * CRC32C by the instruction of SSE4.2, eight bytes in three cycles, or by eight tables
 * ("slicing-by-8", Kounavis and Berry 2005) where the processor has none.
 */
#include "lib/store/record.h"
#include "lib/store/store.h"

#include <pthread.h>
#include <string.h>

/* x^32 + x^28 + ... + 1 of Castagnoli, bits reversed. */
#define POLYNOMIAL UINT32_C(0x82f63b78)

static uint32_t table[8][256];

static void make_tables(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		table[0][i] = crc;
	}
	for (int k = 1; k < 8; k++)
		for (uint32_t i = 0; i < 256; i++)
			table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xff];
}

uint32_t record_crc_software(uint32_t crc, const char *text, size_t n)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const unsigned char *p = (const unsigned char *)text;

	pthread_once(&once, make_tables);
	crc = ~crc;
	for (; n >= 8; p += 8, n -= 8) {
		crc ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
		crc = table[7][crc & 0xff] ^ table[6][crc >> 8 & 0xff] ^
			table[5][crc >> 16 & 0xff] ^ table[4][crc >> 24] ^
			table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
	}
	for (; n; p++, n--)
		crc = crc >> 8 ^ table[0][(crc ^ *p) & 0xff];
	return ~crc;
}

#ifdef __x86_64__
#include <nmmintrin.h>

__attribute__((target("sse4.2")))
static uint32_t crc_sse(uint32_t start, const char *p, size_t n)
{
	uint64_t crc = (uint32_t)~start, eight;
	uint32_t four;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&eight, p, 8);
		crc = _mm_crc32_u64(crc, eight);
	}
	if (n & 4) {
		memcpy(&four, p, 4);
		crc = _mm_crc32_u32((uint32_t)crc, four);
		p += 4;
	}
	for (n &= 3; n; p++, n--)
		crc = _mm_crc32_u8((uint32_t)crc, (unsigned char)*p);
	return ~(uint32_t)crc;
}

uint32_t record_crc_extend(uint32_t crc, const char *p, size_t n)
{
	return __builtin_cpu_supports("sse4.2") ? crc_sse(crc, p, n) : record_crc_software(crc, p, n);
}
#else
uint32_t record_crc_extend(uint32_t crc, const char *p, size_t n)
{
	return record_crc_software(crc, p, n);
}
#endif

uint32_t store_crc32c(const char *p, size_t n)
{
	return record_crc_extend(0, p, n);
}

void record_hex(char *out, uint32_t x)
{
	for (int i = 0; i < RECORD_CRC_BYTES; i++, x <<= 4)
		out[i] = "0123456789abcdef"[x >> 28];
}

void record_seal(char *line, size_t json_len)
{
	record_hex(line, store_crc32c(line + RECORD_HEAD_BYTES, json_len));
	line[RECORD_CRC_BYTES] = ' ';
	line[RECORD_HEAD_BYTES + json_len] = '\n';
}

bool record_whole(const char *line, size_t len)
{
	char crc[RECORD_CRC_BYTES];

	if (len <= RECORD_HEAD_BYTES || line[RECORD_CRC_BYTES] != ' ' || line[RECORD_HEAD_BYTES] != '{')
		return false;
	record_hex(crc, store_crc32c(line + RECORD_HEAD_BYTES, len - RECORD_HEAD_BYTES));
	return !memcmp(crc, line, sizeof(crc));
}

char *store_snapshot_line(char *out, const char *json, size_t len)
{
	memmove(out + RECORD_HEAD_BYTES, json, len);
	record_seal(out, len);
	return out + len + RECORD_EXTRA_BYTES;
}
